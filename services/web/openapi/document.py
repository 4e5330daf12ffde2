"""The description put together: every endpoint with its parameters, its bodies and its answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.web.openai.chat_request import CHAT_HEADERS, MAX_KEY, SESSION_HEADER, USER_HEADERS
from services.web.openai.conversations import MAX_PAGE, PAGE
from services.web.openai.response_events import MAX_NUMBER
from services.web.openapi.answers import ANSWERS
from services.web.openapi.bodies import BODIES
from services.web.openapi.schema import FLAG, TEXT, Schema, choice, ref, text, whole

PATH = "/openapi.json"
_EVENTS = "text/event-stream"
_ABOUT = (
    "OpenAI's chat completions, responses, conversations and models over Antiphon's durable turns. "
    "Errors are OpenAI's; `param` names the parameter at fault."
)
# Statuses of refusals beside the ones that every endpoint has.
_REFUSALS = {
    400: "A parameter does not do; `param` names it.",
    401: "The key is none that is known.",
    403: "The key's role may not do this.",
    404: "There is no such thing, or it is another tenant's.",
    408: "The body did not arrive in time.",
    409: "It is not in the state that this needs.",
    413: "The body is larger than the service takes.",
    422: "The Idempotency-Key was used with another body.",
    429: "A limit or a quota is reached; `retry-after-ms` says when to come back.",
    500: "An error of the server.",
    501: "The gateways have no such call.",
    503: "No gateway answers, or it is too busy; `retry-after-ms` says when to come back.",
    504: "A gateway did not answer in time.",
}


@dataclass(frozen=True)
class Operation:
    """One endpoint. ``body`` and ``answer`` name schemas; ``events`` is that of the events of its stream."""

    method: str
    path: str
    name: str
    summary: str
    answer: str
    body: str = ""
    events: str = ""
    parameters: tuple[Schema, ...] = ()
    example: Any = None

    def described(self) -> Schema:
        """As OpenAPI writes it."""
        content: dict[str, Any] = {"application/json": {"schema": ref(self.answer)}}
        if self.events:
            data = {"type": "string", "contentMediaType": "application/json", "contentSchema": ref(self.events)}
            content[_EVENTS] = {"schema": {**data, "description": "The data of each event; `[DONE]` ends the stream."}}
        answers: dict[str, Any] = {"200": {"description": self.summary, "content": content, "headers": _headers()}}
        error = {"application/json": {"schema": ref("Error")}}
        answers |= {str(status): {"description": why, "content": error} for status, why in _REFUSALS.items()}
        parameters = [*self.parameters, *(_header(name) for name in (_KEY if self.method == "POST" else ()))]
        operation: Schema = {"operationId": self.name, "summary": self.summary, "responses": answers}
        if parameters:
            operation["parameters"] = parameters
        if self.body:
            media = {"schema": ref(self.body), **({} if self.example is None else {"example": self.example})}
            # a body of which nothing is needed may be left out
            needed = bool(BODIES[self.body]["required"])
            operation["requestBody"] = {"required": needed, "content": {"application/json": media}}
        return operation


_KEY = ("Idempotency-Key",)


def _headers() -> Schema:
    names = {"x-request-id": "Names this request in the service's log."}
    return {name: {"description": about, "schema": TEXT} for name, about in names.items()}


def _path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


def _query(name: str, schema: Schema, about: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": about}


def _header(name: str, about: str = "Makes the request repeatable: it is done once.") -> Schema:
    return {"name": name, "in": "header", "schema": text(MAX_KEY), "description": about}


_CHAT_HEADERS = (
    _header(SESSION_HEADER, "The session whose next turn the last message is."),
    *(_header(name, "Another program's chat, to which one session belongs.") for name in CHAT_HEADERS),
    *(_header(name, "Whom the session belongs to, where the body does not say.") for name in USER_HEADERS),
)
_RESPONSE, _CONVERSATION = "/v1/responses/{response_id}", "/v1/conversations/{conversation_id}"
_ID, _CONVERSATION_ID = (_path("response_id"),), (_path("conversation_id"),)
_READ = (
    _query("stream", FLAG, "Its events, until it has ended."),
    _query("starting_after", whole(0, MAX_NUMBER), "The sequence_number of the last event that was read."),
)
_PAGE = (
    _query("limit", {**whole(1, MAX_PAGE), "default": PAGE}, "Items of a page."),
    _query("order", {**choice("asc", "desc"), "default": "desc"}, "By time."),
    _query("after", TEXT, "`last_id` of the page before."),
)
_MESSAGES = [{"role": "user", "content": "Hello"}]

OPERATIONS = (
    Operation(
        "POST", "/v1/chat/completions", "createChatCompletion", "A completion, whole or as events.",
        "ChatCompletion", "ChatCompletionRequest", "ChatCompletionChunk", _CHAT_HEADERS,
        {"model": "antiphon", "messages": _MESSAGES},
    ),
    Operation("GET", "/v1/models", "listModels", "The tenant's assistants.", "ModelList"),
    Operation("GET", "/v1/models/{model}", "retrieveModel", "One assistant.", "Model", parameters=(_path("model"),)),
    Operation(
        "POST", "/v1/responses", "createResponse", "A response: whole, as events, or written in the background.",
        "Response", "ResponseRequest", "ResponseEvent", example={"model": "antiphon", "input": "Hello"},
    ),
    Operation(
        "GET", _RESPONSE, "retrieveResponse", "A response as it stands, or its events.",
        "Response", events="ResponseEvent", parameters=(*_ID, *_READ),
    ),
    Operation(
        "DELETE", _RESPONSE, "deleteResponse", "Erase a response that is all of its conversation.",
        "ResponseDeleted", parameters=_ID,
    ),
    Operation("POST", f"{_RESPONSE}/cancel", "cancelResponse", "Stop the writing.", "Response", parameters=_ID),
    Operation("GET", f"{_RESPONSE}/input_items", "listInputItems", "What the user said.", "ItemList", parameters=_ID),
    Operation(
        "POST", f"{_RESPONSE}/revise", "reviseResponse", "Another draft that obeys what is said.",
        "Response", "RevisionRequest", "ResponseEvent", _ID, {"comment": "shorter, please"},
    ),
    Operation(
        "POST", f"{_RESPONSE}/feedback", "giveFeedback", "Keep what is said about a response, to be learned from.",
        "ResponseFeedback", "FeedbackRequest", parameters=_ID, example={"rating": 2},
    ),
    Operation(
        "POST", f"{_RESPONSE}/accept", "acceptResponse", "Take this draft for the one that counts.",
        "Response", "AcceptRequest", parameters=_ID,
    ),
    Operation("GET", f"{_RESPONSE}/why", "explainResponse", "What it was made from.", "ResponseWhy", parameters=_ID),
    Operation(
        "POST", "/v1/conversations", "createConversation", "A conversation, with what was said before it.",
        "Conversation", "ConversationRequest", example={"metadata": {"channel": "mail"}},
    ),
    Operation("GET", _CONVERSATION, "retrieveConversation", "It.", "Conversation", parameters=_CONVERSATION_ID),
    Operation(
        "DELETE", _CONVERSATION, "deleteConversation", "Erase it with all that was said in it.",
        "ConversationDeleted", parameters=_CONVERSATION_ID,
    ),
    Operation(
        "GET", f"{_CONVERSATION}/items", "listConversationItems", "What was said.",
        "ItemList", parameters=(*_CONVERSATION_ID, *_PAGE),
    ),
)  # fmt: skip


def document(operations: Iterable[Operation] = OPERATIONS) -> Schema:
    """The whole description."""
    paths: dict[str, Schema] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = operation.described()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Antiphon",
            "version": version("antiphon"),
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": {**BODIES, **ANSWERS},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


class Description:
    """Serves the description; it needs no key."""

    def __init__(self) -> None:
        self._written = json.dumps(document(), ensure_ascii=False).encode()

    def routes(self) -> list[Route]:
        """Its path."""
        return [Route(PATH, self.get, methods=["GET"])]

    async def get(self, _: Request) -> Response:
        """The description as JSON."""
        return Response(self._written, media_type="application/json", headers={"cache-control": "max-age=300"})
