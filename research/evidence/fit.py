"""Fits and calibrates what the evidence step makes of its features: `python -m research.evidence.fit --data FOLDER …`.

Each FOLDER is a service set (`research/data/service/README.md`). Its documents are read and searched as the product
does it, each candidate unit is labelled by the question's gold evidence, and a logistic model is fitted over all sets.
The figures are of sets that were left out in turn.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from research.evidence.sets import UNFITTED, Array, Company, answers
from services.knowledge.evidence.features import NAMES
from services.knowledge.evidence.model import WEIGHTS, WITHOUT_READER, leads
from services.knowledge.evidence.reading import UnitReader
from services.knowledge.evidence.step import EvidenceStep
from services.models.evidence_reader import READER, EvidenceReader
from services.models.sentence_encoder import SentenceEncoder

BESIDE = 0.7


def rows_of(subject: Company, step: EvidenceStep) -> tuple[Array, Array, Array, Array]:
    """(features, labels, number of the question, source) of every candidate of every question."""
    features, labels, owners, sources = [], [], [], []
    for number, question in enumerate(subject.questions):
        for candidate in subject.weighed(number, step)[0]:
            features.append(candidate.features)
            labels.append(answers(question, candidate))
            owners.append(number)
            sources.append(candidate.source.id)
    return np.array(features), np.array(labels, float), np.array(owners), np.array(sources)


def ranked(features: Array, labels: Array, owners: Array, l2: float = 1.0, steps: int = 400) -> Array:
    """Weights that put the candidates that answer before the others of the same question (listwise softmax)."""
    theta = torch.zeros(features.shape[1], dtype=torch.float64, requires_grad=True)
    groups = [np.flatnonzero(owners == number) for number in np.unique(owners)]
    groups = [group for group in groups if 0 < labels[group].sum() < len(group)]
    inputs, right = torch.tensor(features), torch.tensor(labels, dtype=torch.bool)
    optimizer = torch.optim.LBFGS([theta], max_iter=steps, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scores = inputs @ theta
        total = l2 * theta.square().sum()
        for group in groups:
            of_all = torch.logsumexp(scores[group], 0)
            total = total + of_all - torch.logsumexp(scores[group][right[group]], 0)
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


def judged(subject: Company, said: dict[int, float], right: dict[int, bool], threshold: float) -> dict[str, float]:
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


def both(read: Sequence[tuple[Array, Array, Array, Array]]) -> tuple[Array, Array, float]:
    """(ranking, weights of answering, bias) fitted on the candidates of several sets."""
    features = np.vstack([one[0] for one in read])
    labels = np.concatenate([one[1] for one in read])
    owners = np.concatenate([one[2] + 10_000 * place for place, one in enumerate(read)])
    ranking = ranked(features, labels, owners)
    rows, best, _ = led(features, owners, ranking, np.concatenate([one[3] for one in read]))
    return ranking, *fitted(rows, labels[best])


def without_reader(features: Array) -> Array:
    """The features as they are where another encoder than the reader's is used."""
    plain = features.copy()
    plain[:, [NAMES.index("logit"), NAMES.index("margin")]] = 0.0
    return plain


def main(arguments: Sequence[str] | None = None) -> None:
    """Fits on all sets, prints figures of each set left out in turn, writes the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--reader", type=Path, default=READER, help="the trained reader")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--keep", type=Path, help="also write the features and labels here")
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent, help="folder of the two models")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    encoder = SentenceEncoder.load()
    with_reader = options.reader.is_file()
    step = EvidenceStep(
        UnitReader(encoder, EvidenceReader.load(encoder, options.reader) if with_reader else None), UNFITTED
    )
    sets = [Company.of_service_set(folder, encoder) for folder in options.data]
    read = [rows_of(subject, step) for subject in sets]
    if options.keep:
        arrays: dict[str, Any] = {f"{n}{k}": part for n, one in enumerate(read) for k, part in enumerate(one)}
        np.savez(options.keep, **arrays)
    figures: dict[str, float] = {}
    for place, subject in enumerate(sets):
        others = [one for at, one in enumerate(read) if at != place] or read
        ranking, weights, bias = both(others)
        features, labels, owners, sources = read[place]
        rows, best, numbers = led(features, owners, ranking, sources)
        said = 1 / (1 + np.exp(-(rows @ weights + bias)))
        right = dict(zip(numbers.tolist(), (labels[best] > 0).tolist(), strict=True))
        by_number = dict(zip(numbers.tolist(), said.tolist(), strict=True))
        judgement = judged(subject, by_number, right, options.threshold)
        judgement["ranked_first"] = sum(right.values()) / sum(not one.get("unanswerable") for one in subject.questions)
        judgement["calibration"] = calibration_error(said, labels[best])
        figures |= {f"{subject.name}_{key}": value for key, value in judgement.items()}
    models = {WEIGHTS.name: read, WITHOUT_READER.name: [(without_reader(one[0]), *one[1:]) for one in read]}
    for file, rows_of_all in models.items():
        ranking, weights, bias = both(rows_of_all)
        print(
            file,
            *(f"{name} {a:.2f} {b:.2f}" for name, a, b in zip((*NAMES, "lead"), [*ranking, 0], weights, strict=True)),
        )
        record = {"features": NAMES, "ranking": ranking.round(4).tolist(), "answering": weights.round(4).tolist()}
        record |= {"bias": round(bias, 4), "threshold": options.threshold, "beside": BESIDE}
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / file).write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps({"figures": {name: round(value, 4) for name, value in figures.items()}}))


if __name__ == "__main__":
    main()
