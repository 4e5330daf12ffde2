"""The response object and the events of its stream as the description has them."""

from __future__ import annotations

from collections.abc import Mapping

from services.web.openapi.schema import COUNT, FLAG, SECONDS, TEXT, Schema, answer, choice, listed, maybe, ref

_LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
_SHARE: Schema = {"type": "number", "minimum": 0}
_USAGE = answer(
    {
        "input_tokens": COUNT,
        "input_tokens_details": answer({"cached_tokens": COUNT}),
        "output_tokens": COUNT,
        "output_tokens_details": answer({"reasoning_tokens": COUNT}),
        "total_tokens": COUNT,
    }
)
_ANNOTATION = answer(
    {
        "type": choice("url_citation"),
        "url": TEXT,
        "title": TEXT,
        "start_index": COUNT,
        "end_index": COUNT,
        "supported": FLAG,
        "marked": FLAG,
    }
)
_OUTPUT_TEXT = answer(
    {
        "type": choice("output_text"),
        "text": TEXT,
        "annotations": listed(ref("Annotation")),
        "logprobs": listed({}),
    }
)
_OUTPUT = answer(
    {
        "id": TEXT,
        "type": choice("message"),
        "role": choice("assistant"),
        "status": choice("in_progress", "completed", "incomplete"),
        "content": listed(ref("OutputText")),
    }
)
_CALL = answer(
    {
        "id": TEXT,
        "type": choice("function_call"),
        "status": choice("in_progress", "completed", "incomplete"),
        "call_id": TEXT,
        "name": TEXT,
        "arguments": TEXT,
    }
)
_ITEM: Schema = {"anyOf": [ref("OutputMessage"), ref("FunctionCall")]}
_TOOL = answer(
    {
        "type": choice("function"),
        "name": TEXT,
        "description": maybe(TEXT),
        "parameters": maybe({"type": "object"}),
        "strict": FLAG,
    }
)
_RESPONSE = answer(
    {
        "id": TEXT,
        "object": choice("response"),
        "created_at": SECONDS,
        "completed_at": maybe(SECONDS),
        "status": choice("queued", "in_progress", "completed", "incomplete", "cancelled", "failed"),
        "background": FLAG,
        "error": maybe(answer({"code": TEXT, "message": TEXT})),
        "incomplete_details": maybe(answer({"reason": choice("max_output_tokens")})),
        "instructions": maybe(TEXT),
        "model": TEXT,
        "output": listed(_ITEM),
        "conversation": answer({"id": TEXT}),
        "previous_response_id": maybe(TEXT),
        "metadata": _LABELS,
        "usage": maybe(_USAGE),
        "text": answer({"format": answer({"type": TEXT}), "verbosity": TEXT}),
        "reasoning": answer({"effort": maybe(TEXT), "summary": maybe(TEXT)}),
        "tools": listed(_TOOL),
        "tool_choice": {
            "anyOf": [choice("none", "auto", "required"), answer({"type": choice("function"), "name": TEXT})]
        },
        "parallel_tool_calls": FLAG,
        "max_tool_calls": maybe(COUNT),
        "truncation": choice("auto", "disabled"),
        "store": FLAG,
        "service_tier": TEXT,
        "temperature": _SHARE,
        "top_p": _SHARE,
        "top_logprobs": COUNT,
        "presence_penalty": {"type": "number"},
        "frequency_penalty": {"type": "number"},
        "max_output_tokens": maybe(COUNT),
        "safety_identifier": maybe(TEXT),
        "prompt_cache_key": maybe(TEXT),
        "antiphon": ref("Antiphon"),
    }
)
_PLACE: dict[str, Schema] = {"item_id": TEXT, "output_index": COUNT, "content_index": COUNT}


def _event(kinds: tuple[str, ...], fields: Mapping[str, Schema]) -> Schema:
    return answer({"type": choice(*kinds), "sequence_number": COUNT, **fields})


_EVENT: Schema = {
    "oneOf": [
        _event(
            tuple(f"response.{state}" for state in ("created", "in_progress", "completed", "incomplete", "failed")),
            {"response": ref("Response")},
        ),
        _event(
            ("response.output_item.added", "response.output_item.done"),
            {"output_index": COUNT, "item": _ITEM},
        ),
        _event(
            ("response.function_call_arguments.delta",),
            {"item_id": TEXT, "output_index": COUNT, "delta": {**TEXT, "minLength": 1}},
        ),
        _event(
            ("response.function_call_arguments.done",),
            {"item_id": TEXT, "output_index": COUNT, "name": TEXT, "arguments": TEXT},
        ),
        _event(("response.content_part.added", "response.content_part.done"), {**_PLACE, "part": ref("OutputText")}),
        _event(("response.output_text.delta",), {**_PLACE, "delta": {**TEXT, "minLength": 1}, "logprobs": listed({})}),
        _event(
            ("response.output_text.annotation.added",),
            {**_PLACE, "annotation_index": COUNT, "annotation": ref("Annotation")},
        ),
        _event(("response.output_text.done",), {**_PLACE, "text": TEXT, "logprobs": listed({})}),
        _event(
            ("error",),
            {
                "code": maybe(TEXT),
                "message": TEXT,
                "param": maybe(TEXT),
                "error": answer({"message": TEXT, "type": TEXT, "param": maybe(TEXT), "code": maybe(TEXT)}),
            },
        ),
    ]
}
RESPONSES: dict[str, Schema] = {
    "Annotation": _ANNOTATION,
    "OutputText": _OUTPUT_TEXT,
    "OutputMessage": _OUTPUT,
    "FunctionCall": _CALL,
    "Response": _RESPONSE,
    "ResponseEvent": _EVENT,
}
