"""What a turn's matching has found so far for one service."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.tracker.domain.lexicon import SlotRules
from services.tracker.domain.state import MULTI_SEPARATOR, USER, Entity
from services.tracker.domain.words import stem, tokens_of


@dataclass(frozen=True, slots=True)
class Found:
    """A value found for a slot."""

    value: str
    span: tuple[int, int] | None
    origin: str = USER


@dataclass(slots=True)
class Filling:
    """The findings of a turn for one service; `taken` are the spans of the text already explained."""

    values: dict[str, Found] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)

    def put(self, slot: SlotRules, value: str, span: tuple[int, int] | None, origin: str = USER) -> None:
        """Records the value; a multi-valued slot gathers, another keeps the first of the turn's values."""
        name = slot.slot.name
        known = self.values.get(name)
        if known is None:
            self.values[name] = Found(value, span, origin)
        elif slot.slot.multi and value not in known.value.split(MULTI_SEPARATOR):
            self.values[name] = Found(f"{known.value}{MULTI_SEPARATOR}{value}", known.span, origin)
        if span is not None:
            self.taken.append(span)

    def free(self, start: int, end: int) -> bool:
        """Whether nothing has been made of this stretch of the text yet."""
        return not any(a < end and start < b for a, b in self.taken)


def stems_near(text: str, start: int, end: int, width: int = 4) -> set[str]:
    """The stems of the `width` words before and behind a span."""
    words = [*text[:start].split()[-width:], *text[end:].split()[:width]]
    return {stem(w) for w in tokens_of(" ".join(words))}
