"""ChineseTracker: the network over characters behind the `Tracker` protocol, beside the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from services.common.schema import Schema
from services.models.int8_rows import read_int8
from services.tracker.chinese.network import OPERATIONS, ChineseNetwork
from services.tracker.chinese.reading import Reading, read
from services.tracker.chinese.turns import USER_CHARACTERS, Alphabet, Turn, batch_of, same
from services.tracker.chinese.views import Key, views_of
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import (
    CORRECTION,
    MAX_ENTITIES,
    SYSTEM,
    USER,
    Offer,
    ServiceState,
    SlotValue,
    State,
)
from services.tracker.domain.tracker import TrackRequest

DEFAULT = Path(__file__).parents[2] / "models" / "weights" / "tracker_zh" / "tracker_zh.safetensors"
MOST_TURNS = 32
"""Turns of one batch."""


class ChineseTracker:
    """The `Tracker` of Chinese dialogues in which a service finds things; safe to share between threads.

    Slots are the network's; intents, what is asked for and entities are those of the rules, and so are the slots of
    messages that are longer than the network reads.
    """

    def __init__(self, network: ChineseNetwork, alphabet: Alphabet, leanings: Sequence[float] = ()) -> None:
        """`leanings` are added to the scores of the operations, in their order; none if left out."""
        self._network = network.eval()
        self._alphabet = alphabet
        self._leanings = tuple(leanings) or (0.0,) * len(OPERATIONS)
        self._rules = RuleTracker()

    @classmethod
    def load(cls, path: Path = DEFAULT) -> ChineseTracker:
        """Reads the committed weights, or those at `path`. Raises OSError where there are none."""
        weights, about = read_int8(path)
        alphabet = Alphabet(about["characters"])
        network = ChineseNetwork(len(alphabet))
        network.load_state_dict(weights)
        network.requires_grad_(False)
        return cls(network, alphabet, about.get("leanings", ()))

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        """See `Tracker.track`."""
        return self.track_many([TrackRequest(schema, previous, system_text, user_text, turn)])[0]

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        """See `Tracker.track_many`."""
        states = self._rules.track_many(requests)
        turns = [turn_of(request) for request in requests]
        order = sorted(range(len(turns)), key=lambda index: len(turns[index].text))
        order = [index for index in order if turns[index].views and len(requests[index].user_text) <= USER_CHARACTERS]
        for start in range(0, len(order), MOST_TURNS):
            some = order[start : start + MOST_TURNS]
            for index, reading in zip(some, self.read([turns[index] for index in some]), strict=True):
                states[index] = after(requests[index], states[index], reading)
        return states

    def read(self, turns: Sequence[Turn]) -> list[Reading]:
        """What the network understood of `turns`, computed as one batch."""
        with torch.inference_mode():
            operations, tags = self._network(batch_of(turns, self._alphabet))
        rows = zip(operations.numpy(), tags.numpy(), turns, strict=True)
        return [read(one, other, turn, self._leanings) for one, other, turn in rows]


def turn_of(request: TrackRequest) -> Turn:
    """The turn as the network is shown it."""
    views = views_of(request.schema)
    known = {view.key for view in views}
    previous = {(s, k): v.value for s, k, v in request.previous.filled() if (s, k) in known}
    offers = [((o.service, o.slot), o.value) for o in request.previous.offers if (o.service, o.slot) in known]
    recent = next(reversed([service for service, _ in previous]), None)
    return Turn(views, request.system_text, request.user_text, previous, offers, recent, not request.system_text)


def after(request: TrackRequest, ruled: State, reading: Reading) -> State:
    """The state after a turn: the one before it with the reading's changes, and what the rules read beside slots."""
    services: dict[str, ServiceState] = {}
    for name, content in request.previous.services.items():
        if request.schema.has_service(name):
            service = request.schema.service(name)
            kept = {slot: value for slot, value in content.slots.items() if service.has_slot(slot)}
            services[name] = ServiceState(content.intent, (), kept)
    touched: list[str] = []
    for (name, slot), change in reading.changes.items():
        state = services.get(name, ServiceState())
        old = state.slots.get(slot)
        value = None
        if change.value is not None:
            if old is not None and same(old.value, change.value):
                continue
            value = SlotValue(change.value, USER if change.origin == "user" else SYSTEM, change.span, request.turn)
        if old is not None and old.origin == CORRECTION and change.origin != "user":
            continue  # what the system said must not undo a person's correction
        services[name] = state.with_slot(slot, value)
        if value is not None:
            touched.append(name)
    for name, content in ruled.services.items():
        if name in services or content.requested:
            state = services.get(name, ServiceState())
            services[name] = replace(state, intent=content.intent, requested=content.requested)
    order = [name for name in services if name not in touched] + list(dict.fromkeys(touched))
    services = {name: services[name] for name in order}
    return replace(ruled, services=services, offers=_offers(request, reading))


def _offers(request: TrackRequest, reading: Reading) -> tuple[Offer, ...]:
    """What was named in the dialogue, the newest last; the oldest go where there are too many."""
    known: dict[tuple[Key, str], None] = {
        ((o.service, o.slot), o.value): None
        for o in request.previous.offers
        if request.schema.has_service(o.service) and request.schema.service(o.service).has_slot(o.slot)
    }
    for key, value in reading.named:
        known.pop((key, value), None)
        known[(key, value)] = None
    return tuple(Offer(*key, value) for key, value in list(known)[-MAX_ENTITIES:])
