"""Spans as they leave: no attribute, event or status holds personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from services.common.privacy.telling import told, told_lines

_TRACEBACK = "exception.stacktrace"


class _MaskingExporter(SpanExporter):
    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([_masked(span) for span in spans])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def masking(exporter: SpanExporter) -> SpanExporter:
    """An exporter that hands on spans with their texts masked."""
    return _MaskingExporter(exporter)


def _masked(span: ReadableSpan) -> ReadableSpan:
    status = span.status
    description = told(status.description) if status.description else None
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_attributes(span.attributes),
        events=[Event(one.name, _attributes(one.attributes), one.timestamp) for one in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(status.status_code, description),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _attributes(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Attributes as they may be told; the cause stands at a traceback's end, which is not cut."""
    found = dict(given or {})
    trace = found.pop(_TRACEBACK, None)
    kept: dict[str, Any] = told(found)
    return kept | ({_TRACEBACK: told_lines(trace)} if isinstance(trace, str) else {})
