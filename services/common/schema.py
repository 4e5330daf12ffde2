"""What a tenant's dialogue is about: the Schema noun and its parser, light enough for the gateway.

A schema is YAML or JSON as people write it: services, each with intents and slots. Both ways of writing a
collection are taken: a list of mappings with a `name`, or one mapping from names to the rest. The keys of the
Schema-Guided Dialogue format (`service_name`, `possible_values`, `is_categorical`, …) are understood too, so
that its files and MultiWOZ's load as they are. A bad schema is refused whole, with the line and the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("number", "time", "date", "name", "text", "boolean")

MAX_TEXT = 1_000_000
"""Code points of a schema's text."""
MAX_SERVICES = 100
MAX_SLOTS = 1_000
"""Slots of all services together: a turn looks at each of them."""
MAX_VALUES = 5_000
"""Values of one slot, aliases included."""
MAX_NAME = 80
MAX_DESCRIPTION = 500


class SchemaError(ValueError):
    """The schema cannot be used.

    `line` counts from 1 (0: no line is to blame), `field` is a path such as services[0].slots[2].name.
    """

    def __init__(self, line: int, field: str, reason: str) -> None:
        self.line = line
        self.field = field
        self.reason = reason
        where = f"line {line}: " if line else ""
        super().__init__(f"{where}{field}: {reason}" if field else f"{where}{reason}")


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a categorical slot and the other words people use for it."""

    value: str
    aliases: tuple[str, ...] = ()


Wordings = tuple[tuple[str, str], ...]
"""What the assistant says, by language ("en", "zh"; empty: whatever the language)."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Something the dialogue must find out.

    `values` empty means free text. `kind` None means that the schema does not say; the tracker guesses it. `question`
    asks for it in the tenant's own words.
    """

    name: str
    description: str = ""
    values: tuple[Value, ...] = ()
    kind: str | None = None
    multi: bool = False
    question: Wordings = ()

    @property
    def categorical(self) -> bool:
        return bool(self.values)

    @property
    def value_names(self) -> tuple[str, ...]:
        return tuple(v.value for v in self.values)


@dataclass(frozen=True, slots=True)
class Intent:
    """Something a user may want from a service, and the slots it takes."""

    name: str
    description: str = ""
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    """Slots that the service answers with; one that is only this is not the user's to say."""
    confirm: Wordings = ()
    """Reads back what it will be done with, `{slot}` standing for a value, and asks whether to go on."""
    done: Wordings = ()
    """Says that it is on its way."""


@dataclass(frozen=True, slots=True)
class Service:
    """One task the assistant can do, such as booking a table."""

    name: str
    description: str = ""
    intents: tuple[Intent, ...] = ()
    slots: tuple[Slot, ...] = ()

    def slot(self, name: str) -> Slot:
        """The slot of that name; KeyError where there is none."""
        for slot in self.slots:
            if slot.name == name:
                return slot
        raise KeyError(name)

    def has_slot(self, name: str) -> bool:
        return any(slot.name == name for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Schema:
    """All services of a tenant's dialogue; immutable and hashable, so that work on it can be cached."""

    services: tuple[Service, ...]
    name: str = ""
    description: str = field(default="", compare=False)

    def service(self, name: str) -> Service:
        """The service of that name; KeyError where there is none."""
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)

    def has_service(self, name: str) -> bool:
        return any(service.name == name for service in self.services)

    @property
    def slot_count(self) -> int:
        return sum(len(service.slots) for service in self.services)

    def only(self, names: frozenset[str]) -> Schema:
        """The same schema with the named services alone, in its own order."""
        return Schema(tuple(s for s in self.services if s.name in names), self.name, self.description)

    def to_json(self) -> dict[str, Any]:
        """The canonical form, fit for a MongoDB document; `parse_schema_document` reads it back unchanged."""
        return {
            "name": self.name,
            "description": self.description,
            "services": [_service_json(service) for service in self.services],
        }


def _service_json(service: Service) -> dict[str, Any]:
    return {
        "name": service.name,
        "description": service.description,
        "intents": [
            {
                "name": intent.name,
                "description": intent.description,
                "required": list(intent.required),
                "optional": list(intent.optional),
                **({"results": list(intent.results)} if intent.results else {}),
                **({"confirm": dict(intent.confirm)} if intent.confirm else {}),
                **({"done": dict(intent.done)} if intent.done else {}),
            }
            for intent in service.intents
        ],
        "slots": [_slot_json(slot) for slot in service.slots],
    }


def _slot_json(slot: Slot) -> dict[str, Any]:
    document: dict[str, Any] = {"name": slot.name, "description": slot.description}
    if slot.values:
        document["values"] = [
            {"value": v.value, "aliases": list(v.aliases)} if v.aliases else v.value for v in slot.values
        ]
    if slot.kind is not None:
        document["kind"] = slot.kind
    if slot.multi:
        document["multi"] = True
    if slot.question:
        document["question"] = dict(slot.question)
    return document


def parse_schema(text: str) -> Schema:
    """The schema that `text` (YAML or JSON) describes; SchemaError names line, field and reason."""
    from services.common.schema_parser import parse_text

    return parse_text(text)


def parse_schema_document(document: Mapping[str, Any] | list[Any]) -> Schema:
    """The schema that a decoded document describes, such as `Schema.to_json()` made; SchemaError as above."""
    from services.common.schema_parser import parse_document

    return parse_document(document)
