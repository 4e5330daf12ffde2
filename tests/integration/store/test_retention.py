"""The retention job: what a tenant wants kept for a day is gone after two, and nothing else is."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from io import BytesIO

from services.common.bus import Bus
from services.common.settings import CommonSettings
from services.common.store import NewTurn, Request, Store, TurnLimits
from services.finetune.maintenance import Maintenance

DAY = 86_400.0
LONG_AGO = datetime.now(UTC) - timedelta(days=2)


def _session(store: Store, tenant: str, name: str) -> str:
    session = str(store.sessions.create(tenant, Request("CreateSession", name, ""), {"user": "ada"})["_id"])
    turn = NewTurn(session, "hi", Request("SendTurn", name, ""), user="ada")
    made = store.turns.accept_turn(tenant, turn, TurnLimits()).turn["_id"]
    said = {"turn": made, "session": session, "user": "ada", "edited_text": "yes"}
    record, _ = store.feedback.submit(tenant, Request("SubmitFeedback", name, ""), said)
    store.examples.add(tenant, [{"prompt": name, "answer": "yes", "kind": "correction", "feedback": record["_id"]}])
    return session


def _version(store: Store, tenant: str, weights: bytes) -> str:
    version = hashlib.sha256(weights).hexdigest()[:32]
    store.versions.add(tenant, version, BytesIO(weights), {"status": "ready", "training_set": ""})
    store.connection.scoped("versions", tenant).update_one({"version": version}, {"$set": {"created_at": LONG_AGO}})
    return version


def test_what_was_kept_long_enough_goes(store: Store, settings: CommonSettings) -> None:
    kept = {"sessions": DAY, "versions": DAY}
    for tenant, retention in (("short", kept), ("ever", {})):
        store.tenants.create(tenant, Request("CreateTenant", tenant, ""), {"retention": retention})
        ended, fresh, still_open = (_session(store, tenant, name) for name in ("ended", "fresh", "open"))
        for session in (ended, fresh):
            store.sessions.end(tenant, session, Request("EndSession", session, ""))
        store.connection.scoped("sessions", tenant).update_one({"_id": ended}, {"$set": {"ended_at": LONG_AGO}})
        served, unserved = _version(store, tenant, b"served"), _version(store, tenant, b"unserved")
        store.versions.promote(tenant, served, expected_epoch=None, force=False, by="", comment="")
        Maintenance(store, Bus(settings.broker_url), threading.Event()).retain()

        gone = tenant == "short"
        left = {fresh, still_open} if gone else {ended, fresh, still_open}
        for name, field in (("sessions", "_id"), ("turns", "session"), ("feedback", "session")):
            assert {row[field] for row in store.connection.scoped(name, tenant).find({})} == left, name
        assert len(store.examples.untrained(tenant)) == len(left)
        versions = {version["version"] for version in store.versions.page(tenant)}
        assert versions == ({served} if gone else {served, unserved})


def test_feedback_is_kept_as_long_as_wanted(store: Store, settings: CommonSettings) -> None:
    store.tenants.create("t", Request("CreateTenant", "t", ""), {"retention": {"feedback": DAY}})
    old, new = _session(store, "t", "old"), _session(store, "t", "new")
    feedback = store.connection.scoped("feedback", "t")
    feedback.update_one({"session": old}, {"$set": {"created_at": LONG_AGO}})
    Maintenance(store, Bus(settings.broker_url), threading.Event()).retain()
    assert [row["session"] for row in feedback.find({})] == [new]
    assert [one["prompt"] for one in store.examples.untrained("t")] == ["new"]
