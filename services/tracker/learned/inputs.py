"""From turns to padded tensors: what the network reads of a dialogue, a state and a schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from services.tracker.learned.catalog import ServiceView, SlotView, plain, value_text
from services.tracker.learned.network import (
    FLAGS,
    INTENT,
    SERVICE,
    SLOT_CHOICE,
    SLOT_FREE,
    VALUE_FLAGS,
    Batch,
)
from services.tracker.learned.proposals import CUES, Key, Proposals
from services.tracker.learned.wordpieces import CLS, SEP, Pieces, WordPieces

STRING = 8  # WordPieces read of a value
ELEMENT = 24  # WordPieces read of a schema element


@dataclass(frozen=True)
class Turn:
    """One turn to understand: the last reply, the user's message and the state before it."""

    system_text: str
    user_text: str
    system: Pieces
    user: Pieces
    services: tuple[ServiceView, ...]
    previous: dict[Key, str]
    mentions: dict[Key, str]
    intents: dict[str, str]
    recent: str | None  # the service the dialogue was last about
    proposals: Proposals


@dataclass(frozen=True)
class Layout:
    """Where each service, intent, slot and value of a group of services stands in a row of the batch."""

    kinds: tuple[int, ...]
    names: tuple[Key, ...]  # (service, slot or intent, or "" for the service itself)
    service: tuple[int, ...]  # position of the element's service
    slots: dict[Key, int]
    slot_views: dict[int, SlotView]
    intents: dict[Key, int]
    values: tuple[tuple[int, str, tuple[str, ...]], ...]  # (slot position, value, its plain forms)
    value_ranges: dict[int, tuple[int, int]]


@lru_cache(maxsize=4096)
def layout(services: tuple[ServiceView, ...]) -> Layout:
    """Lays out a group of services; element and value order is that of `elements` and `value_texts`."""
    kinds: list[int] = []
    names: list[Key] = []
    owner: list[int] = []
    slots: dict[Key, int] = {}
    views: dict[int, SlotView] = {}
    intents: dict[Key, int] = {}
    values: list[tuple[int, str, tuple[str, ...]]] = []
    ranges: dict[int, tuple[int, int]] = {}
    for view in services:
        start = len(kinds)
        kinds.append(SERVICE)
        names.append((view.name, ""))
        for intent in view.intents:
            intents[(view.name, intent.name)] = len(kinds)
            kinds.append(INTENT)
            names.append((view.name, intent.name))
        for slot in view.slots:
            position = len(kinds)
            slots[(view.name, slot.name)] = position
            views[position] = slot
            first = len(values)
            values.extend((position, value, slot.spoken(index)) for index, value in enumerate(slot.choices))
            ranges[position] = (first, len(values))
            kinds.append(SLOT_CHOICE if slot.choices else SLOT_FREE)
            names.append((view.name, slot.name))
        owner.extend([start] * (len(kinds) - start))
    return Layout(tuple(kinds), tuple(names), tuple(owner), slots, views, intents, tuple(values), ranges)


def value_texts(view: ServiceView) -> list[str]:
    """Texts of a service's candidate values, in layout order."""
    return [value_text(slot, value) for slot in view.slots for value in slot.choices]


class Reader:
    """Turns texts and groups of turns into tensors; keeps the pieces of short strings it has seen."""

    def __init__(self, pieces: WordPieces | None = None) -> None:
        self.pieces = pieces or WordPieces()
        self._strings: dict[str, tuple[int, ...]] = {}

    def string(self, text: str) -> tuple[int, ...]:
        """WordPieces of a value, at most `STRING`."""
        found = self._strings.get(text)
        if found is None:
            if len(self._strings) > 200_000:
                self._strings.clear()
            found = self._strings[text] = self.pieces.read([text], STRING)[0].ids
        return found

    def texts(self, texts: Sequence[str], limit: int = ELEMENT) -> tuple[torch.Tensor, torch.Tensor]:
        """Schema texts as `tokens, mask: [rows, length]` with MiniLM's special tokens."""
        rows = [[CLS, *pieces.ids, SEP] for pieces in self.pieces.read(texts, limit)]
        length = max((len(row) for row in rows), default=2)
        tokens = torch.zeros(len(rows), length, dtype=torch.long)
        for index, row in enumerate(rows):
            tokens[index, : len(row)] = torch.tensor(row)
        return tokens, tokens > 0

    def batch(self, turns: Sequence[Turn], views: Sequence[ServiceView], texts: bool = False) -> Batch:
        """Pads `turns`; element and value indices count through `views` in order. `texts`: with the elements' own."""
        element_start: dict[ServiceView, int] = {}
        value_start: dict[ServiceView, int] = {}
        elements = values = 0
        for view in views:
            element_start[view], value_start[view] = elements, values
            elements += 1 + len(view.intents) + len(view.slots)
            values += sum(len(slot.choices) for slot in view.slots)
        layouts = [layout(turn.services) for turn in turns]
        rows = len(turns)
        length = max(len(turn.system.ids) + len(turn.user.ids) for turn in turns) + 3
        size = max(len(plan.kinds) for plan in layouts)
        choices = max(1, max(len(plan.values) for plan in layouts))
        long = torch.long
        out = Batch(
            tokens=torch.zeros(rows, length, dtype=long),
            segments=torch.zeros(rows, length),
            mask=torch.zeros(rows, length, dtype=torch.bool),
            user=torch.zeros(rows, length, dtype=torch.bool),
            system=torch.zeros(rows, length, dtype=torch.bool),
            elements=torch.zeros(rows, size, dtype=long),
            element_mask=torch.zeros(rows, size, dtype=torch.bool),
            kinds=torch.zeros(rows, size, dtype=long),
            owners=torch.zeros(rows, size, dtype=long),
            previous=torch.zeros(rows, size, dtype=long),
            mentions=torch.zeros(rows, size, dtype=long),
            proposals=torch.zeros(rows, size, dtype=long),
            strings=torch.zeros(1, STRING, dtype=long),
            flags=torch.zeros(rows, size, FLAGS),
            values=torch.zeros(rows, choices, dtype=long),
            value_slots=torch.zeros(rows, choices, dtype=long),
            value_flags=torch.zeros(rows, choices, VALUE_FLAGS),
            value_mask=torch.zeros(rows, choices, dtype=torch.bool),
        )
        strings: dict[str, int] = {}
        for row, (turn, plan) in enumerate(zip(turns, layouts, strict=True)):
            self._dialogue(out, row, turn)
            self._schema(out, row, turn, plan, strings)
            count = len(plan.kinds)
            positions: list[int] = []
            choice_rows: list[int] = []
            for view in turn.services:
                first = element_start[view]
                positions.extend(range(first, first + 1 + len(view.intents) + len(view.slots)))
                first = value_start[view]
                choice_rows.extend(range(first, first + sum(len(slot.choices) for slot in view.slots)))
            where = torch.tensor(positions)
            out.elements[row, :count] = where
            out.owners[row, :count] = where[torch.tensor(plan.service)]
            if choice_rows:
                out.values[row, : len(choice_rows)] = torch.tensor(choice_rows)
        if strings:
            table = torch.zeros(len(strings) + 1, STRING, dtype=long)
            for text, index in strings.items():
                ids = self.string(text)
                table[index, : len(ids)] = torch.tensor(ids, dtype=long)
            out.strings = table
        if texts:
            out.texts = self.texts([text for view in views for text in view.texts()])[0]
        return out

    def _dialogue(self, out: Batch, row: int, turn: Turn) -> None:
        system, user = turn.system.ids, turn.user.ids
        ids = [CLS, *system, SEP, *user, SEP]
        out.tokens[row, : len(ids)] = torch.tensor(ids)
        out.mask[row, : len(ids)] = True
        out.system[row, 1 : 1 + len(system)] = True
        first = 2 + len(system)
        out.user[row, first : first + len(user)] = True
        out.segments[row, first : len(ids)] = 1.0

    def _schema(self, out: Batch, row: int, turn: Turn, plan: Layout, strings: dict[str, int]) -> None:
        count = len(plan.kinds)
        out.element_mask[row, :count] = True
        out.kinds[row, :count] = torch.tensor(plan.kinds)
        flags = [[0.0] * FLAGS for _ in range(count)]
        user, system = plain(turn.user_text), plain(turn.system_text)
        for source, target, flag in ((turn.previous, out.previous, 0), (turn.mentions, out.mentions, 1)):
            for key, text in source.items():
                position = plan.slots.get(key)
                if position is not None and text:
                    target[row, position] = strings.setdefault(text, len(strings) + 1)
                    flags[position][flag] = 1.0
        for service, intent in turn.intents.items():
            position = plan.intents.get((service, intent))
            if position is not None:
                flags[position][2] = 1.0
        for key, proposal in turn.proposals.changes.items():
            position = plan.slots[key]
            flags[position][9 if proposal.value is None else 7] = 1.0
            flags[position][8] = float(proposal.system)
            flags[position][12] = float(proposal.whole)
            if proposal.value is not None:
                out.proposals[row, position] = strings.setdefault(proposal.value, len(strings) + 1)
        for key in turn.proposals.requested:
            flags[plan.slots[key]][10] = 1.0
        for key in turn.proposals.intents:
            flags[plan.intents[key]][11] = 1.0
        for position, (service, _) in enumerate(plan.names):
            flags[position][13] = float(service == turn.recent)
            flags[position][14] = float(service in turn.proposals.active)
            flags[position][15 + CUES :] = turn.proposals.manner
        for key, cues in turn.proposals.cues.items():
            flags[plan.slots[key]][15 : 15 + CUES] = cues
        held = {plain(text) for text in turn.previous.values()}
        value_flags = []
        for position, value, spoken in plan.values:
            key = plan.names[position]
            in_user = any(form in user for form in spoken)
            in_system = any(form in system for form in spoken)
            if in_user:
                flags[position][3] = 1.0
            if in_system:
                flags[position][4] = 1.0
            current = turn.previous.get(key) == value
            offer = turn.proposals.changes.get(key)
            value_flags.append(
                [
                    in_user,
                    in_system,
                    current,
                    turn.mentions.get(key) == value,
                    spoken[0] in held and not current,
                    offer is not None and offer.value == value,
                ]
            )
        for position, slot in plan.slot_views.items():
            if slot.values and not slot.choices:
                forms = [form for index in range(len(slot.values)) for form in slot.spoken(index)]
                flags[position][5] = float(any(form in user for form in forms))
                flags[position][6] = float(any(form in system for form in forms))
        out.flags[row, :count] = torch.tensor(flags)
        if value_flags:
            many = len(value_flags)
            out.value_flags[row, :many] = torch.tensor(value_flags, dtype=torch.float)
            out.value_slots[row, :many] = torch.tensor([position for position, _, _ in plan.values])
            out.value_mask[row, :many] = True


def user_offset(turn: Turn) -> int:
    """Index in the row of the user's first WordPiece; the system's first is at 1."""
    return 2 + len(turn.system.ids)
