"""What a reply is held to be: what it must look like, as a turn keeps it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.v1 import common_pb2

from services.common.errors import InvalidArgument
from services.common.reply_format import JSON, TEXT
from services.common.tools.calls import NAME
from services.common.tools.grammar import json_fault, schema_fault

MAX_SCHEMA = 32_000
MAX_DESCRIPTION = 4_000
_KINDS: dict[str, common_pb2.ReplyFormatKind.ValueType] = {
    TEXT: common_pb2.REPLY_FORMAT_KIND_TEXT,
    JSON: common_pb2.REPLY_FORMAT_KIND_JSON,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def check_format(field: str, given: common_pb2.ReplyFormat) -> None:
    """Raises InvalidArgument, naming the part of a format that no reply can be held to."""
    if given.kind not in common_pb2.ReplyFormatKind.values():
        raise InvalidArgument(f"{field}.kind", f"{given.kind} is no kind of a format")
    if given.kind != common_pb2.REPLY_FORMAT_KIND_JSON:
        for part in ("schema", "name", "description", "strict"):
            if getattr(given, part):
                raise InvalidArgument(f"{field}.{part}", "goes with JSON")
        return
    if given.name and not NAME.fullmatch(given.name):
        raise InvalidArgument(f"{field}.name", "must be 1 to 64 of a-z, A-Z, 0-9, _ and -")
    for part, most in (("description", MAX_DESCRIPTION), ("schema", MAX_SCHEMA)):
        if len(text := getattr(given, part)) > most:
            raise InvalidArgument(f"{field}.{part}", f"has {len(text)} characters, at most {most} are taken")
        if "\0" in text:
            raise InvalidArgument(f"{field}.{part}", "holds a NUL character")
    if not given.schema.strip():
        if given.strict:
            raise InvalidArgument(f"{field}.schema", "is needed to be strict about")
        return
    if fault := json_fault(given.schema) or schema_fault(given.schema, strict=given.strict):
        raise InvalidArgument(f"{field}.schema", fault)


def format_json(given: common_pb2.ReplyFormat) -> dict[str, Any]:
    """A format that was checked, as a turn keeps it."""
    if given.kind == common_pb2.REPLY_FORMAT_KIND_TEXT:
        return {"kind": TEXT}
    words = {"name": given.name, "description": given.description, "schema": given.schema.strip()}
    return {"kind": _NAMES[given.kind], **words, "strict": given.strict}


def format_message(kept: Mapping[str, Any] | None) -> common_pb2.ReplyFormat | None:
    """The format that a turn keeps; None where it has none."""
    if not kept:
        return None
    return common_pb2.ReplyFormat(
        kind=_KINDS[kept["kind"]],
        schema=kept.get("schema") or "",
        name=kept.get("name") or "",
        description=kept.get("description") or "",
        strict=bool(kept.get("strict")),
    )
