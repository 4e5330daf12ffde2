"""The figures of a day are those of what was said, answered, revised, taken over and learned in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.common.clock import now
from services.common.store import NewTurn, Request, Store, TurnLimits
from services.common.store.activity import Figures
from services.common.store.turns import Exchange

TENANT = "default"


def request(name: str, method: str = "SendTurn") -> Request:
    return Request(method, name, "hash")


def said(store: Store, session: str, name: str, *, citations: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """A message that the bot has answered."""
    new = NewTurn(session, "hello", request(name), user="ann")
    turn = store.turns.accept_turn(TENANT, new, TurnLimits(count=False)).turn
    return answered(store, turn, citations, seconds)


def answered(store: Store, turn: dict[str, Any], citations: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    taken = store.steps.take_step(TENANT, turn["_id"], turn["round"])
    assert taken is not None
    usage = {"first_token_seconds": seconds, "generation_seconds": 2 * seconds}
    draft = {"text": "reply", "usage": usage, "citations": citations}
    assert store.steps.finish_draft(TENANT, turn["_id"], taken["holder"], turn["round"], draft)
    ended = {f"drafts.{turn['round']}.completed_at": turn["accepted_at"] + timedelta(seconds=1 + 2 * seconds)}
    store.connection.scoped("turns", TENANT).update_one({"_id": turn["_id"]}, {"$set": ended})
    return store.turns.get(TENANT, turn["_id"])


def figures(store: Store, hours: float = 1.0) -> Figures:
    return store.activity.between(TENANT, now() - timedelta(hours=hours), now() + timedelta(seconds=1))


def test_the_figures_of_a_span_are_what_happened_in_it(store: Store) -> None:
    assert figures(store) == Figures(ends={})
    fields = {"user": "ann", "owner": "key", "policy": "enqueue", "labels": [], "access": [], "agent": ""}
    session = store.sessions.create(TENANT, request("s", "CreateSession"), fields)
    store.turns.seed(TENANT, session, [Exchange("elsewhere", "said")])  # not said here, and not counted
    name = session["_id"]
    wrong, right = {"number": 1, "supported": False}, {"number": 2, "supported": True}
    said(store, name, "a", citations=[wrong, right, wrong], seconds=0.5)  # the talk goes on: accepted so
    revised = said(store, name, "b", citations=[right], seconds=1.5)
    reopened = store.rounds.reopen_for_revision(
        TENANT, revised["_id"], request=request("r", "ReviseTurn"), expected_round=0, feedback={"comment": "shorter"},
        reply_to="", max_rounds=5,
    )  # fmt: skip
    answered(store, reopened.turn, [right], 2.5)
    store.rounds.accept_draft(TENANT, revised["_id"], 1)
    store.takeovers.change(TENANT, name, request("t", "Takeover"), "human")
    store.takeovers.change(TENANT, name, request("t2", "Takeover"), "shadow")  # the same person, who wants suggestions
    for letter in "cd":
        store.turns.accept_turn(TENANT, NewTurn(name, "hi", request(letter), held=True), TurnLimits(count=False))
    third = store.turns.numbered(TENANT, name, 4)
    assert third is not None
    store.rounds.post_reply(TENANT, third["_id"], request("p", "PostReply"), "I am Ann.", "Ann")
    said_of: dict[str, Any] = {"turn": revised["_id"], "session": name, "round": 0, "user": "ann"}
    words_of: list[dict[str, Any]] = [
        {"rating": 1, "edited_text": "No."},
        {"rating": 5},
        {"rating": 5},
        {"comment": "!"},
    ]
    for number, words in enumerate(words_of):
        store.feedback.submit(TENANT, request(str(number), "SubmitFeedback"), {**said_of, **words})
    store.examples.add(TENANT, [{"prompt": "hello", "answer": "No.", "kind": "correction", "feedback": "f"}])
    learned = [example["_id"] for example in store.examples.untrained(TENANT)]
    store.examples.mark_learned(TENANT, learned, "adapter", now())

    assert figures(store) == Figures(
        ends={"completed": 3, "held": 1},
        satisfied_at_once=1,
        satisfied_revised=1,
        answered_by_person=1,
        first_words=(1.5, 2.5),
        whole_reply=(2.0, 4.0),
        unsupported_replies=1,
        unsupported_sentences=2,
        hours={0: 4},
        takeovers=1,
        feedback=4,
        corrections=1,
        ratings={1: 1, 5: 2},
        learned=1,
    )
    assert store.activity.between("another", now() - timedelta(hours=1), now()) == Figures(ends={})
    assert figures(store, hours=-0.0001) == Figures(ends={})
