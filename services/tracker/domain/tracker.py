"""What every tracker promises, be it rules or a learned model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.common.schema import Schema
from services.tracker.domain.state import State


@dataclass(frozen=True, slots=True)
class TrackRequest:
    """One turn to track: the state before it (corrections applied), the last system reply, what the user
    said."""

    schema: Schema
    previous: State
    system_text: str
    user_text: str
    turn: int


class Tracker(Protocol):
    """Follows a dialogue's state; pure: the same arguments give the same state, and nothing is remembered."""

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        """The state after the user's turn `turn`.

        `previous` is the state before it with people's corrections applied; values it holds are kept unless
        the turn changes them. `requested` and `entities` of the result are those of this turn only.
        Services and slots of `previous` that the schema does not have are dropped. Spans are code points of
        `user_text`.
        """
        ...

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        """`track` of each request, in order; a learned tracker computes them as one batch."""
        ...
