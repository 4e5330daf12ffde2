"""What an MCP client may call: search, ask, teach, why; each a few calls of the contract with the caller's credentials.

Nothing here knows MCP: a tool takes the JSON object of its arguments and gives the JSON object of its result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from antiphon import requests
from antiphon.errors import CallError
from antiphon.v1.conversation_pb2 import (
    DOUBLE_TEXTING_POLICY_UNSPECIFIED,
    CreateSessionRequest,
    GetTurnRequest,
    Turn,
)
from antiphon.v1.knowledge_pb2 import Provenance, SearchRequest, TeachFactRequest

from services.web.errors import MISSING, WebError
from services.web.gateways import Gateways, Metadata
from services.web.mcp.sources import Sources, fact_shown, passage_shown
from services.web.openai.body import Body
from services.web.openai.continuation import erase_quietly, hashed
from services.web.openai.draft_shown import citation, failure, shown
from services.web.openai.response_id import ResponseId, read_response_id
from services.web.openai.response_shown import draft_of_round, understood
from services.web.openai.responses import until_held

MAX_HITS, HITS = 20, 5
MAX_ID, MAX_USER = 128, 256
MAX_QUESTION, MAX_QUERY, MAX_ENTITY, MAX_SLOT, MAX_VALUE = 32_000, 2_000, 256, 128, 2_000
MAX_WATERMARK = 2**63 - 1
# A tool's call is answered within this time: clients of MCP give up by themselves, and what was asked goes on.
ASK_SECONDS = 300.0


@dataclass(frozen=True)
class Tool:
    """One tool: how it is described, what it takes, what answers it."""

    name: str
    title: str
    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    reads: bool
    """Whether it changes nothing."""
    answer: Callable[[Gateways, Metadata, Body], Awaitable[dict[str, Any]]]
    params: Mapping[str, str]
    """The arguments' names for the contract's fields."""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments."""
        return {
            "type": "object",
            "properties": dict(self.properties),
            "required": list(self.required),
            "additionalProperties": False,
        }

    async def call(self, gateways: Gateways, metadata: Metadata, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Its result. Raises WebError and CallError."""
        body = Body(arguments)
        body.check_known(self.properties)
        return await self.answer(gateways, metadata, body)


async def _search(gateways: Gateways, metadata: Metadata, body: Body) -> dict[str, Any]:
    request = SearchRequest(
        query=body.text("query", needed=True, most=MAX_QUERY),
        limit=body.integer("limit", 1, MAX_HITS) or HITS,
        min_watermark=body.integer("watermark", 0, MAX_WATERMARK) or 0,
    )
    answer = await gateways.knowledge.Search(request, metadata=metadata)
    hits = [
        {**(passage_shown(hit.passage) if hit.HasField("passage") else fact_shown(hit.fact)), "score": hit.score}
        for hit in answer.hits
    ]
    return {"hits": hits, "watermark": answer.watermark}


async def _ask(gateways: Gateways, metadata: Metadata, body: Body) -> dict[str, Any]:
    question = body.text("question", needed=True, most=MAX_QUESTION)
    watermark = body.integer("watermark", 0, MAX_WATERMARK) or 0
    given = body.text("request_id", most=MAX_ID)
    request_id = given or requests.new_request_id()
    session, fresh = body.text("session", most=MAX_ID), ""
    if not session:
        session = await _session(gateways, metadata, body, request_id)
        fresh = "" if given else session
    follower = requests.send(
        session,
        question,
        settings=None,
        policy=DOUBLE_TEXTING_POLICY_UNSPECIFIED,
        min_watermark=watermark,
        without_knowledge=False,
        wait=False,
        request_id=hashed("mcp", "turn", request_id),
    )
    try:
        async with asyncio.timeout(ASK_SECONDS):
            held = await until_held(gateways.follow(follower, metadata))
    except TimeoutError:
        held = False
    except CallError:
        if not follower.turn_id:
            await erase_quietly(gateways, fresh, metadata)
        raise
    turn = (await gateways.conversations.GetTurn(GetTurnRequest(turn_id=follower.turn_id), metadata=metadata)).turn
    told = {"session": turn.session_id, "request_id": request_id}
    return {**await _reply(gateways, metadata, turn, ResponseId(turn.id, turn.position.round), held=held), **told}


async def _session(gateways: Gateways, metadata: Metadata, body: Body, request_id: str) -> str:
    """A new session's id; the same for the same request id."""
    user = body.text("user", most=MAX_USER)
    request = CreateSessionRequest(
        request_id=hashed("mcp", "session", request_id),
        user_id=user or f"anonymous-{hashed('mcp', request_id)}",
        schema_name=body.text("assistant", most=MAX_ID),
    )
    try:
        answer = await gateways.conversations.CreateSession(request, metadata=metadata)
    except CallError as error:
        if error.code is grpc.StatusCode.NOT_FOUND and request.schema_name:
            raise WebError("no such assistant", status=404, param="assistant", code="not_found") from error
        if user or error.reason != "OTHER_USER":
            raise
        request.user_id = ""  # an end user's own key names them
        answer = await gateways.conversations.CreateSession(request, metadata=metadata)
    return answer.session.id


async def _reply(
    gateways: Gateways, metadata: Metadata, turn: Turn, id: ResponseId, *, held: bool = False
) -> dict[str, Any]:
    """A turn's reply with what it rests on. Raises WebError where the turn has failed."""
    draft = draft_of_round(turn, id.round)
    if turn.HasField("error") and (draft is None or turn.position.round == id.round):
        raise failure(turn.error)
    if draft is None or not turn.HasField("end_time"):
        status = "a person answers" if held else "in progress"
        return {"reply": None, "reply_id": str(id), "status": status}
    sources = Sources(gateways, metadata)
    return {
        "reply": draft.text,
        "reply_id": str(id),
        "status": "complete",
        "handoff": draft.handoff,
        "sources": await sources.of(draft),
    }


async def _teach(gateways: Gateways, metadata: Metadata, body: Body) -> dict[str, Any]:
    given = body.text("request_id", most=MAX_ID)
    request = TeachFactRequest(
        request_id=hashed("mcp", "teach", given) if given else requests.new_request_id(),
        entity=body.text("entity", needed=True, most=MAX_ENTITY),
        slot=body.text("slot", needed=True, most=MAX_SLOT),
        value=body.text("value", needed=True, most=MAX_VALUE),
        provenance=Provenance(author=body.text("author", most=MAX_USER)),
    )
    answer = await gateways.knowledge.TeachFact(request, metadata=metadata)
    told: dict[str, Any] = {"fact": fact_shown(answer.fact), "watermark": answer.watermark}
    if answer.HasField("superseded"):
        told["superseded"] = fact_shown(answer.superseded)
    return told


async def _why(gateways: Gateways, metadata: Metadata, body: Body) -> dict[str, Any]:
    try:
        id = read_response_id(body.text("reply_id", needed=True, most=MAX_ID))
        request = GetTurnRequest(turn_id=id.turn_id)
        turn = (await gateways.conversations.GetTurn(request, metadata=metadata)).turn
    except (WebError, CallError) as error:
        if isinstance(error, WebError) and error.status != 404:
            raise
        if isinstance(error, CallError) and error.code is not grpc.StatusCode.NOT_FOUND:
            raise
        raise _no_reply() from error
    if id.round > turn.position.round or (draft := draft_of_round(turn, id.round)) is None:
        raise _no_reply()
    said = shown(draft)
    return {
        "question": turn.text,
        "session": turn.session_id,
        **await _reply(gateways, metadata, turn, id),
        "version": said.get("version", ""),
        "composed_by": said.get("composed_by", "") or "the model",
        "answers": [
            {
                "asked": turn.text[one.start : one.end],
                "kind": one.kind,
                "verdict": one.verdict,
                "probability": one.probability,
            }
            for one in draft.manifest.evidence.answers
        ],
        "citations": [{"sentence": draft.text[one.start : one.end], **citation(one)} for one in draft.citations],
        "in_prompt": [
            *({"kind": "passage", "id": one.id, "revision": one.revision} for one in draft.manifest.passages),
            *({"kind": "fact", "id": one.id, "revision": one.revision} for one in draft.manifest.facts),
        ],
        "checks": said.get("checks", []),
        **understood(turn),
    }


def _no_reply() -> WebError:
    return WebError("no such reply", status=404, param="reply_id", code="not_found")


def _text(description: str, most: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": most, "description": description}


_REQUEST_ID = _text(
    "Any word that is yours: the same call with the same word has one effect, and the same answer.", MAX_ID
)
_WATERMARK = {
    "type": "integer",
    "minimum": 0,
    "description": "What was taught up to it, as `teach` answers it, must be found.",
}

TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "search",
            "Search the knowledge base",
            "Finds passages of the documents and facts, the best first, as a question of a customer would find them.",
            {
                "query": _text("The words.", MAX_QUERY),
                "limit": {"type": "integer", "minimum": 1, "maximum": MAX_HITS, "description": f"Most hits; {HITS}."},
                "watermark": _WATERMARK,
            },
            ("query",),
            True,
            _search,
            {"min_watermark": "watermark"},
        ),
        Tool(
            "ask",
            "Ask the assistant",
            "Asks the customer-service assistant. Answers come from its documents and facts, or say that it "
            "does not know; what the reply rests on comes with it. Without `session` a new conversation begins.",
            {
                "question": _text("What the user says.", MAX_QUESTION),
                "session": _text("The conversation to go on with, as an answer before named it.", MAX_ID),
                "assistant": _text("Which assistant (schema) a new conversation is with.", MAX_ID),
                "user": _text("Whose a new conversation is.", MAX_USER),
                "watermark": _WATERMARK,
                "request_id": _REQUEST_ID,
            },
            ("question",),
            False,
            _ask,
            {
                "text": "question",
                "session_id": "session",
                "user_id": "user",
                "schema_name": "assistant",
                "min_watermark": "watermark",
                MISSING: "session",
            },
        ),
        Tool(
            "teach",
            "Teach a fact",
            "Teaches a fact, such as the price of a plan. It counts at once, and takes the place of what was known of "
            "the same entity and slot; its history stays. Needs a reviewer's or an operator's key.",
            {
                "entity": _text('What it is about, such as "Basic plan".', MAX_ENTITY),
                "slot": _text('Which of its properties, such as "price".', MAX_SLOT),
                "value": _text('What that is, such as "9 euros a month".', MAX_VALUE),
                "author": _text("Who says so.", MAX_USER),
                "request_id": _REQUEST_ID,
            },
            ("entity", "slot", "value"),
            False,
            _teach,
            {"provenance.author": "author"},
        ),
        Tool(
            "why",
            "Why a reply says what it says",
            "Tells what a reply rests on: sources, the sentence each bears, how sure the answer is, the state.",
            {"reply_id": _text("The reply, as `ask` named it.", MAX_ID)},
            ("reply_id",),
            True,
            _why,
            {"turn_id": "reply_id"},
        ),
    )
}
