"""LearnedTracker: the network behind the `Tracker` protocol, with the rules for what it can't read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from services.common.schema import Schema
from services.models.arithmetic import computes_in_bf16
from services.tracker.domain.lexicon import compile_schema
from services.tracker.domain.review import reviewed, with_agreement, with_listed
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import (
    COPIED,
    CORRECTION,
    MAX_ENTITIES,
    SYSTEM,
    USER,
    Entity,
    Offer,
    ServiceState,
    SlotValue,
    State,
)
from services.tracker.domain.tracker import TrackRequest
from services.tracker.learned import artifact
from services.tracker.learned.catalog import ServiceView, plain, views_of
from services.tracker.learned.decode import Leanings, Reading, read
from services.tracker.learned.inputs import Reader, Turn
from services.tracker.learned.network import Network
from services.tracker.learned.proposals import Key, propose
from services.tracker.learned.schema_states import SchemaStates
from services.tracker.learned.wordpieces import MAX_TEXT

MOST_SLOTS = 120  # slots looked at in one turn; tenants with more have their services selected first
LONGEST = 600  # characters of a message; of a longer one the network would read the beginning alone
MOST_TURNS = 48  # turns of one batch
_FOREIGN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ORIGINS = {"user": USER, "system": SYSTEM, "copied": COPIED}


class LearnedTracker:
    """The `Tracker` that reads a schema by its descriptions; safe to share between threads.

    Turns in a script that MiniLM's vocabulary lacks, and long ones, go to the rules whole. `bf16` is heeded where
    the CPU computes in it.
    """

    def __init__(
        self, network: Network, leanings: Leanings | None = None, bf16: bool = True, shallow: bool = False
    ) -> None:
        self._network = network.eval()
        self._reader = Reader()
        self._states = SchemaStates(self._reader)
        self._leanings = leanings or Leanings()
        bf16 = bf16 and computes_in_bf16()
        self._bf16, self._shallow = bf16, shallow
        self._rules = RuleTracker()
        if bf16:  # once, instead of in every turn
            for module in self._network.modules():
                if isinstance(module, torch.nn.Linear):
                    module.bfloat16()

    @classmethod
    def load(cls, path: Path = artifact.DEFAULT, bf16: bool = True) -> LearnedTracker:
        """Reads the committed weights, or those at `path`. Raises artifact.ArtifactError."""
        network, about = artifact.load(path)
        return cls(network, Leanings(**about.get("leanings", {})), bf16, bool(about.get("shallow")))

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        """See `Tracker.track`."""
        return self.track_many([TrackRequest(schema, previous, system_text, user_text, turn)])[0]

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        """See `Tracker.track_many`."""
        found: list[State | None] = [None] * len(requests)
        learned: list[tuple[int, Turn]] = []
        for index, request in enumerate(requests):
            unread = len(request.user_text) > LONGEST or _FOREIGN.search(request.user_text)
            if unread or not request.schema.services:
                found[index] = self._rules.track(
                    request.schema, request.previous, request.system_text, request.user_text, request.turn
                )
            else:
                learned.append((index, self._turn(request)))
        learned.sort(key=lambda item: len(item[1].system.ids) + len(item[1].user.ids))
        for start in range(0, len(learned), MOST_TURNS):
            some = learned[start : start + MOST_TURNS]
            for (index, turn), reading in zip(some, self.read([turn for _, turn in some]), strict=True):
                found[index] = _reviewed(requests[index], _state(requests[index], turn, reading))
        return [state for state in found if state is not None]

    def read(self, turns: Sequence[Turn]) -> list[Reading]:
        """What the network understood of `turns`, computed as one batch."""
        views = list(dict.fromkeys(view for turn in turns for view in turn.services))
        elements, values = self._states.together(views)
        batch = self._reader.batch(turns, views, self._network.reads_texts)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self._bf16):
            if self._shallow:
                scores = self._network.shallow(batch, elements)
            else:
                scores = self._network(batch, elements, values)
        with torch.inference_mode():
            readings = [read(scores, row, turn, self._leanings) for row, turn in enumerate(turns)]
        if self._shallow:  # it reads no text: offers are those of the rules
            for turn, reading in zip(turns, readings, strict=True):
                reading.mentions = dict(turn.proposals.offers)
        return readings

    def _turn(self, request: TrackRequest) -> Turn:
        views = self.select(request)
        names = {view.name for view in views}
        previous = {(s, k): v.value for s, k, v in request.previous.filled() if s in names}
        mentions = {
            (offer.service, offer.slot): offer.value
            for offer in request.previous.offers
            if plain(offer.value) != plain(previous.get((offer.service, offer.slot), ""))
        }
        intents = {name: x.intent for name, x in request.previous.services.items() if x.intent}
        system, user = self._reader.pieces.read([request.system_text, request.user_text])
        texts = (request.system_text, request.user_text)
        recent = next(reversed([name for name in request.previous.services if name in names]), None)
        proposals = propose(views, previous, mentions, intents, recent, *texts)
        return Turn(*texts, system, user, views, previous, mentions, intents, recent, proposals)

    def select(self, request: TrackRequest) -> tuple[ServiceView, ...]:
        """The services the turn may be about: all while they are few, else those in use and the nearest."""
        views = views_of(request.schema)
        if request.schema.slot_count <= MOST_SLOTS:
            return views
        user, system = self._states.sentences([request.user_text, request.system_text], MAX_TEXT)
        said = user + 0.5 * system
        recent = list(request.previous.services)[-2:]
        near = {view.name: float(said @ self._states.of(view)[2]) for view in views}
        order = sorted(views, key=lambda view: (view.name not in recent, -near[view.name]))
        chosen: set[str] = set()
        slots = 0
        for view in order:
            if not chosen or slots + len(view.slots) <= MOST_SLOTS:
                chosen.add(view.name)
                slots += len(view.slots)
        return tuple(view for view in views if view.name in chosen)


def _reviewed(request: TrackRequest, state: State) -> State:
    """The state with what the rules know for sure of the message put right."""
    lexicon = compile_schema(request.schema)
    message = request.system_text, request.user_text, request.turn
    state = with_agreement(lexicon, request.previous, *message, state)
    state = with_listed(lexicon, request.previous, *message, state)
    return reviewed(lexicon, request.previous, *message, state)


def _state(request: TrackRequest, turn: Turn, reading: Reading) -> State:
    """The state after the turn: the previous one with the reading's changes."""
    schema, before = request.schema, request.previous
    services: dict[str, ServiceState] = {}
    for name, content in before.services.items():
        if schema.has_service(name):
            service = schema.service(name)
            kept = {slot: value for slot, value in content.slots.items() if service.has_slot(slot)}
            services[name] = ServiceState(content.intent, (), kept)
    touched: dict[str, float] = {}
    for (service_name, slot), change in reading.changes.items():
        state = services.get(service_name, ServiceState())
        value = None
        if change.value is not None:
            old = state.slots.get(slot)
            if old is not None and plain(old.value) == plain(change.value):
                continue
            if old is not None and old.origin == CORRECTION and change.origin != "user":
                continue  # what the system said must not undo a person's correction
            value = SlotValue(change.value, _ORIGINS[change.origin], change.span, request.turn)
        services[service_name] = state.with_slot(slot, value)
        touched[service_name] = 1.0
    for name, share in reading.active.items():
        asked = reading.requested.get(name) or ()
        if name not in touched and share < 0.5 and name not in services:
            continue
        state = services.get(name, ServiceState())
        intent = reading.intents.get(name) if name in touched or share >= 0.5 else state.intent
        services[name] = replace(state, intent=intent, requested=tuple(asked))
        if share >= 0.5 or name in touched:
            touched[name] = max(share, touched.get(name, 0.0))
    order = [name for name in services if name not in touched] + sorted(touched, key=lambda x: touched[x])
    services = {name: services[name] for name in order}
    return State(services, _entities(reading, turn), _offers(request, reading, services))


def _entities(reading: Reading, turn: Turn) -> tuple[Entity, ...]:
    """What the turn names: the values the network read, typed by their slots, and what else the rules saw."""
    found = {
        (change.span, key[1]): Entity(turn.user_text[slice(*change.span)], key[1], change.span)
        for key, change in reading.changes.items()
        if change.span is not None and change.value is not None
    }
    for entity in turn.proposals.entities:
        if all(entity.span[1] <= start or end <= entity.span[0] for (start, end), _ in found):
            found[(entity.span, entity.kind)] = entity
    return tuple(found.values())[:MAX_ENTITIES]


def _offers(request: TrackRequest, reading: Reading, services: dict[str, ServiceState]) -> tuple[Offer, ...]:
    """Mentions the state does not hold, the newest last; the oldest go where there are too many."""
    schema = request.schema
    known: dict[Key, str] = {
        (offer.service, offer.slot): offer.value
        for offer in request.previous.offers
        if schema.has_service(offer.service) and schema.service(offer.service).has_slot(offer.slot)
    }
    for key, value in reading.mentions.items():
        known.pop(key, None)
        known[key] = value
    open_ones = []
    for (service, slot), value in known.items():
        held = services.get(service, ServiceState()).slots.get(slot)
        if held is None or plain(held.value) != plain(value):
            open_ones.append(Offer(service, slot, value))
    return tuple(open_ones[-MAX_ENTITIES:])
