"""The best of several drafts is the one that the reader gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.common.constraints import Constraint
from services.generator.engine import (
    DecodeSettings,
    DraftRequest,
    Engine,
    FusionInput,
)
from services.generator.revision.best_of_n import BestOfN
from services.generator.revision.policy import RevisionPolicy
from services.generator.revision.scoring import RevisionContext, astray, degenerate, score
from tests.unit.generator.by_hand import MENTIONS_CAT, ByHand, finished
from tests.unit.generator.conftest import Heard


def asked(engine: ByHand, heard: Heard, count: int = 3) -> BestOfN:
    request = DraftRequest("k", "t", "s", "v", (), (1, 2), DecodeSettings(include=("cat",)))
    made = BestOfN(
        engine, request, heard, RevisionPolicy(tuple(MENTIONS_CAT), count=count, weight=5.0, temperature=0.7)
    )
    made.submit()
    return made


def test_a_first_draft_that_meets_everything_is_taken_alone(engine: ByHand) -> None:
    heard = Heard()
    asked(engine, heard)
    engine.end("k", finished("A cat sat there."))
    assert heard.wait().text == heard.text == "A cat sat there."
    assert not engine.open


def test_a_failed_first_draft_is_replaced_by_one_that_meets_the_constraint(engine: ByHand) -> None:
    heard = Heard()
    asked(engine, heard)
    engine.end("k", finished("A dog sat there."))
    assert not heard.done.is_set()
    assert sorted(engine.open) == ["k#1", "k#2"]
    assert engine.open["k#1"][0].settings.temperature == 0.7
    engine.end("k#2", finished("The cat sat there.", likelihood=-40.0))
    assert heard.wait().text == "The cat sat there."
    assert not engine.open  # the other was stopped


def test_of_drafts_that_all_fail_the_likeliest_is_taken(engine: ByHand) -> None:
    heard = Heard()
    asked(engine, heard)
    engine.end("k", finished("A dog sat there.", likelihood=-9.0))
    engine.end("k#1", finished("A cow sat there.", likelihood=-3.0))
    engine.end("k#2", finished("A hen sat there.", likelihood=-6.0))
    assert heard.wait().text == "A cow sat there."


def test_cancelling_ends_all_candidates_and_keeps_what_is_there(engine: ByHand) -> None:
    heard = Heard()
    candidates = asked(engine, heard)
    engine.end("k", finished("A dog sat there."))
    assert candidates.cancel()
    assert heard.wait().finish_reason == "cancelled"
    assert heard.text == heard.wait().text == "A dog sat there."
    assert not engine.open


def test_a_candidate_that_breaks_is_left_out(engine: ByHand) -> None:
    heard = Heard()
    asked(engine, heard, count=2)
    engine.end("k", finished("A dog sat there."))
    engine.open.pop("k#1")[1].on_error(RuntimeError("a broken row"))
    assert heard.wait().text == "A dog sat there."


def test_the_only_candidate_that_breaks_is_an_error(engine: ByHand) -> None:
    heard = Heard()
    asked(engine, heard)
    engine.open.pop("k")[1].on_error(RuntimeError("a broken row"))
    assert isinstance(heard.error, RuntimeError)


def test_a_draft_whose_wishes_decoding_can_hold_is_written_anew_first(engine: ByHand) -> None:
    head = FusionInput("head")
    request = DraftRequest("k", "t", "s", "v", (), (1, 2, 3), DecodeSettings(include=("cat",)), fusion=head)
    heard = Heard()
    several = BestOfN(
        engine,
        request,
        heard,
        RevisionPolicy(
            tuple(MENTIONS_CAT),
            count=4,
            weight=5.0,
            temperature=0.7,
            anew=(1,),
            context=RevisionContext("Tell me about cats", 'Mention "cat".', "Cats sleep."),
        ),
    )
    several.submit()
    assert engine.open["k"][0].tail == (1,)
    engine.end("k", finished("A dog sat there."))
    tails = {key: (one[0].tail, one[0].settings.temperature) for key, one in engine.open.items()}
    assert tails == {"k#1": ((1, 2, 3), 0.0), "k#2": ((1,), 0.7), "k#3": ((1, 2, 3), 0.7)}
    heads = {key: one[0].fusion for key, one in engine.open.items()}
    assert heads == {"k#1": head, "k#2": None, "k#3": head}  # it is for drafts that read the feedback
    engine.end("k#2", finished("A cat sleeps all day long.", likelihood=-3.0))
    assert heard.wait().text == "A cat sleeps all day long."


def test_a_draft_whose_wishes_the_model_must_read_begins_with_the_feedback(engine: ByHand) -> None:
    request = DraftRequest("k", "t", "s", "v", (), (1, 2, 3))
    french = [Constraint("language", "fr")]
    several = BestOfN(
        engine, request, Heard(), RevisionPolicy(tuple(french), count=2, weight=5.0, temperature=0.7, anew=(1,))
    )
    several.submit()
    assert engine.open["k"][0].tail == (1, 2, 3)


@pytest.mark.parametrize(
    ("text", "stray"),
    [
        ("In short, in short.", True),
        ("The last words should be in short.", True),
        ("THE EMPEROR'S DAY IS A CAPITAL.", True),
        ("In short, black holes form when stars collapse.", False),
        ("HOLES OF THIS KIND ARE COLLAPSED STARS.", False),
    ],
)
def test_parrots_and_strays_are_told_from_replies(text: str, stray: bool) -> None:
    asked = RevisionContext(
        "How do black holes form?", 'The last words should be "In short"', "They form when a star collapses."
    )
    assert astray(text, [Constraint("start", "In short")], asked) is stray


def test_degenerate_drafts_are_told_from_good_ones() -> None:
    assert degenerate(finished("cat " * 40))
    assert degenerate(finished("A good reply without an", "length"))
    assert degenerate(finished("The word cat is a noun."))
    assert degenerate(finished(""))
    assert not degenerate(finished("The cat sat on the mat and looked at us."))


def test_the_score_prefers_met_constraints_to_likelihood() -> None:
    met = score(finished("A cat sat there.", likelihood=-12.0), MENTIONS_CAT, 5.0)
    missed = score(finished("A dog sat there.", likelihood=-6.0), MENTIONS_CAT, 5.0)
    assert met.value > missed.value
    assert met.perfect
    assert not missed.perfect
    assert (
        score(finished("A cat sat there.", likelihood=-12.0), MENTIONS_CAT, 0.0).value
        < score(finished("A dog sat there.", likelihood=-6.0), MENTIONS_CAT, 0.0).value
    )


def test_on_a_real_engine_a_draft_is_shaped_scored_and_streamed_once(tiny_model: Path, tmp_path: Path) -> None:
    from services.generator.engine.backends.build import build_backend
    from services.generator.settings import GeneratorSettings
    from services.models.language_model import content_hash

    settings = GeneratorSettings(
        max_batch_size=4, cache_dir=tmp_path, model=str(tiny_model), kernel="torch-fp32", kv_cache_mb=1
    )
    engine = Engine(build_backend(settings))
    try:
        heard = Heard()
        constraints = (Constraint("must_include", "cat"), Constraint("end", "the end."))
        decode = DecodeSettings(max_new_tokens=60, include=("cat",), constraints=constraints)
        tail = tuple(engine.codec.encode("the dog"))
        request = DraftRequest("k", "t", "s", content_hash(tiny_model, tmp_path), (), tail, decode)
        BestOfN(
            engine, request, heard, RevisionPolicy(tuple(constraints), count=3, weight=5.0, temperature=0.7)
        ).submit()
        draft = heard.wait()
        assert heard.text == draft.text
        assert "cat" in draft.text.lower()
        assert draft.text.endswith("the end.")
        assert draft.log_likelihood < 0
    finally:
        engine.close(drain=False)
