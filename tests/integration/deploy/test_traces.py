"""One trace a turn: the caller's, through the gateway, over the queues' headers, to the last word."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from services.common.bus import Bus, TurnMessage, topology
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import Broker
from tests.support.gateway import Client, Gateways, events_of
from tests.support.processes import Services
from tests.support.waiting import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLERS_SPAN = "b7ad6b7169203331"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """An OTLP collector that keeps what it is sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[tuple[str, Any]] = []
        self._server = grpc.server(ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def Export(self, request: Any, context: Any) -> Any:
        with self._lock:
            for resource in request.resource_spans:
                names = {one.key: one.value.string_value for one in resource.resource.attributes}
                self._spans += [(names["service.name"], span) for scope in resource.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    def of(self, trace: str) -> dict[str, tuple[str, str, str]]:
        """The spans of a trace: name to (service, own id, parent's id)."""
        with self._lock:
            return {
                span.name: (service, span.span_id.hex(), span.parent_span_id.hex())
                for service, span in self._spans
                if span.trace_id.hex() == trace
            }

    def attributes(self, trace: str, name: str) -> dict[str, Any]:
        """The attributes of the span of that name."""
        with self._lock:
            (span,) = [one for _, one in self._spans if one.trace_id.hex() == trace and one.name == name]
            return {one.key: one.value for one in span.attributes}

    def stop(self) -> None:
        self._server.stop(None).wait()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    made = Collector()
    yield made
    made.stop()


def test_a_turns_trace_has_every_hop(collector: Collector, services: Services, rabbitmq: Broker) -> None:
    services.settings["otlp_endpoint"] = f"http://127.0.0.1:{collector.port}"
    store = Store(CommonSettings.model_validate({n: services.settings[n] for n in ("mongo_url", "mongo_database")}))
    workers = [
        services.spawn("tracker", tracker="rules"),
        services.spawn("knowledge", "ground"),
        services.spawn("generator", engine="echo"),
    ]
    gateways = Gateways(services, store)
    _, address = gateways.start()
    for worker in workers:
        worker.until_ready(120)
    client: Client = gateways.client(address)
    session = client.session()
    client.metadata = (*client.metadata, ("traceparent", f"00-{TRACE}-{CALLERS_SPAN}-01"))  # type: ignore[assignment]
    events = events_of(client.send(session, "hello there"))
    wait_until(lambda: len(collector.of(TRACE)) >= 5, 60, "the spans of five hops")
    spans = collector.of(TRACE)
    call = "antiphon.v1.ConversationService/SendTurn"
    way = [
        (call, "gateway"),
        ("track", "tracker"),
        ("ground", "knowledge"),
        ("take", "generator"),
        ("chat echo", "generator"),
    ]
    assert set(spans) == {name for name, _ in way}
    before = CALLERS_SPAN
    for name, service in way:
        assert spans[name][0].startswith(f"antiphon-{service}"), spans
        assert spans[name][2] == before, f"{name} follows what sent it"
        before = spans[name][1]

    chat = collector.attributes(TRACE, "chat echo")
    assert chat["gen_ai.operation.name"].string_value == "chat"
    assert chat["gen_ai.conversation.id"].string_value == session
    assert chat["gen_ai.response.id"].string_value == events[-1].completed.draft.id
    assert chat["gen_ai.usage.output_tokens"].int_value > 0
    assert not [name for name, value in chat.items() if "hello" in str(value)], "texts stay out unless asked for"

    # What is sent again later, outside of any call, is still the same trace.
    turn = store.turns.get("default", events[0].turn_id)
    assert TRACE in turn["trace"]["traceparent"]
    bus = Bus(rabbitmq.url)
    bus.publish_turn(topology.TRACK, TurnMessage.of_turn(turn))
    wait_until(lambda: collector.of(TRACE)["track"][1] != spans["track"][1], 60, "a second track span")
    assert collector.of(TRACE)["track"][2] == spans[call][1]
    bus.close()
    client.channel.close()
    store.close()
