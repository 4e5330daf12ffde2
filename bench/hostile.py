"""What an attack costs somebody else: ``python -m bench.hostile [--json] [--broker rabbitmq|redis] [--turns N]``.

All services run as in production with the ``echo`` engine. One tenant talks, a turn at a time, in a session with a
schema; another tenant, or a stranger, attacks. For each attack, without and with it in turn and in one run:

- ``ratio``: the median time of the talking tenant's turns with the attack over that without;
- ``memory_mb``: the most that each process held, and whether it is within its chart's limit;
- ``answered``: whether everything that the attack was told to be accepted came to an end.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import psutil
import yaml
from antiphon.client import document
from antiphon.v1 import (
    common_pb2,
    conversation_pb2_grpc,
    feedback_pb2,
    knowledge_pb2,
    knowledge_pb2_grpc,
    state_pb2,
    state_pb2_grpc,
)
from antiphon.v1 import conversation_pb2 as pb

from bench.machine import describe
from deploy.local.mongo import MongoServer
from deploy.local.ports import free_port
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import KINDS, Brokers, Kind
from tests.support.certificates import AUDIENCE, ISSUER, TokenIssuer
from tests.support.processes import REPOSITORY, ServiceProcess, Services

VALUES = REPOSITORY / "deploy" / "helm" / "antiphon" / "values.yaml"
RECORDS = REPOSITORY / "build" / "bench" / "hostile.json"
MOST_RATIO = 1.5
SCHEMA = """
services:
  - name: restaurant
    description: find and book restaurants
    intents:
      - {name: book, description: book a table, required: [party_size, day, time]}
    slots:
      - {name: party_size, description: number of people, kind: number}
      - {name: day, description: day of the booking, kind: date}
      - {name: time, description: time of the booking, kind: time}
      - {name: guest, description: name of the guest, kind: name}
"""
TALK = "Please book a table for four people on Monday at seven."


class Caller:
    """One tenant's program: a channel, its key, and a session with a schema."""

    def __init__(self, address: str, key: str) -> None:
        self.channel = grpc.insecure_channel(address)
        self.metadata = (("authorization", f"Bearer {key}"),)
        self.talk = conversation_pb2_grpc.ConversationServiceStub(self.channel)
        self.knowledge = knowledge_pb2_grpc.KnowledgeServiceStub(self.channel)
        states = state_pb2_grpc.StateServiceStub(self.channel)
        states.PutSchema(state_pb2.PutSchemaRequest(name="table", definition=SCHEMA), metadata=self.metadata)

    def session(self) -> str:
        request = pb.CreateSessionRequest(user_id="someone", schema_name="table")
        return self.talk.CreateSession(request, metadata=self.metadata, timeout=60).session.id

    def say(self, session: str, text: str) -> pb.TurnEvent:
        """Send a message and wait for the turn's end."""
        request = pb.SendTurnRequest(session_id=session, text=text, wait_for_completion=True)
        return list(self.talk.SendTurn(request, metadata=self.metadata, timeout=300))[-1].event


@dataclass
class Stack:
    """What runs, and the two tenants."""

    address: str
    processes: dict[str, ServiceProcess]
    victim: Caller
    attacker: Caller
    issuer: TokenIssuer

    def memory_mb(self) -> dict[str, float]:
        return {
            name: psutil.Process(process.pid).memory_info().rss / 2**20
            for name, process in self.processes.items()
            if process.pid is not None
        }


class SlowLogin(ThreadingHTTPServer):
    """A login server that publishes its keys at once the first time, and then takes its time."""

    def __init__(self, issuer: TokenIssuer) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.content = json.dumps({"keys": [issuer.public()]}).encode()
        self.asked = 0
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answer(BaseHTTPRequestHandler):
    server: SlowLogin

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.server.asked > 1:
            self.server.ended.wait(60)
        with suppress(OSError):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def running(kind: Kind, folder: Path) -> Iterator[Stack]:
    """The stack, with two tenants."""
    with ExitStack() as ends:
        mongo = MongoServer(folder / "mongo")
        ends.callback(mongo.stop)
        mongo.start()
        brokers = Brokers(folder / "brokers")
        ends.callback(brokers.stop)
        settings: dict[str, object] = {
            "mongo_url": mongo.url,
            "mongo_database": "hostile",
            "broker_url": brokers.get(kind).url,
        }
        issuer = TokenIssuer()
        login = SlowLogin(issuer)
        ends.callback(login.shutdown)
        ends.callback(login.ended.set)
        services = Services(folder / "services", settings)
        ends.callback(services.stop)
        port = free_port()
        tokens = {
            "jwt_jwks": f"http://127.0.0.1:{login.server_port}/keys",
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
        }
        processes = {
            "gateway": services.spawn("gateway", gateway_port=port, **tokens),
            "tracker": services.spawn("tracker", tracker="rules"),
            "knowledge": services.spawn("knowledge", "ground"),
            "knowledge-jobs": services.spawn("knowledge", "jobs"),
            "generator": services.spawn("generator", engine="echo"),
        }
        for process in processes.values():
            process.wait_for_log('"event": "ready"', timeout=240)
        store = Store(CommonSettings.model_validate(settings), pool=2)
        keys = {name: store.keys.create(name, "reviewer", "bench")[1] for name in ("victim", "attacker")}
        store.close()
        address = f"127.0.0.1:{port}"
        yield Stack(address, processes, Caller(address, keys["victim"]), Caller(address, keys["attacker"]), issuer)


# -- attacks: each does one piece of its work and says whether it came to an end --------------------------------------


def _message(text: str) -> Callable[[Stack], bool]:
    def attack(stack: Stack) -> bool:
        caller = stack.attacker
        event = caller.say(caller.session(), text)
        return event.WhichOneof("event") in ("completed", "failed")

    return attack


def _edited_draft(stack: Stack) -> bool:
    caller = stack.attacker
    session = caller.session()
    turn = caller.say(session, " ".join(f"word{number % 97}" for number in range(1_500))).turn_id
    edited = " ".join(f"word{number * 7 % 89}" for number in range(1_500))
    feedback = feedback_pb2.Feedback(edited_text=edited, comment="not this, but that; " * 400)
    request = pb.ReviseTurnRequest(turn_id=turn, feedback=feedback, wait_for_completion=True)
    events = list(caller.talk.ReviseTurn(request, metadata=caller.metadata, timeout=300))
    return events[-1].event.WhichOneof("event") in ("completed", "failed")


def _hostile_document(content: bytes, name: str) -> Callable[[Stack], bool]:
    numbers = iter(range(10**9))

    def attack(stack: Stack) -> bool:
        caller = stack.attacker
        requests = iter(document(f"{next(numbers)}-{name}", content))
        made = caller.knowledge.IngestDocument(requests, metadata=caller.metadata, timeout=60).ingestion
        watch = knowledge_pb2.WatchIngestionRequest(ingestion_id=made.id)
        seen = [one.ingestion.status for one in caller.knowledge.WatchIngestion(watch, metadata=caller.metadata)]
        return seen[-1] in (knowledge_pb2.INGESTION_STATUS_COMPLETE, knowledge_pb2.INGESTION_STATUS_FAILED)

    return attack


def _derived_facts(stack: Stack) -> bool:
    """40 lists of facts that rest on one another, each left before it is answered."""
    caller = stack.attacker
    if not caller.knowledge.ListFacts(
        knowledge_pb2.ListFactsRequest(page_size=1), metadata=caller.metadata, timeout=60
    ).facts:
        before: list[common_pb2.FactRef] = []
        for number in range(24):
            fact = knowledge_pb2.TeachFactRequest(
                entity=f"thing {number}", slot="value", value=str(number), depends_on=before[-8:]
            )
            taught = caller.knowledge.TeachFact(fact, metadata=caller.metadata, timeout=60).fact
            before.append(common_pb2.FactRef(id=taught.id, revision=taught.revision))
    listing = knowledge_pb2.ListFactsRequest(page_size=500)
    for _ in range(40):
        caller.knowledge.ListFacts.future(listing, metadata=caller.metadata, timeout=60).cancel()
    caller.knowledge.ListFacts(listing, metadata=caller.metadata, timeout=60)
    return True


def _strangers(stack: Stack) -> bool:
    """96 calls of 4 MiB without a key."""
    channel = grpc.insecure_channel(stack.address)
    create = channel.unary_unary("/antiphon.v1.ConversationService/CreateSession", lambda given: given)
    content = b"\x0a" + bytes(4 * 2**20 - 64)
    calls = [create.future(content, timeout=60) for _ in range(96)]
    refused = [call.code() for call in calls]
    channel.close()
    return set(refused) <= {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED}


def _no_requests(stack: Stack) -> bool:
    """Bytes that are no request, from somebody with a key."""
    call = stack.attacker.channel.unary_unary("/antiphon.v1.ConversationService/GetTurn", lambda given: given)
    codes = set()
    for number in range(50):
        with suppress(grpc.RpcError):
            call(bytes([255 - number % 5] * 200), metadata=stack.attacker.metadata, timeout=60)
            codes.add("OK")
    return not codes


def _invented_keys(stack: Stack) -> bool:
    """40 tokens whose key ids nobody has published, while the login server takes its time."""
    channel = grpc.insecure_channel(stack.address)
    get = channel.unary_unary("/antiphon.v1.ConversationService/GetSession", lambda given: given)
    tokens = [TokenIssuer(f"guess-{number}").token("attacker") for number in range(40)]
    calls = [get.future(b"", metadata=(("authorization", f"Bearer {token}"),), timeout=60) for token in tokens]
    codes = {call.code() for call in calls}
    channel.close()
    return codes <= {
        grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED
    }  # fmt: skip


ATTACKS: dict[str, Callable[[Stack], bool]] = {
    "numbers, 32 kB of them": _message("1 2 3 4 " * 3_990),
    "weekdays, 32 kB of them": _message("on Monday " * 3_100),
    "brackets and spaces": _message("<" + " " * 500 + ("(" * 400 + " ") * 70),
    "a long draft with a long edit": _edited_draft,
    "3 MB of brackets as a document": _hostile_document(b"[" * 3 * 2**20, "deep.md"),
    "a passage of spaces": _hostile_document(b"# Prices\n\n" + (b"<" + b" " * 500 + b"x\n") * 400, "spaces.md"),
    "facts that rest on one another": _derived_facts,
    "strangers with 384 MiB": _strangers,
    "bytes that are no request": _no_requests,
    "tokens of invented keys": _invented_keys,
}


# -- measuring ---------------------------------------------------------------------------------------------------------


@dataclass
class Measured:
    """One attack's figures; times in milliseconds."""

    quiet: list[float] = field(default_factory=list)
    attacked: list[float] = field(default_factory=list)
    pieces: int = 0
    answered: bool = True
    memory: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def figures(self, limits: dict[str, float]) -> dict[str, Any]:
        quiet, attacked = statistics.median(self.quiet), statistics.median(self.attacked)
        return {
            "quiet_ms": round(quiet, 1),
            "attacked_ms": round(attacked, 1),
            "worst_ms": round(max(self.attacked), 1),
            "ratio": round(attacked / quiet, 2),
            "pieces": self.pieces,
            "answered": self.answered,
            "memory_mb": {name: round(held) for name, held in self.memory.items()},
            "memory_within_limits": all(held <= limits[name] for name, held in self.memory.items()),
            "errors": self.errors[:3],
        }


def _turns(stack: Stack, count: int, into: list[float], memory: dict[str, float]) -> None:
    """Talk, a turn at a time, and keep the times and the most that each process held."""
    session = stack.victim.session()
    for _ in range(count):
        begun = time.perf_counter()
        event = stack.victim.say(session, TALK)
        into.append(1000 * (time.perf_counter() - begun))
        if event.WhichOneof("event") != "completed":
            raise RuntimeError(f"the other tenant's turn ended otherwise: {event}")
        for name, held in stack.memory_mb().items():
            memory[name] = max(memory.get(name, 0.0), held)


def measure(stack: Stack, attack: Callable[[Stack], bool], turns: int, attackers: int, rounds: int) -> Measured:
    """Turns without and with the attack, in turn."""
    measured = Measured()
    for _ in range(rounds):
        _turns(stack, turns, measured.quiet, measured.memory)
        over = threading.Event()

        def keep_on(over: threading.Event = over) -> None:
            while not over.is_set():
                try:
                    measured.answered &= attack(stack)
                except Exception as error:
                    measured.errors.append(repr(error)[:300])
                    measured.answered = False
                measured.pieces += 1

        threads = [threading.Thread(target=keep_on, daemon=True) for _ in range(attackers)]
        for thread in threads:
            thread.start()
        _turns(stack, turns, measured.attacked, measured.memory)
        over.set()
        for thread in threads:
            thread.join(300)
            measured.answered &= not thread.is_alive()
    return measured


def limits_mb() -> dict[str, float]:
    """What the chart lets each process hold."""
    values = yaml.safe_load(VALUES.read_text())
    parts = {"gateway": values["gateway"], **values["workers"]}
    units = {"Mi": 1.0, "Gi": 1024.0}
    limits = {name: str(part["resources"]["limits"]["memory"]) for name, part in parts.items()}
    return {name: float(limit[:-2]) * units[limit[-2:]] for name, limit in limits.items()}


def main() -> None:
    """Run every attack and say what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--broker", choices=KINDS, default="redis")
    parser.add_argument("--turns", type=int, default=20, help="turns of the other tenant in each phase")
    parser.add_argument("--rounds", type=int, default=2, help="phases without and with the attack")
    parser.add_argument("--attackers", type=int, default=1, help="attacks that run at a time")
    parser.add_argument("--only", default="", help="attacks whose name holds this")
    chosen = parser.parse_args()
    limits, found = limits_mb(), {}
    with tempfile.TemporaryDirectory() as folder, running(chosen.broker, Path(folder)) as stack:
        _turns(stack, 10, [], {})
        for name, attack in ATTACKS.items():
            if chosen.only in name:
                measured = measure(stack, attack, chosen.turns, chosen.attackers, chosen.rounds)
                found[name] = measured.figures(limits)
                if not chosen.json:
                    row = found[name]
                    print(f"{name:34} {row['quiet_ms']:8.1f} {row['attacked_ms']:8.1f} ms  x {row['ratio']:<5}", row)
    ratios = [row["ratio"] for row in found.values()]
    figures = {
        "worst_ratio": max(ratios),
        "over_ratio": sum(ratio > MOST_RATIO for ratio in ratios),
        "unanswered": sum(not row["answered"] for row in found.values()),
        "over_memory": sum(not row["memory_within_limits"] for row in found.values()),
    }
    record = {"figures": figures, "attacks": found, "machine": describe(), "arguments": vars(chosen)}
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    RECORDS.write_text(json.dumps(record, indent=1))
    if chosen.json:
        print(json.dumps(record))
    else:
        print(figures)


if __name__ == "__main__":
    main()
