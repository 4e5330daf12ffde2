"""Corrected dialogues as training material: `python -m research.tracker.corrections --tenant TENANT --out FILE`.

A person's correction of a state says what the tracker should have understood. Sessions keep their corrections, so the
examples are made from them when they are asked for; what a person erased is no longer there to be learned from.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.common.drafts import chosen_draft
from services.common.errors import NotFound
from services.common.state import effective_state
from services.common.store import Document, Store
from services.tracker.learned.catalog import plain
from services.tracker.settings import TrackerSettings

Slots = dict[str, dict[str, str]]  # service → slot → value


def corrected_dialogue(session: Mapping[str, Any], turns: Sequence[Document], schema: Mapping[str, Any]) -> Document:
    """A session as `research.tracker.train --corrections` reads it: the states after every user turn, put right.

    A correction counts from the turn that speaks of its value (the last one up to the correction); where none does,
    from the one at which the tracker last changed the slot. `schema` is `Schema.to_json()`.
    """
    tracked = [turn for turn in turns if turn.get("state") is not None and not turn.get("excluded")]
    states = [_slots(effective_state(turn["state"], session["corrections"], turn["n"])) for turn in tracked]
    for entry in session["corrections"]:
        for index in range(_first(entry, tracked), len(tracked)):
            if tracked[index]["n"] > entry["after_n"]:
                break
            _set(states[index], entry["service"], entry["slot"], entry["value"])
    lines: list[Document] = []
    before: Slots = {}
    for turn, state in zip(tracked, states, strict=True):
        services = turn["state"]["services"]
        about = {name for name in {*state, *before} if state.get(name, {}) != before.get(name, {})}
        about.update(list(services)[-1:])
        frames = {
            name: {
                "intent": services.get(name, {}).get("intent"),
                "requested": services.get(name, {}).get("requested") or [],
                "slots": {slot: [value] for slot, value in state.get(name, {}).items()},
            }
            for name in sorted(about)
        }
        lines.append({"speaker": "USER", "text": turn["text"], "state": frames})
        lines.append({"speaker": "SYSTEM", "text": _reply(turn)})
        before = state
    names = [service["name"] for service in schema["services"]]
    return {"id": session["_id"], "services": names, "schema": dict(schema), "turns": lines}


def _first(entry: Mapping[str, Any], turns: Sequence[Document]) -> int:
    """Index of the turn from which a correction holds."""
    due = [index for index, turn in enumerate(turns) if turn["n"] <= entry["after_n"]]
    for index in reversed(due):
        heard = f"{_reply(turns[index - 1]) if index else ''} {turns[index]['text']}"
        if entry["value"] is not None and plain(entry["value"]) in plain(heard):
            return index
    for index in reversed(due):
        before = _slots(turns[index - 1]["state"]) if index else {}
        now = _slots(turns[index]["state"])
        key = entry["service"], entry["slot"]
        if before.get(key[0], {}).get(key[1]) != now.get(key[0], {}).get(key[1]):
            return index
    return due[-1] if due else len(turns)


def _slots(state: Mapping[str, Any]) -> Slots:
    return {
        name: {slot: entry["value"] for slot, entry in (content.get("slots") or {}).items()}
        for name, content in (state.get("services") or {}).items()
    }


def _set(state: Slots, service: str, slot: str, value: str | None) -> None:
    if value is None:
        state.get(service, {}).pop(slot, None)
    else:
        state.setdefault(service, {})[slot] = value


def _reply(turn: Mapping[str, Any]) -> str:
    draft = chosen_draft(turn)
    return str(draft.get("text") or "") if draft else ""


def corrected_dialogues(store: Store, tenant: str) -> Iterator[Document]:
    """Every session of the tenant whose state a person corrected, as `corrected_dialogue` writes it."""
    for session_id in store.sessions.corrected(tenant):
        try:
            session = store.sessions.get(tenant, session_id)
            schema = store.schemas.by_reference(tenant, session.get("schema") or "@0")["content"]
        except NotFound:  # erased since, or there is no schema to read it by
            continue
        turns = store.turns.page(tenant, session_id, limit=100_000)
        yield corrected_dialogue(session, turns, schema)


def main() -> None:
    """Writes the dialogues, one JSON a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    store = Store(TrackerSettings(), name="corrections")
    written = 0
    with options.out.open("w", encoding="utf-8") as file:
        for dialogue in corrected_dialogues(store, options.tenant):
            file.write(json.dumps(dialogue, ensure_ascii=False) + "\n")
            written += 1
    store.close()
    print(f"{written} dialogues in {options.out}")


if __name__ == "__main__":
    main()
