"""Where a replay parts from its draft, and how sure the model was there."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from services.common.store import Document
from services.generator.engine import FinishedDraft
from services.generator.engine.detokenizer import Detokenizer, TokenDecoder

if TYPE_CHECKING:
    from torch import Tensor


class Followed:
    """Reads the model's logits along the stored tokens while a replay is decoded, in each of its candidates.

    ``another`` makes an observer of the engine's logits. They stand last in their row, so that
    they see what the token is chosen from: after penalties and masks, before temperature.
    """

    def __init__(self, stored: Sequence[int], end_ids: Collection[int]) -> None:
        self._stored = stored
        self._end_ids = end_ids
        self._paths: list[_Path] = []

    def another(self) -> _Path:
        """The processor of one more row."""
        self._paths.append(_Path(self._stored))
        return self._paths[-1]

    def margin(self, at: int, draft: Document, finished: FinishedDraft, *, stops: bool) -> float:
        """log P of the replay's token less log P of the stored one at `at`; infinite where decoding ruled the stored
        one out, 0 where it is not known (engines without logits, an end by one of the draft's `stops`, a search, whose
        hypotheses take over each other's rows)."""
        path = max((one for one in self._paths if one.led_to(finished.token_ids, at)), key=len, default=None)
        if path is None or path.logits is None:
            return 0.0
        written = self._tokens(finished.token_ids, at, finished.finish_reason, stops)
        stored = self._tokens(self._stored, at, draft["finish_reason"], stops)
        if not written or not stored:
            return 0.0
        gap = path.highest(written) - path.highest(stored)
        return 0.0 if math.isnan(gap) else gap

    def _tokens(self, ids: Sequence[int], at: int, finish_reason: str, stops: bool) -> Collection[int]:
        """The token at a place; where the reply ended there, those that end one."""
        if at < len(ids):
            return (ids[at],)
        return self._end_ids if finish_reason in ("stop", "tool_call") and not stops else ()


class _Path:
    """One row's token processor: keeps the logits at the first place where the row leaves the stored tokens."""

    def __init__(self, stored: Sequence[int]) -> None:
        self._stored = stored
        self._at = -1
        self._generated: Sequence[int] = ()
        self.logits: Tensor | None = None

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        at = len(generated)
        if at == self._at + 1 and list(generated[-1:]) == list(self._stored[max(at - 1, 0) : at]):
            self._at, self.logits = at, logits.clone()
        self._generated = generated
        return logits

    def __len__(self) -> int:
        return len(self._generated)

    def led_to(self, ids: Sequence[int], at: int) -> bool:
        """Whether the row wrote these ids and left the stored ones at `at`."""
        length = min(len(self._generated), len(ids))
        return self._at == at and list(self._generated[:length]) == list(ids[:length])

    def highest(self, tokens: Collection[int]) -> float:
        """The likeliest of the tokens: its logit, which is its log probability but for what all have in common."""
        assert self.logits is not None
        return max(float(self.logits[token]) for token in tokens)


def compared(
    draft: Document, finished: FinishedDraft, followed: Followed, codec: TokenDecoder, stop: Sequence[str]
) -> Document:
    """`same`, `first_difference` (None where there is none) and `margin` of a stored draft and its replay."""
    stored, written = draft["token_ids"], finished.token_ids
    length = min(len(stored), len(written))
    at = next((n for n in range(length) if stored[n] != written[n]), None)
    if at is None and len(stored) != len(written):
        at = length
    if at is not None:
        margin = followed.margin(at, draft, finished, stops=bool(stop))
        return {"same": False, "first_difference": at, "margin": margin}
    if draft["text"] != finished.text:  # the stored text is not that of its tokens
        return {"same": False, "first_difference": _parting(draft["text"], written, codec), "margin": 0.0}
    return {"same": True, "first_difference": None, "margin": 0.0}


def _parting(text: str, ids: Sequence[int], codec: TokenDecoder) -> int:
    """The first of the tokens with which their text is no longer the beginning of this one."""
    shown = Detokenizer(codec)
    for at, token in enumerate(ids):
        shown.push(token)
        if not text.startswith(shown.text):
            return at
    return len(ids)
