"""Annotated dialogues as training and evaluation material: reading, previous states, labels.

Reads the compact form of Schema-Guided Dialogue and MultiWOZ: a dialogue a line, states on user turns, and for
SGD the spans and acts that say where a value stands.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from research.tracker.mentions import Names, Said, accepted_later, by_acts
from research.tracker.spoken import Span, find_spoken
from services.tracker.learned.catalog import IntentView, ServiceView, SlotView
from services.tracker.learned.proposals import Key


@dataclass
class Update:
    """The change of one slot in a turn: new acceptable values and where the user says them, if they do."""

    values: list[str]  # empty for a deletion
    span: Span | None


@dataclass
class Example:
    """One user turn with the state before it, what the last reply mentions, and what changes."""

    dialogue: str
    source: str  # "sgd", "mwz", or "own": a session that somebody corrected
    number: int
    services: tuple[str, ...]
    system_text: str
    user_text: str
    previous: dict[Key, list[str]]
    mentions: dict[Key, str]
    said: Said  # what the last reply gives a value to
    said_known: bool  # whether slots outside `said` are known not to be mentioned
    updates: dict[Key, Update]
    frames: dict[str, tuple[str | None, frozenset[str]]]  # service in the turn: intent, requested slots
    intents: dict[str, str]
    recent: str | None
    gold: dict[str, Any] = field(repr=False)


def read(path: Path, sample: int = 0, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Dialogues of a JSON-lines file, gzip'd or not; `sample` of them drawn by `seed`, or (0) all."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        lines = [line for line in file if line.strip()]
    if 0 < sample < len(lines):
        lines = random.Random(seed).sample(lines, sample)
    return map(json.loads, lines)


def schema_views(services: Iterable[dict[str, Any]]) -> dict[str, ServiceView]:
    """Views of a schema file in SGD's form, keyed by the original service name (`orig` under SGD-X)."""
    found = {}
    for service in services:
        name = service.get("orig", service["service_name"])
        intents = tuple(
            IntentView(
                x.get("orig", x["name"]),
                x["name"],
                x.get("description") or "",
                tuple(x.get("required_slots") or ()),
                tuple(x.get("optional_slots") or ()),
                tuple(x.get("result_slots") or ()),
            )
            for x in service.get("intents", ())
        )
        slots = tuple(
            SlotView(
                x.get("orig", x["name"]),
                x["name"],
                x.get("description") or "",
                tuple(x.get("possible_values") or ()) if x["is_categorical"] else (),
                bool(x["is_categorical"]),
            )
            for x in service["slots"]
        )
        found[name] = ServiceView(name, service["service_name"], service.get("description") or "", intents, slots)
    return found


def multiwoz_views(schema: list[dict[str, Any]], dialogues: Sequence[dict[str, Any]]) -> dict[str, ServiceView]:
    """MultiWOZ's services with the slots its 2.1 states use; choices are the values training states hold."""
    seen: dict[str, Counter[str]] = {}
    for dialogue in dialogues:
        said = {
            (slot, values[0])
            for turn in dialogue["turns"]
            for state in (turn.get("state") or {}).values()
            for slot, values in state["slots"].items()
        }
        for slot, value in said:
            seen.setdefault(slot, Counter())[value] += 1
    least = max(2, len(dialogues) // 1000)  # rarer values are slips of the annotation
    found = {}
    for service in schema:
        slots = []
        for slot in service["slots"]:
            name = slot["name"]
            if name not in seen:
                continue
            common = tuple(
                value
                for value, count in sorted(seen[name].items())
                if count >= least and value != "dontcare" and not re.search(r"[|<>]", value)
            )
            listed = slot["is_categorical"] or name.endswith(("-name", "-food"))  # what a tenant has a list of
            slots.append(SlotView(name, name, slot["description"], common if listed else (), bool(listed)))
        if slots:
            name = service["service_name"]
            found[name] = ServiceView(name, name, service.get("description") or "", (), tuple(slots))
    return found


def examples(
    dialogue: dict[str, Any], views: dict[str, ServiceView], source: str, names: Names | None = None
) -> list[Example]:
    """One example per user turn, with gold previous states and the mentions that acts, names or later states show."""
    services = (
        tuple(sorted(name for name in views if name in dialogue["services"])) if source == "sgd" else tuple(views)
    )
    categorical = {(v.name, s.name): bool(s.choices) for v in views.values() for s in v.slots}
    turns = dialogue["turns"]
    state: dict[Key, list[str]] = {}
    mentions: dict[Key, str] = {}
    intents: dict[str, str] = {}
    recent: str | None = None
    found: list[Example] = []
    system: dict[str, Any] = {"text": ""}
    later = accepted_later(turns) if source != "sgd" else {}
    for index, turn in enumerate(turns):
        if turn["speaker"].upper() != "USER":
            system = turn
            continue
        seen = by_acts(system) if source == "sgd" else names.mentioned(system["text"]) if names else {}
        said = seen | later.get(index - 1, {})
        updates: dict[Key, Update] = {}
        spans = {(s, k): (a, b) for s, k, a, b in turn.get("spans") or ()}
        frames: dict[str, tuple[str | None, frozenset[str]]] = {}
        new = dict(state)
        for service, frame in (turn.get("state") or {}).items():
            slots = frame["slots"]
            frames[service] = (frame.get("intent"), frozenset(frame.get("requested") or ()))
            for key in [key for key in state if key[0] == service and key[1] not in slots]:
                updates[key] = Update([], None)
                del new[key]
            for slot, values in slots.items():
                key = (service, slot)
                new[key] = values
                if key not in state or not set(values) & set(state[key]):
                    span = spans.get(key)
                    if span is None and not categorical.get(key):
                        span = find_spoken(slot, turn["text"], values)
                    updates[key] = Update(values, span)
                elif key in spans:
                    updates[key] = Update(values, spans[key])
        if source == "mwz":
            for key in [key for key in state if key[0] not in (turn.get("state") or {})]:
                updates[key] = Update([], None)
                del new[key]
        found.append(
            Example(
                dialogue["id"], source, len(found), services, system["text"], turn["text"], dict(state),
                dict(mentions), said, source == "sgd" or names is not None, updates, frames, dict(intents), recent,
                turn.get("state") or {},
            )
        )  # fmt: skip
        state = new
        touched = {service for service, _ in updates}
        about = [name for name in frames if name in touched] or (list(frames) if source != "mwz" else [])
        recent = about[-1] if about else recent
        for key, (value, _) in (said if source == "sgd" else seen).items():
            mentions.pop(key, None)  # the newest last
            mentions[key] = value
        intents.update({service: intent for service, (intent, _) in frames.items() if intent})
    return found
