"""How documents stand to each other in time: which is the newer, which takes another's place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Edition:
    """What a document says of its own age, stored with its source as `edition`.

    `effective` and `until` are days as YYYY-MM-DD. `basis` says where `effective` was read: "text" ("valid from …"),
    "front matter" or "metadata" (the day of the last change, which says least). `replaces` and `replaced_by` are the
    words by which it names other documents; `outdated`: it says of itself that it no longer holds.
    """

    effective: str = ""
    until: str = ""
    version: str = ""
    basis: str = ""
    words: str = ""
    replaces: tuple[str, ...] = ()
    replaced_by: str = ""
    outdated: bool = False

    @property
    def said(self) -> str:
        """The day from which the document itself says that it holds, "" where only its file knows a day."""
        return "" if self.basis == "metadata" else self.effective

    def stored(self) -> dict[str, Any]:
        """The record as the store keeps it: nothing that is empty."""
        record = {name: getattr(self, name) for name in self.__slots__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in record.items() if value}

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Edition:
        """The edition of a stored source; an empty one where nothing is known."""
        record = dict(source.get("edition") or {})
        record["replaces"] = tuple(record.get("replaces", ()))
        return cls(**{name: record[name] for name in cls.__slots__ if name in record})


@dataclass(frozen=True, slots=True)
class Dated:
    """A document with what it goes by and its edition."""

    name: str
    title: str
    edition: Edition


def supersedes(newer: Dated, older: Dated) -> bool:
    """True when one of the two says, in its own words, that `newer` takes the place of `older`."""
    if any(_names(words, older) for words in newer.edition.replaces):
        return True
    return bool(older.edition.replaced_by) and _names(older.edition.replaced_by, newer)


def prefer(first: Dated, second: Dated, today: str = "") -> int:
    """Which of two documents that contradict each other holds: -1 the first, 1 the second, 0 if nothing tells.

    What a document says of the other goes first, then what no longer holds (`today`, YYYY-MM-DD) or does not hold
    yet, then the later day. That a file was changed later than another's text came to hold says nothing.
    """
    if supersedes(first, second) != supersedes(second, first):
        return -1 if supersedes(first, second) else 1
    standing = [_ended(one.edition, today) for one in (first, second)]
    if standing[0] != standing[1]:
        return -1 if standing[1] else 1
    editions = (first.edition, second.edition)
    if not all(edition.effective for edition in editions) or editions[0].effective == editions[1].effective:
        return 0
    newer, older = sorted(editions, key=lambda edition: edition.effective, reverse=True)
    if newer.basis == "metadata" and older.basis != "metadata":
        return 0
    return -1 if newer is editions[0] else 1


def _ended(edition: Edition, today: str) -> bool:
    if edition.outdated or edition.replaced_by:
        return True
    if not today:
        return False
    future = edition.basis != "metadata" and bool(edition.effective) and edition.effective > today
    return future or (bool(edition.until) and edition.until < today)


def _names(words: str, document: Dated) -> bool:
    """True where words such as "the price list of 2024" name the document: all of its name's or title's are among
    them, or all of theirs among its."""
    said = _key(words)
    stem = document.name.rpartition("/")[2].rpartition(".")[0] or document.name
    for own in (_key(document.title), _key(stem)):
        if own and said and (own <= said or (len(said) >= 2 and said <= own)):
            return True
    return False


def _key(text: str) -> frozenset[str]:
    small = {
        "the",
        "a",
        "an",
        "of",
        "from",
        "dated",
        "our",
        "all",
        "earlier",
        "previous",
        "die",
        "der",
        "das",
        "vom",
        "von",
    }
    words = _WORDS.findall(text.casefold().replace("_", " "))
    return frozenset(word for word in words if word not in small)
