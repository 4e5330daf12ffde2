"""Logs and spans hold no personal data, whatever was said by mistake."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.common.privacy.spans import masking
from services.common.privacy.telling import MaskedFormatter, mask_event, told


def test_a_log_line_tells_of_a_failure_without_what_was_said() -> None:
    line = mask_event(
        None,
        "warning",
        {
            "event": "call_failed",
            "error": "ValueError('my name is Ada Byron, ada@example.org')",
            "turn": "turn_13812345678",
            "peer": "ipv4:127.0.0.1:50051",
            "timestamp": "2026-12-03T00:17:56.123456Z",
            "exception": "Traceback\nValueError: 13812345678",
        },
    )
    assert "Ada" not in line["error"]
    assert "example.org" not in line["error"]
    assert line["exception"] == "Traceback\nValueError: <PHONE_1>"
    assert (line["turn"], line["peer"]) == ("turn_13812345678", "ipv4:127.0.0.1:50051")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("turn_01m8x7fz3rb0kqmgazxp5c4938", None),
        ("feedback_01m8x7fz3rb0kqmgazxp5c4938_0000000001", None),
        ("/antiphon.v1.AdminService/GetTenant", None),
        ("", None),
        ("13812345678", "<PHONE_1>"),
        ("number=4111111111111111", "number=<CARD_1>"),
        ("NO9386011117947", "<IBAN_1>"),
        ("to:ada@example.org", "to:<EMAIL_1>"),
        ("我叫王建国", "我叫<NAME_1>"),
        (["+44 7911 123456", {"deep": ("ada@example.org",)}], ["<PHONE_1>", {"deep": ("<EMAIL_1>",)}]),
        ("a" * 5_000 + " ada@example.org", "a" * 4_000),
    ],
)
def test_a_value_is_told_without_personal_data(value: object, kept: object) -> None:
    assert told(value) == (value if kept is None else kept)


def test_other_libraries_lines_are_masked_too() -> None:
    record = logging.LogRecord("pika", logging.WARNING, "", 1, "refused %s", ("ada@example.org",), None)
    assert MaskedFormatter(logging.BASIC_FORMAT).format(record) == "WARNING:pika:refused <EMAIL_1>"


def test_a_span_leaves_without_personal_data() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(masking(exporter)))
    tracer = provider.get_tracer("test")
    deep = "frame\n" * 1_000
    try:
        with tracer.start_as_current_span(
            "chat", attributes={"turn": "turn_1", "said": "我叫王建国，手机13812345678。"}
        ):
            raise ValueError(f"{deep}4111 1111 1111 1111")
    except ValueError:
        pass
    (span,) = exporter.get_finished_spans()
    assert dict(span.attributes or {}) == {"turn": "turn_1", "said": "我叫<NAME_1>，手机<PHONE_1>。"}
    (raised,) = span.events
    assert str((raised.attributes or {})["exception.stacktrace"]).endswith("<CARD_1>\n")
    assert "4111" not in span.to_json()
    assert "<CARD_1>" in span.to_json()
