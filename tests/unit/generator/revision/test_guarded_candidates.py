"""A candidate that repeats itself, invents values or breaks off never leaves where the sources are known."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from services.common.constraints import Constraint
from services.generator.engine import DecodeSettings, DraftRequest
from services.generator.revision.best_of_n import BestOfN
from services.generator.revision.policy import RevisionPolicy
from services.generator.revision.scoring import RevisionContext
from tests.unit.generator.by_hand import ByHand, finished
from tests.unit.generator.conftest import Heard

DRAFT = "The ferry costs £9 per person."
KEPT = "The ferry costs £9."
WANTED = (Constraint("must_include", "children"),)
SOURCES = (DRAFT, "How much is the ferry?", "children", "Children under six travel free.")


def told(engine: ByHand, text: str, constraints: tuple[Constraint, ...] = WANTED) -> str:
    heard = Heard()
    engine.codec = SimpleNamespace(encode=lambda words: range(len(words.split())))
    context = RevisionContext("How much is the ferry?", "children?", DRAFT, sources=SOURCES, kept=KEPT)
    request = DraftRequest("k", "t", "s", "v", (), (1, 2), DecodeSettings())
    BestOfN(engine, request, heard, RevisionPolicy(constraints, weight=5.0, context=context)).submit()
    engine.end("k", finished(text))
    return heard.wait().text


@pytest.mark.parametrize(
    "text",
    [
        "The ferry costs £7 for children.",
        "The ferry for children: www.ferry.example.",
        "The ferry takes children on Sunday.",
        "Ferry children. Ferry children. Ferry children.",
        "[5] … [6] [7] [8] ferry children",
        "I'm sorry, children. I'm sorry, children. I'm sorry, children. I'm sorry, children.",
        "The ferry costs £9 and for children it costs",
        "The ferry is for the",
    ],
)
def test_a_bad_candidate_gives_way_to_the_draft_before(engine: ByHand, text: str) -> None:
    assert told(engine, text) == KEPT


def test_a_candidate_that_does_what_the_rules_left_undone_is_the_revision(engine: ByHand) -> None:
    better = "The ferry costs £9, and children under six travel free."
    assert told(engine, better) == better


def test_a_candidate_that_does_no_more_than_the_rules_is_not(engine: ByHand) -> None:
    assert told(engine, "The ferry costs £9 for each person.") == KEPT
