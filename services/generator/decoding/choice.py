"""A draft that begins with one of several fixed texts; the model chooses which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.generator.decoding.words import BAN, Vocabulary

if TYPE_CHECKING:
    from torch import Tensor


class OneOf:
    """Only tokens that go on with one of the texts are left until one of them stands there whole."""

    def __init__(self, vocabulary: Vocabulary, texts: Sequence[str]) -> None:
        self._paths = [path for text in texts if (path := vocabulary.encode(text.strip()))]

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Ban what leads away from every text."""
        at = len(generated)
        written = list(generated)
        if any(at >= len(path) and written[: len(path)] == path for path in self._paths):
            return logits
        going_on = sorted({path[at] for path in self._paths if len(path) > at and path[:at] == written})
        if going_on:
            kept = logits[going_on].clone()
            logits.fill_(BAN)
            logits[going_on] = kept.masked_fill(~kept.isfinite(), 0.0)
        return logits
