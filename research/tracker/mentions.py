"""What the system's replies give slots values: by their annotated acts, or by the names that stand in them.

The network learns to read it (`Scores.mention`), and what it read is kept as open offers for later turns. So training
must show it offers as complete as the ones that it will read itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from research.tracker.spoken import Span, find, find_loose, find_spoken
from services.tracker.learned.catalog import ServiceView, SlotView, loose, plain
from services.tracker.learned.proposals import Key

INFORMING = {"OFFER", "INFORM", "CONFIRM"}
Said = dict[Key, tuple[str, Span | None]]  # value and where the reply says it
_COMMON = {"place", "world"}  # names that any reply may hold ("The Place" is a night club)
_TRAIN = re.compile(r"\btrains?\b|\btr ?\d{4}\b")
_CLOCK = re.compile(r"\b(\d{1,2}:\d{2})\b")
_CLOCK_CUES = {"leaveat": re.compile(r"leav|depart"), "arriveby": re.compile(r"arriv|gets? (?:in|there)")}


def by_acts(system: Mapping[str, Any]) -> Said:
    """What a reply of SGD gives values to, by its acts and spans."""
    spans: dict[Key, Span] = {(s, k): (a, b) for s, k, a, b in system.get("spans") or ()}
    found: Said = {}
    for service, act, slot, values in system.get("acts") or ():
        if act in INFORMING and slot not in ("", "count", "intent") and len(values) >= 1:
            key = (service, slot)
            marked = spans.get(key)
            span = marked or find(system["text"], values)
            found[key] = (system["text"][marked[0] : marked[1]] if marked else values[0], span)
    return found


def accepted_later(turns: list[dict[str, Any]]) -> dict[int, Said]:
    """Without acts: a reply mentions what a later state takes from it (up to three replies back), by turn."""
    found: dict[int, Said] = {}
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


class Names:
    """What MultiWOZ's replies mention: it has no acts here, but its states know the names of all places."""

    def __init__(self, views: Mapping[str, ServiceView], dialogues: Iterable[Mapping[str, Any]], least: int) -> None:
        """Reads the names that at least `least` of `dialogues` have in their states."""
        count: Counter[tuple[Key, str]] = Counter()
        for dialogue in dialogues:
            count.update(
                {
                    ((service, slot), loose(values[0]))
                    for turn in dialogue["turns"]
                    for service, frame in (turn.get("state") or {}).items()
                    for slot, values in frame["slots"].items()
                    if slot.endswith(("-name", "-food")) and values[0] != "dontcare"
                }
            )
        self._slots: dict[str, Key] = {}
        for (key, form), times in count.most_common():
            if times >= least and form not in _COMMON:
                self._slots.setdefault(form, key)
        self._views = views

    def mentioned(self, text: str) -> Said:
        """Slots that a reply gives a value: the first place of each kind, what it says of it, a train's times."""
        found: Said = {}
        rest, at = text, 0
        while place := find_loose(text[at:], self._slots):
            (start, end), form = place
            key, span = self._slots[form], (at + start, at + end)
            found.setdefault(key, (self._slot(key).canonical(text[slice(*span)]), span))
            if key[1].endswith("-name"):
                rest = rest[: span[0]] + " " * (span[1] - span[0]) + rest[span[1] :]
            at = span[1]
        about = {service for service, slot in found if slot.endswith("-name")}
        found = {key: value for key, value in found.items() if key[0] in about}
        for service in about:
            for slot in self._views[service].slots:
                if slot.choices and "book" not in slot.name and (value := _said_once(slot, rest)):
                    found[(service, slot.name)] = (value, find(rest, [value]))
        if _TRAIN.search(text) and "train" in self._views:
            found |= _times(text)
        return found

    def _slot(self, key: Key) -> SlotView:
        return next(slot for slot in self._views[key[0]].slots if slot.name == key[1])


def _said_once(slot: SlotView, text: str) -> str | None:
    """The only value of `slot` that `text` says; None where there are several, or none."""
    said = plain(text)
    tail = " star" if slot.name.endswith("stars") else ""
    hits = [value for value in slot.choices if plain(value).rstrip() + tail in said]
    hits = [value for value in hits if value not in ("yes", "no")]
    if len(hits) == 1:
        return hits[0]
    return None


def _times(text: str) -> Said:
    """A train's times by the word before them."""
    found: Said = {}
    before = 0
    for match in _CLOCK.finditer(text):
        cues = {
            slot: max((m.end() for m in pattern.finditer(text, before, match.start())), default=-1)
            for slot, pattern in _CLOCK_CUES.items()
        }
        slot = max(cues, key=lambda name: cues[name])
        if cues[slot] >= 0:
            found.setdefault(("train", f"train-{slot}"), (match[1], match.span()))
        before = match.end()
    return found
