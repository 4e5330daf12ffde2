"""Of facts that answer the same question the latest is shown, and nothing is left out beyond that."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.common.facts import FactRevision, fact_id
from services.knowledge.domain.competing import Competition
from services.knowledge.domain.index import TenantIndex
from services.knowledge.domain.query import Query
from services.knowledge.domain.vectors import Vectors

PLACES = {
    "Where is office?": (1.0, 0.0),
    "is based in": (0.9, 0.436),
    "headquarters are in": (0.85, 0.527),
    "was founded by": (0.0, 1.0),
}


def encode(texts: Sequence[str]) -> Vectors:
    places = [next((at for words, at in PLACES.items() if text.startswith(words)), (0.0, 0.0)) for text in texts]
    return np.asarray(places, np.float32)


def read(relation: str, value: str, day: int, *, authority: int = 0, sentence: bool = True) -> FactRevision:
    return FactRevision(
        fact_id("Acme", relation), 1, "Acme", relation, value, authority=authority,
        valid_from=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day), span=f"Acme {relation} {value}.",
        provenance={"relation": relation} if sentence else {},
    )  # fmt: skip


def shown(*facts: FactRevision) -> set[str]:
    kept = Competition().settle("Where is Acme's office?", [(one, 1.0) for one in facts], encode)
    return {one.value for one, _ in kept}


def test_the_later_of_two_answers_to_one_question_is_shown() -> None:
    assert shown(read("is based in", "Bern", 1), read("headquarters are in", "Kyoto", 2)) == {"Kyoto"}
    assert shown(read("is based in", "Bern", 3), read("headquarters are in", "Kyoto", 2)) == {"Bern"}


def test_authority_comes_before_time() -> None:
    expert = read("is based in", "Bern", 1, authority=2)
    assert shown(expert, read("headquarters are in", "Kyoto", 2)) == {"Bern"}


def test_a_fact_that_answers_another_question_stays() -> None:
    facts = (read("was founded by", "Ann", 1), read("is based in", "Bern", 1), read("headquarters are in", "Kyoto", 2))
    assert shown(*facts) == {"Ann", "Kyoto"}


def test_facts_that_agree_both_stay() -> None:
    facts = [(read("is based in", "Bern", 1), 1.0), (read("headquarters are in", "Bern", 2), 1.0)]
    assert Competition().settle("Where is Acme's office?", facts, encode) == facts


def test_a_fact_taught_by_its_slot_is_never_left_out() -> None:
    taught = read("is based in", "Bern", 1, sentence=False)
    assert shown(taught, read("headquarters are in", "Kyoto", 2)) == {"Bern", "Kyoto"}


def test_the_encoder_reads_a_fact_once_until_it_is_forgotten() -> None:
    asked: list[int] = []

    def counting(texts: Sequence[str]) -> Vectors:
        asked.append(len(texts))
        return encode(texts)

    competition = Competition()
    facts = [(read("is based in", "Bern", 1), 1.0), (read("headquarters are in", "Kyoto", 2), 1.0)]
    competition.settle("Where is Acme's office?", facts, counting)
    competition.settle("Where is Acme's office?", facts, counting)
    competition.forget([facts[0][0].id])
    competition.settle("Where is Acme's office?", facts, counting)
    assert asked == [3, 1, 2]


@pytest.mark.parametrize("reader", [encode, None])
def test_an_index_answers_with_the_later_fact_where_it_has_an_encoder(reader: object) -> None:
    index = TenantIndex(2)
    index.put_facts([read("is based in", "Bern", 1), read("headquarters are in", "Kyoto", 2)])
    found = index.search(Query("Where is Acme's office?"), None, properties=encode if reader else None)
    assert {fact.value for fact, _ in found.facts} == ({"Kyoto"} if reader else {"Bern", "Kyoto"})
    assert {one.value for one in index.facts.current(fact_id("Acme", "is based in"))} == {"Bern"}
