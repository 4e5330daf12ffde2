"""What a draft shows beside its text: citations, checks, constraints, version; and why a turn failed."""

from __future__ import annotations

from typing import Any

from antiphon.v1.conversation_pb2 import Citation, Draft, TurnError
from google.protobuf.json_format import MessageToDict

from services.web.errors import WebError

TAKEN_OVER = "TAKEN_OVER"
"""Why a turn restarts that a person answers from here."""


def shown(draft: Draft) -> dict[str, Any]:
    """The fields of ``antiphon`` that speak of a draft."""
    fields: dict[str, Any] = {
        "draft": draft.id,
        "round": draft.round,
        "version": draft.manifest.version_id,
        "composed_by": draft.manifest.composed_by,
        "citations": [citation(one) for one in draft.citations],
        "checks": [MessageToDict(check, preserving_proto_field_name=True) for check in draft.checks],
        "handoff": draft.handoff,
        "accepted": draft.accepted,
    }
    return {name: value for name, value in fields.items() if value not in ("", [], False)}


def citation(given: Citation) -> dict[str, Any]:
    """One sentence and what it rests on; places count code points of the text."""
    kind = given.WhichOneof("source")
    source = getattr(given, kind) if kind else None
    return {
        "start": given.start,
        "end": given.end,
        "mark": given.mark,
        "source": {"kind": kind, "id": source.id, "revision": source.revision} if source is not None else None,
        "marked": given.marked,
        "supported": given.supported,
    }


def failure(error: TurnError) -> WebError:
    """A turn that was given up, as an error of the request."""
    if error.reason == "CONTEXT_TOO_LONG":
        return WebError(error.message, param="messages", code="context_length_exceeded")
    return WebError(f"the turn has failed: {error.message}", status=500, code=error.reason.lower(), type="server_error")
