"""What a stored passage is made of: the record `structure` that ingest writes beside a passage's heading and text.

A passage is one of these kinds:

- `row`: one row of a table. The text is one line, "Plan: Basic | Price: 19 euros"; `cells` are its (column, value)
  pairs in order, a column without a name being "". `table` and `row` say which row of which table of the document it
  is: the rows of one table have the document and `table` in common and `row` counts from 1.
- `faq`: an answer. `question` is also the last heading, the text is the answer; a long answer takes several passages,
  each with the question.
- `list`: a list with the sentence that leads to it. A long one takes several passages, each with that sentence.
- `footnote`: a note whose mark stands nowhere. A note that is marked stands at the end of the passage that marks it,
  and in its `notes`.
- `heading`: a heading under which nothing stands.
- `prose`: everything else: whole paragraphs, with lists and notes among them.

`spans` cut the text into what can be quoted by itself: sentences, list items, notes, the line of a row. They are
offsets of characters in the passage's text, in order, and do not overlap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["prose", "row", "faq", "list", "footnote", "heading"]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of a passage's text.

    `lead` is the number of the span that this one needs to be understood: a list's lead-in for its items, the marked
    sentence or row for its note; -1 where it stands by itself.
    """

    start: int
    end: int
    lead: int = -1


@dataclass(frozen=True, slots=True)
class Structure:
    """The structure of one passage; see the module.

    `title` is the document's, `headings` the path of headings below it, outermost first. `page` counts from 1 in
    documents that have pages. `effective` is the day (YYYY-MM-DD) from which the document says it holds, or on which
    it says it was changed; "" where it says nothing (see `editions`).
    """

    kind: Kind = "prose"
    title: str = ""
    headings: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    cells: tuple[tuple[str, str], ...] = ()
    question: str = ""
    answer: str = ""
    notes: tuple[str, ...] = ()
    table: int = -1
    row: int = 0
    page: int = 0
    effective: str = ""

    def stored(self) -> dict[str, Any]:
        """The record as the store keeps it: plain lists, nothing that is empty."""
        record: dict[str, Any] = {"kind": self.kind}
        texts = {"title": self.title, "question": self.question, "answer": self.answer, "effective": self.effective}
        record |= {name: text for name, text in texts.items() if text}
        record |= {"headings": list(self.headings)} if self.headings else {}
        record |= {"spans": [[span.start, span.end, span.lead] for span in self.spans]} if self.spans else {}
        record |= {"cells": [list(cell) for cell in self.cells]} if self.cells else {}
        record |= {"notes": list(self.notes)} if self.notes else {}
        record |= {"table": self.table, "row": self.row} if self.table >= 0 else {}
        record |= {"page": self.page} if self.page else {}
        return record

    @classmethod
    def of(cls, passage: Mapping[str, Any]) -> Structure:
        """The structure of a stored passage; one that was stored without is prose and a single span."""
        record = passage.get("structure")
        if record is None:
            headings = tuple(part for part in str(passage.get("heading", "")).split(" > ") if part)
            return cls(headings=headings, spans=(Span(0, len(passage["text"])),))
        return cls(
            kind=record["kind"],
            title=record.get("title", ""),
            headings=tuple(record.get("headings", ())),
            spans=tuple(Span(*span) for span in record.get("spans", ())),
            cells=tuple((column, value) for column, value in record.get("cells", ())),
            question=record.get("question", ""),
            answer=record.get("answer", ""),
            notes=tuple(record.get("notes", ())),
            table=record.get("table", -1),
            row=record.get("row", 0),
            page=record.get("page", 0),
            effective=record.get("effective", ""),
        )
