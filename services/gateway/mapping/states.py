"""Dialogue states and schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.v1 import common_pb2, state_pb2

from services.common.schema import Schema, parse_schema_document
from services.gateway.mapping.times import timestamp

_ORIGINS = {
    "user": state_pb2.ORIGIN_USER,
    "system": state_pb2.ORIGIN_SYSTEM,
    "correction": state_pb2.ORIGIN_CORRECTION,
    "copied": state_pb2.ORIGIN_COPIED,
}


def state_message(state: Mapping[str, Any]) -> state_pb2.State:
    """State JSON as a message."""
    made = state_pb2.State(entities=[entity_message(entity) for entity in state.get("entities") or ()])
    for name, content in (state.get("services") or {}).items():
        service = made.services[name]
        if content.get("intent") is not None:
            service.intent = content["intent"]
        service.requested.extend(content.get("requested") or ())
        for slot, value in (content.get("slots") or {}).items():
            service.slots[slot].CopyFrom(
                state_pb2.SlotValue(
                    value=value["value"],
                    origin=_ORIGINS.get(value.get("origin", ""), state_pb2.ORIGIN_UNSPECIFIED),
                    span=_span(value.get("span")),
                    turn=value.get("turn") or 0,
                )
            )
    return made


def entity_message(entity: Mapping[str, Any]) -> state_pb2.Entity:
    return state_pb2.Entity(text=entity["text"], kind=entity.get("kind") or "", span=_span(entity.get("span")))


def _span(span: Any) -> common_pb2.Span | None:
    return common_pb2.Span(start=span[0], end=span[1]) if span else None


def snapshot_message(
    session: str, turn: str, number: int, revision: int, state: Mapping[str, Any]
) -> state_pb2.StateSnapshot:
    return state_pb2.StateSnapshot(
        session_id=session, turn_id=turn, turn_number=number, revision=revision, state=state_message(state)
    )


def schema_message(document: Mapping[str, Any]) -> state_pb2.Schema:
    """A stored schema, as it was put and as it was understood."""
    content = document["content"]
    return state_pb2.Schema(
        name=document["name"],
        revision=document["revision"],
        definition=document.get("definition", ""),
        services=_services(parse_schema_document(content)),
        create_time=timestamp(document.get("created_at")),
    )


def _services(schema: Schema) -> list[state_pb2.SchemaService]:
    return [
        state_pb2.SchemaService(
            name=service.name,
            description=service.description,
            intents=[
                state_pb2.SchemaIntent(
                    name=intent.name,
                    description=intent.description,
                    required_slots=intent.required,
                    optional_slots=intent.optional,
                )
                for intent in service.intents
            ],
            slots=[
                state_pb2.SchemaSlot(
                    name=slot.name,
                    description=slot.description,
                    values=[state_pb2.SchemaValue(value=one.value, aliases=one.aliases) for one in slot.values],
                    kind=slot.kind or "",
                    multi=slot.multi,
                )
                for slot in service.slots
            ],
        )
        for service in schema.services
    ]
