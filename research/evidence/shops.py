"""Questions to the companies of `research/data/shops`, with the units that the evidence step would read for each."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from research.evidence.sets import UNFITTED, Company, answers
from research.evidence.worlds import Example
from services.cli.evaluation.matching import stands_in
from services.knowledge.evidence.cells import cell_texts
from services.knowledge.evidence.reading import UnitReader
from services.knowledge.evidence.step import Candidate, EvidenceStep
from services.models.sentence_encoder import SentenceEncoder

HELD_BACK = 6
"""One company in so many is held back, to see how the reader does on companies it was not taught."""
_OF_CELLS = 0.35
"""How often a question that a row answers is asked of the row's cells instead of all that was found."""


@dataclass(frozen=True)
class Pool:
    """A question with all units that answer it and all that the step would read beside them, the likeliest first."""

    question: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    near: bool
    cells: tuple[tuple[str, bool], ...] = ()
    """The cells of the row that answers, each with whether it holds the answer; where nothing answers, the cells of
    the likeliest row."""

    def whole(self) -> Example:
        """All of it as one example."""
        flags = (True,) * len(self.right) + (False,) * len(self.wrong)
        return Example(self.question, self.right + self.wrong, flags, "near" if self.near else "shop")


def read_pools(folder: Path, encoder: SentenceEncoder) -> tuple[list[Pool], list[Pool]]:
    """(pools to train on, pools of companies held back). Answerable questions whose answer is not among the units that
    are found are left out of the first and stand without an answer in the second."""
    step = EvidenceStep(UnitReader(encoder, None), UNFITTED)
    taught: list[Pool] = []
    held: list[Pool] = []
    back = set(held_back(folder))
    for document in sorted(folder.glob("*.md")):
        company = Company.of_shop(document, encoder)
        pools = [_pool(company, number, step) for number in range(len(company.questions))]
        if document in back:
            held += [pool for pool, _ in pools]
        else:
            taught += [pool for pool, answered in pools if answered]
    return taught, held


def held_back(folder: Path) -> list[Path]:
    """The documents of the companies that the reader is not taught: chosen by their names, so that more companies move
    none from one side to the other."""
    return [one for one in sorted(folder.glob("*.md")) if crc32(one.stem.encode()) % HELD_BACK == 0]


def _pool(company: Company, number: int, step: EvidenceStep) -> tuple[Pool, bool]:
    question = company.questions[number]
    read, found = company.shortlist(number, step)
    silent = bool(question.get("unanswerable"))
    right = [one.unit.read for one in read if answers(question, one)]
    if not right:
        right = [one.unit.read for one in found if answers(question, one)][:2]
    wrong = [one.unit.read for one in read if not answers(question, one)]
    cells = _cells(question, read)
    pool = Pool(question["question"], tuple(dict.fromkeys(right)), tuple(dict.fromkeys(wrong)), silent, cells)
    return pool, bool(right) or silent


def _cells(question: dict[str, Any], read: Sequence[Candidate]) -> tuple[tuple[str, bool], ...]:
    silent = bool(question.get("unanswerable"))
    rows = (one.unit for one in read if one.unit.kind == "row" and (silent or answers(question, one)))
    row = next((unit for unit in rows if len(unit.cells) > 2), None)
    if row is None:
        return ()
    cells = tuple(
        (text, not silent and any(stands_in(words, row.cells[place][1]) for words in question["any_of"]))
        for place, text in cell_texts(row).items()
    )
    return cells if silent or any(flag for _, flag in cells) else ()


def drawn(pools: Sequence[Pool], candidates: int, rng: random.Random) -> Iterator[Example]:
    """Examples without end, each pool once before any is drawn again: up to two right units, the others wrong ones."""
    order = list(pools)
    while True:
        rng.shuffle(order)
        for pool in order:
            if pool.cells and rng.random() < _OF_CELLS:
                yield _of_cells(pool, candidates, rng)
                continue
            right = rng.sample(pool.right, min(2, len(pool.right)))
            wrong = rng.sample(pool.wrong, min(candidates - len(right), len(pool.wrong)))
            units = [(text, True) for text in right] + [(text, False) for text in wrong]
            if not units:
                continue
            rng.shuffle(units)
            texts = tuple(_without_place(text, rng) for text, _ in units)
            yield Example(_as_typed(pool.question, rng), texts, tuple(flag for _, flag in units), "shop")


def _of_cells(pool: Pool, candidates: int, rng: random.Random) -> Example:
    """The question with cells of one row: all that hold the answer and some others."""
    cells = sorted(pool.cells, key=lambda cell: (not cell[1], rng.random()))[: candidates + 2]
    rng.shuffle(cells)
    texts, flags = zip(*cells, strict=True)
    return Example(_as_typed(pool.question, rng), texts, flags, "cell")


def _without_place(text: str, rng: random.Random) -> str:
    """Now and then the unit without its title and headings."""
    place, colon, rest = text.partition(": ")
    return rest if colon and " > " in place and rng.random() < 0.1 else text


def _as_typed(question: str, rng: random.Random) -> str:
    """Now and then the question without capitals and stops, or with two letters that changed places."""
    if rng.random() < 0.1:
        question = question.lower().rstrip("?.!")
    if rng.random() < 0.1 and len(question) > 12:
        place = rng.randrange(2, len(question) - 2)
        question = question[:place] + question[place + 1] + question[place] + question[place + 2 :]
    return question
