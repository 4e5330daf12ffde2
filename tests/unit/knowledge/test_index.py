"""A tenant's index finds by words and by meaning, follows changes and keeps access labels."""

from collections.abc import Sequence

import numpy as np

from services.common.facts import FactRevision, fact_id
from services.knowledge.domain.bm25 import Bm25, best
from services.knowledge.domain.entries import Entry
from services.knowledge.domain.index import TenantIndex
from services.knowledge.domain.query import Query, state_values, turn_query
from services.knowledge.domain.text import sentences, terms
from services.knowledge.domain.vectors import ExactVectors, GraphVectors, Vectors


def entry(name: str, text: str, access: frozenset[str] = frozenset()) -> Entry:
    return Entry(name, 1, f"doc-{name}", text, access=access)


def one_hot(*places: int) -> Vectors:
    block = np.zeros((len(places), 8), np.float32)
    block[range(len(places)), places] = 1
    return block


def pointing_at(place: int) -> "object":
    def encode(texts: Sequence[str]) -> Vectors:
        return one_hot(*[place] * len(texts))

    return encode


def found(index: TenantIndex, text: str, **query: object) -> list[str]:
    return [hit.id for hit in index.search(Query(text, **query), None).passages]  # type: ignore[arg-type]


def test_words_are_stemmed_and_chinese_needs_no_spaces() -> None:
    assert terms("The refunds were REFUNDED") == ["refund", "refund"]
    assert "退款" in terms("我想退款")
    assert sentences("一。二！Three. Four") == ["一。", "二！", "Three.", "Four"]


def test_finds_by_words_what_was_added_and_not_what_was_removed() -> None:
    index = TenantIndex(8)
    index.add([entry("a", "Refunds take five days."), entry("b", "Shipping is free."), entry("c", "退款需要五天。")])
    assert found(index, "how long does a refund take") == ["a"]
    assert found(index, "退款要多久") == ["c"]
    index.remove(["a", "unknown"])
    assert found(index, "refund") == []
    index.add([entry("a", "Refunds take two days.")])
    assert found(index, "refund") == ["a"]


def test_finds_by_meaning_what_has_no_word_in_common() -> None:
    index = TenantIndex(8)
    index.add([entry("a", "Money back"), entry("b", "Free delivery")])
    index.add_vectors({"a": one_hot(3)[0], "b": one_hot(5)[0], "unknown": one_hot(1)[0]})
    hits = index.search(Query("reimbursement"), pointing_at(5)).passages  # type: ignore[arg-type]
    assert hits[0].id == "b"


def test_what_has_no_vector_yet_does_not_lose_to_what_has() -> None:
    index = TenantIndex(8)
    index.add([entry("old", "Books may not be returned."), entry("new", "Shoes may be returned within 60 days.")])
    index.add_vectors({"old": one_hot(3)[0]})
    hits = index.search(Query("Can shoes be returned?"), pointing_at(3)).passages  # type: ignore[arg-type]
    assert [hit.id for hit in hits] == ["new", "old"]


def test_what_carries_a_label_needs_it_to_be_found() -> None:
    index = TenantIndex(8)
    index.add([entry("a", "secret refund rules", frozenset({"staff"})), entry("b", "public refund rules")])
    assert found(index, "refund rules") == ["b"]
    assert set(found(index, "refund rules", access=frozenset({"staff", "more"}))) == {"a", "b"}


def test_a_superseded_fact_is_not_found() -> None:
    index = TenantIndex(8)
    index.put_facts([fact("9 €", 1)])
    index.put_facts([fact("12 €", 2)])
    facts = index.search(Query("What does the basic plan cost?"), None).facts
    assert [one.value for one, _ in facts] == ["12 €"]
    index.put_facts([], forget_first=[fact_id("Basic plan", "price")])
    assert index.empty


def fact(value: str, revision: int) -> FactRevision:
    return FactRevision(fact_id("Basic plan", "price"), revision, "Basic plan", "price", value)


def test_what_was_derived_from_a_superseded_fact_is_not_found() -> None:
    index = TenantIndex(8)
    yearly = FactRevision(
        fact_id("Basic plan", "price a year"), 1, "Basic plan", "price a year", "108 €",
        depends_on=((fact_id("Basic plan", "price"), 1),),
    )  # fmt: skip
    index.put_facts([fact("9 €", 1), yearly])
    assert {one.value for one, _ in index.search(Query("Basic plan price"), None).facts} == {"9 €", "108 €"}
    index.put_facts([fact("12 €", 2)])
    assert {one.value for one, _ in index.search(Query("Basic plan price"), None).facts} == {"12 €"}


def test_a_fact_with_an_access_label_needs_it_to_be_found() -> None:
    index = TenantIndex(8)
    secret = FactRevision(
        fact_id("Basic plan", "margin"), 1, "Basic plan", "margin", "40 %", provenance={"labels": ["access:staff", "x"]}
    )
    index.put_facts([secret])
    assert index.search(Query("margin of the Basic plan"), None).facts == ()
    assert index.search(Query("margin of the Basic plan", access=frozenset({"staff"})), None).facts[0][0] is secret


def test_the_named_entity_and_slot_come_first() -> None:
    index = TenantIndex(8)
    for entity in ("Basic plan", "Premium plan"):
        for slot in ("price", "seats"):
            index.put_facts([FactRevision(fact_id(entity, slot), 1, entity, slot, "12 per month plan price")])
    best_fact = index.search(Query("and the seats?", state=("Premium plan",)), None).facts[0][0]
    assert (best_fact.entity, best_fact.slot) == ("Premium plan", "seats")


def test_the_watermark_waits_for_documents_in_work() -> None:
    index = TenantIndex(8)
    index.applied = 7
    assert index.watermark == 7
    index.expect("ing_1", 5)
    assert index.watermark == 4
    index.settle("ing_1")
    assert index.watermark == 7


def test_bm25_after_removals_equals_bm25_built_anew() -> None:
    texts = [f"{'refund ' * (n % 4)} shipping {'card ' * (n % 3)} text{n}" for n in range(60)]
    kept = [n for n in range(60) if n % 3]
    grown, fresh = Bm25(), Bm25()
    for row, text in enumerate(texts):
        grown.add(row, terms(text))
    for row in set(range(60)) - set(kept):
        grown.remove(row, terms(texts[row]))
    for row, n in enumerate(kept):
        fresh.add(row, terms(texts[n]))
    weights = {"refund": 1.0, "card": 0.5, "text7": 1.0}
    left = [(row, round(score, 4)) for row, score in best(grown.scores(weights), 60)]
    right = [(kept[row], round(score, 4)) for row, score in best(fresh.scores(weights), 60)]
    assert left == right


def test_the_graph_finds_what_exact_search_finds() -> None:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((2000, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    exact, graph = ExactVectors(8), GraphVectors(8)
    for index in (exact, graph):
        index.add(list(range(2000)), vectors)
        index.remove(17)
        index.remove(99_999)
    hits = [{row for row, _ in index.search(vectors[17], 10)} for index in (exact, graph)]
    assert 17 not in hits[0] | hits[1]
    assert len(hits[0] & hits[1]) >= 9


def test_the_index_turns_to_the_graph_when_it_has_grown() -> None:
    index = TenantIndex(8, exact_limit=10)
    rng = np.random.default_rng(3)
    for n in range(30):
        index.add([entry(f"p{n}", f"text {n}")])
        vector = rng.standard_normal(8).astype(np.float32)
        index.add_vectors({f"p{n}": vector / np.linalg.norm(vector)})
    assert isinstance(index._vectors, GraphVectors)
    assert len(index._vectors) == 30


def test_the_query_of_a_turn_takes_the_values_that_hold() -> None:
    state = {
        "services": {
            "Hotels": {"slots": {"city": {"value": "Vienna", "turn": 1}, "stars": {"value": "dontcare", "turn": 2}}}
        },
        "entities": [{"text": "Sacher"}],
    }
    assert state_values(state) == ("Vienna", "Sacher")
    query = turn_query("what does the Sacher cost?", state, ["a hotel in Vienna please"])
    assert query.sentence == "Vienna: what does the Sacher cost?"
