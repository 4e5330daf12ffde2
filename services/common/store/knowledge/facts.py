"""Facts in MongoDB: every statement a new revision, what holds computed by `services.common.facts`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
)
from services.common.facts import FactRevision, Staleness, fact_id, resolve, undone
from services.common.names import key
from services.common.patience import patience, waited
from services.common.store.connection import Connection, Document
from services.common.store.knowledge.fact_documents import FactView, by_fact, fact_document, read_fact, view_of
from services.common.store.knowledge.log import UP, KnowledgeLog
from services.common.store.requests import Request

MAX_RESTS_ON = 20_000  # facts that a page's derived facts may rest on, at whatever remove


@dataclass(frozen=True)
class Statement:
    """A fact as somebody teaches it. `text` is the sentence it rests on or enters the prompt as."""

    entity: str
    slot: str
    value: str
    text: str = ""
    multi: bool = False
    authority: int = 0
    author: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    depends_on: tuple[tuple[str, int], ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FactChange:
    """What a write did: the revision written or now holding, its watermark, what holds no more."""

    fact: FactView | None
    watermark: int
    superseded: FactView | None = None


class FactStore:
    """Facts by (entity, slot). A write counts once it is in the log; the same request finds its own again."""

    def __init__(self, connection: Connection, log: KnowledgeLog) -> None:
        self._connection = connection
        self._log = log

    def teach_fact(self, tenant: str, statement: Statement, request: Request | None = None) -> FactChange:
        """Records an assertion; it supersedes what held for the entity and slot. KEPT.

        Raises InvalidArgument (an empty name, an empty time range), AlreadyExists (the request id came with
        another payload).
        """
        for name in ("entity", "slot", "value"):
            if not key(getattr(statement, name)):
                raise InvalidArgument(name, "must not be empty")
        moment = now()
        start = statement.valid_from or moment
        if statement.valid_to is not None and statement.valid_to <= start:
            raise InvalidArgument("valid_to", "must be after valid_from")
        revision = FactRevision(
            id=fact_id(statement.entity, statement.slot),
            revision=0,
            entity=statement.entity.strip(),
            slot=statement.slot.strip(),
            value=statement.value.strip(),
            multi=statement.multi,
            authority=statement.authority,
            author=statement.author,
            valid_from=start,
            dated=statement.valid_from is not None,
            valid_to=statement.valid_to,
            recorded_at=moment,
            span=statement.text,
            provenance=statement.provenance,
            depends_on=statement.depends_on,
        )
        return self._record(tenant, revision, request)

    def retract_fact(
        self,
        tenant: str,
        fact: str,
        *,
        value: str = "",
        authority: int = 0,
        author: str = "",
        expected_revision: int | None = None,
        request: Request | None = None,
    ) -> FactChange:
        """Takes back what holds of a fact (`value`: only that one of several). KEPT.

        Raises NotFound; FailedPrecondition (FACT_NOT_CURRENT); Aborted when `expected_revision` no longer holds.
        """
        repeated = self._repeated(tenant, request)
        if repeated is not None:
            return repeated
        revisions = self._revisions(tenant, fact)
        if not revisions:
            raise NotFound(f"no fact {fact}")
        current = resolve(revisions).current
        self._expect(revisions, current, expected_revision)
        if not current or (value and key(value) not in {key(one.value) for one in current}):
            raise FailedPrecondition("the fact does not hold", reason="FACT_NOT_CURRENT")
        moment = now()
        latest = max(one.valid_from for one in current)
        retraction = FactRevision(
            id=fact,
            revision=0,
            entity=current[-1].entity,
            slot=current[-1].slot,
            value=value,
            operation="retract",
            multi=current[-1].multi,
            authority=max([authority, *(one.authority for one in current)]),
            author=author,
            valid_from=max(moment, latest),
            recorded_at=moment,
        )
        return self._record(tenant, retraction, request)

    def undo_fact(
        self,
        tenant: str,
        fact: str,
        *,
        revision: int = 0,
        author: str = "",
        expected_revision: int | None = None,
        request: Request | None = None,
    ) -> FactChange:
        """Makes a statement (by default the last that still counts) as if never said; what it superseded holds
        again. KEPT.

        Raises NotFound; FailedPrecondition (NOTHING_TO_UNDO); Aborted when `expected_revision` no longer holds.
        """
        repeated = self._repeated(tenant, request)
        if repeated is not None:
            return repeated
        revisions = self._revisions(tenant, fact)
        if not revisions:
            raise NotFound(f"no fact {fact}")
        self._expect(revisions, resolve(revisions).current, expected_revision)
        gone = undone(revisions)
        counting = [
            one
            for one in revisions
            if one.operation != "undo" and one.revision not in gone and revision in (0, one.revision)
        ]
        if not counting:
            raise FailedPrecondition("no such statement about this fact counts any more", reason="NOTHING_TO_UNDO")
        last = counting[-1]
        undo = FactRevision(
            id=fact,
            revision=0,
            entity=last.entity,
            slot=last.slot,
            value="",
            operation="undo",
            multi=last.multi,
            authority=last.authority,
            author=author,
            valid_from=now(),
            recorded_at=now(),
            undoes=last.revision,
        )
        return self._record(tenant, undo, request)

    def list_facts(
        self,
        tenant: str,
        *,
        entity: str = "",
        slot: str = "",
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        after: tuple[str, str] = ("", ""),
        limit: int = 100,
        access: Set[str] | None = None,
    ) -> list[FactView]:
        """What holds, by entity and slot, of what labels of ``access`` let an asker see (None: any); `after` is the
        (entity, slot) key that the page before ended with.

        `as_of`: what was true then; `known_at`: by what had been recorded up to then. Stale facts are marked.
        A page ends with a whole fact, so that it may be longer than `limit` where the last one has many values.
        """
        query: Document = {"$or": [{"entity_key": after[0], "slot_key": {"$gt": after[1]}},
                                   {"entity_key": {"$gt": after[0]}}]}  # fmt: skip
        if entity:
            query["entity_key"] = key(entity)
        if slot:
            query["slot_key"] = key(slot)
        cursor = self._connection.scoped("facts", tenant).find(query)
        cursor = cursor.sort([("entity_key", UP), ("slot_key", UP), ("revision", UP)])
        views: list[FactView] = []
        for group in by_fact(waited(cursor)):
            if len(views) >= limit:
                break
            current = resolve(group, as_of, known_at).current
            views += [FactView(one, "current") for one in current if access is None or one.access <= access]
        rests_on = self._rests_on(tenant, [view.fact for view in views], as_of, known_at)
        staleness = Staleness(lambda fact: rests_on.get(fact, ()))
        return [replace(view, stale=True) if staleness.of(view.fact) else view for view in waited(views)]

    def _rests_on(
        self, tenant: str, facts: Sequence[FactRevision], as_of: datetime | None, known_at: datetime | None
    ) -> dict[str, tuple[FactRevision, ...]]:
        """What holds of everything that the facts were derived from, at whatever remove: one read for each remove."""
        found: dict[str, tuple[FactRevision, ...]] = {}
        reached = list(facts)
        while wanted := {other for fact in reached for other, _ in fact.depends_on} - found.keys():
            patience().check()
            if len(found) + len(wanted) > MAX_RESTS_ON:
                raise ResourceExhausted(
                    f"these facts rest on more than {MAX_RESTS_ON} others", retry_after=60.0, reason="TOO_LONG"
                )
            found.update(dict.fromkeys(wanted, ()))
            groups: dict[str, list[FactRevision]] = {}
            for revision in self.all_revisions(tenant, sorted(wanted)):
                groups.setdefault(revision.id, []).append(revision)
            found.update({fact: resolve(group, as_of, known_at).current for fact, group in groups.items()})
            reached = [revision for fact in wanted for revision in found[fact]]
        return found

    def fact_history(
        self, tenant: str, fact: str, before: int = 0, limit: int = 100, access: Set[str] | None = None
    ) -> list[FactView]:
        """All assertions and retractions of a fact, the latest first, from below `before`. Raises NotFound, also for a
        fact of which a statement has a label that is not in ``access`` (None: any)."""
        revisions = self._revisions(tenant, fact)
        if not revisions or any(access is not None and not one.access <= access for one in revisions):
            raise NotFound(f"no fact {fact}")
        resolution = resolve(revisions)
        views = [view_of(one, resolution, revisions) for one in reversed(revisions) if one.operation != "undo"]
        return [view for view in views if not before or view.fact.revision < before][:limit]

    def read_facts(self, tenant: str, references: Sequence[tuple[str, int]]) -> dict[tuple[str, int], FactRevision]:
        """These revisions by (fact, revision); missing ones are left out."""
        ids = [f"{tenant}/{fact}/{revision}" for fact, revision in references]
        rows = self._connection.scoped("facts", tenant).find({"_id": {"$in": ids}})
        return {(row["fact"], row["revision"]): read_fact(row) for row in rows}

    def all_revisions(self, tenant: str, facts: Iterable[str] | None = None) -> list[FactRevision]:
        """Every revision of these facts (None: of all), in order of fact and revision."""
        query: Document = {} if facts is None else {"fact": {"$in": list(facts)}}
        cursor = self._connection.scoped("facts", tenant).find(query).sort([("fact", UP), ("revision", UP)])
        return [read_fact(row) for row in waited(cursor)]

    def _record(self, tenant: str, revision: FactRevision, request: Request | None) -> FactChange:
        facts = self._connection.scoped("facts", tenant)
        while True:
            repeated = self._repeated(tenant, request)
            if repeated is not None:
                return repeated
            before = self._revisions(tenant, revision.id)
            number = before[-1].revision + 1 if before else 1
            document = fact_document(tenant, _after(before, revision), number)
            if request is not None:
                document["request"] = request.document()
            try:
                facts.insert_one(document)
                break
            except DuplicateKeyError:
                continue  # another statement took the number, or this request was served meanwhile
        return self._change(tenant, before, read_fact(document))

    def _change(self, tenant: str, before: list[FactRevision], written: FactRevision) -> FactChange:
        what = f"{written.id}/{written.revision}"
        watermark = self._log.append(tenant, what, "fact", [what])
        after = [*before, written]
        resolution = resolve(after)
        held = resolve(before).current
        lost = [one for one in held if one not in resolution.current]
        superseded = view_of(lost[-1], resolution, after) if lost else None
        if written.operation == "undo":
            current = resolution.current
            return FactChange(FactView(current[-1], "current") if current else None, watermark, superseded)
        if written.operation == "retract" and superseded is not None:
            return FactChange(superseded, watermark, superseded)
        return FactChange(view_of(written, resolution, after), watermark, superseded)

    def _repeated(self, tenant: str, request: Request | None) -> FactChange | None:
        if request is None:
            return None
        found = self._connection.scoped("facts", tenant).find_one(
            {"request.method": request.method, "request.id": request.id}
        )
        if found is None:
            return None
        if found["request"]["hash"] != request.hash:
            raise AlreadyExists("request_id was used with another payload")
        written = read_fact(found)
        before = [one for one in self._revisions(tenant, written.id) if one.revision < written.revision]
        return self._change(tenant, before, written)

    def _revisions(self, tenant: str, fact: str) -> list[FactRevision]:
        return self.all_revisions(tenant, [fact])

    @staticmethod
    def _expect(revisions: Sequence[FactRevision], current: Sequence[FactRevision], expected: int | None) -> None:
        if expected is None:
            return
        seen = max((one.revision for one in current), default=revisions[-1].revision)
        if expected != seen:
            raise Aborted(f"revision {expected} was expected, {seen} is the current one")


def _after(before: Sequence[FactRevision], said: FactRevision) -> FactRevision:
    """The statement, which holds from no earlier than what was recorded before it, unless its speaker gave the time."""
    if said.dated:
        return said
    return replace(said, valid_from=max([said.valid_from, *(one.valid_from for one in before if not one.dated)]))
