"""What a question word stands for: "who" for the slot of a person, "where" for that of a place."""

from __future__ import annotations

import re

from services.tracker.domain.lexicon import ServiceRules, SlotRules


def asked_after(rules: ServiceRules, clause: str) -> list[SlotRules]:
    """The slot that a clause's question word stands for, where there is one such: "I don't mind who does it"."""
    word = re.search(r"\b(who|where)\b", clause, re.I)
    if word is None:
        return []
    about = _PEOPLE if word[1].lower() == "who" else _PLACES
    fitting = [s for s in rules.slots if s.fillable and about.search(f"{s.slot.name} {s.slot.description}")]
    return fitting if len(fitting) == 1 else []


_PEOPLE = re.compile(
    r"\bwho(?:m)?\b|(?:^|_|\b)(?:therapist|doctor|dentist|stylist|hairdresser|barber|trainer|coach|instructor|teacher"
    r"|tutor|guide|technician|adviser|advisor|agent|vet|nurse|host|driver|waiter|staff|person)(?:\b|_|$)",
    re.I,
)
_PLACES = re.compile(
    r"\bwhere\b|(?:^|_|\b)(?:place|location|branch|club|shop|store|studio|venue|site|depot|room|hall|house|city|town"
    r"|area|station)(?:\b|_|$)",
    re.I,
)
