"""SuitedTracker: learned trackers for the kinds of dialogue they were trained on, the rules for forms to fill.

The network learned from dialogues in which a service looks something up and answers with results. Where a schema's
services only collect what the user is to say (an order, a booking, a repair), the rules are right more often and
invent less; `research.eval.service` measures both. Schemas in Chinese whose services find things by name have a
network of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from services.common.schema import Schema
from services.tracker.chinese.views import MOST_SLOTS, views_of
from services.tracker.domain.services_meant import informs
from services.tracker.domain.state import State
from services.tracker.domain.tracker import Tracker, TrackRequest
from services.tracker.domain.words import HAN


class SuitedTracker:
    """The `Tracker` that gives each turn to the one of its trackers that the schema and the message's script suit."""

    def __init__(self, learned: Tracker, rules: Tracker, chinese: Tracker | None = None) -> None:
        """`chinese` reads Chinese messages where `finds_in_chinese`; without it `learned` has them too."""
        self._learned, self._rules, self._chinese = learned, rules, chinese or learned

    def _suited(self, schema: Schema, user_text: str) -> Tracker:
        if collects(schema):
            return self._rules
        return self._chinese if finds_in_chinese(schema) and HAN.search(user_text) else self._learned

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        """See `Tracker.track`."""
        return self._suited(schema, user_text).track(schema, previous, system_text, user_text, turn)

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        """See `Tracker.track_many`."""
        found: dict[int, State] = {}
        suited = [self._suited(request.schema, request.user_text) for request in requests]
        for tracker in {id(tracker): tracker for tracker in suited}.values():
            own = [index for index, chosen in enumerate(suited) if chosen is tracker]
            if own:
                found.update(zip(own, tracker.track_many([requests[index] for index in own]), strict=True))
        return [found[index] for index in range(len(requests))]


@lru_cache(maxsize=256)
def finds_in_chinese(schema: Schema) -> bool:
    """Whether the schema is of the kind that the Chinese network learned from.

    Most of its slots are named or described in Chinese, things of some service have names, and a slot of another
    service is about them (a hotel's sights nearby).
    """
    slots = [slot for service in schema.services for slot in service.slots]
    if 2 * sum(bool(HAN.search(f"{slot.name} {slot.description}")) for slot in slots) <= len(slots):
        return False
    if len(slots) > MOST_SLOTS:
        return False
    views = views_of(schema)
    return any(view.names for view in views) and any(view.of not in (None, view.key[0]) for view in views)


def collects(schema: Schema) -> bool:
    """Whether the schema's services only collect: none answers with results, and few are there to find things."""
    services = [service for service in schema.services if service.intents]
    if not services or any(intent.results for service in services for intent in service.intents):
        return False
    if not any(intent.required for service in services for intent in service.intents):
        return False
    return 2 * sum(informs(service) for service in services) < len(services)
