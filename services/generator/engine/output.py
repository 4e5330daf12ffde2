"""What goes out of the sequences: tokens become text, listeners hear of it, drafts end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from services.generator.engine.request import FinishedDraft, FinishReason
from services.generator.engine.sequence import Sequence
from services.generator.engine.stats import Counters

if TYPE_CHECKING:
    from services.generator.engine.backend import Backend

log = logging.getLogger(__name__)


class OutputProcessor:
    """Speaks to the sequences' listeners, on the engine thread alone; `spoke` tells whether it did.

    `leave` takes a sequence out of work, keeping its memory or not, before its listener hears the end.
    """

    def __init__(self, backend: Backend, counters: Counters, leave: Callable[[Sequence, bool], None]) -> None:
        self._backend = backend
        self._counters = counters
        self._leave = leave
        self.spoke = False

    def emit(self, sequence: Sequence, ids: list[int]) -> None:
        """Take a step's tokens of a sequence: show their text, and end the draft where they end it."""
        settings = sequence.request.settings
        sequence.first_at = sequence.first_at or time.monotonic()
        shown = ""
        for token in ids:
            if token in self._backend.codec.end_ids:
                sequence.finish_reason = "length" if sequence.cut else "stop"
                break
            sequence.ids.append(token)
            self._counters.generated_tokens += 1
            shown += sequence.text.push(token)
            if sequence.text.stopped:
                sequence.finish_reason = "stop"
                break
            length = len(sequence.ids) - sequence.prompt_length
            if length >= settings.max_new_tokens or len(sequence.ids) >= self._backend.context_limit:
                sequence.finish_reason = "length"
                break
        if sequence.finish_reason is not None:
            self.tell(sequence, sequence.listener.on_progress)
            self.finish(sequence, sequence.finish_reason, shown)
            return
        self.show(sequence, shown)
        self.tell(sequence, sequence.listener.on_progress)

    def show(self, sequence: Sequence, text: str) -> None:
        """Send the next piece of text with the ids that it completes."""
        if not text:
            return
        ids = sequence.ids[
            sequence.prompt_length + sequence.emitted : sequence.prompt_length + sequence.text.whole_tokens()
        ]
        sequence.emitted += len(ids)
        self.tell(sequence, lambda: sequence.listener.on_delta(text, ids))

    def finish(self, sequence: Sequence, reason: FinishReason, shown: str = "") -> None:
        """End the draft with what it has."""
        self.show(sequence, shown + sequence.text.flush())
        ids = tuple(sequence.generated[: sequence.text.whole_tokens()])
        draft = FinishedDraft(
            sequence.text.text, ids, reason, sequence.usage(), sequence.timings(), sequence.log_likelihood
        )
        if reason == "cancelled":
            self._counters.cancelled += 1
        else:
            self._counters.finished += 1
        self._leave(sequence, True)
        self.tell(sequence, lambda: sequence.listener.on_finish(draft))

    def fail(self, sequence: Sequence, error: Exception) -> None:
        """End the draft without an answer."""
        self._counters.failed += 1
        self._leave(sequence, False)
        self.tell(sequence, lambda: sequence.listener.on_error(error))

    def tell(self, sequence: Sequence, call: Callable[[], None]) -> None:
        """Call a listener; one that fails has its draft cancelled."""
        self.spoke = True
        try:
            call()
        except Exception:
            log.exception("a listener failed; its draft is cancelled")
            sequence.cancelled = True
