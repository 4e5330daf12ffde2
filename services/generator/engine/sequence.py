"""A draft in work: its tokens, how far the backend has computed them, and what went out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from services.generator.engine.detokenizer import Detokenizer
from services.generator.engine.request import DraftListener, DraftRequest, FinishReason, Proposals, Timings, Usage

if TYPE_CHECKING:
    from services.generator.engine.branches import Branches


class Sequence:
    """One open draft, or one branch of it.

    `ids` is prompt and reply; `known` counts the ids whose state is in the backend's memory and is raised by
    the backend alone; `memory` is the backend's own. One of the `branches` of a draft does not choose its next token
    but says in `proposed` what may follow; what there is to `weigh` is among it. `cut`: see `cut_short`.
    """

    __slots__ = (
        "admitted_at", "branches", "cancelled", "cut", "emitted", "finish_reason", "first_at", "ids", "known",
        "listener", "log_likelihood", "memory", "prompt_length", "proposed", "ready_at", "request", "reused",
        "submitted_at", "text", "weigh",
    )  # fmt: skip

    def __init__(self, request: DraftRequest, listener: DraftListener, text: Detokenizer) -> None:
        self.request = request
        self.listener = listener
        self.text = text
        self.ids: list[int] = [*request.history, *request.tail]
        self.prompt_length = len(self.ids)
        self.known = 0
        self.reused = 0
        self.emitted = 0
        self.cancelled = False
        self.cut = False
        self.log_likelihood = 0.0
        self.finish_reason: FinishReason | None = None
        self.memory: Any = None
        self.branches: Branches | None = None
        self.weigh: tuple[int, ...] = ()
        self.proposed: Proposals = ()
        self.submitted_at = time.monotonic()
        self.admitted_at = self.ready_at = self.first_at = 0.0

    def cut_short(self) -> None:
        """From here on the limit, not the model, ends the draft."""
        self.cut = True

    @property
    def generated(self) -> list[int]:
        """The reply's ids so far."""
        return self.ids[self.prompt_length :]

    @property
    def unread(self) -> int:
        """The place of the first id whose likelihood may be asked for: of the reply that is read, else of what is
        written."""
        return self.prompt_length - self.request.read

    @property
    def missing(self) -> int:
        """Prompt tokens still to compute before the sequence can step."""
        return max(self.prompt_length - 1 - self.known, 0)

    @property
    def ready(self) -> bool:
        """Whether the sequence can step."""
        return self.known >= self.prompt_length - 1

    def usage(self) -> Usage:
        """Tokens so far."""
        return Usage(self.prompt_length, self.reused, len(self.ids) - self.prompt_length)

    def timings(self) -> Timings:
        """Seconds so far; what was not reached is zero."""
        now = time.monotonic()
        admitted = self.admitted_at or now
        ready = self.ready_at or admitted
        return Timings(
            queue=admitted - self.submitted_at,
            prefill=ready - admitted,
            first_token=(self.first_at - self.submitted_at) if self.first_at else 0.0,
            decode=(now - self.first_at) if self.first_at else 0.0,
        )
