"""Every index, in one table. Unique ones carry idempotency and order; none deletes anything."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.common.store.connection import Connection

UP, DOWN = ASCENDING, DESCENDING

_ASKED = IndexModel(
    [("tenant", UP), ("asked.key", UP)],
    name="one_per_asked",
    unique=True,
    partialFilterExpression={"asked.key": {"$exists": True}},
)

_OUTBOX = IndexModel([("outbox", UP)], name="outbox", partialFilterExpression={"outbox": {"$exists": True}})

INDEXES: dict[str, list[IndexModel]] = {
    "sessions": [
        IndexModel([("tenant", UP), ("_id", DOWN)], name="newest_first"),
        IndexModel([("tenant", UP), ("user", UP)], name="of_user"),
        IndexModel([("tenant", UP), ("owner", UP), ("_id", DOWN)], name="of_owner"),
        IndexModel(
            [("tenant", UP), ("agent", UP), ("_id", DOWN)],
            name="of_agent",
            partialFilterExpression={"agent": {"$gt": ""}},
        ),
        IndexModel([("tenant", UP), ("status", UP)], name="by_status"),
        IndexModel(
            [("unsettled_at", UP)], name="unsettled", partialFilterExpression={"unsettled_at": {"$exists": True}}
        ),
        IndexModel(
            [("tenant", UP), ("mode", UP), ("_id", DOWN)], name="by_mode", partialFilterExpression={"mode": {"$gt": ""}}
        ),
        _OUTBOX,
        IndexModel(
            [("tenant", UP), ("taken_over_at", UP)],
            name="taken_over",
            partialFilterExpression={"taken_over_at": {"$exists": True}},
        ),
        IndexModel([("erased_at", UP)], name="erased", partialFilterExpression={"erased_at": {"$exists": True}}),
        _ASKED,
        IndexModel(
            [("tenant", UP), ("request.method", UP), ("request.id", UP)],
            name="one_per_request",
            unique=True,
            partialFilterExpression={"request.id": {"$exists": True}},
        ),
    ],
    "turns": [
        IndexModel([("tenant", UP), ("session", UP), ("n", UP)], name="order", unique=True),
        IndexModel(
            [("tenant", UP), ("session", UP)],
            name="one_head",
            unique=True,
            partialFilterExpression={"head": True},
        ),
        IndexModel(
            [("tenant", UP), ("request.method", UP), ("request.id", UP)],
            name="one_per_request",
            unique=True,
            partialFilterExpression={"request.id": {"$exists": True}},
        ),
        IndexModel(
            [("tenant", UP), ("revision_requests", UP)],
            name="one_per_revision_request",
            unique=True,
            partialFilterExpression={"revision_requests": {"$exists": True}},
        ),
        IndexModel(
            [("tenant", UP), ("session", UP), ("n", UP)],
            name="open_turns",
            partialFilterExpression={"open": True},
        ),
        IndexModel(
            [("tenant", UP), ("session", UP), ("n", UP)],
            name="held_turns",
            partialFilterExpression={"status": "held"},
        ),
        IndexModel([("tenant", UP), ("accepted_at", UP)], name="of_day"),
        IndexModel([("next_dispatch_at", UP)], name="due", partialFilterExpression={"open": True}),
        IndexModel([("ended_at", UP)], name="outbox", partialFilterExpression={"outbox": True}),
        IndexModel(
            [("tenant", UP), ("drafts.manifest.correction.id", UP)],
            name="by_correction",
            partialFilterExpression={"drafts.manifest.correction.id": {"$exists": True}},
        ),
        _ASKED,
    ],
    "schemas": [
        IndexModel([("tenant", UP), ("name", UP), ("revision", UP)], name="one_per_revision", unique=True),
    ],
    "feedback": [
        IndexModel([("tenant", UP), ("_id", UP)], name="oldest_first"),
        _OUTBOX,
        IndexModel([("tenant", UP), ("turn", UP)], name="of_turn"),
        IndexModel([("tenant", UP), ("session", UP)], name="of_session"),
        IndexModel([("tenant", UP), ("user", UP)], name="of_user"),
        IndexModel(
            [("tenant", UP), ("import", UP), ("status", UP)],
            name="of_import",
            partialFilterExpression={"import": {"$exists": True}},
        ),
        IndexModel([("status", UP), ("_id", UP)], name="waiting", partialFilterExpression={"status": "stored"}),
        IndexModel(
            [("tenant", UP), ("status", UP)], name="waiting_of_tenant", partialFilterExpression={"status": "stored"}
        ),
        IndexModel(
            [("tenant", UP), ("request.method", UP), ("request.id", UP)],
            name="one_per_request",
            unique=True,
            partialFilterExpression={"request.id": {"$exists": True}},
        ),
    ],
    "keys": [
        IndexModel([("tenant", UP), ("_id", UP)], name="of_tenant"),
        IndexModel(
            [("tenant", UP), ("request.id", UP)],
            name="one_per_request",
            unique=True,
            partialFilterExpression={"request.id": {"$exists": True}},
        ),
    ],
    "tenants": [IndexModel([("created_at", UP)], name="oldest_first")],
    "erasures": [
        IndexModel([("tenant", UP), ("request.id", UP)], name="one_per_request", unique=True),
        IndexModel(
            [("tenant", UP), ("user_hash", UP)],
            name="one_open_per_user",
            unique=True,
            partialFilterExpression={"open": True},
        ),
        IndexModel([("next_at", UP)], name="due", partialFilterExpression={"open": True}),
    ],
    "imports": [
        IndexModel([("tenant", UP), ("status", UP)], name="by_status"),
        IndexModel(
            [("tenant", UP), ("request.method", UP), ("request.id", UP)],
            name="one_per_request",
            unique=True,
            partialFilterExpression={"request.id": {"$exists": True}},
        ),
    ],
    "refused_lines": [IndexModel([("tenant", UP), ("import", UP), ("line", UP)], name="of_import")],
    "versions": [
        IndexModel([("tenant", UP), ("version", UP)], name="one_per_version", unique=True),
        IndexModel([("tenant", UP), ("training_set", UP)], name="of_set"),
        IndexModel([("file", UP)], name="of_file"),
        _OUTBOX,
    ],
    "webhooks": [
        IndexModel([("tenant", UP), ("_id", UP)], name="oldest_first"),
        IndexModel([("disabled", UP), ("tenant", UP)], name="hearers"),
        IndexModel([("tenant", UP), ("request.id", UP)], name="one_per_request", unique=True),
    ],
    "deliveries": [
        IndexModel([("next_at", UP)], name="due", partialFilterExpression={"open": True}),
        IndexModel(
            [("tenant", UP), ("hook", UP), ("stream", UP), ("at", UP), ("place", UP), ("_id", UP)],
            name="order",
            partialFilterExpression={"open": True},
        ),
        IndexModel([("ended_at", UP)], name="ended", partialFilterExpression={"ended_at": {"$exists": True}}),
    ],
    "pointers": [IndexModel([("tenant", UP)], name="one_per_tenant", unique=True)],
    "audit": [
        IndexModel([("tenant", UP), ("_id", DOWN)], name="newest_first"),
        IndexModel(
            [("tenant", UP), ("number", UP)],
            name="chain",
            unique=True,
            partialFilterExpression={"number": {"$exists": True}},
        ),
    ],
    "promotions": [IndexModel([("tenant", UP), ("_id", DOWN)], name="newest_first")],
    "training_runs": [
        IndexModel([("tenant", UP)], name="one_open", unique=True, partialFilterExpression={"open": True}),
        IndexModel([("tenant", UP), ("_id", DOWN)], name="newest_first"),
        IndexModel(
            [("tenant", UP), ("request.method", UP), ("request.id", UP)],
            name="one_per_request",
            unique=True,
            partialFilterExpression={"request.id": {"$exists": True}},
        ),
    ],
    "training_sets": [IndexModel([("tenant", UP), ("examples", UP)], name="of_example")],
    "examples": [
        IndexModel([("tenant", UP), ("trained", UP), ("created_at", UP)], name="untrained"),
        IndexModel([("tenant", UP), ("user", UP)], name="of_user"),
        IndexModel([("tenant", UP), ("feedback", UP)], name="of_feedback"),
        IndexModel([("tenant", UP), ("changed", UP)], name="latest_change"),
    ],
}


def ensure_indexes(connection: Connection, tables: dict[str, list[IndexModel]] = INDEXES) -> None:
    """Create what is missing; safe to run from every process at every start."""
    for name, models in tables.items():
        connection.every_tenant(name).create_indexes(models)
