"""Words as questions and units are compared by them."""

from __future__ import annotations

import re

from services.common.text_measures import HAN
from services.knowledge.domain.text import terms

_LETTER = rf"[^\W{HAN}]"
_COMPOUND = re.compile(r"\w+(?:-\w+)+")


def stems(text: str) -> frozenset[str]:
    """The text's stems; a compound with a hyphen counts as written in one word too."""
    joined = "".join(f" {word.replace('-', '')}" for word in _COMPOUND.findall(text))
    return frozenset(terms(text + joined))


def stands(name: str, text: str) -> bool:
    """Whether the name stands in the text as whole words, in large or small letters."""
    return place_of(name, text) is not None


def place_of(name: str, text: str) -> re.Match[str] | None:
    """Where the name stands first in the text as whole words, in large or small letters; a Chinese character beside it
    belongs to no word of its."""
    return re.search(rf"(?<!{_LETTER}){re.escape(name)}(?!{_LETTER})", text, re.IGNORECASE)
