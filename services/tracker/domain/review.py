"""What a message surely says corrects what a tracker read of it: one check of every value, for rules and network alike.

A value that the message refuses, takes back or tells of another event does not stay; where the message names what it
wishes instead, that takes its place. A value held before goes when the message refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from services.tracker.domain import acts
from services.tracker.domain.choices import named_option, picked
from services.tracker.domain.details import well_formed
from services.tracker.domain.filling import certain, fill
from services.tracker.domain.lexicon import Lexicon, ServiceRules, SlotRules
from services.tracker.domain.normalise import (
    MAX_MENTIONS,
    number_value,
    same_moment,
    same_terms,
    time_range_value,
    typed_mentions,
)
from services.tracker.domain.offers import EXCHANGES, agreed, minds, takes_back
from services.tracker.domain.services_meant import one_service, without_mere_questions
from services.tracker.domain.standing import Stand, standing_of
from services.tracker.domain.state import CORRECTION, DONTCARE, SYSTEM, USER, SlotValue, State

_GREETING = re.compile(
    r"^\W*(?:(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|there|thanks?|thank you|bye|goodbye|你好|您好"
    r"|在吗|谢谢|再见)"
    r"\W*){1,4}$",
    re.I,
)
"""A message that is a greeting or thanks and nothing else."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A value of a slot that the message names: as it is stored, and where it stands."""

    value: str
    start: int
    end: int

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end


def reviewed(lexicon: Lexicon, previous: State, system_text: str, user_text: str, turn: int, after: State) -> State:
    """`after` with each value held against the message; `previous` is the state before it."""
    if not user_text.strip():
        return after
    if _GREETING.match(user_text):
        after = replace(after, services={k: v for k, v in after.services.items() if k in previous.services})
    after = without_mere_questions(lexicon, previous, user_text, after)
    after = one_service(lexicon, previous, system_text, user_text, turn, after)
    last = next(reversed(list(after.services)), None)
    for name in list(after.services):
        rules = lexicon.services.get(name)
        if rules is not None:
            review = _Review(rules, previous, system_text, user_text, turn)
            slots = after.service(name).slots
            if name == last:
                slots = review.settled(slots)
            after = after.with_service(name, replace(after.service(name), slots=review.of(slots)))
            held = {slot: value.value for slot, value in after.service(name).slots.items()}
            if name == last and (denied := takes_back(rules, held, system_text, user_text)):
                after = after.with_slot(name, denied, None)
    return after


def with_listed(lexicon: Lexicon, previous: State, system_text: str, user_text: str, turn: int, after: State) -> State:
    """`after` with the values that the message names and an empty slot could take.

    For a tracker that may pass over a plain name. What stands in the message word for word, is wished, and is listed
    by one slot alone, is meant; so is a day or a time that the intent needs, where one slot alone takes it.
    """
    name = next(reversed(list(after.services)), None)
    if name is None or name not in lexicon.services:
        return after
    rules = lexicon.services[name]
    if not any(intent.required or intent.optional for intent in rules.service.intents):
        return after  # nothing says what the user is to tell; a name may then belong to anything
    filling = fill(rules, previous, system_text, user_text, [])
    for slot in rules.slots:
        value = filling.values.get(slot.slot.name)
        if value is None or value.span is None or slot.slot.name in after.service(name).slots:
            continue
        if _named_once(rules, slot, value.value, user_text) or _needed_alone(rules, slot, after.service(name).intent):
            after = after.with_slot(name, slot.slot.name, SlotValue(value.value, USER, value.span, turn))
    return after


def _named_once(rules: ServiceRules, slot: SlotRules, value: str, text: str) -> bool:
    """Whether the text spells a value that this slot alone lists."""
    if not slot.values or slot.kind in ("boolean", "number") or not re.search(r"[^\W\d_]{3}", value):
        return False
    return _spelled(slot, value, text) and sum(value in known.slot.value_names for known in rules.slots) == 1


def _needed_alone(rules: ServiceRules, slot: SlotRules, intent: str | None) -> bool:
    """Whether the intent needs the slot and no other one takes a day, or a time."""
    if slot.kind not in ("date", "time") or sum(known.kind == slot.kind for known in rules.slots) > 1:
        return False
    return any(slot.slot.name in known.required for known in rules.service.intents if known.name == intent)


def _spelled(slot: SlotRules, value: str, text: str) -> bool:
    """Whether the text has the value by its own name or one that the schema gives it, not by a word of like meaning
    ("the game" is no wish for sports)."""
    folded = text.casefold()
    names = [name for known in slot.slot.values if known.value == value for name in (known.value, *known.aliases)]
    return any(name.casefold() in folded for name in names)


def with_agreement(
    lexicon: Lexicon, previous: State, system_text: str, user_text: str, turn: int, after: State
) -> State:
    """`after` with what the reply proposed and the user's plain "yes" takes; what the turn changed itself stays.

    For a tracker that reads agreement less surely than the rules do.
    """
    names = [name for name in after.services if name in lexicon.services]
    name = names[-1] if names else next(iter(lexicon.services), None)
    if not system_text or name is None:
        return after
    rules = lexicon.services[name]
    held = previous.service(name).slots
    if minds(system_text, user_text):
        for slot_name, taken in after.service(name).slots.items():
            if taken.turn == turn and taken.origin == SYSTEM:
                after = after.with_slot(name, slot_name, held.get(slot_name))
        return after
    # "the first" names no day then
    picks = bool(picked(rules, system_text, user_text) or named_option(system_text, user_text))
    said = set() if picks else {m.kind for m in typed_mentions(user_text)}
    for slot, value in agreed(rules, previous, system_text, user_text):
        now = after.service(name).slots.get(slot.slot.name)
        if slot.values and not _spelled(slot, value, system_text):
            continue
        if (
            (now != held.get(slot.slot.name) and not picks)
            or slot.kind in said
            or (now is not None and now.origin == CORRECTION)
        ):
            continue
        # A value that is held gives way to another day or time alone; a reply reads the others back.
        moves = slot.kind in ("date", "time") or picks or EXCHANGES.search(system_text) is not None
        if now is None:
            taken_now = not _held_beside(rules, slot, after.service(name).slots, value)
        else:
            taken_now = moves and not _read_back(rules, slot, now.value, value, system_text)
        if taken_now:
            slot_name = slot.slot.name
            after = after.with_slot(name, slot_name, SlotValue(value, SYSTEM, None, turn))
    return after


class _Review:
    """The check of one service's slots."""

    def __init__(self, rules: ServiceRules, previous: State, system_text: str, user_text: str, turn: int) -> None:
        self._rules = rules
        self._before = previous.service(rules.service.name).slots
        self._text = user_text
        self._turn = turn
        asked = acts.asked_slots(rules, system_text) if system_text else {}
        self._filling = certain(rules, previous, user_text, asked)

    def settled(self, slots: Mapping[str, SlotValue]) -> dict[str, SlotValue]:
        """The slots with what the words alone settle, whatever a tracker read."""
        found = dict(slots)
        listed = {s.slot.name for s in self._rules.slots if s.values}
        booleans = {s.slot.name for s in self._rules.slots if s.kind == "boolean"}
        for name, value in self._filling.values.items():
            if name in booleans:
                continue  # "I do not mind a shared ride" says yes to it
            now = found.get(name)
            if now is None or now.value.casefold() != value.value.casefold():
                found[name] = SlotValue(value.value, USER, value.span, self._turn)
            for other, held in slots.items():
                inside = value.span and held.span and value.span[0] < held.span[1] and held.span[0] < value.span[1]
                if other in listed:
                    continue  # "the oven is dead" names the machine too
                if other not in self._filling.values and held.turn == self._turn and inside:
                    self._restore(found, other)
        for name in self._filling.deleted:
            if name in found and found[name] == self._before.get(name):
                del found[name]
        return found

    def _restore(self, found: dict[str, SlotValue], name: str) -> None:
        """Gives a slot back what it held before the turn."""
        before = self._before.get(name)
        if before is None:
            del found[name]
        else:
            found[name] = before

    def of(self, slots: Mapping[str, SlotValue]) -> dict[str, SlotValue]:
        """The slots as the message leaves them."""
        found = dict(slots)
        for slot in self._rules.slots:
            name = slot.slot.name
            value = found.get(name)
            if value is None or slot.kind == "boolean" or slot.slot.multi or name in self._filling.values:
                continue
            if value != self._before.get(name) and value.origin == USER and not well_formed(slot.slot, value.value):
                self._restore(found, name)
                continue
            others = [v.span for k, v in found.items() if k != name and v.span and v.turn == self._turn]
            if value == self._before.get(name):
                checked = self._held(slot, value, others)
            else:
                checked = self._new(slot, value, others)
            if checked is None:
                del found[name]
            else:
                found[name] = checked
        return found

    def _held(self, slot: SlotRules, value: SlotValue, others: Iterable[tuple[int, int]]) -> SlotValue | None:
        """A value from before: gone where the message refuses it."""
        named = self._named(slot)
        same = [m for m in named if same_value(slot.kind, m.value, value.value)]
        if not same or any(not self._filling.standing.of(*m.span).refused for m in same):
            return value
        if acts.DONTCARE.search(self._text):
            return value
        wished = self._wished(slot, [m for m in named if m not in same], others)
        return self._value(wished) if wished else None

    def _new(self, slot: SlotRules, value: SlotValue, others: Iterable[tuple[int, int]]) -> SlotValue | None:
        """A value of this turn: as it is, as the message corrects it, or the one held before."""
        if value.origin != USER:
            return value
        named = self._named(slot)
        if value.value == DONTCARE:
            excepted = any(self._filling.standing.of(*m.span).refused for m in named)
            return self._kept(slot, named) if excepted and slot.kind in ("date", "time") else value
        inside = [m for m in named if _overlap(m, value)] or [
            m for m in named if value.span is None and same_value(slot.kind, m.value, value.value)
        ]
        if not inside:
            if value.span is None or self._filling.meant(slot, *value.span):
                return value
            return self._kept(slot, named)
        free = [m for m in named if m.start > inside[-1].start and not _taken(m, others)]
        chosen = self._wished(slot, [*inside, *free], (), inside)
        chosen = chosen or self._wished(slot, [m for m in named if m not in inside], others)
        if chosen is None:
            return self._kept(slot, named)
        ranges = slot.kind == "time" and time_range_value(chosen.value) is not None
        if chosen in inside and (len(inside) == 1 or slot.values) and not ranges:
            return value if not slot.values or chosen.value == value.value else self._value(chosen)
        return self._value(chosen)

    def _kept(self, slot: SlotRules, named: list[_Named]) -> SlotValue | None:
        """What was held before, unless the message refuses that."""
        before = self._before.get(slot.slot.name)
        if before is None:
            return None
        same = [m for m in named if same_value(slot.kind, m.value, before.value)]
        return None if any(self._filling.standing.of(*m.span).refused for m in same) else before

    def _wished(
        self,
        slot: SlotRules,
        named: list[_Named],
        others: Iterable[tuple[int, int]],
        first: list[_Named] | None = None,
    ) -> _Named | None:
        """Of what is named, the first that is wished (one of `first`, where given), or the last that corrects it."""
        taken = list(others)
        chosen: _Named | None = None
        for mention in sorted(named, key=lambda m: (self._filling.standing.of(*m.span) is Stand.ELSEWHERE, m.start)):
            if not self._filling.meant(slot, *mention.span) or _taken(mention, taken):
                continue
            if chosen is None:
                chosen = mention if first is None or mention in first else None
            elif self._filling.standing.corrects(chosen.end, *mention.span):
                chosen = mention
        return chosen

    def _value(self, named: _Named) -> SlotValue:
        return SlotValue(named.value, USER, named.span, self._turn)

    def _named(self, slot: SlotRules) -> list[_Named]:
        """The values that the message names and the slot could take, by place."""
        if slot.values:
            found: list[_Named] = []
            for pattern, value in slot.values_in(self._text):
                for match in islice(pattern.finditer(self._text), MAX_MENTIONS):
                    if all(m.end <= match.start() or match.end() <= m.start for m in found):
                        found.append(_Named(value, *match.span()))
            return sorted(found, key=lambda m: m.start)
        if slot.kind not in ("date", "time", "number"):
            return []
        kinds = (slot.kind, "money") if slot.kind == "number" else (slot.kind,)
        return [_Named(m.text, m.start, m.end) for m in typed_mentions(self._text) if m.kind in kinds]


def _taken(named: _Named, spans: Iterable[tuple[int, int]]) -> bool:
    return any(a < named.end and named.start < b for a, b in spans)


def _overlap(named: _Named, value: SlotValue) -> bool:
    return value.span is not None and named.start < value.span[1] and value.span[0] < named.end


def _held_beside(rules: ServiceRules, slot: SlotRules, slots: Mapping[str, SlotValue], value: str) -> bool:
    """Whether another slot of the kind holds the day or the time already, so that the reply but reads that back."""
    others = (s for s in rules.slots if s is not slot and s.kind == slot.kind and s.slot.name in slots)
    return slot.kind in ("date", "time") and any(same_value(s.kind, slots[s.slot.name].value, value) for s in others)


def _read_back(rules: ServiceRules, slot: SlotRules, held: str, value: str, system_text: str) -> bool:
    """Whether the reply only reads back what is held: in other terms ("March 3rd" for "this Sunday"), which may well be
    the same day, or beside the value of another slot of the kind ("from March 3rd to March 8th")."""
    if same_value(slot.kind, held, value) or (slot.kind == "date" and not same_terms(held, value)):
        return True
    if sum(s.kind == slot.kind and s.fillable for s in rules.slots) < 2:
        return False
    standing = standing_of(system_text)
    named = [m for m in typed_mentions(system_text) if m.kind == slot.kind and same_value(slot.kind, m.text, held)]
    return any(not standing.of(m.start, m.end).refused for m in named)


def same_value(kind: str, value: str, held: str) -> bool:
    """Whether two values of a slot of that kind are the same one, said differently."""
    if value.casefold() == held.casefold():
        return True
    if kind == "number":
        return number_value(value) is not None and number_value(value) == number_value(held)
    return kind in ("date", "time") and same_moment(value, held)
