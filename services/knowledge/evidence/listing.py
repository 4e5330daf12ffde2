"""What belongs together where a question wants several things: a list with its lead-in, the rows that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from services.common.evidence.records import Piece
from services.common.passages import Span
from services.knowledge.evidence.ranges import quantities_of, unit_within
from services.knowledge.evidence.words import stems

if TYPE_CHECKING:
    from services.knowledge.evidence.step import Candidate

_LONGEST = 1_500
"""Characters up to which a list is quoted whole."""
_MOST_ROWS = 12


def whole_list(one: Candidate) -> Piece | None:
    """The list that the candidate is the lead-in or an item of, as one piece; None where it is of none, or that is too
    long."""
    lead = _lead(one)
    if lead is None:
        return None
    spans = one.source.structure.spans
    end = max(span.end for number, span in enumerate(spans) if number == lead or span.lead == lead)
    piece = replace(one.piece(), start=spans[lead].start, end=end)
    return piece if piece.end - piece.start <= _LONGEST else None


def is_lead(one: Candidate) -> bool:
    """Whether the candidate is what leads to a list and none of its items."""
    lead = _lead(one)
    return lead is not None and _span_at_end(one) == lead


def same_list(one: Candidate, other: Candidate) -> bool:
    """Whether both are of one list of one passage."""
    return one.source.id == other.source.id and _lead(one) is not None and _lead(one) == _lead(other)


def rows_alike(question: str, best: Candidate, candidates: Sequence[Candidate]) -> list[tuple[Candidate, int]]:
    """The rows of the best row's table that have what the question says of it, in the table's order, each with its cell
    that says so; none where it is the only one, or there are too many.

    "Which classes does Gus give?" finds one row with Gus, and there are others.
    """
    if best.unit.kind != "row":
        return []
    said = stems(question)
    if stems(best.unit.name) <= said or unit_within(quantities_of(question), best.unit):  # it is about this row alone
        return []
    key = said & stems(best.unit.text) - stems(" ".join(column for column, _ in best.unit.cells))
    if not key:
        return []
    rows = {
        one.source.id: (one, place)
        for one in candidates
        if one.unit.kind == "row"
        and (one.source.document, one.source.structure.table) == (best.source.document, best.source.structure.table)
        and (place := _cell_of(one, key)) is not None
    }
    alike = sorted(rows.values(), key=lambda pair: pair[0].source.structure.row)
    return alike if 1 < len(alike) <= _MOST_ROWS else []


def _cell_of(one: Candidate, key: frozenset[str]) -> int | None:
    """The cell that has all of the words; that of the row's name before others."""
    places = [place for place, (_, value) in enumerate(one.unit.cells) if key <= stems(value)]
    return next((place for place in places if one.unit.cells[place][1] == one.unit.name), places[0]) if places else None


def _lead(one: Candidate) -> int | None:
    """The number of the span that leads to the list that the candidate is of."""
    spans: Sequence[Span] = one.source.structure.spans
    own = _span_at_end(one)
    if own is None:
        return None
    if spans[own].lead >= 0:
        return spans[own].lead
    return own if any(span.lead == own for span in spans) else None


def _span_at_end(one: Candidate) -> int | None:
    """The number of the last span of the candidate."""
    spans = one.source.structure.spans
    return next((number for number, span in enumerate(spans) if span.end == one.unit.end), None)
