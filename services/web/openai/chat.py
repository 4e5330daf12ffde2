"""``/v1/chat/completions`` over the contract's turns."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any

from antiphon.errors import CallError
from antiphon.v1.conversation_pb2 import FINISH_REASON_LENGTH, CancelTurnRequest, Draft, TurnEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.common.tools.calls import call_id
from services.web.errors import MISSING, error_body, error_response
from services.web.gateways import Gateways, Metadata, metadata_of
from services.web.openai.body import read_body
from services.web.openai.chat_request import SESSION_HEADER, ChatRequest, read_chat
from services.web.openai.continuation import Begun, Continuation
from services.web.openai.draft_shown import failure, shown
from services.web.openai.events import DONE, EventStream, data
from services.web.openai.reply_formats import format_names
from services.web.openai.steady import Diverged, SteadyText
from services.web.openai.tools import Piece, grown, held_back, shown_call, spoken_text
from services.web.serving import Serving

FORMAT_NAMES = format_names("response_format.json_schema")
TURN_HEADER = "x-antiphon-turn"
# The contract's names for what a request calls otherwise.
PARAMS = {
    "settings.temperature": "temperature",
    "settings.top_p": "top_p",
    "settings.max_tokens": "max_tokens",
    "settings.stop": "stop",
    "settings.seed": "seed",
    "user_id": "user",
    "schema_name": "model",
    "session_id": "session",
    "system_text": "messages",
    "request_id": "Idempotency-Key",
    MISSING: "session",
}


class ChatCompletions:
    """Answers requests for chat completions."""

    def __init__(self, gateways: Gateways, serving: Serving) -> None:
        self._gateways = gateways
        self._serving = serving

    def routes(self) -> list[Route]:
        """Its path."""
        return [Route("/v1/chat/completions", self.create, methods=["POST"])]

    async def create(self, request: Request) -> Response | EventStream:
        """A completion, whole or as events."""
        chat = read_chat(await read_body(request), request.headers)
        metadata = metadata_of(request.headers)
        continuation = Continuation(self._gateways, metadata, chat, wait=not chat.stream)
        try:
            begun = await continuation.begin()
            first = await anext(begun.events)
        except CallError as error:
            await continuation.undo()
            return error_response(error, {**PARAMS, **chat.conversation.params(), **chat.tools.names, **FORMAT_NAMES})
        headers = {SESSION_HEADER: begun.session_id, TURN_HEADER: first.turn_id}
        if not chat.stream:
            await begun.events.aclose()
            return self._whole(chat, begun, first, headers)
        chunks = Chunks(chat, begun.session_id, first)
        keeps = bool(chat.named.key)  # the client means to ask again

        async def cancel() -> None:
            if not keeps and not self._serving.draining:
                await self._cancel(first.turn_id, metadata)

        return EventStream(
            chunks.written(first, begun.events),
            ping_seconds=self._serving.ping_seconds,
            headers=headers,
            left=cancel,
        )

    def _whole(self, chat: ChatRequest, begun: Begun, end: TurnEvent, headers: Mapping[str, str]) -> Response:
        draft = draft_of(end)
        body = {
            "id": completion_id(end),
            "object": "chat.completion",
            "created": int(time.time()),
            "model": chat.model,
            "choices": [
                {
                    "index": 0,
                    "message": message(end.turn_id, draft, callable=chat.tools.callable),
                    "logprobs": None,
                    "finish_reason": finish_reason(draft),
                }
            ],
            "usage": usage(draft),
            "system_fingerprint": draft.manifest.version_id or None,
            "antiphon": {"session": begun.session_id, "turn": end.turn_id, **shown(draft)},
        }
        return JSONResponse(body, headers=dict(headers))

    async def _cancel(self, turn_id: str, metadata: Metadata) -> None:
        """What nobody reads any more is not written on: a reader of a chat stops it by going."""
        with suppress(CallError):  # the turn ends by itself
            await self._gateways.conversations.CancelTurn(CancelTurnRequest(turn_id=turn_id), metadata=metadata)


class Chunks:
    """The events of one streamed completion."""

    def __init__(self, chat: ChatRequest, session_id: str, first: TurnEvent) -> None:
        self._chat = chat
        self._session_id = session_id
        self._turn_id = first.turn_id
        self._shape: dict[str, Any] = {
            "id": completion_id(first),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": chat.model,
            "system_fingerprint": first.accepted.version_id or None,
        }

    async def written(self, first: TurnEvent, events: AsyncGenerator[TurnEvent, None]) -> AsyncGenerator[bytes, None]:
        """The role, the words, the end, the usage where it was asked for; an error where there is one."""
        text, callable, known = SteadyText(), self._chat.tools.callable, ""
        yield self._chunk({"role": "assistant", "content": None if callable else "", "refusal": None})
        try:
            async with aclosing(events):
                async for event in joined(first, events):
                    if words := text.take(event):
                        for piece in grown(known, known + words, callable=callable):
                            yield self._chunk(self._delta(piece, event.position.round))
                        known += words
                    if event.WhichOneof("event") in ("completed", "cancelled", "failed"):
                        if words := held_back(known, callable=callable):
                            yield self._chunk({"content": words})
                        for end in self._end(event):
                            yield end
                        return
        except Diverged:
            yield data(error_body(text.diverged())[1])
        except CallError as error:
            yield data(error_body(error)[1])

    def _delta(self, piece: Piece, round: int) -> dict[str, Any]:
        if piece.words:
            return {"content": piece.words}
        call: dict[str, Any] = {"index": 0, "function": {"arguments": piece.arguments}}
        if piece.name:
            function = {"name": piece.name, "arguments": ""}
            call |= {"id": call_id(self._turn_id, round), "type": "function", "function": function}
        return {"tool_calls": [call]}

    def _end(self, event: TurnEvent) -> list[bytes]:
        if event.WhichOneof("event") == "failed":
            return [data(error_body(failure(event.failed.error))[1])]
        draft = draft_of(event)
        own = {"session": self._session_id, "turn": self._turn_id, **shown(draft)}
        chunks = [self._chunk({}, finish_reason(draft), {"antiphon": own})]
        if self._chat.with_usage:
            chunks.append(data({**self._shape, "choices": [], "usage": usage(draft)}))
        return [*chunks, DONE]

    def _chunk(
        self, delta: Mapping[str, Any], finish: str | None = None, more: Mapping[str, Any] | None = None
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        nothing = {"usage": None} if self._chat.with_usage else {}
        return data({**self._shape, "choices": [choice], **nothing, **(more or {})})


async def joined(first: TurnEvent, events: AsyncGenerator[TurnEvent, None]) -> AsyncGenerator[TurnEvent, None]:
    yield first
    async for event in events:
        yield event


def draft_of(end: TurnEvent) -> Draft:
    """The draft of a turn's end. Raises WebError for a turn that failed."""
    if end.WhichOneof("event") == "failed":
        raise failure(end.failed.error)
    return end.completed.draft if end.WhichOneof("event") == "completed" else end.cancelled.draft


def completion_id(event: TurnEvent) -> str:
    """A completion's id: the turn and, after the first draft, its round."""
    return f"chatcmpl-{event.turn_id}" + (f"-{event.position.round}" if event.position.round else "")


def message(turn_id: str, draft: Draft, *, callable: bool) -> dict[str, Any]:
    """The reply as a message; of a call no content."""
    words = spoken_text(draft, callable=callable)
    call = shown_call(turn_id, draft, callable=callable)
    told: dict[str, Any] = {"role": "assistant", "content": words, "refusal": None, "annotations": []}
    if call is not None:
        function = {"name": call.name, "arguments": call.arguments}
        told |= {"content": None, "tool_calls": [{"id": call.id, "type": "function", "function": function}]}
    return told


def finish_reason(draft: Draft) -> str:
    """Why the reply ends, as this API says it."""
    if draft.tool_calls:
        return "tool_calls"
    return "length" if draft.finish_reason == FINISH_REASON_LENGTH else "stop"


def usage(draft: Draft) -> dict[str, Any]:
    """Tokens read and written."""
    count = draft.usage
    return {
        "prompt_tokens": count.prompt_tokens,
        "completion_tokens": count.reply_tokens,
        "total_tokens": count.prompt_tokens + count.reply_tokens,
        "prompt_tokens_details": {"cached_tokens": count.reused_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
