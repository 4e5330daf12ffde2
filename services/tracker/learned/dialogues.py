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

from services.tracker.learned.catalog import IntentView, ServiceView, SlotView, plain
from services.tracker.learned.proposals import Key

INFORMING = {"OFFER", "INFORM", "CONFIRM"}
Span = tuple[int, int]


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
    said: dict[Key, tuple[str, Span | None]]  # what the last reply gives a value to
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


def find(text: str, values: Iterable[str]) -> Span | None:
    """Where one of `values` stands in `text` as whole words, in any case."""
    lower = text.lower()
    for value in values:
        pattern = re.escape(value.lower().strip())
        if pattern and (match := re.search(rf"(?<![a-z0-9]){pattern}(?![a-z0-9])", lower)):
            return match.start(), match.end()
    return None


_TIME = re.compile(r"\b(\d{1,2})\s*[:.]?\s*(\d{2})?\s*(am|pm|a\.m\.?|p\.m\.?)?(?![\d:])")


def find_spoken(slot: str, text: str, values: Iterable[str]) -> Span | None:
    """Like `find`, but also sees a clock time said another way (`9:15 am` for `09:15`) and joined words."""
    if found := find(text, values):
        return found
    if slot.endswith(("arriveby", "leaveat", "booktime")):
        for match in _TIME.finditer(text.lower()):
            if not (match[2] or match[3]):
                continue
            hour = int(match[1]) + (12 if (match[3] or "")[:1] == "p" and int(match[1]) < 12 else 0)
            if f"{hour % 24:02d}:{match[2] or '00'}" in values:
                return match.start(), match.end()
    loose = [value.replace("'", "").removeprefix("the ") for value in values]
    return find(text, [value for value in loose if len(value) > 2])


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
            categorical = bool(slot["is_categorical"])
            slots.append(SlotView(name, name, slot["description"], common if categorical else (), categorical))
        if slots:
            name = service["service_name"]
            found[name] = ServiceView(name, name, service.get("description") or "", (), tuple(slots))
    return found


def examples(dialogue: dict[str, Any], views: dict[str, ServiceView], source: str) -> list[Example]:
    """One example per user turn, with gold previous states and the mentions that acts or later states show."""
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
    later = _accepted_later(turns) if source != "sgd" else {}
    for index, turn in enumerate(turns):
        if turn["speaker"].upper() != "USER":
            system = turn
            continue
        said = _said(system) if source == "sgd" else later.get(index - 1, {})
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
                dict(mentions), said, source == "sgd", updates, frames, dict(intents), recent,
                turn.get("state") or {},
            )
        )  # fmt: skip
        state = new
        touched = {service for service, _ in updates}
        about = [name for name in frames if name in touched] or (list(frames) if source != "mwz" else [])
        recent = about[-1] if about else recent
        mentions.update({key: value for key, (value, _) in said.items()})
        intents.update({service: intent for service, (intent, _) in frames.items() if intent})
    return found


def _said(system: dict[str, Any]) -> dict[Key, tuple[str, Span | None]]:
    spans: dict[Key, Span] = {(s, k): (a, b) for s, k, a, b in system.get("spans") or ()}
    found: dict[Key, tuple[str, Span | None]] = {}
    for service, act, slot, values in system.get("acts") or ():
        if act in INFORMING and slot not in ("", "count", "intent") and len(values) >= 1:
            key = (service, slot)
            marked = spans.get(key)
            span = marked or find(system["text"], values)
            found[key] = (system["text"][marked[0] : marked[1]] if marked else values[0], span)
    return found


def _accepted_later(turns: list[dict[str, Any]]) -> dict[int, dict[Key, tuple[str, Span | None]]]:
    """MultiWOZ has no acts here: a reply mentions what a later state takes from it (up to three replies back)."""
    found: dict[int, dict[Key, tuple[str, Span | None]]] = {}
    state: dict[Key, list[str]] = {}
    for index, turn in enumerate(turns):
        if turn["speaker"].upper() != "USER":
            continue
        new = {(s, k): v for s, f in (turn.get("state") or {}).items() for k, v in f["slots"].items()}
        for key, values in new.items():
            if (key in state and set(values) & set(state[key])) or plain(values[0]) in plain(turn["text"]):
                continue
            if values[0] in ("yes", "no", "dontcare") or find_spoken(key[1], turn["text"], values):
                continue
            for back in range(index - 1, max(-1, index - 6), -2):
                span = find_spoken(key[1], turns[back]["text"], values)
                if span:
                    text = turns[back]["text"][span[0] : span[1]]
                    found.setdefault(back, {})[key] = (text, span)
                    break
        state = new
    return found
