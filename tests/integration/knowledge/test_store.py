"""The store keeps knowledge as promised: numbered changes, revisions once, requests once."""

import threading
from collections import Counter
from typing import Any

import pytest

from services.common.errors import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from services.common.names import key
from services.common.store import Request, Store
from services.common.store.knowledge import Statement, Upload, document_id
from services.common.store.knowledge.log import now
from tests.support.waiting import wait_until

PRICE = Statement("Basic plan", "price", "9 €", author="ann")


def request(name: str, payload: str = "same", method: str = "TeachFact") -> Request:
    return Request(method, name, payload)


def test_numbers_rise_without_gaps_whoever_writes(store: Store) -> None:
    def write(writer: int) -> None:
        for number in range(25):
            store.knowledge.log.append("acme", f"{writer}/{number}", "fact", [])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [change.seq for change in store.knowledge.log.tail("acme", 0)] == list(range(1, 101))
    assert store.knowledge.log.heads() == {"acme": 100}
    assert store.knowledge.log.append("acme", "2/7", "fact", []) <= 100
    assert store.knowledge.log.head("other") == 0


def test_a_fact_taught_supersedes_and_says_so(store: Store) -> None:
    first = store.knowledge.teach_fact("acme", PRICE)
    second = store.knowledge.teach_fact("acme", Statement("the basic plan", "Price", "12 €"))
    assert first.superseded is None
    assert second.fact is not None
    assert second.superseded is not None
    assert (second.fact.fact.id, second.fact.fact.revision) == (first.fact.fact.id, 2)  # type: ignore[union-attr]
    assert second.superseded.fact.value == "9 €"
    assert second.watermark == first.watermark + 1
    history = store.knowledge.fact_history("acme", second.fact.fact.id)
    assert [(view.fact.value, view.status, view.superseded_by) for view in history] == [
        ("12 €", "current", 0),
        ("9 €", "superseded", 2),
    ]
    assert [view.fact.value for view in store.knowledge.list_facts("acme")] == ["12 €"]
    assert store.knowledge.list_facts("other") == []


def test_the_same_request_teaches_once(store: Store) -> None:
    answers = [store.knowledge.teach_fact("acme", PRICE, request("r1")) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(store.knowledge.fact_history("acme", answers[0].fact.fact.id)) == 1  # type: ignore[union-attr]
    with pytest.raises(AlreadyExists):
        store.knowledge.teach_fact("acme", PRICE, request("r1", "other"))


def test_a_retraction_and_its_undo(store: Store) -> None:
    fact = store.knowledge.teach_fact("acme", PRICE).fact.fact.id  # type: ignore[union-attr]
    with pytest.raises(Aborted):
        store.knowledge.retract_fact("acme", fact, expected_revision=7)
    retracted = store.knowledge.retract_fact("acme", fact, expected_revision=1)
    assert retracted.fact is not None
    assert retracted.fact.status == "retracted"
    assert store.knowledge.list_facts("acme") == []
    with pytest.raises(FailedPrecondition):
        store.knowledge.retract_fact("acme", fact)
    undone = store.knowledge.undo_fact("acme", fact)
    assert undone.fact is not None
    assert undone.fact.fact.value == "9 €"
    assert store.knowledge.undo_fact("acme", fact).fact is None
    with pytest.raises(FailedPrecondition):
        store.knowledge.undo_fact("acme", fact)
    with pytest.raises(NotFound):
        store.knowledge.undo_fact("other", fact)


def test_many_teachers_of_one_fact_get_each_a_revision(store: Store) -> None:
    def teach(name: int) -> None:
        store.knowledge.teach_fact("acme", Statement("Basic plan", "price", f"{name} €"), request(f"r{name}"))

    threads = [threading.Thread(target=teach, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (current,) = store.knowledge.list_facts("acme")
    history = store.knowledge.fact_history("acme", current.fact.id)
    assert [view.fact.revision for view in history] == list(range(8, 0, -1))
    assert Counter(view.status for view in history) == {"current": 1, "superseded": 7}


@pytest.mark.parametrize("field", ["entity", "slot", "value"])
def test_an_empty_name_is_refused_and_nothing_stored(store: Store, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        store.knowledge.teach_fact("acme", Statement(**{"entity": "a", "slot": "b", "value": "c", field: " . "}))
    assert refused.value.field == field
    assert store.knowledge.log.heads() == {}


def test_facts_are_listed_page_by_page(store: Store) -> None:
    for number in range(5):
        store.knowledge.teach_fact("acme", Statement(f"plan {number}", "price", "1"))
    seen: list[str] = []
    after = ("", "")
    while page := store.knowledge.list_facts("acme", after=after, limit=2):
        seen += [view.fact.entity for view in page]
        after = (key(page[-1].fact.entity), key(page[-1].fact.slot))
    assert seen == [f"plan {number}" for number in range(5)]
    assert [view.fact.entity for view in store.knowledge.list_facts("acme", entity="Plan 3")] == ["plan 3"]


def test_what_held_then_and_what_was_derived_from_it_can_be_listed(store: Store) -> None:
    first = store.knowledge.teach_fact("acme", PRICE).fact
    assert first is not None
    origin = ((first.fact.id, 1),)
    yearly = store.knowledge.teach_fact("acme", Statement("Basic plan", "yearly", "108 €", depends_on=origin)).fact
    assert yearly is not None
    before = yearly.fact.recorded_at
    assert [view.stale for view in store.knowledge.list_facts("acme")] == [False, False]
    wait_until(lambda: now() > before)
    store.knowledge.teach_fact("acme", Statement("Basic plan", "price", "12 €"))

    def listed(**when: Any) -> list[tuple[str, bool]]:
        return [(view.fact.value, view.stale) for view in store.knowledge.list_facts("acme", **when)]

    assert listed() == [("12 €", False), ("108 €", True)]
    assert listed(as_of=before) == listed(known_at=before) == [("9 €", False), ("108 €", False)]


def test_the_same_document_again_is_the_same_ingestion(store: Store) -> None:
    upload = Upload("a.md", b"# A\ntext", "text/markdown", request_id="r1")
    first, created = store.knowledge.accept_document("acme", upload)
    again, created_again = store.knowledge.accept_document("acme", upload)
    assert (created, created_again) == (True, False)
    assert first["_id"] == again["_id"]
    assert first["watermark"] == again["watermark"] > 0
    changed, created = store.knowledge.accept_document("acme", Upload("a.md", b"# B", "text/markdown"))
    assert created
    assert changed["revision"] == 2
    with pytest.raises(AlreadyExists):
        store.knowledge.accept_document("acme", Upload("a.md", b"# C", "text/markdown", request_id="r1"))


def test_a_document_is_deleted_with_everything_and_deleting_again_answers_the_same(store: Store) -> None:
    source, _ = store.knowledge.accept_document("acme", Upload("a.md", b"secret", "text/markdown"))
    document = document_id("a.md")
    store.knowledge.plan_passages("acme", source["_id"], ["p1"])
    store.knowledge.add_passages("acme", source["_id"], 0, [{"_id": "p1", "source": document, "text": "secret"}])
    watermark = store.knowledge.add_vectors("acme", "v", document, "enc", [("p1", b"00")])
    deleted = store.knowledge.delete_document("acme", document)
    assert deleted == store.knowledge.delete_document("acme", document)
    assert deleted[0] > watermark
    for name in ("passages", "vectors", "uploads"):
        assert store.connection.scoped(name, "acme").count({}) == 0
    with pytest.raises(NotFound):
        store.knowledge.delete_document("other", document)


def test_a_candidate_waits_until_it_is_decided_and_decides_once(store: Store) -> None:
    mined = Statement("Basic plan", "price", "12 €", text="it is 12 € now", provenance={"feedback": "fb_1"})
    candidate, created = store.knowledge.propose_fact("acme", mined, "Is the price of the Basic plan 12 €?")
    assert created
    assert store.knowledge.propose_fact("acme", mined) == (candidate, False)
    assert [one["_id"] for one in store.knowledge.list_candidates("acme")] == [candidate["_id"]]
    assert store.knowledge.list_facts("acme") == []
    decided = store.knowledge.decide_candidate("acme", candidate["_id"], author="ann")
    again = store.knowledge.decide_candidate("acme", candidate["_id"], author="ann")
    assert decided.change is not None
    assert again.change == decided.change
    (current,) = store.knowledge.list_facts("acme")
    assert (current.fact.value, current.fact.span) == ("12 €", "it is 12 € now")
    assert store.knowledge.list_candidates("acme") == []
    with pytest.raises(FailedPrecondition):
        store.knowledge.decide_candidate("acme", candidate["_id"], reject=True)
    with pytest.raises(NotFound):
        store.knowledge.decide_candidate("other", candidate["_id"])


def test_no_candidate_without_the_words_it_rests_on(store: Store) -> None:
    for text in ("", "it costs more now"):
        with pytest.raises(InvalidArgument):
            store.knowledge.propose_fact("acme", Statement("Basic plan", "price", "12 €", text=text))


def test_who_used_a_piece_of_knowledge_is_answered_from_manifests(store: Store) -> None:
    source, _ = store.knowledge.accept_document("acme", Upload("a.md", b"text", "text/markdown"))
    store.knowledge.plan_passages("acme", source["_id"], ["p1", "p2"])
    manifest = {"passages": [{"id": "p1", "revision": 3}], "facts": [{"id": "fact_1", "revision": 2}]}
    draft = {"id": "draft_1", "round": 0, "manifest": manifest}
    turn = {"_id": "turn_1", "session": "ses_1", "n": 1, "drafts": [draft, {"id": "draft_2", "round": 1}]}
    store.connection.scoped("turns", "acme").insert_one(turn)
    store.knowledge.delete_document("acme", source["document"])
    for kind, name, revision in (("passage", "p1", 3), ("document", source["document"], 3), ("fact", "fact_1", 2)):
        (use,) = store.knowledge.used_by("acme", kind, name)  # type: ignore[arg-type]
        assert (use.session, use.turn, use.draft, use.round, use.revision) == (
            "ses_1", "turn_1", "draft_1", 0, revision,
        )  # fmt: skip
        assert store.knowledge.used_by("acme", kind, name, revision=9) == []  # type: ignore[arg-type]
        assert store.knowledge.used_by("other", kind, name) == []  # type: ignore[arg-type]
    assert store.knowledge.used_by("acme", "passage", "p2") == []


def test_listing_facts_that_are_derived_in_many_ways_reads_each_remove_once(store: Store) -> None:
    below: tuple[tuple[str, int], ...] = ()
    for layer in range(12):
        statements = [Statement(f"plan {layer} {number}", "price", "9 €", depends_on=below) for number in range(3)]
        taught = [store.knowledge.teach_fact("acme", one).fact for one in statements]
        below = tuple((one.fact.id, one.fact.revision) for one in taught if one is not None)
    assert not any(view.stale for view in store.knowledge.list_facts("acme"))
    store.knowledge.teach_fact("acme", Statement("plan 0 1", "price", "12 €"))
    stale = {view.fact.entity for view in store.knowledge.list_facts("acme") if view.stale}
    assert stale == {f"plan {layer} {number}" for layer in range(1, 12) for number in range(3)}
