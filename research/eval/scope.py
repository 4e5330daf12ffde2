"""Where corrections apply: ``python -m research.eval.scope --data DIR [--items 100] [--service FOLDER] [--json]``.

The scope alone, without a language model: which messages belong to which of the corrections, and at what cost. Where
corrections are quoted in their scope, these are the figures of ``research.eval.learning`` too:

With ``--service`` every message is weighed against what the set's documents have for it, as the product does
(``--alone`` leaves that out); `like` adds what is quoted because nothing answers a message and a correction comes near.

    corrected, paraphrase   messages that belong to their own correction
    neighbours_same         neighbours that belong to none
    wrong                   messages that belong to another correction than theirs
    ms_p50, ms_p95          milliseconds for a message, the encoder's among them
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from research.eval.learning_sets import REPORTED, Item, service, statements
from research.scope.documents import Documents
from services.models.scope.rivals import Rival
from services.models.scope.scope import THRESHOLD, Corrected, ScopeIndex, ScopeJudge
from services.models.sentence_encoder import SentenceEncoder

NEAR = 0.55
"""Likeness from which on a correction is quoted to a message that nothing answers, as `ANTIPHON_CORRECTIONS_NEAR`."""
Rivals = Callable[[str], Rival | None]


def figures(items: Sequence[Item], threshold: float, rivals: Rivals, *, near: float = 1.0) -> dict[str, float]:
    """The figures of one set of corrections; `near`: the likeness that is enough where nothing answers."""
    index = ScopeIndex(
        ScopeJudge.load(), [Corrected(str(n), item.question, item.reply) for n, item in enumerate(items)]
    )
    spent: list[float] = []

    def owner(message: str) -> str:
        rival = rivals(message)
        began = time.perf_counter()
        found = index.nearest(message, rival)
        spent.append(1000 * (time.perf_counter() - began))
        if found is None:
            return ""
        unanswered = rival is not None and not rival.answered
        belongs = found.probability >= threshold or (unanswered and found.likeness >= near)
        return found.correction.id if belongs else ""

    corrected = [owner(item.question) == str(n) for n, item in enumerate(items)]
    owners = [(owner(text), str(n)) for n, item in enumerate(items) for text in item.paraphrases]
    neighbours = [owner(text) == "" for item in items for text in item.neighbours]
    return {
        "items": len(items),
        "corrected": round(float(np.mean(corrected)), 4),
        "paraphrase": round(float(np.mean([given == own for given, own in owners])), 4),
        "neighbours_same": round(float(np.mean(neighbours)), 4),
        "wrong": round(float(np.mean([given not in ("", own) for given, own in owners])), 4),
        "ms_p50": round(float(np.percentile(spent, 50)), 2),
        "ms_p95": round(float(np.percentile(spent, 95)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with edits/pararel_edits.jsonl.gz")
    parser.add_argument("--service", type=Path, help="a service set instead, with corrections-gold.jsonl")
    parser.add_argument("--items", type=int, default=100, help="corrections that hold")
    parser.add_argument("--relations", nargs="*", default=REPORTED, help="of the statements; none named: all")
    parser.add_argument("--threshold", type=float, default=THRESHOLD)
    parser.add_argument("--alone", action="store_true", help="do not weigh messages against the documents")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample")
    parser.add_argument("--json", action="store_true", help="print the figures as a last line of JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.service:
        items = service(options.service)
    else:
        items = statements(options.data, options.items, options.seed, options.relations)
    rivals: Rivals = lambda message: None  # noqa: E731
    if options.service and not options.alone:
        documents = Documents(
            options.service.name, sorted((options.service / "docs").iterdir()), SentenceEncoder.load()
        )
        rivals = cache(documents.rival)
    found: dict[str, Any] = dict(figures(items, options.threshold, rivals))
    if options.service and not options.alone:
        found["like"] = figures(items, options.threshold, rivals, near=NEAR)
    Console(stderr=options.json).print(found)
    if options.json:
        sys.stdout.write(json.dumps({"figures": found}) + "\n")


if __name__ == "__main__":
    main()
