"""Races for the end of a session: repeated requests, revisions against new messages, edits against both."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import PyMongoError

from services.common.clock import now
from services.common.errors import Aborted, AlreadyExists, FailedPrecondition
from services.common.store import Accepted, NewTurn, Request, Store, TurnLimits
from services.common.store.turns import Exchange
from tests.support.waiting import wait_until

TENANT = "default"
LIMITS = TurnLimits()


def request(name: str, payload: str = "hash", method: str = "SendTurn") -> Request:
    return Request(method, name, payload)


def accept(store: Store, session: str, name: str, **fields: Any) -> Accepted:
    return store.turns.accept_turn(TENANT, NewTurn(session, "hello", request(name), **fields), LIMITS)


def finish(store: Store, turn: dict[str, Any]) -> None:
    taken = store.steps.take_step(TENANT, turn["_id"], turn["round"])
    assert taken is not None
    assert store.steps.finish_draft(TENANT, turn["_id"], taken["holder"], taken["round"], {"text": "hi"})
    store.turns.promote(TENANT, turn["session"])


def revise(store: Store, turn: str, name: str, **fields: Any) -> Accepted:
    options: dict[str, Any] = {"expected_round": None, "feedback": None, "reply_to": "", "max_rounds": 1_000, **fields}
    return store.rounds.reopen_for_revision(TENANT, turn, request=request(name, method="ReviseTurn"), **options)


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """The results, errors among them, of so many calls made together."""

    def caught(number: int) -> Any:
        try:
            return call(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(caught, range(count)))


def test_one_request_makes_one_turn_however_often_it_comes(store: Store) -> None:
    results = at_once(12, lambda _number: accept(store, "s", "same"))
    assert len({one.turn["_id"] for one in results}) == 1
    assert sum(one.created for one in results) == 1
    with pytest.raises(AlreadyExists):
        store.turns.accept_turn(TENANT, NewTurn("s", "other", request("same", "other hash")), LIMITS)


def test_the_same_request_id_is_free_for_another_tenant_and_another_method(store: Store) -> None:
    first = accept(store, "s", "id")
    other = store.turns.accept_turn("other", NewTurn("s", "hello", request("id")), LIMITS)
    edit = store.turns.accept_turn(TENANT, NewTurn("s2", "hello", request("id", method="EditTurn")), LIMITS)
    assert len({first.turn["_id"], other.turn["_id"], edit.turn["_id"]}) == 3


def test_one_request_makes_one_round(store: Store) -> None:
    turn = accept(store, "s", "a").turn
    finish(store, turn)
    results = at_once(8, lambda _number: revise(store, turn["_id"], "same"))
    made = [one for one in results if isinstance(one, Accepted)]
    assert sum(one.created for one in made) == 1
    assert all(isinstance(one, Accepted | Aborted | FailedPrecondition) for one in results)
    assert store.turns.get(TENANT, turn["_id"])["round"] == 1


def test_two_revisions_of_one_round_make_one(store: Store) -> None:
    turn = accept(store, "s", "a").turn
    finish(store, turn)
    results = at_once(8, lambda number: revise(store, turn["_id"], f"r{number}", expected_round=0))
    assert sum(isinstance(one, Accepted) for one in results) == 1


def test_revisions_and_messages_race_for_the_end_of_a_session(store: Store) -> None:
    """Whatever wins: one head at a time, rounds of the last turn only, numbers without a gap."""
    for number in range(40):
        session = f"s{number}"
        turn = accept(store, session, f"first{number}").turn
        finish(store, turn)
        calls = [
            lambda number=number, session=session: accept(store, session, f"next{number}"),
            lambda number=number, turn=turn: revise(store, turn["_id"], f"revise{number}"),
        ]
        random.shuffle(calls)
        at_once(2, lambda index, calls=calls: calls[index]())
        turns = list(store.connection.scoped("turns", TENANT).find({"session": session}).sort("n", 1))
        assert [one["n"] for one in turns] == [1, 2]
        assert sum(bool(one.get("head")) for one in turns) == 1
        first, second = turns
        if first.get("open"):
            assert (first["status"], first["round"], second["status"]) == ("active", 1, "waiting")
            finish(store, first)
            assert store.turns.get(TENANT, second["_id"])["status"] == "active"
        else:
            assert (first["status"], first["round"], second["status"]) == ("completed", 0, "active")
            assert first["drafts"][-1]["status"] == "completed"


def test_an_edit_follows_the_turn_it_replaces_or_is_refused(store: Store) -> None:
    old = accept(store, "s", "old").turn
    finish(store, old)
    results = at_once(6, lambda number: accept(store, "s", f"e{number}", follows=old["n"], policy="rollback"))
    assert sum(isinstance(one, Accepted) for one in results) == 1
    assert {one.reason for one in results if isinstance(one, FailedPrecondition)} == {"NOT_LAST_TURN"}


def test_an_edit_that_is_not_stored_takes_nothing_out(store: Store) -> None:
    old = accept(store, "s", "old").turn
    finish(store, old)
    broken = {"replaces": old["_id"], "too_large": "x" * 2**24}
    with pytest.raises(PyMongoError):
        accept(store, "s", "edit", follows=old["n"], policy="rollback", extra=broken)
    assert "excluded" not in store.turns.get(TENANT, old["_id"])


@pytest.mark.parametrize("waiting", [False, True])
def test_an_edit_whose_gateway_died_behind_its_insert_takes_the_old_turn_out_before_it_goes(
    store: Store, waiting: bool
) -> None:
    old = accept(store, "s", "old").turn
    if not waiting:
        finish(store, old)
    turns = store.connection.scoped("turns", TENANT)
    edit = accept(store, "elsewhere", "edit", policy="rollback", extra={"replaces": old["_id"]}).turn
    status = {"status": "waiting", "head": False} if waiting else {}
    over = {"next_dispatch_at": now(), "session": "s", "n": 2, **status}
    turns.update_one({"_id": edit["_id"]}, {"$set": over})
    turns.update_one({"_id": old["_id"]}, {"$unset": {"excluded": ""}})
    swept = [(one.turn["_id"], one.action) for one in store.sweep.sweep()]
    assert swept == ([(old["_id"], "cancelled"), (edit["_id"], "promoted")] if waiting else [(edit["_id"], "dispatch")])
    assert store.turns.get(TENANT, old["_id"])["excluded"]


def test_a_turn_keeps_its_own_deadline_when_it_comes_to_the_head(store: Store) -> None:
    first = accept(store, "s", "a").turn
    limits = TurnLimits(deadline_seconds=3)
    second = store.turns.accept_turn(TENANT, NewTurn("s", "hello", request("b")), limits).turn
    finish(store, first)
    promoted = store.turns.get(TENANT, second["_id"])
    assert (promoted["status"], promoted["deadline_at"]) == ("active", second["deadline_at"])
    assert promoted["next_dispatch_at"] == promoted["deadline_at"], "it is looked at when it is over"


def test_a_turn_that_waits_past_its_deadline_fails_and_holds_nobody_up(store: Store) -> None:
    first = accept(store, "s", "a").turn
    late = store.turns.accept_turn(TENANT, NewTurn("s", "hello", request("b")), TurnLimits(deadline_seconds=0.01)).turn
    third = accept(store, "s", "c").turn
    swept = wait_until(lambda: list(store.sweep.sweep()), message="the turn that is over")
    assert [(one.turn["_id"], one.action) for one in swept] == [(late["_id"], "failed")]
    assert store.turns.get(TENANT, late["_id"])["failure"]["reason"] == "DEADLINE_EXCEEDED"
    assert store.turns.get(TENANT, first["_id"])["status"] == "active"
    finish(store, first)
    assert store.turns.get(TENANT, third["_id"])["status"] == "active"


def test_a_person_replies_once(store: Store) -> None:
    turn = accept(store, "s", "a").turn
    finish(store, turn)
    asked = request("p", method="PostReply")
    first = store.rounds.post_reply(TENANT, turn["_id"], asked, "I am Ann", "Ann")
    again = store.rounds.post_reply(TENANT, turn["_id"], asked, "I am Ann", "Ann")
    assert (first["accepted_round"], len(again["drafts"])) == (1, 2)
    with pytest.raises(FailedPrecondition):
        store.rounds.post_reply(TENANT, turn["_id"], request("q", method="PostReply"), "again", "Ann")


def test_a_history_is_seeded_once(store: Store) -> None:
    session = store.sessions.create(TENANT, request("c", method="CreateSession"), {"user": "u"})
    for _ in range(2):
        store.turns.seed(TENANT, session, [Exchange("hello", "hi"), Exchange("how are you", "fine")])
    assert [turn["n"] for turn in store.turns.page(TENANT, session["_id"])] == [1, 2]
    assert accept(store, session["_id"], "x").turn["n"] == 3


def test_what_a_stale_worker_writes_matches_nothing(store: Store) -> None:
    turn = accept(store, "s", "a").turn
    taken = store.steps.take_step(TENANT, turn["_id"], 0)
    assert taken is not None
    assert store.turns.cancel_turn(TENANT, turn["_id"]) is not None
    assert not store.steps.finish_draft(TENANT, turn["_id"], taken["holder"], 0, {"text": "late"})
    assert store.steps.renew(TENANT, turn["_id"], taken["holder"], "late") is None
    assert store.steps.keep_partial(TENANT, turn["_id"], taken["holder"], 0, "partial", [])
    assert not store.steps.keep_partial(TENANT, turn["_id"], "another", 0, "wrong", [])
    assert store.turns.get(TENANT, turn["_id"])["drafts"][0]["text"] == "partial"


@pytest.mark.parametrize("policy", ["interrupt", "rollback"])
def test_a_repeated_request_does_what_its_first_call_died_before(store: Store, policy: str) -> None:
    running = accept(store, "s", "first").turn
    turns = store.connection.scoped("turns", TENANT)
    made = accept(store, "other", "second", policy=policy).turn
    # as a gateway leaves it that dies right behind the insert: waiting, and nothing cancelled
    turns.update_one(
        {"_id": made["_id"]}, {"$set": {"session": "s", "n": 2, "status": "waiting"}, "$unset": {"head": ""}}
    )
    again = accept(store, "s", "second", policy=policy)
    assert not again.created
    assert [one["_id"] for one in again.cancelled] == [running["_id"]]
    assert [one["_id"] for one in again.dispatch] == [made["_id"]]
    assert store.turns.get(TENANT, running["_id"]).get("excluded", False) is (policy == "rollback")
    once_more = accept(store, "s", "second", policy=policy)
    assert (once_more.created, once_more.cancelled, once_more.dispatch) == (False, [], [])


def test_a_revision_that_lost_to_a_later_message_leaves_the_turn_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = accept(store, "s", "first").turn
    finish(store, turn)
    before = store.turns.get(TENANT, turn["_id"])
    check = store.rounds._check_reopen

    def late(*arguments: Any) -> None:
        check(*arguments)
        finish(store, accept(store, "s", "second").turn)

    monkeypatch.setattr(store.rounds, "_check_reopen", late)
    with pytest.raises(FailedPrecondition):
        revise(store, turn["_id"], "r1")
    after = store.turns.get(TENANT, turn["_id"])
    assert {**after, "revision_requests": []} == {**before, "revision_requests": []}


def test_turns_that_were_sent_often_are_sent_soon_where_the_broker_forgot_them(store: Store) -> None:
    often, taken = accept(store, "s", "a").turn, accept(store, "s2", "b").turn
    assert store.steps.take_step(TENANT, taken["_id"], 0) is not None
    turns = store.connection.scoped("turns", TENANT)
    far = now() + timedelta(seconds=200)
    turns.update_many({}, {"$set": {"next_dispatch_at": far, "dispatches": 6}})
    assert store.sweep.hurry() == 1
    assert store.turns.get(TENANT, often["_id"])["next_dispatch_at"] <= now() + timedelta(seconds=5)
    assert store.turns.get(TENANT, taken["_id"])["next_dispatch_at"] == far


def test_a_history_says_which_tokenizer_wrote_its_ids(store: Store) -> None:
    session = store.sessions.create(TENANT, Request("CreateSession", "r1", ""), {"user": "u", "policy": "enqueue"})
    store.turns.seed(TENANT, session, [Exchange("hello", "hi")])
    turns = store.connection.database["turns"]
    written = {"drafts.0.token_ids": [1, 2], "drafts.0.manifest": {"tokenizer_hash": "other", "prompt_hash": "x"}}
    turns.update_one({"session": session["_id"]}, {"$set": written})
    (turn,) = store.turns.history(TENANT, session["_id"], 2)
    assert turn["drafts"][0]["manifest"] == {"tokenizer_hash": "other"}
