"""Building blocks of JSON Schema 2020-12 as the description uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SECONDS: Schema = {"type": "integer", "minimum": 0, "description": "Seconds since 1970."}


def ref(name: str) -> Schema:
    """The schema of the document's components with this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(most: int, **more: Any) -> Schema:
    """A string of at most ``most`` code points."""
    return {"type": "string", "maxLength": most, **more}


def whole(low: int, high: int) -> Schema:
    """A whole number from ``low`` to ``high``."""
    return {"type": "integer", "minimum": low, "maximum": high}


def number(low: float, high: float) -> Schema:
    """A number from ``low`` to ``high``."""
    return {"type": "number", "minimum": low, "maximum": high}


def choice(*values: Any) -> Schema:
    """One of the values."""
    return {"const": values[0]} if len(values) == 1 else {"enum": list(values)}


def listed(items: Schema, most: int | None = None) -> Schema:
    """A list."""
    return {"type": "array", "items": items, **({} if most is None else {"maxItems": most})}


def maybe(schema: Schema) -> Schema:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def body(needed: Iterable[str], properties: Mapping[str, Schema]) -> Schema:
    """An object of a request: null is absence, and anything else that is not named is refused."""
    needed = list(needed)
    shown = {name: schema if name in needed else maybe(schema) for name, schema in properties.items()}
    return {"type": "object", "properties": shown, "required": needed, "additionalProperties": {"type": "null"}}


def answer(properties: Mapping[str, Schema], more: Mapping[str, Schema] | None = None) -> Schema:
    """An object of an answer: all of ``properties`` are there, those of ``more`` may be."""
    return {"type": "object", "properties": {**properties, **(more or {})}, "required": list(properties)}
