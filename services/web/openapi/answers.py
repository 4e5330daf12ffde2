"""The bodies of answers as the description has them."""

from __future__ import annotations

from services.web.openapi.events import RESPONSES
from services.web.openapi.schema import COUNT, FLAG, SECONDS, TEXT, Schema, answer, choice, listed, maybe, ref

_ANYTHING: Schema = {"type": "object"}
_LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
_CITATION = answer(
    {"start": COUNT, "end": COUNT, "mark": TEXT, "marked": FLAG, "supported": FLAG},
    {"source": maybe(answer({"kind": choice("passage", "fact"), "id": TEXT, "revision": COUNT}))},
)
# What an answer says beside OpenAI's fields: which turn it is, and what its draft rests on.
_OWN = answer(
    {"session": TEXT, "turn": TEXT},
    {
        "draft": TEXT,
        "round": COUNT,
        "version": TEXT,
        "composed_by": TEXT,
        "citations": listed(ref("Citation")),
        "checks": listed(_ANYTHING),
        "handoff": FLAG,
        "accepted": FLAG,
        "held_by": {**TEXT, "description": "Who has taken the conversation over and is to answer."},
        "understood": _ANYTHING,
        "state": _ANYTHING,
    },
)
_CHAT_USAGE = answer({"prompt_tokens": COUNT, "completion_tokens": COUNT, "total_tokens": COUNT})
_FINISH = choice("stop", "length", "tool_calls")
_TOOL_CALL = answer(
    {"id": TEXT, "type": choice("function"), "function": answer({"name": TEXT, "arguments": TEXT})},
)
_SHAPE: dict[str, Schema] = {
    "id": TEXT,
    "created": SECONDS,
    "model": TEXT,
    "system_fingerprint": maybe(TEXT),
}
_COMPLETION = answer(
    {
        **_SHAPE,
        "object": choice("chat.completion"),
        "choices": listed(
            answer(
                {
                    "index": COUNT,
                    "message": answer(
                        {"role": choice("assistant"), "content": maybe(TEXT), "refusal": maybe(TEXT)},
                        {"tool_calls": listed(_TOOL_CALL)},
                    ),
                    "finish_reason": _FINISH,
                }
            )
        ),
        "usage": _CHAT_USAGE,
        "antiphon": ref("Antiphon"),
    }
)
_CHUNK = answer(
    {
        **_SHAPE,
        "object": choice("chat.completion.chunk"),
        "choices": listed(answer({"index": COUNT, "delta": _ANYTHING, "finish_reason": maybe(_FINISH)})),
    },
    {"usage": maybe(_CHAT_USAGE), "antiphon": ref("Antiphon")},
)
_INPUT = answer(
    {
        "id": TEXT,
        "type": choice("message"),
        "role": choice("user"),
        "status": choice("completed"),
        "content": listed(answer({"type": choice("input_text"), "text": TEXT})),
    }
)
_INPUT_RESULT = answer(
    {"id": TEXT, "type": choice("function_call_output"), "status": choice("completed"), "call_id": TEXT, "output": TEXT}
)
_WHY = answer(
    {
        "object": choice("response.why"),
        "id": TEXT,
        "version": TEXT,
        "composed_by": TEXT,
        "manifest": _ANYTHING,
        "evidence": _ANYTHING,
        "passages": listed({}),
        "facts": listed({}),
        "citations": listed(ref("Citation")),
        "constraints": listed(_ANYTHING),
        "checks": listed(_ANYTHING),
        "feedback": maybe(_ANYTHING),
        "handoff": FLAG,
    },
    {"understood": _ANYTHING, "state": _ANYTHING},
)
_CONVERSATION = answer(
    {
        "id": TEXT,
        "object": choice("conversation"),
        "created_at": SECONDS,
        "metadata": _LABELS,
        "antiphon": answer({"model": TEXT, "user": TEXT, "turns": COUNT}),
    }
)
_ITEMS = answer(
    {
        "object": choice("list"),
        "data": listed(
            {"anyOf": [ref(item) for item in ("InputMessage", "FunctionCallOutput", "OutputMessage", "FunctionCall")]}
        ),
        "first_id": maybe(TEXT),
        "last_id": maybe(TEXT),
        "has_more": FLAG,
    }
)
_ERROR = answer(
    {
        "error": answer(
            {
                "message": TEXT,
                "type": TEXT,
                "param": {**maybe(TEXT), "description": "The parameter at fault."},
                "code": {**maybe(TEXT), "description": "A stable word for what went wrong."},
            }
        )
    }
)

ANSWERS: dict[str, Schema] = {
    "Antiphon": _OWN,
    "Citation": _CITATION,
    "ChatCompletion": _COMPLETION,
    "ChatCompletionChunk": _CHUNK,
    "Model": answer({"id": TEXT, "object": choice("model"), "created": SECONDS, "owned_by": TEXT}),
    "ModelList": answer({"object": choice("list"), "data": listed(ref("Model"))}),
    "InputMessage": _INPUT,
    "FunctionCallOutput": _INPUT_RESULT,
    **RESPONSES,
    "ResponseDeleted": answer({"id": TEXT, "object": choice("response.deleted"), "deleted": choice(True)}),
    "ResponseFeedback": answer({"object": choice("response.feedback"), "response_id": TEXT}),
    "ResponseWhy": _WHY,
    "Conversation": _CONVERSATION,
    "ConversationDeleted": answer({"id": TEXT, "object": choice("conversation.deleted"), "deleted": choice(True)}),
    "ItemList": _ITEMS,
    "Error": _ERROR,
}
