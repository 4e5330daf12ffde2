"""Reads a schema's text into a Schema and says, by line, what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from services.common.schema import (
    KINDS,
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_SERVICES,
    MAX_SLOTS,
    MAX_VALUES,
    Intent,
    Schema,
    Service,
    Slot,
    Value,
    Wordings,
)
from services.common.schema_nodes import (
    MappingPairs,
    Node,
    fields_of,
    flag,
    items,
    name_of,
    named,
    read_document,
    read_text,
    text_of,
    unique,
)


def parse_text(text: str) -> Schema:
    """See `services.common.schema.parse_schema`."""
    return _schema(read_text(text))


def parse_document(document: Mapping[str, Any] | list[Any]) -> Schema:
    """See `services.common.schema.parse_schema_document`."""
    return _schema(read_document(document))


_SCHEMA_KEYS = {"name": "name", "description": "description", "services": "services"}
_SERVICE_KEYS = {
    "name": "name",
    "service_name": "name",
    "description": "description",
    "intents": "intents",
    "slots": "slots",
    "orig": "orig",
}
_INTENT_KEYS = {
    "name": "name",
    "description": "description",
    "required": "required",
    "required_slots": "required",
    "optional": "optional",
    "optional_slots": "optional",
    "is_transactional": "is_transactional",
    "result_slots": "results",
    "results": "results",
    "confirm": "confirm",
    "done": "done",
    "orig": "orig",
}
_SLOT_KEYS = {
    "name": "name",
    "description": "description",
    "values": "values",
    "possible_values": "values",
    "is_categorical": "is_categorical",
    "kind": "kind",
    "multi": "multi",
    "question": "question",
    "orig": "orig",
}
# `orig` and `is_transactional` are understood and not used.
_LANGUAGES = ("", "en", "zh")
_VALUE_KEYS = {"value": "value", "name": "value", "aliases": "aliases"}


def _schema(root: Node) -> Schema:
    if isinstance(root.content, list) and not isinstance(root.content, MappingPairs):
        fields: dict[str, Node] = {"services": root}
    else:
        fields = fields_of(root, "the schema", _SCHEMA_KEYS)
    if "services" not in fields:
        raise root.fail("the schema has no services")
    services: list[Service] = []
    seen: dict[str, int] = {}
    slots = 0
    for key, item in items(fields["services"], "services"):
        service = _service(key, item)
        unique(seen, service.name, item, "a service")
        services.append(service)
        slots += len(service.slots)
        if len(services) > MAX_SERVICES:
            raise item.fail(f"more than {MAX_SERVICES} services")
        if slots > MAX_SLOTS:
            raise item.fail(f"more than {MAX_SLOTS} slots in all services together")
    if not services:
        raise fields["services"].fail("the schema has no services")
    name = text_of(fields.get("name"), "the schema's name", MAX_NAME)
    return Schema(tuple(services), name, text_of(fields.get("description"), "the description", MAX_DESCRIPTION))


def _service(key: str | None, item: Node) -> Service:
    name, fields = named(key, item, "a service", _SERVICE_KEYS)
    slots: list[Slot] = []
    seen: dict[str, int] = {}
    for slot_key, slot_node in items(fields.get("slots"), "slots"):
        slot = _slot(slot_key, slot_node)
        unique(seen, slot.name, slot_node, "a slot")
        slots.append(slot)
        if len(slots) > MAX_SLOTS:
            raise slot_node.fail(f"more than {MAX_SLOTS} slots")
    intents: list[Intent] = []
    names: dict[str, int] = {}
    for intent_key, intent_node in items(fields.get("intents"), "intents"):
        intent = _intent(intent_key, intent_node, seen)
        unique(names, intent.name, intent_node, "an intent")
        intents.append(intent)
    if not slots and not intents:
        raise item.fail(f"the service {name!r} has neither intents nor slots")
    description = text_of(fields.get("description"), "the description", MAX_DESCRIPTION)
    return Service(name, description, tuple(intents), tuple(slots))


def _intent(key: str | None, item: Node, slots: Mapping[str, int]) -> Intent:
    name, fields = named(key, item, "an intent", _INTENT_KEYS)
    description = text_of(fields.get("description"), "the description", MAX_DESCRIPTION)
    required = _slot_names(fields.get("required"), slots)
    optional, results = _slot_names(fields.get("optional"), slots), _slot_names(fields.get("results"), slots)
    known = {"": "", **slots}
    confirm = _wordings(fields.get("confirm"), "the confirmation of an intent", known)
    done = _wordings(fields.get("done"), "the last word of an intent", known)
    return Intent(name, description, required, optional, results, confirm, done)


def _wordings(node: Node | None, what: str, slots: Mapping[str, object]) -> Wordings:
    """A text, or texts by language; `{name}` in them must be one of `slots`."""
    if node is None or node.content is None:
        return ()
    if isinstance(node.content, MappingPairs):
        pairs = [(key, child) for key, child in node.content]
    else:
        pairs = [("", node)]
    found = []
    for language, child in pairs:
        if language not in _LANGUAGES:
            raise child.fail(f"{language!r} is no language of {what}; known: en, zh")
        text = text_of(child, what, MAX_DESCRIPTION)
        unknown = [name for name in re.findall(r"\{([^{}]*)\}", text) if name not in slots]
        if unknown:
            raise child.fail(f"{what} names the slot {unknown[0]!r}, which the service does not have")
        if text:
            found.append((language, text))
    return tuple(found)


def _slot_names(node: Node | None, slots: Mapping[str, int]) -> tuple[str, ...]:
    names: list[str] = []
    for key, item in items(node, "the slots of an intent"):
        name = key if key is not None else name_of(item, item, "a slot")
        if name not in slots:
            raise item.fail(f"names the slot {name!r}, which the service does not have")
        names.append(name)
    return tuple(names)


def _slot(key: str | None, item: Node) -> Slot:
    name, fields = named(key, item, "a slot", _SLOT_KEYS)
    kind = text_of(fields.get("kind"), "the kind", 20).lower() or None
    if kind is not None and kind not in KINDS:
        raise fields["kind"].fail(f"{kind!r} is no kind of slot; known: {', '.join(KINDS)}")
    categorical = flag(fields.get("is_categorical"), "is_categorical", default=True)
    # Files in the SGD format list examples for slots that are not categorical: they are not the whole choice.
    values = _values(fields.get("values")) if categorical else ()
    if "values" in fields and not values and "is_categorical" not in fields:
        raise fields["values"].fail(f"the slot {name!r} has an empty list of values; leave it out for free text")
    if "is_categorical" in fields and categorical and not values:
        raise item.fail(f"the slot {name!r} is categorical and has no values")
    description = text_of(fields.get("description"), "the description", MAX_DESCRIPTION)
    question = _wordings(fields.get("question"), "the question for a slot", {})
    return Slot(name, description, values, kind, flag(fields.get("multi"), "multi"), question)


def _values(node: Node | None) -> tuple[Value, ...]:
    values: list[Value] = []
    seen: dict[str, int] = {}
    count = 0
    for key, item in items(node, "values"):
        value = _value(key, item)
        for word in (value.value, *value.aliases):
            unique(seen, word.casefold(), item, "a value")
        values.append(value)
        count += 1 + len(value.aliases)
        if count > MAX_VALUES:
            raise item.fail(f"more than {MAX_VALUES} values")
    return tuple(values)


def _value(key: str | None, item: Node) -> Value:
    """`cheap`, `{value: cheap, aliases: [budget]}`, `cheap: [budget]` or `cheap: {aliases: [budget]}`."""
    aliases: Node | None = None
    word: Node | None = item
    if key is not None:
        word = Node(key, item.line, item.path)
        aliases = (
            fields_of(item, "a value", _VALUE_KEYS).get("aliases") if isinstance(item.content, MappingPairs) else item
        )
    elif isinstance(item.content, MappingPairs):
        fields = fields_of(item, "a value", _VALUE_KEYS)
        word, aliases = fields.get("value"), fields.get("aliases")
    text = text_of(word, "a value", MAX_DESCRIPTION)
    if not text:
        raise item.fail("a value is missing")
    others: list[str] = []
    if aliases is not None and isinstance(aliases.content, str):
        others.append(text_of(aliases, "an alias", MAX_DESCRIPTION))
    elif aliases is not None:
        for _, alias in items(aliases, "aliases"):
            others.append(text_of(alias, "an alias", MAX_DESCRIPTION))
            if not others[-1]:
                raise alias.fail("an alias is empty")
    return Value(text, tuple(other for other in dict.fromkeys(others) if other.casefold() != text.casefold()))
