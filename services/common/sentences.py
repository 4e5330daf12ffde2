"""Where sentences end: the one place that splits text into sentences, for counting, editing and quoting alike.

Western marks end a sentence before white space, marks of scripts that write without spaces end it wherever they stand.
Every function is linear in its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

SPACED_STOPS = ".!?…"
"""Marks that end a sentence where white space follows."""
UNSPACED_STOPS = "。！？｡।॥؟۔։።។"
"""Marks that end a sentence wherever they stand."""
CLAUSE_STOPS = "；"
"""A mark that ends a sentence by some, and a clause by others."""
LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""Where `str.splitlines` parts lines."""
_CLOSERS = "\"'”’)\\]*_"
_UNSPACED_CLOSERS = "」』”’）》"
_ABBREVIATION = re.compile(
    r"\b(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|inc|ltd|no|fig|approx|dept|jr|sr|co|a\.m|p\.m|z\.b|bzw|ca|nr|sra|"
    r"[a-z])\.$",
    re.I,
)
_TITLE = re.compile(
    r"\b(?:mr|mrs|ms|dr|prof|st|vs|e\.g|i\.e|p\.s|fig|approx|dept|z\.b|bzw|ca|nr|sra|(?<!\.)[a-z])\.$", re.I
)
"""What a sentence never ends with; the other abbreviations end one where a capital letter follows."""
_LONGEST_ABBREVIATION = 12
_END = re.compile(
    rf"(?<![.!?])[.!?]++[{_CLOSERS}]*+(?=\s|$)|[{UNSPACED_STOPS}{CLAUSE_STOPS}]++[{_UNSPACED_CLOSERS}]*+|…(?=\s|$)"
)
_NUMBERED = re.compile(r"\s*\(?\d{1,3}[.)、]")
_MARKER = re.compile(r"^\s*\(?\d{1,3}[.)]\s*")
_LETTER = re.compile(r"[^\W_]")
# by regex: early releases of Python 3.11 lose text to a possessive group
_PIECE = regex.compile(
    rf"(?:[^{SPACED_STOPS}{UNSPACED_STOPS}{CLAUSE_STOPS}\n]++"
    rf"|[{SPACED_STOPS}](?![{_CLOSERS}]*\s))*+"
    rf"(?:[{SPACED_STOPS}][{_CLOSERS}]*\s+|[{UNSPACED_STOPS}{CLAUSE_STOPS}]++[{_UNSPACED_CLOSERS}]*+\s*|\n+|$)"
)
_TAIL = 64
"""Characters at a text's end that tell whether a sentence has ended there."""
_ENDED = re.compile(rf"(?:[{SPACED_STOPS}][{_CLOSERS}]*|[{UNSPACED_STOPS}{CLAUSE_STOPS}][{_UNSPACED_CLOSERS}]*)$")
_ONLY_NUMBER = re.compile(r"(?:^|\n)\s*\(?\d{1,3}[.)]$")


def sentence_ends(line: str) -> Iterator[int]:
    """Where sentences end in a line, before the line's own end or there."""
    start = 0
    for match in _END.finditer(line):
        first = match.start()
        if match[0][0] != "." or not _ABBREVIATION.search(line, max(start, first - _LONGEST_ABBREVIATION), first + 1):
            start = match.end()
            yield start


def sentences(text: str) -> list[str]:
    """The sentences: ended by a full stop, question or exclamation mark of any script, or a line's end."""
    return [part for part in _parts(text) if part]


def count_sentences(text: str) -> tuple[int, int]:
    """(fewest, most) sentences: with a Chinese semicolon as a mark inside a sentence, and as its end."""
    parts = sentences(text)
    return sum(1 for part in parts if not part.rstrip(_UNSPACED_CLOSERS).endswith(CLAUSE_STOPS)) or len(parts[:1]), len(
        parts
    )


def _parts(text: str) -> Iterator[str]:
    for line in text.splitlines():
        start = 0
        for end in sentence_ends(line):
            yield _sentence(line[start:end])
            start = end
        yield _sentence(line[start:])


def _sentence(piece: str) -> str:
    """The piece without white space around it; "" where it says nothing, such as a list's number."""
    if not _LETTER.search(_MARKER.sub("", piece)) or _NUMBERED.fullmatch(piece):
        return ""
    return piece.strip()


def pieces(text: str) -> list[str]:
    """The sentences and lines of a text, each with the space after it: together they are the text."""
    parts: list[str] = []
    begun: list[str] = []
    tail = ""
    for match in _PIECE.finditer(text):
        if not match[0]:
            continue
        if begun and sentence_ended(tail) and not _goes_on(tail, match[0]):
            parts.append("".join(begun))
            begun, tail = [], ""
        begun.append(match[0])
        tail = (tail + match[0])[-2 * _TAIL :]
    parts.append("".join(begun))
    return [part for part in parts if part.strip()]


def _goes_on(before: str, after: str) -> bool:
    """Whether an abbreviation before small letters or digits, and no sentence, ends `before`."""
    return not after[:1].isupper() and _ABBREVIATION.search(before.rstrip()) is not None and "\n" not in before[-2:]


def sentence_ended(text: str) -> bool:
    """Whether the text stops where a reply may stop: after a sentence or a line, not after an abbreviation."""
    body = text.rstrip()
    if "\n" in text[len(body) :]:
        return True
    tail = body[-_TAIL:]
    number = len(body) <= _TAIL and _ONLY_NUMBER.search(tail)
    return _ENDED.search(tail) is not None and not number and not _TITLE.search(tail)
