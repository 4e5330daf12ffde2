"""Cuts a document into passages that keep their heading and their structure and fit the encoder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from services.common.passages import Structure
from services.knowledge.domain.blocks import Unreadable
from services.knowledge.domain.markdown import read_markdown
from services.knowledge.domain.prose import flowing, item_mark, spans_of
from services.knowledge.domain.sections import Section, row_text, sections_of
from services.knowledge.domain.text import content_hash, sentences

MAX_PIECES = 200
MAX_PASSAGES = 20_000
_CHARACTERS = 12  # a WordPiece stands for, at most: letters without a space are a single unknown piece
_WORD = re.compile(r"\w")

Count = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True)
class Passage:
    """A piece of a document: `text` of at most MAX_PIECES WordPieces, `heading` as "A > B", `order` in it.

    `id` follows from source, heading and text, so that what did not change keeps its id over revisions.
    """

    id: str
    heading: str
    text: str
    order: int
    structure: Structure = field(default_factory=Structure)

    @property
    def searchable(self) -> str:
        """What the indexes see: the heading path, then the text."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


def markdown_sections(text: str, title: str = "") -> list[Section]:
    """Sections of a Markdown text, with the headings above each. Without `title` the front matter's counts."""
    reading = read_markdown(text)
    return sections_of(reading.blocks, title or reading.title)


def cut(
    source: str,
    sections: Sequence[Section],
    count: Count,
    max_pieces: int = MAX_PIECES,
    title: str = "",
    effective: str = "",
    flows: bool = False,
) -> list[Passage]:
    """Passages of the sections, in order; whole paragraphs where they fit, else sentences, else words.

    `count` gives the WordPieces of each text. A heading path takes at most a third of the room; a heading that never
    fits is a passage of its own. `title` and `effective` are the document's; in one
    that `flows`, lines of a paragraph are shown on one line. Raises Unreadable for a
    document of more than MAX_PASSAGES passages.
    """
    counted = _Counted(count, [text for section in sections for text in _paragraphs(section.text)])
    passages: list[Passage] = []
    seen: dict[tuple[str, str], int] = {}
    shown: set[str] = set()
    for section in chain(sections, _unshown(sections, shown)):
        heading = counted.heading(section.headings, max_pieces // 3, shown)
        room = max_pieces - (counted([heading])[0] if heading else 0)
        for part in _parts(section, room, counted):
            if not _WORD.search(part.text):
                continue
            text = flowing(part.text, part.notes) if flows else part.text
            again = seen.get((heading, text), 0)
            seen[(heading, text)] = again + 1
            identity = content_hash(source, heading, text, str(again))
            passages.append(Passage(identity, heading, text, len(passages), _structure(part, text, title, effective)))
            if len(passages) > MAX_PASSAGES:
                raise Unreadable(
                    f"the document would be more than {MAX_PASSAGES} passages; split it or leave parts out"
                )
    return passages


def _unshown(sections: Sequence[Section], shown: set[str]) -> Iterator[Section]:
    """Headings that were too long to stand above any passage, once each; looked for when all sections are cut."""
    for name in dict.fromkeys(name for section in sections for name in section.headings):
        if name not in shown:
            yield Section((), name, "heading")


def _structure(part: Section, text: str, title: str, effective: str) -> Structure:
    headings = part.headings[1:] if title and part.headings[:1] == (title,) else part.headings
    return Structure(
        kind=part.kind,
        title=title,
        headings=headings,
        spans=spans_of(part.text, part.notes, part.kind == "row"),
        cells=part.cells,
        question=part.question,
        answer=text if part.kind == "faq" else "",
        notes=tuple(note for note in part.notes if note in part.text),
        table=part.table,
        row=part.row,
        page=part.page,
        effective=effective,
    )


class _Counted:
    """Sizes of texts in WordPieces, each text asked for once and the texts known beforehand in one go.

    What has more than _CHARACTERS for each of MAX_PIECES fits nowhere and is not counted: its size is that of its
    characters.
    """

    def __init__(self, count: Count, texts: Sequence[str]) -> None:
        self._count = count
        self._known: dict[str, int] = {}
        self._headings: dict[tuple[str, ...], str] = {}
        self(texts)

    def __call__(self, texts: Sequence[str]) -> list[int]:
        short = (text for text in dict.fromkeys(texts) if len(text) <= _CHARACTERS * MAX_PIECES)
        new = [text for text in short if text not in self._known]
        for start in range(0, len(new), 1000):
            batch = new[start : start + 1000]
            self._known.update(zip(batch, self._count(batch), strict=True))
        return [max(self._known.get(text, 0), len(text) // _CHARACTERS) for text in texts]

    def heading(self, headings: tuple[str, ...], room: int, shown: set[str]) -> str:
        """The longest ending of the heading path that fits (the nearest heading says most); adds what it shows."""
        if headings not in self._headings:
            self._headings[headings] = ""
            for start in range(len(headings)):
                path = " > ".join(headings[start:])
                if self([path])[0] <= room:
                    self._headings[headings] = path
                    shown.update(headings[start:])
                    break
        return self._headings[headings]


def _parts(section: Section, room: int, count: Count) -> Iterator[Section]:
    """The section in pieces that fit the room."""
    if section.kind == "row" and count([section.text])[0] > room:
        yield from _row_parts(section, room, count)
        return
    for text in _pack(section.text, room, count):
        yield replace(section, text=text)


def _row_parts(section: Section, room: int, count: Count) -> Iterator[Section]:
    """A row too long for one passage: cells together while they fit, each time behind the first one; then the notes."""
    first, *others = section.cells or (("", section.text),)
    lead: tuple[tuple[str, str], ...] = (first,) if count([row_text([first])])[0] <= room // 4 else ()
    left = room - (count([row_text(lead)])[0] + 1 if lead else 0)
    held: list[tuple[str, str]] = []
    used = 0
    for column, value in others if lead else section.cells or (("", section.text),):
        space = left - count([f"{column}: "])[0] - 2
        named = column if space > left // 2 else ""
        for text in _pack(value, max(space, left // 2), count):
            size = count([row_text([(named, text)])])[0] + 1
            if held and used + size > left:
                yield replace(section, text=row_text((*lead, *held)), cells=(*lead, *held), notes=())
                held, used = [], 0
            held.append((named, text))
            used += size
    yield replace(section, text=row_text((*lead, *held)), cells=(*lead, *held), notes=())
    for text in _pack("\n\n".join(section.notes), room, count):
        yield replace(section, text=text, kind="footnote", cells=(), notes=(), table=-1, row=0)


def _pack(text: str, room: int, count: Count) -> Iterator[str]:
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


def _units(text: str, room: int, count: Count) -> Iterator[tuple[str, str]]:
    """(unit, what joins it to the unit before); every unit fits the room."""
    paragraphs = _paragraphs(text)
    for paragraph, size in zip(paragraphs, count(paragraphs), strict=True):
        if size <= room:
            yield paragraph, "\n\n"
        elif "\n" in paragraph and any(map(item_mark, paragraph.split("\n"))):
            yield from ((part, "\n\n") for part in _list_parts(paragraph, room, count))
        else:
            yield from _sentence_units(paragraph, room, count)


def _sentence_units(paragraph: str, room: int, count: Count) -> Iterator[tuple[str, str]]:
    parts = sentences(paragraph)
    joint = "\n\n"
    for sentence, pieces in zip(parts, count(parts), strict=True):
        if pieces <= room:
            yield sentence, joint
        else:
            for number, piece in enumerate(_halve(sentence, room, count)):
                yield piece, " " if number else joint
        joint = "" if sentence[-1] in "。！？；" else " "


def _list_parts(paragraph: str, room: int, count: Count) -> Iterator[str]:
    """A list too long for one passage: items together while they fit, each time behind the line that leads to them."""
    lines = [line for line in paragraph.split("\n") if line.strip()]
    start = next(place for place, line in enumerate(lines) if item_mark(line))
    lead = lines[start - 1] if start and count([lines[start - 1]])[0] <= room // 3 else ""
    before = lines[: start - 1] if lead else lines[:start]
    if before:
        yield from _pack("\n\n".join(before), room, count)
    left = room - (count([lead])[0] if lead else 0)
    held, used = "", 0
    for line in lines[start:]:
        long = count([line])[0] > left
        for piece, joint in _sentence_units(line, left, count) if long else ((line, "\n"),):
            size = count([piece])[0]
            if held and used + size > left:
                yield f"{lead}\n{held}" if lead else held
                held, used = "", 0
            held = held + joint.replace("\n\n", "\n") + piece if held else piece
            used += size
    if held:
        yield f"{lead}\n{held}" if lead else held


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def _halve(text: str, room: int, count: Count) -> Iterator[str]:
    """Pieces of a sentence too long for one passage, cut at spaces where there are any."""
    if count([text])[0] <= room or len(text) < 2:
        yield text
        return
    middle = len(text) // 2
    space = text.rfind(" ", 1, middle)
    at = space if space > middle // 2 else middle
    yield from _halve(text[:at].strip() or text[:at], room, count)
    yield from _halve(text[at:].strip() or text[at:], room, count)
