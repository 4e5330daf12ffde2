"""A draft as the Responses API shows it: the response object and its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from antiphon.v1.common_pb2 import DecodingSettings
from antiphon.v1.conversation_pb2 import (
    DRAFT_ORIGIN_HUMAN,
    FINISH_REASON_CANCELLED,
    FINISH_REASON_LENGTH,
    TURN_STATUS_CANCELLED,
    TURN_STATUS_COMPLETED,
    TURN_STATUS_FAILED,
    TURN_STATUS_HELD,
    TURN_STATUS_WAITING,
    Citation,
    Draft,
    Session,
    ToolOffer,
    Turn,
    TurnError,
)
from google.protobuf.json_format import MessageToDict

from services.common.tools.calls import results_text
from services.web.openai.draft_shown import shown
from services.web.openai.models import PLAIN
from services.web.openai.reply_formats import format_shown
from services.web.openai.response_id import ResponseId
from services.web.openai.tools import ShownCall, may_be_called, shown_call, spoken_text, tools_shown


@dataclass(frozen=True)
class Asked:
    """What a response's request said that the response repeats."""

    model: str
    session_id: str
    instructions: str = ""
    previous: str = ""
    background: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    settings: DecodingSettings = field(default_factory=DecodingSettings)
    held_by: str = ""
    offer: ToolOffer = field(default_factory=ToolOffer)

    @property
    def callable(self) -> bool:
        """Whether the response may be a call of a tool."""
        return may_be_called(self.offer)


def asked_of(session: Session, turn: Turn) -> Asked:
    """What is known of a request when its response is read later."""
    return Asked(
        session.schema_name or PLAIN,
        session.id,
        session.system_text,
        settings=DecodingSettings(reply_format=turn.reply_format),
        held_by=session.held_by,
        offer=turn.offer,
    )


def response_object(
    id: ResponseId,
    asked: Asked,
    status: str,
    created: int,
    draft: Draft | None = None,
    *,
    error: TurnError | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The response. ``more`` goes into the field ``antiphon``."""
    written = draft if draft is not None and status not in ("queued", "in_progress") else None
    incomplete = written is not None and written.finish_reason == FINISH_REASON_LENGTH
    return {
        "id": str(id),
        "object": "response",
        "created_at": created,
        "completed_at": _completed_at(status, written),
        "status": "incomplete" if incomplete and status == "completed" else status,
        "background": asked.background,
        "error": _error(error),
        "incomplete_details": {"reason": "max_output_tokens"} if incomplete else None,
        "instructions": asked.instructions or None,
        "model": asked.model,
        "output": output_items(id, written, callable=asked.callable) if written is not None else [],
        "conversation": {"id": asked.session_id},
        "previous_response_id": asked.previous or None,
        "metadata": dict(asked.metadata),
        **_sampling(asked.settings, written),
        "usage": usage(written) if written is not None and written.HasField("usage") else None,
        "text": {"format": format_shown(asked.settings.reply_format), "verbosity": "medium"},
        "reasoning": {"effort": None, "summary": None},
        **tools_shown(asked.offer),
        "truncation": "auto",
        "store": True,
        "service_tier": "default",
        "top_logprobs": 0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "max_tool_calls": None,
        "prompt_cache_key": None,
        "safety_identifier": None,
        "user": None,
        "antiphon": {
            "session": asked.session_id,
            "turn": id.turn_id,
            **({"held_by": asked.held_by} if asked.held_by and status == "in_progress" else {}),
            **(shown(written) if written is not None else {}),
            **(more or {}),
        },
    }


def _sampling(asked: DecodingSettings, draft: Draft | None) -> dict[str, Any]:
    """The settings that the draft was written with; before it is there those that were asked for, else the engine's,
    which is greedy."""
    used = draft.manifest.settings if draft is not None and draft.HasField("manifest") else DecodingSettings()
    first: dict[str, Any] = {
        name: next((getattr(one, name) for one in (used, asked) if one.HasField(name)), default)  # type: ignore[arg-type]
        for name, default in (("temperature", 0.0), ("top_p", 1.0), ("max_tokens", None))
    }
    return {
        "temperature": round(first["temperature"], 6),
        "top_p": round(first["top_p"], 6),
        "max_output_tokens": first["max_tokens"],
    }


def _completed_at(status: str, draft: Draft | None) -> int | None:
    """When it was completed, in seconds since 1970; None where it is not."""
    return draft.create_time.seconds if status == "completed" and draft is not None else None


def _error(error: TurnError | None) -> dict[str, str] | None:
    return None if error is None else {"code": error.reason.lower() or "server_error", "message": error.message}


def output_items(id: ResponseId, draft: Draft, *, callable: bool) -> list[dict[str, Any]]:
    """What a draft puts out: a call, or a message; nothing where there is no word of either."""
    call = shown_call(id.turn_id, draft, callable=callable)
    if call is not None:
        return [function_call(id, call)]
    return [output_message(id, draft)] if spoken_text(draft, callable=callable) else []


def function_call(id: ResponseId, call: ShownCall, *, in_progress: bool = False) -> dict[str, Any]:
    """A call as the response's one item."""
    ended = "completed" if call.whole else "incomplete"
    return {
        "id": id.call_item_id,
        "type": "function_call",
        "status": "in_progress" if in_progress else ended,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def input_items(turn: Turn) -> list[dict[str, Any]]:
    """What a turn's request said: what tools answered, then the user's words."""
    items: list[dict[str, Any]] = [
        {
            "id": f"fco_{turn.id}-{index}",
            "type": "function_call_output",
            "status": "completed",
            "call_id": result.call_id,
            "output": result.output,
        }
        for index, result in enumerate(turn.tool_results)
    ]
    words = turn.text.removeprefix(results_text([{"output": result.output} for result in turn.tool_results]))
    if words or not items:
        content = [{"type": "input_text", "text": words.removeprefix("\n") if items else words}]
        said = {"type": "message", "role": "user", "status": "completed", "content": content}
        items.append({"id": f"msg_{turn.id}-input", **said})
    return items


def output_message(id: ResponseId, draft: Draft) -> dict[str, Any]:
    """The draft as the response's one message."""
    whole = draft.finish_reason not in (FINISH_REASON_LENGTH, FINISH_REASON_CANCELLED)
    return {
        "id": id.message_id,
        "type": "message",
        "role": "assistant",
        "status": "completed" if whole else "incomplete",
        "content": [text_part(draft.text, [annotation(one) for one in draft.citations if one.WhichOneof("source")])],
    }


def text_part(text: str, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """The part of a message that is text."""
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def annotation(citation: Citation) -> dict[str, Any]:
    """A citation as an annotation; places count code points of the text."""
    kind = citation.WhichOneof("source") or ""
    source = getattr(citation, kind)
    return {
        "type": "url_citation",
        "start_index": citation.start,
        "end_index": citation.end,
        "url": f"antiphon:{kind}:{source.id}",
        "title": f"{kind} {citation.mark}".strip(),
        "supported": citation.supported,
        "marked": citation.marked,
    }


def usage(draft: Draft) -> dict[str, Any]:
    """Tokens read and written."""
    count = draft.usage
    return {
        "input_tokens": count.prompt_tokens,
        "input_tokens_details": {"cached_tokens": count.reused_tokens},
        "output_tokens": count.reply_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": count.prompt_tokens + count.reply_tokens,
    }


def understood(turn: Turn) -> dict[str, Any]:
    """What the tracker made of the turn."""
    fields: dict[str, Any] = {}
    if turn.HasField("understood"):
        fields["understood"] = MessageToDict(turn.understood, preserving_proto_field_name=True)
    if turn.HasField("state"):
        fields["state"] = MessageToDict(turn.state, preserving_proto_field_name=True)
    return fields


def draft_of_round(turn: Turn, round: int) -> Draft | None:
    """The draft of a round; where a person took the turn over from it, their reply. None where there is neither."""
    own = next((draft for draft in turn.drafts if draft.round == round), None)
    if own is not None and own.finish_reason != FINISH_REASON_CANCELLED:
        return own
    later = (draft for draft in turn.drafts if draft.round > round)
    following = next((draft for draft in later if draft.finish_reason != FINISH_REASON_CANCELLED), None)
    return following if following is not None and following.origin == DRAFT_ORIGIN_HUMAN else own


def status_of(turn: Turn, id: ResponseId, draft: Draft | None) -> str:
    """How far a response has come; one whose turn a person has taken over waits for them."""
    written = draft is not None and draft.finish_reason != FINISH_REASON_CANCELLED
    if turn.status == TURN_STATUS_HELD and not written:
        return "in_progress"
    if id.round < turn.position.round:
        return "completed" if written else "cancelled"
    ends = {
        TURN_STATUS_COMPLETED: "completed",
        TURN_STATUS_CANCELLED: "cancelled",
        TURN_STATUS_FAILED: "failed",
        TURN_STATUS_WAITING: "queued",
    }
    return ends.get(turn.status, "in_progress")


def response_of(turn: Turn, id: ResponseId, asked: Asked) -> dict[str, Any]:
    """The response that a stored turn is."""
    draft = draft_of_round(turn, id.round)
    status = status_of(turn, id, draft)
    error = turn.error if status == "failed" and turn.HasField("error") else None
    created = turn.create_time.seconds
    return response_object(id, asked, status, created, draft, error=error, more=understood(turn))
