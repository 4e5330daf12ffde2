"""Training runs and the sets they learn from. A run lives on a lease; its worker may die at any moment.

A set is immutable and names its examples; a run's stages are queued → gathering → training → evaluating →
uploading → completed, cancelled or failed.
"""

from __future__ import annotations

import hashlib
from typing import Any

import gridfs
from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import AlreadyExists, FailedPrecondition, NotFound
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.requests import Request
from services.common.store.turns import SCHEMA_VERSION

RUN_LEASE_SECONDS = 30.0
MAX_RUN_ATTEMPTS = 5


def _in(seconds: float) -> Document:
    return {"$add": ["$$NOW", int(seconds * 1000)]}


class Trainings:
    """Operations on ``training_runs`` and ``training_sets``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._checkpoints = gridfs.GridFSBucket(connection.database, "checkpoints")

    def _of(self, tenant: str, name: str = "training_runs", concern: Concern = Concern.KEPT) -> Scoped:
        return self._connection.scoped(name, tenant, concern)

    def start(self, tenant: str, request: Request, fields: dict[str, Any]) -> tuple[Document, bool]:
        """Queue a run (KEPT), once per request id and one open run per tenant; tells whether it is new.

        Raises: AlreadyExists, FailedPrecondition (TRAINING_RUNNING).
        """
        run: Document = {
            "_id": new_id("training"),
            "schema_version": SCHEMA_VERSION,
            "request": request.document(),
            "status": "queued",
            "open": True,
            "attempt": 0,
            "step": 0,
            "total_steps": 0,
            "created_at": now(),
            **fields,
        }
        try:
            self._of(tenant).insert_one(run)
        except DuplicateKeyError:
            known = self._of(tenant).find_one({"request.method": request.method, "request.id": request.id})
            if known is None:
                raise FailedPrecondition("a training is running", reason="TRAINING_RUNNING") from None
            if known["request"]["hash"] != request.hash:
                raise AlreadyExists(f"request_id {request.id} was used with another payload") from None
            return known, False
        return {**run, "tenant": tenant}, True

    def take(self, tenant: str, run: str, lease: float = RUN_LEASE_SECONDS) -> Document | None:
        """Begin or resume an open run whose lease is over (KEPT): attempt + 1, a fresh holder and lease."""
        return self._of(tenant).find_one_and_update(
            {
                "_id": run,
                "open": True,
                "attempt": {"$lt": MAX_RUN_ATTEMPTS},
                "$expr": {"$lte": [{"$ifNull": ["$lease_until", None]}, "$$NOW"]},
            },
            [
                {
                    "$set": {
                        "attempt": {"$add": ["$attempt", 1]},
                        "holder": {"$literal": new_id("holder")},
                        "lease_until": _in(lease),
                    }
                }
            ],
        )

    def progress(
        self, tenant: str, run: str, holder: str, fields: dict[str, Any], lease: float = RUN_LEASE_SECONDS
    ) -> Document | None:
        """Store how far the run came and prolong its lease (QUICK).

        None: it was cancelled or another worker holds it, and the caller stops.
        """
        literal = {name: {"$literal": value} for name, value in fields.items()}
        return self._of(tenant, concern=Concern.QUICK).find_one_and_update(
            {"_id": run, "open": True, "holder": holder},
            [{"$set": {**literal, "lease_until": _in(lease), "updated_at": "$$NOW"}}],
        )

    def end(self, tenant: str, run: str, status: str, fields: dict[str, Any], *, holder: str = "") -> Document | None:
        """End an open run (KEPT), by its holder or, without one, by CancelTraining; None if it had ended."""
        query: Document = {"_id": run, "open": True}
        if holder:
            query["holder"] = holder
        return self._of(tenant).find_one_and_update(
            query,
            {
                "$set": {"status": status, **fields},
                "$unset": {"open": "", "lease_until": ""},
                "$currentDate": {"ended_at": True},
            },
        )

    def get(self, tenant: str, run: str) -> Document:
        """The run. Raises NotFound."""
        found = self._of(tenant).find_one({"_id": run})
        if found is None:
            raise NotFound(f"no training {run}")
        return found

    def page(self, tenant: str, *, before: str = "", limit: int = 50) -> list[Document]:
        """Runs, newest first."""
        query: Document = {"_id": {"$lt": before}} if before else {}
        return list(self._of(tenant).find(query).sort("_id", -1).limit(limit))

    def abandoned(self, limit: int = 20) -> list[Document]:
        """Open runs of all tenants that no worker holds: queued ones whose message was lost, and those whose
        worker died. The sweep sends them again; a run at its attempt limit is ended as failed."""
        every = self._connection.every_tenant("training_runs")
        lapsed = {"$lte": [{"$ifNull": ["$lease_until", {"$add": ["$created_at", 10_000]}]}, "$$NOW"]}
        return list(every.find({"open": True, "$expr": lapsed}).limit(limit))

    def waiting(self, limit: int = 20) -> list[Document]:
        """Open runs of all tenants that no worker holds at this moment, oldest first."""
        every = self._connection.every_tenant("training_runs")
        free = {"$lte": [{"$ifNull": ["$lease_until", None]}, "$$NOW"]}
        return list(every.find({"open": True, "$expr": free}).sort("_id", 1).limit(limit))

    def put_set(
        self, tenant: str, new: list[str], replay: list[str], watched: list[str], held_out: list[str]
    ) -> Document:
        """Store a training set (KEPT); its id is the hash of the examples it names, so it is never changed."""
        digest = hashlib.sha256(repr((tenant, new, replay, watched, held_out)).encode()).hexdigest()[:24]
        made: Document = {
            "_id": f"set_{digest}",
            "schema_version": SCHEMA_VERSION,
            "new": new,
            "replay": replay,
            "watched": watched,
            "held_out": held_out,
            "examples": [*new, *replay],
            "created_at": now(),
        }
        try:
            self._of(tenant, "training_sets").insert_one(made)
        except DuplicateKeyError:
            return self.get_set(tenant, made["_id"])
        return made

    def get_set(self, tenant: str, set_id: str) -> Document:
        """A training set. Raises NotFound."""
        found = self._of(tenant, "training_sets").find_one({"_id": set_id})
        if found is None:
            raise NotFound(f"no training set {set_id}")
        return found

    # -- checkpoints ----------------------------------------------------------------------------

    def save_checkpoint(self, tenant: str, run: str, holder: str, checkpoint: bytes) -> None:
        """Store how far the optimiser came; the one before is deleted once this one is whole."""
        older = [file._id for file in self._files(tenant, run)]
        self._checkpoints.upload_from_stream(
            run, checkpoint, metadata={"tenant": tenant, "run": run, "holder": holder, "whole": True}
        )
        for file in older:
            self._checkpoints.delete(file)

    def checkpoint(self, tenant: str, run: str) -> bytes | None:
        """The latest checkpoint of a run, if it has one."""
        files = self._files(tenant, run)
        return self._checkpoints.open_download_stream(files[0]._id).read() if files else None

    def drop_checkpoint(self, tenant: str, run: str) -> None:
        """Delete a run's checkpoints; it has ended."""
        for file in self._files(tenant, run):
            self._checkpoints.delete(file._id)

    def _files(self, tenant: str, run: str) -> list[gridfs.GridOut]:
        found = self._checkpoints.find({"metadata.tenant": tenant, "metadata.run": run})
        return list(found.sort("uploadDate", -1))
