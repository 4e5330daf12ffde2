"""Batches of stored feedback: a record becomes an example, a preference, claims of facts, or a refusal."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog

from services.common import genai, metrics
from services.common.drafts import chosen_draft
from services.common.errors import AntiphonError
from services.common.last_words import moment
from services.common.privacy import Masker
from services.common.privacy.asking import Asked
from services.common.store import DATABASE_AWAY, Document, Store
from services.finetune.domain.lessons import Lesson, masked_lesson

log = structlog.get_logger(__name__)
OWN_SECONDS = 2.0
"""How long a batch may ask a tenant's documents for values, in all."""
SendClaims = Callable[[str, list[str]], None]


class Batcher(threading.Thread):
    """Processes what is stored, in batches, as soon as a wake-up comes and at the latest after ``wait_seconds``.

    Processing twice gives the same documents, so workers may overlap and die anywhere. ``send_claims`` hands the ids
    of records whose words may hold a fact to the knowledge service.
    """

    def __init__(self, store: Store, send_claims: SendClaims, size: int, wait_seconds: float) -> None:
        super().__init__(name="feedback-batches", daemon=True)
        self._store = store
        self._send_claims = send_claims
        self._size = size
        self._wait = wait_seconds
        self._wake = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        """Something new was stored."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        self.join(10)

    def run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._wait)
            self._wake.clear()
            try:
                while not self._stopping.is_set() and self.process():
                    pass
            except (*DATABASE_AWAY, AntiphonError) as error:
                log.warning("batch_not_processed", error=repr(error))
            except Exception:
                log.exception("batch_not_processed")

    def process(self) -> int:
        """One batch; answers how many records it took."""
        by_tenant: dict[str, list[Document]] = defaultdict(list)
        for record in self._store.feedback.waiting(self._size):
            by_tenant[record["tenant"]].append(record)
        for tenant, records in by_tenant.items():
            self._learn(tenant, records)
        return sum(map(len, by_tenant.values()))

    def _learn(self, tenant: str, records: list[Document]) -> None:
        ids = sorted({record["turn"] for record in records if record.get("turn")})
        turns = {turn["_id"]: turn for turn in self._store.turns.read(tenant, ids)}
        policy = self._store.tenants.privacy(tenant)
        own = Asked(partial(self._store.knowledge.is_own, tenant), OWN_SECONDS)
        lessons = {
            record["_id"]: self._lesson(record, turns.get(record.get("turn", "")), policy.masker(own))
            for record in records
        }
        words = [(lessons[record["_id"]], record, _source(record)) for record in records]
        self._store.examples.add(
            tenant,
            [
                {**learned.example, **source, "said": moment(record["created_at"], record["_id"])}
                for learned, record, source in words
                if learned.example is not None
            ],
        )
        self._store.examples.reject(
            tenant,
            [
                {**learned.rejected, **source, "unsaid": moment(record["created_at"], record["_id"])}
                for learned, record, source in words
                if learned.rejected is not None
            ],
        )
        preferences = {one: found.preference for one, found in lessons.items() if found.preference}
        claims = {one: found.claims for one, found in lessons.items() if found.claims}
        self._store.feedback.keep_signals(tenant, preferences, claims)
        if claims:
            self._send_claims(tenant, sorted(claims))
        for record in records:
            if record.get("rating") is not None:
                metrics.RATINGS.labels(str(record["rating"])).inc()
            turn = turns.get(record.get("turn", ""))
            if turn is not None:
                genai.judged(turn, _draft(turn, record.get("round")), record)
        self._store.feedback.processed(tenant, {one: found.refusal for one, found in lessons.items()})

    @staticmethod
    def _lesson(record: Document, turn: Document | None, masker: Masker | None) -> Lesson:
        if not record.get("turn"):
            return masked_lesson(masker, record, record.get("prompt", ""), record.get("reply", ""))
        if turn is None:
            return Lesson(refusal="the turn it is about is gone")
        draft = _draft(turn, record.get("round"))
        return masked_lesson(masker, record, turn["text"], str(draft.get("text", "")), _revised(turn, draft))


def _source(record: Document) -> Document:
    """Where an example comes from: the record, whose conversation it is of, whether a reviewer gave it, and of an
    agent's reply the suggestion that it betters."""
    source = {"feedback": record["_id"], "user": record.get("user", ""), "turn": record.get("turn", "")}
    source["reviewed"] = bool(record.get("reviewed") or record.get("import"))
    return {**source, **{name: record[name] for name in ("draft", "sent", "role") if name in record}}


def _draft(turn: Document, round_number: int | None) -> Mapping[str, Any]:
    if round_number is None:
        return chosen_draft(turn) or {}
    return next((one for one in turn["drafts"] if one["round"] == round_number), {})


def _revised(turn: Document, draft: Mapping[str, Any]) -> Document | None:
    """What a revised draft betters: the draft before, what was said of it, and how that was understood."""
    said = draft.get("feedback")
    before = [one for one in turn["drafts"] if one["round"] < draft.get("round", 0) and one.get("text")]
    if not said or not before:
        return None
    understood = (turn.get("understood") or {}).get(str(draft["round"])) or {}
    constraints = understood.get("constraints") or said.get("constraints") or []
    return {"reply": str(before[-1]["text"]), "comment": said.get("comment"), "constraints": constraints}
