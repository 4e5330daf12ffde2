"""Decides which known property of an entity a sentence speaks of, whatever words it uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.common.facts import FactRevision
from services.common.names import key
from services.common.text_measures import HAN_CHARACTER
from services.knowledge.domain.statements import Reading
from services.knowledge.domain.vectors import Vectors

# Chosen on ten of the nineteen relations of ParaRel; the other nine are what research/eval/facts.py reports.
_SAME = 0.7  # what only states something adds to what is known, unless it says the same in all but the same words
_CORRECTED = 0.45  # what says that it corrects means something known: the nearest, if it is near at all
_PERHAPS = 0.4
_LINKING = frozenset(["in", "on", "at", "by", "from", "to", "the", "a", "an", "of"])


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


def property_text(relation: str, value: str) -> str:
    """A statement without whom it is about: what an encoder of properties reads of it."""
    return f"{relation} {value}"


def property_of(fact: FactRevision) -> str:
    """The same of a fact."""
    return property_text(relation_of(fact), fact.value)


def match_slot(
    reading: Reading, known: Sequence[FactRevision], encode: Callable[[Sequence[str]], Vectors]
) -> SlotMatch:
    """The one of the entity's current facts that the reading restates or contradicts.

    `known` are facts of the same entity: nothing else can conflict. A slot of the very name is taken without the
    encoder of properties; otherwise likeness decides, and how much of it is needed depends on whether the sentence says
    that it corrects: one that does not stands beside what is known rather than in its place.
    """
    for fact in known:
        if key(fact.slot) == key(reading.slot):
            return SlotMatch(fact, 1.0, sure=True)
    if not known:
        return SlotMatch(None, 0.0, sure=True)
    vectors = encode([property_text(reading.relation, reading.value), *map(property_of, known)])
    scores = vectors[1:] @ vectors[0]
    best = int(scores.argmax())
    score = float(scores[best])
    if score >= (_CORRECTED if reading.corrects else _SAME):
        return SlotMatch(known[best], score, sure=True)
    if reading.corrects and score >= _PERHAPS:
        return SlotMatch(known[best], score, sure=False)
    return SlotMatch(None, score, sure=True)


def denied_facts(value: str, known: Sequence[FactRevision]) -> list[FactRevision]:
    """The facts whose value is the one denied, else those that one of the two values says in fewer words."""
    wanted = _words(value)
    if not wanted:
        return []
    same = [fact for fact in known if _words(fact.value) == wanted]
    alike = same or [
        fact for fact in known if _said_in(wanted, _words(fact.value)) or _said_in(_words(fact.value), wanted)
    ]
    if alike or not HAN_CHARACTER.search(value):
        return alike
    plain = _joined(value)
    parts = [fact for fact in known if min(len(plain), len(_joined(fact.value))) > 1 and _part_of(plain, fact)]
    return parts or [fact for fact in known if plain == _joined(fact.slot)]


def _part_of(plain: str, fact: FactRevision) -> bool:
    """Whether one of two Chinese values begins or ends with the other: "19欧元" and "每月19欧元"."""
    held = _joined(fact.value)
    return held.startswith(plain) or held.endswith(plain) or plain.startswith(held) or plain.endswith(held)


def _joined(text: str) -> str:
    return "".join(key(text).split())


def _words(value: str) -> list[str]:
    """The value's words, plurals and linking words aside: "on Sundays" is "Sunday"."""
    words = [word for word in key(value).split() if word not in _LINKING]
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words]


def _said_in(fewer: Sequence[str], more: Sequence[str]) -> bool:
    """Whether the words stand at the beginning of the others: "19 euros" of "19 euros a month"."""
    return bool(fewer) and list(more[: len(fewer)]) == list(fewer)
