"""``/v1/conversations``: a conversation is a session."""

from __future__ import annotations

from typing import Any

from antiphon.errors import CallError
from antiphon.requests import new_request_id
from antiphon.v1.conversation_pb2 import (
    CreateSessionRequest,
    EraseSessionRequest,
    GetSessionRequest,
    ListTurnsRequest,
    Session,
    Turn,
)
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.web.errors import MISSING, WebError, error_response
from services.web.gateways import Gateways, metadata_of
from services.web.openai.body import Body, read_body, refuse
from services.web.openai.chat_request import MAX_USER, read_named
from services.web.openai.continuation import hashed
from services.web.openai.messages import read_messages
from services.web.openai.models import MAX_MODEL, PLAIN, schema_of
from services.web.openai.response_id import ResponseId
from services.web.openai.response_shown import input_items, output_items
from services.web.openai.tools import may_be_called

PAGE, MAX_PAGE = 20, 100
PARAMETERS = ("items", "metadata", "model", "user", "instructions")
_PARAMS = {"user_id": "user", "schema_name": "model", "request_id": "Idempotency-Key"}


class Conversations:
    """Makes, shows and erases conversations."""

    def __init__(self, gateways: Gateways) -> None:
        self._conversations = gateways.conversations

    def routes(self) -> list[Route]:
        """Its paths."""
        path = "/v1/conversations/{conversation_id}"
        return [
            Route("/v1/conversations", self.create, methods=["POST"]),
            Route(path, self.retrieve, methods=["GET"]),
            Route(path, self.delete, methods=["DELETE"]),
            Route(f"{path}/items", self.items, methods=["GET"]),
        ]

    async def create(self, request: Request) -> JSONResponse:
        """A conversation, with what was said before it as ``items``."""
        body, metadata = await read_body(request), metadata_of(request.headers)
        body.check_known(PARAMETERS)
        named = read_named(body, Body({}), {}, request.headers)
        create = CreateSessionRequest(
            request_id=hashed("key", "conversation", named.key) if named.key else new_request_id(),
            user_id=body.text("user", most=MAX_USER) or named.user or "anonymous",
            schema_name=schema_of(body.text("model", PLAIN, most=MAX_MODEL)),
            system_text=body.text("instructions"),
            labels=body.metadata(),
        )
        if body.items("items"):
            self._seed(create, body)
        try:
            answer = await self._conversations.CreateSession(create, metadata=metadata)
        except CallError as error:
            return error_response(error, _PARAMS)
        return JSONResponse(_shown(answer.session))

    @staticmethod
    def _seed(create: CreateSessionRequest, body: Body) -> None:
        """What was said before must end with the assistant: a message that is to be answered goes to a response."""
        ending = Body({"role": "user", "content": "-"}, "items")
        said = read_messages([*body.objects("items"), ending], "items")
        if said.last.text != "-":
            refuse("items", "must end with the assistant; what is to be answered goes to /v1/responses")
        create.history.extend(said.history_messages())
        create.system_text = "\n\n".join(filter(None, (create.system_text, said.system_text)))

    async def retrieve(self, request: Request) -> JSONResponse:
        """A conversation."""
        session = GetSessionRequest(session_id=request.path_params["conversation_id"])
        try:
            answer = await self._conversations.GetSession(session, metadata=metadata_of(request.headers))
        except CallError as error:
            return _refusal(error)
        return JSONResponse(_shown(answer.session))

    async def delete(self, request: Request) -> JSONResponse:
        """Erase a conversation with all that was said in it."""
        id = request.path_params["conversation_id"]
        erase = EraseSessionRequest(session_id=id)
        try:
            await self._conversations.EraseSession(erase, metadata=metadata_of(request.headers))
        except CallError as error:
            return _refusal(error)
        return JSONResponse({"id": id, "object": "conversation.deleted", "deleted": True})

    async def items(self, request: Request) -> JSONResponse:
        """What was said, the latest first unless ``order=asc``; ``after`` is the ``last_id`` of the page before."""
        query = request.query_params
        limit = query.get("limit", str(PAGE))
        if not (limit.isascii() and limit.isdecimal() and len(limit) <= 3) or not 1 <= int(limit) <= MAX_PAGE:
            refuse("limit", f"must be from 1 to {MAX_PAGE}")
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            refuse("order", "must be asc or desc")
        turns = ListTurnsRequest(
            session_id=request.path_params["conversation_id"],
            page_size=max(1, int(limit) // 2),
            page_token=query.get("after", ""),
            latest_first=order == "desc",
        )
        try:
            page = await self._conversations.ListTurns(turns, metadata=metadata_of(request.headers))
        except CallError as error:
            return _refusal(error)
        data = [item for turn in page.turns if not turn.excluded for item in _items(turn, order == "desc")]
        more = bool(page.next_page_token)
        return JSONResponse(
            {
                "object": "list",
                "data": data,
                "first_id": data[0]["id"] if data else None,
                "last_id": page.next_page_token if more else (data[-1]["id"] if data else None),
                "has_more": more,
            }
        )


def _refusal(error: CallError) -> JSONResponse:
    """Why a conversation is not shown or erased: an id that cannot be one is that of none."""
    if any(violation.field == "session_id" for violation in error.violations):
        missing = WebError("no such conversation", status=404, param="conversation_id", code="conversation_not_found")
        return error_response(missing)
    return error_response(error, {"page_token": "after", MISSING: "conversation_id"})


def _items(turn: Turn, backwards: bool) -> list[dict[str, Any]]:
    """A turn's message and the draft that counts."""
    items = input_items(turn)
    round = turn.accepted_round if turn.HasField("accepted_round") else turn.position.round
    callable = may_be_called(turn.offer)
    for draft in turn.drafts:
        if draft.round == round:
            items += output_items(ResponseId(turn.id, round), draft, callable=callable)
    return items[::-1] if backwards else items


def _shown(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "object": "conversation",
        "created_at": session.create_time.seconds,
        "metadata": dict(session.labels),
        "antiphon": {"model": session.schema_name or PLAIN, "user": session.user_id, "turns": session.last_turn_number},
    }
