"""Quotes a piece of evidence: the document's words, a table's row as a sentence that can be read."""

from __future__ import annotations

import re

from services.common.evidence.records import Piece
from services.common.evidence.units import head_of_paragraph
from services.common.passages import Structure
from services.common.text_measures import HAN_CHARACTER

_MARKS = re.compile(r"\*\*|__|`|\[\^[^\]\n]{1,20}\](?::)?|(?<=[\w.)])(?<![kcdm]m)(?<!\bm)[¹²³⁴⁵⁶⁷⁸⁹]+")
_KEYED = re.compile(r"(?:[\w/&'’-]{1,20} ){0,2}[\w/&'’-]{1,20}[:：]\s*\S[^\n]{0,80}$")
"""A short line that says of something what its first words name: "Manager: Owen Tait"."""
_NUMBERING = re.compile(r"^(?:§ ?)?\d+(?:\.\d+)*[.)]?\s+|^[一二三四五六七八九十]{1,3}、")
_ENDS = (".", "!", "?", "。", "！", "？", ":", "…", "”", '"')


def quote(piece: Piece, text: str, structure: Structure) -> str:
    """The piece of a passage as a reply says it; "" where the passage has no such part."""
    if structure.kind == "row" and structure.cells:
        return _row(piece, text, structure)
    part = text[piece.start : piece.end].strip()
    if not part:
        return ""
    span = next((span for span in structure.spans if span.start <= piece.start < span.end and span.lead >= 0), None)
    if span is not None:
        lead = structure.spans[span.lead]
        part = f"{text[lead.start : lead.end].strip()} {part}"
    elif head := _head(piece, part, text, structure):
        part = f"{head}{_marks(text)[2]}{part}"
    elif re.match(r"[a-z][a-z ]", part):  # a part of a sentence
        part = part[0].upper() + part[1:]
    return closed(cleaned(part))


def _head(piece: Piece, part: str, text: str, structure: Structure) -> str:
    """What the part speaks of without naming it: the head of its paragraph or, for a line such as "Manager: Owen Tait",
    the heading above it; "" where it names that itself."""
    head = head_of_paragraph(text, piece.start)
    if not head and _KEYED.match(part) and structure.headings:
        above = structure.headings[-1]
        head = "" if above in (structure.title, structure.question) else _NUMBERING.sub("", above)
    return "" if head.casefold() in part.casefold() else head


def _marks(text: str) -> tuple[str, str, str]:
    """The marks, as a text's language has them, behind a column, between cells, and behind what they are about."""
    return ("：", "；", "：") if HAN_CHARACTER.search(text) else (": ", "; ", " – ")


def name_of(structure: Structure) -> str:
    """What a table's row is about: its first cell with a word in it."""
    return next((value for _, value in structure.cells if re.search(r"[^\W\d_]{2}", value)), "")


def _row(piece: Piece, text: str, structure: Structure) -> str:
    name = name_of(structure)
    chosen = [structure.cells[place] for place in piece.cells if place < len(structure.cells)]
    if len(chosen) == 1 and text[piece.start : piece.end] in chosen[0][1]:
        chosen = [(chosen[0][0], text[piece.start : piece.end])]  # the part of the cell that is asked for
    others = [cell for cell in (chosen or structure.cells) if cell[1] and cell[1] != name]
    colon, joint, dash = _marks(text)
    said = joint.join(f"{column}{colon}{value}" if column else value for column, value in others)
    notes = "".join(f" {cleaned(note)}" for note in structure.notes)
    sentence = f"{name}{dash}{said}" if name and said else name or said
    return closed(cleaned(sentence)) + (closed(notes) if notes else "")


def cleaned(text: str) -> str:
    """The text without the marks of Markdown; its lines stay, where it is a list."""
    lines = [" ".join(_MARKS.sub("", line).split()) for line in text.splitlines()]
    lines = [line for line in lines if line]
    if len(lines) > 1 and any(re.match(r"(?:[-*+•]|\d{1,3}[.)])\s", line) for line in lines):
        return "\n".join(lines)
    return " ".join(re.sub(r"^(?:[-+•]|#{1,6})\s+", "", line) for line in lines)


def closed(text: str) -> str:
    """The text with a full stop where it ends without any mark."""
    text = text.rstrip(" ,;，；、")
    if not text or text.endswith(_ENDS) or "\n" in text:
        return text
    return text + ("。" if HAN_CHARACTER.search(text[-40:]) else ".")
