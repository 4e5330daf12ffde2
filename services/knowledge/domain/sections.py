"""From blocks to sections: each thing with the headings above it, its question, its lead-in and its notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from services.common.passages import Kind
from services.knowledge.domain.blocks import (
    Answer,
    Block,
    Heading,
    Listing,
    Note,
    Page,
    Paragraph,
    Row,
    Table,
)
from services.knowledge.domain.notes import Notes
from services.knowledge.domain.prose import ANSWERS, ASKS, item_mark, sentence_ends

_QUESTION_END = ("?", "？")
_MAX_QUESTION = 300
_STYLED, _ASKED = 7, 8  # levels, below all real headings, of lines in bold and of questions
_ASKING = re.compile(
    r"^(?:what|who|when|where|why|how|which|can|could|do|does|is|are|may|will|was|wer|wann|wo|warum|wie|welche|kann|darf)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Section:
    """A run of text under one path of headings, led by the document's title; see `services.common.passages`."""

    headings: tuple[str, ...]
    text: str
    kind: Kind = "prose"
    cells: tuple[tuple[str, str], ...] = ()
    question: str = ""
    notes: tuple[str, ...] = ()
    table: int = -1
    row: int = 0
    page: int = 0


def is_question(text: str) -> bool:
    """True for what is one question, by its mark."""
    text = text.strip()
    return (
        text.endswith(_QUESTION_END)
        and len(text) <= _MAX_QUESTION
        and len(list(sentence_ends(text, 0, len(text)))) == 1
    )


def sections_of(blocks: Sequence[Block], title: str = "") -> list[Section]:
    """The sections of a document's blocks, in order; nothing that stands in a block is left out."""
    builder = _Builder(title, Notes(blocks), plain_questions=_plain_questions(blocks))
    for block in _answered(blocks):
        builder.take(block)
    return builder.finish()


def row_text(cells: Iterable[tuple[str, str]]) -> str:
    """A row on one line: "column: value | column: value"; an empty value is left out with its column."""
    return " | ".join(f"{column}: {value}" if column else value for column, value in cells if value)


def _plain_questions(blocks: Sequence[Block]) -> bool:
    """True for a document that asks at least twice in a paragraph of its own and answers in the next."""
    asked = 0
    for block, following in zip_longest(blocks, blocks[1:]):
        if isinstance(block, Paragraph) and is_question(_head(block.text)):
            rest = block.text.partition("\n")[2] or (following.text if isinstance(following, Paragraph) else "")
            asked += bool(rest) and not is_question(rest)
    return asked >= 2


def _head(text: str) -> str:
    return text.partition("\n")[0]


def _answered(blocks: Sequence[Block]) -> Iterable[Block]:
    """The blocks, with "Q: …" and "A: …" lines made strong questions and answers."""
    answers = any(isinstance(block, Paragraph) and any(map(ANSWERS.match, block.text.split("\n"))) for block in blocks)
    for block in blocks:
        if not (answers and isinstance(block, Paragraph)):
            yield block
            continue
        held: list[str] = []
        for line in block.text.split("\n"):
            asks, replies = ASKS.match(line), ANSWERS.match(line)
            if (asks or replies) and held:
                yield Paragraph("\n".join(held), block.strong)
                held = []
            if asks:
                yield Answer(line[asks.end() :], "")
            else:
                held.append(line[replies.end() :] if replies else line)
        if held:
            yield Paragraph("\n".join(held))


class _Builder:
    def __init__(self, title: str, notes: Notes, plain_questions: bool) -> None:
        self._title = title
        self._notes = notes
        self._plain_questions = plain_questions
        self._sections: list[Section] = []
        self._path: list[tuple[int, str]] = []
        self._held: list[str] = []  # paragraphs of the section that is open; a list stands in its lead-in's
        self._held_notes: list[str] = []
        self._listed = False
        self._bare = False  # the last heading has nothing below it yet
        self._page = 0
        self._tables = 0

    def take(self, block: Block) -> None:
        if isinstance(block, Heading):
            self._heading(block.level, block.text)
        elif isinstance(block, Paragraph):
            self._paragraph(block)
        elif isinstance(block, Listing):
            self._list(block)
        elif isinstance(block, Table):
            self._table(block)
        elif isinstance(block, Answer):
            self._answer(block)
        elif isinstance(block, Note):
            if not self._notes.marked(block):
                self._close()
                self._add(Section(self._headings(), block.text, "footnote"))
        elif isinstance(block, Page):
            self._close()
            self._page = block.number

    def finish(self) -> list[Section]:
        self._close()
        self._keep_bare()
        return self._sections

    def _headings(self, *more: str) -> tuple[str, ...]:
        return tuple(name for name in (self._title, *(name for _, name in self._path), *more) if name)

    def _add(self, section: Section) -> None:
        if section.text.strip():
            self._bare = False
            self._sections.append(replace(section, page=self._page) if self._page else section)

    def _heading(self, level: int, text: str) -> None:
        text, notes = self._notes.resolve(text)
        self._close()
        if self._path and self._path[-1][0] >= level:
            self._keep_bare()
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if text:
            if text != self._title:
                self._path.append((level, text))
            self._bare = True
            self._held_notes += notes
            self._held += notes

    def _keep_bare(self) -> None:
        """Keeps a heading with nothing below it as a text of its own."""
        if self._bare:
            text = self._path.pop()[1] if self._path else self._title
            self._add(Section(self._headings(), text, "heading"))
        self._bare = False

    def _paragraph(self, block: Paragraph) -> None:
        if self._notes.is_note(block):
            return
        head, _, rest = block.text.partition("\n")
        if is_question(head) and (block.strong or self._plain_questions):
            self._heading(_ASKED, head)
            if rest.strip():
                self._hold(rest.strip())
        elif block.strong and len(block.text) <= 100 and "\n" not in block.text and block.text[-1:] not in ".。!！:：":
            self._heading(_STYLED, block.text)
        elif "\n" not in block.text and item_mark(block.text):
            self._list(Listing((block.text,)))
        else:
            self._hold(block.text)

    def _hold(self, text: str) -> None:
        text, notes = self._notes.resolve(text)
        self._held.append("\n".join([text, *notes]))
        self._held_notes += notes
        self._listed = False

    def _list(self, block: Listing) -> None:
        """A list joins the paragraph before it, which leads to it."""
        if self._notes.is_note(block):
            return
        lines: list[str] = []
        for item in block.items:
            text, notes = self._notes.resolve(item)
            self._held_notes += notes
            lines += [text, *notes]
        if self._held:
            self._held[-1] += "\n" + "\n".join(lines)
        else:
            self._held.append("\n".join(lines))
        self._listed = True

    def _close(self) -> None:
        """Ends the open section: the answer of a heading that asks, a list alone, or prose."""
        text, notes = "\n\n".join(self._held), tuple(dict.fromkeys(self._held_notes))
        listed = self._listed and len(self._held) == 1
        self._held, self._held_notes, self._listed = [], [], False
        if not text.strip():
            return
        asked = self._path[-1][1] if self._path and is_question(self._path[-1][1]) else ""
        kind: Kind = "faq" if asked else "list" if listed else "prose"
        self._add(Section(self._headings(), text, kind, question=asked, notes=notes))

    def _answer(self, block: Answer) -> None:
        question, notes = self._notes.resolve(block.question)
        if not block.answer:
            self._heading(_ASKED, question)
            return
        answer, more = self._notes.resolve(block.answer)
        text = "\n".join([answer, *notes, *more])
        self._close()
        while self._path and self._path[-1][0] >= _ASKED:
            self._path.pop()
        if is_question(question) or _ASKING.match(question):
            section = Section(self._headings(question), text, "faq", question=question, notes=(*notes, *more))
        elif "\n\n" not in answer and len(answer) <= _MAX_QUESTION:
            cell = (question, answer.replace("\n", " "))
            line = "\n".join([row_text([cell]), *notes, *more])
            section = Section(self._headings(), line, "row", (cell,), notes=(*notes, *more))
        else:
            section = Section(self._headings(question), text, notes=(*notes, *more))
        self._add(section)

    def _table(self, table: Table) -> None:
        """A section for each row; a paragraph that ends with a colon right above the table is its caption."""
        caption = table.caption
        above = self._held[-1] if self._held and not self._listed else ""
        if not caption and above.endswith((":", "：")) and "\n" not in above and len(above) <= 200:
            caption = self._held.pop().rstrip(":： ")
        self._close()
        columns = [self._notes.resolve(column) for column in table.columns]
        for number, row in enumerate(table.rows, start=1):
            self._row(row, columns, caption, number)
        self._tables += 1

    def _row(self, row: Row, columns: Sequence[tuple[str, list[str]]], caption: str, number: int) -> None:
        cells: list[tuple[str, str]] = []
        notes: list[str] = []
        for place, cell in enumerate(row.cells):
            text, own = self._notes.resolve(cell)
            column, above = columns[place] if place < len(columns) else ("", [])
            if text:
                cells.append((column, text))
                notes += [*above, *own]
        group, own = self._notes.resolve(row.group)
        caption, above = self._notes.resolve(caption)
        notes = list(dict.fromkeys([*notes, *own, *above]))
        headings = self._headings(*(name for name in (caption, group) if name and name != self._title))
        text = "\n".join([row_text(cells), *notes])
        asked = _question_cell(columns, row) if len(columns) >= 2 else None
        if asked is not None:
            question, answer, others = asked
            text = "\n".join([answer, *others, *notes])
            section = Section((*headings, question), text, "faq", question=question, notes=tuple(notes))
        else:
            section = Section(headings, text, "row", tuple(cells), notes=tuple(notes))
        self._add(replace(section, table=self._tables, row=number))


_QUESTIONS = frozenset(["question", "q", "frage", "问题", "問題", "问"])
_ANSWER_NAMES = frozenset(["answer", "a", "antwort", "回答", "答案", "答"])


def _question_cell(columns: Sequence[tuple[str, list[str]]], row: Row) -> tuple[str, str, list[str]] | None:
    """(question, answer, further cells) of a row of a table of questions, None in any other."""
    names = [column.casefold().strip() for column, _ in columns]
    question = next((place for place, name in enumerate(names) if name in _QUESTIONS), None)
    answer = next((place for place, name in enumerate(names) if name in _ANSWER_NAMES), None)
    if question is None or answer is None or not row.cells[question] or not row.cells[answer]:
        return None
    others = [
        f"{columns[place][0]}: {cell}" if columns[place][0] else cell
        for place, cell in enumerate(row.cells)
        if cell and place not in (question, answer)
    ]
    return row.cells[question], row.cells[answer], others
