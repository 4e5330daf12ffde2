"""Plain text becomes blocks: paragraphs, lists, headings that are underlined or stand alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.knowledge.domain.blocks import Block, Heading, Listing, Paragraph, Reading
from services.knowledge.domain.prose import ANSWERS, ASKS, item_mark
from services.knowledge.domain.tables import Cell, table_of

_RULE = re.compile(r"^[ \t]{0,8}(={3,}|-{3,}|~{3,}|\*{3,}|_{3,})[ \t]{0,8}$")
_MAX_HEADING = 60
_MARKS = "*†‡¹²³ "  # of footnotes
_WRAPPED = 55  # a line of so many characters was cut by the width of the page, and the next goes on with it
_GAP = re.compile(r"[ ]{3,}|\t+")  # between the columns of a table that spaces line up
_NUMBERS = re.compile(r"\d+")
_ENDS = tuple(".!?:;,。！？：；，")


def read_plain(text: str) -> Reading:
    """The blocks of a text. A short line alone between blank ones, or in capitals above others, without a mark at its
    end, is a heading; one with several numbers is a day, an hour, a telephone number.
    """
    paragraphs = re.split(r"\n[ \t]*\n", re.sub("[\u2028\x85]", "\n", text.replace("\u2029", "\n\n")))
    gathered = [[line.rstrip() for line in part.split("\n") if line.strip()] for part in paragraphs]
    reading = Reading()
    filled = [lines for lines in gathered if lines]
    for place, lines in enumerate(filled):
        following = filled[place + 1] if place + 1 < len(filled) else []
        reading.blocks += _blocks(lines, following)
    return reading


def _blocks(lines: list[str], following: Sequence[str]) -> list[Block]:
    blocks: list[Block] = []
    if len(lines) > 1 and (rule := _RULE.match(lines[1])) and len(lines[0].strip()) <= 200:
        blocks.append(Heading(1 if rule[1][0] == "=" else 2, lines[0].strip()))
        lines = lines[2:]
    elif (
        len(lines) == 1
        and _is_heading(lines[0])
        and following
        and not _is_heading(following[0] if len(following) == 1 else "")
    ):
        return [Heading(3, lines[0].strip())]
    elif len(lines) > 1 and _is_in_capitals(lines[0]) and not _is_in_capitals(lines[1]):
        blocks.append(Heading(3, lines[0].strip()))
        lines = lines[1:]
    lines = [line for line in lines if not _RULE.match(line)]
    if len(lines) > 1 and all(_GAP.search(line.strip()) for line in lines):
        table = table_of([[Cell(cell) for cell in _GAP.split(line.strip())] for line in lines], "guess")
        return [*blocks, table] if table is not None else blocks
    held: list[str] = []
    items: list[str] = []
    for line in lines:
        if item_mark(line):
            blocks += [Paragraph(joined_lines(held))] if held else []
            held = []
            items.append(line)
        elif items and line[:1] in " \t":
            items[-1] = f"{items[-1]} {line.strip()}"
        else:
            blocks += [Listing(tuple(items))] if items else []
            items = []
            held.append(line)
    blocks += [Listing(tuple(items))] if items else []
    blocks += [Paragraph(joined_lines(held))] if held else []
    return blocks


def _is_heading(line: str) -> bool:
    text = line.strip()
    bad = text.rstrip(_MARKS).endswith(_ENDS) or item_mark(line) or "|" in text or "\t" in text
    return 0 < len(text) <= _MAX_HEADING and not bad and len(_NUMBERS.findall(text)) < 2


def _is_in_capitals(line: str) -> bool:
    letters = [letter for letter in line if letter.isalpha()]
    return _is_heading(line) and len(letters) >= 3 and line.isupper()


def joined_lines(lines: Sequence[str]) -> str:
    """Lines that a page's width cut are joined; a line that ended by itself keeps its end."""
    text = ""
    for line in lines:
        if not text:
            text = line.strip()
            continue
        last = text.rpartition("\n")[2]
        new = ASKS.match(line) or ANSWERS.match(line) or last.endswith((":", "：")) or _GAP.search(line.strip())
        goes_on = not new and (line.lstrip()[:1].islower() or len(last) >= _WRAPPED)
        text += f" {line.strip()}" if goes_on else f"\n{line.strip()}"
    return text
