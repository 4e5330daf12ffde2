"""Plain sentences are read as facts, and what states no fact is left alone."""

from collections.abc import Sequence

import numpy as np
import pytest

from services.common.facts import FactRevision, fact_id
from services.knowledge.domain.slots import SlotMatch, match_slot
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


@pytest.mark.parametrize(
    ("sentence", "corrects"),
    [
        ("The Basic plan costs 12 euros.", False),
        ("Actually, the Basic plan costs 12 euros.", True),
        ("The Basic plan now costs 12 euros.", True),
        ("By the way, the Basic plan costs 12 euros.", False),
        ("The price of Now is 12 euros.", False),
    ],
)
def test_tells_a_correction_from_a_statement_by_its_words(sentence: str, corrects: bool) -> None:
    reading = read_statement(sentence)
    assert reading is not None
    assert reading.corrects is corrects


def matched(sentence: str, near: float) -> SlotMatch:
    """What a sentence whose relation is as near to "price is" as given is taken to be about."""
    reading = read_statement(sentence)
    assert reading is not None

    def encode(texts: Sequence[str]) -> Vectors:
        aside = (1 - near**2) ** 0.5
        place = {"costs 12 euros": (1.0, 0.0), "price is 9 euros": (near, aside), "seats is 5": (0.0, 1.0)}
        return np.asarray([place.get(text, (0.0, 0.0)) for text in texts], np.float32)

    return match_slot(reading, [fact("price", "9 euros"), fact("seats", "5")], encode)


def test_a_correction_is_taken_for_the_nearest_fact_of_the_entity() -> None:
    match = matched("Actually, the Basic plan costs 12 euros.", near=0.5)
    assert match.fact == fact("price", "9 euros")
    assert match.sure


def test_a_statement_stands_beside_what_is_known_unless_it_says_nearly_the_same() -> None:
    assert matched("The Basic plan costs 12 euros.", near=0.6).fact is None
    assert matched("The Basic plan costs 12 euros.", near=0.8).fact == fact("price", "9 euros")


def test_a_correction_near_to_nothing_is_asked_about_or_new() -> None:
    assert not matched("Actually, the Basic plan costs 12 euros.", near=0.42).sure
    assert matched("Actually, the Basic plan costs 12 euros.", near=0.1).fact is None


def test_only_facts_of_the_entity_can_match() -> None:
    reading = read_statement("Actually, the Basic plan costs 12 euros.")
    assert reading is not None
    assert match_slot(reading, [], lambda texts: np.zeros((len(texts), 2), np.float32)).fact is None


def fact(slot: str, value: str) -> FactRevision:
    return FactRevision(fact_id("Basic plan", slot), 1, "Basic plan", slot, value)


@pytest.mark.parametrize(
    ("sentence", "entity"),
    [
        ("Leander of Seville was written in French.", "Leander of Seville"),
        ("Agriculture in Saskatchewan can be found in Saskatchewan.", "Agriculture in Saskatchewan"),
        ("Centers for Disease Control is based in Atlanta.", "Centers for Disease Control"),
        ("Bath for Two costs 40 euros.", "Bath for Two"),
        ("Friends at Sea is based in Dover.", "Friends at Sea"),
        ("Lunch on Deck is located in Hall 3.", "Lunch on Deck"),
        ("The deposit for the Wren costs 40 euros.", "the Wren"),
        ("The deposit for Tern is 40 euros.", "Tern"),
    ],
)
def test_a_name_with_a_preposition_in_it_is_not_parted(sentence: str, entity: str) -> None:
    reading = read_statement(sentence)
    assert reading is not None
    assert reading.entity.lower() in (entity.lower(), entity.lower().removeprefix("the "))
