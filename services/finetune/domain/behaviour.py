"""What is found of a version by asking it: shares of replies, and how surely they are known."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    right: int
    items: int

    @property
    def value(self) -> float:
        """The share; 1 of nothing."""
        return self.right / self.items if self.items else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """Within which the true share lies with 95 % (Wilson 1927)."""
        if not self.items:
            return 0.0, 1.0
        z, n, p = 1.96, self.items, self.value
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


@dataclass(frozen=True)
class Behaviour:
    """What was found of a version."""

    corrected: Share
    paraphrases: Share
    neighbours_same: Share
    old_same: Share
    earlier: Share
    degenerate: Share
    perplexity: float
