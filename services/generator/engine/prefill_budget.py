"""How many prompt tokens fit between two decode steps without stalling the replies in work."""

from __future__ import annotations


class PrefillBudget:
    """Learns the prefill speed and sizes the chunks so that one takes about `target` seconds."""

    SMALLEST = 16

    def __init__(self, target: float, alone_factor: float = 4.0, first_guess: float = 1000.0) -> None:
        self._target = target
        self._alone_factor = alone_factor
        self._speed = first_guess  # tokens a second

    def tokens(self, alone: bool) -> int:
        """Tokens of the next chunk; `alone`: no reply is waiting for its next token, so that only cancelling
        and admission bound it."""
        seconds = self._target * (self._alone_factor if alone else 1.0)
        return max(int(self._speed * seconds), self.SMALLEST)

    def learn(self, tokens: int, seconds: float) -> None:
        """Take in that `tokens` took `seconds`."""
        if tokens >= self.SMALLEST and seconds > 0:
            self._speed += 0.3 * (tokens / seconds - self._speed)
