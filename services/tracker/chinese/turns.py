"""What the network of the Chinese tracker is shown of a turn: characters, slots by their words, and where they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from services.tracker.chinese.values import listed_in, plain
from services.tracker.chinese.views import LABEL, Key, SlotView, name_slots

SYSTEM_CHARACTERS, USER_CHARACTERS = 160, 200
PAIRS = 8192
"""Buckets of pairs of characters."""
MARKS, MEETINGS, FACTS = 6, 9, 24
"""Features of a character, of a slot and a character, of a slot."""
_NEAR = 6.0


@dataclass
class Turn:
    """One turn to read; `previous` is the state by slot in the order of its services' last activity."""

    views: tuple[SlotView, ...]
    system: str
    user: str
    previous: dict[Key, str]
    offers: list[tuple[Key, str]]
    recent: str | None = None
    first: bool = False
    held: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.system = self.system[-SYSTEM_CHARACTERS:]
        self.user = self.user[:USER_CHARACTERS]
        for service, _ in self.previous:
            self.held[service] = self.held.get(service, 0) + 1

    @property
    def text(self) -> str:
        """What is read: the reply, a line's end, the message."""
        return f"{self.system}\n{self.user}"

    @property
    def start(self) -> int:
        """Where the message begins in `text`."""
        return len(self.system) + 1


@dataclass
class Batch:
    """Turns as tensors, padded: characters [rows, length], slots [rows, slots, …]."""

    characters: Tensor
    pairs: Tensor
    places: Tensor
    segments: Tensor
    marks: Tensor
    meetings: Tensor
    facts: Tensor
    slot_words: Tensor
    slot_pairs: Tensor
    service_words: Tensor
    beside: Tensor
    mask: Tensor
    slot_mask: Tensor


class Alphabet:
    """Characters and their numbers; 0 is no character, 1 one that training did not meet."""

    def __init__(self, characters: str) -> None:
        self.characters = characters
        self._known = {character: number + 2 for number, character in enumerate(characters)}

    def __len__(self) -> int:
        return len(self.characters) + 2

    def read(self, text: str) -> list[int]:
        return [self._known.get(character.lower(), 1) for character in text]


def pairs_in(text: str) -> list[int]:
    """A bucket for each character with the one after it."""
    return [1 + (ord(a) * 7919 + ord(b) * 104729) % (PAIRS - 1) for a, b in zip(text, f"{text[1:]} ", strict=True)]


def found_in(text: str, words: str) -> list[tuple[int, int]]:
    """Everywhere that `words` stand in `text`."""
    found, start = [], text.find(words) if words else -1
    while start >= 0:
        found.append((start, start + len(words)))
        start = text.find(words, start + len(words))
    return found


def _overlap(words: str, text: str) -> float:
    pieces = {words[i : i + 2] for i in range(len(words) - 1)}
    return sum(piece in text for piece in pieces) / len(pieces) if pieces else float(words in text)


def _marks(turn: Turn) -> npt.NDArray[np.float32]:
    text = turn.text
    marks = np.zeros((len(text), MARKS), np.float32)
    marks[:, 0] = [c.isdigit() for c in text]
    marks[:, 1] = [not c.isalnum() for c in text]
    for column, words in (
        (2, set(turn.previous.values())),
        (3, {value for _, value in turn.offers}),
        (4, {view.service_words for view in turn.views}),
    ):
        for word in words:
            for start, end in found_in(text, word):
                marks[start:end, column] = 1.0
    marks[turn.start :, 5] = 1.0
    return marks


def _meetings(turn: Turn, view: SlotView) -> npt.NDArray[np.float32]:
    """Where slot and text meet: held, offered and listed values, its words, its service, and how near these are."""
    text = turn.text
    grid = np.zeros((len(text), MEETINGS), np.float32)
    held = turn.previous.get(view.key)
    label = view.words.split(" ", 1)[0]
    spans: list[tuple[int, Sequence[tuple[int, int]]]] = [
        (0, found_in(text, held) if held else []),
        (1, listed_in(view.slot, text)),
        (2, [s for i in range(len(label) - 1) for s in found_in(text, label[i : i + 2])]),
        (3, found_in(text, view.service_words)),
        (4, [s for key, value in turn.offers if key == view.key for s in found_in(text, value)]),
        (5, found_in(text, view.of) if view.of else []),
    ]
    steps = np.arange(len(text), dtype=np.float32)
    for column, places in spans:
        for start, end in places:
            grid[start:end, column] = 1.0
            if column in (2, 3):
                after = column + 4 if column == 2 else 7
                distance = np.where(steps >= end, steps - end + 1, 0)
                near = np.where(distance > 0, np.exp(-distance / _NEAR), 0)
                grid[:, after] = np.maximum(grid[:, after], near)
                before = np.where(steps < start, np.exp(-(start - steps) / _NEAR), 0)
                grid[:, 8] = np.maximum(grid[:, 8], before)
    return grid


def _facts(turn: Turn, view: SlotView, named: dict[str, Key], last: str | None) -> list[float]:
    service = view.key[0]
    label = view.words.split(" ", 1)[0]
    held = turn.previous.get(view.key)
    offered = [value for key, value in turn.offers if key == view.key]
    own, of = named.get(service), named.get(view.of or "")
    met = {s.service_words for s in turn.views if s.service_words in turn.user}
    return [
        float(held is not None),
        float(service in turn.held),
        float(service == turn.recent),
        float(view.service_words in turn.user),
        float(view.service_words in turn.system),
        float(label in turn.user),
        float(label in turn.system),
        _overlap(label, turn.user),
        _overlap(label, turn.system),
        float(held is not None and held in turn.user),
        float(held is not None and held in turn.system),
        float(bool(listed_in(view.slot, turn.user))),
        float(bool(listed_in(view.slot, turn.system))),
        float(bool(offered)),
        float(view.of is not None),
        float(view.of is not None and view.of in turn.user),
        float(of is not None and (of in turn.previous or any(key == of for key, _ in turn.offers))),
        float(own is not None and own in turn.previous),
        min(1.0, turn.held.get(service, 0) / 4),
        float(turn.first),
        float(any(value in turn.user for value in offered)),
        float(service == last),
        float(len(met - {view.service_words}) > 0),
        float(view.names),
    ]


def batch_of(turns: Sequence[Turn], alphabet: Alphabet) -> Batch:
    """`turns` as tensors."""
    rows, length = len(turns), max(len(turn.text) for turn in turns)
    slots = max(len(turn.views) for turn in turns)
    characters = np.zeros((rows, length), np.int64)
    pairs, places, segments = (np.zeros((rows, length), np.int64) for _ in range(3))
    marks = np.zeros((rows, length, MARKS), np.float32)
    meetings = np.zeros((rows, slots, length, MEETINGS), np.float32)
    facts = np.zeros((rows, slots, FACTS), np.float32)
    words, word_pairs = (np.zeros((rows, slots, 2 * LABEL), np.int64) for _ in range(2))
    services = np.zeros((rows, slots, LABEL), np.int64)
    beside = np.zeros((rows, slots, slots), np.float32)
    slot_mask = np.zeros((rows, slots), np.bool_)
    for row, turn in enumerate(turns):
        text = turn.text
        characters[row, : len(text)] = alphabet.read(text)
        pairs[row, : len(text)] = pairs_in(text)
        places[row, : turn.start] = np.arange(turn.start)[::-1]
        places[row, turn.start : len(text)] = np.arange(len(turn.user))
        segments[row, : turn.start], segments[row, turn.start : len(text)] = 1, 2
        marks[row, : len(text)] = _marks(turn)
        named = name_slots(turn.views)
        told = [(turn.user.rfind(view.service_words), view.key[0]) for view in turn.views]
        last = max(told, default=(-1, ""))
        for number, view in enumerate(turn.views):
            meetings[row, number, : len(text)] = _meetings(turn, view)
            facts[row, number] = _facts(turn, view, named, last[1] if last[0] >= 0 else None)
            words[row, number, : len(view.words)] = alphabet.read(view.words)
            word_pairs[row, number, : len(view.words)] = pairs_in(view.words)
            service = view.service_words[:LABEL]
            services[row, number, : len(service)] = alphabet.read(service)
            slot_mask[row, number] = True
            beside[row, number, : len(turn.views)] = [float(o.key[0] == view.key[0]) for o in turn.views]
    arrays = (
        characters, pairs, places, segments, marks, meetings, facts, words, word_pairs, services, beside,
        characters > 0, slot_mask,
    )  # fmt: skip
    return Batch(*(torch.from_numpy(array) for array in arrays))


def same(one: str, other: str) -> bool:
    """Whether two values are one."""
    return plain(one) == plain(other)
