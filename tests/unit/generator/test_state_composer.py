"""What the dialogue's state knows is told where it is asked for, and no document is asked to know it."""

from typing import Any

import pytest

from services.generator.turns.state_composer import StateComposer


def turn(
    verdict: str = "unknown", *, sure: bool = False, sentences: tuple[str, ...] = ("Day: Monday.",)
) -> dict[str, Any]:
    recalled = {"service": "order", "slots": ["day"], "sentences": list(sentences), "sure": sure}
    answers = [{"verdict": verdict, "probability": 0.9}]
    return {"text": "…?", "state": {"recalled": recalled}, "grounding": {"evidence": {"answers": answers}}}


def said(turn: dict[str, Any], policy: str = "quote") -> str | None:
    reply = StateComposer(lambda _: policy).compose(turn)
    return reply.text if reply is not None else None


@pytest.mark.parametrize(
    ("verdict", "sure", "told"),
    [("unknown", False, True), ("answered", False, False), ("answered", True, True), ("several", False, False)],
)
def test_a_document_goes_before_what_only_might_ask_for_the_state(verdict: str, sure: bool, told: bool) -> None:
    assert (said(turn(verdict, sure=sure)) == "Day: Monday.") is told


def test_sentences_stand_apart_as_their_language_has_it() -> None:
    assert said(turn(sentences=("Day: Monday.", "Time: 3 p.m."))) == "Day: Monday. Time: 3 p.m."
    assert said(turn(sentences=("日期：周一。", "时间：三点。"))) == "日期：周一。时间：三点。"


def test_without_documents_the_state_answers() -> None:
    assert said({"text": "…?", "state": turn()["state"], "grounding": None}) == "Day: Monday."


def test_under_the_free_policy_and_where_nothing_is_recalled_the_engine_speaks() -> None:
    assert said(turn(sure=True), "free") is None
    assert said({"text": "…?", "state": {"services": {}}}) is None
