"""How soon a taught fact is found: `python -m bench.teaching [--sessions 20] [--facts 60] [--json]`.

All services run with the `echo` engine while sessions talk without pause. A fact is taught, and from the moment that
TeachFact has answered Search is called until it finds it: once asking for no watermark (the change stream must bring
it), once asking for the watermark that TeachFact gave.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import grpc
from antiphon.v1 import conversation_pb2 as conversation
from antiphon.v1 import conversation_pb2_grpc as conversations
from antiphon.v1 import knowledge_pb2 as pb
from antiphon.v1 import knowledge_pb2_grpc as rpc

from bench.overhead import Bench, percentile, running
from tests.support.brokers import KINDS, Kind


def talk(bench: Bench, number: int, stopping: threading.Event, done: list[int]) -> None:
    """One session that talks until it is stopped."""
    metadata = (("authorization", f"Bearer {bench.key}"),)
    with grpc.insecure_channel(bench.address) as channel:
        stub = conversations.ConversationServiceStub(channel)
        request = conversation.CreateSessionRequest(user_id=f"user-{number}")
        session = stub.CreateSession(request, metadata=metadata, timeout=60).session.id
        while not stopping.is_set():
            turn = conversation.SendTurnRequest(session_id=session, text="What does plan 3 cost?")
            for _ in stub.SendTurn(turn, metadata=metadata, timeout=120):
                pass
            done.append(number)


def teach(bench: Bench, count: int) -> dict[str, list[float]]:
    """Milliseconds from the answer of TeachFact to the answer of the Search that finds the fact."""
    spent: dict[str, list[float]] = {"stream": [], "watermark": []}
    metadata = (("authorization", f"Bearer {bench.key}"),)
    with grpc.insecure_channel(bench.address) as channel:
        stub = rpc.KnowledgeServiceStub(channel)
        for number in range(count):
            way = ("stream", "watermark")[number % 2]
            fact = pb.TeachFactRequest(entity=f"plan {number % 7}", slot="price", value=f"{number} euros")
            taught = stub.TeachFact(fact, metadata=metadata, timeout=60)
            started = time.perf_counter()
            search = pb.SearchRequest(query=f"the price of plan {number % 7}")
            if way == "watermark":
                search.min_watermark = taught.watermark
            while not _finds(stub.Search(search, metadata=metadata, timeout=60), taught.fact):
                pass
            spent[way].append(1000 * (time.perf_counter() - started))
    return spent


def _finds(answer: Any, fact: Any) -> bool:
    return any(hit.fact.id == fact.id and hit.fact.revision == fact.revision for hit in answer.hits)


def measure(kind: Kind, sessions: int, facts: int) -> dict[str, float]:
    """Teaching while `sessions` talk, on one kind of broker."""
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder, running(kind, Path(folder)) as bench:
        stopping, done = threading.Event(), list[int]()
        talking = [
            threading.Thread(target=talk, args=(bench, number, stopping, done), daemon=True)
            for number in range(sessions)
        ]
        for thread in talking:
            thread.start()
        started = time.monotonic()
        try:
            spent = teach(bench, facts)
        finally:
            stopping.set()
        turns_per_s = len(done) / (time.monotonic() - started)
        for thread in talking:
            thread.join(60)
    figures = {"talking_turns_per_s": round(turns_per_s, 1)}
    for way, values in spent.items():
        for share in (0.5, 0.95):
            figures[f"teach_to_search_ms_p{int(share * 100)}_{way}"] = round(percentile(values, share), 1)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", choices=KINDS, default="rabbitmq")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--facts", type=int, default=60)
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = parser.parse_args()
    figures = measure(options.broker, options.sessions, options.facts)
    for name, value in figures.items():
        print(f"{name:36s} {value:g}")
    if options.json:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
