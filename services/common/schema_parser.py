"""Reads a schema's text into a Schema and says, by line, what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from services.common.schema import (
    KINDS,
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_SERVICES,
    MAX_SLOTS,
    MAX_TEXT,
    MAX_VALUES,
    Intent,
    Schema,
    SchemaError,
    Service,
    Slot,
    Value,
)

_MAX_DEPTH = 12
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})


@dataclass(frozen=True, slots=True)
class _Node:
    """One place of the document: its content, its line (0 where there is none) and its path."""

    content: Any  # str | None (a scalar) | list[_Node] | list[tuple[str, _Node]] wrapped in _Mapping
    line: int
    path: str

    def fail(self, reason: str) -> SchemaError:
        return SchemaError(self.line, self.path, reason)


class _Mapping(list[tuple[str, _Node]]):
    """The pairs of a mapping in their order, duplicates already refused."""


def parse_text(text: str) -> Schema:
    """See `services.common.schema.parse_schema`."""
    if len(text) > MAX_TEXT:
        raise SchemaError(0, "", f"the schema has {len(text)} characters, at most {MAX_TEXT} are taken")
    if not text.strip():
        raise SchemaError(0, "", "the schema is empty")
    # A tab between JSON's tokens is fine in JSON and an error in YAML; inside JSON's strings it can't occur.
    is_json = text.lstrip()[:1] in "{["
    source = _JSON_PAIR.sub(_paired, text.replace("\t", " ")) if is_json else text
    try:
        _refuse_aliases_and_depth(source)
        root = yaml.compose(source, Loader=_LOADER)
    except SchemaError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SchemaError(
            mark.line + 1 if mark else 0, "", f"not readable as YAML or JSON: {error.problem or error}"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise SchemaError(0, "", f"not readable as YAML or JSON: {error}") from None
    if root is None:
        raise SchemaError(0, "", "the schema is empty")
    return _schema(_from_yaml(root, ""))


# JSON writes code points past the basic plane as two escapes, which YAML refuses.
_JSON_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def _paired(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return match[1] + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def parse_document(document: Mapping[str, Any] | list[Any]) -> Schema:
    """See `services.common.schema.parse_schema_document`."""
    return _schema(_from_python(document, "", 0))


def _refuse_aliases_and_depth(text: str) -> None:
    """Anchors make cycles and exponential documents, deep nesting overflows stacks: refused before
    composing."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise SchemaError(line, "", f"*{event.anchor}: aliases, and the cycles they make, are not taken")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise SchemaError(line, "", f"nested more than {_MAX_DEPTH} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _from_yaml(node: yaml.Node, path: str) -> _Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return _Node(None if node.tag == "tag:yaml.org,2002:null" else node.value, line, path)
    if isinstance(node, yaml.SequenceNode):
        return _Node([_from_yaml(item, f"{path}[{i}]") for i, item in enumerate(node.value)], line, path)
    assert isinstance(node, yaml.MappingNode)
    pairs, seen = _Mapping(), dict[str, int]()
    for key_node, value_node in node.value:
        at = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise SchemaError(at, path, "a key must be a plain word")
        key = key_node.value
        here = f"{path}.{key}" if path else key
        if key in seen:
            raise SchemaError(at, here, f"duplicate name {key!r}, first given in line {seen[key]}")
        seen[key] = at
        child = _from_yaml(value_node, here)
        pairs.append((key, _Node(child.content, at, here)))
    return _Node(pairs, line, path)


def _from_python(content: Any, path: str, depth: int) -> _Node:
    if depth > _MAX_DEPTH:
        raise SchemaError(0, path, f"nested more than {_MAX_DEPTH} deep")
    if isinstance(content, Mapping):
        pairs = _Mapping()
        for key, value in content.items():
            here = f"{path}.{key}" if path else str(key)
            pairs.append((str(key), _from_python(value, here, depth + 1)))
        return _Node(pairs, 0, path)
    if isinstance(content, (list, tuple)):
        return _Node([_from_python(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(content)], 0, path)
    if content is None or isinstance(content, str):
        return _Node(content, 0, path)
    return _Node(json.dumps(content), 0, path)


# ------------------------------------------------------------------------------------------------ readers


def _fields(node: _Node, what: str, known: Mapping[str, str]) -> dict[str, _Node]:
    """The mapping's fields by canonical name; `known` maps each accepted key to its canonical name."""
    if not isinstance(node.content, _Mapping):
        raise node.fail(f"{what} must be a mapping of keys to values, not {_type_name(node)}")
    found: dict[str, _Node] = {}
    for key, value in node.content:
        if key not in known:
            close = get_close_matches(key, list(known), 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(set(known.values())))}"
            raise value.fail(f"unknown key {key!r} in {what}{hint}")
        if known[key] in found:
            raise value.fail(f"{key!r} repeats {known[key]!r}")
        found[known[key]] = value
    return found


def _type_name(node: _Node) -> str:
    if isinstance(node.content, _Mapping):
        return "a mapping"
    if isinstance(node.content, list):
        return "a list"
    return "nothing" if node.content is None else "text"


def _text(node: _Node | None, what: str, limit: int) -> str:
    if node is None or node.content is None:
        return ""
    if not isinstance(node.content, str):
        raise node.fail(f"{what} must be text, not {_type_name(node)}")
    if len(node.content) > limit:
        raise node.fail(f"{what} has {len(node.content)} characters, at most {limit} are taken")
    return node.content.strip()


def _name(node: _Node | None, parent: _Node, what: str) -> str:
    if node is None:
        raise parent.fail(f"{what} has no name")
    name = _text(node, f"the name of {what}", MAX_NAME)
    if not name:
        raise node.fail(f"the name of {what} is empty")
    if name.startswith("$") or "." in name or not name.isprintable():
        raise node.fail(f"{name!r} cannot be a name: no dot, no leading dollar sign, no control characters")
    return name


def _flag(node: _Node | None, what: str, default: bool = False) -> bool:
    word = _text(node, what, 10).lower()
    if not word:
        return default
    if word not in _TRUE | _FALSE:
        assert node is not None
        raise node.fail(f"{what} must be true or false, not {word!r}")
    return word in _TRUE


def _items(node: _Node | None, what: str) -> Iterator[tuple[str | None, _Node]]:
    """The items of a collection written as a list (name None: inside the item) or as a mapping from names."""
    if node is None or node.content is None:
        return
    if isinstance(node.content, _Mapping):
        yield from node.content
    elif isinstance(node.content, list):
        for item in node.content:
            yield None, item
    else:
        raise node.fail(f"{what} must be a list or a mapping, not text")


def _named(key: str | None, item: _Node, what: str, known: Mapping[str, str]) -> tuple[str, dict[str, _Node]]:
    """Name and fields of an item; in a mapping a bare text is its description, in a list its name."""
    if isinstance(item.content, str) or item.content is None:
        if key is not None:
            return _name(_Node(key, item.line, item.path), item, what), {"description": item}
        return _name(item, item, what), {}
    fields = _fields(item, what, known)
    own = fields.get("name")
    if key is not None:
        if own is not None:
            raise own.fail(f"{what} {key!r} has a second name")
        return _name(_Node(key, item.line, item.path), item, what), fields
    return _name(own, item, what), fields


def _unique(seen: dict[str, int], name: str, node: _Node, what: str) -> None:
    if name in seen:
        first = f", first given in line {seen[name]}" if seen[name] else ""
        raise node.fail(f"duplicate name {name!r} of {what}{first}")
    seen[name] = node.line


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
    "orig": "orig",
}
# `orig` and `is_transactional` are understood and not used.
_VALUE_KEYS = {"value": "value", "name": "value", "aliases": "aliases"}


def _schema(root: _Node) -> Schema:
    if isinstance(root.content, list) and not isinstance(root.content, _Mapping):
        fields: dict[str, _Node] = {"services": root}
    else:
        fields = _fields(root, "the schema", _SCHEMA_KEYS)
    if "services" not in fields:
        raise root.fail("the schema has no services")
    services: list[Service] = []
    seen: dict[str, int] = {}
    slots = 0
    for key, item in _items(fields["services"], "services"):
        service = _service(key, item)
        _unique(seen, service.name, item, "a service")
        services.append(service)
        slots += len(service.slots)
        if len(services) > MAX_SERVICES:
            raise item.fail(f"more than {MAX_SERVICES} services")
        if slots > MAX_SLOTS:
            raise item.fail(f"more than {MAX_SLOTS} slots in all services together")
    if not services:
        raise fields["services"].fail("the schema has no services")
    name = _text(fields.get("name"), "the schema's name", MAX_NAME)
    return Schema(tuple(services), name, _text(fields.get("description"), "the description", MAX_DESCRIPTION))


def _service(key: str | None, item: _Node) -> Service:
    name, fields = _named(key, item, "a service", _SERVICE_KEYS)
    slots: list[Slot] = []
    seen: dict[str, int] = {}
    for slot_key, slot_node in _items(fields.get("slots"), "slots"):
        slot = _slot(slot_key, slot_node)
        _unique(seen, slot.name, slot_node, "a slot")
        slots.append(slot)
        if len(slots) > MAX_SLOTS:
            raise slot_node.fail(f"more than {MAX_SLOTS} slots")
    intents: list[Intent] = []
    names: dict[str, int] = {}
    for intent_key, intent_node in _items(fields.get("intents"), "intents"):
        intent = _intent(intent_key, intent_node, seen)
        _unique(names, intent.name, intent_node, "an intent")
        intents.append(intent)
    if not slots and not intents:
        raise item.fail(f"the service {name!r} has neither intents nor slots")
    description = _text(fields.get("description"), "the description", MAX_DESCRIPTION)
    return Service(name, description, tuple(intents), tuple(slots))


def _intent(key: str | None, item: _Node, slots: Mapping[str, int]) -> Intent:
    name, fields = _named(key, item, "an intent", _INTENT_KEYS)
    description = _text(fields.get("description"), "the description", MAX_DESCRIPTION)
    required = _slot_names(fields.get("required"), slots)
    optional, results = _slot_names(fields.get("optional"), slots), _slot_names(fields.get("results"), slots)
    return Intent(name, description, required, optional, results)


def _slot_names(node: _Node | None, slots: Mapping[str, int]) -> tuple[str, ...]:
    names: list[str] = []
    for key, item in _items(node, "the slots of an intent"):
        name = key if key is not None else _name(item, item, "a slot")
        if name not in slots:
            raise item.fail(f"names the slot {name!r}, which the service does not have")
        names.append(name)
    return tuple(names)


def _slot(key: str | None, item: _Node) -> Slot:
    name, fields = _named(key, item, "a slot", _SLOT_KEYS)
    kind = _text(fields.get("kind"), "the kind", 20).lower() or None
    if kind is not None and kind not in KINDS:
        raise fields["kind"].fail(f"{kind!r} is no kind of slot; known: {', '.join(KINDS)}")
    categorical = _flag(fields.get("is_categorical"), "is_categorical", default=True)
    # Files in the SGD format list examples for slots that are not categorical: they are not the whole choice.
    values = _values(fields.get("values")) if categorical else ()
    if "values" in fields and not values and "is_categorical" not in fields:
        raise fields["values"].fail(f"the slot {name!r} has an empty list of values; leave it out for free text")
    if "is_categorical" in fields and categorical and not values:
        raise item.fail(f"the slot {name!r} is categorical and has no values")
    description = _text(fields.get("description"), "the description", MAX_DESCRIPTION)
    return Slot(name, description, values, kind, _flag(fields.get("multi"), "multi"))


def _values(node: _Node | None) -> tuple[Value, ...]:
    values: list[Value] = []
    seen: dict[str, int] = {}
    count = 0
    for key, item in _items(node, "values"):
        value = _value(key, item)
        for word in (value.value, *value.aliases):
            _unique(seen, word.casefold(), item, "a value")
        values.append(value)
        count += 1 + len(value.aliases)
        if count > MAX_VALUES:
            raise item.fail(f"more than {MAX_VALUES} values")
    return tuple(values)


def _value(key: str | None, item: _Node) -> Value:
    """`cheap`, `{value: cheap, aliases: [budget]}`, `cheap: [budget]` or `cheap: {aliases: [budget]}`."""
    aliases: _Node | None = None
    word: _Node | None = item
    if key is not None:
        word = _Node(key, item.line, item.path)
        aliases = _fields(item, "a value", _VALUE_KEYS).get("aliases") if isinstance(item.content, _Mapping) else item
    elif isinstance(item.content, _Mapping):
        fields = _fields(item, "a value", _VALUE_KEYS)
        word, aliases = fields.get("value"), fields.get("aliases")
    text = _text(word, "a value", MAX_DESCRIPTION)
    if not text:
        raise item.fail("a value is missing")
    others: list[str] = []
    if aliases is not None and isinstance(aliases.content, str):
        others.append(_text(aliases, "an alias", MAX_DESCRIPTION))
    elif aliases is not None:
        for _, alias in _items(aliases, "aliases"):
            others.append(_text(alias, "an alias", MAX_DESCRIPTION))
            if not others[-1]:
                raise alias.fail("an alias is empty")
    return Value(text, tuple(other for other in dict.fromkeys(others) if other.casefold() != text.casefold()))
