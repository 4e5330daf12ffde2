"""A schema's document as nodes that know their line: read from YAML, JSON or decoded content, and taken apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from services.common.schema import MAX_NAME, MAX_TEXT, SchemaError

_MAX_DEPTH = 12
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Node:
    """One place of the document: its content, its line (0 where there is none) and its path."""

    content: Any  # str | None (a scalar) | list[Node] | list[tuple[str, Node]] wrapped in MappingPairs
    line: int
    path: str

    def fail(self, reason: str) -> SchemaError:
        return SchemaError(self.line, self.path, reason)


class MappingPairs(list[tuple[str, Node]]):
    """The pairs of a mapping in their order, duplicates already refused."""


def read_text(text: str) -> Node:
    """The root of a YAML or JSON text; SchemaError where it is none."""
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
    return _from_yaml(root, "")


# JSON writes code points past the basic plane as two escapes, which YAML refuses.
_JSON_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def _paired(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return match[1] + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def read_document(document: Mapping[str, Any] | list[Any]) -> Node:
    """The root of decoded content."""
    return _from_python(document, "", 0)


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


def _from_yaml(node: yaml.Node, path: str) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return Node(None if node.tag == "tag:yaml.org,2002:null" else node.value, line, path)
    if isinstance(node, yaml.SequenceNode):
        return Node([_from_yaml(item, f"{path}[{i}]") for i, item in enumerate(node.value)], line, path)
    assert isinstance(node, yaml.MappingNode)
    pairs, seen = MappingPairs(), dict[str, int]()
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
        pairs.append((key, Node(child.content, at, here)))
    return Node(pairs, line, path)


def _from_python(content: Any, path: str, depth: int) -> Node:
    if depth > _MAX_DEPTH:
        raise SchemaError(0, path, f"nested more than {_MAX_DEPTH} deep")
    if isinstance(content, Mapping):
        pairs = MappingPairs()
        for key, value in content.items():
            here = f"{path}.{key}" if path else str(key)
            pairs.append((str(key), _from_python(value, here, depth + 1)))
        return Node(pairs, 0, path)
    if isinstance(content, (list, tuple)):
        return Node([_from_python(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(content)], 0, path)
    if content is None or isinstance(content, str):
        return Node(content, 0, path)
    return Node(json.dumps(content), 0, path)


def fields_of(node: Node, what: str, known: Mapping[str, str]) -> dict[str, Node]:
    """The mapping's fields by canonical name; `known` maps each accepted key to its canonical name."""
    if not isinstance(node.content, MappingPairs):
        raise node.fail(f"{what} must be a mapping of keys to values, not {_type_name(node)}")
    found: dict[str, Node] = {}
    for key, value in node.content:
        if key not in known:
            close = get_close_matches(key, list(known), 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(set(known.values())))}"
            raise value.fail(f"unknown key {key!r} in {what}{hint}")
        if known[key] in found:
            raise value.fail(f"{key!r} repeats {known[key]!r}")
        found[known[key]] = value
    return found


def _type_name(node: Node) -> str:
    if isinstance(node.content, MappingPairs):
        return "a mapping"
    if isinstance(node.content, list):
        return "a list"
    return "nothing" if node.content is None else "text"


def text_of(node: Node | None, what: str, limit: int) -> str:
    if node is None or node.content is None:
        return ""
    if not isinstance(node.content, str):
        raise node.fail(f"{what} must be text, not {_type_name(node)}")
    if len(node.content) > limit:
        raise node.fail(f"{what} has {len(node.content)} characters, at most {limit} are taken")
    return node.content.strip()


def name_of(node: Node | None, parent: Node, what: str) -> str:
    if node is None:
        raise parent.fail(f"{what} has no name")
    name = text_of(node, f"the name of {what}", MAX_NAME)
    if not name:
        raise node.fail(f"the name of {what} is empty")
    if name.startswith("$") or "." in name or not name.isprintable():
        raise node.fail(f"{name!r} cannot be a name: no dot, no leading dollar sign, no control characters")
    return name


def flag(node: Node | None, what: str, default: bool = False) -> bool:
    word = text_of(node, what, 10).lower()
    if not word:
        return default
    if word not in _TRUE | _FALSE:
        assert node is not None
        raise node.fail(f"{what} must be true or false, not {word!r}")
    return word in _TRUE


def items(node: Node | None, what: str) -> Iterator[tuple[str | None, Node]]:
    """The items of a collection written as a list (name None: inside the item) or as a mapping from names."""
    if node is None or node.content is None:
        return
    if isinstance(node.content, MappingPairs):
        yield from node.content
    elif isinstance(node.content, list):
        for item in node.content:
            yield None, item
    else:
        raise node.fail(f"{what} must be a list or a mapping, not text")


def named(key: str | None, item: Node, what: str, known: Mapping[str, str]) -> tuple[str, dict[str, Node]]:
    """Name and fields of an item; in a mapping a bare text is its description, in a list its name."""
    if isinstance(item.content, str) or item.content is None:
        if key is not None:
            return name_of(Node(key, item.line, item.path), item, what), {"description": item}
        return name_of(item, item, what), {}
    fields = fields_of(item, what, known)
    own = fields.get("name")
    if key is not None:
        if own is not None:
            raise own.fail(f"{what} {key!r} has a second name")
        return name_of(Node(key, item.line, item.path), item, what), fields
    return name_of(own, item, what), fields


def unique(seen: dict[str, int], name: str, node: Node, what: str) -> None:
    if name in seen:
        first = f", first given in line {seen[name]}" if seen[name] else ""
        raise node.fail(f"duplicate name {name!r} of {what}{first}")
    seen[name] = node.line
