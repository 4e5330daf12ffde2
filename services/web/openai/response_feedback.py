"""What people say about a response, and what it was made from: ``/v1/responses/{id}/revise``, ``feedback``, ``accept``,
``why``. These are ours; OpenAI's API has nothing like them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from antiphon import requests
from antiphon.errors import CallError
from antiphon.v1.conversation_pb2 import AcceptDraftRequest
from antiphon.v1.feedback_pb2 import Constraint, ConstraintKind, Feedback, LengthUnit, SubmitFeedbackRequest
from google.protobuf.json_format import MessageToDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.web.errors import MISSING, error_response
from services.web.gateways import Gateways, metadata_of
from services.web.openai.body import Body, read_body, refuse
from services.web.openai.chat_request import MAX_USER, read_named
from services.web.openai.continuation import hashed
from services.web.openai.decoding import decoding_settings, reply_policy
from services.web.openai.draft_shown import citation
from services.web.openai.events import EventStream
from services.web.openai.response_id import read_response_id
from services.web.openai.response_shown import asked_of, draft_of_round, response_of, understood
from services.web.openai.responses import Responses

SAID = ("rating", "comment", "edit", "constraints")
HOW = ("stream", "background", "temperature", "top_p", "max_output_tokens", "reply_policy")
KIND, UNIT = "CONSTRAINT_KIND_", "LENGTH_UNIT_"
MAX_CONSTRAINTS = 64
MAX_COUNT = 2**31 - 1
_PARAMS = {
    "feedback.edited_text": "edit",
    "feedback.comment": "comment",
    "feedback.rating": "rating",
    "feedback.constraints": "constraints",
    "feedback": "comment",
    "user_id": "user",
    "expected_round": "response_id",
    "settings.max_tokens": "max_output_tokens",
    "settings.temperature": "temperature",
    "settings.top_p": "top_p",
    "request_id": "Idempotency-Key",
    MISSING: "response_id",
}


class ResponseFeedback:
    """Revises, rates, accepts and explains responses."""

    def __init__(self, gateways: Gateways, responses: Responses) -> None:
        self._gateways = gateways
        self._responses = responses

    def routes(self) -> list[Route]:
        """Its paths."""
        path = "/v1/responses/{response_id}"
        return [
            Route(f"{path}/revise", self.revise, methods=["POST"]),
            Route(f"{path}/feedback", self.feedback, methods=["POST"]),
            Route(f"{path}/accept", self.accept, methods=["POST"]),
            Route(f"{path}/why", self.why, methods=["GET"]),
        ]

    async def revise(self, request: Request) -> Response | EventStream:
        """Another draft that obeys what is said; with nothing said, another draft drawn by chance."""
        id, metadata = read_response_id(request.path_params["response_id"]), metadata_of(request.headers)
        body = await read_body(request)
        body.check_known((*SAID, *HOW))
        feedback = read_feedback(body)
        stream, background = body.flag("stream"), body.flag("background")
        key = read_named(body, Body({}), {}, request.headers).key
        follower = requests.revise(
            id.turn_id,
            feedback if feedback.ByteSize() else None,
            expected_round=id.round,
            settings=decoding_settings(body, ("max_output_tokens",), reply_policy(body)),
            min_watermark=0,
            wait=not stream and not background,
            request_id=hashed("key", "revise", key) if key else "",
        )
        turn = await self._responses.turn(id, metadata)
        session = await self._responses.session(turn, metadata)
        asked = replace(asked_of(session, turn), previous=str(id), background=background, held_by="")
        try:
            return await self._responses.begun(follower, asked, metadata, stream=stream, background=background)
        except CallError as error:
            return error_response(error, _PARAMS)

    async def feedback(self, request: Request) -> JSONResponse:
        """Keep what is said about a response, to be learned from."""
        id, metadata = read_response_id(request.path_params["response_id"]), metadata_of(request.headers)
        body = await read_body(request)
        body.check_known((*SAID, "user"))
        key = read_named(body, Body({}), {}, request.headers).key
        submit = SubmitFeedbackRequest(
            request_id=hashed("key", "feedback", key) if key else "",
            turn_id=id.turn_id,
            round=id.round,
            feedback=read_feedback(body),
            user_id=body.text("user", most=MAX_USER),
        )
        try:
            answer = await self._gateways.feedback.SubmitFeedback(submit, metadata=metadata)
        except CallError as error:
            return error_response(error, _PARAMS)
        record = MessageToDict(answer.record, preserving_proto_field_name=True)
        return JSONResponse({"object": "response.feedback", "response_id": str(id), **record})

    async def accept(self, request: Request) -> JSONResponse:
        """Take this draft for the one that counts."""
        id, metadata = read_response_id(request.path_params["response_id"]), metadata_of(request.headers)
        (await read_body(request)).check_known(())
        accept = AcceptDraftRequest(turn_id=id.turn_id, round=id.round)
        try:
            answer = await self._gateways.conversations.AcceptDraft(accept, metadata=metadata)
        except CallError as error:
            return error_response(error, _PARAMS)
        session = await self._responses.session(answer.turn, metadata)
        asked = asked_of(session, answer.turn)
        return JSONResponse(response_of(answer.turn, id, asked))

    async def why(self, request: Request) -> JSONResponse:
        """All that a response was made from and held against."""
        id, metadata = read_response_id(request.path_params["response_id"]), metadata_of(request.headers)
        turn = await self._responses.turn(id, metadata)
        draft = draft_of_round(turn, id.round)
        if draft is None:
            refuse("response_id", "has no text yet", "no_draft")
        told: dict[str, Any] = MessageToDict(draft, preserving_proto_field_name=True)
        manifest = told.get("manifest", {})
        return JSONResponse(
            {
                "object": "response.why",
                "id": str(id),
                "version": manifest.get("version_id", ""),
                "composed_by": manifest.get("composed_by", ""),
                "manifest": manifest,
                "evidence": manifest.get("evidence", {}),
                "passages": manifest.get("passages", []),
                "facts": manifest.get("facts", []),
                "citations": [citation(one) for one in draft.citations],
                "constraints": told.get("constraints", []),
                "checks": told.get("checks", []),
                "feedback": told.get("feedback"),
                "handoff": draft.handoff,
                **understood(turn),
            }
        )


def read_feedback(body: Body) -> Feedback:
    """What a body says: a rating, a comment, the text as it should be, constraints."""
    feedback = Feedback(comment=body.text("comment"))
    if (rating := body.integer("rating", 1, 5)) is not None:
        feedback.rating = rating
    if "edit" in body:
        feedback.edited_text = body.text("edit")
    feedback.constraints.extend(_constraint(given) for given in body.objects("constraints", MAX_CONSTRAINTS))
    return feedback


def _constraint(given: Body) -> Constraint:
    """A wish such as ``{"kind": "length", "unit": "words", "max": 40}``."""
    given.check_known(("kind", "value", "unit", "min", "max"))
    constraint = Constraint(
        kind=_value(ConstraintKind, KIND, given, "kind", needed=True),
        value=given.text("value"),
        unit=_value(LengthUnit, UNIT, given, "unit"),
    )
    if (least := given.integer("min", 0, MAX_COUNT)) is not None:
        constraint.min = least
    if (most := given.integer("max", 0, MAX_COUNT)) is not None:
        constraint.max = most
    return constraint


def _value(enum: Any, prefix: str, given: Body, key: str, *, needed: bool = False) -> Any:
    """A value of an enum by its name in lower case."""
    name = given.text(key, needed=needed)
    if not name:
        return 0
    number = dict(enum.items()).get(prefix + name.upper())
    if not number:
        known = ", ".join(known.removeprefix(prefix).lower() for known, value in enum.items() if value)
        refuse(given.name(key), f"must be one of {known}")
    return number
