"""Words as questions and units are compared by them."""

from __future__ import annotations

import re

from services.knowledge.domain.text import terms

_COMPOUND = re.compile(r"\w+(?:-\w+)+")


def stems(text: str) -> frozenset[str]:
    """The text's stems; a compound with a hyphen counts as written in one word too."""
    joined = "".join(f" {word.replace('-', '')}" for word in _COMPOUND.findall(text))
    return frozenset(terms(text + joined))


def stands(name: str, text: str) -> bool:
    """Whether the name stands in the text as whole words, in large or small letters."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None
