"""What HTTP adds to gRPC: ``python -m bench.http [--json] [--broker redis|rabbitmq]``.

The stack of `bench.overhead` with one HTTP process before its gateway. One session sends its turns by gRPC, by the
Connect protocol, as chat completions and as responses in turn, so that a busy neighbour hits all alike:

- ``first_delta_ms``: from sending the request to the first words at the client, p50, by way;
- ``http_added_ms``: each way's p50 less that of gRPC;
- ``turns_per_s``: turns completed a second over gRPC and over responses by 50 sessions, the load generator on the same
  cores;
- ``streams_mb``: resident memory of the HTTP process while it holds 500 open event streams.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import psutil
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1 import conversation_pb2_grpc as rpc

from bench.overhead import TEXT, TURNS_PER_SESSION, Bench, machine, percentile, running
from deploy.local.ports import free_port
from tests.support.brokers import KINDS

Way = Callable[[str], Awaitable[float]]
DELTA = {"connect": b'"delta":{', "chat": b'"delta":{"content":', "responses": b"output_text.delta"}
END = {"connect": b'"completed":{', "chat": b"[DONE]", "responses": b"[DONE]"}


class Connection:
    """One HTTP/1.1 connection that is kept: as little of a client as measuring allows."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes, kind: str = "application/json") -> AsyncIterator[bytes]:
        """The chunks of an answer as they come."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = (
            f"POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {self._key}\r\n"
            f"content-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(answer.decode())
        if length := next((line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")), b""):
            yield await reader.readexactly(int(length.partition(b":")[2]))
            return
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)

    def close(self) -> None:
        """Close it, in the middle of an answer if need be."""
        if self._streams is not None:
            self._streams[1].close()


class Ways:
    """The same turn sent in four ways."""

    def __init__(self, bench: Bench, stub: Any, connection: Connection) -> None:
        self._metadata = (("authorization", f"Bearer {bench.key}"),)
        self._stub = stub
        self._connection = connection

    async def session(self) -> str:
        """A new session's id."""
        request = pb.CreateSessionRequest(user_id="bench")
        return str((await self._stub.CreateSession(request, metadata=self._metadata, timeout=30)).session.id)

    async def grpc(self, session: str) -> float:
        """Milliseconds to the first words; returns at the turn's end."""
        started, first = time.perf_counter(), 0.0
        request = pb.SendTurnRequest(session_id=session, text=TEXT)
        async for response in self._stub.SendTurn(request, metadata=self._metadata, timeout=120):
            if not first and response.event.HasField("delta"):
                first = time.perf_counter()
        return 1000 * (first - started)

    async def connect(self, session: str) -> float:
        """As ``grpc``, by the Connect protocol in JSON."""
        message = json.dumps({"sessionId": session, "text": TEXT}).encode()
        path = "/antiphon.v1.ConversationService/SendTurn"
        body = struct.pack(">BI", 0, len(message)) + message
        return await self._post("connect", path, body, "application/connect+json")

    async def chat(self, session: str) -> float:
        """As ``grpc``, as a chat completion."""
        messages = [{"role": "user", "content": f"{TEXT} {time.perf_counter_ns()}"}]
        body = {"model": "antiphon", "messages": messages, "stream": True, "metadata": {"session": session}}
        return await self._post("chat", "/v1/chat/completions", json.dumps(body).encode())

    async def responses(self, session: str) -> float:
        """As ``grpc``, as a response."""
        body = {"model": "antiphon", "input": TEXT, "conversation": session, "stream": True}
        return await self._post("responses", "/v1/responses", json.dumps(body).encode())

    async def _post(self, way: str, path: str, body: bytes, kind: str = "application/json") -> float:
        started, first, ended = time.perf_counter(), 0.0, False
        async for chunk in self._connection.post(path, body, kind):
            if not first and DELTA[way] in chunk:
                first = time.perf_counter()
            ended = ended or END[way] in chunk
        if not ended or not first:
            raise RuntimeError(f"a turn did not complete over {way}")
        return 1000 * (first - started)

    def all(self) -> dict[str, Way]:
        """The ways by name."""
        return {"grpc": self.grpc, "connect": self.connect, "chat": self.chat, "responses": self.responses}


async def alone(bench: Bench, port: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds to the first words of each way, turn by turn; the first tenth warms up."""
    times: dict[str, list[float]] = {}
    async with grpc.aio.insecure_channel(bench.address) as channel:
        ways = Ways(bench, rpc.ConversationServiceStub(channel), Connection(port, bench.key))
        for number in range(rounds):
            session = await ways.session()
            for name, way in ways.all().items():
                spent = await way(session)
                if number >= rounds // 10:
                    times.setdefault(name, []).append(spent)
    return times


async def crowd(bench: Bench, port: int, name: str, sessions: int, seconds: float) -> float:
    """Turns a second of so many sessions that talk without pause, after a warm-up of a fifth of the time."""
    begin = time.perf_counter() + seconds / 5
    over = begin + seconds
    done = itertools.count()

    async def talk(stub: Any) -> None:
        ways = Ways(bench, stub, Connection(port, bench.key))
        session = await ways.session()
        for number in itertools.count(1):
            if time.perf_counter() >= over:
                return
            if number % TURNS_PER_SESSION == 0:
                session = await ways.session()
            await ways.all()[name](session)
            if begin <= time.perf_counter() < over:
                next(done)

    async with grpc.aio.insecure_channel(bench.address) as channel:
        stub = rpc.ConversationServiceStub(channel)
        await asyncio.gather(*(talk(stub) for _ in range(sessions)))
    return next(done) / seconds


async def hold(bench: Bench, port: int, pid: int, streams: int) -> float:
    """Megabytes of the HTTP process with so many event streams open, each with its first event read."""
    body = json.dumps({"model": "antiphon", "input": TEXT, "stream": True}).encode()
    connections = [Connection(port, bench.key) for _ in range(streams)]

    async def begin(connection: Connection) -> Any:
        chunks = connection.post("/v1/responses", body)
        await anext(chunks)
        return chunks

    opened = []
    for start in range(0, streams, 25):
        opened += await asyncio.gather(*(begin(connection) for connection in connections[start : start + 25]))
    resident = psutil.Process(pid).memory_info().rss / 2**20
    for connection in connections:
        connection.close()
    return resident


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder:
        with running(options.broker, Path(folder)) as bench:
            port = free_port()
            web = bench.services.spawn("web", web_port=port, web_gateways=bench.address)
            web.wait_for_log('"event": "ready"', timeout=120)
            times = asyncio.run(alone(bench, port, options.rounds))
            rates = {
                name: asyncio.run(crowd(bench, port, name, options.sessions, options.seconds))
                for name in ("grpc", "responses")
            }
        # an engine too slow to end any of the streams meanwhile
        with running(options.broker, Path(folder) / "slow", echo_step_ms=2_000) as bench:
            web = bench.services.spawn("web", web_port=port, web_gateways=bench.address)
            web.wait_for_log('"event": "ready"', timeout=120)
            resident = asyncio.run(hold(bench, port, web.pid or 0, options.streams))
    first = {name: percentile(values, 0.5) for name, values in times.items()}
    return {
        "first_delta_ms": {name: round(value, 2) for name, value in first.items()},
        "http_added_ms": {name: round(first[name] - first["grpc"], 2) for name in first if name != "grpc"},
        "turns_per_s": {name: round(rate, 1) for name, rate in rates.items()},
        "streams": options.streams,
        "streams_mb": round(resident, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.http", description=__doc__)
    parser.add_argument("--broker", choices=KINDS, default="redis")
    parser.add_argument("--rounds", type=int, default=100, help="turns of each way, one session after the other")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each crowd, after the warm-up")
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    options = parser.parse_args()
    about = machine()
    figures = measure(options)
    print(f"{about['cpu']}, {about['cores']} cores, load {about['load_before']:.1f} before", file=sys.stderr)
    print(f"{'way':12}{'first words p50 ms':>20}{'added ms':>10}{'turns/s':>9}")
    for name, value in figures["first_delta_ms"].items():
        added = figures["http_added_ms"].get(name, 0.0)
        print(f"{name:12}{value:20.2f}{added:10.2f}{figures['turns_per_s'].get(name, ''):>9}")
    print(f"{figures['streams']} open event streams: {figures['streams_mb']} MB resident")
    if options.json:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
