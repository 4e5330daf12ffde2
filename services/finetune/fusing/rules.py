"""Edits made by rule: a reply of the base model, what a reader may ask of it, and the reply that obeys."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.common import text_measures as measure
from services.common.constraints import Constraint
from services.finetune.fusing.phrasings import CLOSINGS, HEADINGS, OPENINGS, PHRASINGS

_STOP = frozenset(
    "the a an and or but of to in on at for with from by is are was were be been it its this that these those as can "
    "will would may they their there which what when who how not have has had you your we our he she his her also more "
    "most such into than then so if do does about some many other".split()
)


@dataclass(frozen=True)
class Example:
    """A prompt, the draft that a reader saw, what they said, what it means, and the reply that obeys.

    `kind` "praise": nothing is asked and the target is the draft itself.
    """

    kind: str
    prompt: str
    draft: str
    comment: str
    constraints: tuple[Constraint, ...]
    target: str
    source: str = ""  # the text that the target was made of, before the edit


Made = tuple[str, tuple[Constraint, ...], dict[str, object]]


def short(reply: str, words: int) -> str:
    """The reply's first sentences, as many as fit `words`; at least one."""
    kept: list[str] = []
    for sentence in measure.sentences(reply):
        if kept and sum(len(one.split()) for one in kept) + len(sentence.split()) > words:
            break
        kept.append(sentence)
    return " ".join(kept)


def content_words(text: str) -> list[str]:
    """Words of a text that mean something, each once."""
    return list(dict.fromkeys(w for w in re.findall(r"[A-Za-z]{4,}", text) if w.lower() not in _STOP))


def make(kind: str, prompt: str, draft: str, other: str, chance: random.Random) -> Example | None:
    """An example of one kind from two replies to the prompt; None where the rule does not fit them."""
    made = _RULES[kind](prompt, draft, other, chance)
    if made is None:
        return None
    target, constraints, values = made
    comment = chance.choice(PHRASINGS[kind]).format(**values)
    return Example(kind, prompt, draft, comment, constraints, target, other) if target.strip() else None


def _one(
    kind: str, value: str = "", unit: str = "", low: int | None = None, high: int | None = None
) -> tuple[Constraint]:
    return (Constraint(kind, value, unit, low, high, "comment"),)


def _include(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    text = short(other, chance.randint(35, 75))
    fresh = [w for w in content_words(text) if w.lower() not in draft.lower() and w.lower() not in prompt.lower()]
    if not fresh:
        return None
    word = chance.choice(fresh)
    return text, _one("must_include", word if chance.random() < 0.5 else word.lower()), {"x": word}


def _exclude(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    text = short(other, chance.randint(35, 75))
    gone = [w for w in content_words(draft) if w.lower() not in text.lower()]
    if not gone:
        return None
    word = chance.choice(gone)
    return text, _one("must_not_include", word), {"x": word}


def _quotation(prompt: str, draft: str, other: str, chance: random.Random) -> Made:
    text = short(other, chance.randint(30, 70)).replace('"', "'")
    return f'"{text}"', _one("format", "quotation"), {}


def _phrase(prompt: str, other: str, chance: random.Random) -> str:
    """Some phrase for an end: a stock one, or a few words of a reply."""
    words = short(other, 40).split()
    at = chance.randrange(max(1, len(words) - 6))
    return " ".join(words[at : at + chance.randint(3, 7)]).strip(' ,;:"')


def _end(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    phrase = chance.choice(CLOSINGS) if chance.random() < 0.6 else _phrase(prompt, other, chance) + "."
    return f"{short(other, chance.randint(25, 65))} {phrase}", _one("end", phrase), {"x": phrase}


def _start(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    phrase = chance.choice(OPENINGS) if chance.random() < 0.6 else _phrase(prompt, draft, chance)
    text = short(other, chance.randint(30, 70))
    if not phrase or not text:
        return None
    join = " " if phrase[-1] in ".:!?," else ", "
    return phrase + join + text, _one("start", phrase), {"x": phrase}


def _bullets(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    sentences = [s for s in measure.sentences(other) if 3 < len(s.split()) < 22]
    count = chance.randint(2, 6)
    if len(sentences) < count:
        count = len(sentences)
    if count < 2:
        return None
    lines = "\n".join("* " + re.sub(r"^[\d.*\-\s]+", "", one) for one in sentences[:count])
    return lines, _one("format", "bullets", low=count, high=count), {"n": count}


def _lower(prompt: str, draft: str, other: str, chance: random.Random) -> Made:
    return short(other, chance.randint(30, 70)).lower(), _one("case", "lower"), {}


def _upper(prompt: str, draft: str, other: str, chance: random.Random) -> Made:
    return short(other, chance.randint(12, 30)).upper(), _one("case", "upper"), {}


def _no_comma(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    text = short(other, chance.randint(30, 70))
    return (text.replace(",", ""), _one("punctuation", ",", high=0), {}) if "," in text else None


def _json(prompt: str, draft: str, other: str, chance: random.Random) -> Made:
    text = short(other, chance.randint(20, 50)).replace('"', "'")
    return json.dumps({chance.choice(("answer", "text", "response")): text}), _one("format", "json"), {}


def _headline(prompt: str) -> str:
    return " ".join(word.capitalize() for word in content_words(prompt)[:5]) or "Answer"


def _title(prompt: str, draft: str, other: str, chance: random.Random) -> Made:
    return f"<<{_headline(prompt)}>>\n\n{short(other, chance.randint(30, 65))}", _one("format", "title"), {}


def _highlights(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    text, count = short(other, chance.randint(35, 65)), chance.randint(1, 4)
    words = content_words(text)
    if len(words) < count:
        return None
    for word in chance.sample(words, count):
        text = re.sub(rf"\b{word}\b", f"*{word}*", text, count=1)
    return text, _one("format", "highlights", low=count), {"n": count}


def _sections(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    sentences, count, name = measure.sentences(other), chance.randint(2, 4), chance.choice(HEADINGS)
    if len(sentences) < count:
        return None
    text = "\n\n".join(f"{name} {at + 1}\n{sentences[at]}" for at in range(count))
    return text, _one("format", f"sections:{name}", low=count), {"n": count, "x": name}


def _one_of(prompt: str, draft: str, other: str, chance: random.Random) -> Made:
    options = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
    return chance.choice(options), _one("format", "one_of:" + "|".join(options)), {}


def _capital_words(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    text, count = short(other, chance.randint(30, 60)), chance.randint(1, 6)
    words = content_words(text)
    if len(words) < count:
        return None
    for word in words[:count]:
        text = re.sub(rf"\b{word}\b", word.upper(), text)
    return text, _one("case", "capital_words", low=count), {"n": count}


def _max_words(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    text = short(other, chance.randint(10, 60))
    most = len(re.findall(r"\w+", text))
    limit = most + chance.randint(1, 8)
    return (text, _one("length", "", "words", high=limit), {"n": limit}) if most <= 75 else None


def _max_sentences(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    count = chance.randint(1, 4)
    kept = measure.sentences(other)[:count]
    text = " ".join(kept)
    return (text, _one("length", "", "sentences", high=count), {"n": count}) if len(text.split()) < 80 else None


def _postscript(prompt: str, draft: str, other: str, chance: random.Random) -> Made | None:
    sentences = measure.sentences(draft)
    last = chance.choice(sentences) if sentences else ""
    text = short(other, chance.randint(30, 60))
    return (f"{text}\n\nP.S. {last}", _one("format", "postscript"), {}) if 3 < len(last.split()) < 25 else None


def _praise(prompt: str, draft: str, other: str, chance: random.Random) -> Made:
    return draft, (), {}


Rule = Callable[[str, str, str, random.Random], Made | None]
_RULES: dict[str, Rule] = {
    "include": _include, "exclude": _exclude, "quotation": _quotation, "end": _end, "start": _start,
    "bullets": _bullets, "lower": _lower, "upper": _upper, "no_comma": _no_comma, "json": _json, "title": _title,
    "highlights": _highlights, "sections": _sections, "one_of": _one_of, "capital_words": _capital_words,
    "max_words": _max_words, "max_sentences": _max_sentences, "postscript": _postscript, "praise": _praise,
}  # fmt: skip
KINDS: Sequence[str] = tuple(_RULES)
_WEIGHTS = {"include": 3.0, "exclude": 2.0, "end": 2.0, "start": 1.5, "one_of": 0.4, "sections": 0.6, "json": 0.6}


def examples(replies: Sequence[tuple[str, str, str]], count: int, seed: int) -> list[Example]:
    """`count` examples at most from (prompt, draft, another reply) triples, kinds drawn by weight."""
    chance = random.Random(seed)
    weights = [_WEIGHTS.get(kind, 1.0) for kind in KINDS]
    made: list[Example] = []
    for _ in range(count):
        one = make(chance.choices(KINDS, weights)[0], *chance.choice(replies), chance)
        if one is not None:
            made.append(one)
    return made
