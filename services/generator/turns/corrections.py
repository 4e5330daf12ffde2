"""What people corrected, as the generator answers by it: which correction a message belongs to, and what answers it.

A correction holds from the moment it is stored: its reply is quoted. A version's weights answer where the message
belongs less surely, and everywhere else the base model does, as if there were no version.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import structlog

from services.common.quoting import quoted
from services.common.store import DATABASE_AWAY, Document, GroundingText, Store
from services.common.store.corrections import Correction
from services.generator.settings import GeneratorSettings

if TYPE_CHECKING:
    from services.models.scope.scope import ScopeIndex, ScopeJudge, VersionScope

log = structlog.get_logger(__name__)
Use = Literal["quoted", "weights", "note", "superseded"]
Near = tuple[Correction, float, float]
REFRESH_SECONDS = 1.0
_REMEMBERED = 256
_SAME = 0.75
"""Share of a corrected message's words that a newer passage must hold to speak of the same."""
_MARKS = ".,:;?!()'\"’"
_COMMON = frozenset(
    "the and for are was what when where which who how much many does can you your have has with from".split()
)


@dataclass(frozen=True)
class InScope:
    """The correction that a message belongs to, how surely, and what answers by it; `by`: what supersedes it."""

    correction: Correction
    probability: float
    use: Use
    by: str = ""

    def manifest(self) -> Document:
        """As the draft's manifest names it."""
        return {
            "id": self.correction.id,
            "probability": round(self.probability, 4),
            "use": self.use,
            "superseded_by": self.by,
        }


class _Tenant:
    def __init__(self, index: ScopeIndex) -> None:
        self.index = index
        self.corrections: dict[str, Correction] = {}
        self.stamp: object = None
        self.looked = float("-inf")
        self.asked: OrderedDict[tuple[str, object], Near | None] = OrderedDict()
        self.lock = threading.Lock()


class CorrectionDesk:
    """Decides by which correction a turn is answered; one a generator, thread-safe."""

    def __init__(self, store: Store, judge: ScopeJudge | None, settings: GeneratorSettings) -> None:
        self._store = store
        self._judge = judge  # None: no encoder here; nothing belongs to a correction
        self._arms = settings.corrections
        self._quote_from = settings.quoted_from
        self._scope_from = settings.corrections_from
        self._tenants: dict[str, _Tenant] = {}
        self._lock = threading.Lock()

    def of_turn(self, turn: Document, scope: VersionScope | None, notes: Sequence[GroundingText]) -> InScope | None:
        """The correction that answers this turn, None where none does. ``scope``: that of the turn's version."""
        if self._judge is None or self._arms in ("off", "everywhere"):
            return None
        recorded = turn.get("correction_was")
        if recorded is not None:
            return self._recorded(turn["tenant"], recorded) if recorded else None
        near = self._nearest(turn)
        return self._decided(turn, near[0], near[1], scope, notes) if near is not None else None

    def like(self, turn: Document, least: float) -> InScope | None:
        """The reviewed correction that comes nearest, where it is at least as like the message as `least` (a cosine):
        for messages that nothing else answers."""
        if self._judge is None or self._arms not in ("quote", "best") or turn["round"] > 0:
            return None
        near = self._nearest(turn)
        if near is None or not near[0].reviewed or near[2] < least:
            return None
        return InScope(near[0], near[1], "quoted")

    def _nearest(self, turn: Document) -> Near | None:
        """The nearest correction with its probability and its likeness; a turn is asked for more than once, and read
        once."""
        tenant = self._current(turn["tenant"])
        if not tenant.corrections:
            return None
        from services.models.scope.rivals import rival_of

        text, rival = str(turn["text"]), rival_of((turn.get("grounding") or {}).get("evidence"))
        key = (turn["_id"], (tenant.stamp, rival))
        with tenant.lock:
            if key in tenant.asked:
                return tenant.asked[key]
            found = tenant.index.nearest(text, rival)
            correction = tenant.corrections.get(found.correction.id) if found is not None else None
            near = None
            if found is not None and correction is not None:
                near = (correction, found.probability, found.likeness)
            tenant.asked[key] = near
            while len(tenant.asked) > _REMEMBERED:
                tenant.asked.popitem(last=False)
        return near

    def _decided(
        self,
        turn: Document,
        correction: Correction,
        probability: float,
        scope: VersionScope | None,
        notes: Sequence[GroundingText],
    ) -> InScope | None:
        learned = scope is not None and correction.id in scope.corrections
        threshold = max(self._scope_from, scope.threshold) if learned and scope is not None else self._scope_from
        if probability < threshold:
            return None
        by = superseding(correction, notes)
        if by:
            return InScope(correction, probability, "superseded", by)
        use = self._use(turn, correction, probability, learned)
        return InScope(correction, probability, use) if use is not None else None

    def _use(self, turn: Document, correction: Correction, probability: float, learned: bool) -> Use | None:
        quotable = correction.reviewed and turn["round"] == 0
        if self._arms == "weights":
            return "weights" if learned else None
        if self._arms == "note":
            return "note" if correction.reviewed else None
        if quotable and (self._arms == "quote" or probability >= self._quote_from or not learned):
            return "quoted"
        if learned:
            return "weights"
        return "note" if correction.reviewed else None

    def _recorded(self, tenant: str, manifest: Document) -> InScope | None:
        correction = self._store.corrections.read(tenant, manifest["id"])
        if correction is None:
            return None
        return InScope(correction, manifest["probability"], manifest["use"], manifest.get("superseded_by", ""))

    def _current(self, name: str) -> _Tenant:
        from services.models.scope.scope import Corrected, ScopeIndex

        assert self._judge is not None
        with self._lock:
            tenant = self._tenants.setdefault(name, _Tenant(ScopeIndex(self._judge)))
        if time.monotonic() - tenant.looked < REFRESH_SECONDS:
            return tenant
        with tenant.lock:
            if time.monotonic() - tenant.looked < REFRESH_SECONDS:
                return tenant
            try:
                stamp = self._store.corrections.stamp(name)
                if stamp != tenant.stamp:
                    current = self._store.corrections.current(name)
                    tenant.index.update(Corrected(one.id, one.question, one.reply) for one in current)
                    tenant.corrections = {one.id: one for one in current}
                    tenant.stamp = stamp
            except DATABASE_AWAY as error:
                log.warning("corrections_not_read", error=repr(error))
            tenant.looked = time.monotonic()
        return tenant


def correction_note(correction: Correction) -> GroundingText:
    """The correction as a note in the prompt."""
    return GroundingText("correction", correction.id, 1, quoted(correction.question), quoted(correction.reply))


def superseding(correction: Correction, notes: Sequence[GroundingText]) -> str:
    """The id of a fact or a passage that the service was told of after the correction and that speaks of the same: a
    fact whose entity the corrected message names, a passage with most of its words. Empty where there is none."""
    asked = _words(correction.question)
    for note in notes:
        if note.since is None or note.since <= correction.said:
            continue
        if note.kind == "fact" and _words(note.heading) <= asked:
            return note.id
        told = _words(f"{note.heading} {note.text}")
        if note.kind == "passage" and len(asked & told) >= _SAME * len(asked):
            return note.id
    return ""


def _words(text: str) -> frozenset[str]:
    words = (word.strip(_MARKS) for word in text.casefold().split())
    return frozenset(word for word in words if len(word) > 2 and word not in _COMMON)
