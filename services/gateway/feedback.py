"""FeedbackService: what people say about drafts, stored to be learned from."""

from __future__ import annotations

from typing import Any

from antiphon.v1 import feedback_pb2 as pb
from antiphon.v1 import feedback_pb2_grpc as rpc

from services.common.errors import FailedPrecondition
from services.common.store import Document, Request, Store
from services.gateway import validation as check
from services.gateway.auth import caller
from services.gateway.mapping.feedbacks import record_message
from services.gateway.settings import GatewaySettings
from services.gateway.threads import Threads


class FeedbackService(rpc.FeedbackServiceServicer):
    """Validates, calls the store, answers."""

    def __init__(self, settings: GatewaySettings, store: Store, threads: Threads) -> None:
        self._settings = settings
        self._store = store
        self._threads = threads

    async def SubmitFeedback(self, request: pb.SubmitFeedbackRequest, context: Any) -> pb.SubmitFeedbackResponse:
        key = check.request_of("SubmitFeedback", request)
        turn_id = check.identifier("turn_id", request.turn_id)
        chosen = request.round if request.HasField("round") else None
        if chosen is not None:
            check.between("round", chosen, 0, check.MAX_INT64)
        said = check.feedback(request.feedback, self._settings.max_text)
        user = check.words("user_id", request.user_id, check.MAX_USER, needed=False)
        record = await self._threads.run(self._submit, caller().tenant, key, turn_id, chosen, said, user)
        return pb.SubmitFeedbackResponse(record=record_message(record))

    def _submit(
        self, tenant: str, key: Request, turn_id: str, chosen: int | None, said: Document, user: str
    ) -> Document:
        turn = self._store.turns.get(tenant, turn_id)
        drafts = [draft["round"] for draft in turn["drafts"] if draft.get("text")]
        if chosen is None:
            chosen = max(drafts, default=-1)
        if chosen not in drafts:
            raise FailedPrecondition("the turn has no such draft", reason="NO_DRAFT")
        fields = {
            **said,
            "turn": turn_id,
            "session": turn["session"],
            "round": chosen,
            "user": user or turn["user"],
            "status": "stored",
        }
        return self._store.feedback.submit(tenant, key, fields)[0]
