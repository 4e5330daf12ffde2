"""Fits how a correction is weighed against the documents: ``python -m research.scope.rivals --help``.

Learned from are corrections of the small companies (`research/data/corrections/shops.tsv`: company, number of the
question in its file, the corrected reply, two rewordings), corrections of service sets, and statements of the relations
that the scope's head learned from. Every message is held against all corrections of its company, and against a few of
them, as where few are in force; neighbours are the company's other questions.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from research.eval.learning_sets import service, statements
from research.scope.documents import Documents
from research.scope.train import LEARNED
from services.models.encoder_files import Vectors
from services.models.scope.rivals import FEATURES, Rival, RivalModel, rival_features
from services.models.scope.scope import Corrected, Held, ScopeIndex, ScopeJudge
from services.models.sentence_encoder import SentenceEncoder

OTHERS = 10
"""Further questions of a company that nothing was corrected about, of a service set four times as many."""
STATEMENTS = 40
SHARES = (0.15, 0.35, 0.6)
Verdicts = dict[str, dict[str, tuple[bool, float] | None]]


@dataclass(frozen=True)
class Message:
    """A message and the number of the correction it belongs to, -1 where it belongs to none."""

    text: str
    owner: int


@dataclass(frozen=True)
class Set:
    """A company's corrections and messages; `files` are its documents."""

    name: str
    corrections: list[Corrected]
    messages: list[Message]
    files: list[Path]


def shops(table: Path, folder: Path, encoder: SentenceEncoder) -> Iterator[Set]:
    """The corrections of the small companies; of each its two most similar questions, as far as another sentence
    answers them, are neighbours."""
    by_shop: dict[str, list[list[str]]] = defaultdict(list)
    for line in table.read_text(encoding="utf-8").splitlines():
        shop, *rest = line.split("\t")
        by_shop[shop].append(rest)
    for shop, lines in by_shop.items():
        rows = [json.loads(row) for row in (folder / f"{shop}.jsonl").read_text(encoding="utf-8").splitlines() if row]
        asked = [int(number) for number, *_ in lines]
        corrections = [Corrected(str(at), rows[asked[at]]["q"], reply) for at, (_, reply, *_) in enumerate(lines)]
        messages = [Message(rows[asked[at]]["q"], at) for at in range(len(lines))]
        messages += [Message(text, at) for at, (_, _, *others) in enumerate(lines) for text in others]
        messages += [Message(rows[at]["q"], -1) for at in _neighbours(rows, asked, encoder)]
        messages += _nobodys([row["q"] for row in rows], messages, OTHERS)
        yield Set(shop, corrections, messages, [folder / f"{shop}.md"])


def _neighbours(rows: Sequence[dict[str, Any]], asked: Sequence[int], encoder: SentenceEncoder) -> list[int]:
    vectors = encoder.encode([row["q"] for row in rows])
    taken = set(asked)
    for number in asked:
        own = (rows[number].get("a"), rows[number].get("e"))
        nearest = (int(at) for at in np.argsort(-(vectors @ vectors[number])))
        others = (
            at for at in nearest if at not in taken and ("e" not in rows[at] or (rows[at]["a"], rows[at]["e"]) != own)
        )
        taken.update(list(islice(others, 2)))
    return sorted(taken - set(asked))


def service_set(folder: Path) -> Set:
    """The corrections of a service set with their neighbours, and other questions of it."""
    items = service(folder)
    corrections = [Corrected(str(at), item.question, item.reply) for at, item in enumerate(items)]
    messages = [Message(text, at) for at, item in enumerate(items) for text in (item.question, *item.paraphrases)]
    messages += [Message(text, -1) for item in items for text in item.neighbours]
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    messages += _nobodys([json.loads(line)["question"] for line in lines], messages, 4 * OTHERS)
    return Set(folder.name, corrections, messages, sorted((folder / "docs").iterdir()))


def stated(data: Path) -> Set:
    """Statements of facts, which no document answers."""
    items = statements(data, STATEMENTS, 11, LEARNED)
    corrections = [Corrected(str(at), item.question, item.reply) for at, item in enumerate(items)]
    messages = [Message(text, at) for at, item in enumerate(items) for text in (item.question, *item.paraphrases)]
    return Set("statements", corrections, messages + [Message(t, -1) for i in items for t in i.neighbours], [])


def _nobodys(texts: Sequence[str], messages: Sequence[Message], count: int) -> list[Message]:
    """Some of the texts that are not among the messages."""
    known = {message.text for message in messages}
    others = [text for text in dict.fromkeys(texts) if text not in known]
    random.Random(1).shuffle(others)
    return [Message(text, -1) for text in others[:count]]


def verdicts(companies: Sequence[Set], known: Verdicts, encoder: SentenceEncoder) -> Verdicts:
    """What each company's documents have for each of its messages; what is `known` is not asked again."""
    for company in companies:
        told = known.setdefault(company.name, {})
        missing = [message.text for message in company.messages if message.text not in told]
        if missing and company.files:
            documents = Documents(company.name, company.files, encoder)
            for text in missing:
                rival = documents.rival(text)
                told[text] = None if rival is None else (rival.answered, round(rival.probability, 4))
            sys.stderr.write(f"{company.name}: {len(missing)} messages asked\n")
    return known


def rows(company: Set, told: dict[str, tuple[bool, float] | None], judge: ScopeJudge, dice: random.Random) -> Any:
    """Features and labels of every message against every correction that it is held against: all, then shares of
    them."""
    features: list[Vectors] = []
    labels: list[float] = []
    for share in (1.0, *SHARES):
        kept = [one for one in company.corrections if dice.random() < share]
        held = ScopeIndex(judge, kept).held_against([message.text for message in company.messages])
        for message, against in zip(company.messages, held, strict=True):
            verdict = told.get(message.text, (False, 0.05) if not company.files else None)
            if verdict is None or not against:
                continue
            features.append(_row(against, Rival(*verdict)))
            labels += [float(one.correction.id == str(message.owner)) for one in against]
    return np.concatenate(features), np.array(labels)


def _row(held: Sequence[Held], rival: Rival) -> Vectors:
    return rival_features(
        [one.probability for one in held], [one.pair for one in held], [one.likeness for one in held], rival
    )


def fit(features: Vectors, labels: Vectors, ridge: float) -> RivalModel:
    """Penalised maximum likelihood by Newton's steps, on standardised features."""
    mean, spread = features.mean(0), features.std(0) + 1e-6
    inputs = np.hstack([(features - mean) / spread, np.ones((len(features), 1))]).astype(np.float64)
    weights = np.zeros(inputs.shape[1])
    penalty = np.diag([ridge] * features.shape[1] + [1e-3])
    for _ in range(60):
        found = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (found - labels) + penalty @ weights
        bend = (inputs.T * (found * (1 - found))) @ inputs + penalty
        step = np.linalg.solve(bend, slope)
        weights -= step
        if np.abs(step).max() < 1e-7:
            break
    scaled = weights[:-1] / spread
    return RivalModel(tuple(map(float, scaled)), float(weights[-1] - (scaled * mean).sum()))


def main() -> None:
    """Parses the command line, fits, exports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corrections", type=Path, required=True, help="table of corrections of the small companies")
    parser.add_argument("--shops", type=Path, required=True, help="folder of the small companies")
    parser.add_argument("--sets", nargs="+", type=Path, required=True, help="service sets to learn from")
    parser.add_argument("--data", type=Path, required=True, help="folder with edits/pararel_edits.jsonl.gz")
    parser.add_argument("--verdicts", type=Path, help="where what the documents answer is kept between two runs")
    parser.add_argument("--ridge", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--export", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    encoder = SentenceEncoder.load()
    judge = ScopeJudge.load(encoder)
    companies = [
        *shops(options.corrections, options.shops, encoder),
        *map(service_set, options.sets),
        stated(options.data),
    ]
    known: Verdicts = {}
    if options.verdicts and options.verdicts.exists():
        known = json.loads(options.verdicts.read_text(encoding="utf-8"))
    told = verdicts(companies, known, encoder)
    if options.verdicts:
        options.verdicts.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    dice = random.Random(options.seed)
    found = [rows(company, told[company.name], judge, dice) for company in companies]
    features, labels = np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found])
    model = fit(features, labels, options.ridge)
    stored = {"features": FEATURES, "weights": [round(one, 5) for one in model.weights], "bias": round(model.bias, 5)}
    options.export.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps({"rows": len(labels), "belong": int(labels.sum()), **stored}) + "\n")


if __name__ == "__main__":
    main()
