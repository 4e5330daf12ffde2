"""Which of a comment's constraints a revision does not meet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from services.cli.evaluation.matching import CHINESE, any_stands_in, normal, stands_in

_BULLET = r"^\s*[-*•·]\s*\S"
_NUMBER = r"^\s*(?:\d+[.)、．]|[(（]\d+[)）]|[一二三四五六七八九十]、)\s*\S"
_ITEMS = {"bullets": _BULLET, "numbered": _NUMBER}
_FREQUENT = {
    "en": "the a an and is are of for in to we you your on by with from until costs not can please "
    "after at it will our have",
    "de": "der die das und ist sind von für in zu wir sie ihr auf mit bis nicht kann bitte nach ab "
    "es wird unsere tage auf",
    "fr": "le la les et est sont de pour dans nous vous votre sur avec jusqu pas peut après il sera notre des un une",
    "es": "el la los y es son de para en nosotros usted su sobre con hasta no puede después por un una las",
}  # fmt: skip


def words(text: str) -> int:
    """How many words the text has; a list's marks are none."""
    text = re.sub(r"^\s*(?:[-*•]|\d+[.)、])\s+", "", text, flags=re.M)
    return len(re.findall(r"[^\W_]+(?:[-'’.,][^\W_]+)*", text))


def characters(text: str) -> int:
    """How many characters the text has; spaces are none."""
    return len(re.sub(r"\s", "", text))


def sentences(text: str) -> int:
    """How many sentences or lines the text has."""
    text = unicodedata.normalize("NFKC", re.sub(r"(?<=\d)\.(?=\d)", "", text).strip())
    return len([part for part in re.split(r"(?<=[.!?])\s+|(?<=[。!?])|\n+", text) if part.strip()])


def language(text: str) -> str:
    """The language whose frequent words the text has most of (en, de, fr, es, zh); empty where it has none."""
    if len(CHINESE.findall(text)) >= 3:
        return "zh"
    said = re.findall(r"[a-zäöüßéèêàçñ]+", text.lower())
    votes = {name: sum(word in frequent.split() for word in said) for name, frequent in _FREQUENT.items()}
    return max(votes, key=lambda name: votes[name]) if max(votes.values()) else ""


def _starts(text: str, wanted: str) -> bool:
    return normal(text).startswith(normal(wanted))


def _ends(text: str, wanted: str) -> bool:
    marks = " .!?。！？~"
    return normal(text).rstrip(marks).endswith(normal(wanted).rstrip(marks))


_TESTS: dict[str, Callable[[str, Any], bool]] = {
    "max_words": lambda text, most: words(text) <= most,
    "min_words": lambda text, least: words(text) >= least,
    "max_chars": lambda text, most: characters(text) <= most,
    "min_chars": lambda text, least: characters(text) >= least,
    "max_sentences": lambda text, most: sentences(text) <= most,
    "starts_with": _starts,
    "ends_with": _ends,
    "language": lambda text, wanted: language(text) == wanted,
}


def _has_form(text: str, form: str, least: int) -> bool:
    if form == "prose":
        return re.search(f"{_BULLET}|{_NUMBER}", text, re.M) is None
    return len(re.findall(_ITEMS.get(form, f"{_BULLET}|{_NUMBER}"), text, re.M)) >= least


def unmet(constraints: Mapping[str, Any], text: str, before: str) -> list[str]:
    """The names of the constraints that the text does not meet as a revision of `before`.

    A tone is left to a reader. Raises ValueError for a constraint that the form does not know.
    """
    size = characters if CHINESE.search(before) and CHINESE.search(text) else words
    missed: list[str] = []
    for name, value in constraints.items():
        if name == "must_include":
            choices = [item if isinstance(item, list) else [item] for item in value]
            missed += [f"must_include {choice}" for choice in choices if not any_stands_in(choice, text)]
        elif name == "must_not_include":
            there = [item for item in value if (stands_in(item, text) if normal(item) else item in text)]
            missed += [f"must_not_include {item}" for item in there]
        elif name in ("shorter", "longer", "changed", "format"):
            met = {
                "shorter": size(text) < size(before),
                "longer": size(text) > size(before),
                "changed": normal(text) != normal(before),
                "format": name != "format" or _has_form(text, value, constraints.get("min_items", 2)),
            }
            missed += [] if met[name] else [name]
        elif name in _TESTS:
            missed += [] if _TESTS[name](text, value) else [name]
        elif name not in ("min_items", "tone"):
            raise ValueError(f"unknown constraint {name!r}")
    return missed
