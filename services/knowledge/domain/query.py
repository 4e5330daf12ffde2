"""What a turn asks the knowledge base: its words, what the state says, what was said before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_STATE_WEIGHT = 0.5
_CONTEXT_FADE = 0.5  # each message further back weighs so much less
_NO_VALUE = {"", "dontcare", "none", "true", "false", "yes", "no"}


@dataclass(frozen=True)
class Query:
    """`text` is what the user says now, `state` the values and entities that hold.

    `context`: earlier messages, the latest first.

    `access`: access labels the asker has; what carries another label is not found.
    """

    text: str
    state: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    access: frozenset[str] = field(default_factory=frozenset)

    @property
    def weighted(self) -> list[tuple[float, str]]:
        """(weight, text) of every part, the user's own words weighing most."""
        return [
            (1.0, self.text),
            (_STATE_WEIGHT, " ".join(self.state)),
            *((_CONTEXT_FADE**number, text) for number, text in enumerate(self.context, start=1)),
        ]

    @property
    def everything(self) -> str:
        """All parts as one text, for finding names in it."""
        return "\n".join([self.text, *self.context, *self.state])

    @property
    def sentence(self) -> str:
        """What the encoder reads: the user's words, led by the state's values where the words lack them."""
        folded = self.text.casefold()
        missing = [value for value in self.state if value.casefold() not in folded]
        return f"{', '.join(missing[:6])}: {self.text}" if missing else self.text


def state_values(state: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The values and entities of a State JSON, the newest turn's first, without repetition."""
    if not state:
        return ()
    found: list[tuple[int, str]] = []
    for service in (state.get("services") or {}).values():
        slots = (service.get("slots") or {}).values()
        found += [(-int(slot.get("turn") or 0), str(slot.get("value", ""))) for slot in slots]
    found += [(0, str(entity.get("text", ""))) for entity in state.get("entities") or []]
    values = [value for _, value in sorted(found, key=lambda pair: pair[0])]
    return tuple(dict.fromkeys(value for value in values if value.casefold() not in _NO_VALUE))


def turn_query(
    text: str, state: Mapping[str, Any] | None, before: Sequence[str] = (), access: frozenset[str] = frozenset()
) -> Query:
    """The query of a turn from its message, the state after it and the messages before it."""
    return Query(text=text, state=state_values(state), context=tuple(before), access=access)
