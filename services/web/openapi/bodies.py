"""The bodies of requests as the description has them. Names and limits are those of the readers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from antiphon.v1.feedback_pb2 import ConstraintKind, LengthUnit

from services.web.openai import chat_request, responses_request
from services.web.openai.body import MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE
from services.web.openai.chat_request import MAX_KEY, MAX_USER
from services.web.openai.decoding import MAX_STOP, MAX_STOPS, MAX_TOKENS, POLICIES
from services.web.openai.models import MAX_MODEL
from services.web.openai.response_feedback import KIND, MAX_CONSTRAINTS, MAX_COUNT, UNIT
from services.web.openai.tools import CHOICES, MAX_CALL_ID, MAX_TOOLS
from services.web.openapi.schema import FLAG, TEXT, Schema, body, choice, listed, maybe, number, ref, text, whole

MODEL = text(MAX_MODEL, description="An assistant: `antiphon`, or a schema of the tenant by its name.")
USER = text(MAX_USER, description="Whom the session belongs to.")
METADATA: Schema = {
    "type": "object",
    "maxProperties": MAX_METADATA,
    "propertyNames": {"maxLength": MAX_METADATA_KEY},
    "additionalProperties": maybe(text(MAX_METADATA_VALUE)),
}
POLICY = choice("", *filter(None, POLICIES))
STOP: Schema = {"anyOf": [text(MAX_STOP, minLength=1), listed(text(MAX_STOP, minLength=1), MAX_STOPS)]}
_SETTINGS: dict[str, Schema] = {
    "temperature": number(0, 2),
    "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
}
_PART: Schema = {
    "type": "object",
    "properties": {"type": choice("text", "input_text", "output_text", "refusal"), "text": TEXT, "refusal": TEXT},
    "required": ["type"],
}
_CONTENT = maybe({"anyOf": [TEXT, listed(ref("ContentPart"))]})
_NAME = text(64, pattern="^[a-zA-Z0-9_-]+$")
_FUNCTION: dict[str, Schema] = {
    "name": _NAME,
    "description": maybe(TEXT),
    "parameters": maybe({"type": "object", "description": "A JSON Schema of an object."}),
    "strict": maybe(FLAG),
}
_ID = text(MAX_CALL_ID, minLength=1)
_CALL: dict[str, Schema] = {"name": _NAME, "arguments": {**TEXT, "description": "A JSON object."}}
_ROLES = ("system", "developer", "user", "assistant")
_MESSAGE: Schema = {
    "type": "object",
    "properties": {
        "role": choice(*_ROLES, "tool"),
        "content": _CONTENT,
        "tool_calls": maybe(
            listed(
                body(("id", "function"), {"id": _ID, "type": choice("function"), "function": body(("name",), _CALL)}),
                MAX_TOOLS,
            )
        ),
        "tool_call_id": _ID,
    },
    "required": ["role"],
}
_ITEM: Schema = {
    "anyOf": [
        {
            "type": "object",
            "properties": {"type": maybe(choice("message")), "role": choice(*_ROLES), "content": _CONTENT},
            "required": ["role"],
        },
        {
            "type": "object",
            "properties": {"type": choice("function_call"), "call_id": _ID, **_CALL},
            "required": ["type", "call_id", "name"],
        },
        {
            "type": "object",
            "properties": {"type": choice("function_call_output"), "call_id": _ID, "output": _CONTENT},
            "required": ["type", "call_id"],
        },
    ]
}


def _tools(nested: bool) -> dict[str, Schema]:
    """The parameters about tools; ``nested``: a function is an object of its own."""
    function = body(("name",), _FUNCTION)
    chosen = body(("name",), {"name": _NAME})
    tool = (
        body(("type", "function"), {"type": choice("function"), "function": function})
        if nested
        else body(("type", "name"), {"type": choice("function"), **_FUNCTION})
    )
    named = (
        body(("type", "function"), {"type": choice("function"), "function": chosen})
        if nested
        else body(("type", "name"), {"type": choice("function"), "name": _NAME})
    )
    return {
        "tools": listed(tool, MAX_TOOLS),
        "tool_choice": {"anyOf": [choice(*CHOICES), named]},
        "parallel_tool_calls": {**FLAG, "description": "Changes nothing: a reply calls one tool at most."},
    }


_SHAPE: dict[str, Schema] = {
    "name": _NAME,
    "description": maybe(TEXT),
    "schema": {"type": "object", "description": "A JSON Schema of an object."},
    "strict": maybe(FLAG),
}


def _format(by_schema: Schema) -> Schema:
    """What a reply is held to be."""
    plain = body((), {"type": choice("text", "json_object")})
    return {"anyOf": [plain, by_schema]}


_CHAT_FORMAT = _format(
    body(("type", "json_schema"), {"type": choice("json_schema"), "json_schema": body(("name",), _SHAPE)})
)
_RESPONSE_FORMAT = _format(body(("type", "name", "schema"), {"type": choice("json_schema"), **_SHAPE}))


def _parameters(
    described: Mapping[str, Schema], idle: Mapping[str, tuple[object, ...]], hints: Iterable[str]
) -> dict[str, Schema]:
    """All parameters that a body may have: those that say something, and those that may only say nothing."""
    without_effect = {name: {**choice(*values), "description": "Changes nothing."} for name, values in idle.items()}
    return {**described, **without_effect, **{name: {"description": "Changes nothing."} for name in hints}}


_CHAT: dict[str, Schema] = {
    "model": MODEL,
    "messages": {**listed(ref("Message"), 2_000), "minItems": 1},
    "stream": FLAG,
    "stream_options": body((), {"include_usage": FLAG, "include_obfuscation": {}}),
    "max_tokens": whole(1, MAX_TOKENS),
    "max_completion_tokens": whole(1, MAX_TOKENS),
    **_SETTINGS,
    "seed": whole(-(2**63), 2**63 - 1),
    "stop": STOP,
    "user": USER,
    "safety_identifier": USER,
    "metadata": METADATA,
    "response_format": _CHAT_FORMAT,
    **_tools(nested=True),
    "antiphon": body(
        (),
        {
            "session": {**TEXT, "description": "The session whose next turn the last message is."},
            "chat": text(MAX_KEY, description="Another program's chat, to which one session belongs."),
            "without_knowledge": FLAG,
            "reply_policy": POLICY,
        },
    ),
}
_RESPONSE: dict[str, Schema] = {
    "model": MODEL,
    "input": {"anyOf": [{**TEXT, "minLength": 1}, {**listed(ref("InputItem"), 2_000), "minItems": 1}]},
    "instructions": TEXT,
    "stream": FLAG,
    "stream_options": body((), {"include_obfuscation": {}}),
    "max_output_tokens": whole(1, MAX_TOKENS),
    **_SETTINGS,
    "metadata": METADATA,
    "user": USER,
    "safety_identifier": USER,
    "previous_response_id": text(MAX_USER),
    "conversation": {"anyOf": [text(MAX_USER), {"type": "object", "required": ["id"], "properties": {"id": TEXT}}]},
    "background": FLAG,
    "text": body((), {"format": _RESPONSE_FORMAT, "verbosity": choice("medium")}),
    **_tools(nested=False),
    "antiphon": body((), {"without_knowledge": FLAG, "reply_policy": POLICY}),
}
_CONVERSATION: dict[str, Schema] = {
    "items": listed(ref("InputItem"), 2_000),
    "metadata": METADATA,
    "model": MODEL,
    "user": USER,
    "instructions": TEXT,
}
_SAID: dict[str, Schema] = {
    "rating": whole(1, 5),
    "comment": TEXT,
    "edit": {**TEXT, "description": "The text as it should be."},
    "constraints": listed(ref("Constraint"), MAX_CONSTRAINTS),
}
_HOW: dict[str, Schema] = {
    "stream": FLAG,
    "background": FLAG,
    **_SETTINGS,
    "max_output_tokens": whole(1, MAX_TOKENS),
    "reply_policy": POLICY,
}
_CONSTRAINT = body(
    ("kind",),
    {
        "kind": choice(*(name.removeprefix(KIND).lower() for name in ConstraintKind.keys()[1:])),
        "value": TEXT,
        "unit": choice("", *(name.removeprefix(UNIT).lower() for name in LengthUnit.keys()[1:])),
        "min": whole(0, MAX_COUNT),
        "max": whole(0, MAX_COUNT),
    },
)

BODIES: dict[str, Schema] = {
    "ContentPart": _PART,
    "Message": _MESSAGE,
    "InputItem": _ITEM,
    "Constraint": _CONSTRAINT,
    "ChatCompletionRequest": body(
        ("model", "messages"), _parameters(_CHAT, chat_request.WITHOUT_EFFECT, chat_request.HINTS)
    ),
    "ResponseRequest": body(
        ("model", "input"), _parameters(_RESPONSE, responses_request.WITHOUT_EFFECT, responses_request.HINTS)
    ),
    "ConversationRequest": body((), _CONVERSATION),
    "RevisionRequest": body((), {**_SAID, **_HOW}),
    "FeedbackRequest": body((), {**_SAID, "user": USER}),
    "AcceptRequest": body((), {}),
}
