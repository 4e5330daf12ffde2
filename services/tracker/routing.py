"""SuitedTracker: the learned tracker for the kind of dialogue it was trained on, the rules for forms to fill.

The network learned from dialogues in which a service looks something up and answers with results. Where a schema's
services only collect what the user is to say (an order, a booking, a repair), the rules are right more often and
invent less; `research.eval.service` measures both.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.common.schema import Schema
from services.tracker.domain.review import informs
from services.tracker.domain.state import State
from services.tracker.domain.tracker import Tracker, TrackRequest


class SuitedTracker:
    """The `Tracker` that gives each turn to the one of two trackers that its schema suits."""

    def __init__(self, learned: Tracker, rules: Tracker) -> None:
        self._learned, self._rules = learned, rules

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        """See `Tracker.track`."""
        tracker = self._rules if collects(schema) else self._learned
        return tracker.track(schema, previous, system_text, user_text, turn)

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        """See `Tracker.track_many`."""
        found: dict[int, State] = {}
        for tracker, wanted in ((self._rules, True), (self._learned, False)):
            own = [index for index, request in enumerate(requests) if collects(request.schema) == wanted]
            if own:
                found.update(zip(own, tracker.track_many([requests[index] for index in own]), strict=True))
        return [found[index] for index in range(len(requests))]


def collects(schema: Schema) -> bool:
    """Whether the schema's services only collect: none answers with results, and few are there to find things."""
    services = [service for service in schema.services if service.intents]
    if not services or any(intent.results for service in services for intent in service.intents):
        return False
    if not any(intent.required for service in services for intent in service.intents):
        return False
    return 2 * sum(informs(service) for service in services) < len(services)
