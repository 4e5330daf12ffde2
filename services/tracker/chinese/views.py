"""A schema's slots as the Chinese tracker sees them: their words, which hold names, which are about another service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.common.schema import Schema, Slot

Key = tuple[str, str]
"""Service and slot."""

MOST_SLOTS = 120
"""Slots of a schema that the network reads: all are looked at in every turn."""
LABEL = 16
"""Characters of a slot's words, and of a service's, that are read."""


@dataclass(frozen=True)
class SlotView:
    """A slot as the network reads it; `of` is the service that a slot such as "nearby hotel" is about."""

    key: Key
    slot: Slot
    service_words: str
    words: str
    names: bool
    of: str | None


@lru_cache(maxsize=256)
def views_of(schema: Schema) -> tuple[SlotView, ...]:
    """The slots of all the schema's services, in its order."""
    found = []
    for service in schema.services:
        for slot in service.slots:
            label = slot.name.split("-")[-1]
            words = label if slot.description in ("", label) else f"{label} {slot.description}"
            of = next((s.name for s in schema.services if s.name in label and s.name != label), None)
            names = of is None and (slot.kind == "name" or label.endswith(("名称", "名字", "店名")))
            found.append(SlotView((service.name, slot.name), slot, service.name, words[: 2 * LABEL], names, of))
    return tuple(found)


def name_slots(views: Sequence[SlotView]) -> dict[str, Key]:
    """The slot of each service that holds its things' names, where it has one."""
    return {view.key[0]: view.key for view in reversed(views) if view.names}
