"""Prompts for a server that has its own tokenizer: ids that are pieces of text, and the messages they spell.

An id holds up to four bytes of UTF-8, about what a token of today's tokenizers holds in any language, so that lengths
are near the server's. It is made from the text alone: no table, the same in every process.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MARKERS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
_START, _END, _TEXT_END = range(len(_MARKERS))
_MARKER = re.compile("|".join(map(re.escape, _MARKERS)))
_PIECE_BYTES = 4
_LENGTH_SHIFT = 8 * _PIECE_BYTES


class PieceCodec:
    """A codec without vocabulary; needs no files."""

    end_ids: frozenset[int] = frozenset({_END, _TEXT_END})
    digest = "pieces-of-utf8-1"

    def encode(self, text: str) -> list[int]:
        """Pieces of whole code points, each of the template's markers one id."""
        ids: list[int] = []
        at = 0
        for match in _MARKER.finditer(text):
            ids += _pieces(text[at : match.start()])
            ids.append(_MARKERS.index(match.group()))
            at = match.end()
        return ids + _pieces(text[at:])

    def decode(self, ids: Sequence[int]) -> str:
        """The pieces' text; markers are left out."""
        return b"".join(self.token_bytes(token) for token in ids).decode("utf-8", "replace")

    def token_bytes(self, token: int) -> bytes:
        """The bytes that the id holds."""
        length = token >> _LENGTH_SHIFT
        if not 0 < length <= _PIECE_BYTES:
            return b""
        return (token & ((1 << _LENGTH_SHIFT) - 1)).to_bytes(_PIECE_BYTES, "big")[:length]

    def messages(self, ids: Sequence[int]) -> list[dict[str, str]]:
        """The messages of a ChatML prompt, the opening of a reply left out.

        Raises:
            ValueError: the prompt ends in a reply that is begun.
        """
        messages: list[dict[str, str]] = []
        content: list[int] = []
        between = True  # what stands between two messages is the template's
        for token in [*ids, _END]:
            if token == _START:
                between = False
            elif token == _END:
                role, _, text = self.decode(content).partition("\n")
                messages.append({"role": role, "content": text})
                content, between = [], True
            elif not between:
                content.append(token)
        return _without_opening(messages)


def _without_opening(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    if messages and messages[-1]["role"] == "assistant":
        if messages[-1]["content"].strip():
            raise ValueError("the prompt ends in a reply that is begun")
        messages.pop()
    return messages


def _pieces(text: str) -> list[int]:
    pieces: list[int] = []
    piece = b""
    for character in text:
        raw = character.encode("utf-8", "replace")
        if len(piece) + len(raw) > _PIECE_BYTES:
            pieces.append(_piece_id(piece))
            piece = b""
        piece += raw
    return [*pieces, _piece_id(piece)] if piece else pieces


def _piece_id(piece: bytes) -> int:
    return len(piece) << _LENGTH_SHIFT | int.from_bytes(piece.ljust(_PIECE_BYTES, b"\0"), "big")
