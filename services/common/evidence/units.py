"""Cuts a passage into units: what can answer a question by itself and can be quoted by itself.

A unit is a sentence (with the one before it where it begins with "it" or "this"), a table's row, an answer with its
question, a list with its lead-in, a note with what it marks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.common.passages import Span, Structure
from services.common.text_measures import sentence_ends

WHOLE = 480
"""Characters up to which an answer or a list is one unit."""
_LEANS = re.compile(
    r"(?:it|its|they|them|their|this|these|that|those|he|she|both|otherwise|in (?:this|that|these|such) cases?|then|"
    r"exceptions?|however|but|also|there|after that|afterwards|if so|if not|the (?:fee|price|amount|same|latter|former)"
    r"|er|sie|es|dies\w*|dann|sonst|dort|dafür|davon|ihr\w*)\b|[它他她这那其此]",
    re.IGNORECASE,
)
_HEAD = 80
"""Characters of the longest line that counts as the head of its paragraph."""
_ENDS = tuple(".!?:;,。！？：；，")
_ITEM = re.compile(r"\s*(?:[-+*•]|\d{1,3}[.)])\s")
_LETTERS = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a passage, from `start` to `end` in its text.

    `place` is title and headings, `text` what the unit says by itself; `question` is what an answer answers. Of a
    table's row, `cells` are its (column, value) pairs and `name` is what the row is about.
    """

    kind: str
    start: int
    end: int
    place: str
    text: str
    question: str = ""
    name: str = ""
    cells: tuple[tuple[str, str], ...] = ()
    effective: str = ""

    @property
    def read(self) -> str:
        """The unit as it is read against a question."""
        text = f"{self.question} {self.text}" if self.question else self.text
        return f"{self.place}: {text}" if self.place else text


def units_of(structure: Structure, text: str) -> list[Unit]:
    """The units of a passage, in their order; they may overlap."""
    if structure.kind == "heading":
        return []
    headings = [part for part in structure.headings if part and part != structure.question]
    if structure.title and (not headings or headings[0] != structure.title):
        headings.insert(0, structure.title)
    place = " > ".join(headings)
    if structure.kind == "row":
        return [_row(structure, text, place)]
    question = structure.question
    if len(text) <= WHOLE and structure.kind in ("faq", "list", "footnote"):
        kind = "answer" if structure.kind == "faq" else structure.kind
        whole = Unit(kind, 0, len(text), place, _plain(text), question, effective=structure.effective)
        parts = _sentences(structure, text, place, question)
        return [whole, *parts] if len(parts) > 1 else [whole]
    return _sentences(structure, text, place, question)


def fact_unit(entity: str, text: str) -> Unit:
    """A taught fact as a unit; `entity` is what it is about."""
    return Unit("fact", 0, len(text), "", text, name=entity)


def _row(structure: Structure, text: str, place: str) -> Unit:
    name = next((value for _, value in structure.cells if _LETTERS.search(value)), "")
    return Unit(
        "row", 0, len(text), place, _plain(text), name=name, cells=structure.cells, effective=structure.effective
    )


def _sentences(structure: Structure, text: str, place: str, question: str) -> list[Unit]:
    spans = [part for span in structure.spans for part in _cut(span, text)] or list(_cut(Span(0, len(text)), text))
    units = []
    for number, span in enumerate(spans):
        own = _plain(text[span.start : span.end])
        if not _LETTERS.search(own) and not re.search(r"\w", own):
            continue
        start = span.start
        if 0 <= span.lead < len(structure.spans):
            lead = structure.spans[span.lead]
            own = f"{_plain(text[lead.start : lead.end])} {own}"
            start = lead.start if lead.end <= span.start and span.start - lead.end < 4 else span.start
        elif number and _LEANS.match(own) and spans[number - 1].lead < 0:
            before = spans[number - 1]
            own, start = f"{_plain(text[before.start : before.end])} {own}", before.start
        about = head_of_paragraph(text, span.start)
        within = " > ".join(part for part in (place, about) if part)
        units.append(Unit("sentence", start, span.end, within, own, question, effective=structure.effective))
    return units


def head_of_paragraph(text: str, start: int) -> str:
    """The short first line, without a mark at its end, of the paragraph in which a later line begins at `start`: the
    name above an address and telephone numbers; "" where there is none."""
    blank = text.rfind("\n\n", 0, start)
    begin = blank + 2 if blank >= 0 else 0
    line, feed, _ = text[begin : min(start, begin + _HEAD + 1)].partition("\n")
    head = _plain(line).strip()
    return head if feed and _LETTERS.search(head) and not head.endswith(_ENDS) and not _ITEM.match(line) else ""


def _cut(span: Span, text: str) -> list[Span]:
    """The span, or its sentences where it holds several lines or a whole passage that was stored without any."""
    body = text[span.start : span.end]
    whole = span.start == 0 and span.end == len(text)
    if span.lead >= 0 or ("\n" not in body and len(body) <= WHOLE and not whole):
        return [span]
    parts, at = [], span.start
    for line in body.splitlines(keepends=True):
        begin = at
        for end in [*sentence_ends(line), len(line)]:
            if text[begin : at + end].strip():
                parts.append(Span(begin, at + end))
            begin = at + end
        at += len(line)
    return parts


def _plain(text: str) -> str:
    """The text without the marks of Markdown, on one line."""
    text = re.sub(r"[*`]{1,3}|(?m:^\s*(?:[-+•]|#{1,6}|\d{1,3}[.)])\s+)|\[\^[^\]\n]{1,20}\]:?", " ", text)
    return " ".join(text.split())
