"""What webhooks are told waits for what went before it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.common.clock import now
from services.common.store import Store
from services.common.store.outbox import MARGIN

TENANT = "default"


def draft(number: int, at: Any, status: str = "completed") -> dict[str, Any]:
    return {"id": f"d{number}", "round": number, "status": status, "completed_at": at}


def feedback_left(store: Store) -> list[str]:
    marked = store.connection.every_tenant("feedback").find({"outbox": {"$exists": True}})
    return sorted(one["_id"] for one in marked)


@pytest.mark.parametrize("announced", [None, 0])
def test_feedback_is_told_after_the_draft_that_it_is_about(store: Store, announced: int | None) -> None:
    began = now() - MARGIN - timedelta(seconds=1)
    ended = now() + timedelta(seconds=30)  # a revision that ends after the moment up to which events are read
    turn = {"_id": "t1", "tenant": TENANT, "session": "s1", "n": 1, "round": 1, "open": False, "outbox": True}
    turn |= {"ended_at": ended, "drafts": [draft(0, began), draft(1, ended)]}
    turn |= {} if announced is None else {"announced_round": announced}
    store.connection.every_tenant("turns").insert_one(turn)
    given = {"tenant": TENANT, "session": "s1", "turn": "t1", "round": 0, "outbox": began + timedelta(milliseconds=20)}
    store.connection.every_tenant("feedback").insert_one({"_id": "f1", **given})

    store.outbox.announce()
    assert feedback_left(store) == (["f1"] if announced is None else [])

    store.connection.every_tenant("turns").update_one({"_id": "t1"}, {"$set": {"ended_at": began}})
    store.outbox.announce()
    assert feedback_left(store) == []


def test_feedback_on_a_turn_that_nobody_is_told_of_does_not_wait(store: Store) -> None:
    began = now() - MARGIN - timedelta(seconds=1)
    turn = {"_id": "t1", "tenant": TENANT, "session": "s1", "n": 1, "round": 0, "open": False, "ended_at": began}
    store.connection.every_tenant("turns").insert_one({**turn, "drafts": [draft(0, began)]})
    given = {"tenant": TENANT, "session": "s1", "turn": "t1", "round": 0, "outbox": began}
    store.connection.every_tenant("feedback").insert_one({"_id": "f1", **given})
    store.outbox.announce()
    assert feedback_left(store) == []
