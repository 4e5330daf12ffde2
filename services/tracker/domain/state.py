"""The dialogue's state as a noun: service → intent, requested slots, values; and the entities mentioned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

USER, SYSTEM, CORRECTION, COPIED = "user", "system", "correction", "copied"
"""Where a value came from: what the user said, the system's reply, a person's correction, another slot."""

DONTCARE = "dontcare"
"""The value of a slot about which the user said that anything will do."""

MULTI_SEPARATOR = " | "
"""Between the values of a multi-valued slot."""

MAX_ENTITIES = 20
"""Entities of one turn and offers open, each, so that a turn's message stays within its 16 kB."""


@dataclass(frozen=True, slots=True)
class SlotValue:
    """A slot's value, its `origin`, where in that turn's user text it stands (code points), and the turn's
    n."""

    value: str
    origin: str = USER
    span: tuple[int, int] | None = None
    turn: int = 0

    @property
    def values(self) -> list[str]:
        """The values of a multi-valued slot; one for the others."""
        return self.value.split(MULTI_SEPARATOR)


@dataclass(frozen=True, slots=True)
class Entity:
    """Something the user's turn names: its text, its kind ("name", "date", …), its span in code points."""

    text: str
    kind: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Offer:
    """A value that the system's replies offered for a slot and the user has not taken or passed over yet."""

    service: str
    slot: str
    value: str


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What is known about one service: the user's intent, what they asked for in this turn, the slots'
    values."""

    intent: str | None = None
    requested: tuple[str, ...] = ()
    slots: Mapping[str, SlotValue] = field(default_factory=dict)

    def with_slot(self, name: str, value: SlotValue | None) -> ServiceState:
        """The same with one slot set, or removed (None)."""
        slots = {k: v for k, v in self.slots.items() if k != name}
        if value is not None:
            slots[name] = value
        return replace(self, slots=slots)


@dataclass(frozen=True, slots=True)
class State:
    """The state after a turn; immutable, so that a tracker returns a new one.

    `services` stand in the order of their last activity. `entities` are those of the turn; `offers` stay open
    over turns, so that an offer made some turns ago can still be taken.
    """

    services: Mapping[str, ServiceState] = field(default_factory=dict)
    entities: tuple[Entity, ...] = ()
    offers: tuple[Offer, ...] = ()

    def service(self, name: str) -> ServiceState:
        """What is known about the service; empty where nothing is."""
        return self.services.get(name, ServiceState())

    def value(self, service: str, slot: str) -> str | None:
        found = self.service(service).slots.get(slot)
        return found.value if found else None

    def with_service(self, name: str, service: ServiceState) -> State:
        return replace(self, services={**self.services, name: service})

    def with_slot(self, service: str, slot: str, value: SlotValue | None) -> State:
        """The same with one slot set, or removed (None)."""
        return self.with_service(service, self.service(service).with_slot(slot, value))

    def filled(self) -> Iterator[tuple[str, str, SlotValue]]:
        """(service, slot, value) of every filled slot."""
        for service, content in self.services.items():
            for slot, value in content.slots.items():
                yield service, slot, value

    def to_json(self) -> dict[str, Any]:
        """The State JSON of turn documents, messages and events."""
        return {
            "services": {
                name: {
                    "intent": service.intent,
                    "requested": list(service.requested),
                    "slots": {
                        slot: {
                            "value": value.value,
                            "origin": value.origin,
                            "span": list(value.span) if value.span else None,
                            "turn": value.turn,
                        }
                        for slot, value in service.slots.items()
                    },
                }
                for name, service in self.services.items()
            },
            "entities": [{"text": e.text, "kind": e.kind, "span": list(e.span)} for e in self.entities],
            "offers": [{"service": o.service, "slot": o.slot, "value": o.value} for o in self.offers],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any] | None) -> State:
        """The state that State JSON describes; None is the empty state."""
        if document is None:
            return cls()
        services = {
            name: ServiceState(
                intent=content.get("intent"),
                requested=tuple(content.get("requested") or ()),
                slots={
                    slot: SlotValue(
                        value=entry["value"],
                        origin=entry.get("origin", USER),
                        span=_span(entry.get("span")),
                        turn=int(entry.get("turn", 0)),
                    )
                    for slot, entry in (content.get("slots") or {}).items()
                },
            )
            for name, content in (document.get("services") or {}).items()
        }
        entities = tuple(
            Entity(e["text"], e["kind"], (int(e["span"][0]), int(e["span"][1])))
            for e in document.get("entities") or ()
            if e.get("span")
        )
        offers = tuple(Offer(o["service"], o["slot"], o["value"]) for o in document.get("offers") or ())
        return cls(services, entities, offers)


def _span(raw: Any) -> tuple[int, int] | None:
    return (int(raw[0]), int(raw[1])) if raw else None
