"""Clauses of a comment that deny a wish: they are taken out before anything else reads the comment.

"It is not too long", "no need for bullet points" and "it's fine to mention parking" ask for nothing; "don't make it
longer" sets a bound at the draft's length; "don't remove the price" asks to keep it. Read as the wishes whose words
they hold, all of them would make a revision do the opposite. A clause that asks for nothing is reported as not
understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from services.common.constraints import Constraint
from services.common.text_measures import count_phrase, count_words, words
from services.tracker.domain.feedback.grammar import SOURCE
from services.tracker.domain.feedback.phrases import COUNT, Quotes, phrases
from services.tracker.domain.feedback.voice_words import OPPOSITES
from services.tracker.domain.words import STOP

_QUOTED = re.compile(
    r"\"[^\"\n]{0,400}\"|“[^”\n]{0,400}”|„[^“”\n]{0,400}[“”]|«[^»\n]{0,400}»|(?<!\w)'[^'\n]{1,400}'(?!\w)"
)
_ORDER = (
    r"(?:make|mention|add|include|remove|keep|say|use|write|give|tell|start|begin|end|put|leave|drop|explain|shorten|"
    r"focus|answer|reply|translate|list|state|avoid|be|i (?:want|need|would|just|only)|i['’]d|it should|you should)\b"
)
_SENTENCE = re.compile(r"[.;!?]+(?=\s|$)|\n+|\s+[–—]\s+|,?\s+(?:but|however|though)\b,?")
_CLAUSE = re.compile(
    rf"{_SENTENCE.pattern}|,\s*(?:and\s+)?(?:please\s+)?(?=(?:just|only|rather|instead|also|then|{_ORDER}))"
    rf"|\s+and\s+(?:please\s+)?(?={_ORDER})",
    re.I,
)
_NEVER = (
    r"(?:do(?:es)?\s?n['’]?t|do(?:es)? not|never|must(?:n['’]?t| not)|should(?:n['’]?t| not)|may not|can(?:['’]?t"
    r"|not| not)|"
    r"need not|not to|please not|wo(?:n['’]?t)|will not|without)"
)
_SO = re.compile(r"\b(?:so|this|that|quite so|as)\s+(?:\w+ly\s+)?\w+", re.I)
_FAULT = "|".join(
    sorted(
        {*OPPOSITES, "long", "lengthy", "wordy", "verbose", "long-winded", "boring", "confusing", "rambling", "curt",
         "unfriendly", "impolite", "vague", "bad", "unclear", "unhelpful", "repetitive"}
        - {"friendly", "simple", "formal", "professional", "casual", "enthusiastic", "humorous", "serious"},
        key=len, reverse=True,
    )
)  # fmt: skip
_IS = r"(?:is|['’]s|was|are|were|['’]re|looks?|seems?|feels?|sounds?|reads?|came out|turned out)"
_NOT = (
    r"(?:n['’]?t| not| never| hardly| by no means| in no way| far from(?: being)?| nowhere near| anything but"
    r"| not at all)"
)
_DEGREE = r"(?:(?:at all|really|actually|exactly|all that|even|in any way|in the least|particularly|especially)\s+)*"
_MORE_TEXT = (
    r"(?:(?:any|some|a lot|much)\s+)?(?:more|further|additional|extra)\s+(?:details?|information|info|text"
    r"|explanations?|context|depth|words|sentences)"
)
_FORM = (
    r"(?:(?:any|a|an|the|it as an?|it in)\s+)*(?:bullets?|bullet[- ]?points?|(?:numbered |bulleted |bullet )?lists?"
    r"|titles?|"
    r"tables?|headings?|headlines?|sections?|json|markdown|emojis?|postscript|p\.?s\.?|quotation marks|capitals?|"
    r"capital letters)"
)
_UNNEEDED = re.compile(
    r"\bno (?:need|reason|cause|point) (?:to|for|of|in)\b"
    r"|\b(?:do|does|did)(?:\s?n['’]?t| not) (?:\w+ly |even )?(?:have|need) to\b"
    r"|\bneed(?:n['’]?t| not)\b"
    r"|(?:\b(?:is|are|was)(?:n['’]?t| not)|['’]s not|['’]re not) (?:\w+ly )?(?:necessary|needed|required|essential"
    r"|a must)\b"
    r"|\bun(?:necessary|needed) to\b|\bnot (?:required|obliged|necessary) to\b"
    r"|\b(?:do|does)(?:\s?n['’]?t| not) (?:bother|require)\b"
    rf"|\b(?:do|does)(?:\s?n['’]?t| not) (?:\w+ly |even )?need (?:{_MORE_TEXT}|{_FORM}|(?:it "
    rf"|this )?(?:to be )?(?:longer|shorter))\b",
    re.I,
)
_PRAISED = re.compile(
    rf"\b\w*{_IS}{_NOT}\s+{_DEGREE}(?:(?:too|overly|excessively|unduly)\s+[\w-]+|(?:{_FAULT})\b(?!\s+enough))"
    rf"|\b(?:do|does|did)(?:\s?n['’]?t| not) (?:look|sound|seem|feel|read)\s+{_DEGREE}(?:(?:too|overly)\s+[\w-]+"
    rf"|(?:{_FAULT})\b)",
    re.I,
)
_UNSAID = re.compile(
    r"\b(?:do(?:\s?n['’]?t| not)|would(?:\s?n['’]?t| not)|did(?:\s?n['’]?t| not)|never|nobody|no one|not"
    r"|isn['’]?t)\s+"
    r"(?:\w+ly |ever |that )?(?:think|say|said|saying|find|found|feel|felt|mean|meant|complain\w*|claim\w*|believe|"
    r"suggest\w*|asking|ask|i (?:want|need))\b[^,;:]{0,40}?"
    rf"\b(?:(?:too|overly)\s+[\w-]+|shorter|longer|briefer|{_MORE_TEXT}|(?:{_FAULT})\b)",
    re.I,
)
_ALLOWED = re.compile(
    r"\b(?:it['’]?s|it is|that['’]?s|that is|would be|i['’]?m|i am)\s+(?:perfectly |totally |quite "
    r"|absolutely )?(?:fine|ok|"
    r"okay|all right|alright|no problem|acceptable|happy)\s+(?:with me |by me )?(?:to|if|for|with)\b|\bi (?:do not"
    r"|don['’]?t) mind\b",
    re.I,
)
_IT = r"(?:it|this|that|things|your \w+|the \w+|them)"
_ANY = r"(?:any |even |much |a lot |a bit |a little |significantly |considerably |become |get |be |grow )*"
_NOT_LONGER = re.compile(
    rf"\b{_NEVER}\s+(?:\w+ly )?(?:(?:make|making|want|let|get|getting|have|need|write|be"
    rf"|become)\s+(?:{_IT}\s+)?(?:to\s+)?{_ANY}"
    r"(?:longer|lengthier|bigger|more detailed|wordier|more verbose)\b(?!\s+than)"
    rf"|(?:lengthen|expand|extend|elaborat|pad|inflat)(?:e|ing)?\b(?:\s+(?:on\s+)?{_IT})?"
    r"|(?:say|add|write|give me|saying|adding)\s+(?:any\s+)?(?:more(?:\s+(?:text|words|details?|sentences))?"
    r"|anything else)\s*$)",
    re.I,
)
_NOT_SHORTER = re.compile(
    rf"\b{_NEVER}\s+(?:\w+ly )?(?:(?:make|making|want|let|get|getting|have|need|write|be"
    rf"|become)\s+(?:{_IT}\s+)?(?:to\s+)?{_ANY}"
    r"(?:shorter|briefer|more concise|terser|smaller)\b(?!\s+than)"
    rf"|(?:shorten|condens|trim|abridg|compress|summari[sz])(?:e|ing)?\b(?:\s+{_IT})?(?:\s+down)?"
    rf"|(?:cut|cutting)\s+(?:it|this|that|the (?:reply|answer|text|response))(?:\s+(?:down|short))?\s*$)",
    re.I,
)
_REMOVE = (
    r"(?:remov(?:e|ing)|delet(?:e|ing)|drop(?:ping)?|cut(?:ting)?(?: out)?|eras(?:e|ing)|los(?:e|ing)"
    r"|strip(?:ping)?(?: out)?|"
    r"tak(?:e|ing) out|get(?:ting)? rid of|throw(?:ing)? out|scrap(?:ping)?|kill|discard(?:ing)?)"
)
_OMIT = r"(?:exclud(?:e|ing)|omit(?:ting)?|leav(?:e|ing) out|skip(?:ping)?|overlook(?:ing)?|neglect(?:ing)?)"
_UNWANTED = re.compile(
    rf"\b(?:(?:do|does|did)(?:\s?n['’]?t| not) (?:want|like|use|write|make|give me|turn (?:it|this) into|put (?:it"
    rf"|this) in(?:to)?|"
    rf"answer (?:in|with|as))|never (?:use|write)|not (?:as|in)|without|instead of"
    rf"|rather than)\s+(?P<form>{_FORM})\b",
    re.I,
)
_KEPT = re.compile(rf"\b{_NEVER}\s+(?:\w+ly )?(?P<verb>{_REMOVE}|{_OMIT})\s+(?P<target>[^.;!?\n]{{1,120}})", re.I)
_KEPT_APART = re.compile(
    rf"\b{_NEVER}\s+(?:\w+ly )?(?:leave|take|cut|keep)\s+(?P<target>[^.;!?\n,]{{1,60}}?)\s+(?P<verb>out|away)\b", re.I
)
_ABOUT = re.compile(
    r"^(?:the\s+)?(?:parts?|bits?|sentences?|lines?|mentions?|sections?)\s+(?:about|with|on|of|that says?)\s+", re.I
)
_EVERYTHING = re.compile(
    r"^(?:anything|everything|a thing|it|this|that|them|any(?: of)?\b.*|too much|much|more|words?)$", re.I
)


@dataclass(slots=True)
class Denials:
    """What the denying clauses ask for, those that ask for nothing, and the comment without all of them."""

    constraints: list[Constraint] = field(default_factory=list)
    unparsed: list[str] = field(default_factory=list)
    rest: str = ""


def take_denials(comment: str, draft: str) -> Denials:
    """Reads the clauses that deny a wish and takes them out of the comment."""
    denials = Denials(rest=comment)
    for split, readers in ((_SENTENCE, _WHOLE_SENTENCES), (_CLAUSE, _CLAUSES)):
        text = denials.rest
        masked = _QUOTED.sub(lambda match: match[0][0] + "q" * (len(match[0]) - 2) + match[0][-1], text)
        kept: list[str] = []
        at = 0
        for start, end in _clauses(masked, split):
            clause, shown = masked[start:end], text[start:end]
            taken = _taken(clause, shown, draft, readers)
            if taken is None:
                continue
            first, constraints = taken
            denials.constraints += constraints
            if not constraints:
                denials.unparsed.append(" ".join(shown.split())[:200])
            kept.append(text[at : start + first])
            at = end
        denials.rest = "".join([*kept, text[at:]])
    if not re.search(r"\w\w", denials.rest):
        denials.rest = ""
    return denials


def _clauses(masked: str, split: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for match in split.finditer(masked):
        yield start, match.start()
        start = match.end()
    yield start, len(masked)


_Reader = Callable[[str, str, str], "tuple[int, list[Constraint]] | None"]
"""From a clause with its quotes hidden, the clause as it stands and the draft to where the denial begins and what it
asks for."""


def _taken(clause: str, shown: str, draft: str, readers: tuple[_Reader, ...]) -> tuple[int, list[Constraint]] | None:
    for read in readers:
        if (taken := read(clause, shown, draft)) is not None:
            return taken
    return None


def _unneeded(clause: str, shown: str, draft: str) -> tuple[int, list[Constraint]] | None:
    """A wish that need not be granted; "it doesn't have to be so long" is a complaint, and "no need for the word
    cheap" names a word to leave out."""
    match = _UNNEEDED.search(clause)
    if match is None or _SO.search(clause, match.end()):
        return None
    names_word = shown != clause or re.search(r"\b(?:word|phrase|term)\b", clause[match.end() :], re.I)
    if names_word and match[0].lower().startswith("no "):
        return None
    return match.start(), []


def _praised(clause: str, shown: str, draft: str) -> tuple[int, list[Constraint]] | None:
    match = _PRAISED.search(clause) or _UNSAID.search(clause)
    if match is None or re.search(rf"\bthan\s+{COUNT}\b", clause[match.start() :], re.I):
        return None
    return match.start(), []


def _allowed(clause: str, shown: str, draft: str) -> tuple[int, list[Constraint]] | None:
    match = _ALLOWED.search(clause)
    return (match.start(), []) if match else None


def _not_longer(clause: str, shown: str, draft: str) -> tuple[int, list[Constraint]] | None:
    match = _NOT_LONGER.search(clause)
    if match is None or _SO.search(match[0]) or _names_amount(clause, match):
        return None
    most = count_words(draft)[1]
    return match.start(), [Constraint("length", "", "words", None, most, SOURCE)] if most else []


def _not_shorter(clause: str, shown: str, draft: str) -> tuple[int, list[Constraint]] | None:
    match = _NOT_SHORTER.search(clause)
    if match is None or _names_amount(clause, match):
        return None
    fewest = count_words(draft)[0]
    return match.start(), [Constraint("length", "", "words", fewest, None, SOURCE)] if fewest else []


def _names_amount(clause: str, match: re.Match[str]) -> bool:
    return (
        re.search(
            rf"\b(?:than|to|below|under"
            rf"|beyond)\s+(?:\w+ )?{COUNT}\b",
            clause[match.end() :],
            re.I,
        )
        is not None
    )


def _unwanted(clause: str, shown: str, draft: str) -> tuple[int, list[Constraint]] | None:
    """A form that is refused: instead of a list comes prose, instead of others nothing."""
    match = _UNWANTED.search(clause)
    if match is None or re.search(r"capital|markdown|emoji|quotation|p\.?s", match["form"], re.I):
        return None
    is_list = re.search(r"bullet|list", match["form"], re.I)
    return match.start(), [Constraint("format", "prose", source=SOURCE)] if is_list else []


def _kept(clause: str, shown: str, draft: str) -> tuple[int, list[Constraint]] | None:
    """What must not be left out: it stays as the draft has it, or comes in."""
    match = _KEPT.search(clause) or _KEPT_APART.search(clause)
    if match is None:
        return None
    target = shown[match.start("target") : match.end("target")]
    quotes = Quotes(_ABOUT.sub("", target.strip()))
    if _EVERYTHING.match(quotes.text.strip()):
        return match.start(), []
    named, _ = phrases(quotes.text, quotes)
    omitted = re.match(_OMIT, match["verb"], re.I) is not None or match["verb"].lower() in (
        "out",
        "away",
    )
    constraints: list[Constraint] = []
    for phrase in named:
        constraints += _held(phrase, draft, omitted)
    return match.start(), constraints


def _held(phrase: str, draft: str, omitted: bool) -> list[Constraint]:
    """The phrase, or those of its words that the draft has; where it has none and they were only to be mentioned, the
    phrase is to come in."""
    if count_phrase(phrase, draft):
        return [Constraint("keep", phrase, source=SOURCE)]
    said = {word.lower(): word for word in words(draft)}
    alike = [said[word.lower()] for word in words(phrase) if word.lower() in said and word.lower() not in STOP]
    if alike:
        return [Constraint("keep", word, source=SOURCE) for word in dict.fromkeys(alike)]
    return [Constraint("must_include", phrase, source=SOURCE)] if omitted else []


_WHOLE_SENTENCES: tuple[_Reader, ...] = (_unneeded, _praised, _allowed)
_CLAUSES: tuple[_Reader, ...] = (_not_longer, _not_shorter, _unwanted, _kept)
