"""Which of the weighed candidates make up the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from services.common.editions import Dated, Edition, prefer
from services.common.evidence.records import Answer, Piece
from services.common.evidence.units import Unit
from services.knowledge.evidence import features
from services.knowledge.evidence.cells import RowRead
from services.knowledge.evidence.comparing import compared
from services.knowledge.evidence.demands import meets_demands, names_people
from services.knowledge.evidence.listing import is_lead, rows_alike, same_list, whole_list
from services.knowledge.evidence.narrowing import narrowed
from services.knowledge.evidence.questions import Question

if TYPE_CHECKING:
    from services.knowledge.evidence.model import AnswerModel
    from services.knowledge.evidence.step import Base, Candidate

ReadRow = Callable[[str, Unit], RowRead | None]
ReadTexts = Callable[[str, Sequence[str]], Sequence[float]]
_ARCHIVED = re.compile(
    r"\b(?:archived?|superseded|obsolete|withdrawn|outdated|out of print|no longer valid|expired|former|"
    r"veraltet|archiv)\b|"
    r"旧版|已失效|已作废|存档",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(r"(?:yes|no|ja|nein)\b[,:;.!–-]+\s*|[是不]的?[，：。]", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)20[0-4]\d(?!\d)")
_COVERAGE = features.NAMES.index("coverage")
_SAME = 0.55  # share of the question's weight that both documents cover, so that they speak of the same
_LIKE = 0.35  # the same, where one of them has a year in its name that has passed
_LACKING = 0.2
"""The probability of answering that is left to what lacks the kind of value that is asked for in so many words, or
speaks of another thing of that name."""
_RIVAL = 3.0
"""How far behind the best score another document's word still counts as a contradiction to be settled."""


def choose(
    question: Question,
    weighed: Sequence[Candidate],
    candidates: Sequence[Candidate],
    model: AnswerModel,
    base: Base,
    read_row: ReadRow,
    read_texts: ReadTexts,
) -> Answer:
    """The answer to a question from its candidates, the best first; `read_row` tells what the cells of a row say,
    `read_texts` the reader's logits of texts."""
    if question.kind == "comparison" and (answer := compared(question, candidates, base)) is not None:
        return answer
    current = reweighed(current_ones(weighed, base), model)
    best = current[0] if current else None
    alike = rows_alike(question.text, best, candidates) if best is not None and question.kind == "list" else []
    if best is not None and alike:  # they are no rivals of one another
        ids = {one.source.id for one, _ in alike}
        best = reweighed([best, *(one for one in current[1:] if one.source.id not in ids)], model)[0]
    read = read_row(question.text, best.unit) if best is not None and not alike else None
    if best is not None and read is not None:
        best = replace(best, probability=model.confirmed(best.probability, read))
    if best is not None and not _fits(question.text, best, read):
        best = replace(best, probability=min(best.probability, _LACKING))
    if best is None or best.probability < model.threshold:
        probability = best.probability if best else 0.0
        return Answer(question.kind, "unknown", probability, (), question.start, question.end)
    pieces = tuple(replace(one.piece((place,)), probability=best.probability) for one, place in alike)
    pieces = pieces or _pieces(question, current, best, model, read, read_row)
    if len(pieces) == 1 and question.kind in ("fact", "statement"):
        pieces = (_part(pieces[0], best, question.text, base.idf, read_texts),)
    return Answer(question.kind, "answered", best.probability, pieces, question.start, question.end)


def _fits(question: str, one: Candidate, read: RowRead | None) -> bool:
    """Whether the candidate has what the question asks for in so many words, of the thing that it names."""
    unit = one.unit
    return (
        meets_demands(question, _said(one, read))
        and names_people(question, f"{unit.question} {unit.text}", unit.cells, unit.name)
        and not features.other_code(question, unit.read)
    )


def _said(one: Candidate, read: RowRead | None) -> str:
    """What would be quoted of the candidate."""
    if read is not None and read.asked:
        return " ".join(": ".join(one.unit.cells[place]) for place in read.asked)
    return f"{one.unit.question} {one.unit.text}"


def _pieces(
    question: Question,
    current: Sequence[Candidate],
    best: Candidate,
    model: AnswerModel,
    read: RowRead | None,
    read_row: ReadRow,
) -> tuple[Piece, ...]:
    """What is quoted of the best candidate and, where it is as good, of the next."""
    if (question.kind == "list" or is_lead(best)) and (whole := whole_list(best)) is not None:
        return (whole,)
    chosen = [(best, read)]
    second = next((one for one in current[1:] if not (_overlaps(one, best) or same_list(one, best))), None)
    if second is not None and best.score - second.score < model.beside:
        chosen.append((second, read_row(question.text, second.unit)))
    return tuple(_without_yes(one, question).piece(row.asked if row else ()) for one, row in chosen)


def _part(piece: Piece, best: Candidate, question: str, idf: features.Idf, read_texts: ReadTexts) -> Piece:
    """The piece, or the part of its sentence, or of its only cell, that alone is asked for."""
    text, start, end = best.source.text, piece.start, piece.end
    if best.unit.kind == "row":
        if len(piece.cells) != 1:
            return piece
        value = best.unit.cells[piece.cells[0]][1]
        start = text.find(value)
        end = start + len(value)
        if start < 0 or text.find(value, end) >= 0:
            return piece
    elif best.unit.kind not in ("sentence", "answer"):
        return piece
    part = narrowed(question, idf, text[start:end], lambda parts: read_texts(question, parts))
    return piece if part is None else replace(piece, start=start + part[0], end=start + part[1])


def _without_yes(one: Candidate, question: Question) -> Candidate:
    """The answer to another question without the yes or no that it begins with."""
    begins = _YES_OR_NO.match(one.source.text, one.unit.start)
    if begins is None or not one.unit.question or one.unit.end - begins.end() < 8:
        return one
    asked, answered = features.stems(question.text), features.stems(one.unit.question)
    if question.kind == "yes_no" and len(asked & answered) >= 0.6 * min(len(asked), len(answered)):
        return one
    return replace(one, unit=replace(one.unit, start=begins.end()))


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
    rivals = [one for one in kept if one.score >= kept[0].score - _RIVAL and one.features[_COVERAGE] >= _LIKE]
    outdone = {id(other) for one in rivals for other in rivals if _outdoes(one, other, editions, years)}
    return [one for one in kept if id(one) not in outdone]


def _outdoes(one: Candidate, other: Candidate, editions: Mapping[str, Dated], years: Mapping[str, int]) -> bool:
    """Whether the first says the same as the second in a document that takes its place."""
    newer, older = one.source.document, other.source.document
    first, second = editions.get(newer), editions.get(older)
    if first is None or second is None:
        return False
    same = min(one.features[_COVERAGE], other.features[_COVERAGE]) >= _SAME
    if same and _newer(newer, older, editions, years):
        return True
    if _is_past(_year_said(first)) or _is_past(_year_named(first)):
        return False
    same = same or (one.unit.kind == other.unit.kind == "row" and one.unit.name == other.unit.name)
    return _is_past(_year_named(second)) or (same and _is_past(_year_said(second)))


def _newer(one: str, other: str, editions: Mapping[str, Dated], years: Mapping[str, int]) -> bool:
    """Whether the first document takes the place of the second, by what they say of themselves or their years."""
    first, second = editions.get(one), editions.get(other)
    if one == other or first is None or second is None:
        return False
    if "metadata" not in (first.edition.basis, second.edition.basis) and (told := prefer(first, second)):
        return told < 0
    return years.get(one, 0) > years.get(other, 9999)


def _year_said(document: Dated) -> int | None:
    """The year from which a document says that it holds."""
    said = document.edition.effective[:4] if document.edition.basis in ("text", "front matter") else ""
    return int(said) if said.isdigit() else None


def _year_named(document: Dated) -> int | None:
    """The year in a document's title or name: "Prices 2024", "leaflet-2025.txt"."""
    years = [int(year) for year in _YEAR.findall(f"{document.title} {document.name}")]
    return max(years, default=None)


def _is_past(year: int | None) -> bool:
    return year is not None and year < datetime.now(UTC).year


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
