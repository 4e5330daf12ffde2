"""A reply revised without a model: what it says is taken from the draft before, the evidence and the comment itself.

First what it says: corrected values, unwanted parts, what the comment tells or asks. Then how: of the whole and its
ever shorter versions the first one that meets most of the constraints.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from services.common.constraints import Constraint, check, in_order, rewrite, unwanted_phrase, wanted_phrase
from services.common.languages import language_of
from services.common.text_measures import HAN, HAN_CHARACTER, count_phrase, words
from services.generator.revision.comment_content import statements
from services.generator.revision.rule_edits import without_unwanted
from services.generator.revision.shortening import shorter_versions
from services.generator.revision.source_check import unsourced

_WRONG = re.compile(
    r"\b(?:wrong|incorrect|not (?:true|right|correct)|correct (?:that|it|this)|mistake|falsch|faux)\b|^not\b", re.I
)
_ONLY = re.compile(r"^\W*(?:just|only|nothing but|no more than)\b", re.I)
_SENTENCE = re.compile(r"\b(?:whole|full|complete|proper) sentences?\b|\bganze[nr]? s[aä]tze?\b", re.I)
_TITLED = re.compile(r"(?:Mr|Mrs|Ms|Dr|Herr|Frau|M|Mme|Sr|Sra)\.?\s+(?P<name>[A-Z][\w'’-]+)")
_FORMAL = {
    "n't": " not", "n’t": " not", "'re": " are", "’re": " are", "'ll": " will", "’ll": " will", "'ve": " have",
    "’ve": " have", "it's": "it is", "it’s": "it is", "I'm": "I am", "I’m": "I am",
}  # fmt: skip
_OPENINGS = {
    "en": "Happy to help! ", "de": "Gern! ",
    "fr": "Avec plaisir ! ", "es": "¡Con mucho gusto! ", "zh": "很高兴为您解答！"
}  # fmt: skip
_WARM = ("friendly", "polite", "cheerful", "enthusiastic", "warm")
_SHORT = 4  # words up to which a draft is a fragment that a sentence with the same value may take the place of
_COMMON = frozenset(
    "have from with that this your they their there what when where which will would can could should must does been "
    "were also only than then them these those into about over please make mention short words least more very much "
    "than come open long sentence reply answer write text leave".split()
)
"""Words that say nothing of what a sentence is about."""
_LEAST_SENTENCE = 3  # words of a sentence that is added
_VERSIONS = 40
_ADDED = 6
_MOST_PHRASE = 200
_STEM = 5
_HAN_RUN = re.compile(f"[{HAN}]+")


@dataclass(frozen=True, slots=True)
class Material:
    """What a revision may say beside the draft before: `answers` are sentences that answer the comment, the best first,
    `sentences` all of the turn's passages and facts; `question` is the message that the reply answers."""

    question: str = ""
    comment: str = ""
    answers: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """The texts that values may come from."""
        return (self.question, self.comment, *self.answers, *self.sentences)


@dataclass(frozen=True, slots=True)
class RuleRevision:
    """What rules make of a draft, how many of the constraints it misses, and whether its content was changed as the
    comment asks."""

    text: str
    missed: int
    served: bool


def revised(draft: str, constraints: Sequence[Constraint], material: Material, *, asks_more: bool) -> RuleRevision:
    """The draft as the constraints want it, as far as rules can. `asks_more`: the comment asks for more than the
    constraints say, which is looked for in the answers."""
    text = _replaced(draft, constraints, material.question)
    text = without_unwanted(text, constraints) or text
    text, served = _told(text, constraints, material)
    text = _with_phrases(text, constraints, material)
    served = served or any(one.kind == "replace" and check(one, text) for one in constraints)
    formal = any(one.kind == "format" or (one.kind == "length" and one.max is not None) for one in constraints)
    if asks_more and not served and not formal:
        text, served = _answered(text, constraints, material)
    text = _lengthened(text, constraints, material)
    best, least = draft, len(constraints) + 1
    for version in (text, *islice(shorter_versions(text, material.question), _VERSIONS)):
        shaped = _shaped(version, constraints, material)
        missed = _missed(constraints, shaped)
        if missed < least:
            best, least = shaped, missed
        if not least:
            break
    return RuleRevision(best, least, served)


def _missed(constraints: Sequence[Constraint], text: str) -> int:
    return sum(not check(constraint, text) for constraint in constraints)


# -- what it says ------------------------------------------------------------------------------------


def _replaced(text: str, constraints: Sequence[Constraint], question: str) -> str:
    for constraint in constraints:
        if constraint.kind == "replace":
            text = rewrite(constraint, text, question) or text
    return text


def _told(text: str, constraints: Sequence[Constraint], material: Material) -> tuple[str, bool]:
    """The text with what the comment tells; whether it told anything."""
    told = [sentence for sentence in statements(material.comment) if _allowed(sentence, constraints)]
    for sentence in told:
        if not _stems(sentence) <= _stems(text):
            text = _appended(text, sentence)
    return text, bool(told)


def _with_phrases(text: str, constraints: Sequence[Constraint], material: Material) -> str:
    """The text with the phrases that must be in it, each in a sentence that says what it is."""
    for constraint in constraints:
        if constraint.kind not in ("must_include", "keep", "replace") or constraint.unit or check(constraint, text):
            continue
        phrase = wanted_phrase(constraint)
        if not phrase or len(phrase) > _MOST_PHRASE:
            continue
        titled = _TITLED.fullmatch(phrase)
        if titled is not None:
            named = re.sub(rf"[A-Z][\w'’-]+\s+(?:[A-Z]\.\s+)?{re.escape(titled['name'])}\b", phrase, text)
            if check(constraint, named):
                text = named
                continue
        holding = [
            sentence for sentence in (*material.answers, *material.sentences) if _has_phrase(constraint, sentence)
        ]
        text = _with_best(text, holding, constraints, material)
    return text


def _has_phrase(constraint: Constraint, sentence: str) -> bool:
    """Whether a sentence has the phrase that a constraint wants, whatever else the constraint wants."""
    if constraint.kind == "replace":
        return count_phrase(wanted_phrase(constraint), sentence) > 0
    return check(constraint, sentence)


def _answered(text: str, constraints: Sequence[Constraint], material: Material) -> tuple[str, bool]:
    """The text with the answer to the comment, or as the comment says that it should be; whether anything changed."""
    if _SENTENCE.search(material.comment) and len(words(text)) <= _SHORT:
        saying = [sentence for sentence in material.sentences if not unsourced(text, [sentence])]
        whole = _with_best(text, saying, constraints, material)
        return whole, whole != text
    if _ONLY.match(material.comment):
        version = _only(text, material)
        return version, version != text
    fresh = [answer for answer in material.answers if answer not in text and _allowed(answer, constraints)]
    if not fresh:
        return text, False
    if _WRONG.search(material.comment) and not any(constraint.kind == "replace" for constraint in constraints):
        return " ".join(fresh), True
    for answer in fresh:
        text = _appended(text, answer)
    return text, True


def _only(text: str, material: Material) -> str:
    """The shortest version with all that the comment names of the text."""
    said = {word.casefold() for word in words(text)}
    named = {word.casefold() for word in words(material.comment)} & said
    versions = [text, *islice(shorter_versions(text, material.question), _VERSIONS)]
    return min((one for one in versions if named <= {word.casefold() for word in words(one)}), key=len)


def _lengthened(text: str, constraints: Sequence[Constraint], material: Material) -> str:
    """The text with further sentences of the evidence, until it is as long as it should be."""
    least = [constraint for constraint in constraints if constraint.kind == "length" and constraint.min is not None]
    about = _stems(text)
    related = [sentence for sentence in material.sentences if _stems(sentence) & (about | _stems(material.question))]
    if not related:
        return text
    for _ in range(_ADDED):
        if all(check(constraint, text) for constraint in least):
            break
        longer = _with_best(text, [one for one in related if one not in text], constraints, material)
        if longer == text:
            break
        text = longer
    return text


def _with_best(text: str, sentences: Sequence[str], constraints: Sequence[Constraint], material: Material) -> str:
    """The text with the sentence that has most to do with comment and question; of a fragment, the sentence in its
    place where it has the same values."""
    allowed = [
        sentence
        for sentence in sentences
        if sentence not in text and len(words(sentence)) >= _LEAST_SENTENCE and _allowed(sentence, constraints)
    ]
    if not allowed:
        return text
    asked, commented, said = _stems(material.question), _stems(material.comment), _stems(text)

    def near(sentence: str) -> float:
        stems = _stems(sentence)
        shared = 2 * len(stems & asked) + 2 * len(stems & commented) + len(stems & said)
        return shared / math.sqrt(4 + len(stems))

    best = max(allowed, key=near)
    if near(best) == 0:
        return text
    same_value = re.search(r"\d", text) is not None and not unsourced(text, [best])
    if len(words(text)) <= _SHORT and (same_value or said <= _stems(best)):
        return best
    return _appended(text, best)


def _allowed(sentence: str, constraints: Sequence[Constraint]) -> bool:
    """Whether the sentence has nothing that is unwanted."""
    return all(check(one, sentence) for one in constraints if one.kind == "must_not_include") and not any(
        count_phrase(unwanted_phrase(one), sentence)
        for one in constraints
        if one.kind == "replace" and unwanted_phrase(one)
    )


def _appended(text: str, sentence: str) -> str:
    text = text.rstrip()
    if not text:
        return sentence
    listed = "\n" in sentence or text.splitlines()[-1].lstrip().startswith(("-", "*", "•"))
    if text[-1] not in ".!?:…。！？”\"'" and not listed:
        text += "。" if HAN_CHARACTER.match(text[-1]) else "."
    joint = "\n" if listed else "" if text[-1] in "。！？" else " "
    return f"{text}{joint}{sentence}"


def _stems(text: str) -> set[str]:
    """What two texts on the same thing share: the beginnings of words, and of Chinese, which has no spaces, pairs of
    characters."""
    stems = {
        word[:_STEM] for word in words(text.casefold()) if (len(word) > 3 and word not in _COMMON) or word[:1].isdigit()
    }
    for run in _HAN_RUN.findall(text):
        stems |= {run[place : place + 2] for place in range(len(run) - 1)}
    return stems


# -- how it says it ----------------------------------------------------------------------------------


def _shaped(text: str, constraints: Sequence[Constraint], material: Material) -> str:
    """The text in the form that the constraints ask for, each as far as it breaks no other."""
    for constraint in in_order(constraints):
        if constraint.kind in ("must_include", "keep", "must_not_include", "replace"):
            continue
        for changed in _ways(text, constraint, constraints, material):
            if changed and _missed(constraints, changed) <= _missed(constraints, text):
                text = changed
                break
    return text


def _ways(
    text: str, constraint: Constraint, constraints: Sequence[Constraint], material: Material
) -> Iterator[str | None]:
    if constraint.kind == "tone":
        yield _toned(text, constraint.value, constraints)
    if constraint.kind == "format" and constraint.value == "prose" and not check(constraint, text):
        yield _enumerated(text)
    if constraint.kind == "end" and constraint.value[-1:].isalnum() and not check(constraint, text):
        yield rewrite(replace(constraint, value=f"{constraint.value}."), text, material.question)
    yield rewrite(constraint, text, material.question)


def _toned(text: str, tone: str, constraints: Sequence[Constraint]) -> str | None:
    """The text with the opening or the marks of a tone; None where there is no rule."""
    if tone == "formal":
        for short, full in _FORMAL.items():
            text = text.replace(short, full)
        return text.replace("can not", "cannot").replace("!", ".")
    if tone not in _WARM:
        return None
    opening = _OPENINGS.get(language_of(text), _OPENINGS["en"])
    softer = re.sub(r",?\s+or else\b", "; otherwise", text)
    softer = re.sub(r"(?<=\w)!", ".", softer) if tone == "polite" else softer
    if any(one.kind == "start" for one in constraints) or softer.startswith(opening):
        return softer
    return opening + softer


def _enumerated(text: str) -> str | None:
    """A list of short items as one sentence; None where the items are sentences."""
    lines = [re.sub(r"^\s*(?:[-*•·]|\d{1,3}[.)])\s*", "", line).strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or any(line[-1:] in ".!?:;。" or len(words(line)) > 8 for line in lines):
        return None
    first, *others = lines
    items = [first, *(line if line[:2].isupper() else line[:1].lower() + line[1:] for line in others)]
    language = language_of(text)
    if language == "zh":
        return "、".join(items) + "。"
    last = {"de": "und", "fr": "et", "es": "y"}.get(language, "and")
    return f"{', '.join(items[:-1])}, {last} {items[-1]}." if len(items) > 2 else f"{items[0]} {last} {items[1]}."
