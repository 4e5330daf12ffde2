"""Logs, metrics and traces, set up once per process; and the names that are bound to all three.

A user's text is never logged at info level or above. One trace follows a turn over the queues: its
context travels in the message's ``trace``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import propagate, trace
from prometheus_client import Counter, Histogram, start_http_server

from services.common.settings import CommonSettings

QUEUE_SECONDS = Histogram(
    "antiphon_step_seconds",
    "Time a step worked on a turn",
    ["step"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
TURNS = Counter("antiphon_turns_total", "Turns by how they ended", ["end"])

tracer = trace.get_tracer("antiphon")


def configure(settings: CommonSettings, service: str) -> None:
    """Set up logging, the metrics page and tracing as the settings say. Call it once, at start."""
    level = getattr(logging, settings.log_level.upper())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if settings.log_format == "json"
        # A plain traceback: the decorated one shows local variables, and so what users have said.
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr, force=True)
    structlog.contextvars.bind_contextvars(service=service, worker=settings.worker_name)
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    if settings.otlp_endpoint:
        _configure_tracing(settings, service)


def _configure_tracing(settings: CommonSettings, service: str) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": f"antiphon-{service}", "service.instance.id": settings.worker_name})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint)))
    trace.set_tracer_provider(provider)


def trace_context() -> dict[str, str]:
    """The current trace as headers for a message; empty without one."""
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        propagate.inject(carrier)
    return carrier


@contextmanager
def step_span(step: str, carrier: dict[str, str], **attributes: Any) -> Iterator[None]:
    """Measure one step of a turn and, if it is traced, continue its trace."""
    with QUEUE_SECONDS.labels(step).time():
        if not carrier:
            yield
            return
        context = propagate.extract(carrier)
        with tracer.start_as_current_span(step, context=context, attributes=attributes):
            yield
