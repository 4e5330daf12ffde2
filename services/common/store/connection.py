"""The way to MongoDB: one client, write concerns by name, and the tenant put into every operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from pymongo import MongoClient, ReturnDocument, UpdateOne
from pymongo.collection import Collection
from pymongo.cursor import Cursor
from pymongo.errors import ConnectionFailure, ExecutionTimeout, WTimeoutError
from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)
from pymongo.results import DeleteResult, InsertOneResult, UpdateResult
from pymongo.write_concern import WriteConcern

from services.common.clock import CLOCK
from services.common.store.subscriptions import Subscriptions

Document = dict[str, Any]
Filter = Mapping[str, Any]
Update = Mapping[str, Any] | Sequence[Mapping[str, Any]]

# The database is away for now: a restart, an election, a cut connection. The same operation may succeed later.
DATABASE_AWAY = (ConnectionFailure, ExecutionTimeout, WTimeoutError)


class Concern(Enum):
    """When a write counts.

    ``KEPT``: on the journals of a majority, so no single machine's death loses it (about 1.7 ms of CPU).
    ``QUICK``: in the primary's memory; for what a later write repeats or the sweep repairs (0.6 ms).
    """

    KEPT = "majority"
    QUICK = "w1"


_CONCERNS = {
    Concern.KEPT: WriteConcern(w="majority", j=True, wtimeout=20_000),
    Concern.QUICK: WriteConcern(w=1),
}


class Scoped:
    """One tenant's view of one collection: every filter and every document gets the tenant here."""

    def __init__(self, collection: Collection[Document], tenant: str) -> None:
        if not tenant:
            raise ValueError("a tenant is needed")
        self._collection = collection
        self.tenant = tenant

    def _filter(self, query: Filter) -> Document:
        return {**query, "tenant": self.tenant}

    def insert_one(self, document: Filter) -> InsertOneResult:
        return self._collection.insert_one({**document, "tenant": self.tenant})

    def insert_many(self, documents: Iterable[Filter], *, ordered: bool = False) -> list[Any]:
        rows = [{**document, "tenant": self.tenant} for document in documents]
        return list(self._collection.insert_many(rows, ordered=ordered).inserted_ids)

    def find_one(
        self,
        query: Filter,
        projection: Filter | Sequence[str] | None = None,
        sort: Sequence[tuple[str, int]] | None = None,
    ) -> Document | None:
        return self._collection.find_one(self._filter(query), projection, sort=sort)

    def find(self, query: Filter, projection: Filter | Sequence[str] | None = None) -> Cursor[Document]:
        return self._collection.find(self._filter(query), projection)

    def update_one(
        self,
        query: Filter,
        update: Update,
        *,
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
    ) -> UpdateResult:
        return self._collection.update_one(self._filter(query), update, upsert=upsert, array_filters=array_filters)

    def upsert_many(self, updates: Iterable[tuple[Filter, Update]], *, ordered: bool = False) -> int:
        """(filter, update) each by itself, in one call; answers how many documents are new."""
        operations = [UpdateOne(self._filter(query), update, upsert=True) for query, update in updates]
        return self._collection.bulk_write(operations, ordered=ordered).upserted_count if operations else 0

    def update_many(self, query: Filter, update: Update) -> UpdateResult:
        return self._collection.update_many(self._filter(query), update)

    def find_one_and_update(
        self,
        query: Filter,
        update: Update,
        *,
        projection: Filter | Sequence[str] | None = None,
        upsert: bool = False,
        before: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
    ) -> Document | None:
        found: Document | None = self._collection.find_one_and_update(
            self._filter(query),
            update,
            projection=projection,
            upsert=upsert,
            array_filters=array_filters,
            return_document=ReturnDocument.BEFORE if before else ReturnDocument.AFTER,
        )
        return found

    def count(self, query: Filter, limit: int = 0) -> int:
        options: dict[str, Any] = {"limit": limit} if limit else {}
        return self._collection.count_documents(self._filter(query), **options)

    def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> Iterator[Document]:
        return iter(self._collection.aggregate([{"$match": {"tenant": self.tenant}}, *pipeline]))

    def delete_one(self, query: Filter) -> DeleteResult:
        return self._collection.delete_one(self._filter(query))

    def delete_many(self, query: Filter) -> DeleteResult:
        return self._collection.delete_many(self._filter(query))


# How long an operation waits for a database that is away, and for its answer; the connection string may say otherwise.
_WAITS = {"serverSelectionTimeoutMS": 15_000, "socketTimeoutMS": 30_000}


class _TimeListener(ServerHeartbeatListener):
    """Sets this process's clock by the primary's heartbeats."""

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """A heartbeat that begins tells no time."""

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """The clock goes on by itself."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        """Take the primary's time.

        An awaited heartbeat was sent when it was answered, whenever it was asked for; of the others, half of the time
        that they took was the way back.
        """
        local = event.reply.document.get("localTime")
        if not isinstance(local, datetime) or not event.reply.is_writable:
            return
        back = 0.0 if event.awaited else event.duration / 2
        CLOCK.tell((local if local.tzinfo else local.replace(tzinfo=UTC)) + timedelta(seconds=back))


class Connection:
    """A pooled, thread-safe client. Construct it after any fork."""

    def __init__(self, url: str, database: str, *, name: str = "antiphon", pool: int = 32) -> None:
        given = url.lower()
        defaults: dict[str, Any] = {name: value for name, value in _WAITS.items() if name.lower() not in given}
        self.client: MongoClient[Document] = MongoClient(
            url,
            appname=name,
            maxPoolSize=pool,
            tz_aware=True,
            retryWrites=True,
            **defaults,
            event_listeners=[_TimeListener()],
        )
        self.database = self.client[database]
        self.subscriptions = Subscriptions(self)
        self._collections: dict[tuple[str, Concern], Collection[Document]] = {}

    def scoped(self, name: str, tenant: str, concern: Concern = Concern.KEPT) -> Scoped:
        """``name``'s documents of one tenant; the normal way to a collection."""
        return Scoped(self.every_tenant(name, concern), tenant)

    def every_tenant(self, name: str, concern: Concern = Concern.KEPT) -> Collection[Document]:
        """All tenants' documents: for sweeps, credential lookup, change streams and indexes alone."""
        key = (name, concern)
        if key not in self._collections:
            self._collections[key] = self.database.get_collection(name, write_concern=_CONCERNS[concern])
        return self._collections[key]

    def close(self) -> None:
        self.client.close()
