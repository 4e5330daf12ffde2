"""Turns a draft's token ids into text as they come: whole code points, nothing past a stop string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Protocol


class TokenDecoder(Protocol):
    """The part of a codec that a draft's text needs; see `services.generator.engine.backend.Codec`."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of `ids`."""
        ...

    def token_bytes(self, token: int) -> bytes | None:
        """Bytes of one token, None where they depend on its neighbours."""
        ...


class Detokenizer:
    """The text of one draft, token by token.

    `push` and `flush` answer what may be shown now; text that may yet become a stop string, or that ends inside
    a code point, is held back. `text` is all that was shown; `stopped` tells that a stop string came.
    """

    def __init__(self, decoder: TokenDecoder, stop: Sequence[str] = ()) -> None:
        self._decoder = decoder
        self._stop = tuple(s for s in stop if s)
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._context: list[int] = []  # ids decoded together where single tokens have no bytes of their own
        self._context_shown = 0
        self._held = ""
        self._parts: list[str] = []
        self._length = 0
        self._ends: list[int] = []  # code points of the raw text after each id
        self.stopped = False

    @property
    def text(self) -> str:
        """Everything shown so far."""
        return "".join(self._parts)

    def push(self, token: int) -> str:
        """Take the next id and answer the text that it makes showable."""
        piece = self._piece(token)
        self._length += len(piece)
        self._ends.append(self._length)
        return self._show(piece, last=False)

    def flush(self) -> str:
        """The draft has ended: answer what was held back."""
        if self.stopped:
            return ""
        piece = self._utf8.decode(b"", True)
        if self._context:
            piece += self._decoder.decode(self._context)[self._context_shown :]
        return self._show(piece, last=True)

    def whole_tokens(self) -> int:
        """How many of the pushed ids lie wholly in the shown text."""
        shown = sum(map(len, self._parts))
        if not self.stopped:
            return len(self._ends)
        return sum(1 for end in self._ends if end <= shown)

    def _piece(self, token: int) -> str:
        raw = self._decoder.token_bytes(token)
        if raw is not None:
            return self._utf8.decode(raw)
        self._context.append(token)
        text = self._decoder.decode(self._context)
        if text.endswith("\ufffd"):
            return ""
        piece = text[self._context_shown :]
        if len(self._context) > 16:  # keep enough context for joins at the edge, not the whole draft
            self._context = self._context[-4:]
            self._context_shown = len(self._decoder.decode(self._context))
        else:
            self._context_shown = len(text)
        return piece

    def _show(self, piece: str, last: bool) -> str:
        if self.stopped or not (piece or (last and self._held)):
            return ""
        text = self._held + piece
        if self._stop:
            cut = min((at for at in (text.find(s) for s in self._stop) if at >= 0), default=-1)
            if cut >= 0:
                self.stopped = True
                text, self._held = text[:cut], ""
                self._parts.append(text)
                return text
            keep = 0 if last else self._may_become_stop(text)
            text, self._held = text[: len(text) - keep], text[len(text) - keep :]
        if text:
            self._parts.append(text)
        return text

    def _may_become_stop(self, text: str) -> int:
        longest = 0
        for stop in self._stop:
            for size in range(min(len(stop) - 1, len(text)), longest, -1):
                if text.endswith(stop[:size]):
                    longest = size
                    break
        return longest
