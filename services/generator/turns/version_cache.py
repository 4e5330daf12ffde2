"""Which model versions this generator holds: loaded between two decode steps, reconciled with the pointers.

MongoDB says what should be served; a generator that starts, or that missed a change, looks there and catches up.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from services.common.errors import NotFound
from services.common.store import DATABASE_AWAY, Document, Store
from services.generator.engine import DraftEngine, UnknownVersion, VersionParts

if TYPE_CHECKING:
    from services.generator.conditioning.feedback_fusion import FeedbackFusion, FusionLoader
    from services.models.scope.scope import VersionScope

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Loaded:
    """Whose version it is, whether it changes the base model's layers, what its fusion head is given, and where the
    layers' changes apply."""

    tenant: str
    layers: bool
    fusion: FeedbackFusion | None
    scope: VersionScope | None = None


class VersionCache:
    """Loads versions into the engine, the base model's being there always.

    A turn's version is loaded before the turn is taken (``ensure``); what the pointers name is loaded ahead of that,
    so that a promotion costs no turn any time. Beyond ``limit`` the longest unused one that no pointer names goes.

    A version that changes no layer, but has a fusion head, is computed by the base model's own forward pass and shares
    its memory of sessions: a head touches nothing before the output layer. Without a ``loader`` heads are left aside.
    """

    def __init__(
        self,
        store: Store,
        engine: DraftEngine,
        base_version: str,
        limit: int,
        loader: FusionLoader | None = None,
        own_head: str = "",
    ) -> None:
        self._store = store
        self._engine = engine
        self._base = base_version
        self._limit = limit
        self._loader = loader
        self._own_head = own_head  # the worker's, which stays whatever goes
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()  # the latest used last
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
        """A turn's version; the empty id is the base model."""
        return version or self._base

    def computed_by(self, version: str) -> str:
        """The engine's name of what computes a version's layers."""
        with self._lock:
            found = self._loaded.get(version)
        return self._base if found is not None and not found.layers else self.name(version)

    def fusion(self, version: str) -> FeedbackFusion | None:
        """What the version's own head is given for revisions; None where it has none."""
        with self._lock:
            found = self._loaded.get(version)
        return found.fusion if found is not None else None

    def scope(self, version: str) -> VersionScope | None:
        """Where the version's weights apply; None: everywhere, or the version is the base model's."""
        with self._lock:
            found = self._loaded.get(version)
        return found.scope if found is not None else None

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
                    "versions": [version for version, one in loaded.items() if one.tenant == tenant],
                }
            )
        return rows

    def _load(self, tenant: str, version: str) -> None:
        from services.models.adapter import BadVersion
        from services.models.version import read_version

        try:
            weights = read_version(self._store.versions.read_weights(tenant, version), self._base)
            layers = bool(weights.adapter.pairs) or weights.head is None
            head = weights.head
            fusion = self._loader.fusion(head) if head is not None and self._loader is not None else None
            self._engine.hold(
                VersionParts(
                    version if layers else None,
                    weights.adapter if layers else None,
                    fusion.head if fusion is not None else None,
                    head if fusion is not None else None,
                )
            )
        except (NotFound, BadVersion, ValueError) as error:
            raise UnknownVersion(str(error)) from error
        with self._lock:
            self._loaded[version] = _Loaded(tenant, layers, fusion, weights.scope)
            surplus = self._surplus()
        for other in surplus:
            self._unload(other)
        log.info("version_loaded", tenant=tenant, version=version, fusion_head=fusion.head if fusion else "")

    def _surplus(self) -> list[str]:
        named = {one for pointer in self._pointers.values() for one in (pointer["current"], pointer["canary"]) if one}
        spare = [version for version in self._loaded if version not in named]
        return spare[: max(0, len(self._loaded) - self._limit)]

    def _unload(self, version: str) -> None:
        """Let a version go unless a draft still runs on it; the backend says so by False."""
        with self._lock:
            going = self._loaded[version]
            heads = {one.fusion.head for name, one in self._loaded.items() if name != version and one.fusion}

        leaves = going.fusion is not None and going.fusion.head not in heads | {self._own_head}
        head = going.fusion.head if going.fusion is not None and leaves else None
        if self._engine.release(VersionParts(version if going.layers else None, head_name=head)):
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
