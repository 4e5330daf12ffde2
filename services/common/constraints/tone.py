"""`tone`: how a reply sounds; formal, casual and simple can be verified by their signs, other tones cannot."""

from __future__ import annotations

import re

from services.common import text_measures as measure
from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import Kind
from services.common.languages import language_of

_CONTRACTION = re.compile(
    r"\b\w+(?:n['’]t|['’](?:re|ve|ll|m|d))\b|\b(?:it|that|there|here|what|let|he|she)['’]s\b", re.I
)
_SLANG = re.compile(r"\b(?:gonna|wanna|gotta|kinda|yeah|yep|nope|hey|cool|awesome|lol|btw|stuff|guys|folks)\b", re.I)


def _formal(text: str) -> bool:
    marks = "!" in text or any(measure.is_emoji(c) for c in text)
    return not (_CONTRACTION.search(text) or _SLANG.search(text) or marks)


def _casual(text: str) -> bool:
    return bool(_CONTRACTION.search(text) or _SLANG.search(text) or "!" in text)


def _simple(text: str) -> bool:
    tokens, count = measure.words(text), max(1, len(measure.sentences(text)))
    return not tokens or (sum(map(len, tokens)) / len(tokens) <= 5.2 and len(tokens) / count <= 20)


_APOLOGY = re.compile(
    r"\b(?:sorry|apolog\w+|regret|entschuldig\w*|tut uns leid|tut mir leid|désolée?s?|excuses?|excusez|lo siento"
    r"|lo sentimos|disculp\w*|perd[oó]n\w*)\b"
    r"|抱歉|对不起|歉意|不好意思|道歉",
    re.I,
)
_APOLOGIES = {"zh": "很抱歉。", "de": "Es tut uns leid. ", "fr": "Nous sommes désolés. ", "es": "Lo sentimos. "}


def _apologetic(text: str) -> bool:
    return _APOLOGY.search(text) is not None


def _rewrite(constraint: Constraint, text: str, message: str) -> str | None:
    if constraint.value not in _SIGNS or _SIGNS[constraint.value](text):
        return text
    if constraint.value == "apologetic":
        return _APOLOGIES.get(language_of(text), "We are sorry. ") + text
    return None


_SIGNS = {"apologetic": _apologetic, "formal": _formal, "casual": _casual, "simple": _simple}

TONE = Kind(
    "tone",
    lambda constraint, text: constraint.value not in _SIGNS or _SIGNS[constraint.value](text),
    description=lambda constraint: f"Use a {constraint.value} tone.",
    rewrite=_rewrite,
    rank=lambda constraint: 3,
    verifiable=lambda constraint: constraint.value in _SIGNS,
)
