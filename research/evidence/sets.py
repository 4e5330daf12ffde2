"""Companies with questions, read and searched in this process as the product does it, and what answers each question.

Two forms are read: the service sets of `research/data/service`, and the small companies of `research/data/shops`, one
Markdown document `NAME.md` and one file of questions `NAME.jsonl` each. A line of the latter is
`{"q": question, "a": words of the answer, "e": the sentence or row that answers}`, or `{"q": question, "near": true}`
(`"far"`) where the document does not answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from services.cli.evaluation.matching import CHINESE, normal, stands_in
from services.common.editions import Dated
from services.common.media import MEDIA_TYPES
from services.knowledge.domain.entries import Entry
from services.knowledge.domain.index import TenantIndex
from services.knowledge.domain.query import Query
from services.knowledge.evidence import features
from services.knowledge.evidence.features import NAMES
from services.knowledge.evidence.meaning import MEANING
from services.knowledge.evidence.model import AnswerModel, AnswerModels
from services.knowledge.evidence.questions import Question, kind_of, strip_opening
from services.knowledge.evidence.spelling import as_meant
from services.knowledge.evidence.step import (
    Base,
    Candidate,
    EvidenceStep,
    Source,
    candidates_of,
    source_of_passage,
    words_of,
)
from services.knowledge.parsing import Source as Document
from services.knowledge.parsing import parse_limited
from services.knowledge.steps import meant_by
from services.models.sentence_encoder import SentenceEncoder

Array = npt.NDArray[np.float64]
PASSAGES = 20
_COUNT = len(NAMES) + len(MEANING)
_SILENT = AnswerModel((0.0,) * _COUNT, (0.0,) * (_COUNT + 1), 0.0)
UNFITTED = AnswerModels(_SILENT, _SILENT, _SILENT)
"""Models that tell nothing, for a step whose candidates and features alone are wanted."""


@dataclass
class Company:
    """Documents that can be searched, and questions in the form of a service set."""

    name: str
    rows: dict[str, dict[str, Any]]
    index: TenantIndex
    editions: dict[str, Dated]
    questions: list[dict[str, Any]]
    encoder: SentenceEncoder
    _read: dict[int, tuple[Question, list[Candidate]]] = field(default_factory=dict)

    @classmethod
    def of_service_set(cls, folder: Path, encoder: SentenceEncoder) -> Company:
        """The company of a service set's folder."""
        asked = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines() if line.strip()]
        return cls.of_documents(folder.name, sorted((folder / "docs").iterdir()), asked, encoder)

    @classmethod
    def of_shop(cls, document: Path, encoder: SentenceEncoder) -> Company:
        """The company of a document `NAME.md` with its `NAME.jsonl` beside it."""
        lines = document.with_suffix(".jsonl").read_text().splitlines()
        asked = [_question(json.loads(line), document.name) for line in lines if line.strip()]
        return cls.of_documents(document.stem, [document], asked, encoder)

    @classmethod
    def of_documents(
        cls, name: str, files: Sequence[Path], asked: list[dict[str, Any]], encoder: SentenceEncoder
    ) -> Company:
        """The documents parsed, cut, indexed and embedded."""
        rows: dict[str, dict[str, Any]] = {}
        editions = {}
        for file in files:
            kind = MEDIA_TYPES[file.suffix.lower()]
            parsed = parse_limited(
                file.read_bytes(), Document(kind, f"fit/{file.name}", encoder.tokenizer_file, "", file.name)
            )
            editions[file.name] = Dated(file.name, parsed.title, parsed.edition)
            for passage in parsed.passages:
                row = {"_id": passage.id, "revision": 1, "source": file.name, "heading": passage.heading}
                rows[passage.id] = row | {"text": passage.text, "structure": passage.structure.stored()}
        index = TenantIndex(encoder.dimensions)
        index.add(Entry(row["_id"], 1, row["source"], row["text"], row["heading"]) for row in rows.values())
        vectors = encoder.encode([f"{row['heading']}\n{row['text']}" for row in rows.values()])
        index.add_vectors(dict(zip(rows, vectors, strict=True)))
        return cls(name, rows, index, editions, asked, encoder)

    def sources(self, text: str) -> list[Source]:
        """What retrieval finds for a question."""
        found = self.index.search(Query(meant_by(text, self.index)), self.encoder.encode, PASSAGES, 0)
        return [source_of_passage(self.rows[hit.id], hit.score) for hit in found.passages]

    @property
    def base(self) -> Base:
        """What the step may ask of this base."""
        return Base(self.index.idf, lambda documents: {name: self.editions[name] for name in documents})

    def weighed(self, number: int, step: EvidenceStep) -> tuple[list[Candidate], list[Candidate]]:
        """(the candidates that the step reads for a question, the best first; all that retrieval found)."""
        asked, candidates = self._asked(number)
        return step.weighed(asked, candidates, self.base), candidates

    def shortlist(self, number: int, step: EvidenceStep) -> tuple[list[Candidate], list[Candidate]]:
        """The same without features, the likeliest first."""
        asked, candidates = self._asked(number)
        known = frozenset().union(*(one.stems for one in candidates))
        words = features.read_question(strip_opening(asked.text), self.base.idf, known)
        return step.shortlist(asked, words, candidates), candidates

    def asked(self, number: int) -> str:
        """A question as the step reads it."""
        return self._asked(number)[0].text

    def _asked(self, number: int) -> tuple[Question, list[Candidate]]:
        if number not in self._read:
            self._read = {number: self._ask(number)}  # what is asked of one question is asked in a row
        return self._read[number]

    def _ask(self, number: int) -> tuple[Question, list[Candidate]]:
        asked = self.questions[number]["question"]
        candidates = [candidate for source in self.sources(asked) for candidate in candidates_of(source)]
        text = as_meant(asked, lambda term: self.base.idf(term) > 0, lambda: words_of(candidates))
        return Question(text, kind_of(text), 0, len(text)), candidates


def _question(line: dict[str, Any], document: str) -> dict[str, Any]:
    if "e" not in line:
        return {"question": line["q"], "unanswerable": True, "kind": "near" if line.get("near") else "outside"}
    record = {"question": line["q"], "documents": [document], "any_of": [line["a"]], "evidence": [line["e"]]}
    return record | {"kind": "fact"}


def answers(question: dict[str, Any], candidate: Candidate) -> bool:
    """Whether the candidate answers the question by its gold evidence."""
    unit = candidate.unit
    if question.get("unanswerable") or candidate.source.document not in question["documents"]:
        return False
    if not any(stands_in(answer, f"{unit.question} {unit.text}") for answer in question["any_of"]):
        return False
    words, own = _words(unit.read), _words(unit.text)
    for evidence in question["evidence"]:
        parts = _words(evidence)
        if not parts:
            continue
        told = set(parts)
        within = sum(word in told for word in own) >= 0.8 * len(own)  # a sentence of an evidence of several
        if within or sum(part in set(words) for part in parts) >= 0.6 * len(parts):
            return True
    return False


def _words(text: str) -> list[str]:
    """The words of a text, of a Chinese one its characters."""
    return re.findall(r"\w" if _han(text) else r"\w+", normal(text))


def _han(text: str) -> bool:
    return CHINESE.search(text) is not None
