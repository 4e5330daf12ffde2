"""Logs, metrics and traces, set up once per process; and the names that are bound to all three.

A user's text is never logged at info level or above. One trace follows a turn over the queues: its context travels in
the headers of each message (W3C ``traceparent``) beside the time of sending. The metrics stand in ``metrics``.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from io import StringIO
from typing import Any, TextIO

import structlog
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind
from prometheus_client import start_http_server

from services.common import metrics
from services.common.privacy.telling import MaskedFormatter, mask_event, told_lines
from services.common.settings import CommonSettings

SENT = "sent"  # header: when the message was sent, seconds since 1970
tracer = trace.get_tracer("antiphon")
_texts = False  # whether spans may hold what was said


def configure(settings: CommonSettings, service: str) -> None:
    """Set up logging, the metrics page and tracing as the settings say. Call it once, at start."""
    level = getattr(logging, settings.log_level.upper())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _trace_ids,
    ]
    renderer: list[Any] = (
        [structlog.processors.format_exc_info, mask_event, structlog.processors.JSONRenderer()]
        if settings.log_format == "json"
        # A plain traceback: the decorated one shows local variables, and so what users have said.
        else [
            mask_event,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_plain_traceback),
        ]
    )
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskedFormatter(logging.BASIC_FORMAT))
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
    structlog.contextvars.bind_contextvars(service=service, worker=settings.worker_name)
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    global _texts
    _texts = settings.otlp_texts
    if settings.otlp_endpoint:
        _configure_tracing(settings, service)


def _plain_traceback(file: TextIO, exception: Any) -> None:
    lines = StringIO()
    structlog.dev.plain_traceback(lines, exception)
    file.write(told_lines(lines.getvalue()))


def _trace_ids(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The trace that a line belongs to, as OpenTelemetry names it in JSON logs."""
    here = trace.get_current_span().get_span_context()
    if here.is_valid:
        event["trace_id"], event["span_id"] = trace.format_trace_id(here.trace_id), trace.format_span_id(here.span_id)
    return event


def _configure_tracing(settings: CommonSettings, service: str) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from services.common.privacy.spans import masking

    resource = Resource.create({"service.name": f"antiphon-{service}", "service.instance.id": settings.worker_name})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(masking(OTLPSpanExporter(endpoint=settings.otlp_endpoint))))
    trace.set_tracer_provider(provider)


def shutdown() -> None:
    """Send the spans that wait; call it once, at the end."""
    provider = trace.get_tracer_provider()
    if hasattr(provider, "shutdown"):
        provider.shutdown()


def texts_told() -> bool:
    """Whether the operator lets spans hold texts of users and replies."""
    return _texts


def trace_context() -> dict[str, str]:
    """The current trace as headers for a message; empty without one."""
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        propagate.inject(carrier)
    return carrier


def message_headers(trace_of_turn: Mapping[str, str]) -> dict[str, Any]:
    """Headers of a message sent now: its trace (the current one, else the turn's own) and the time."""
    return {SENT: time.time(), **(trace_context() or trace_of_turn)}


@contextmanager
def call_span(method: str, metadata: Iterable[tuple[str, str | bytes]] | None) -> Iterator[None]:
    """The span of a gRPC call, in the caller's trace where its metadata names one."""
    if not _recording():
        yield
        return
    carrier = {name: value for name, value in metadata or () if isinstance(value, str)}
    with tracer.start_as_current_span(
        method.removeprefix("/"), context=propagate.extract(carrier), kind=SpanKind.SERVER, record_exception=False
    ):
        yield


def observe_queue(queue: str, headers: Mapping[str, Any]) -> None:
    """Count how long a message has waited. Clocks of two machines may differ by more than that: never below 0."""
    sent = headers.get(SENT)
    if isinstance(sent, int | float):
        metrics.QUEUE_SECONDS.labels(queue).observe(max(0.0, time.time() - sent))


class Step:
    """One step of a turn under way: its time, and its span if it is traced. ``end`` it once, from any thread."""

    def __init__(
        self,
        step: str,
        headers: Mapping[str, Any],
        attributes: Mapping[str, Any],
        kind: SpanKind = SpanKind.CONSUMER,
    ) -> None:
        self._step = step
        self._started = time.monotonic()
        self.span: Span = trace.INVALID_SPAN
        if _recording():
            here = trace.get_current_span().get_span_context().is_valid
            context = None if here else propagate.extract({k: v for k, v in headers.items() if isinstance(v, str)})
            self.span = tracer.start_span(step, context, kind, attributes=dict(attributes))

    def end(self) -> None:
        metrics.STEP_SECONDS.labels(self._step).observe(time.monotonic() - self._started)
        self.span.end()


@contextmanager
def inner_span(name: str, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """A part of what the current span is about; it costs nothing where nothing is traced."""
    if not _recording():
        yield trace.INVALID_SPAN
        return
    with tracer.start_as_current_span(name, kind=kind, record_exception=False) as span:
        yield span


@contextmanager
def span_of_trace(name: str, headers: Mapping[str, Any]) -> Iterator[Span]:
    """A span of work that belongs to a trace whose own work is done, such as a stored turn's."""
    if not _recording():
        yield trace.INVALID_SPAN
        return
    with tracer.start_as_current_span(name, propagate.extract(dict(headers)), record_exception=False) as span:
        yield span


@contextmanager
def step_span(step: str, headers: Mapping[str, Any], **attributes: Any) -> Iterator[None]:
    """Measure one step of a turn and continue the trace of the message's headers; messages sent in it follow on."""
    begun = Step(step, headers, attributes)
    try:
        with trace.use_span(begun.span):
            yield
    finally:
        begun.end()


def _recording() -> bool:
    """Whether tracing is on; without it a step costs no span."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
