"""After a takeover no draft of the bot becomes a reply, in whatever order workers, gateways and agents write."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.common.errors import Aborted, AlreadyExists, FailedPrecondition
from services.common.store import NewTurn, Request, Store, TurnLimits
from services.common.store.takeovers import mode_of
from services.finetune.batches import Batcher

TENANT = "default"
SEEDS = 200


def request(name: str, payload: str = "hash", method: str = "Takeover") -> Request:
    return Request(method, name, payload)


def session_of(store: Store, name: str) -> str:
    fields = {"user": "ann", "owner": "key", "policy": "enqueue", "labels": [], "access": [], "agent": ""}
    return str(store.sessions.create(TENANT, request(name, method="CreateSession"), fields)["_id"])


def accept(store: Store, session: str, name: str, held: bool = False) -> dict[str, Any]:
    new = NewTurn(session, "hello", request(name, method="SendTurn"), user="ann", held=held)
    return store.turns.accept_turn(TENANT, new, TurnLimits(count=False)).turn


def change(store: Store, session: str, name: str, mode: Any, **fields: Any) -> dict[str, Any]:
    changed = store.takeovers.change(TENANT, session, request(name), mode, **fields)
    store.takeovers.settle(TENANT, session)
    return changed


class Worker:
    """A generator that may freeze between any two of its writes."""

    def __init__(self, store: Store, turn: dict[str, Any]) -> None:
        self.store, self.turn = store, turn
        self.taken: dict[str, Any] | None = None
        self.steps = [self.take, self.look, self.renew, self.finish]

    def step(self) -> None:
        if self.steps:
            self.steps.pop(0)()

    def take(self) -> None:
        self.taken = self.store.steps.take_step(TENANT, self.turn["_id"], self.turn["round"], redelivered=True)
        if self.taken is None:
            self.steps = []

    def look(self) -> None:
        assert self.taken is not None
        if not self.store.takeovers.allows(TENANT, self.taken):
            self.store.takeovers.settle(TENANT, self.turn["session"])
            self.steps = []

    def renew(self) -> None:
        assert self.taken is not None
        self.store.steps.renew(TENANT, self.turn["_id"], self.taken["holder"], "the bot's words so far")

    def finish(self) -> None:
        assert self.taken is not None
        arguments = (TENANT, self.turn["_id"], self.taken["holder"], self.taken["round"], {"text": "the bot's words"})
        if self.taken.get("shadow"):
            self.store.steps.finish_shadow(*arguments)
        else:
            self.store.steps.finish_draft(*arguments)


def replies_of_the_bot(store: Store, session: str) -> int:
    turns = store.turns.page(TENANT, session)
    return sum(draft["status"] == "completed" and "author" not in draft for turn in turns for draft in turn["drafts"])


def play(store: Store, seed: int) -> None:
    """One conversation in which an agent takes over at a random moment of everybody else's writes."""
    chance = random.Random(seed)
    session = session_of(store, f"s{seed}")
    first = accept(store, session, f"{seed}-a")
    workers = [Worker(store, first), Worker(store, first)]  # its message came twice
    mode = chance.choice(["human", "shadow"])
    stale = chance.random() < 0.5  # a gateway that has read the session before and writes after
    if stale and chance.random() < 0.5:
        workers.append(Worker(store, accept(store, session, f"{seed}-b")))
    for _ in range(chance.randrange(7)):
        chance.choice(workers).step()
    store.takeovers.change(TENANT, session, request(f"t{seed}"), mode)
    for _ in range(chance.randrange(3)):  # between the gateway's two writes
        chance.choice(workers).step()
    if chance.random() < 0.3:  # it is killed here: the call is repeated, or the sweep ends it
        assert mode_of(store.takeovers.change(TENANT, session, request(f"t{seed}"), mode)) == mode
    settled = store.takeovers.settle(TENANT, session)
    before = replies_of_the_bot(store, session)
    workers += [Worker(store, turn) for turn in settled.dispatch]
    if stale:
        late = accept(store, session, f"{seed}-c")
        if late["status"] == "active":
            workers.append(Worker(store, late))
    else:
        accept(store, session, f"{seed}-c", held=True)
        workers += [Worker(store, turn) for turn in store.takeovers.settle(TENANT, session).dispatch]
    while any(worker.steps for worker in workers):
        chance.choice(workers).step()
        if chance.random() < 0.2:
            workers += [Worker(store, turn) for turn in store.takeovers.settle(TENANT, session).dispatch]
    assert replies_of_the_bot(store, session) == before, seed


def test_no_reply_of_the_bot_comes_after_a_takeover_in_whatever_order_they_write(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: play(store, seed), range(SEEDS)))


def test_a_turn_in_work_is_held_and_its_frozen_worker_cannot_finish_it(store: Store) -> None:
    session = session_of(store, "s")
    turn = accept(store, session, "a")
    taken = store.steps.take_step(TENANT, turn["_id"], 0)
    assert taken is not None
    change(store, session, "t", "human", holder="Ann")
    assert store.steps.renew(TENANT, turn["_id"], taken["holder"], "x") is None
    assert not store.steps.finish_draft(TENANT, turn["_id"], taken["holder"], 0, {"text": "x"})
    assert not store.steps.keep_partial(TENANT, turn["_id"], taken["holder"], 0, "x", [])
    held = store.turns.get(TENANT, turn["_id"])
    assert (held["status"], held["round"], "open" in held) == ("held", 1, False)
    assert [draft["status"] for draft in held["drafts"]] == ["cancelled", "held"]


def test_a_person_answers_all_that_was_asked_and_the_bot_goes_on_from_there(store: Store) -> None:
    session = session_of(store, "s")
    change(store, session, "t", "human")
    turns = [accept(store, session, name, held=True) for name in "abc"]
    replied = store.rounds.post_reply(TENANT, turns[1]["_id"], request("p", method="PostReply"), "Yes.", "Ann")
    assert [turn["_id"] for turn in store.takeovers.answered_together(TENANT, replied)] == [turns[0]["_id"]]
    store.takeovers.change(TENANT, session, request("r", method="Return"), "bot")
    settled = store.takeovers.settle(TENANT, session)
    assert [turn["_id"] for turn in settled.dispatch] == [turns[2]["_id"]]
    taken = store.steps.take_step(TENANT, turns[2]["_id"], settled.dispatch[0]["round"])
    assert taken is not None
    assert store.takeovers.allows(TENANT, taken)
    assert store.steps.finish_draft(TENANT, taken["_id"], taken["holder"], taken["round"], {"text": "the bot again"})
    assert [turn["n"] for turn in store.turns.history(TENANT, session, 4)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("sent", "correction", "kind"), [("Surely.", "Surely.", "correction"), (" maybe ", None, "approval")]
)
def test_a_shadow_draft_is_no_reply_and_what_was_sent_is_its_correction_or_approves_of_it(
    store: Store, sent: str, correction: str | None, kind: str
) -> None:
    session = session_of(store, "s")
    turn = accept(store, session, "a")
    store.takeovers.change(TENANT, session, request("t"), "shadow")
    started = store.takeovers.settle(TENANT, session).dispatch[0]
    assert store.takeovers.settle(TENANT, session).dispatch == []
    taken = store.steps.take_step(TENANT, turn["_id"], started["round"])
    assert taken is not None
    assert not store.steps.finish_draft(TENANT, turn["_id"], taken["holder"], taken["round"], {"text": "maybe"})
    assert store.steps.finish_shadow(TENANT, turn["_id"], taken["holder"], taken["round"], {"text": "maybe"})
    assert store.takeovers.settle(TENANT, session).dispatch == []
    replied = store.rounds.post_reply(TENANT, turn["_id"], request("p", method="PostReply"), sent, "Ann")
    for _ in range(2):
        store.feedback.of_reply(replied, "key_ann", "agent")
    [said] = store.feedback.of_turn(TENANT, turn["_id"])
    assert (said.get("edited_text"), said["round"], said["status"]) == (correction, started["round"], "stored")
    assert [draft["text"] for draft in replied["drafts"] if draft["id"] in (said["draft"], said["sent"])] == [
        "maybe",
        sent,
    ]

    batcher = Batcher(store, lambda tenant, ids: None, 256, 1)
    while batcher.process():
        pass
    [example] = store.examples.untrained(TENANT)
    lineage = [example[name] for name in ("feedback", "turn", "draft", "sent", "user", "role")]
    assert lineage == [said["_id"], turn["_id"], said["draft"], said["sent"], "ann", "agent"]
    assert (example["prompt"], example["answer"], example["kind"]) == ("hello", sent.strip(), kind)
    assert store.examples.of_feedback(TENANT, [said["_id"]]) == {said["_id"]: example["_id"]}
    training_set = store.trainings.put_set(TENANT, [example["_id"]], [], [], [])["_id"]
    versions = store.connection.scoped("versions", TENANT)
    versions.insert_one({"_id": "v", "version": "v1", "training_set": training_set})
    assert store.versions.of_examples(TENANT, [example["_id"]]) == {example["_id"]: ["v1"]}
    store.erasures.advance(store.erasures.begin(TENANT, "ann", request("e", method="EraseUser"), withdraw=False))
    assert store.erasures.count(TENANT, "ann") == 0
    assert [one["trained_on_erased"] for one in versions.find({})] == [True]
    assert store.examples.untrained(TENANT) == store.feedback.of_turn(TENANT, turn["_id"]) == []


def test_a_suggestion_that_fails_leaves_the_turn_waiting(store: Store) -> None:
    session = session_of(store, "s")
    turn = accept(store, session, "a")
    store.takeovers.change(TENANT, session, request("t"), "shadow")
    started = store.takeovers.settle(TENANT, session).dispatch[0]
    taken = store.steps.take_step(TENANT, turn["_id"], started["round"])
    assert taken is not None
    assert store.steps.fail_turn(TENANT, turn["_id"], "INTERNAL", "no", holder=taken["holder"]) is None
    assert store.turns.get(TENANT, turn["_id"])["status"] == "held"


def test_the_mode_is_changed_by_who_has_seen_it_last_and_once_a_request(store: Store) -> None:
    session = session_of(store, "s")
    assert change(store, session, "a", "human", expected_revision=0, holder="Ann")["mode_revision"] == 1
    with pytest.raises(Aborted, match="Ann"):
        change(store, session, "b", "human", expected_revision=0, holder="Bob")
    assert change(store, session, "a", "human", expected_revision=0)["held_by"] == "Ann"
    with pytest.raises(AlreadyExists):
        store.takeovers.change(TENANT, session, request("a", "other"), "bot")
    assert change(store, session, "c", "bot", expected_revision=1)["held_by"] == ""
    store.sessions.end(TENANT, session, request("e", method="EndSession"))
    with pytest.raises(FailedPrecondition):
        change(store, session, "d", "human")


def test_a_person_is_asked_for_until_the_session_comes_back(store: Store) -> None:
    session = session_of(store, "s")
    asked = store.takeovers.ask(TENANT, session, request("h", method="Handoff"), "refund")
    assert (asked["agent"], asked["handoff"]["note"]) == ("*", "refund")
    assert [one["_id"] for one in store.sessions.page(TENANT, handoff_asked=True)] == [session]
    change(store, session, "t", "human")
    assert [one["_id"] for one in store.sessions.page(TENANT, modes=["human", "shadow"])] == [session]
    assert "handoff" not in change(store, session, "r", "bot")
    assert store.sessions.page(TENANT, handoff_asked=True) == []
    assert [one["_id"] for one in store.sessions.page(TENANT, modes=["bot"])] == [session]


def test_what_a_killed_gateway_left_of_a_takeover_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.common.store.takeovers.UNSETTLED_SECONDS", 0.0)
    session = session_of(store, "s")
    store.takeovers.change(TENANT, session, request("t"), "human")
    assert store.takeovers.unsettled() == [(TENANT, session)]
    store.takeovers.settle(TENANT, session)
    assert store.takeovers.unsettled() == []
