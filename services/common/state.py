"""The state at a turn as people should see it: what the tracker found, with later corrections laid over it.

A tracker's result is stored in its turn together with the session's `state_revision` it was computed from; a
correction is appended to the session with the next revision. Neither is ever rewritten: the effective state
is computed, here and nowhere else, by the gateway (GetState) and by the tracker (the state before a turn).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any


def empty_state() -> dict[str, Any]:
    """The state of a session that has said nothing."""
    return {"services": {}, "entities": [], "offers": []}


def correction(
    revision: int, after_n: int, service: str, slot: str, value: str | None, by: str, at: Any
) -> dict[str, Any]:
    """One entry of a session's `corrections`; `value` None deletes the slot, `after_n`: the turn it
    follows."""
    return {
        "revision": revision,
        "after_n": after_n,
        "service": service,
        "slot": slot,
        "value": value,
        "by": by,
        "at": at,
    }


def effective_state(
    turn_state: Mapping[str, Any] | None, corrections: Iterable[Mapping[str, Any]], n: int
) -> dict[str, Any]:
    """State JSON at turn `n`: `turn_state` and the corrections made after it was tracked, not after turn `n`.

    `turn_state` is a turn document's `state` (`{base_revision, services, entities, offers}`; None: nothing
    tracked yet, so that every correction counts). A correction counts when its revision is above
    `base_revision` and its `after_n` is at most `n`; they are applied in the order of their revisions, the
    last one wins. The arguments are not changed.
    """
    state = empty_state()
    base = 0
    if turn_state is not None:
        base = int(turn_state.get("base_revision", 0))
        state["services"] = deepcopy(dict(turn_state.get("services") or {}))
        state["entities"] = deepcopy(list(turn_state.get("entities") or []))
        state["offers"] = deepcopy(list(turn_state.get("offers") or []))
    due = [c for c in corrections if c["revision"] > base and c["after_n"] <= n]
    for entry in sorted(due, key=lambda c: int(c["revision"])):
        _apply(state["services"], entry)
    return state


def base_revision(corrections: Iterable[Mapping[str, Any]], n: int) -> int:
    """The revision that a state tracked for turn `n` has seen: that of the last correction made before the turn.

    A correction made while turn `n` was open follows that turn and is none of what it was tracked from, though
    the tracker may already find it in the session: it must still count afterwards.
    """
    return max((int(c["revision"]) for c in corrections if c["after_n"] < n), default=0)


def _apply(services: dict[str, Any], entry: Mapping[str, Any]) -> None:
    service = services.get(entry["service"])
    if service is None:
        if entry["value"] is None:
            return
        service = services[entry["service"]] = {"intent": None, "requested": [], "slots": {}}
    slots = service.setdefault("slots", {})
    if entry["value"] is None:
        slots.pop(entry["slot"], None)
    else:
        slots[entry["slot"]] = {
            "value": entry["value"],
            "origin": "correction",
            "span": None,
            "turn": entry["after_n"],
        }


def ready_lead(state: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The `lead` of a turn's state where an intent has all it requires; None otherwise."""
    lead: dict[str, Any] = (state or {}).get("lead") or {}
    return lead if lead.get("act") in ("summarise", "ready") else None


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What changed from one State JSON to the next: `{service, slot, before, after}`, in a stable order.

    `before` or `after` is None where the slot was or is not filled; a change of origin or span alone is no
    difference.
    """
    old, new = _values(before), _values(after)
    return [
        {
            "service": service,
            "slot": slot,
            "before": old.get((service, slot)),
            "after": new.get((service, slot)),
        }
        for service, slot in sorted(old.keys() | new.keys())
        if old.get((service, slot)) != new.get((service, slot))
    ]


def _values(state: Mapping[str, Any] | None) -> dict[tuple[str, str], str]:
    services = (state or {}).get("services") or {}
    return {
        (service, slot): entry["value"]
        for service, content in services.items()
        for slot, entry in (content.get("slots") or {}).items()
    }


def state_text(state: Mapping[str, Any] | None) -> str:
    """The state as a model reads it, in a line per service: ``hotel: area = centre, stars = 4``."""
    lines = []
    for service, content in (state or {}).get("services", {}).items():
        slots = [f"{_words(slot)} = {value}" for slot, value in _filled(content)]
        if slots:
            lines.append(f"{_words(service)}: {', '.join(slots)}")
    return "\n".join(lines)


def state_items(state: Mapping[str, Any] | None) -> list[str]:
    """The state's filled slots as texts to encode, in `state_text`'s order: ``hotel area = centre``."""
    return [
        f"{_words(service)} {_words(slot)} = {value}"
        for service, content in (state or {}).get("services", {}).items()
        for slot, value in _filled(content)
    ]


def known_text(text: str) -> str:
    """A `state_text` as it stands before the user's message."""
    return f"Known so far:\n{text}"


def _filled(service: Mapping[str, Any]) -> list[tuple[str, str]]:
    slots = sorted(service.get("slots", {}).items())
    return [(slot, str(filled["value"])) for slot, filled in slots if filled.get("value")]


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip()
