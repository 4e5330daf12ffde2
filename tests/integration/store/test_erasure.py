"""Erasing a person: everywhere, also where nobody thought of, and a certificate that says so."""

from __future__ import annotations

import base64
import json
import threading
from datetime import timedelta
from typing import Any

from services.common.bus import Bus, TurnMessage, topology
from services.common.certificates import check
from services.common.clock import now
from services.common.settings import CommonSettings
from services.common.store import NewTurn, Request, Store, TurnLimits
from services.common.store.traces import search
from services.finetune.maintenance import Maintenance
from services.gateway.certificate import certificate, signing_key
from tests.support.brokers import Broker
from tests.support.waiting import wait_until

USER, TENANT = "ann.smith@example.org", "t"


def _everything_of(store: Store, user: str) -> str:
    """What there can be of somebody; answers a session of theirs."""
    fields = {"user": user, "owner": "key_backend", "labels": [], "access": []}
    session = str(store.sessions.create(TENANT, Request("CreateSession", user, ""), fields)["_id"])
    turn = NewTurn(session, "hi", Request("SendTurn", user, ""), user=user)
    made = store.turns.accept_turn(TENANT, turn, TurnLimits()).turn["_id"]
    said = {"turn": made, "session": session, "user": user, "edited_text": "yes"}
    record, _ = store.feedback.submit(TENANT, Request("SubmitFeedback", user, ""), said)
    store.examples.add(
        TENANT, [{"prompt": user, "answer": "yes", "kind": "edit", "feedback": record["_id"], "user": user}]
    )
    store.keys.create(TENANT, "end_user", "phone", user=user)
    return session


def _names_in_what_is_others(store: Store, user: str) -> str:
    """A session and feedback of bob's that the user made, corrected and decided on; and names of files."""
    actor = f"jwt:{user}"
    fields = {"user": "bob", "owner": actor, "agent": actor, "labels": [], "access": []}
    session = str(store.sessions.create(TENANT, Request("CreateSession", "bob", ""), fields)["_id"])
    correction = {"after_n": 0, "service": "a", "slot": "b", "value": "c", "by": actor}
    store.sessions.correct_state(TENANT, session, Request("CorrectState", "x", ""), None, [correction])
    given = {"user": "bob", "session": session, "by": actor, "reviewed_by": actor}
    store.feedback.submit(TENANT, Request("SubmitFeedback", "bob", ""), given)
    imported = store.imports.open(TENANT, Request("OpenImport", "f", ""), f"answers of {user}.jsonl")
    store.connection.scoped("refused_lines", TENANT).insert_one(
        {"_id": "line", "import": imported["_id"], "line": 1, "field": "", "reason": f"no such thing: {user}"}
    )
    return session


def test_a_person_is_erased_everywhere_and_the_certificate_says_what_was_searched(
    store: Store, settings: CommonSettings, shared_broker: Broker
) -> None:
    session, others = _everything_of(store, USER), _names_in_what_is_others(store, USER)
    _everything_of(store, "bob.jones@example.org")
    bus = Bus(shared_broker.url)
    bus.declare()
    letters = [
        TurnMessage(TENANT, name, f"turn_{name}", 1, state={"services": {"a": {"slots": {"b": {"value": "x"}}}}})
        for name in (session, others)
    ]
    _refuse(bus, letters)
    wait_until(lambda: _dead_letters(bus) == 2, 60)
    before = search(store.connection, TENANT, {USER, f"jwt:{USER}"})
    assert {name for name, count in before.items() if count} >= {"sessions", "turns", "feedback", "examples", "keys"}

    erasure = store.erasures.begin(TENANT, USER, Request("EraseUser", "e", ""), withdraw=False)
    maintenance = Maintenance(store, bus, threading.Event())
    maintenance.erase()
    assert certificate(store, store.erasures.get(TENANT, erasure["_id"])) == ""
    _soon(store, erasure["_id"])
    maintenance.erase()

    done = store.erasures.get(TENANT, erasure["_id"])
    assert done["status"] == "done"
    said: dict[str, Any] = json.loads(certificate(store, done))
    assert said["erased"]["dead_letters"] == 1
    assert said["erased"]["keys"] == 1
    assert set(said["searched"]) >= {"sessions", "turns", "feedback", "examples", "imports", "facts", "keys"}
    assert set(said["searched"].values()) == {0}
    assert USER not in json.dumps(said)
    for collection in store.connection.database.list_collection_names():
        left = store.connection.every_tenant(collection).find({"tenant": TENANT})
        assert USER not in str(list(left)), collection
    assert store.sessions.get(TENANT, others)["owner"] == "(erased)"
    assert store.sessions.page(TENANT, user="bob.jones@example.org"), "another's is left alone"
    with bus.connect() as connection:
        dead = topology.dead_queue(redis=bus.redis)(connection.default_channel)
        kept = dead.get(no_ack=True)
        assert kept is not None
        assert others in str(kept.body)
        assert dead.get(no_ack=True) is None
    bus.close()


def _refuse(bus: Bus, letters: list[TurnMessage]) -> None:
    """Puts messages where the broker puts those that no worker takes."""
    with bus.connect() as connection:
        dead = topology.dead_queue(redis=bus.redis)(connection.default_channel)
        for letter in letters:
            connection.Producer().publish(
                letter.encode(),
                exchange=dead.exchange,
                routing_key=topology.DEAD,
                content_type="application/octet-stream",
                content_encoding="binary",
            )


def _dead_letters(bus: Bus) -> int:
    with bus.connect() as connection:
        dead = topology.dead_queue(redis=bus.redis)(connection.default_channel)
        return int(dead.queue_declare(passive=True).message_count)


def _soon(store: Store, erasure: str) -> None:
    """Let the wait for stale workers be over."""
    store.connection.scoped("erasures", TENANT).update_one(
        {"_id": erasure}, {"$set": {"next_at": now() - timedelta(seconds=1)}}
    )


def test_the_search_finds_a_trace_wherever_it_was_planted(store: Store) -> None:
    for number, planted in enumerate(
        ({"deep": [{"in": {"a": ["list", USER]}}]}, {USER: 1}, {"by": f"jwt:{USER}"}, {"text": f"not {USER} alone"})
    ):
        name = f"planted_{number}"
        store.connection.scoped(name, TENANT).insert_one({"_id": f"p{number}", **planted})
        assert search(store.connection, TENANT, {USER, f"jwt:{USER}"})[name] == (number < 3)
        assert search(store.connection, "another", {USER})[name] == 0


def test_a_certificate_that_was_changed_is_not_the_deployments(store: Store) -> None:
    erasure: dict[str, Any] = {
        "_id": "erasure_1", "tenant": TENANT, "user_hash": "h", "status": "done",
        "created_at": now(), "ended_at": now(),
        "erased": [{"collection": "turns", "documents": 3}], "searched": [{"collection": "turns", "documents": 0}],
        "versions": ["v1"],
    }  # fmt: skip
    text = certificate(store, erasure)
    assert text == certificate(store, erasure)
    public = base64.b64encode(signing_key(store).public_key().public_bytes_raw()).decode()
    assert check(text, public)
    for changed in (text.replace('"turns": 3', '"turns": 4'), text.replace("erasure_1", "erasure_2")):
        assert changed != text
        assert not check(changed, public)
