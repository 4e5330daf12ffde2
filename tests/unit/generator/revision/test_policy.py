"""A turn's settings, its worker's defaults and its reader's constraints become one way of decoding."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.constraints import Constraint
from services.generator.decoding.settings import decode_settings
from services.generator.prompt.builder import Prompt
from services.generator.revision import policy
from services.generator.revision.beam_search import Beams
from services.generator.settings import GeneratorSettings

WORKER = GeneratorSettings()
CONSTRAINTS = (
    Constraint("must_include", "refund"),
    Constraint("must_not_include", "sorry"),
    Constraint("replace", "Monday => Tuesday"),
    Constraint("case", "lower"),
)


def turn(round_number: int = 1, **settings: Any) -> dict[str, Any]:
    drafts = [{"id": f"d{number}", "round": number, "text": "So it is."} for number in range(round_number + 1)]
    return {"_id": "t1", "text": "Is it so?", "round": round_number, "drafts": drafts, "settings": settings}


def prompt(constraints: tuple[Constraint, ...] = CONSTRAINTS, about: int | None = 0) -> Prompt:
    return Prompt((), (1, 2, 3), (), None, constraints, about, about is None)


def test_constraints_reach_decoding_as_words_and_shape() -> None:
    decode = policy.adjusted(decode_settings(turn(), WORKER), prompt(), turn(), 500, WORKER)
    assert decode.include == ("refund", "Tuesday")
    assert decode.forbid == ("sorry", "Monday")
    assert decode.constraints == CONSTRAINTS
    assert decode.temperature == 0.0


def test_a_turn_can_switch_constrained_decoding_off() -> None:
    plain = turn(constrained=False, candidates=1)
    decode = policy.adjusted(decode_settings(plain, WORKER), prompt(), plain, 500, WORKER)
    assert (decode.include, decode.forbid, decode.constraints) == ((), (), ())
    assert policy.candidates(plain, CONSTRAINTS, WORKER) == 1


def test_only_revisions_that_can_be_verified_are_chosen_among_several() -> None:
    assert policy.candidates(turn(), CONSTRAINTS, WORKER) == WORKER.candidates
    assert policy.candidates(turn(), (Constraint("tone", "mysterious"),), WORKER) == 1
    assert policy.candidates(turn(0), (), WORKER) == 1
    assert policy.candidates(turn(candidates=7), (), WORKER) == 7


def test_a_turn_may_have_its_draft_searched_for_by_what_can_be_verified() -> None:
    searched = turn(beams=4, constraint_weight=3.0)
    constraints = (*CONSTRAINTS, Constraint("tone", "mysterious"))
    assert policy.revision_policy(searched, prompt(constraints), WORKER).beams == Beams(4, 3.0, CONSTRAINTS)
    assert policy.candidates(searched, CONSTRAINTS, WORKER) == 1
    assert policy.candidates(turn(beams=2, candidates=3), CONSTRAINTS, WORKER) == 3
    few = GeneratorSettings(max_batch_size=3)
    assert policy.beams(searched, few) == 3, "no more than there are rows"
    assert policy.revision_policy(turn(), prompt(), WORKER).beams is None


def test_feedback_that_failed_before_is_tried_by_chance_and_every_attempt_draws_alike() -> None:
    again = turn(2)
    decode = policy.adjusted(decode_settings(again, WORKER), prompt(about=0), again, 500, WORKER)
    assert decode.temperature == WORKER.redraw_temperature
    assert decode.seed == decode_settings(turn(2), WORKER).seed != decode_settings(turn(1), WORKER).seed


@pytest.mark.parametrize(("room", "tokens"), [(500, 256), (100, 100), (0, 1)])
def test_a_draft_is_no_longer_than_the_context_has_room(room: int, tokens: int) -> None:
    assert policy.adjusted(decode_settings(turn(), WORKER), prompt(), turn(), room, WORKER).max_new_tokens == tokens


def test_what_a_turn_says_of_sampling_reaches_decoding() -> None:
    own = turn(
        temperature=0.9, top_p=0.8, top_k=20, min_p=0.07, repetition_penalty=1.1, seed=5, stop=["\n"], max_tokens=9
    )
    decode = decode_settings(own, WORKER)
    assert (decode.temperature, decode.top_p, decode.top_k, decode.min_p) == (0.9, 0.8, 20, 0.07)
    assert (decode.repetition_penalty, decode.seed, decode.stop, decode.max_new_tokens) == (1.1, 5, ("\n",), 9)
