"""How well passages and facts are found: `python -m research.eval.retrieval --data DIR [--json]`.

DIR holds `knowledge/` with SciFact, HotpotQA-100, τ-Banking and KdConv travel as gzip'd JSON lines. The search is
the service's own TenantIndex; the peers in the same run are its BM25 alone and its vectors alone. Constants of the
search were chosen on the first halves (even places) of HotpotQA-100 and SciFact's train queries and on the first 75
dialogues of KdConv; the figures are those of the other halves, and of all of τ-Banking, on which nothing was chosen.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from services.common.facts import FactRevision, fact_id
from services.knowledge.domain.bm25 import Bm25, best
from services.knowledge.domain.entries import Entry
from services.knowledge.domain.factbook import FactBook, weigh
from services.knowledge.domain.index import TenantIndex
from services.knowledge.domain.passages import Section, cut, markdown_sections
from services.knowledge.domain.query import Query
from services.knowledge.domain.text import content_hash, terms
from services.knowledge.domain.vectors import Vectors
from services.models.sentence_encoder import SentenceEncoder

SEED = 7
DEPTH = 50


@dataclass(frozen=True)
class Item:
    """A query, what is relevant to it, and whether it is in the half that figures are read from."""

    id: str
    text: str
    relevant: frozenset[str]
    held: bool


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a gzip'd JSON-lines file."""
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def recall(found: Sequence[str], relevant: frozenset[str], depth: int) -> float:
    """The share of what is relevant among the first `depth`."""
    return len(set(found[:depth]) & relevant) / len(relevant)


def ndcg(found: Sequence[str], relevant: frozenset[str], depth: int = 10) -> float:
    """Normalised discounted cumulative gain with binary relevance."""
    gained = sum(1 / math.log2(rank + 2) for rank, one in enumerate(found[:depth]) if one in relevant)
    return gained / sum(1 / math.log2(rank + 2) for rank in range(min(depth, len(relevant))))


def interval(values: Sequence[float], draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    rng = np.random.default_rng(SEED)
    data = np.asarray(values)
    means = data[rng.integers(0, len(data), (draws, len(data)))].mean(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


class Corpus:
    """Documents cut into passages, in the service's index, with vectors kept in a cache folder."""

    def __init__(self, documents: Sequence[tuple[str, str, str]], encoder: SentenceEncoder, cache: Path) -> None:
        self._encoder = encoder
        entries: list[Entry] = []
        for name, title, text in documents:
            sections = markdown_sections(text, title) if "\n#" in text or text.startswith("#") else []
            sections = sections or [Section((title,) if title else (), text)]
            passages = cut(name, sections, encoder.count_many)
            known = encoder.known([one.text for one in passages])
            entries += [
                Entry(one.id, 1, name, one.text, one.heading, share) for one, share in zip(passages, known, strict=True)
            ]
        self.index = TenantIndex(encoder.dimensions)
        self.index.add(entries)
        texts = [f"{one.heading}\n{one.text}" if one.heading else one.text for one in entries]
        vectors = self._vectors(texts, cache)
        self.index.add_vectors({one.id: vector for one, vector in zip(entries, vectors, strict=True)})
        self.entries = {one.id: one for one in entries}
        self._documents = [one.document for one in entries]
        self._block = vectors
        self._bm25 = Bm25()
        for row, text in enumerate(texts):
            self._bm25.add(row, terms(text))

    def _vectors(self, texts: Sequence[str], cache: Path) -> Vectors:
        path = cache / f"{content_hash(self._encoder.name, *texts)}.npy"
        if not path.exists():
            cache.mkdir(parents=True, exist_ok=True)
            np.save(path, self._encoder.encode(texts))
        return np.asarray(np.load(path), np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode(texts)

    def by_words(self, text: str) -> list[str]:
        """Documents by BM25 alone, by their best passage."""
        return self._of_documents(row for row, _ in best(self._bm25.scores(weigh((1.0, text))), 20 * DEPTH))

    def by_meaning(self, text: str) -> list[str]:
        """Documents by vectors alone, by their nearest passage."""
        similar = self._block @ self._encoder.encode([text])[0]
        return self._of_documents(int(row) for row in np.argsort(-similar)[: 20 * DEPTH])

    def found(self, text: str) -> list[str]:
        """Documents as the service finds them."""
        hits = self.index.search(Query(text), self.encode, passages=4 * DEPTH, facts=0).passages
        return list(dict.fromkeys(hit.document for hit in hits))

    def _of_documents(self, rows: Iterator[int]) -> list[str]:
        return list(dict.fromkeys(self._documents[row] for row in rows))


def score(
    items: Sequence[Item], ways: dict[str, Callable[[str], list[str]]], raw: list[dict[str, Any]], name: str
) -> dict[str, list[list[str]]]:
    """What every way finds for every item; the raw records go to `raw`."""
    results: dict[str, list[list[str]]] = {way: [] for way in ways}
    for item in items:
        for way, find in ways.items():
            found = find(item.text)[:DEPTH]
            results[way].append(found)
            raw.append({"set": name, "way": way, "id": item.id, "held": item.held, "found": found})
    return results


def scifact(data: Path, encoder: SentenceEncoder, cache: Path, documents: int = 0) -> tuple[Corpus, list[Item]]:
    """All of it; or, with `documents`, as many: those relevant to queries in order up to a quarter, the rest drawn."""
    rows = read(data / "scifact_corpus.jsonl.gz")
    queries = read(data / "scifact_queries_train.jsonl.gz")
    items = [Item(q["_id"], q["text"], frozenset(q["relevant"]), n % 2 == 1) for n, q in enumerate(queries)]
    if documents:
        kept: set[str] = set()
        asked = []
        for item in items:
            if len(kept | item.relevant) > documents // 4:
                break
            kept |= item.relevant
            asked.append(item)
        others = sorted(row["_id"] for row in rows if row["_id"] not in kept)
        drawn = np.random.default_rng(SEED).choice(others, documents - len(kept), replace=False)
        kept |= {str(one) for one in drawn}
        rows, items = [row for row in rows if row["_id"] in kept], asked
    return Corpus([(row["_id"], row["title"], row["text"]) for row in rows], encoder, cache), items


def hotpot(data: Path, encoder: SentenceEncoder, cache: Path) -> tuple[Corpus, list[Item]]:
    rows = read(data / "hotpotqa100_corpus.jsonl.gz")
    corpus = Corpus([(row["_id"], row["title"], row["text"]) for row in rows], encoder, cache)
    queries = read(data / "hotpotqa100_queries.jsonl.gz")
    return corpus, [Item(q["_id"], q["text"], frozenset(q["relevant"]), n % 2 == 1) for n, q in enumerate(queries)]


def banking(data: Path, encoder: SentenceEncoder, cache: Path) -> tuple[Corpus, list[Item]]:
    rows = read(data / "tau_banking_docs.jsonl.gz")
    corpus = Corpus([(row["id"], row["title"], row["text"]) for row in rows], encoder, cache)
    known = {row["id"] for row in rows}
    tasks = read(data / "tau_banking_tasks.jsonl.gz")
    items = [Item(t["id"], t["user_instructions"], frozenset(t["required_documents"]) & known, True) for t in tasks]
    return corpus, [item for item in items if item.relevant]


def kdconv(data: Path, raw: list[dict[str, Any]]) -> dict[str, list[tuple[bool, float]]]:
    """recall@10 of the triples a reply rests on, from the (up to) three messages before it."""
    book, plain = FactBook(), Bm25()
    triples = read(data / "kdconv_travel_kb.jsonl.gz")
    names: dict[tuple[str, int], str] = {}
    revisions = []
    for row, triple in enumerate(triples):
        fact = fact_id(triple["name"], triple["attr"])
        names[fact, row + 1] = triple["_id"]
        revisions.append(FactRevision(fact, row + 1, triple["name"], triple["attr"], triple["value"], multi=True))
        plain.add(row, terms(f"{triple['name']} {triple['attr']} {triple['value']}"))
    book.put(revisions)
    results: dict[str, list[tuple[bool, float]]] = {"words": [], "service": []}
    for number, dialogue in enumerate(read(data / "kdconv_travel_dev.jsonl.gz")):
        messages = dialogue["messages"]
        for place in range(1, len(messages)):
            relevant = frozenset(messages[place]["relevant"])
            if not relevant:
                continue
            before = [message["text"] for message in messages[max(0, place - 3) : place]]
            query = Query(before[-1], context=tuple(reversed(before[:-1])))
            found = {
                "service": [names[fact.id, fact.revision] for fact, _ in book.search(query, 10)],
                "words": [triples[row]["_id"] for row, _ in best(plain.scores(weigh((1.0, " ".join(before)))), 10)],
            }
            for way, ids in found.items():
                results[way].append((number >= 75, recall(ids, relevant, 10)))
                raw.append({"set": "kdconv", "way": way, "id": f"{dialogue['_id']}/{place}", "found": ids})
    return results


def line(name: str, way: str, values: Sequence[float], everything: Sequence[float]) -> str:
    low, high = interval(values)
    mean, all_mean = np.mean(values), np.mean(everything)
    return f"{name:24s} {way:8s} {mean:.3f} [{low:.3f}, {high:.3f}]  n={len(values):<5d} all {all_mean:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with knowledge/*.jsonl.gz")
    parser.add_argument("--cache", type=Path, default=Path("build/eval"), help="where vectors are kept")
    parser.add_argument("--out", type=Path, default=Path("out/eval/retrieval.jsonl"), help="raw records")
    parser.add_argument("--sets", nargs="+", default=["hotpot", "tau", "kdconv", "scifact"])
    parser.add_argument("--scifact-documents", type=int, default=0, help="a smaller SciFact of so many; 0: all of it")
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = parser.parse_args()
    torch.set_num_threads(1)
    encoder = SentenceEncoder.load()
    data = options.data / "knowledge"
    raw: list[dict[str, Any]] = []
    figures: dict[str, float] = {}
    print(f"encoder {encoder.name}, seed {SEED}, torch {torch.__version__}; [95 % interval], held half, then all")
    measures: dict[str, tuple[Any, str, Callable[[Sequence[str], frozenset[str]], float]]] = {
        "hotpot": (hotpot, "recall5", lambda found, relevant: recall(found, relevant, 5)),
        "tau": (banking, "recall10", lambda found, relevant: recall(found, relevant, 10)),
        "scifact": (partial(scifact, documents=options.scifact_documents), "ndcg10", ndcg),
    }
    for name in options.sets:
        started = time.monotonic()
        if name == "kdconv":
            for way, rows in kdconv(data, raw).items():
                held = [value for is_held, value in rows if is_held]
                print(line("kdconv recall10", way, held, [value for _, value in rows]))
                figures[f"kdconv_recall10{'' if way == 'service' else '_' + way}"] = round(float(np.mean(held)), 4)
            continue
        load, measure, value_of = measures[name]
        corpus, items = load(data, encoder, options.cache)
        ways = {"words": corpus.by_words, "meaning": corpus.by_meaning, "service": corpus.found}
        for way, results in score(items, ways, raw, name).items():
            values = [value_of(found, item.relevant) for found, item in zip(results, items, strict=True)]
            held = [value for value, item in zip(values, items, strict=True) if item.held]
            print(line(f"{name} {measure}", way, held, values))
            figures[f"{name}_{measure}{'' if way == 'service' else '_' + way}"] = round(float(np.mean(held)), 4)
            if name == "tau":
                deep = [recall(found, item.relevant, 50) for found, item in zip(results, items, strict=True)]
                print(line("tau recall50", way, deep, deep))
                figures[f"tau_recall50{'' if way == 'service' else '_' + way}"] = round(float(np.mean(deep)), 4)
        print(f"{'':24s} ({len(corpus.index)} passages, {time.monotonic() - started:.0f} s)")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in raw))
    if options.json:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
