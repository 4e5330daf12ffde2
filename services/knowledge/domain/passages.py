"""Cuts a document into passages that keep their heading and fit the encoder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt

from services.knowledge.domain.text import content_hash, sentences

MAX_PIECES = 200

_MARKDOWN = MarkdownIt("commonmark", {"maxNesting": 20}).disable(["inline", "reference"])


@dataclass(frozen=True)
class Section:
    """A run of text under one path of headings."""

    headings: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Passage:
    """A piece of a document: `text` of at most MAX_PIECES WordPieces, `heading` as "A > B", `order` in it.

    `id` follows from source, heading and text, so that what did not change keeps its id over revisions.
    """

    id: str
    heading: str
    text: str
    order: int

    @property
    def searchable(self) -> str:
        """What the indexes see: the heading path, then the text."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


def markdown_sections(text: str, title: str = "") -> list[Section]:
    """Sections of a Markdown text by its headings (CommonMark: `#` and underlined); the text stays as written."""
    lines = text.splitlines()
    sections: list[Section] = []
    path: list[tuple[int, str]] = []
    start = 0

    def close(end: int) -> None:
        body = "\n".join(lines[start:end]).strip()
        if body:
            sections.append(Section((*([title] if title else []), *(name for _, name in path)), body))

    tokens = _MARKDOWN.parse(text)
    for place, token in enumerate(tokens):
        if token.type != "heading_open" or token.level or token.map is None:
            continue
        close(token.map[0])
        level, name = int(token.tag[1:]), " ".join(tokens[place + 1].content.split())
        while path and path[-1][0] >= level:
            path.pop()
        if name and name != title:
            path.append((level, name))
        start = token.map[1]
    close(len(lines))
    return sections


def cut(
    source: str,
    sections: Sequence[Section],
    count: Callable[[Sequence[str]], list[int]],
    max_pieces: int = MAX_PIECES,
) -> list[Passage]:
    """Passages of the sections, in order; whole paragraphs where they fit, else sentences, else words.

    `count` gives the WordPieces of each text. A heading path takes at most a third of the room.
    """
    count = _Counted(count, [text for one in sections for text in (" > ".join(one.headings), *_paragraphs(one.text))])
    passages: list[Passage] = []
    seen: dict[tuple[str, str], int] = {}
    for section in sections:
        heading = _fit_heading(section.headings, count, max_pieces // 3)
        room = max_pieces - (count([heading])[0] if heading else 0)
        for text in _pack(section.text, room, count):
            again = seen.get((heading, text), 0)
            seen[(heading, text)] = again + 1
            identity = content_hash(source, heading, text, str(again))
            passages.append(Passage(identity, heading, text, len(passages)))
    return passages


class _Counted:
    """Counts of WordPieces, each text asked for once and the texts known beforehand in one go."""

    def __init__(self, count: Callable[[Sequence[str]], list[int]], texts: Sequence[str]) -> None:
        self._count = count
        self._known: dict[str, int] = {}
        self(texts)

    def __call__(self, texts: Sequence[str]) -> list[int]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._count(new), strict=True))
        return [self._known[text] for text in texts]


def _fit_heading(headings: Sequence[str], count: Callable[[Sequence[str]], list[int]], room: int) -> str:
    """The longest ending of the heading path that fits: the nearest heading says most."""
    for start in range(len(headings)):
        heading = " > ".join(headings[start:])
        if count([heading])[0] <= room:
            return heading
    return ""


def _pack(text: str, room: int, count: Callable[[Sequence[str]], list[int]]) -> Iterator[str]:
    units = list(_units(text, room, count))
    sizes = count([unit for unit, _ in units])
    held, used = "", 0
    for (unit, joint), size in zip(units, sizes, strict=True):
        if held and used + size > room:
            yield held
            held, used = "", 0
        held = f"{held}{joint}{unit}" if held else unit
        used += size
    if held:
        yield held


def _units(text: str, room: int, count: Callable[[Sequence[str]], list[int]]) -> Iterator[tuple[str, str]]:
    """(unit, what joins it to the unit before); every unit fits the room."""
    paragraphs = _paragraphs(text)
    for paragraph, size in zip(paragraphs, count(paragraphs), strict=True):
        if size <= room:
            yield paragraph, "\n\n"
            continue
        parts = sentences(paragraph)
        joint = "\n\n"
        for sentence, pieces in zip(parts, count(parts), strict=True):
            if pieces <= room:
                yield sentence, joint
            else:
                for number, piece in enumerate(_halve(sentence, room, count)):
                    yield piece, " " if number else joint
            joint = "" if sentence[-1] in "。！？；" else " "


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def _halve(text: str, room: int, count: Callable[[Sequence[str]], list[int]]) -> Iterator[str]:
    """Pieces of a sentence too long for one passage, cut at spaces where there are any."""
    if count([text])[0] <= room or len(text) < 2:
        yield text
        return
    middle = len(text) // 2
    space = text.rfind(" ", 1, middle)
    at = space if space > middle // 2 else middle
    yield from _halve(text[:at].strip() or text[:at], room, count)
    yield from _halve(text[at:].strip() or text[at:], room, count)
