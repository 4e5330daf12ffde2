"""The scope of corrections: to which of them a message belongs, if to any.

Weights that learn a correction change every other reply too; a memory of what was corrected, and a judge of what
belongs to it, keep the rest as it was (Mitchell et al. 2022, "Memory-Based Model Editing at Scale", section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.models.encoder_files import PROPERTIES, Vectors
from services.models.scope.asked import asked_kinds, asks_another_kind
from services.models.scope.features import pair_features
from services.models.scope.head import ScopeHead
from services.models.scope.reading import Reader, Reading, content_stems
from services.models.scope.rivals import Rival, RivalModel
from services.models.sentence_encoder import SentenceEncoder

FARTHEST = 0.2
"""Cosine below which a message is not even held against a correction."""
_HELD_AGAINST = 4
THRESHOLD = 0.4


@dataclass(frozen=True)
class Corrected:
    """A corrected message with the reply that is right; `id` is that of its example."""

    id: str
    question: str
    reply: str


@dataclass(frozen=True)
class Belongs:
    """The correction that a message belongs to, and how surely: a probability. `likeness` is the greater cosine of the
    message to the corrected question and to its reply."""

    correction: Corrected
    probability: float
    likeness: float


@dataclass(frozen=True)
class VersionScope:
    """Where a version's weights apply: to messages that belong to one of `corrections` (their examples' ids) at least
    as surely as `threshold`. The texts are not here: who erases a correction takes it out of every scope."""

    corrections: tuple[str, ...]
    threshold: float = THRESHOLD

    def to_json(self) -> dict[str, Any]:
        """As a version's file holds it."""
        return {"threshold": self.threshold, "corrections": list(self.corrections)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> VersionScope:
        """What `to_json` gave. Raises KeyError, TypeError, ValueError."""
        return cls(tuple(map(str, stored["corrections"])), float(stored["threshold"]))


@dataclass(frozen=True)
class Held:
    """A message held against one correction: the head's probability that it asks the same, the features of the pair as
    a whole, and the likeness."""

    correction: Corrected
    probability: float
    pair: Vectors
    likeness: float


class ScopeJudge:
    """Reads texts and judges pairs; one a process, thread-safe."""

    def __init__(self, reader: Reader, head: ScopeHead, rivals: RivalModel) -> None:
        self.reader = reader
        self.head = head
        self.rivals = rivals

    @classmethod
    def load(cls, encoder: SentenceEncoder | None = None) -> ScopeJudge:
        """The shipped head over the bundled encoder. Raises EncoderNotFound, FileNotFoundError."""
        encoder = encoder or SentenceEncoder.load()
        return cls(Reader(encoder, encoder.tuned(PROPERTIES)), ScopeHead.load(), RivalModel.load())


class ScopeIndex:
    """Corrections read and ready to be asked for; not thread-safe while it changes."""

    def __init__(self, judge: ScopeJudge, corrections: Iterable[Corrected] = ()) -> None:
        self._judge = judge
        self._known: dict[str, tuple[Corrected, Reading, Reading]] = {}
        self._order: list[str] = []
        self._kinds: list[frozenset[str]] = []
        self._stems: frozenset[str] = frozenset()
        self._vectors: Vectors = np.zeros((0, 2, judge.reader.dimensions), np.float32)
        self.update(corrections)

    def __len__(self) -> int:
        return len(self._known)

    def update(self, corrections: Iterable[Corrected]) -> None:
        """Hold exactly these; what was read before is not read again."""
        wanted = {one.id: one for one in corrections}
        new = [one for one in wanted.values() if self._known.get(one.id, (None,))[0] != one]
        readings = self._judge.reader.read([text for one in new for text in (one.question, one.reply)])
        for at, one in enumerate(new):
            self._known[one.id] = (one, readings[2 * at], readings[2 * at + 1])
        for gone in self._known.keys() - wanted.keys():
            del self._known[gone]
        self._order = list(self._known)
        self._stems = frozenset().union(*(content_stems(f"{one.question} {one.reply}") for one in wanted.values()))
        self._kinds = [asked_kinds(self._known[name][1].text) for name in self._order]
        rows = [np.stack([self._known[name][1].vector, self._known[name][2].vector]) for name in self._order]
        empty = np.zeros((0, 2, self._judge.reader.dimensions), np.float32)
        self._vectors = np.stack(rows) if rows else empty

    def nearest(self, message: str, rival: Rival | None = None) -> Belongs | None:
        """The correction that the message most probably belongs to, however improbable; None where none comes near.
        `rival`: what the knowledge base has for the message; None where it was not asked."""
        return self.nearest_of([message], rival)[0]

    def nearest_of(self, messages: Sequence[str], rival: Rival | None = None) -> list[Belongs | None]:
        """As `nearest`, of several messages."""
        return [self.belongs(held, rival) for held in self.held_against(messages)]

    def held_against(self, messages: Sequence[str]) -> list[list[Held]]:
        """Each message held against the corrections that it is most like, four at most; against none whose question
        asks for another kind of thing. One that shares no telling word with any correction is not even read."""
        spoken = [at for at, message in enumerate(messages) if not self._stems.isdisjoint(content_stems(message))]
        found: list[list[Held]] = [[] for _ in messages]
        for at, reading in zip(spoken, self._judge.reader.read([messages[at] for at in spoken]), strict=True):
            found[at] = self._held(reading)
        return found

    def _held(self, reading: Reading) -> list[Held]:
        likeness = (self._vectors @ reading.vector).max(1)
        kinds = asked_kinds(reading.text)
        if kinds:
            apart = [asks_another_kind(kinds, own) for own in self._kinds]
            likeness = np.where(apart, 0.0, likeness)
        near = [int(at) for at in np.argsort(-likeness)[:_HELD_AGAINST] if likeness[at] >= FARTHEST]
        known = [self._known[self._order[at]] for at in near]
        features = [pair_features(reading, question, reply) for _, question, reply in known]
        judged = self._judge.head.judged(features)
        return [
            Held(correction, judged[at], features[at][3], float(likeness[near[at]]))
            for at, (correction, _, _) in enumerate(known)
        ]

    def belongs(self, held: Sequence[Held], rival: Rival | None) -> Belongs | None:
        """As `nearest`, of a message that is held against corrections already."""
        if not held:
            return None
        found = [one.probability for one in held]
        if rival is not None:
            pairs, likeness = [one.pair for one in held], [one.likeness for one in held]
            found = self._judge.rivals.weighed(found, pairs, likeness, rival)
        best = int(np.argmax(found))
        return Belongs(held[best].correction, found[best], held[best].likeness)
