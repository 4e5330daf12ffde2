"""Footnotes: which text stands behind a mark, so that it goes with what it marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from services.knowledge.domain.blocks import Answer, Block, Heading, Listing, Note, Paragraph, Table

_REFERENCE = re.compile(r"[ \t]?(\[\^[^\]\s]{1,60}\])")
_SIGN = r"\*{1,3}|[†‡§]|[¹²³⁰⁴-⁹]{1,2}"
_SIGNED = re.compile(rf"(?<=[\w%€$£¥.,!?)”\"'’])(?<!\bm)(?<!\bcm)(?<!\bkm)[ \t]?({_SIGN})(?![\w*])")
_NOTE_LINE = re.compile(rf"^({_SIGN})[ \t]{{0,3}}(?=[^\s*])(.+)$")
_STARRED_ITEM = re.compile(r"^\*[ \t]+(\S.*)$")
_MAX_SIGNED = 2_000  # characters of a note that is known by a sign alone


class Notes:
    """The notes of a document by mark: "[^1]" as Markdown writes them, or a sign such as "*" or "¹".

    A paragraph that begins with a sign is a note when the same sign stands behind a word somewhere else.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._texts: dict[str, str] = {block.mark: block.text for block in blocks if isinstance(block, Note)}
        used = {mark for text in _texts(blocks) for mark in (*_REFERENCE.findall(text), *_SIGNED.findall(text))}
        self._used = used
        self._signed: set[int] = set()  # blocks that are notes by their sign
        for block in blocks:
            for mark, text in _signed_notes(block):
                if mark in used and mark not in self._texts and len(text) <= _MAX_SIGNED:
                    self._texts[mark] = text
                    self._signed.add(id(block))

    def marked(self, note: Note) -> bool:
        """True when the note's mark stands somewhere."""
        return note.mark in self._used

    def is_note(self, block: Paragraph | Listing) -> bool:
        """True for a block that is nothing but notes which go elsewhere."""
        return id(block) in self._signed

    def resolve(self, text: str) -> tuple[str, list[str]]:
        """The text without the marks of known notes, and these notes."""
        if not self._texts:
            return text, []
        notes: list[str] = []

        def take(match: re.Match[str]) -> str:
            if match[1] not in self._texts:
                return match[0]
            notes.append(self._texts[match[1]])
            return ""

        text = _SIGNED.sub(take, _REFERENCE.sub(take, text))
        return text, list(dict.fromkeys(notes))


def _signed_notes(block: Block) -> Iterator[tuple[str, str]]:
    """(mark, text) of the lines of a paragraph that all begin with a sign; of a list of one item marked by a star."""
    if isinstance(block, Listing) and len(block.items) == 1 and (item := _STARRED_ITEM.match(block.items[0])):
        yield "*", item[1]
    if isinstance(block, Paragraph):
        matches = [_NOTE_LINE.match(line) for line in block.text.split("\n")]
        if all(matches):
            yield from ((match[1], match[2]) for match in matches if match)


def _texts(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Heading | Paragraph):
            yield block.text
        elif isinstance(block, Listing):
            yield from block.items
        elif isinstance(block, Answer):
            yield from (block.question, block.answer)
        elif isinstance(block, Table):
            yield from (*block.columns, block.caption)
            for row in block.rows:
                yield from (*row.cells, row.group)
