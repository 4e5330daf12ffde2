"""What every format is read into: a document as a run of blocks, and what was lost on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_WARNINGS = 20


class Unreadable(Exception):
    """The document cannot be read; the message says why and enters the ingestion's reason."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the outermost."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph. `strong`: all of it is set in bold, as questions and headings without a style often are."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: its items as written, with the marks ("- ", "2. ") and indents they have."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A table's row, filled up to the table's width; `group` is the line across the table that it stands under."""

    cells: tuple[str, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `columns` are empty where it has no header."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote by its mark, as texts carry it: "[^1]", "*", "¹"."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """The start of a page."""

    number: int


Block = Heading | Paragraph | Listing | Table | Answer | Note | Page


def joined(blocks: Sequence[Block]) -> str | None:
    """The text of paragraphs and lists, a list with the paragraph before it; None where there is anything else."""
    text = ""
    for block in blocks:
        if isinstance(block, Paragraph):
            text += f"\n\n{block.text}"
        elif isinstance(block, Listing):
            text += "\n" + "\n".join(block.items)
        else:
            return None
    return text.strip()


@dataclass
class Reading:
    """A document read: its blocks, what it says of itself, and what of it was not kept.

    `about` are the fields of its front matter or metadata by lower-case name.
    """

    blocks: list[Block] = field(default_factory=list)
    title: str = ""
    about: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)

    def warn(self, warning: str) -> None:
        """Notes a loss in words; what goes beyond MAX_WARNINGS is counted only."""
        if warning not in self.warnings:
            self.warnings.append(warning[:300])

    def all_warnings(self) -> list[str]:
        """The warnings, those that were counted among them ("2 pictures were left out")."""
        counted = [f"{number} {what}{'s' if number > 1 else ''} left out" for what, number in self.lost.items()]
        said = [*self.warnings, *counted]
        if len(said) > MAX_WARNINGS:
            said = [*said[: MAX_WARNINGS - 1], f"and {len(said) - MAX_WARNINGS + 1} more of the kind"]
        return said
