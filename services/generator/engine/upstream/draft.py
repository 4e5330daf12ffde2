"""One draft that a server writes: its text so far, its counts and its end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from services.generator.engine.detokenizer import Detokenizer
from services.generator.engine.request import DraftListener, DraftRequest, FinishedDraft, FinishReason, Timings, Usage

if TYPE_CHECKING:
    from services.generator.engine.upstream.piece_codec import PieceCodec
    from services.generator.engine.upstream.wire import Chunk

_SPARE_CHUNKS = 16


class UpstreamDraft:
    """A draft from its submission to its end; all but `cancelled` belongs to the client thread."""

    def __init__(self, request: DraftRequest, listener: DraftListener, codec: PieceCodec) -> None:
        self.request = request
        self.listener = listener
        self.cancelled = False
        self.task: asyncio.Task[FinishReason] | None = None
        self.reason: FinishReason | None = None
        self._codec = codec
        self._text = Detokenizer(codec, request.settings.stop)
        self._usage: tuple[int, int, int] | None = None
        self._chunks = 0
        self._likelihoods: list[float] = []
        self._submitted = time.monotonic()
        self._sent: float | None = None
        self.heard = self._submitted
        """When the server last said something of the reply, or was asked for it."""
        self._first: float | None = None

    @property
    def begun(self) -> bool:
        """Whether the listener heard text: from here on the draft can't be begun again."""
        return self._first is not None

    def sent(self) -> None:
        """A server has the request."""
        self._sent = self.heard = time.monotonic()

    def take(self, chunk: Chunk) -> bool:
        """Tell the listener what a chunk adds. True: the reply ends here, whatever the server says next."""
        self._usage = chunk.usage or self._usage
        self.heard = time.monotonic()
        self._likelihoods += chunk.likelihoods
        if chunk.text:
            self._chunks += 1
            self._first = self._first or time.monotonic()
            ids = self._codec.encode(chunk.text)
            self._show("".join(self._text.push(token) for token in ids))
        self.listener.on_progress()
        if self._text.stopped:
            self.reason = "stop"
        elif self._chunks > self.request.settings.max_new_tokens + _SPARE_CHUNKS:  # a server that knows no limit
            self.reason = "length"
        else:
            self.reason = chunk.finish_reason or self.reason
            return False
        return True

    def finished(self, reason: FinishReason) -> FinishedDraft:
        """The draft with its end; what was held back is shown first, unless it is cancelled."""
        if reason != "cancelled":
            self._show(self._text.flush())
            if self._text.stopped:
                reason = "stop"
        prompt = len(self.request.history) + len(self.request.tail)
        usage = Usage(*(self._usage or (prompt, 0, self._chunks)))
        now = time.monotonic()
        sent, first = self._sent or now, self._first or now
        timings = Timings(sent - self._submitted, first - sent, first - self._submitted, now - first)
        ids = tuple(self._codec.encode(self._text.text))
        return FinishedDraft(self._text.text, ids, reason, usage, timings, self._likelihood(usage))

    def _likelihood(self, usage: Usage) -> float:
        """The sum over the tokens that the server told of, the end not among them; 0 where it left any out, as
        llama.cpp's server does with those that are no whole code point."""
        told = len(self._likelihoods)
        return sum(self._likelihoods) if 0 <= usage.completion - told <= 1 else 0.0

    def _show(self, text: str) -> None:
        if text:
            self.listener.on_delta(text, [])
