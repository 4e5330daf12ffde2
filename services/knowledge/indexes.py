"""The search indexes of all tenants, kept in step with the knowledge log by a change stream."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import structlog

from services.common.facts import FactRevision
from services.common.store import Store
from services.common.store.knowledge import Change
from services.knowledge.domain.entries import Entry
from services.knowledge.domain.index import TenantIndex
from services.knowledge.domain.snapshot import discard, load, save, tidy
from services.knowledge.domain.vectors import Vectors

log = structlog.get_logger(__name__)
_BATCH = 64  # log entries applied at a time
_WORTH_SAVING = 2000  # passages; below, reading them anew is as quick
_SAVE_AFTER_CHANGES = 20
_SAVE_AFTER_SECONDS = 60.0


class Indexes:
    """One TenantIndex per tenant that somebody asked about.

    The change stream only wakes: what to apply is read from the log, after the number that was applied last, so
    that a lost, repeated or late notice can neither skip nor double a change.
    """

    def __init__(
        self, store: Store, encoder: str, dimensions: int, exact_limit: int, snapshots: Path | None = None
    ) -> None:
        """`snapshots` is the folder of the saved indexes; None saves none."""
        self._store = store
        self._snapshots = snapshots
        self._saved: dict[str, tuple[int, float]] = {}  # tenant -> (log number, when) of the last save
        self._encoder = encoder
        self._dimensions = dimensions
        self._exact_limit = exact_limit
        self._indexes: dict[str, TenantIndex] = {}
        self._heads: dict[str, int] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._moved = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="knowledge-log", daemon=True)
        self.connected = threading.Event()

    def start(self) -> None:
        """Starts to follow the log; tenants that have knowledge are loaded in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Ends following and saves what has changed since the last save."""
        with self._moved:
            self._stopping.set()
            self._moved.notify_all()
        if self._thread.is_alive():
            self._thread.join(30)
        for tenant in list(self._indexes):
            self.save(tenant)

    def save(self, tenant: str, after_changes: int = 1, after_seconds: float = 0.0) -> bool:
        """Saves a tenant's index if it is large enough, has changed so much and was last saved so long ago."""
        path = self._snapshot_of(tenant)
        index = self._indexes.get(tenant)
        if path is None or index is None or len(index) < _WORTH_SAVING:
            return False
        saved, when = self._saved.get(tenant, (0, 0.0))
        if index.applied - saved < after_changes or time.monotonic() - when < after_seconds:
            return False
        with self._locks[tenant]:
            self._saved[tenant] = (save(index, path, self._encoder), time.monotonic())
        return True

    def _snapshot_of(self, tenant: str) -> Path | None:
        if self._snapshots is None:
            return None
        return self._snapshots / f"{hashlib.sha256(tenant.encode()).hexdigest()[:32]}.npz"

    def _open(self, tenant: str) -> TenantIndex:
        """The tenant's saved index with its facts, else an empty one."""
        path = self._snapshot_of(tenant)
        if path is not None:
            tidy(path)
        index = load(path, self._encoder, self._dimensions, self._exact_limit) if path is not None else None
        if index is None:
            return TenantIndex(self._dimensions, self._exact_limit)
        index.put_facts(self._store.knowledge.all_revisions(tenant))
        self._saved[tenant] = (index.applied, time.monotonic())
        return index

    def ready(self, tenant: str, min_watermark: int = 0, wait: float = 0.0) -> TenantIndex | None:
        """The tenant's index, None when there is nothing in it (no query was made to find out).

        With `min_watermark`, reads the rest of the log itself and waits up to `wait` seconds for documents that
        are still being read; the caller compares the index's watermark to know whether it was reached.
        """
        if not min_watermark and self.connected.is_set() and not self._heads.get(tenant):
            return None
        index = self._indexes.get(tenant)
        if index is None or index.watermark < min_watermark:
            index = self.catch_up(tenant)
        if index.watermark < min_watermark and wait > 0:
            with self._moved:
                self._moved.wait_for(lambda: index.watermark >= min_watermark or self._stopping.is_set(), wait)
        return None if index.empty else index

    def watermark(self, tenant: str) -> int:
        """How far the tenant's index has come; 0 where nothing is known of the tenant."""
        index = self._indexes.get(tenant)
        return index.watermark if index is not None else 0

    def catch_up(self, tenant: str) -> TenantIndex:
        """Applies everything that is in the tenant's log now."""
        with self._locks[tenant]:
            index = self._indexes.get(tenant)
            fresh = index is None
            if index is None:
                index = self._open(tenant)
            while changes := self._store.knowledge.log.tail(tenant, index.applied, _BATCH):
                self._apply(tenant, index, changes)
            if fresh:
                self._indexes[tenant] = index
        with self._moved:
            self._heads[tenant] = max(self._heads.get(tenant, 0), index.applied)
            self._moved.notify_all()
        return index

    def _apply(self, tenant: str, index: TenantIndex, changes: list[Change]) -> None:
        """Applies a run of log entries; what was added and removed again within it is never read."""
        live: dict[str, bool] = {}
        vectors: list[str] = []
        facts: set[str] = set()
        erased = False
        for change in changes:
            if change.kind == "document":
                for ingestion in change.ids:
                    index.expect(ingestion, change.seq)
            elif change.kind in ("passages", "removed"):
                live.update(dict.fromkeys(change.ids, change.kind == "passages"))
            elif change.kind == "vectors":
                vectors += change.ids
            elif change.kind in ("fact", "erased"):
                facts.update(name.rpartition("/")[0] for name in change.ids)
                erased = erased or change.kind == "erased"
        gone = [passage for passage, alive in live.items() if not alive]
        if gone or erased:
            self._drop_snapshot(tenant)  # it holds the words of what has to go
        index.remove(gone)
        added = [passage for passage, alive in live.items() if alive]
        if added:
            index.add(self._entries(tenant, added))
            vectors += added
        if vectors:
            index.add_vectors(self._vectors(tenant, list(dict.fromkeys(vectors))))
        if facts:
            self._put_facts(tenant, index, facts, erased)
        for change in changes:
            if change.kind == "settled":
                for ingestion in change.ids:
                    index.settle(ingestion)
        index.applied = changes[-1].seq

    def _drop_snapshot(self, tenant: str) -> None:
        path = self._snapshot_of(tenant)
        if path is not None:
            discard(path)
            self._saved.pop(tenant, None)

    def _entries(self, tenant: str, passages: list[str]) -> Iterable[Entry]:
        rows = self._store.knowledge.read_passages(tenant, passages)
        for passage in passages:
            row = rows.get(passage)
            if row is not None:  # its document was deleted since
                access = frozenset(row.get("access", ()))
                known = row.get("known", 1.0)
                yield Entry(passage, row["revision"], row["source"], row["text"], row["heading"], known, access)

    def _vectors(self, tenant: str, owners: list[str]) -> dict[str, Vectors]:
        found = self._store.knowledge.read_vectors(tenant, owners, self._encoder)
        return {owner: np.frombuffer(data, np.float16).astype(np.float32) for owner, data in found.items()}

    def _put_facts(self, tenant: str, index: TenantIndex, facts: set[str], erased: bool) -> None:
        revisions: list[FactRevision] = self._store.knowledge.all_revisions(tenant, sorted(facts))
        index.put_facts(revisions, forget_first=facts if erased else set())

    def has_knowledge(self) -> bool:
        """Whether anybody is known to have knowledge."""
        return any(self._heads.values())

    def wait_for_knowledge(self) -> bool:
        """Waits until somebody has knowledge; False where following ended before."""
        with self._moved:
            self._moved.wait_for(lambda: self.has_knowledge() or self._stopping.is_set())
            return self.has_knowledge()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            for heads in self._store.knowledge.log.follow(self._stopping):
                with self._moved:
                    self._heads = dict(heads.seqs) if heads.complete else {**self._heads, **heads.seqs}
                    self._moved.notify_all()
                if heads.complete:
                    self.connected.set()
                if not self._catch_up_all(heads.seqs):
                    break  # and follow anew: the log then names everybody who may be behind
            self._stopping.wait(0.5)

    def _catch_up_all(self, tenants: Iterable[str]) -> bool:
        """Whether all went well; one tenant's failure, or the database's, does not end the following."""
        well = True
        for tenant in tenants:
            if self._stopping.is_set():
                break
            try:
                self.catch_up(tenant)
                self.save(tenant, after_changes=_SAVE_AFTER_CHANGES, after_seconds=_SAVE_AFTER_SECONDS)
            except Exception:
                log.exception("knowledge_not_applied", tenant=tenant)
                well = False
        return well
