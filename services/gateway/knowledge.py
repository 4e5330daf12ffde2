"""KnowledgeService: facts, candidates and searches; the upload of documents is in ``documents``."""

from __future__ import annotations

import json
from typing import Any

from antiphon.v1 import knowledge_pb2 as pb
from antiphon.v1 import knowledge_pb2_grpc as rpc

from services.common.bus.jobs import Jobs
from services.common.clock import now
from services.common.errors import InvalidArgument, PermissionDenied
from services.common.facts import fact_id
from services.common.names import key
from services.common.patience import patient_for
from services.common.store import Store
from services.common.store.knowledge import FactChange, FactView, Statement
from services.common.store.knowledge.uses import Used
from services.gateway import validation as check
from services.gateway.auth import caller
from services.gateway.documents import DocumentRpcs
from services.gateway.mapping.knowledge import (
    CANDIDATES,
    candidate_message,
    fact_message,
    fact_or_none,
    passage_message,
    provenance_json,
    use_message,
)
from services.gateway.quotas import Quotas
from services.gateway.searching import Searching
from services.gateway.settings import GatewaySettings
from services.gateway.threads import Threads

MAX_ENTITY, MAX_SLOT, MAX_VALUE, MAX_TEXT = 256, 128, 2_000, 4_000
MAX_DEPENDS = 100
LONGEST_READ = 10.0  # seconds; a read whose caller goes ends at once
MAX_QUERY, MAX_HITS = 4_000, 100
_USED: dict[str, Used] = {"passage_id": "passage", "document_name": "document", "fact_id": "fact"}
Context = Any


class KnowledgeService(DocumentRpcs, rpc.KnowledgeServiceServicer):
    """Validates, calls the store, answers."""

    def __init__(
        self,
        settings: GatewaySettings,
        store: Store,
        threads: Threads,
        searching: Searching,
        jobs: Jobs,
        quotas: Quotas,
    ) -> None:
        self._settings = settings
        self._store = store
        self._threads = threads
        self._searching = searching
        self._jobs = jobs
        self._quotas = quotas

    # -- facts ----------------------------------------------------------------------------------

    async def TeachFact(self, request: pb.TeachFactRequest, context: Context) -> pb.TeachFactResponse:
        made = check.request_of("TeachFact", request)
        statement = _statement(request)
        tenant = caller().tenant

        def teach() -> FactChange:
            self._quotas.fact(tenant, statement.entity, statement.slot)
            return self._store.knowledge.teach_fact(tenant, statement, made)

        change = await self._threads.run(teach)
        superseded = change.superseded
        if superseded is not None and not caller().granted(superseded.fact.access):
            superseded = None
        return pb.TeachFactResponse(
            fact=fact_or_none(change.fact), watermark=change.watermark, superseded=fact_or_none(superseded)
        )

    def _check_sight(self, fact: str) -> None:
        """Raises NotFound where a statement about the fact has a label that was not granted."""
        who = caller()
        if who.labels is not None:
            self._store.knowledge.fact_history(who.tenant, fact, limit=1, access=who.labels)

    async def RetractFact(self, request: pb.RetractFactRequest, context: Context) -> pb.RetractFactResponse:
        made = check.request_of("RetractFact", request)
        fact = check.identifier("fact_id", request.fact_id)
        await self._threads.run(self._check_sight, fact)
        change = await self._threads.run(
            self._store.knowledge.retract_fact,
            caller().tenant,
            fact,
            value=check.words("value", request.value, MAX_VALUE, needed=False),
            author=check.words("author", request.author, check.MAX_USER, needed=False) or caller().key,
            expected_revision=_expected(request),
            request=made,
        )
        return pb.RetractFactResponse(fact=fact_or_none(change.fact), watermark=change.watermark)

    async def UndoFact(self, request: pb.UndoFactRequest, context: Context) -> pb.UndoFactResponse:
        made = check.request_of("UndoFact", request)
        fact = check.identifier("fact_id", request.fact_id)
        check.between("revision", request.revision, 0, check.MAX_INT64)
        await self._threads.run(self._check_sight, fact)
        change = await self._threads.run(
            self._store.knowledge.undo_fact,
            caller().tenant,
            fact,
            revision=request.revision,
            author=check.words("author", request.author, check.MAX_USER, needed=False) or caller().key,
            expected_revision=_expected(request),
            request=made,
        )
        return pb.UndoFactResponse(fact=fact_or_none(change.fact), watermark=change.watermark)

    async def ListFacts(self, request: pb.ListFactsRequest, context: Context) -> pb.ListFactsResponse:
        entity = check.words("entity", request.entity, MAX_ENTITY, needed=False)
        slot = check.words("slot", request.slot, MAX_SLOT, needed=False)
        size = check.page_size(request.page_size)
        as_of = check.time("as_of", request.as_of) if request.HasField("as_of") else None
        known_at = check.time("known_at", request.known_at) if request.HasField("known_at") else None
        after = _pair_token(request.page_token)
        with patient_for(LONGEST_READ):
            views: list[FactView] = await self._threads.run(
                self._store.knowledge.list_facts,
                caller().tenant,
                entity=entity,
                slot=slot,
                as_of=as_of,
                known_at=known_at,
                after=after,
                limit=size,
                access=caller().labels,
            )
        following = ""
        if len(views) >= size:
            last = views[-1].fact
            following = json.dumps([key(last.entity), key(last.slot)])
        return pb.ListFactsResponse(facts=[fact_message(one) for one in views], next_page_token=following)

    async def FactHistory(self, request: pb.FactHistoryRequest, context: Context) -> pb.FactHistoryResponse:
        size = check.page_size(request.page_size)
        before = check.page_number("page_token", request.page_token)
        if request.fact_id:
            fact = check.identifier("fact_id", request.fact_id)
        else:
            entity = check.words("entity", request.entity, MAX_ENTITY)
            fact = fact_id(entity, check.words("slot", request.slot, MAX_SLOT))
        views: list[FactView] = await self._threads.run(
            self._store.knowledge.fact_history,
            caller().tenant,
            fact,
            before=before,
            limit=size,
            access=caller().labels,
        )
        following = str(views[-1].fact.revision) if len(views) == size else ""
        return pb.FactHistoryResponse(revisions=[fact_message(one) for one in views], next_page_token=following)

    # -- candidates -----------------------------------------------------------------------------

    async def ListCandidates(self, request: pb.ListCandidatesRequest, context: Context) -> pb.ListCandidatesResponse:
        check.choice("status", pb.CandidateStatus, request.status)
        status = CANDIDATES.get(request.status, "waiting")
        size = check.page_size(request.page_size)
        before = check.words("page_token", request.page_token, check.MAX_ID, needed=False)
        tenant = caller().tenant

        def read() -> list[pb.Candidate]:
            found = self._store.knowledge.list_candidates(tenant, status, before=before, limit=size)
            return [
                candidate_message(one, self._conflict(tenant, one) if status == "waiting" else None) for one in found
            ]

        candidates = await self._threads.run(read)
        following = candidates[-1].id if len(candidates) == size else ""
        return pb.ListCandidatesResponse(candidates=candidates, next_page_token=following)

    def _conflict(self, tenant: str, candidate: dict[str, Any]) -> FactView | None:
        """The fact that holds now for what a candidate speaks of."""
        held: list[FactView] = self._store.knowledge.list_facts(
            tenant, entity=candidate["entity"], slot=candidate["slot"], limit=1, access=caller().labels
        )
        return held[0] if held else None

    async def ConfirmCandidate(
        self, request: pb.ConfirmCandidateRequest, context: Context
    ) -> pb.ConfirmCandidateResponse:
        check.request_of("ConfirmCandidate", request)
        candidate = check.identifier("candidate_id", request.candidate_id)
        decision = await self._threads.run(
            self._store.knowledge.decide_candidate,
            caller().tenant,
            candidate,
            reject=request.reject,
            entity=check.words("entity", request.entity, MAX_ENTITY, needed=False),
            slot=check.words("slot", request.slot, MAX_SLOT, needed=False),
            value=check.words("value", request.value, MAX_VALUE, needed=False),
            author=caller().key,
        )
        change = decision.change
        return pb.ConfirmCandidateResponse(
            candidate=candidate_message(decision.candidate),
            fact=fact_or_none(change.fact) if change else None,
            watermark=change.watermark if change else 0,
        )

    # -- reading --------------------------------------------------------------------------------

    async def Search(self, request: pb.SearchRequest, context: Context) -> pb.SearchResponse:
        query = check.words("query", request.query, MAX_QUERY)
        check.between("limit", request.limit, 0, MAX_HITS)
        watermark = check.watermark("min_watermark", request.min_watermark)
        wanted = check.label_words("labels", request.labels)
        tenant, limit = caller().tenant, request.limit or 10
        access = [one.removeprefix(check.ACCESS) for one in wanted if one.startswith(check.ACCESS)]
        if not caller().granted(access):
            raise PermissionDenied("the credential was not granted these labels of access", reason="LABEL_NOT_GRANTED")
        found = await self._searching.search(tenant, query, MAX_HITS if wanted else limit, watermark, access)
        hits = await self._threads.run(self._hits, tenant, found, set(wanted))
        return pb.SearchResponse(hits=hits[:limit], watermark=found["watermark"])

    def _hits(self, tenant: str, found: dict[str, Any], wanted: set[str]) -> list[pb.SearchHit]:
        """What the references stand for, the best first; what was deleted meanwhile is left out."""
        rows = self._store.knowledge.read_passages(tenant, [one["id"] for one in found["passages"]])
        labels = self._store.knowledge.labels_of(tenant, [row["source"] for row in rows.values()]) if wanted else {}
        hits = []
        for one in found["passages"]:
            row = rows.get(one["id"])
            if row is not None and wanted <= labels.get(row["source"], set()):
                hits.append(pb.SearchHit(passage=passage_message(row), score=one["score"]))
        facts = self._store.knowledge.read_facts(tenant, [(one["id"], one["revision"]) for one in found["facts"]])
        for one in found["facts"]:
            fact = facts.get((one["id"], one["revision"]))
            if fact is not None and wanted <= set(fact.provenance.get("labels") or ()):
                hits.append(pb.SearchHit(fact=fact_message(FactView(fact, "current")), score=one["score"]))
        return sorted(hits, key=lambda hit: -hit.score)

    async def UsedBy(self, request: pb.UsedByRequest, context: Context) -> pb.UsedByResponse:
        which = request.WhichOneof("used")
        if which is None:
            raise InvalidArgument("used", "name a passage, a document or a fact")
        name = check.words(which, getattr(request, which), check.MAX_NAME)
        check.between("revision", request.revision, 0, check.MAX_INT64)
        size = check.page_size(request.page_size)
        before = check.words("page_token", request.page_token, check.MAX_ID, needed=False)
        uses = await self._threads.run(
            self._store.knowledge.used_by,
            caller().tenant,
            _USED[which],
            self._document(name) if which == "document_name" else name,
            revision=request.revision,
            before=before,
            limit=size,
        )
        following = uses[-1].turn if len(uses) >= size else ""
        return pb.UsedByResponse(uses=[use_message(one) for one in uses], next_page_token=following)


def _statement(request: pb.TeachFactRequest) -> Statement:
    """The fact as it is taught. Raises InvalidArgument."""
    entity = check.words("entity", request.entity, MAX_ENTITY)
    slot = check.words("slot", request.slot, MAX_SLOT)
    value = check.words("value", request.value, MAX_VALUE)
    text = check.words("text", request.text, MAX_TEXT, needed=False)
    start = check.time("valid_from", request.valid_from) if request.HasField("valid_from") else None
    end = check.time("valid_to", request.valid_to) if request.HasField("valid_to") else None
    if end is not None and end <= (start or now()):
        raise InvalidArgument("valid_to", "must be after valid_from, and not over already")
    if len(request.depends_on) > MAX_DEPENDS:
        raise InvalidArgument("depends_on", f"{len(request.depends_on)} facts, at most {MAX_DEPENDS} are taken")
    for index, one in enumerate(request.depends_on):
        check.identifier(f"depends_on[{index}].id", one.id)
        check.between(f"depends_on[{index}].revision", one.revision, 1, check.MAX_INT64)
    check.between("authority", request.authority, -1_000_000, 1_000_000)
    for name in ("turn_id", "feedback_id", "document_name", "author", "quote"):
        check.words(f"provenance.{name}", getattr(request.provenance, name), MAX_TEXT, needed=False)
    provenance: dict[str, Any] = dict(provenance_json(request.provenance))
    labels = check.label_words("labels", request.labels)
    if labels:
        provenance["labels"] = labels
    return Statement(
        entity=entity,
        slot=slot,
        value=value,
        text=text,
        multi=request.multi,
        authority=request.authority,
        author=request.provenance.author or caller().key,
        valid_from=start,
        valid_to=end,
        depends_on=tuple((one.id, one.revision) for one in request.depends_on),
        provenance=provenance,
    )


def _expected(request: pb.RetractFactRequest | pb.UndoFactRequest) -> int | None:
    if not request.HasField("expected_revision"):
        return None
    check.between("expected_revision", request.expected_revision, 0, check.MAX_INT64)
    return request.expected_revision


def _pair_token(token: str) -> tuple[str, str]:
    if not token:
        return ("", "")
    try:
        entity, slot = json.loads(check.words("page_token", token, 2_000))
        if isinstance(entity, str) and isinstance(slot, str):
            return (entity, slot)
    except (ValueError, TypeError):
        pass
    raise InvalidArgument("page_token", "is no token of a page before")
