"""Dates and times of a message to the slots that take them."""

from __future__ import annotations

import re

from services.tracker.domain import acts
from services.tracker.domain.findings import Filling, stems_near
from services.tracker.domain.lexicon import ServiceRules, SlotRules
from services.tracker.domain.normalise import BARE_RANGE, Mention, number_value, range_ends
from services.tracker.domain.state import State

_LATER = re.compile(
    r"\b(?:until|till|through|to|return\w*|back|check(?:ing)?[- ]?out|drop\w*|leav\w+|end\w*)\W+(?:\w+\W+){0,3}$",
    re.I,
)


def fill_moments(
    rules: ServiceRules,
    state: State,
    text: str,
    asked: dict[str, float],
    mentions: list[Mention],
    filling: Filling,
) -> None:
    """Dates and times to the date and time slots, by their words, what was asked, and their order."""
    for kind in ("date", "time"):
        slots = [s for s in rules.slots if s.kind == kind and s.fillable and not s.values]
        own = [m for m in mentions if m.kind == kind]
        if len(slots) > 1:
            own = [end for mention in own for end in range_ends(mention)]
        if kind == "time" and not own:
            own = _bare_hours(slots, asked, text, mentions)
        for i, mention in enumerate(own):
            span = mention.start, mention.end
            free = [s for s in slots if filling.open(s, span) and filling.meant(s, *span)]
            if not free:
                continue
            near = stems_near(text, mention.start, mention.end, 5)
            later = _LATER.search(text[max(0, mention.start - 80) : mention.start]) is not None or (
                i > 0 and len(slots) > 1
            )

            def fits(
                slot: SlotRules,
                near: set[str] = near,
                later: bool = later,
                several: bool = len(slots) > 1,
                span: tuple[int, int] = span,
            ) -> float:
                score = acts.cue_score(slot, near) + 1.5 * min(asked.get(slot.slot.name, 0.0), 1.5)
                if several:
                    score += 1.0 if slot.ends == later else 0.0
                held = state.value(rules.service.name, slot.slot.name)
                return score - (0.3 if held else 0.0) + (2.0 if filling.corrected(slot.slot.name, span) else 0.0)

            filling.put(max(free, key=fits), mention.text, span)


def bare_range(rules: ServiceRules, text: str, asked: dict[str, float]) -> tuple[SlotRules, Mention] | None:
    """A range of mere numbers ("between 9 and 11") with the one slot for a time that was asked for; None where there is
    none."""
    slots = [s for s in rules.slots if s.kind == "time" and s.fillable and not s.values]
    match = BARE_RANGE.search(text)
    if match is None or len(slots) != 1 or slots[0].slot.name not in asked:
        return None
    numbers = [int(number_value(word) or 99) for word in re.findall(r"[^\W_]+", match[0]) if number_value(word)]
    return (slots[0], Mention("time", match[0], *match.span())) if max(numbers, default=99) <= 24 else None


def _bare_hours(slots: list[SlotRules], asked: dict[str, float], text: str, mentions: list[Mention]) -> list[Mention]:
    """ "At 7": a bare number is a time where one was asked for, or after "at" with no noun behind."""
    found = []
    for mention in mentions:
        value = number_value(mention.text) or ""
        if mention.kind != "number" or not value.isdigit() or int(value) > 24:
            continue
        at = re.search(r"\b(?:at|around|by|after|before)\s+$", text[max(0, mention.start - 20) : mention.start], re.I)
        alone = not text[mention.end : mention.end + 200].strip(" .!?,")
        if slots and at and (alone or any(s.slot.name in asked for s in slots)):
            found.append(mention)
    return found
