"""Which model versions this generator holds: loaded between two decode steps, reconciled with the pointers.

MongoDB says what should be served; a generator that starts, or that missed a change, looks there and catches up.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import structlog

from services.common.errors import NotFound
from services.common.store import DATABASE_AWAY, Document, Store
from services.generator.backends.base import Backend
from services.generator.engine import Engine, UnknownVersion

log = structlog.get_logger(__name__)


class Versions:
    """Loads versions into the engine, the base model's being there always.

    A turn's version is loaded before the turn is taken (``ensure``); what the pointers name is loaded ahead of that,
    so that a promotion costs no turn any time. Beyond ``limit`` the longest unused one that no pointer names goes.
    """

    def __init__(self, store: Store, engine: Engine, backend: Backend, base_version: str, limit: int) -> None:
        self._store = store
        self._engine = engine
        self._backend = backend  # for what any thread may ask of it; the engine owns it
        self._base = base_version
        self._limit = limit
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._loaded: OrderedDict[str, str] = OrderedDict()  # version to tenant, the latest used last
        self._pointers: dict[str, Document] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="versions", daemon=True)
        self.changed = threading.Event()

    def start(self) -> None:
        """Load what the pointers name now and follow their changes."""
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def name(self, version: str) -> str:
        """The engine's name of a turn's version; the empty id is the base model."""
        return version or self._base

    def ensure(self, tenant: str, version: str) -> None:
        """Have the version loaded. Raises UnknownVersion: it does not exist or stands on another base model."""
        if not version or version == self._base:
            return
        with self._lock:
            if version in self._loaded:
                self._loaded.move_to_end(version)
                return
        with self._loading:
            with self._lock:
                if version in self._loaded:
                    return
            self._load(tenant, version)

    def report(self) -> list[Document]:
        """Per tenant with a pointer: what is current, at which epoch, and which of its versions are loaded."""
        with self._lock:
            loaded = dict(self._loaded)
            pointers = dict(self._pointers)
        rows = []
        for tenant, pointer in pointers.items():
            current = self.name(pointer["current"])
            ready = current == self._base or current in loaded
            rows.append(
                {
                    "tenant": tenant,
                    "current": current if ready else "",
                    "epoch": pointer["epoch"] if ready else 0,
                    "versions": [version for version, owner in loaded.items() if owner == tenant],
                }
            )
        return rows

    def _load(self, tenant: str, version: str) -> None:
        from services.models.adapter import BadVersion, read_adapter

        try:
            adapter = read_adapter(self._store.versions.read_weights(tenant, version), self._base)
            prepared = self._backend.prepare_version(adapter)
        except (NotFound, BadVersion, ValueError) as error:
            raise UnknownVersion(str(error)) from error
        self._engine.apply(lambda backend: backend.load_version(version, prepared)).result(120)
        with self._lock:
            self._loaded[version] = tenant
            surplus = self._surplus()
        for other in surplus:
            self._unload(other)
        log.info("version_loaded", tenant=tenant, version=version)

    def _surplus(self) -> list[str]:
        named = {one for pointer in self._pointers.values() for one in (pointer["current"], pointer["canary"]) if one}
        spare = [version for version in self._loaded if version not in named]
        return spare[: max(0, len(self._loaded) - self._limit)]

    def _unload(self, version: str) -> None:
        """Let a version go unless a draft still runs on it; the backend says so by False."""
        if self._engine.apply(lambda backend: backend.unload_version(version)).result(120):
            with self._lock:
                self._loaded.pop(version, None)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                for pointers in self._store.versions.follow_pointers(self._stopping):
                    self._apply(pointers)
            except DATABASE_AWAY as error:
                log.warning("pointers_not_followed", error=repr(error))
            except Exception:
                log.exception("pointers_not_followed")
            self._stopping.wait(1.0)

    def _apply(self, pointers: list[dict[str, Any]]) -> None:
        for pointer in pointers:
            for version in (pointer["current"], pointer["canary"], pointer["previous"]):
                if version:
                    try:
                        self.ensure(pointer["tenant"], version)
                    except UnknownVersion as error:
                        log.error("version_not_loaded", version=version, error=str(error))
        with self._lock:
            self._pointers |= {pointer["tenant"]: pointer for pointer in pointers}
        self.changed.set()
