"""What a draft that is being written is worth by the feedback: its constraints met, still within reach, or lost."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.constraints import Constraint, begun, check, progress, wanted_phrase


class Credit:
    """The constraints of one draft.

    Phrases to bring in count as far as they stand there; whatever can only be lost (a forbidden word, the most words,
    one case) counts until it is; what is still within reach counts as met.
    """

    def __init__(self, constraints: Sequence[Constraint]) -> None:
        self._constraints = constraints
        self._phrases = [constraint for constraint in constraints if _phrase(constraint)]

    @property
    def most(self) -> int:
        """What a draft with everything has."""
        return len(self._constraints)

    def owed(self, text: str) -> list[str]:
        """The phrases that do not stand in `text` as they are wanted."""
        return [_phrase(constraint) for constraint in self._phrases if not check(constraint, text)]

    def bank(self, text: str) -> int:
        """How far the phrases are: a hundred for each that is whole, and as much of another as is begun."""
        owed = self.owed(text)
        on_its_way = max((begun(phrase, text) for phrase in owed), default=0.0)
        return 100 * (len(self._phrases) - len(owed)) + int(100 * on_its_way)

    def so_far(self, text: str, left: int) -> float:
        """Of a draft that may be `left` tokens longer, between 0 and `most`."""
        return sum(progress(constraint, text, left) for constraint in self._constraints)

    def in_the_end(self, text: str) -> int:
        """Of a whole draft: the constraints that it meets."""
        return sum(check(constraint, text) for constraint in self._constraints)


def _phrase(constraint: Constraint) -> str:
    return (
        wanted_phrase(constraint).strip()
        if constraint.kind in ("must_include", "keep", "replace") and not constraint.unit
        else ""
    )
