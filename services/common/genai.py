"""Spans and events in the words of OpenTelemetry's GenAI semantic conventions, so that any backend reads them.

Names are those of the conventions' own repository (open-telemetry/semantic-conventions-genai, status: development).
Texts of users and replies are in no attribute unless ``ANTIPHON_OTLP_TEXTS`` says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from services.common import telemetry

CONVERSATION = "gen_ai.conversation.id"
EVALUATION = "gen_ai.evaluation.result"
_LONGEST = 3_000
"""Characters of a text that a span holds; with its frame it stays below where exported strings are cut."""


def chat_step(headers: Mapping[str, Any], turn: Mapping[str, Any], manifest: Mapping[str, Any]) -> telemetry.Step:
    """Begin the generate step as a ``chat MODEL`` span; a reply that no model writes keeps the name ``generate``."""
    elsewhere = manifest.get("engine") == "upstream"
    begun = telemetry.Step(
        "generate",
        headers,
        {"turn": turn["_id"], "attempt": turn["attempt"], CONVERSATION: turn["session"]},
        kind=SpanKind.CLIENT if elsewhere else SpanKind.INTERNAL,
    )
    if begun.span.is_recording():
        _ask(begun.span, manifest)
    return begun


def composed(span: Span, by: str) -> None:
    """From here on no model writes the reply: the span is no inference."""
    span.update_name("generate")
    span.set_attribute("antiphon.composed_by", by)


def _ask(span: Span, manifest: Mapping[str, Any]) -> None:
    if manifest.get("composed_by"):
        composed(span, str(manifest["composed_by"]))
        return
    model, settings = str(manifest.get("base_model", "")), manifest.get("settings") or {}
    if model.startswith("/"):  # a folder of this machine
        model = model.rstrip("/").rpartition("/")[2]
    span.update_name(f"chat {model}".rstrip())
    server = urlsplit(str(manifest.get("server", "")).split(",")[0])
    asked = {
        "gen_ai.operation.name": "chat",
        # Upstream is whatever speaks OpenAI's protocol; the address says who.
        "gen_ai.provider.name": "openai" if manifest.get("engine") == "upstream" else "antiphon",
        "gen_ai.request.model": model,
        "gen_ai.request.stream": True,
        "gen_ai.output.type": "json" if settings.get("reply_format") else "text",
        "gen_ai.request.max_tokens": settings.get("max_new_tokens"),
        "gen_ai.request.temperature": settings.get("temperature"),
        "gen_ai.request.top_p": settings.get("top_p"),
        "gen_ai.request.top_k": settings.get("top_k") or None,
        "gen_ai.request.seed": manifest.get("seed"),
        "server.address": server.hostname,
        "server.port": (server.port or {"https": 443}.get(server.scheme, 80)) if server.hostname else None,
    }
    span.set_attributes({name: value for name, value in asked.items() if value is not None})


def answered(span: Span, turn: Mapping[str, Any], draft: Mapping[str, Any]) -> None:
    """Put a finished draft, as it is stored, on its span: use, end, checks and, where told, the texts."""
    if not span.is_recording():
        return
    manifest, usage = draft["manifest"], draft["usage"]
    response = next((str(one["id"]) for one in turn["drafts"] if one.get("round") == turn["round"]), "")
    span.set_attributes({"gen_ai.response.id": response, "antiphon.round": turn["round"]})
    if not manifest.get("composed_by"):
        span.set_attributes(
            {
                "gen_ai.response.model": str(manifest.get("version_id", "")),
                "gen_ai.response.finish_reasons": [draft["finish_reason"]],
                "gen_ai.response.time_to_first_chunk": usage["first_token_seconds"],
                "gen_ai.usage.input_tokens": usage["prompt_tokens"],
                "gen_ai.usage.cache_read.input_tokens": usage["reused_tokens"],
                "gen_ai.usage.output_tokens": usage["reply_tokens"],
            }
        )
    if telemetry.texts_told():
        said = {"finish_reason": draft["finish_reason"]}
        span.set_attributes(
            {
                "gen_ai.input.messages": _message("user", str(turn.get("text", ""))),
                "gen_ai.output.messages": _message("assistant", str(draft["text"]), **said),
            }
        )
    for check in draft.get("checks") or ():
        name = f"constraint.{check['constraint'].get('kind', '')}"
        evaluated(span, name, float(check["met"]), "pass" if check["met"] else "fail", response)
    citations = draft.get("citations") or ()
    if citations:
        share = sum(bool(one.get("supported")) for one in citations) / len(citations)
        evaluated(span, "citations", share, "pass" if share == 1.0 else "fail", response)


def evaluated(span: Span, name: str, value: float | None, label: str, response: str) -> None:
    """Say how a reply was judged, by a check or by a person; what was said of it stays out."""
    told = {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.value": value,
        "gen_ai.evaluation.score.label": label,
        "gen_ai.response.id": response,
    }
    span.add_event(EVALUATION, {key: one for key, one in told.items() if one not in (None, "")})


def failed(span: Span, reason: str) -> None:
    """The operation ended in an error of this kind."""
    span.set_attribute("error.type", reason)
    span.set_status(Status(StatusCode.ERROR, reason))


@contextmanager
def retrieval(session: str, query: str) -> Iterator[Span]:
    """The span of a search of a tenant's knowledge; `session` is empty where the search is of no conversation."""
    with telemetry.inner_span("retrieval knowledge", SpanKind.CLIENT) as span:
        if span.is_recording():
            span.set_attributes(
                {
                    "gen_ai.operation.name": "retrieval",
                    "gen_ai.provider.name": "antiphon",
                    "gen_ai.data_source.id": "knowledge",
                    **({CONVERSATION: session} if session else {}),
                    **({"gen_ai.retrieval.query.text": query[:_LONGEST]} if telemetry.texts_told() else {}),
                }
            )
        yield span


def retrieved(span: Span, passages: Iterable[Mapping[str, Any]], facts: Sequence[Mapping[str, Any]]) -> None:
    """Name what was found by id and score; `facts` are counted."""
    if span.is_recording():
        documents = [{"id": one["id"], "score": one["score"]} for one in passages]
        span.set_attribute("gen_ai.retrieval.documents", json.dumps(documents))
        span.set_attribute("antiphon.retrieval.facts", len(facts))


def judged(turn: Mapping[str, Any], draft: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Put what a person said of a draft into the trace of its turn, as a span ``evaluation`` of events."""
    rating, response = record.get("rating"), str(draft.get("id", ""))
    verdicts: list[tuple[str, float | None, str]] = []
    if rating is not None:
        verdicts.append(("feedback.rating", float(rating), str(rating)))
    if record.get("accepted"):
        verdicts.append(("feedback.accepted", 1.0, "accepted"))
    if record.get("edited_text"):
        verdicts.append(("feedback.edited", 0.0, "edited"))
    if not verdicts or not turn.get("trace"):
        return
    with telemetry.span_of_trace("evaluation", turn["trace"]) as span:
        if span.is_recording():
            span.set_attributes({CONVERSATION: str(turn["session"]), "turn": turn["_id"]})
            for name, value, label in verdicts:
                evaluated(span, name, value, label, response)


def _message(role: str, text: str, **more: str) -> str:
    """One message in the conventions' JSON, short enough to leave whole."""
    while True:
        message = [{"role": role, "parts": [{"type": "text", "content": text[:_LONGEST]}], **more}]
        written = json.dumps(message, ensure_ascii=False)
        if len(written) <= _LONGEST + 500:
            return written
        text = text[: min(len(text), _LONGEST) // 2]
