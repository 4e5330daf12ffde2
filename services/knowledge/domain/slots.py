"""Decides which known property of an entity a sentence speaks of, whatever words it uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.common.facts import FactRevision, key
from services.knowledge.domain.statements import Reading
from services.knowledge.domain.vectors import Vectors

# Chosen on ten of the nineteen relations of ParaRel; the other nine are what tests/eval/facts.py reports.
_VALUE_WEIGHT = 0.3  # two values of one kind (two cities, two prices) speak for one property
_SURE = 0.4
_POSSIBLE = 0.36


@dataclass(frozen=True)
class SlotMatch:
    """The fact a reading is about, None when it is about none; unless `sure`, a person should be asked."""

    fact: FactRevision | None
    score: float
    sure: bool


def relation_of(fact: FactRevision) -> str:
    """The words that relate, as `Reading.relation` has them: kept from the sentence, else made of the slot."""
    kept = fact.provenance.get("relation")
    return str(kept) if kept else f"{fact.slot} is"


def match_slot(
    reading: Reading, known: Sequence[FactRevision], encode: Callable[[Sequence[str]], Vectors]
) -> SlotMatch:
    """The one of the entity's current facts that the reading restates or contradicts.

    `known` are facts of the same entity: nothing else can conflict. A slot of the very name is taken without the
    encoder; otherwise the relations' and the values' likeness decides.
    """
    for fact in known:
        if key(fact.slot) == key(reading.slot):
            return SlotMatch(fact, 1.0, sure=True)
    if not known:
        return SlotMatch(None, 0.0, sure=True)
    texts = [reading.relation, reading.value, *(relation_of(one) for one in known), *(one.value for one in known)]
    vectors = encode(texts)
    relations, values = vectors[2 : 2 + len(known)], vectors[2 + len(known) :]
    scores = relations @ vectors[0] + _VALUE_WEIGHT * (values @ vectors[1])
    best = int(scores.argmax())
    score = float(scores[best])
    if score < _POSSIBLE:
        return SlotMatch(None, score, sure=True)
    return SlotMatch(known[best], score, sure=score >= _SURE)
