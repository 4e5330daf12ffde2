"""Trains the scope's head: ``python -m research.scope.train --properties FILE… --test FILE… --data DIR --export FILE``.

FILEs hold properties in many words, as `research/properties` has them. DIR holds ``edits/pararel_edits.jsonl.gz``, of
which only the relations named below are learned from; the others are what ``research.eval.learning`` reports on.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from research.scope.pairs import Maker, Pair, pararel_pairs, property_families
from services.models.encoder_files import PROPERTIES, Vectors
from services.models.scope.features import Features, pair_features
from services.models.scope.head import ScopeHead, collate
from services.models.scope.reading import Reader, Reading
from services.models.sentence_encoder import SentenceEncoder

LEARNED = (
    "P159", "P17", "P937", "P138", "P19", "P39", "P407", "P36", "P495", "P101", "P176", "P108", "P530", "P131",
)  # fmt: skip
"""Relations learned from; those that are reported on are all others."""


def read_all(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Reading]:
    """A reading of every text."""
    texts = sorted({text for pair in pairs for text in (pair.message, pair.key, pair.reply)})
    return dict(zip(texts, reader.read(texts), strict=True))


def train(head: ScopeHead, features: list[Features], labels: Vectors, options: argparse.Namespace) -> None:
    """Minimise the cross-entropy over batches of 128 pairs."""
    torch.manual_seed(options.seed)
    dice = random.Random(options.seed)
    optimiser = torch.optim.AdamW(head.parameters(), lr=options.rate, weight_decay=0.01)
    steps = options.epochs * (len(features) // 128)
    order: list[int] = []
    head.train()
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = options.rate * min(1.0, (step + 1) / 50) * (1 - step / steps)
        if len(order) < 128:
            order = dice.sample(range(len(features)), len(features))
        chosen, order = order[:128], order[128:]
        logits = head(*collate([features[i] for i in chosen]))
        loss = functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(labels[chosen]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step % 100 == 99:
            sys.stderr.write(f"step {step + 1}/{steps} loss {loss.item():.3f}\n")
    head.eval()


def judged(head: ScopeHead, reader: Reader, pairs: Sequence[Pair]) -> dict[str, float]:
    """Shares of each kind of pair judged right at even odds, and the area under the curve."""
    readings = read_all(reader, pairs)
    found = np.array(head.probabilities([(readings[p.message], readings[p.key], readings[p.reply]) for p in pairs]))
    labels = np.array([p.same for p in pairs])
    right: dict[str, list[bool]] = defaultdict(list)
    for pair, probability in zip(pairs, found, strict=True):
        right[pair.kind].append((probability > 0.5) == pair.same)
    ranks = found.argsort().argsort()[labels] + 1.0
    positive, negative = int(labels.sum()), int((~labels).sum())
    area = (ranks.sum() - positive * (positive + 1) / 2) / max(1, positive * negative)
    return {"area": round(float(area), 4)} | {kind: round(float(np.mean(some)), 3) for kind, some in right.items()}


def main() -> None:
    """Parses the command line, trains, exports, and says how pairs of the test files are judged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--properties", nargs="+", type=Path, required=True)
    parser.add_argument("--test", nargs="+", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--export", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=12_000)
    parser.add_argument("--pararel", type=int, default=2_500, help="pairs of statements of facts")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    dice = random.Random(options.seed)
    encoder = SentenceEncoder.load()
    reader = Reader(encoder, encoder.tuned(PROPERTIES))
    edits = options.data / "edits" / "pararel_edits.jsonl.gz"
    began = time.monotonic()
    pairs = Maker(property_families(options.properties), dice).pairs(options.pairs)
    pairs += pararel_pairs(edits, LEARNED, options.pararel, dice)
    readings = read_all(reader, pairs)
    sys.stderr.write(f"{len(readings)} texts read in {time.monotonic() - began:.0f} s\n")
    features = [pair_features(readings[pair.message], readings[pair.key], readings[pair.reply]) for pair in pairs]
    sys.stderr.write(f"features after {time.monotonic() - began:.0f} s\n")
    head = ScopeHead(reader.dimensions)
    train(head, features, np.array([pair.same for pair in pairs], np.float32), options)
    head.save(options.export)
    sys.stderr.write(f"trained after {time.monotonic() - began:.0f} s\n")
    test = Maker(property_families(options.test), random.Random(7)).pairs(2_000)
    sys.stdout.write(json.dumps(judged(head, reader, test)) + "\n")


if __name__ == "__main__":
    main()
