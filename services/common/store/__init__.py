"""The store: MongoDB behind named operations, each saying what it promises and when its write counts.

Nothing outside this package imports pymongo.
"""

from __future__ import annotations

import time

from services.common.settings import CommonSettings
from services.common.store.activity import Activity
from services.common.store.audit import Audit
from services.common.store.changes import Changes
from services.common.store.connection import DATABASE_AWAY, Concern, Connection, Document, Scoped
from services.common.store.corrections import Corrections
from services.common.store.deliveries import Deliveries
from services.common.store.erasures import Erasures
from services.common.store.examples import Examples
from services.common.store.feedback import FeedbackStore
from services.common.store.imports import Imports
from services.common.store.indexes import ensure_indexes
from services.common.store.keys import Credential, Keys
from services.common.store.knowledge import KNOWLEDGE_INDEXES, GroundingText, KnowledgeStore
from services.common.store.migrations import check_form, form_of
from services.common.store.outbox import Outbox
from services.common.store.outlook import Outlook, Outlooks
from services.common.store.receipts import Receipts
from services.common.store.requests import Request
from services.common.store.rounds import Rounds
from services.common.store.schemas import Schemas
from services.common.store.serving import Serving
from services.common.store.sessions import Sessions
from services.common.store.steps import Lease, Steps
from services.common.store.sweep import Sweep, Swept
from services.common.store.takeovers import Settled, Takeovers
from services.common.store.tenants import Tenants
from services.common.store.trainings import Trainings
from services.common.store.turns import Accepted, NewTurn, TurnLimits, Turns
from services.common.store.usage import Usage
from services.common.store.versions import Versions
from services.common.store.webhooks import Webhooks

__all__ = [
    "DATABASE_AWAY",
    "Accepted",
    "Concern",
    "Connection",
    "Credential",
    "Document",
    "GroundingText",
    "Lease",
    "NewTurn",
    "Outlook",
    "Request",
    "Scoped",
    "Settled",
    "Store",
    "Swept",
    "TurnLimits",
]


class Store:
    """All collections over one connection. Construct it after any fork; safe to share between threads."""

    def __init__(self, settings: CommonSettings, *, name: str = "antiphon", pool: int = 32) -> None:
        self.connection = Connection(settings.mongo_url, settings.mongo_database, name=name, pool=pool)
        lease = Lease(settings.lease_seconds, settings.silent_seconds, settings.max_attempts)
        self.turns = Turns(self.connection)
        self.outlooks = Outlooks(self.connection)
        self.rounds = Rounds(self.connection, self.turns)
        self.steps = Steps(self.connection, lease)
        self.sweep = Sweep(self.connection, self.turns, self.steps, settings.max_attempts)
        self.sessions = Sessions(self.connection)
        self.changes = Changes(self.connection)
        self.takeovers = Takeovers(self.connection, self.sessions, self.turns)
        self.schemas = Schemas(self.connection)
        self.keys = Keys(self.connection)
        self.feedback = FeedbackStore(self.connection)
        self.imports = Imports(self.connection)
        self.knowledge = KnowledgeStore(self.connection)
        self.serving = Serving(self.connection)
        self.versions = Versions(self.connection)
        self.examples = Examples(self.connection)
        self.corrections = Corrections(self.connection, self.examples)
        self.receipts = Receipts(self.connection)
        self.trainings = Trainings(self.connection)
        self.tenants = Tenants(self.connection)
        self.activity = Activity(self.connection)
        self.usage = Usage(self.connection)
        self.audit = Audit(self.connection)
        self.webhooks = Webhooks(self.connection)
        self.outbox = Outbox(self.connection, self.webhooks)
        self.deliveries = Deliveries(self.connection)
        self.erasures = Erasures(self.connection, self.versions, settings.lease_seconds)

    def prepare(self, attempts: int = 5) -> None:
        """Create missing indexes; every process does so at its start. A database that goes away meanwhile (an
        election, a restart) is tried again after a second.

        Raises FailedPrecondition (SCHEMA_TOO_NEW, SCHEMA_TOO_OLD) where this release must not work with the database.
        """
        for left in reversed(range(attempts)):
            try:
                check_form(form_of(self.connection))
                self._ensure_indexes()
                return
            except DATABASE_AWAY:
                if not left:
                    raise
                time.sleep(1.0)

    def _ensure_indexes(self) -> None:
        ensure_indexes(self.connection)
        ensure_indexes(self.connection, KNOWLEDGE_INDEXES)

    def ping(self) -> None:
        """Raise when the database does not answer."""
        self.connection.database.command("ping")

    def close(self) -> None:
        self.connection.close()
