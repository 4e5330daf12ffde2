"""Which of the weighed candidates make up the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.common.editions import prefer
from services.common.evidence.records import Answer
from services.knowledge.evidence import features
from services.knowledge.evidence.comparing import compared
from services.knowledge.evidence.questions import Question

if TYPE_CHECKING:
    from services.knowledge.evidence.model import AnswerModel
    from services.knowledge.evidence.step import Base, Candidate

_RIVAL = 2.0
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
    """The candidates without those of documents that a newer one among them takes the place of."""
    if not weighed:
        return []
    rivals = [one for one in weighed if one.score >= weighed[0].score - _RIVAL]
    documents = {one.source.document for one in rivals if one.source.document}
    if len(documents) < 2:
        return list(weighed)
    editions = base.editions(sorted(documents))
    older = set()
    for one in rivals:
        for other in rivals:
            first, second = editions.get(one.source.document), editions.get(other.source.document)
            if first is not None and second is not None and first is not second and prefer(first, second) < 0:
                older.add(other.source.document)
    kept = [one for one in weighed if one.source.document not in older]
    return kept or list(weighed)


def asked_cells(question: str, candidate: Candidate) -> tuple[int, ...]:
    """The cells of a row whose column the question names in so many words; none where it is not clear."""
    cells = candidate.unit.cells
    if len(cells) <= 3:
        return ()
    said = features.stems(question) - features.stems(candidate.unit.name)
    shares = []
    for column, _ in cells:
        words = features.stems(column)
        shares.append(len(words & said) / len(words) if words else 0.0)
    best = max(shares)
    if best < 0.5 or shares.count(best) > 1:
        return ()
    return (shares.index(best),)


def _overlaps(one: Candidate, other: Candidate) -> bool:
    same = one.source.id == other.source.id
    return same and one.unit.start < other.unit.end and other.unit.start < one.unit.end
