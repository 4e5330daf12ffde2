"""Which of the weighed candidates make up the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.common.editions import Dated, Edition, prefer
from services.common.evidence.records import Answer
from services.knowledge.evidence import features
from services.knowledge.evidence.comparing import compared, header_fits
from services.knowledge.evidence.questions import Question
from services.knowledge.evidence.values import present, wanted

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
    current = current_ones(weighed, base)
    best = current[0] if current else None
    if best is None or best.probability < model.threshold:
        probability = best.probability if best else 0.0
        return Answer(question.kind, "unknown", probability, (), question.start, question.end)
    chosen = [best]
    second = next((one for one in current[1:] if not _overlaps(one, best)), None)
    if second is not None and best.score - second.score < model.beside:
        chosen.append(second)
    pieces = tuple(one.piece(asked_cells(question.text, one)) for one in chosen)
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
    rivals = [one for one in weighed if one.score >= weighed[0].score - _RIVAL]
    for one in rivals:
        for other in rivals:
            first, second = editions.get(one.source.document), editions.get(other.source.document)
            told = prefer(first, second) if first is not None and second is not None and first is not second else 0
            if told < 0 or (not told and years.get(one.source.document, 0) > years.get(other.source.document, 9999)):
                older.add(other.source.document)
    return [one for one in weighed if one.source.document not in older]


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


def asked_cells(question: str, candidate: Candidate) -> tuple[int, ...]:
    """The cells of a row whose column the question asks for, by its words or by the kind of value it wants; none where
    it is not clear."""
    cells = candidate.unit.cells
    if len(cells) <= 2:
        return ()
    said = features.stems(question) - features.stems(candidate.unit.name)
    kinds = wanted(question)
    scores = [
        0.0 if value == candidate.unit.name or not value else _cell_score(column, value, said, kinds, question)
        for column, value in cells
    ]
    best = max(scores)
    chosen = tuple(place for place, score in enumerate(scores) if score >= best - 0.15)
    return chosen if best >= 0.45 and len(chosen) <= 2 else ()


def _cell_score(column: str, value: str, said: frozenset[str], kinds: set[str], question: str) -> float:
    words = features.stems(column)
    share = len(words & said) / len(words) if words else 0.0
    reach = 0.1 * len(words & said)
    return (
        share + reach + (0.5 if kinds and present(value, kinds) else 0.0) + 0.5 * header_fits(question, column, value)
    )


def _overlaps(one: Candidate, other: Candidate) -> bool:
    same = one.source.id == other.source.id
    return same and one.unit.start < other.unit.end and other.unit.start < one.unit.end
