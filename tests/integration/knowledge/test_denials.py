"""What a comment denies becomes a candidate that takes it back, over a real database, from the comment to the fact."""

from __future__ import annotations

import pytest

from services.common.store import NewTurn, Request, Store, TurnLimits
from services.common.store.knowledge import Statement
from services.finetune.batches import Batcher
from services.knowledge.encoders import Encoders
from services.knowledge.mining import Miner
from services.knowledge.settings import KnowledgeSettings

TENANT = "acme"
KNOWN = [
    ("Vega plan", "price", "30 euros a month"),
    ("Vega plan", "contract period", "two years"),
    ("Porto office", "opening day", "Saturday"),
    ("Porto office", "manager", "Ines Alves"),
]
RETRACTIONS = [
    ("The Vega plan is no longer 30 euros a month.", "30 euros a month"),
    ("The Vega plan does not cost 30 euros.", "30 euros a month"),
    ("The price of the Vega plan isn't 30 euros a month.", "30 euros a month"),
    ("It is not true that the Vega plan costs 30 euros.", "30 euros a month"),
    ("The Vega plan used to cost 30 euros.", "30 euros a month"),
    ("The Porto office is never open on Saturday.", "Saturday"),
    ("The Porto office does not open on Saturdays.", "Saturday"),
    ("The Porto office is no longer open on Saturday.", "Saturday"),
    ("The manager of the Porto office is not Ines Alves.", "Ines Alves"),
    ("The Porto office is no longer managed by Ines Alves.", "Ines Alves"),
]
REPLACEMENTS = [
    ("The Vega plan costs 33 euros, not 30 euros.", "price", "33 euros"),
    ("The Vega plan does not cost 30 euros but 33 euros.", "price", "33 euros"),
    ("The manager of the Porto office is Rui Costa, not Ines Alves.", "manager", "Rui Costa"),
]
NOTHING = [
    "The Vega plan does not cost 45 euros.",
    "If you move, the Vega plan costs 45 euros.",
    "I thought the Vega plan costs 45 euros.",
    "I heard that the Porto office is closed on Saturday.",
    "Don't say that the Vega plan costs 30 euros.",
]


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    return Encoders(KnowledgeSettings())


@pytest.fixture
def taught(store: Store) -> Store:
    for entity, slot, value in KNOWN:
        store.knowledge.teach_fact(TENANT, Statement(entity, slot, value))
    return store


def _comment(store: Store, encoders: Encoders, comment: str) -> list[dict[str, object]]:
    """Comment on a reply; the candidates that wait afterwards."""
    new = NewTurn("session_s", "Tell me.", Request("SendTurn", "s", ""), user="ada")
    turn = store.turns.accept_turn(TENANT, new, TurnLimits()).turn
    draft = {"id": "draft_1", "round": 0, "status": "completed", "text": "I do not know."}
    store.connection.database["turns"].update_one({"_id": turn["_id"]}, {"$set": {"drafts": [draft]}})
    said = {"rating": 2, "comment": comment, "edited_text": None, "constraints": [], "status": "stored"}
    about = {"turn": turn["_id"], "session": "session_s", "round": 0, "user": "ada"}
    store.feedback.submit(TENANT, Request("SubmitFeedback", "f", ""), {**said, **about})
    miner = Miner(store, encoders.encode_properties)

    def mine(tenant: str, ids: list[str]) -> None:
        miner.mine(tenant, ids)

    Batcher(store, mine, 256, 1).process()
    return store.knowledge.list_candidates(TENANT)


@pytest.mark.parametrize(("comment", "denied"), RETRACTIONS)
def test_confirming_what_denies_a_fact_takes_it_back_alone(
    taught: Store, encoders: Encoders, comment: str, denied: str
) -> None:
    (candidate,) = _comment(taught, encoders, comment)
    assert (candidate["value"], candidate["retracts"]) == ("", denied)
    for _ in range(2):  # the same decision again answers the same
        decision = taught.knowledge.decide_candidate(TENANT, str(candidate["_id"]), author="reviewer")
        assert decision.change is not None
        assert decision.change.fact is not None
        assert decision.change.fact.status == "retracted"
    left = [(one.fact.entity, one.fact.slot, one.fact.value) for one in taught.knowledge.list_facts(TENANT)]
    assert sorted(left) == sorted(one for one in KNOWN if one[2] != denied)


@pytest.mark.parametrize(("comment", "slot", "value"), REPLACEMENTS)
def test_of_a_contrast_the_new_value_replaces_the_old_one(
    taught: Store, encoders: Encoders, comment: str, slot: str, value: str
) -> None:
    (candidate,) = _comment(taught, encoders, comment)
    assert (candidate["slot"], candidate["value"]) == (slot, value)


@pytest.mark.parametrize("comment", NOTHING)
def test_what_states_nothing_new_makes_no_candidate(taught: Store, encoders: Encoders, comment: str) -> None:
    assert _comment(taught, encoders, comment) == []
