"""Quotes a piece of evidence: the document's words, a table's row as a sentence that can be read."""

from __future__ import annotations

import re

from services.common.evidence.records import Piece
from services.common.passages import Structure

_MARKS = re.compile(r"\*\*|__|`|\[\^[^\]\n]{1,20}\](?::)?|(?<=[\w.)])(?<![kcdm]m)(?<!\bm)[¹²³⁴⁵⁶⁷⁸⁹]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
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
    return closed(cleaned(part))


def name_of(structure: Structure) -> str:
    """What a table's row is about: its first cell with a word in it."""
    return next((value for _, value in structure.cells if re.search(r"[^\W\d_]{2}", value)), "")


def _row(piece: Piece, text: str, structure: Structure) -> str:
    name = name_of(structure)
    chosen = [structure.cells[place] for place in piece.cells if place < len(structure.cells)]
    others = [cell for cell in (chosen or structure.cells) if cell[1] and cell[1] != name]
    chinese = bool(_HAN.search(text))
    colon, joint, dash = ("：", "；", "：") if chinese else (": ", "; ", " – ")
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
    text = text.rstrip(" ,;")
    if not text or text.endswith(_ENDS) or "\n" in text:
        return text
    return text + ("。" if _HAN.search(text[-12:]) else ".")
