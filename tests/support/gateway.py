"""A caller and small workers for tests of the gateway: real consumers that do what a test wants."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import grpc
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1 import conversation_pb2_grpc as rpc

from deploy.local.ports import free_port
from services.common.bus import Bus, Consumer, Delivery, EventPublisher, TurnMessage, topology
from services.common.bus.events import event, viewers_of
from services.common.store import Store
from tests.support.processes import ServiceProcess, Services


@dataclass
class Script:
    """What the fake generator does to a turn: the pieces of text it says, and where it waits."""

    pieces: list[str] = field(default_factory=lambda: ["Hello", " there", ", how are you?"])
    hold_after: int | None = None  # pieces said before it waits for `go`
    go: threading.Event = field(default_factory=threading.Event)
    finish: bool = True
    fail: bool = False


class FakeWorkers:
    """Tracker and generator in one: takes a turn off `turns.track`, says the script's pieces, finishes.

    Holds each taken turn in a thread of its own, obeys `cancel` and `attach` as the generator does.
    """

    def __init__(self, store: Store, broker_url: str) -> None:
        self.store = store
        self.bus = Bus(broker_url)
        self.bus.declare()
        self.events = EventPublisher(self.bus)
        self.script: Callable[[str], Script] = lambda _text: Script()
        self.commands: list[dict[str, Any]] = []
        self.taken: list[str] = []
        self._held: dict[str, tuple[Script, dict[str, Any], list[str]]] = {}
        self._lock = threading.RLock()
        redis = self.bus.redis
        self._consumers = [
            Consumer(self.bus, topology.turn_queue(name, redis=redis), self._work, threads=16, prefetch=64).start()
            for name in (topology.TRACK, topology.GENERATE)
        ]
        self._consumers.append(
            Consumer(
                self.bus, topology.control_queue(f"control-{uuid.uuid4().hex}"), self._control,
                threads=0, prefetch=0, acknowledge=False,
            ).start()
        )  # fmt: skip
        for consumer in self._consumers:
            assert consumer.connected.wait(10)

    def _control(self, delivery: Delivery) -> None:
        command = json.loads(delivery.body)
        delivery.ack()
        self.commands.append(command)
        with self._lock:
            held = self._held.get(command.get("turn", ""))
            if held is not None and command["op"] == "attach":
                turn = held[1]
                turn["viewers"] = [*dict.fromkeys((*viewers_of(turn), command["reply_to"]))]
                self._say(turn, 0, "".join(held[2]))
        if held is not None and command["op"] == "cancel":
            held[0].finish = False
            held[0].go.set()

    def _say(self, turn: dict[str, Any], offset: int, text: str) -> None:
        delta = event(turn["_id"], "delta", turn["round"], turn["attempt"], offset, text=text)
        self.events.put_all(viewers_of(turn), delta)

    def _work(self, delivery: Delivery) -> None:
        message = TurnMessage.decode(delivery.body)
        turn = self.store.steps.take_step(message.tenant, message.turn, message.round, redelivered=delivery.redelivered)
        delivery.ack()
        if turn is None:
            return
        self.taken.append(turn["_id"])
        script = self.script(turn["text"])
        said: list[str] = []
        with self._lock:
            self._held[turn["_id"]] = (script, turn, said)
        offset = 0
        for index, piece in enumerate(script.pieces):
            if script.hold_after == index:
                script.go.wait(60)
            if not script.finish and script.go.is_set():
                break
            with self._lock:
                self._say(turn, offset, piece)
                said.append(piece)
            offset += len(piece)
        if script.hold_after is not None and script.hold_after >= len(script.pieces):
            script.go.wait(60)
        with self._lock:
            del self._held[turn["_id"]]
        self._end(turn, script, "".join(said))

    def _end(self, turn: dict[str, Any], script: Script, text: str) -> None:
        if script.fail:
            self.store.steps.fail_turn(turn["tenant"], turn["_id"], "INTERNAL", "on purpose", holder=turn["holder"])
            place = (turn["_id"], "failed", turn["round"], turn["attempt"])
            self.events.put_all(viewers_of(turn), event(*place, reason="INTERNAL", message="on purpose"))
            return
        if not script.finish:
            self.store.steps.keep_partial(turn["tenant"], turn["_id"], turn["holder"], turn["round"], text, [])
            return
        draft = {"text": text, "token_ids": [], "attempt": turn["attempt"], "finish_reason": "stop"}
        if not self.store.steps.finish_draft(turn["tenant"], turn["_id"], turn["holder"], turn["round"], draft):
            return
        shown = {**draft, "id": turn["drafts"][turn["round"]]["id"], "round": turn["round"]}
        self.events.put_all(
            viewers_of(turn), event(turn["_id"], "completed", turn["round"], turn["attempt"], len(text), draft=shown)
        )
        promoted = self.store.turns.promote(turn["tenant"], turn["session"])
        if promoted is not None:
            self.bus.publish_turn(topology.TRACK, TurnMessage.of_turn(promoted))

    def reset(self) -> None:
        """Let go of what is held and go back to the common script."""
        for script, _, _ in list(self._held.values()):
            script.finish = False
            script.go.set()
        self.script = lambda _text: Script()
        self.commands.clear()
        self.taken.clear()

    def close(self) -> None:
        self.reset()
        for consumer in self._consumers:
            consumer.stop(5)
        self.events.close()
        self.bus.close()


def held_script(*pieces: str, after: int = 1) -> Script:
    """A reply that stops after so many pieces until its ``go`` is set."""
    return Script(list(pieces) or ["one", " two", " three"], hold_after=after)


def kinds(events: Iterable[pb.TurnEvent]) -> list[str | None]:
    """What happened, in a word each."""
    return [one.WhichOneof("event") for one in events]


@dataclass
class Client:
    """One caller: a channel, its key, and the calls that tests make most."""

    address: str
    key: str

    def __post_init__(self) -> None:
        self.channel = grpc.insecure_channel(self.address)
        self.conversation = rpc.ConversationServiceStub(self.channel)
        self.metadata = (("authorization", f"Bearer {self.key}"),)

    def session(self, **fields: Any) -> str:
        request = pb.CreateSessionRequest(user_id=fields.pop("user_id", "ann"), **fields)
        return self.conversation.CreateSession(request, metadata=self.metadata, timeout=20).session.id

    def send(self, session: str, text: str, **fields: Any) -> Any:
        request = pb.SendTurnRequest(session_id=session, text=text, **fields)
        return self.conversation.SendTurn(request, metadata=self.metadata, timeout=60)

    def attach(self, turn: str, **fields: Any) -> Any:
        request = pb.AttachTurnRequest(turn_id=turn, **fields)
        return self.conversation.AttachTurn(request, metadata=self.metadata, timeout=60)

    def revise(self, turn: str, **fields: Any) -> Any:
        request = pb.ReviseTurnRequest(turn_id=turn, **fields)
        return self.conversation.ReviseTurn(request, metadata=self.metadata, timeout=60)

    def call(self, method: str, request: Any) -> Any:
        return getattr(self.conversation, method)(request, metadata=self.metadata, timeout=20)

    def turn(self, turn: str) -> pb.Turn:
        found: pb.Turn = self.call("GetTurn", pb.GetTurnRequest(turn_id=turn)).turn
        return found

    def cancel(self, turn: str) -> pb.CancelTurnResponse:
        answer: pb.CancelTurnResponse = self.call("CancelTurn", pb.CancelTurnRequest(turn_id=turn))
        return answer


def events_of(stream: Any) -> list[pb.TurnEvent]:
    """All events of a stream, to its end."""
    return [response.event for response in stream]


def text_of(events: list[pb.TurnEvent]) -> str:
    """The text a client has: deltas put together, begun anew at `restarted`."""
    text = ""
    for one in events:
        kind = one.WhichOneof("event")
        if kind == "restarted":
            text = text[: one.position.offset]
        elif kind == "delta":
            assert one.position.offset == len(text) + len(one.delta.text)
            text += one.delta.text
    return text


@dataclass
class Gateways:
    """Starts gateways of this test."""

    services: Services
    store: Store

    def start(self, **settings: object) -> tuple[ServiceProcess, str]:
        port = free_port()
        process = self.services.spawn("gateway", gateway_port=port, **settings)
        process.wait_for_log('"event": "ready"')
        return process, f"127.0.0.1:{port}"

    def client(self, address: str, tenant: str = "default", role: str = "operator", **grants: Any) -> Client:
        return Client(address, self.store.keys.create(tenant, role, "test", **grants)[1])
