"""What a turn's matching has found so far for one service."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.tracker.domain.details import well_formed
from services.tracker.domain.lexicon import SlotRules
from services.tracker.domain.standing import Stand, Standing, holds_journey, holds_past, holds_reason
from services.tracker.domain.state import MULTI_SEPARATOR, USER, Entity
from services.tracker.domain.words import stem, tokens_of

_WINDOW = 120
"""Characters in which the words beside a value are looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value found for a slot."""

    value: str
    span: tuple[int, int] | None
    origin: str = USER


@dataclass(slots=True)
class Filling:
    """The findings of a turn for one service; `taken` are the spans of the text already explained.

    `standing` is that of the user's text, `asked` are the slots that the reply before it asks about, `single` those of
    the kinds date and time that one slot of the service alone has.
    """

    standing: Standing
    asked: dict[str, float] = field(default_factory=dict)
    single: frozenset[str] = frozenset()
    values: dict[str, Found] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)

    def put(self, slot: SlotRules, value: str, span: tuple[int, int] | None, origin: str = USER) -> None:
        """Records the value; a multi-valued slot gathers, another keeps the first value or what corrects it."""
        name = slot.slot.name
        if not well_formed(slot.slot, value):
            return
        known = self.values.get(name)
        if known is None or (span is not None and self.corrected(name, span)):
            self.values[name] = Found(value, span, origin)
        elif slot.slot.multi and value not in known.value.split(MULTI_SEPARATOR):
            self.values[name] = Found(f"{known.value}{MULTI_SEPARATOR}{value}", known.span, origin)
        if span is not None:
            self.taken.append(span)

    def corrected(self, name: str, span: tuple[int, int]) -> bool:
        """Whether what stands at `span` takes the place of the value that the slot was given before."""
        known = self.values.get(name)
        if known is None or known.span is None or known.span[1] > span[0]:
            return False
        return self.standing.corrects(known.span[1], *span)

    def open(self, slot: SlotRules, span: tuple[int, int]) -> bool:
        """Whether the slot can take what stands at `span`: it has no value yet, or one that this corrects."""
        name = slot.slot.name
        return name not in self.values or self.corrected(name, span)

    def meant(self, slot: SlotRules, start: int, end: int) -> bool:
        """Whether the message wishes the slot to be what stands at `start` to `end`."""
        stand = self.standing.of(start, end)
        if stand is Stand.ASKED:
            return False
        if stand is Stand.OUTRANKED and slot.kind in self.single:
            return False
        if stand is Stand.ELSEWHERE and slot.kind in ("date", "time"):
            words = f"{slot.slot.name} {slot.slot.description}"
            journey = holds_journey(words) and self.standing.of_journey(start)
            return slot.slot.name in self.asked or journey or holds_past(words)
        reason = stand.refused and holds_reason(f"{slot.slot.name} {slot.slot.description}")
        if reason or (slot.kind in ("name", "text") and not slot.values):
            return stand is not Stand.EXCEPTED
        return not stand.refused

    def free(self, start: int, end: int) -> bool:
        """Whether nothing has been made of this stretch of the text yet."""
        return not any(a < end and start < b for a, b in self.taken)


def stems_near(text: str, start: int, end: int, width: int = 4) -> set[str]:
    """The stems of the `width` words before and behind a span."""
    words = [*words_before(text, start, width), *words_after(text, end, width)]
    return {stem(w) for w in tokens_of(" ".join(words))}


def words_before(text: str, start: int, count: int) -> list[str]:
    """The last `count` words before `start`, looked for in a bounded window."""
    return text[max(0, start - _WINDOW) : start].split()[-count:]


def words_after(text: str, end: int, count: int) -> list[str]:
    """The first `count` words from `end` on, looked for in a bounded window."""
    return text[end : end + _WINDOW].split()[:count]
