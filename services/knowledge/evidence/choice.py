"""Which of the weighed candidates make up the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from services.common.editions import Dated, Edition, prefer
from services.common.evidence.records import Answer
from services.knowledge.evidence import features
from services.knowledge.evidence.cells import asked_cells
from services.knowledge.evidence.comparing import compared
from services.knowledge.evidence.questions import Question

if TYPE_CHECKING:
    from services.knowledge.evidence.model import AnswerModel
    from services.knowledge.evidence.step import Base, Candidate

_ARCHIVED = re.compile(
    r"\b(?:archived?|superseded|obsolete|withdrawn|outdated|out of print|no longer valid|expired|former|"
    r"veraltet|archiv)\b|"
    r"旧版|已失效|已作废|存档",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)20[0-4]\d(?!\d)")
_COVERAGE = features.NAMES.index("coverage")
_SAME = 0.55  # share of the question's weight that both documents cover, so that they speak of the same
_RIVAL = 3.0
"""How far behind the best score another document's word still counts as a contradiction to be settled."""


def choose(
    question: Question,
    weighed: Sequence[Candidate],
    candidates: Sequence[Candidate],
    model: AnswerModel,
    base: Base,
) -> Answer:
    """The answer to a question from its candidates, the best first."""
    if question.kind == "comparison" and (answer := compared(question, candidates, base)) is not None:
        return answer
    current = reweighed(current_ones(weighed, base), model)
    best = current[0] if current else None
    if best is None or best.probability < model.threshold:
        probability = best.probability if best else 0.0
        return Answer(question.kind, "unknown", probability, (), question.start, question.end)
    chosen = [best]
    second = next((one for one in current[1:] if not _overlaps(one, best)), None)
    if second is not None and best.score - second.score < model.beside:
        chosen.append(second)
    pieces = tuple(one.piece(asked_cells(question.text, one.unit)) for one in chosen)
    return Answer(question.kind, "answered", best.probability, pieces, question.start, question.end)


def current_ones(weighed: Sequence[Candidate], base: Base) -> list[Candidate]:
    """The candidates without those of documents that no longer hold or that a newer one takes the place of."""
    documents = {one.source.document for one in weighed if one.source.document}
    if not documents:
        return list(weighed)
    editions = base.editions(sorted(documents))
    older = {name for name, one in editions.items() if _ended(one.edition)}
    older |= {one.source.document for one in weighed if _ARCHIVED.search(one.unit.place)}
    years = _years(weighed, editions)
    kept = [one for one in weighed if one.source.document not in older]
    rivals = [one for one in kept if one.score >= kept[0].score - _RIVAL and one.features[_COVERAGE] >= _SAME]
    outdone = {
        id(other)
        for one in rivals
        for other in rivals
        if _newer(one.source.document, other.source.document, editions, years)
    }
    return [one for one in kept if id(one) not in outdone]


def _newer(one: str, other: str, editions: Mapping[str, Dated], years: Mapping[str, int]) -> bool:
    """Whether the first document takes the place of the second, by what they say of themselves or their years."""
    first, second = editions.get(one), editions.get(other)
    if one == other or first is None or second is None:
        return False
    if "metadata" not in (first.edition.basis, second.edition.basis) and (told := prefer(first, second)):
        return told < 0
    return years.get(one, 0) > years.get(other, 9999)


def reweighed(candidates: list[Candidate], model: AnswerModel) -> list[Candidate]:
    """The candidates, weighed anew without those that were dropped."""
    if not candidates:
        return []
    scores, probabilities = model.weigh(
        [np.array(one.features, np.float32) for one in candidates], [one.source.id for one in candidates]
    )
    anew = [
        replace(one, score=float(score), probability=float(probability))
        for one, score, probability in zip(candidates, scores, probabilities, strict=True)
    ]
    return sorted(anew, key=lambda one: -one.score)


def _years(weighed: Sequence[Candidate], editions: Mapping[str, Dated]) -> dict[str, int]:
    """The latest year that a document speaks of, where it does not say from when it holds."""
    years: dict[str, int] = {}
    for one in weighed:
        document = one.source.document
        edition = editions[document].edition if document in editions else Edition()
        said = edition.effective[:4] if edition.basis == "text" else ""
        spoken = [int(said)] if said else [int(year) for year in _YEAR.findall(f"{one.unit.place} {one.source.text}")]
        years[document] = max([years.get(document, 0), *spoken])
    return {document: year for document, year in years.items() if year}


def _ended(edition: Edition) -> bool:
    today = datetime.now(UTC).date().isoformat()
    return edition.outdated or bool(edition.replaced_by) or bool(edition.until and edition.until < today)


def _overlaps(one: Candidate, other: Candidate) -> bool:
    same = one.source.id == other.source.id
    return same and one.unit.start < other.unit.end and other.unit.start < one.unit.end
