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
    """A change the rules propose for a slot; `value` None deletes it."""

    value: str | None
    system: bool
    span: tuple[int, int] | None


@dataclass(frozen=True)
class Proposals:
    """What the rules make of a turn."""

    changes: dict[Key, Proposal] = field(default_factory=dict)
    requested: frozenset[Key] = frozenset()
    intents: frozenset[Key] = frozenset()


_RULES = RuleTracker()


@lru_cache(maxsize=4096)
def _schema(view: ServiceView) -> Schema:
    slots = tuple(
        Slot(
            slot.label,
            slot.description,
            tuple(Value(value, slot.aliases[index] if slot.aliases else ()) for index, value in enumerate(slot.values)),
            slot.kind,
        )
        for slot in view.slots
    )
    return Schema((Service(view.name, view.description, view.rule_intents, slots),))


def propose(
    services: tuple[ServiceView, ...],
    previous: Mapping[Key, str],
    mentions: Mapping[Key, str],
    intents: Mapping[str, str],
    system_text: str,
    user_text: str,
) -> Proposals:
    """Runs the rules on each service as if the turn were about it."""
    changes: dict[Key, Proposal] = {}
    requested: set[Key] = set()
    wanted: set[Key] = set()
    for view in services:
        labels = {slot.name: slot.label for slot in view.slots}
        names = {slot.label: slot.name for slot in view.slots}
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
        intent_labels = {intent.name: intent.label for intent in view.intents}
        intent = intent_labels.get(intents.get(view.name, ""))
        before = State({view.name: ServiceState(intent, (), held)} if held or intent else {}, (), offers)
        after = _RULES.track(_schema(view), before, system_text, user_text, 1).service(view.name)
        for label, value in after.slots.items():
            old = held.get(label)
            if old is None or plain(old.value) != plain(value.value):
                changes[(view.name, names[label])] = Proposal(value.value, value.origin == SYSTEM, value.span)
        for label in held.keys() - after.slots.keys():
            changes[(view.name, names[label])] = Proposal(None, False, None)
        requested.update((view.name, names[label]) for label in after.requested)
        wanted.update((view.name, x.name) for x in view.intents if x.label == after.intent)
    return Proposals(changes, frozenset(requested), frozenset(wanted))
