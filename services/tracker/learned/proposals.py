"""What the rules would do with a turn, service by service: input to the network, which decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from services.common.schema import Schema, Service, Slot, Value
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import SYSTEM, Offer, ServiceState, SlotValue, State
from services.tracker.learned.catalog import ServiceView, plain

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change the rules propose for a slot; `value` None deletes it.

    `whole` is whether they also do so when they choose among all services themselves.
    """

    value: str | None
    system: bool
    span: tuple[int, int] | None
    whole: bool = False


@dataclass(frozen=True)
class Proposals:
    """What the rules make of a turn; `active` are the services they take it to be about."""

    changes: dict[Key, Proposal] = field(default_factory=dict)
    requested: frozenset[Key] = frozenset()
    intents: frozenset[Key] = frozenset()
    active: frozenset[str] = frozenset()


_RULES = RuleTracker()


@lru_cache(maxsize=4096)
def _service(view: ServiceView) -> Service:
    slots = tuple(
        Slot(
            slot.label,
            slot.description,
            tuple(Value(value, slot.aliases[index] if slot.aliases else ()) for index, value in enumerate(slot.values)),
            slot.kind,
        )
        for slot in view.slots
    )
    return Service(view.name, view.description, view.rule_intents, slots)


@lru_cache(maxsize=4096)
def _schema(services: tuple[ServiceView, ...]) -> Schema:
    return Schema(tuple(map(_service, services)))


def propose(
    services: tuple[ServiceView, ...],
    previous: Mapping[Key, str],
    mentions: Mapping[Key, str],
    intents: Mapping[str, str],
    recent: str | None,
    system_text: str,
    user_text: str,
) -> Proposals:
    """Runs the rules on each service as if the turn were about it, and once on all of them.

    `recent` is the service the dialogue was last about.
    """
    befores = {view.name: _before(view, previous, mentions, intents) for view in services}
    changes: dict[Key, Proposal] = {}
    requested: set[Key] = set()
    wanted: set[Key] = set()
    for view in services:
        before, offers = befores[view.name]
        known = State({view.name: before} if before.slots or before.intent else {}, (), offers)
        after = _RULES.track(_schema((view,)), known, system_text, user_text, 1).service(view.name)
        names = {slot.label: slot.name for slot in view.slots}
        for label, value in _changes(before, after).items():
            changes[(view.name, names[label])] = value
        requested.update((view.name, names[label]) for label in after.requested)
        wanted.update((view.name, x.name) for x in view.intents if x.label == after.intent)
    if len(services) == 1:
        agreed = {key: Proposal(p.value, p.system, p.span, True) for key, p in changes.items()}
        return Proposals(agreed, frozenset(requested), frozenset(wanted), frozenset({services[0].name}))
    order = sorted(services, key=lambda view: view.name == recent)
    states = {view.name: befores[view.name][0] for view in order}
    known = State(
        {name: state for name, state in states.items() if state.slots or state.intent or name == recent},
        (),
        tuple(offer for view in services for offer in befores[view.name][1]),
    )
    found = _RULES.track(_schema(services), known, system_text, user_text, 2)
    active = set(list(found.services)[-1:])
    for view in services:
        names = {slot.label: slot.name for slot in view.slots}
        after = found.service(view.name)
        if after != states[view.name]:
            active.add(view.name)
        for label, value in _changes(states[view.name], after).items():
            key = (view.name, names[label])
            changes[key] = Proposal(value.value, value.system, value.span, True)
    return Proposals(changes, frozenset(requested), frozenset(wanted), frozenset(active))


def _before(
    view: ServiceView, previous: Mapping[Key, str], mentions: Mapping[Key, str], intents: Mapping[str, str]
) -> tuple[ServiceState, tuple[Offer, ...]]:
    labels = {slot.name: slot.label for slot in view.slots}
    held = {
        labels[slot]: SlotValue(value)
        for (service, slot), value in previous.items()
        if service == view.name and slot in labels
    }
    offers = tuple(
        Offer(view.name, labels[slot], value)
        for (service, slot), value in mentions.items()
        if service == view.name and slot in labels
    )
    intent = {intent.name: intent.label for intent in view.intents}.get(intents.get(view.name, ""))
    return ServiceState(intent, (), held), offers


def _changes(before: ServiceState, after: ServiceState) -> dict[str, Proposal]:
    """Changes by slot label."""
    found = {}
    for label, value in after.slots.items():
        old = before.slots.get(label)
        if old is None or plain(old.value) != plain(value.value):
            found[label] = Proposal(value.value, value.origin == SYSTEM, value.span)
    for label in before.slots.keys() - after.slots.keys():
        found[label] = Proposal(None, False, None)
    return found
