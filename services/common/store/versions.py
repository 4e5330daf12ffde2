"""Model versions, the pointer that says which one a tenant is served, and the log of its changes.

A version is immutable and its id the hash of its content. The empty id means the base model.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO

import gridfs
from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import Aborted, FailedPrecondition, NotFound
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.turns import SCHEMA_VERSION

BASE = ""
NO_POINTER: Mapping[str, Any] = {
    "current": BASE,
    "previous": None,
    "canary": None,
    "canary_share": 0.0,
    "epoch": 0,
    "withdrawn": [],
}


class Versions:
    """Operations on ``versions``, ``pointers``, ``promotions`` and the GridFS bucket of weights."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._files = gridfs.GridFSBucket(connection.database, "weights")

    def _of(self, tenant: str, name: str = "versions", concern: Concern = Concern.KEPT) -> Scoped:
        return self._connection.scoped(name, tenant, concern)

    # -- versions -------------------------------------------------------------------------------

    def add(self, tenant: str, version: str, weights: BinaryIO, fields: dict[str, Any]) -> Document:
        """Store a version's weights and then its document (KEPT); adding it again changes nothing.

        The document is what makes it exist: a worker that dies in between leaves a file that nothing names,
        which ``remove_orphans`` deletes.
        """
        known = self._of(tenant).find_one({"version": version})
        if known is not None:
            return known
        file = self._files.upload_from_stream(version, weights, metadata={"tenant": tenant})
        document: Document = {
            "_id": new_id("version"),
            "schema_version": SCHEMA_VERSION,
            "version": version,
            "file": file,
            "created_at": now(),
            "trained_on_erased": False,
            **fields,
        }
        if document.get("status") == "ready":
            document |= self._connection.subscriptions.mark(tenant, document["created_at"])
        try:
            self._of(tenant).insert_one(document)
        except DuplicateKeyError:
            self._files.delete(file)
        return self.get(tenant, version)

    def get(self, tenant: str, version: str) -> Document:
        """The version's document. Raises NotFound."""
        document = self._of(tenant).find_one({"version": version})
        if document is None:
            raise NotFound(f"no version {version}")
        return document

    def of_training(self, tenant: str, training: str) -> Document | None:
        """The version that a training has stored, if it came so far."""
        return self._of(tenant).find_one({"training": training})

    def read_weights(self, tenant: str, version: str) -> bytes:
        """The version's safetensors file, checked against its id. Raises NotFound, ValueError."""
        with self._files.open_download_stream(self.get(tenant, version)["file"]) as stream:
            weights = bytes(stream.read())
        if hashlib.sha256(weights).hexdigest()[: len(version)] != version:
            raise ValueError(f"the stored weights of version {version} do not have its hash")
        return weights

    def weights_of(self, tenant: str, version: str) -> bytes | None:
        """As ``read_weights``; None for the base model and for a version that is gone. Raises ValueError."""
        try:
            return self.read_weights(tenant, version) if version != BASE else None
        except NotFound:
            return None

    def page(self, tenant: str, *, before: str = "", limit: int = 50) -> list[Document]:
        """Versions, newest first; ``before`` is the last document's ``_id`` of the page before."""
        query: Document = {"_id": {"$lt": before}} if before else {}
        return list(self._of(tenant).find(query).sort("_id", -1).limit(limit))

    def mark_erased(self, tenant: str, example_ids: list[str]) -> list[str]:
        """Mark the versions whose training set held one of these examples, and those that took weights over from
        them (KEPT); answers their ids."""
        sets = self._of(tenant, "training_sets").find({"examples": {"$in": example_ids}}, ("_id",))
        query: Document = {"training_set": {"$in": [found["_id"] for found in sets]}}
        marked: set[str] = set()
        while new := {found["version"] for found in self._of(tenant).find(query, ("version",))} - marked:
            marked |= new
            query = {"took_over": {"$in": sorted(new)}}
        self._of(tenant).update_many({"version": {"$in": sorted(marked)}}, {"$set": {"trained_on_erased": True}})
        return sorted(marked)

    def of_examples(self, tenant: str, example_ids: list[str]) -> dict[str, list[str]]:
        """By example the versions whose training set holds it."""
        wanted, versions = set(example_ids), dict[str, list[str]]()
        for found in self._of(tenant, "training_sets").find({"examples": {"$in": example_ids}}, ("examples",)):
            named = [one["version"] for one in self._of(tenant).find({"training_set": found["_id"]}, ("version",))]
            for example in wanted.intersection(found["examples"]):
                versions.setdefault(example, []).extend(named)
        return {example: sorted(set(named)) for example, named in versions.items()}

    def remove_unserved(self, tenant: str, made_before: datetime) -> list[str]:
        """Delete the versions made before that moment that no pointer and no open session names (KEPT)."""
        pointer = self.pointer(tenant)
        named = {pointer["current"], pointer["previous"], pointer["canary"]}
        removed = []
        for old in self._of(tenant).find({"created_at": {"$lt": made_before}}):
            used = {"version": old["version"], "status": "open"}
            if old["version"] not in named and not self._of(tenant, "sessions").count(used, limit=1):
                self._of(tenant).delete_one({"_id": old["_id"]})
                self._files.delete(old["file"])
                removed.append(str(old["version"]))
        return removed

    def remove_orphans(self) -> int:
        """Delete weights that no version names, and pieces of files that broke off, that are older than a day;
        answers how many files and pieces."""
        removed = 0
        for file in self._files.find({}):
            age = now() - file.upload_date.replace(tzinfo=now().tzinfo)
            named = self._connection.every_tenant("versions").find_one({"file": file._id}, ("_id",))
            if named is None and age.total_seconds() > 86_400:
                self._files.delete(file._id)
                removed += 1
        for bucket in ("weights", "checkpoints"):
            files, chunks = (self._connection.every_tenant(f"{bucket}.{part}") for part in ("files", "chunks"))
            for file in chunks.distinct("files_id"):
                if (now() - file.generation_time).total_seconds() > 86_400 and not files.find_one({"_id": file}):
                    removed += chunks.delete_many({"files_id": file}).deleted_count
        return removed

    # -- the pointer ----------------------------------------------------------------------------

    def pointer(self, tenant: str) -> Mapping[str, Any]:
        """What the tenant is served: ``{current, previous, canary, canary_share, epoch, withdrawn}``."""
        return self._of(tenant, "pointers").find_one({}) or NO_POINTER

    def follow_pointers(self, stopping: threading.Event) -> Iterator[list[Document]]:
        """All pointers of all tenants now, then those that change, until stopped.

        A change stream is opened before the first read, so that nothing falls between; whoever loses it (a database
        that went away, a history that is too old) starts over and reads everything again. Pointers are whole states:
        applying one twice, or an old one before a newer, ends the same.
        """
        pointers = self._connection.every_tenant("pointers")
        with pointers.watch(full_document="updateLookup", max_await_time_ms=500) as stream:
            yield list(pointers.find({}))
            while not stopping.is_set():
                change = stream.try_next()
                if change is not None and change.get("fullDocument"):
                    yield [change["fullDocument"]]

    def resolve(self, tenant: str, session: Mapping[str, Any], pointer: Mapping[str, Any] | None = None) -> str:
        """The version of a turn that is accepted now: the session's own unless it was withdrawn, else by the
        pointer (read here unless the caller just did); a canary gets its share of the sessions by their hash."""
        if pointer is None:
            pointer = self.pointer(tenant)
        pinned = session.get("version")
        if pinned is not None and pinned not in pointer["withdrawn"]:
            return str(pinned)
        share = int.from_bytes(hashlib.sha256(session["_id"].encode()).digest()[:4], "big") / 2**32
        if pointer["canary"] and share < pointer["canary_share"]:
            return str(pointer["canary"])
        return str(pointer["current"])

    def promote(
        self, tenant: str, version: str, *, expected_epoch: int | None, force: bool, by: str, comment: str
    ) -> Mapping[str, Any]:
        """Make a version the current one (KEPT), by compare-and-set on the epoch.

        Raises: NotFound, FailedPrecondition (GATE_FAILED, VERSION_WITHDRAWN), Aborted (EPOCH_MISMATCH).
        """
        self._check_servable(tenant, version, force)

        def change(pointer: Mapping[str, Any]) -> Document:
            if pointer["current"] == version:
                return {}
            ended = {"canary": None, "canary_share": 0.0} if pointer["canary"] == version else {}
            return {
                "current": version,
                "previous": pointer["current"],
                "withdrawn": [other for other in pointer["withdrawn"] if other != version],
                **ended,
            }

        return self._change(tenant, "promote", version, expected_epoch, by, comment, change)

    def set_canary(
        self, tenant: str, version: str, share: float, *, expected_epoch: int | None, by: str
    ) -> Mapping[str, Any]:
        """Give a version to a share of the new sessions (KEPT); 0 ends it. Raises as ``promote``."""
        if share > 0:
            self._check_servable(tenant, version, force=False)

        def change(_pointer: Mapping[str, Any]) -> Document:
            return {"canary": version if share > 0 else None, "canary_share": share}

        return self._change(tenant, "canary", version, expected_epoch, by, f"share {share}", change)

    def rollback(self, tenant: str, *, expected_epoch: int | None, by: str, comment: str) -> Mapping[str, Any]:
        """Go back to the previous version and withdraw the current one (KEPT).

        Raises: FailedPrecondition (NO_PREVIOUS), Aborted (EPOCH_MISMATCH).
        """

        def change(pointer: Mapping[str, Any]) -> Document:
            if pointer["previous"] is None:
                raise FailedPrecondition("there is no previous version", reason="NO_PREVIOUS")
            return {
                "current": pointer["previous"],
                "previous": None,
                "withdrawn": sorted({*pointer["withdrawn"], pointer["current"]}),
                "canary": None,
                "canary_share": 0.0,
            }

        pointer = self._change(tenant, "rollback", "", expected_epoch, by, comment, change)
        self._of(tenant).update_many({"version": {"$in": pointer["withdrawn"]}}, {"$set": {"status": "withdrawn"}})
        return pointer

    def withdraw(self, tenant: str, versions: list[str], *, by: str, comment: str) -> Mapping[str, Any]:
        """Take versions out of service whatever the pointer says (KEPT); an erasure does so."""

        def change(pointer: Mapping[str, Any]) -> Document:
            changes: Document = {"withdrawn": sorted({*pointer["withdrawn"], *versions})}
            if pointer["current"] in versions:
                previous = pointer["previous"]
                changes["current"] = BASE if previous is None or previous in versions else previous
                changes["previous"] = None
            if pointer["previous"] in versions:
                changes["previous"] = None
            if pointer["canary"] in versions:
                changes |= {"canary": None, "canary_share": 0.0}
            return changes

        pointer = self._change(tenant, "withdraw", ",".join(versions), None, by, comment, change)
        self._of(tenant).update_many({"version": {"$in": versions}}, {"$set": {"status": "withdrawn"}})
        return pointer

    def promotions(self, tenant: str, limit: int = 100) -> list[Document]:
        """The log of the pointer's changes, newest first."""
        return list(self._of(tenant, "promotions").find({}).sort("_id", -1).limit(limit))

    def _check_servable(self, tenant: str, version: str, force: bool) -> None:
        if version == BASE:
            return
        found = self.get(tenant, version)
        if found["status"] == "gate_failed" and not force:
            raise FailedPrecondition(f"version {version} did not pass its gate", reason="GATE_FAILED")
        if found["status"] == "withdrawn" and not force:
            raise FailedPrecondition(f"version {version} was withdrawn", reason="VERSION_WITHDRAWN")

    def _change(
        self,
        tenant: str,
        action: str,
        version: str,
        expected_epoch: int | None,
        by: str,
        comment: str,
        change: Any,
    ) -> Mapping[str, Any]:
        while True:
            pointer = self.pointer(tenant)
            epoch = pointer["epoch"]
            if expected_epoch is not None and expected_epoch != epoch:
                raise Aborted(f"expected_epoch {expected_epoch}: the pointer is at {epoch}", reason="EPOCH_MISMATCH")
            changes = change(pointer)
            if not changes:
                return pointer
            changed = {name: pointer[name] for name in NO_POINTER} | changes | {"epoch": epoch + 1}
            try:
                moved = self._of(tenant, "pointers").find_one_and_update(
                    {"epoch": epoch} if epoch else {"_id": f"pointer_{tenant}", "epoch": {"$exists": False}},
                    {"$set": changed, "$setOnInsert": {"schema_version": SCHEMA_VERSION}},
                    upsert=epoch == 0,
                )
            except DuplicateKeyError:
                moved = None
            if moved is not None:
                self._of(tenant, "promotions").insert_one(
                    {
                        "_id": new_id("promotion"),
                        "schema_version": SCHEMA_VERSION,
                        "action": action,
                        "version": version,
                        "pointer": changed,
                        "by": by,
                        "comment": comment,
                        "at": now(),
                    }
                )
                return moved
