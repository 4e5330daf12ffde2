"""What the network's scores of a turn come to: changed slots, and the names that the reply mentions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.tracker.chinese.network import INSIDE, OPERATIONS, OUTSIDE
from services.tracker.chinese.turns import Turn, found_in
from services.tracker.chinese.values import listed_in, settled, stretched
from services.tracker.chinese.views import Key, SlotView, name_slots

MOST_VALUES = 4
"""Values that one message gives one slot."""
FAR_BRACKET = 16
"""Characters within which a bracket is looked for that a name leaves open."""
Span = tuple[int, int]


@dataclass(frozen=True)
class Change:
    """A slot's new value, None where it goes; `span` in the message where that says it; `origin` "user" or
    "system"."""

    value: str | None
    origin: str
    span: Span | None = None


@dataclass
class Reading:
    """A turn understood: the slots that change, and what was named in it, in the order of its naming."""

    changes: dict[Key, Change] = field(default_factory=dict)
    named: list[tuple[Key, str]] = field(default_factory=list)


def read(
    operations: npt.NDArray[np.float32], tags: npt.NDArray[np.float32], turn: Turn, leanings: Sequence[float]
) -> Reading:
    """The reading of one turn from its scores: operations [slots, 5] and tags [slots, length, 3].

    `leanings` are added to the operations' scores.
    """
    reading = Reading()
    spans = [spans_of(tags[number, : len(turn.text)], turn.start) for number in range(len(turn.views))]
    scores = operations[: len(turn.views)] + np.asarray(leanings, np.float32)
    mentions: dict[Key, list[str]] = {}
    for view, (in_system, _) in zip(turn.views, spans, strict=True):
        mentions[view.key] = [turn.system[slice(*span)] for span in apart([closed(turn.system, s) for s in in_system])]
    told = {view.key: told_in(turn, view, found[1]) for view, found in zip(turn.views, spans, strict=True)}
    for number, view in enumerate(turn.views):
        for index in np.argsort(-scores[number]):
            change = _change(OPERATIONS[index], view, turn, told, mentions)
            if change is not None:
                if OPERATIONS[index] != "keep":
                    reading.changes[view.key] = change
                break
    for view in turn.views:
        if view.names or view.of:
            # The first of a list is what is spoken of next more often than the last.
            reading.named += [(view.key, name) for name in reversed(mentions[view.key])]
            if view.names and told[view.key][0]:
                reading.named.append((view.key, told[view.key][0]))
    return reading


def told_in(turn: Turn, view: SlotView, found: Sequence[Span]) -> tuple[str, Span | None]:
    """The value that the message gives the slot, several beside each other, and where; empty where none."""
    if not found:
        return "", None
    found = apart([snapped(turn, view, closed(turn.text, span)) for span in found])
    values = [settled(view.slot, turn.text[slice(*span)]) for span in found[:MOST_VALUES]]
    first, last = found[0], found[min(len(found), MOST_VALUES) - 1]
    return " ".join(dict.fromkeys(values)), (first[0] - turn.start, last[1] - turn.start)


def closed(text: str, span: Span) -> Span:
    """The span with the rest of a bracket that it opens, if this is near."""
    start, end = span
    opened = max(text.rfind(sign, start, end) for sign in "(（")
    if opened < 0 or any(text.find(sign, opened, end) >= 0 for sign in ")）"):
        return span
    ends = [place for sign in ")）" if (place := text.find(sign, end, end + FAR_BRACKET)) >= 0]
    return (start, min(ends) + 1) if ends else span


def apart(spans: Sequence[Span]) -> list[Span]:
    """The spans without those that reach into a longer one, and without single characters beside longer ones."""
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda one: (one[0] - one[1], one)):
        if all(span[1] <= start or end <= span[0] for start, end in kept) and not (kept and span[1] - span[0] < 2):
            kept.append(span)
    return sorted(kept)


def snapped(turn: Turn, view: SlotView, span: Span) -> Span:
    """The span, moved to the known value that it says in part or with a character or two too many."""
    text = turn.text
    known = [value for _, value in turn.offers] if view.names or view.of or not view.slot.values else []
    places = [place for value in known for place in found_in(text, value) if place[0] >= turn.start]
    places += [place for place in listed_in(view.slot, text) if place[0] >= turn.start]
    for start, end in sorted(places, key=lambda place: place[0] - place[1]):
        shared = min(end, span[1]) - max(start, span[0])
        if 2 * shared >= end - start and span[1] - span[0] - shared <= 2:
            return start, end
    return span


def _change(
    operation: str,
    view: SlotView,
    turn: Turn,
    told: dict[Key, tuple[str, Span | None]],
    mentions: dict[Key, list[str]],
) -> Change | None:
    """What the operation does to the slot; None where it cannot be done."""
    if operation == "keep":
        return Change(None, "user")
    if operation == "drop":
        return Change(None, "user") if view.key in turn.previous else None
    if operation == "said":
        value, span = told[view.key]
        return Change(value, "user", span) if value else None
    if operation == "taken":
        value = next(iter(offered(view, turn, mentions, {key: one[0] for key, one in told.items()})), "")
        return Change(value, "system") if value else None
    held = turn.previous.get(view.key)
    moved = stretched(held, mentions[view.key]) if held else None
    return Change(moved, "system") if moved else None


def offered(view: SlotView, turn: Turn, mentions: dict[Key, list[str]], told: dict[Key, str]) -> list[str]:
    """What the slot may take from the dialogue, the likeliest first.

    A slot about another service's thing takes that thing's name: the one that the message or the reply says, that is
    known, that was offered last. Others take what the reply says of them, then what was offered before.
    """
    if view.of is None:
        before = [value for key, value in reversed(turn.offers) if key == view.key]
        in_message = [value for value in before if value in turn.user]
        return [*in_message, *mentions[view.key], *before]
    name = name_slots(turn.views).get(view.of)
    if name is None:
        return mentions[view.key]
    before = [value for key, value in reversed(turn.offers) if key == name]
    in_message = [value for value in before if value in turn.user]
    held = [turn.previous[name]] if name in turn.previous else []
    said = [told[name]] if told.get(name) else []
    return [*said, *in_message, *mentions[name], *before[:1], *held, *before[1:], *mentions[view.key]]


def spans_of(tags: npt.NDArray[np.float32], start: int) -> tuple[list[Span], list[Span]]:
    """Spans in the reply and in the message (both places in the whole text) from tags [length, 3]."""
    best = tags.argmax(-1)
    found: list[Span] = []
    begun: int | None = None
    for place, tag in enumerate([*best, 0]):
        if begun is not None and (tag != INSIDE or place == start):
            found.append((begun, place))
            begun = None
        if begun is None and tag != OUTSIDE and place != start - 1:
            begun = place
    return [span for span in found if span[1] < start], [span for span in found if span[0] >= start]
