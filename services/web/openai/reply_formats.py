"""The format of a reply as OpenAI's two APIs write it, and the contract's: words, any JSON object, one by a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from antiphon.v1.common_pb2 import (
    REPLY_FORMAT_KIND_JSON,
    REPLY_FORMAT_KIND_TEXT,
    DecodingSettings,
    ReplyFormat,
)

from services.web.openai.body import Body, json_text, refuse

TYPES = ("text", "json_object", "json_schema")
PARTS = ("name", "description", "schema", "strict")
FIELD = "settings.reply_format"


def read_format(given: Body, *, nested: bool) -> ReplyFormat | None:
    """The format that a body's object asks for; None where that is words. ``nested``: what is said of a schema stands
    in an object of its own, as chat completions have it.

    Raises WebError, naming the parameter.
    """
    type = given.text("type", "text")
    if type not in TYPES:
        refuse(given.name("type"), f"must be one of {', '.join(TYPES)}")
    if type != "json_schema":
        given.check_known(("type",))
        return ReplyFormat(kind=REPLY_FORMAT_KIND_JSON) if type == "json_object" else None
    given.check_known(("type", "json_schema") if nested else ("type", *PARTS))
    if nested and "json_schema" not in given:
        refuse(given.name("json_schema"), "is needed", "missing_required_parameter")
    held = given.object("json_schema") if nested else given
    held.check_known(PARTS if nested else ("type", *PARTS))
    schema, strict = held.raw("schema"), held.flag("strict")
    if schema is not None or strict or not nested:
        if schema is None:
            refuse(held.name("schema"), "is needed", "missing_required_parameter")
        held.object("schema")
    return ReplyFormat(
        kind=REPLY_FORMAT_KIND_JSON,
        name=held.text("name", needed=True),
        description=held.text("description"),
        schema="" if schema is None else json_text(held.name("schema"), schema),
        strict=strict,
    )


def format_names(path: str) -> dict[str, str]:
    """A request's names for the parts of the format that it keeps under ``path``, by the contract's."""
    return {f"{FIELD}.{part}": f"{path}.{part}" for part in PARTS}


def instead(settings: DecodingSettings) -> DecodingSettings:
    """The settings of another draft, which otherwise keeps the format of the one before: words, where none is named."""
    other = DecodingSettings()
    other.CopyFrom(settings)
    if not other.reply_format.kind:
        other.reply_format.kind = REPLY_FORMAT_KIND_TEXT
    return other


def format_shown(asked: ReplyFormat) -> Mapping[str, Any]:
    """A format as a response repeats it."""
    if asked.kind != REPLY_FORMAT_KIND_JSON:
        return {"type": "text"}
    if not asked.name:
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "name": asked.name,
        "description": asked.description or None,
        "schema": json.loads(asked.schema) if asked.schema else {},
        "strict": asked.strict,
    }
