"""An engine whose drafts a test ends by hand."""

from __future__ import annotations

from services.common.constraints import Constraint
from services.generator.engine import DraftListener, DraftRequest, FinishedDraft, Timings, Usage

MENTIONS_CAT = [Constraint("must_include", "cat")]


def finished(text: str, reason: str = "stop", likelihood: float = -10.0) -> FinishedDraft:
    ids = tuple(range(len(text.split())))
    return FinishedDraft(text, ids, reason, Usage(1, 0, len(ids)), Timings(0, 0, 0, 0), likelihood)  # type: ignore[arg-type]


class ByHand:
    """An engine whose drafts a test ends by hand."""

    def __init__(self) -> None:
        self.open: dict[str, tuple[DraftRequest, DraftListener]] = {}

    def submit(self, request: DraftRequest, listener: DraftListener) -> None:
        self.open[request.key] = (request, listener)

    def cancel(self, key: str) -> bool:
        if key not in self.open:
            return False
        self.end(key, finished("so far", "cancelled"))
        return True

    def end(self, key: str, draft: FinishedDraft) -> None:
        self.open.pop(key)[1].on_finish(draft)
