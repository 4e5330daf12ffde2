"""What changes a draft's logits before a token is sampled from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class TokenProcessor(Protocol):
    """EditPlan one sequence's logits before sampling; one instance belongs to one draft and may keep state."""

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Answer the changed `logits: [vocabulary]` given the ids generated so far (never the prompt)."""
        ...
