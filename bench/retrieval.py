"""What retrieval costs: `python -m bench.retrieval [--sizes 10000 200000] [--json]`.

The ground step from message taken to message sent, with a real mongod and the service's own code around a stub
broker: read of the turn, query, encoder, search, event, publish. Passages are made of SciFact-sized texts from a
fixed vocabulary with a Zipf distribution; their vectors are clustered random ones, as real ones are. Recall is that
of the graph against exact search on the same vectors. A filled index is kept as a snapshot, so that a second run
measures without building it again. Also: ingest by words and by vectors, save and restart.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from deploy.local.mongo import MongoServer
from services.common.bus import Bus, EventPublisher, TurnMessage
from services.common.store import Store
from services.common.store.knowledge import Upload
from services.knowledge.domain.entries import Entry
from services.knowledge.domain.index import EXACT_LIMIT, TenantIndex
from services.knowledge.domain.snapshot import load, save
from services.knowledge.domain.vectors import ExactVectors, Vectors
from services.knowledge.encoders import Encoders
from services.knowledge.indexes import Indexes
from services.knowledge.ingest import Ingester
from services.knowledge.settings import KnowledgeSettings
from services.knowledge.steps import GroundStep
from services.models.encoder_files import PROPERTIES
from services.models.sentence_encoder import SentenceEncoder

SEED = 5
TENANT = "bench"
DIMENSIONS = 384


class NoBroker:
    """Takes what would be sent; the broker's share is measured by bench.overhead."""

    def __init__(self) -> None:
        self.sent = 0

    def put(self, _reply_to: str, *_events: Any) -> None:
        self.sent += 1

    def publish_turn(self, _queue: str, message: TurnMessage) -> None:
        message.encode()
        self.sent += 1


class Ready:
    """Indexes of one tenant that is loaded."""

    def __init__(self, index: TenantIndex) -> None:
        self.index = index

    def ready(self, _tenant: str, _min_watermark: int = 0, _wait: float = 0.0) -> TenantIndex:
        return self.index


class Texts:
    """Texts over 30,000 words whose frequencies fall as in language; every one about a topic."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(SEED)
        letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
        self._words = np.array(["".join(self._rng.choice(letters, self._rng.integers(3, 10))) for _ in range(30_000)])
        weights = 1 / np.arange(3, 30_003) ** 1.05
        self._weights = weights / weights.sum()

    def make(self, count: int, length: int) -> list[str]:
        picks = self._rng.choice(len(self._words), (count, length), p=self._weights)
        return [" ".join(row) for row in self._words[picks]]


def clustered(count: int, clusters: int = 2000) -> Vectors:
    """Unit vectors around so many centres; the same for the same count."""
    rng = np.random.default_rng((SEED, count))
    centres = rng.standard_normal((clusters, DIMENSIONS), np.float32)
    block = centres[rng.integers(0, clusters, count)]
    block += 0.9 * rng.standard_normal((count, DIMENSIONS), np.float32)
    return cast(Vectors, block / np.linalg.norm(block, axis=1, keepdims=True))


def percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95 and p99 in milliseconds."""
    return tuple(float(np.percentile(np.asarray(seconds) * 1000, share)) for share in (50, 95, 99))  # type: ignore[return-value]


def filled(texts: Texts, size: int, vectors: Vectors, cache: Path) -> tuple[TenantIndex, dict[str, float]]:
    """An index of `size` passages, read from its snapshot in `cache` where there is one, and what making it took."""
    path = cache / f"retrieval-{SEED}-{size}.npz"
    started = time.monotonic()
    index = load(path, "bench", DIMENSIONS, EXACT_LIMIT)
    if index is not None:
        seconds = time.monotonic() - started
        print(f"{size:>8,} passages: restarted from its snapshot in {seconds:.1f} s")
        return index, {f"restart_s_{size}": round(seconds, 2)}
    index = TenantIndex(DIMENSIONS)
    for start in range(0, size, 5000):
        some = texts.make(min(5000, size - start), 110)
        index.add(Entry(f"p{start + n}", 1, f"d{(start + n) // 20}", text) for n, text in enumerate(some))
    words = time.monotonic() - started
    for start in range(0, size, 5000):
        index.add_vectors({f"p{start + n}": vector for n, vector in enumerate(vectors[start : start + 5000])})
    nearness = time.monotonic() - started - words
    started = time.monotonic()
    save(index, path, "bench")
    saving = time.monotonic() - started
    print(
        f"{size:>8,} passages: indexed {size / words:,.0f} texts/s and {size / nearness:,.0f} vectors/s, saved in "
        f"{saving:.1f} s"
    )
    return index, {f"indexed_words_per_s_{size}": round(size / words), f"save_s_{size}": round(saving, 2)}


def ground(
    store: Store, encoder: SentenceEncoder, texts: Texts, size: int, turns: int, cache: Path
) -> dict[str, float]:
    """Latency of the ground step over an index of `size` passages; recall of its vector search."""
    vectors = clustered(size)
    index, figures = filled(texts, size, vectors, cache)
    broker = NoBroker()
    step = GroundStep(
        store, cast(Bus, broker), cast(EventPublisher, broker), cast(Indexes, Ready(index)), encoder.encode,
        encoder.tuned(PROPERTIES).encode, KnowledgeSettings(), lambda _tenant, _turn: None,
        Encoders(KnowledgeSettings()).evidence,
    )  # fmt: skip
    collection = store.connection.scoped("turns", TENANT)
    spent, burnt = [], []
    for number, text in enumerate(texts.make(turns, 14)):
        session = f"ses_{size}_{number}"
        collection.insert_one(
            {"_id": f"turn_{session}", "session": session, "n": 1, "text": text, "status": "active",
             "at": datetime.now(UTC)}
        )  # fmt: skip
        message = TurnMessage(TENANT, session, f"turn_{session}", 1, reply_to="gw")
        started, cpu = time.perf_counter(), time.thread_time()
        grounded = step.ground(TurnMessage.decode(message.encode()))
        broker.publish_turn("turns.generate", grounded)
        spent.append(time.perf_counter() - started)
        burnt.append(time.thread_time() - cpu)
        assert grounded.passages
    exact = ExactVectors(DIMENSIONS)
    exact.add(list(range(size)), vectors)
    probes = vectors[:: max(1, size // 200)][:200] + 0.02 * np.random.default_rng(1).standard_normal((200, DIMENSIONS))
    probes = (probes / np.linalg.norm(probes, axis=1, keepdims=True)).astype(np.float32)
    same = [
        len({row for row, _ in index.nearest(probe, 10)} & {row for row, _ in exact.search(probe, 10)}) / 10
        for probe in probes
    ]
    p50, p95, p99 = percentiles(spent[5:])
    cpu50, cpu95, _ = percentiles(burnt[5:])
    print(
        f"{size:>8,} passages: ground p50 {p50:.1f}  p95 {p95:.1f}  p99 {p99:.1f} ms, CPU of the step p50 "
        f"{cpu50:.1f}  p95 {cpu95:.1f} ms; recall@10 of exact {np.mean(same):.4f}"
    )
    return figures | {
        f"ground_ms_p50_{size}": round(p50, 2),
        f"ground_ms_p95_{size}": round(p95, 2),
        f"ground_cpu_ms_p50_{size}": round(cpu50, 2),
        f"ground_cpu_ms_p95_{size}": round(cpu95, 2),
        f"vector_recall_{size}": round(float(np.mean(same)), 4),
    }


def ingest(store: Store, encoder: SentenceEncoder, texts: Texts, passages: int) -> dict[str, float]:
    """Passages a second from upload to searchable by words, and from there to searchable by vector."""
    body = "\n\n".join(f"# Section {n}\n\n{text}" for n, text in enumerate(texts.make(passages, 60)))
    ingester = Ingester(store, encoder)
    indexes = Indexes(store, encoder.name, encoder.dimensions, 100_000)
    source, _ = store.knowledge.accept_document(TENANT, Upload("big.md", body.encode(), "text/markdown"))
    marks: dict[str, float] = {}
    started = time.monotonic()
    settle = store.knowledge.settle

    def settled(tenant: str, ingestion: str) -> int:
        seq = settle(tenant, ingestion)
        if "words" not in marks:
            indexes.catch_up(tenant)
            marks["words"] = time.monotonic() - started
        return seq

    store.knowledge.settle = settled  # type: ignore[method-assign]
    ingester.run(TENANT, source["_id"])
    total = store.knowledge.get_ingestion(TENANT, source["_id"])["passages_total"]
    by_vector = time.monotonic() - started - marks["words"]
    by_words = total / marks["words"]
    print(f"ingest: {total} passages; by words {by_words:,.0f}/s, by vector {total / by_vector:,.1f}/s")
    return {"ingest_words_per_s": round(by_words, 1), "ingest_vectors_per_s": round(total / by_vector, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 200_000])
    parser.add_argument("--turns", type=int, default=300)
    parser.add_argument("--ingest", type=int, default=1500, help="passages of the ingested document; 0 for none")
    parser.add_argument("--cache", type=Path, default=Path("build/bench"), help="where filled indexes are kept")
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = parser.parse_args()
    torch.set_num_threads(1)
    encoder = SentenceEncoder.load()
    texts = Texts()
    figures: dict[str, float] = {}
    print(
        f"encoder {encoder.name}, seed {SEED}, {platform.processor() or platform.machine()}, torch {torch.__version__}"
    )
    with tempfile.TemporaryDirectory() as folder:
        server = MongoServer(Path(folder) / "mongo")
        server.start()
        store = Store(KnowledgeSettings(mongo_url=server.url, mongo_database="bench"))
        try:
            store.prepare()
            for size in options.sizes:
                figures |= ground(store, encoder, texts, size, options.turns, options.cache)
            if options.ingest:
                torch.set_num_threads(2)
                figures |= ingest(store, encoder, texts, options.ingest)
        finally:
            store.close()
            server.stop()
    if options.json:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
