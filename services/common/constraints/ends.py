"""`start` and `end`: the phrase that a reply, or one of its paragraphs, begins with, and the one it ends with."""

from __future__ import annotations

import re

from services.common import text_measures as measure
from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import Kind, Wish, limit_kept

_OPENERS = "\"'“‘„«「*#_ "
_CLOSERS = "\"'”’»」*_ "
_GREETING = re.compile(
    r"(?:hello|hi|hey|dear|welcome|thanks?|thank you|happy|glad|great|good|sorry|sure|of course|hallo|guten|"
    r"liebe|bonjour|salut|chère?s?|hola|buen[oa]s|estimad[oa]s?)\b",
    re.I,
)
_SMALL = frozenset("the a an it this that these those you your we our they there in on at for from if when all".split())
"""Words that stand with a capital at a sentence's beginning alone."""
_STOPS = ".!?…。！？~～"


def _check_start(constraint: Constraint, text: str) -> bool:
    if constraint.unit == "paragraphs":
        parts = measure.paragraphs(text)
        k = constraint.min or 1
        return len(parts) >= k and _begins(parts[k - 1], constraint.value)
    return _begins(text, constraint.value)


def _plain(text: str) -> str:
    return " ".join(measure.comparable(text).replace("’", "'").split())


def _begins(text: str, phrase: str) -> bool:
    text, phrase = _plain(text).lstrip(_OPENERS), _plain(phrase)
    return measure.phrase_pattern(phrase.lstrip(_OPENERS) or phrase).match(text or " ") is not None


def _check_end(constraint: Constraint, text: str) -> bool:
    text, phrase = _plain(text).rstrip(_CLOSERS), _plain(constraint.value)
    phrase = phrase.rstrip(_CLOSERS) or phrase
    words = phrase.rstrip(_STOPS)
    if not words:
        return text.endswith(phrase)
    text = text.rstrip(_STOPS + _CLOSERS)
    matches = [match.end() for match in measure.phrase_pattern(words).finditer(text)]
    return bool(matches) and matches[-1] == len(text)


def _with_start(constraint: Constraint, text: str, message: str) -> str | None:
    if _check_start(constraint, text):
        return text
    if constraint.unit:
        return None
    joint = _joint(constraint.value)
    if joint == ", " and text.split(" ", 1)[0].lower() in _SMALL:
        text = text[:1].lower() + text[1:]
    return f"{constraint.value}{joint}{text}"


def _joint(phrase: str) -> str:
    """What stands between a phrase and the text that it opens."""
    if phrase[-1:] in "。！？：，、":
        return ""
    if phrase[-1:] in ".!?:,;…":
        return " "
    if measure.HAN_CHARACTER.match(phrase[-1:]):
        return "，"
    if re.match(r"dear\b", phrase, re.I):
        return ", "
    return "! " if _GREETING.match(phrase) else ": "


def _gap(text: str) -> str:
    return "" if text[-1:] in "。！？；" or measure.HAN_CHARACTER.match(text[-1:]) else " "


def _start_progress(constraint: Constraint, text: str, room: int) -> float:
    if not limit_kept(_check_start, constraint, text):
        return 0.0
    if constraint.unit:
        return 1.0
    written, phrase = text.lstrip().lower(), constraint.value.lower()
    return float(written.startswith(phrase) or phrase.startswith(written))


START = Kind(
    "start",
    _check_start,
    description=lambda constraint: f'Begin with "{constraint.value}".',
    wish=lambda constraint: Wish(wanted=constraint.value),
    slot=lambda constraint: "" if constraint.unit else "start",
    rewrite=_with_start,
    rank=lambda constraint: 3,
    progress=_start_progress,
)
END = Kind(
    "end",
    _check_end,
    description=lambda constraint: f'End with "{constraint.value}".',
    wish=lambda constraint: Wish(wanted=constraint.value),
    slot=lambda constraint: "end",
    rewrite=lambda constraint, text, message: (
        text if _check_end(constraint, text) else f"{text}{_gap(text)}{constraint.value}"
    ),
    rank=lambda constraint: 3,
)
