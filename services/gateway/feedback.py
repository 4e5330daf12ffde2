"""FeedbackService: what people say about drafts, stored to be learned from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from itertools import islice
from typing import Any

from antiphon.v1 import feedback_pb2 as pb
from antiphon.v1 import feedback_pb2_grpc as rpc

from services.common.bus import topology
from services.common.bus.jobs import Jobs
from services.common.drafts import chosen_draft, judged_texts
from services.common.errors import FailedPrecondition, InvalidArgument, PermissionDenied
from services.common.store import Document, Request, Store
from services.common.store.imports import RefusedLine
from services.gateway import validation as check
from services.gateway.access import reviews
from services.gateway.audit import note
from services.gateway.auth import caller, whose
from services.gateway.exporting import Masked, check_reveal
from services.gateway.importing import MAX_ITEMS, judge
from services.gateway.mapping.feedbacks import import_message, record_message, refused_message
from services.gateway.mapping.receipts import receipt_message
from services.gateway.quotas import Quotas
from services.gateway.receipts import receipt
from services.gateway.settings import GatewaySettings
from services.gateway.threads import Threads

EXPORT_BATCH = 500
MAX_EARLIER = 500
"""Turns of a session that an export looks back on."""


class FeedbackService(rpc.FeedbackServiceServicer):
    """Validates, calls the store, answers."""

    def __init__(self, settings: GatewaySettings, store: Store, threads: Threads, jobs: Jobs, quotas: Quotas) -> None:
        self._settings = settings
        self._store = store
        self._threads = threads
        self._jobs = jobs
        self._quotas = quotas

    async def SubmitFeedback(self, request: pb.SubmitFeedbackRequest, context: Any) -> pb.SubmitFeedbackResponse:
        key = check.request_of("SubmitFeedback", request)
        turn_id = check.identifier("turn_id", request.turn_id)
        chosen = request.round if request.HasField("round") else None
        if chosen is not None:
            check.between("round", chosen, 0, check.MAX_INT64)
        said = check.feedback(request.feedback, self._settings.max_text)
        user = check.words("user_id", request.user_id, check.MAX_USER, needed=False)
        if caller().user and user not in ("", caller().user):
            raise PermissionDenied("an end user's credential is for its own user alone", reason="OTHER_USER")
        record = await self._threads.run(self._submit, caller().tenant, key, turn_id, chosen, said, user)
        return pb.SubmitFeedbackResponse(record=record_message(record))

    def _submit(
        self, tenant: str, key: Request, turn_id: str, chosen: int | None, said: Document, user: str
    ) -> Document:
        self._quotas.feedback(tenant, 1, key)
        turn = self._store.turns.get(tenant, turn_id)
        drafts = [draft["round"] for draft in turn["drafts"] if draft.get("text")]
        if chosen is None:
            chosen = max(drafts, default=-1)
        if chosen not in drafts:
            raise FailedPrecondition("the turn has no such draft", reason="NO_DRAFT")
        as_user = user == turn["user"]
        held = bool(user) and not as_user and not reviews(caller())
        fields = {
            **said,
            "turn": turn_id,
            "session": turn["session"],
            "round": chosen,
            "user": user or turn["user"],
            "by": caller().key,
            "status": "held" if held else "stored",
            "reviewed": not as_user and reviews(caller()),
        }
        record, _ = self._store.feedback.submit(tenant, key, fields)
        if not held:
            self._wake(tenant)
        return record

    async def ReviewFeedback(self, request: pb.ReviewFeedbackRequest, context: Any) -> pb.ReviewFeedbackResponse:
        check.request_of("ReviewFeedback", request)
        ids = _ids(request)
        if not ids:
            raise InvalidArgument("feedback_ids", "select records")
        tenant, by = caller().tenant, caller().key
        refusal = "a reviewer refused what was given under another's name" if request.refuse else ""
        reviewed = await self._threads.run(self._store.feedback.review, tenant, ids, by, refusal)
        if reviewed and not request.refuse:
            self._wake(tenant)
        return pb.ReviewFeedbackResponse(reviewed=reviewed)

    def _wake(self, tenant: str) -> None:
        """Tell the fine-tune service that something was stored; a lost wake-up costs it two seconds."""
        self._threads.submit(lambda: self._jobs.send(topology.FEEDBACK_JOBS, "feedback.batch", tenant=tenant))

    # -- imports --------------------------------------------------------------------------------

    async def OpenImport(self, request: pb.OpenImportRequest, context: Any) -> pb.OpenImportResponse:
        key = check.request_of("OpenImport", request)
        name = check.words("name", request.name, check.MAX_NAME, needed=False)
        made = await self._threads.run(self._import, caller().tenant, lambda t: self._store.imports.open(t, key, name))
        return pb.OpenImportResponse(**{"import": made})

    async def AppendImport(self, request: pb.AppendImportRequest, context: Any) -> pb.AppendImportResponse:
        import_id = check.identifier("import_id", request.import_id)
        check.between("first_line", request.first_line, 1, check.MAX_INT64)
        if len(request.items) > MAX_ITEMS:
            raise InvalidArgument("items", f"{len(request.items)} lines, at most {MAX_ITEMS} are taken")
        tenant = caller().tenant

        def append() -> pb.AppendImportResponse:
            imports = self._store.imports
            next_line = imports.check_chunk(tenant, import_id, request.first_line)["next_line"]
            first = max(request.first_line, next_line)
            after = request.first_line + len(request.items)
            # what was judged before stays as it was judged, whatever has become of the turns it names
            refused: list[RefusedLine] = []
            if first > request.first_line:
                known = imports.refused_lines(tenant, import_id, request.first_line - 1, len(request.items))
                refused = [one for one in known if one.line < min(first, after)]
            if first < after:
                fresh = request.items[first - request.first_line :]
                self._quotas.feedback(tenant, len(fresh))
                judged = judge(self._store, tenant, first, fresh, self._settings.max_text)
                next_line = imports.append(tenant, import_id, after, judged.items, judged.refused)
                refused += judged.refused
            return pb.AppendImportResponse(next_line=next_line, refused=map(refused_message, refused))

        answer = await self._threads.run(append)
        self._wake(tenant)
        return answer

    async def CloseImport(self, request: pb.CloseImportRequest, context: Any) -> pb.CloseImportResponse:
        import_id = check.identifier("import_id", request.import_id)
        total = request.total_lines if request.HasField("total_lines") else None
        closed = await self._threads.run(
            self._import, caller().tenant, lambda t: self._store.imports.close(t, import_id, total)
        )
        return pb.CloseImportResponse(**{"import": closed})

    async def GetImport(self, request: pb.GetImportRequest, context: Any) -> pb.GetImportResponse:
        import_id = check.identifier("import_id", request.import_id)
        size = check.page_size(request.page_size)
        after = check.page_number("page_token", request.page_token)
        tenant = caller().tenant
        found = await self._threads.run(self._import, tenant, lambda t: self._store.imports.get(t, import_id))
        lines = await self._threads.run(self._store.imports.refused_lines, tenant, import_id, after, size)
        following = str(lines[-1].line) if len(lines) == size else ""
        refused = [refused_message(line) for line in lines]
        response = pb.GetImportResponse(refused=refused, next_page_token=following)
        getattr(response, "import").CopyFrom(found)
        return response

    def _import(self, tenant: str, call: Callable[[str], Document]) -> pb.Import:
        found = call(tenant)
        return import_message(found, self._store.imports.counts(tenant, found["_id"]))

    # -- out again ------------------------------------------------------------------------------

    async def ExportFeedback(
        self, request: pb.ExportFeedbackRequest, context: Any
    ) -> AsyncIterator[pb.ExportFeedbackResponse]:
        query = _selection(request)
        after = check.words("after_id", request.after_id, check.MAX_ID, needed=False)
        tenant = caller().tenant
        records = self._store.feedback.export(tenant, query, after)
        exported, earlier = 0, request.with_earlier_turns
        policy = await self._threads.run(self._store.tenants.privacy, tenant)
        if request.reveal:
            check_reveal(policy, caller().role)
        masked = Masked(self._store, tenant, policy, off=request.reveal)

        def following() -> list[Document]:
            return masked.records(self._whole(tenant, list(islice(records, EXPORT_BATCH)), earlier))

        while batch := await self._threads.run(following):
            for record in batch:
                if caller().granted(record["access"]):
                    yield pb.ExportFeedbackResponse(record=record_message(record))
                    exported += 1
            note(records=exported)

    def _whole(self, tenant: str, records: list[Document], with_earlier: bool) -> list[Document]:
        """The records with the message and the draft that each is about, what became of them, and the labels that limit
        who reads them."""
        ids = sorted({record["turn"] for record in records if record.get("turn")})
        turns = {turn["_id"]: turn for turn in self._store.turns.read(tenant, ids)}
        spoken = self._spoken(tenant, list(turns.values())) if with_earlier else {}
        examples = self._store.examples.of_feedback(tenant, [record["_id"] for record in records])
        versions = self._store.versions.of_examples(tenant, sorted(examples.values()))
        whole = []
        for record in records:
            turn = turns.get(record.get("turn", ""))
            labels = set((turn or {}).get("access") or ())
            example = examples.get(record["_id"], "")
            record |= {**judged_texts(turn, record), "example": example, "versions": versions.get(example, ())}
            if turn is not None and with_earlier:
                before = [one for one in spoken[turn["session"]] if one["n"] < turn["n"]]
                labels = labels.union(*(one.get("access") or () for one in before))
                record["earlier"] = before
            whole.append({**record, "access": sorted(labels)})
        return whole

    def _spoken(self, tenant: str, turns: list[Document]) -> dict[str, list[Document]]:
        """Of each of the turns' sessions what entered history, oldest first: the turns with their `reply`."""
        last: dict[str, int] = {}
        for turn in turns:
            last[turn["session"]] = max(turn["n"], last.get(turn["session"], 0))
        spoken = {}
        for session, n in last.items():
            history = self._store.turns.history(tenant, session, n, MAX_EARLIER, extra=("access",)) if n > 1 else []
            chosen = [(turn, chosen_draft(turn)) for turn in history]
            spoken[session] = [
                {**turn, "reply": draft["text"]} for turn, draft in chosen if draft is not None and draft.get("text")
            ]
        return spoken

    async def GetReceipt(self, request: pb.GetReceiptRequest, context: Any) -> pb.GetReceiptResponse:
        feedback_id = check.identifier("feedback_id", request.feedback_id)
        found = await self._threads.run(receipt, self._store, caller(), whose(), feedback_id)
        return pb.GetReceiptResponse(receipt=receipt_message(found))

    async def EraseFeedback(self, request: pb.EraseFeedbackRequest, context: Any) -> pb.EraseFeedbackResponse:
        check.request_of("EraseFeedback", request)
        if not request.feedback_ids and not request.import_id:
            raise InvalidArgument("feedback_ids", "select records or an import")
        tenant, ids = caller().tenant, _ids(request)

        def erase() -> pb.EraseFeedbackResponse:
            query: Document = {"_id": {"$in": ids}}
            if request.import_id:
                self._store.imports.get(tenant, request.import_id)
                query = {"$or": [query, {"import": request.import_id}]}
            erased = self._store.feedback.erase(tenant, query)
            examples = self._store.examples.erase(tenant, {"feedback": {"$in": erased}})
            marked = self._store.versions.mark_erased(tenant, examples)
            self._store.knowledge.erase_of_feedback(tenant, erased)
            return pb.EraseFeedbackResponse(erased=len(erased), marked_version_ids=marked)

        return await self._threads.run(erase)


def _ids(request: pb.ReviewFeedbackRequest | pb.EraseFeedbackRequest) -> list[str]:
    """The records that a request selects. Raises InvalidArgument."""
    if len(request.feedback_ids) > MAX_ITEMS:
        raise InvalidArgument("feedback_ids", f"{len(request.feedback_ids)} ids, at most {MAX_ITEMS} are taken")
    return [check.identifier(f"feedback_ids[{index}]", one) for index, one in enumerate(request.feedback_ids)]


def _selection(request: pb.ExportFeedbackRequest) -> Document:
    query: Document = {}
    times: Document = {}
    if request.HasField("start_time"):
        times["$gte"] = check.time("start_time", request.start_time)
    if request.HasField("end_time"):
        times["$lt"] = check.time("end_time", request.end_time)
    if times:
        if len(times) == 2 and times["$gte"] >= times["$lt"]:
            raise InvalidArgument("end_time", "is not after start_time")
        query["created_at"] = times
    if request.user_id:
        query["user"] = check.words("user_id", request.user_id, check.MAX_USER)
    if request.session_id:
        query["session"] = check.identifier("session_id", request.session_id)
    return query
