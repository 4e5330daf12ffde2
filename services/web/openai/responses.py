"""``/v1/responses`` over the contract's turns: create, retrieve (and go on reading), cancel, delete, input items."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any

from antiphon import requests
from antiphon.errors import CallError
from antiphon.follow import ENDS, Follower
from antiphon.v1.conversation_pb2 import (
    DOUBLE_TEXTING_POLICY_UNSPECIFIED,
    TURN_STATUS_HELD,
    TURN_STATUS_WAITING,
    CancelTurnRequest,
    EraseSessionRequest,
    GetSessionRequest,
    GetTurnRequest,
    Session,
    Turn,
    TurnEvent,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.web.errors import MISSING, WebError, error_response
from services.web.gateways import Gateways, Metadata, metadata_of
from services.web.openai.body import read_body
from services.web.openai.chat import PARAMS, TURN_HEADER, joined
from services.web.openai.chat_request import SESSION_HEADER
from services.web.openai.draft_shown import TAKEN_OVER, failure
from services.web.openai.events import EventStream
from services.web.openai.reply_formats import format_names
from services.web.openai.response_events import ResponseEvents, read_reader
from services.web.openai.response_id import ResponseId, no_response, read_response_id
from services.web.openai.response_session import ResponseSession
from services.web.openai.response_shown import (
    Asked,
    asked_of,
    draft_of_round,
    input_items,
    response_object,
    response_of,
    status_of,
    understood,
)
from services.web.openai.responses_request import ResponseRequest, read_response
from services.web.serving import Serving

_PARAMS = {
    "settings.max_tokens": "max_output_tokens",
    "session_id": "conversation",
    "system_text": "instructions",
    MISSING: "conversation",
}
_FORMAT = format_names("text.format")
_ENDED = ("completed", "cancelled", "failed", "incomplete")


class Responses:
    """Answers requests for responses."""

    def __init__(self, gateways: Gateways, serving: Serving) -> None:
        self._gateways = gateways
        self._serving = serving

    def routes(self) -> list[Route]:
        """Its paths."""
        path = "/v1/responses/{response_id}"
        return [
            Route("/v1/responses", self.create, methods=["POST"]),
            Route(path, self.retrieve, methods=["GET"]),
            Route(path, self.delete, methods=["DELETE"]),
            Route(f"{path}/cancel", self.cancel, methods=["POST"]),
            Route(f"{path}/input_items", self.input_items, methods=["GET"]),
        ]

    # -- create ---------------------------------------------------------------------------------

    async def create(self, request: Request) -> Response | EventStream:
        """A response: whole, as events, or left to be written in the background."""
        wanted = read_response(await read_body(request), request.headers)
        metadata = metadata_of(request.headers)
        session = ResponseSession(self._gateways, metadata, wanted)
        try:
            session_id, made = await session.find()
            follower = _follower(wanted, session, session_id, made)
            asked = wanted.repeated(session_id)
            return await self.begun(follower, asked, metadata, stream=wanted.stream, background=wanted.background)
        except CallError as error:
            await session.undo()
            names = {**PARAMS, **_PARAMS, **wanted.conversation.params(), **wanted.tools.names, **_FORMAT}
            return error_response(error, names)

    async def begun(
        self, follower: Follower, asked: Asked, metadata: Metadata, *, stream: bool, background: bool
    ) -> Response | EventStream:
        """The answer to a call that begins a round. Raises CallError where it is refused."""
        events: Any = self._gateways.follow(follower, metadata)
        first: TurnEvent = await anext(events)
        id = ResponseId(first.turn_id, first.position.round)
        headers = {SESSION_HEADER: asked.session_id, TURN_HEADER: id.turn_id}
        created = int(time.time())
        if stream:
            written = ResponseEvents(id, asked, created).written(joined(first, events))
            return self._stream(written, headers)
        held = not background and await until_held(joined(first, events))
        await events.aclose()
        if background:
            status = "queued" if first.accepted.status == TURN_STATUS_WAITING else "in_progress"
            return JSONResponse(response_object(id, asked, status, created), headers=headers)
        return JSONResponse(await self._ended(id, asked, metadata, held=held), headers=headers)

    async def _ended(self, id: ResponseId, asked: Asked, metadata: Metadata, *, held: bool) -> dict[str, Any]:
        """A response whose round has ended, or that waits for a person. Raises WebError where it has failed."""
        turn = await self.turn(id, metadata)
        if held:
            asked = replace(asked, held_by=(await self.session(turn, metadata)).held_by)
        if status_of(turn, id, draft_of_round(turn, id.round)) == "failed":
            raise failure(turn.error)
        return response_of(turn, id, asked)

    def _stream(self, events: AsyncGenerator[bytes, None], headers: dict[str, str]) -> EventStream:
        return EventStream(events, ping_seconds=self._serving.ping_seconds, headers=headers)

    # -- what is there --------------------------------------------------------------------------

    async def turn(self, id: ResponseId, metadata: Metadata) -> Turn:
        """The turn of a response. Raises WebError (404) for a round that it has not had."""
        try:
            answer = await self._gateways.conversations.GetTurn(GetTurnRequest(turn_id=id.turn_id), metadata=metadata)
        except CallError as error:
            if error.code.name == "NOT_FOUND":
                raise no_response() from error
            raise
        if id.round > answer.turn.position.round:
            raise no_response()
        return answer.turn

    async def session(self, turn: Turn, metadata: Metadata) -> Session:
        """The session of a turn."""
        request = GetSessionRequest(session_id=turn.session_id)
        return (await self._gateways.conversations.GetSession(request, metadata=metadata)).session

    async def retrieve(self, request: Request) -> Response | EventStream:
        """A response as it stands; with ``stream`` its events after ``starting_after``, until it has ended."""
        id, metadata = read_response_id(request.path_params["response_id"]), metadata_of(request.headers)
        stream = request.query_params.get("stream", "false")
        if stream not in ("true", "false"):
            raise WebError("stream: must be true or false", param="stream", code="invalid_value")
        reader = read_reader(request.query_params.get("starting_after"))
        turn = await self.turn(id, metadata)
        draft = draft_of_round(turn, id.round)
        status = status_of(turn, id, draft)
        asked = asked_of(await self.session(turn, metadata), turn)
        if stream == "false":
            return JSONResponse(response_of(turn, id, asked))
        headers = {SESSION_HEADER: turn.session_id, TURN_HEADER: turn.id}
        told = ResponseEvents(id, asked, turn.create_time.seconds, reader)
        if status in _ENDED and status != "failed" and draft is not None:
            attempt = turn.position.attempt if id.round == turn.position.round else reader.attempt
            return self._stream(_all(told.of_draft(draft, status, attempt, understood(turn))), headers)
        # From the beginning: only who knows what its reader has can tell whether another attempt says the same.
        events: Any = self._gateways.follow(requests.attach(id.turn_id, None, wait=False), metadata)
        first: TurnEvent = await anext(events)
        return self._stream(told.written(joined(first, events)), headers)

    async def cancel(self, request: Request) -> JSONResponse:
        """Stop the writing; what has ended already stays as it is."""
        id, metadata = read_response_id(request.path_params["response_id"]), metadata_of(request.headers)
        turn = await self.turn(id, metadata)
        if id.round == turn.position.round:
            answer = await self._gateways.conversations.CancelTurn(
                CancelTurnRequest(turn_id=id.turn_id), metadata=metadata
            )
            turn = answer.turn
        asked = asked_of(await self.session(turn, metadata), turn)
        return JSONResponse(response_of(turn, id, asked))

    async def delete(self, request: Request) -> JSONResponse:
        """Erase a response that is all of its conversation; one among others is erased with the conversation."""
        id, metadata = read_response_id(request.path_params["response_id"]), metadata_of(request.headers)
        turn = await self.turn(id, metadata)
        session = await self.session(turn, metadata)
        if session.last_turn_number > 1:
            raise WebError(
                f"it is part of a conversation: DELETE /v1/conversations/{session.id} erases all of it",
                status=409, param="response_id", code="part_of_conversation", type="conflict_error",
            )  # fmt: skip
        erase = EraseSessionRequest(session_id=session.id)
        await self._gateways.conversations.EraseSession(erase, metadata=metadata)
        return JSONResponse({"id": str(id), "object": "response.deleted", "deleted": True})

    async def input_items(self, request: Request) -> JSONResponse:
        """What the user and their tools said."""
        id, metadata = read_response_id(request.path_params["response_id"]), metadata_of(request.headers)
        turn = await self.turn(id, metadata)
        data = input_items(turn)
        return JSONResponse(
            {"object": "list", "data": data, "first_id": data[0]["id"], "last_id": data[-1]["id"], "has_more": False}
        )


async def until_held(events: AsyncIterator[TurnEvent]) -> bool:
    """Read on until a person has the turn (true) or it has ended."""
    async for event in events:
        kind = event.WhichOneof("event")
        if kind == "restarted" and event.restarted.reason == TAKEN_OVER:
            return True
        if kind == "accepted" and event.accepted.status == TURN_STATUS_HELD:
            return True
        if kind in ENDS:
            return False
    return False


async def _all(events: Any) -> AsyncGenerator[bytes, None]:
    for event in events:
        yield event


def _follower(wanted: ResponseRequest, session: ResponseSession, session_id: str, made: Turn | None) -> Follower:
    """Follows the request's turn: a new one, or the one that it has made before."""
    goes_on = bool(wanted.session_id or wanted.previous)  # a person may have taken it over: the end is not all there is
    waits = not wanted.stream and not wanted.background and not goes_on
    if made is not None and not wanted.named.key:
        return requests.attach(made.id, None, wait=waits)
    return requests.send(
        session_id,
        wanted.conversation.last.text,
        settings=wanted.settings,
        policy=DOUBLE_TEXTING_POLICY_UNSPECIFIED,
        min_watermark=0,
        without_knowledge=wanted.without_knowledge,
        wait=waits,
        request_id=session.request_id("turn"),
        offer=wanted.tools.offer if wanted.tools.offer.tools else None,
        tool_results=wanted.conversation.last.results,
    )
