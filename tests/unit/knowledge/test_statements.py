"""Plain sentences are read as facts, and what states no fact is left alone."""

from collections.abc import Sequence

import numpy as np
import pytest

from services.common.facts import FactRevision, fact_id
from services.knowledge.domain.slots import match_slot
from services.knowledge.domain.statements import read_statement
from services.knowledge.domain.vectors import Vectors


@pytest.mark.parametrize(
    ("sentence", "entity", "slot", "value"),
    [
        ("The price of the Basic plan is 9 euros.", "Basic plan", "price", "9 euros"),
        ("Actually, the Basic plan now costs 12 euros.", "Basic plan", "costs", "12 euros"),
        ("The Basic plan's price is now 12 €.", "Basic plan", "price", "12 €"),
        ("Acme Ltd, which is based in Kyoto, Japan.", "Acme Ltd", "based in", "Kyoto, Japan"),
        ("Shoes may be returned within 30 days.", "Shoes", "may be returned within", "30 days"),
    ],
)
def test_reads_who_what_and_value(sentence: str, entity: str, slot: str, value: str) -> None:
    reading = read_statement(sentence)
    assert reading is not None
    assert (reading.entity, reading.slot, reading.value) == (entity, slot, value)
    assert reading.value in reading.span


@pytest.mark.parametrize("text", ["What does the Basic plan cost?", "Thanks!", "It is 9 euros.", "", "please help me"])
def test_reads_nothing_where_nothing_is_stated(text: str) -> None:
    assert read_statement(text) is None


def test_only_facts_of_the_entity_can_match_and_doubt_is_said() -> None:
    known = [fact("price", "9 euros"), fact("seats", "5")]
    reading = read_statement("The Basic plan costs 12 euros.")
    assert reading is not None

    def encode(texts: Sequence[str]) -> Vectors:
        place = {"costs": (1.0, 0.0), "price is": (0.38, 0.925), "seats is": (0.0, 1.0)}
        return np.asarray([place.get(text, (0.0, 0.0)) for text in texts], np.float32)

    match = match_slot(reading, known, encode)
    assert match.fact is known[0]
    assert not match.sure
    assert match_slot(reading, [], encode).fact is None


def fact(slot: str, value: str) -> FactRevision:
    return FactRevision(fact_id("Basic plan", slot), 1, "Basic plan", slot, value)
