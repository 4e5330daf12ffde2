"""Corrected sessions as the tracker's training reads them."""

from research.tracker.corrections import corrected_dialogues
from services.common.store import Request, Store

TENANT = "tenant_a"
SCHEMA = {"name": "", "services": [{"name": "Hotels", "slots": [{"name": "city"}]}]}


def test_only_corrected_sessions_that_are_not_erased_are_read(store: Store) -> None:
    store.schemas.put(TENANT, "hotels", SCHEMA, "digest")
    ids = [
        str(store.sessions.create(TENANT, Request("CreateSession", name, ""), {"schema": "hotels@1"})["_id"])
        for name in ("kept", "erased", "untouched")
    ]
    fix = {"after_n": 0, "service": "Hotels", "slot": "city", "value": "Oslo", "by": "ann"}
    for number, session in enumerate(ids[:2]):
        store.sessions.correct_state(TENANT, session, Request("CorrectState", str(number), ""), 0, [fix])
    store.sessions.erase(TENANT, ids[1])
    assert [dialogue["id"] for dialogue in corrected_dialogues(store, TENANT)] == [ids[0]]
    assert list(corrected_dialogues(store, "tenant_b")) == []
