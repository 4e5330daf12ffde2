"""What reviewers said last is what is there to be learned: imports and feedback on drafts, over a real database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.mongo import MongoServer
from services.common.settings import CommonSettings
from services.common.store import NewTurn, Request, Store, TurnLimits
from services.common.store.turns import now
from services.finetune.batches import Batcher
from services.finetune.domain.sets import plan_set

TENANT = "reviewed"


@pytest.fixture
def store(mongo: MongoServer, database: str) -> Iterator[Store]:
    opened = Store(CommonSettings(mongo_url=mongo.url, mongo_database=database))
    opened.prepare()
    yield opened
    opened.close()


def _say(store: Store, words: list[dict[str, Any]], name: str = "words", batch: int = 256) -> None:
    """Import the items and make them into examples, `batch` at a time."""
    opened = store.imports.open(TENANT, Request("OpenImport", name, ""), name)["_id"]
    store.imports.append(TENANT, opened, len(words) + 1, list(enumerate(words, 1)), [])
    batcher = Batcher(store, lambda tenant, ids: None, batch, 1)
    while batcher.process():
        pass


def _item(prompt: str, reply: str, **said: Any) -> dict[str, Any]:
    blank: dict[str, Any] = {"rating": None, "comment": None, "edited_text": None, "constraints": []}
    return {**blank, **said, "prompt": prompt, "reply": reply, "user": "reviewer"}


def _edit(prompt: str, text: str, reply: str = "I do not know.") -> dict[str, Any]:
    return _item(prompt, reply, edited_text=text)


def _answers(store: Store) -> dict[str, str]:
    new = store.examples.untrained(TENANT)
    if not new:
        return {}
    plan = plan_set(new, store.examples.trained(TENANT), [])
    return {one["prompt"]: one["answer"] for one in store.examples.read(TENANT, list(plan.new))}


def _train(store: Store) -> None:
    ids = [one["_id"] for one in store.examples.untrained(TENANT)]
    store.examples.mark_learned(TENANT, ids, "adapter", now())


_LIKED, _DISLIKED = _item("Pets?", "Yes.", rating=5), _item("Pets?", "Yes.", rating=1)
STORIES: list[tuple[str, list[dict[str, Any]], dict[str, str]]] = [
    ("there and back", [_edit("Fee?", "Two."), _edit("Fee?", "Three."), _edit("Fee?", "Two.")], {"Fee?": "Two."}),
    ("twice there and back", [_edit("Fee?", one) for one in ("2.", "3.", "2.", "3.")], {"Fee?": "3."}),
    ("an approval taken back", [_LIKED, _DISLIKED], {}),
    ("an approval weakened", [_item("Pets?", "Yes.", rating=4), _item("Pets?", "Yes.", rating=3)], {}),
    ("a comment after stars", [_LIKED, _item("Pets?", "Yes.", comment="Untrue.")], {}),
    ("a rejection taken back", [_DISLIKED, _LIKED], {"Pets?": "Yes."}),
    ("an edit that was rejected", [_edit("Pets?", "No."), _item("Pets?", "No.", rating=2)], {}),
    ("an approved reply that was edited", [_LIKED, _edit("Pets?", "No.", "Yes.")], {"Pets?": "No."}),
    ("an edit, then the old reply approved", [_edit("Pets?", "No.", "Yes."), _LIKED], {"Pets?": "Yes."}),
    ("another reply rejected", [_LIKED, _item("Pets?", "No.", rating=1)], {"Pets?": "Yes."}),
    ("another spelling of the prompt", [_edit("Fee?", "Two."), _edit(" fee? ", "Three.")], {"fee?": "Three."}),
    ("letters composed otherwise", [_item("Who?", "Zo\u00eb.", rating=5), _item("Who?", "Zoe\u0308.", rating=1)], {}),
]  # fmt: skip


@pytest.mark.parametrize(("story", "words", "expected"), STORIES, ids=[one[0] for one in STORIES])
@pytest.mark.parametrize("batch", [256, 1])
def test_the_last_word_is_what_is_there_to_learn(
    store: Store, story: str, words: list[dict[str, Any]], expected: dict[str, str], batch: int
) -> None:
    _say(store, words, batch=batch)
    assert _answers(store) == expected, story


def test_words_are_the_same_in_whatever_order_and_however_often_they_are_processed(store: Store) -> None:
    words = [word for _, story, _ in STORIES[:9] for word in story]
    _say(store, words)
    expected = _answers(store)
    records = store.connection.database["feedback"]
    for seed in range(3):
        store.connection.database["examples"].delete_many({})
        order = [one["_id"] for one in records.find({})]
        random.Random(seed).shuffle(order)
        for record in (*order, *order[:5]):
            records.update_one({"_id": record}, {"$set": {"status": "stored"}})
            Batcher(store, lambda tenant, ids: None, 256, 1).process()
        assert _answers(store) == expected


def test_a_correction_back_to_what_was_learned_first_is_learned_again(store: Store) -> None:
    for number, text in enumerate(("Two.", "Three.", "Two.")):
        _say(store, [_edit("Fee?", text)], f"import {number}")
        assert _answers(store) == {"Fee?": text}
        _train(store)
        assert _answers(store) == {}
        assert [one["answer"] for one in store.examples.trained(TENANT)] == [text]


def test_what_was_learned_and_then_rejected_is_replayed_no_more(store: Store) -> None:
    _say(store, [_LIKED], "first")
    _train(store)
    _say(store, [_DISLIKED], "second")
    assert store.examples.untrained(TENANT) == store.examples.trained(TENANT) == []
    _say(store, [_LIKED], "third")
    assert _answers(store) == {"Pets?": "Yes."}


def test_stars_on_a_draft_that_the_same_user_takes_back_approve_nothing(store: Store) -> None:
    new = NewTurn("session_s", "Is parking free?", Request("SendTurn", "s", ""), user="ada")
    turn = store.turns.accept_turn(TENANT, new, TurnLimits()).turn
    draft = {"id": "draft_1", "round": 0, "status": "completed", "text": "Yes, all day."}
    store.connection.database["turns"].update_one({"_id": turn["_id"]}, {"$set": {"drafts": [draft]}})
    for number, rating in enumerate((5, 1)):
        about = {"turn": turn["_id"], "session": "session_s", "round": 0, "user": "ada", "status": "stored"}
        said = {**_item("", "", rating=rating), **about}
        store.feedback.submit(TENANT, Request("SubmitFeedback", f"f{number}", ""), said)
    Batcher(store, lambda tenant, ids: None, 256, 1).process()
    assert store.examples.untrained(TENANT) == []


def test_texts_that_look_like_the_databases_own_expressions_are_texts(store: Store) -> None:
    _say(store, [_edit("$prompt", "$$ROOT"), _edit("$set?", "$kind")])
    assert _answers(store) == {"$prompt": "$$ROOT", "$set?": "$kind"}
