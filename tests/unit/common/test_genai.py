"""Spans in the words of the GenAI conventions, in an exporter in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from services.common import genai, telemetry
from services.common.privacy.spans import masking

TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
TURN = {
    "_id": "turn_1",
    "session": "session_1",
    "attempt": 1,
    "round": 1,
    "text": "Is there parking? Call me: ada@example.org",
    "trace": TRACE,
    "drafts": [{"id": "draft_0", "round": 0}, {"id": "draft_1", "round": 1}],
}
MANIFEST = {
    "engine": "slots",
    "base_model": "SmolLM2-135M-Instruct",
    "version_id": "version_7",
    "seed": 3,
    "settings": {"max_new_tokens": 256, "temperature": 0.0, "top_p": 1.0, "top_k": 0},
}
STORED = {
    "text": "Yes, behind the house. " + "Really. " * 2_000,
    "finish_reason": "stop",
    "usage": {"prompt_tokens": 120, "reused_tokens": 80, "reply_tokens": 9, "first_token_seconds": 0.25},
    "checks": [
        {"constraint": {"kind": "length", "about": "secret words"}, "met": True},
        {"constraint": {"kind": "inclusion"}, "met": False},
    ],
    "citations": [{"supported": True}, {"supported": False}],
    "manifest": MANIFEST,
}


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    made = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(masking(made)))
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer("test"))
    monkeypatch.setattr(telemetry, "_recording", lambda: True)
    yield made
    provider.shutdown()


def _only(exporter: InMemorySpanExporter) -> tuple[ReadableSpan, dict[str, Any]]:
    (span,) = exporter.get_finished_spans()
    return span, dict(span.attributes or {})


def _chat(manifest: dict[str, Any]) -> None:
    step = genai.chat_step(TRACE, TURN, manifest)
    genai.answered(step.span, TURN, {**STORED, "manifest": manifest})
    step.end()


def test_a_reply_is_a_chat_span_of_the_turns_trace(exporter: InMemorySpanExporter) -> None:
    _chat(MANIFEST)
    span, told = _only(exporter)
    assert (span.name, span.kind) == ("chat SmolLM2-135M-Instruct", SpanKind.INTERNAL)
    assert span.parent is not None
    assert f"{span.parent.trace_id:032x}" in TRACE["traceparent"]
    assert told == {
        "turn": "turn_1",
        "attempt": 1,
        "antiphon.round": 1,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "antiphon",
        "gen_ai.conversation.id": "session_1",
        "gen_ai.request.model": "SmolLM2-135M-Instruct",
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 256,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.top_p": 1.0,
        "gen_ai.request.seed": 3,
        "gen_ai.output.type": "text",
        "gen_ai.response.id": "draft_1",
        "gen_ai.response.model": "version_7",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.cache_read.input_tokens": 80,
        "gen_ai.usage.output_tokens": 9,
    }
    judged = [dict(one.attributes or {}) for one in span.events]
    assert {one.name for one in span.events} == {"gen_ai.evaluation.result"}
    assert [
        (one["gen_ai.evaluation.name"], one["gen_ai.evaluation.score.value"], one["gen_ai.evaluation.score.label"])
        for one in judged
    ] == [("constraint.length", 1.0, "pass"), ("constraint.inclusion", 0.0, "fail"), ("citations", 0.5, "fail")]
    for secret in ("parking", "behind the house", "secret words"):
        assert secret not in span.to_json()


def test_a_reply_of_a_server_names_it(exporter: InMemorySpanExporter) -> None:
    _chat({**MANIFEST, "engine": "upstream", "server": "https://models.example:8443/base, https://two.example"})
    span, told = _only(exporter)
    assert span.kind == SpanKind.CLIENT
    assert told["gen_ai.provider.name"] == "openai"
    assert (told["server.address"], told["server.port"]) == ("models.example", 8443)


def test_a_reply_that_no_model_writes_is_no_inference(exporter: InMemorySpanExporter) -> None:
    _chat({**MANIFEST, "composed_by": "evidence"})
    span, told = _only(exporter)
    assert (span.name, told["antiphon.composed_by"]) == ("generate", "evidence")
    assert not [name for name in told if name.startswith(("gen_ai.request", "gen_ai.usage", "gen_ai.operation"))]


def test_a_folder_of_a_machine_is_told_by_its_name(exporter: InMemorySpanExporter) -> None:
    _chat({**MANIFEST, "base_model": "/srv/models/my-assistant/"})
    assert _only(exporter)[0].name == "chat my-assistant"


def test_texts_are_told_where_the_operator_says_so_masked_and_whole_json(
    exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "_texts", True)
    _chat(MANIFEST)
    _, told = _only(exporter)
    (asked,), (said,) = (json.loads(told[f"gen_ai.{way}.messages"]) for way in ("input", "output"))
    assert asked == {"role": "user", "parts": [{"type": "text", "content": "Is there parking? Call me: <EMAIL_1>"}]}
    assert said["finish_reason"] == "stop"
    assert said["parts"][0]["content"].startswith("Yes, behind the house.")


@pytest.mark.parametrize("text", ["\x01" * 9_000, '"' * 9_000, "好" * 9_000, ""])
def test_a_long_message_stays_json(text: str) -> None:
    assert len(written := genai._message("user", text)) <= 3_500
    assert text.startswith(json.loads(written)[0]["parts"][0]["content"])


def test_a_failure_names_its_kind(exporter: InMemorySpanExporter) -> None:
    step = genai.chat_step(TRACE, TURN, MANIFEST)
    genai.failed(step.span, "CONTEXT_TOO_LONG")
    step.end()
    span, told = _only(exporter)
    assert (told["error.type"], span.status.status_code) == ("CONTEXT_TOO_LONG", StatusCode.ERROR)


def test_a_search_is_a_retrieval_span(exporter: InMemorySpanExporter) -> None:
    with genai.retrieval("session_1", "where may I park?") as span:
        genai.retrieved(span, [{"id": "passage_1", "revision": 2, "score": 0.5}], [{"id": "fact_1"}])
    ended, told = _only(exporter)
    assert (ended.name, ended.kind) == ("retrieval knowledge", SpanKind.CLIENT)
    assert told["gen_ai.operation.name"] == "retrieval"
    assert told["gen_ai.conversation.id"] == "session_1"
    assert json.loads(told["gen_ai.retrieval.documents"]) == [{"id": "passage_1", "score": 0.5}]
    assert "park?" not in ended.to_json()


def test_feedback_is_an_evaluation_in_the_turns_trace(exporter: InMemorySpanExporter) -> None:
    draft = TURN["drafts"][0]  # type: ignore[index]
    genai.judged(TURN, draft, {"rating": 2, "comment": "too long", "edited_text": "Yes."})
    genai.judged(TURN, draft, {"rating": None, "comment": "nothing but words"})
    span, _ = _only(exporter)
    assert f"{(span.parent or span.context).trace_id:032x}" in TRACE["traceparent"]
    assert [dict(one.attributes or {}) for one in span.events] == [
        {
            "gen_ai.evaluation.name": "feedback.rating",
            "gen_ai.evaluation.score.value": 2.0,
            "gen_ai.evaluation.score.label": "2",
            "gen_ai.response.id": "draft_0",
        },
        {
            "gen_ai.evaluation.name": "feedback.edited",
            "gen_ai.evaluation.score.value": 0.0,
            "gen_ai.evaluation.score.label": "edited",
            "gen_ai.response.id": "draft_0",
        },
    ]
    assert "too long" not in span.to_json()
