"""What goes out of the rows: tokens become text, listeners hear of it, drafts end."""

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
    """Speaks to the rows' listeners, on the engine thread alone; `spoke` tells whether it did.

    `leave` takes a row out of work, keeping its memory or not, before its listener hears the end.
    """

    def __init__(self, backend: Backend, counters: Counters, leave: Callable[[Sequence, bool], None]) -> None:
        self._backend = backend
        self._counters = counters
        self._leave = leave
        self.spoke = False

    def emit(self, row: Sequence, ids: list[int]) -> None:
        """Take a step's tokens of a row: show their text, and end the draft where they end it."""
        settings = row.request.settings
        row.first_at = row.first_at or time.monotonic()
        shown = ""
        for token in ids:
            if token in self._backend.codec.end_ids:
                row.finish_reason = "stop"
                break
            row.ids.append(token)
            self._counters.generated_tokens += 1
            shown += row.text.push(token)
            if row.text.stopped:
                row.finish_reason = "stop"
                break
            made = len(row.ids) - row.prompt_length
            if made >= settings.max_new_tokens or len(row.ids) >= self._backend.context_limit:
                row.finish_reason = "length"
                break
        if row.finish_reason is not None:
            self.tell(row, row.listener.on_progress)
            self.finish(row, row.finish_reason, shown)
            return
        self.show(row, shown)
        self.tell(row, row.listener.on_progress)

    def show(self, row: Sequence, text: str) -> None:
        """Send the next piece of text with the ids that it completes."""
        if not text:
            return
        ids = row.ids[row.prompt_length + row.emitted : row.prompt_length + row.text.whole_tokens()]
        row.emitted += len(ids)
        self.tell(row, lambda: row.listener.on_delta(text, ids))

    def finish(self, row: Sequence, reason: FinishReason, shown: str = "") -> None:
        """End the draft with what it has."""
        self.show(row, shown + row.text.flush())
        ids = tuple(row.generated[: row.text.whole_tokens()])
        draft = FinishedDraft(row.text.text, ids, reason, row.usage(), row.timings(), row.log_likelihood)
        if reason == "cancelled":
            self._counters.cancelled += 1
        else:
            self._counters.finished += 1
        self._leave(row, True)
        self.tell(row, lambda: row.listener.on_finish(draft))

    def fail(self, row: Sequence, error: Exception) -> None:
        """End the draft without an answer."""
        self._counters.failed += 1
        self._leave(row, False)
        self.tell(row, lambda: row.listener.on_error(error))

    def tell(self, row: Sequence, call: Callable[[], None]) -> None:
        """Call a listener; one that fails has its draft cancelled."""
        self.spoke = True
        try:
            call()
        except Exception:
            log.exception("a listener failed; its draft is cancelled")
            row.cancelled = True
