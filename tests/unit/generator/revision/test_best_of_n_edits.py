"""Revisions read before they are shown: written anew, amended by rule, or with a sentence written in."""

from __future__ import annotations

from pathlib import Path

from services.common.constraints import Constraint
from services.generator.engine import (
    DecodeSettings,
    DraftRequest,
    Engine,
    FusionInput,
)
from services.generator.engine.backends.echo import EchoCodec
from services.generator.revision.best_of_n import BestOfN
from services.generator.revision.policy import RevisionPolicy
from services.generator.revision.scoring import RevisionContext, score
from tests.unit.generator.by_hand import MENTIONS_CAT, ByHand, finished
from tests.unit.generator.conftest import Heard


def reading(engine: ByHand, heard: Heard, count: int = 3) -> BestOfN:
    request = DraftRequest("k", "t", "s", "v", (7,), (1, 2, 3), DecodeSettings(), fusion=FusionInput("head"))
    made = BestOfN(
        engine,
        request,
        heard,
        RevisionPolicy(tuple(MENTIONS_CAT), count=count, weight=5.0, temperature=0.7, anew=(1,), reading=True),
    )
    made.submit()
    return made


def test_a_draft_is_read_by_the_model_alone_in_the_readers_conversation(engine: ByHand) -> None:
    heard = Heard()
    reading(engine, heard)
    assert engine.open["k"][0].tail == (1,)  # written anew, but read after the feedback
    engine.end("k", finished("A cat sat."))
    (request, _), *others = engine.open.values()
    assert not others
    assert (request.history, request.tail, request.read, request.fusion) == ((7,), (1, 2, 3, 0, 1, 2), 3, None)
    engine.end(request.key, finished("and", "length", likelihood=-1.5))
    assert heard.wait().text == heard.text == "A cat sat."


def test_of_drafts_that_meet_everything_the_one_that_reads_best_is_chosen(engine: ByHand) -> None:
    heard = Heard()
    reading(engine, heard)
    likely = {"k": -9.0, "k#1": -5.0, "k#2": -7.0}  # of three tokens: none is fluent
    texts = {"k": "A cat sat.", "k#1": "The cat sat.", "k#2": "That cat sat."}
    for key, text in texts.items():
        engine.end(key, finished(text, likelihood=-1.0))
        engine.end(f"{key}~", finished("", likelihood=likely[key]))
    assert heard.wait().text == "The cat sat."
    assert heard.wait().log_likelihood == -1.0


def test_a_degenerate_draft_is_not_read(engine: ByHand) -> None:
    reading(engine, Heard())
    engine.end("k", finished("cat " * 40))
    assert sorted(engine.open) == ["k#1", "k#2"]


def test_a_draft_that_can_not_be_read_counts_as_it_was_written(engine: ByHand) -> None:
    heard = Heard()
    reading(engine, heard)
    engine.end("k", finished("A cat sat."))
    engine.open.pop("k~")[1].on_error(RuntimeError("a broken row"))
    assert heard.wait().text == "A cat sat."


def test_cancelling_while_a_draft_is_read_keeps_the_draft(engine: ByHand) -> None:
    heard = Heard()
    candidates = reading(engine, heard)
    engine.end("k", finished("A cat sat."))
    assert candidates.cancel()
    assert heard.wait().text == heard.text == "A cat sat."


def amending(heard: Heard) -> ByHand:
    class Encoding(ByHand):
        codec = EchoCodec()

    engine = Encoding()
    request = DraftRequest("k", "t", "s", "v", (), (1, 2), DecodeSettings(max_new_tokens=90))
    BestOfN(
        engine,
        request,
        heard,
        RevisionPolicy(
            (Constraint("case", "upper"),),
            count=2,
            weight=5.0,
            temperature=0.7,
            context=RevisionContext("What do cats do?", "Capitals, please.", "Cats sleep. They hunt by night."),
            reading=True,
            amending=True,
        ),
    ).submit()
    return engine


def test_an_amended_draft_that_reads_well_is_the_revision() -> None:
    heard = Heard()
    engine = amending(heard)
    assert list(engine.open) == ["k!0~"]
    engine.end("k!0~", finished("", likelihood=-1.0))
    assert heard.wait().text == heard.text == "CATS SLEEP. THEY HUNT BY NIGHT."
    assert not engine.open


def test_an_amended_draft_that_reads_badly_is_held_against_written_ones() -> None:
    heard = Heard()
    engine = amending(heard)
    for key in ("k!0~", "k!1~", "k!2~"):
        engine.end(key, finished("", likelihood=-40.0))
    for key, text, likelihood in (("k", "Cats sleep.", -4.0), ("k#1", "CATS ARE FINE.", -4.0)):
        engine.end(key, finished(text, likelihood=-1.0))
        engine.end(f"{key}~", finished("", likelihood=likelihood))
    assert heard.wait().text == "CATS SLEEP. THEY HUNT BY NIGHT."


def test_an_amended_draft_that_reads_badly_gives_way_to_a_part_that_reads_well() -> None:
    heard = Heard()
    engine = amending(heard)
    engine.end("k!0~", finished("", likelihood=-90.0))
    engine.open["k!1~"][1].on_progress()
    engine.end("k!1~", finished("", likelihood=-90.0))
    assert not heard.text
    engine.end("k!2~", finished("", likelihood=-1.0))
    assert heard.wait().text == heard.text == "CATS SLEEP."


def test_what_the_reader_refused_is_not_offered_again() -> None:
    refused = RevisionContext("What do cats do?", "Capitals, please.", "Cats sleep.", refused=("CATS SLEEP.",))
    judged = score(finished("CATS SLEEP."), [Constraint("case", "upper")], 5.0, refused)
    assert judged.degenerate
    assert not score(finished("CATS SLEEP A LOT."), [Constraint("case", "upper")], 5.0, refused).degenerate


def filling(heard: Heard, draft: str = "Dogs bark. They hunt. They sleep.") -> tuple[ByHand, BestOfN]:
    class Encoding(ByHand):
        codec = EchoCodec()

    engine = Encoding()
    request = DraftRequest("k", "t", "s", "v", (), (1, 2), DecodeSettings(max_new_tokens=90))
    made = BestOfN(
        engine,
        request,
        heard,
        RevisionPolicy(
            tuple(MENTIONS_CAT),
            count=2,
            weight=5.0,
            temperature=0.7,
            context=RevisionContext("What do dogs do?", "Mention cat.", draft),
            reading=True,
            amending=True,
            infilling=True,
        ),
    )
    made.submit()
    return engine, made


def test_of_sentences_written_into_the_draft_the_one_that_reads_best_is_the_revision() -> None:
    heard = Heard()
    engine, _ = filling(heard)
    assert list(engine.open) == ["k+0"]
    engine.open["k+0"][1].on_progress()
    assert sorted(engine.open) == ["k+0", "k+1", "k+2"]
    for key in ("k+0", "k+1", "k+2"):
        engine.end(key, finished("Dogs chase the cat."))
        assert not heard.text  # nothing is shown before it is chosen
    for key, likelihood in (("k+0!~", -3.0), ("k+1!~", -2.0), ("k+2!~", -4.0)):
        engine.end(key, finished("", likelihood=likelihood))
    assert heard.wait().text == heard.text == "Dogs bark. Dogs chase the cat. They hunt. They sleep."
    assert not engine.open


def test_where_no_sentence_brings_the_phrase_in_the_draft_is_written_anew() -> None:
    heard = Heard()
    engine, _ = filling(heard)
    engine.end("k+0", finished("They bark."))
    for key in ("k+1", "k+2"):
        engine.end(key, finished("They bark at night."))
    assert list(engine.open) == ["k"]
    engine.end("k", finished("Dogs hunt the cat."))
    engine.end("k~", finished("", likelihood=-1.0))
    assert heard.wait().text == heard.text == "Dogs hunt the cat."


def test_cancelling_while_sentences_are_written_shows_none_of_them() -> None:
    heard = Heard()
    engine, candidates = filling(heard)
    engine.open["k+0"][1].on_progress()
    assert candidates.cancel()
    assert heard.wait().finish_reason == "cancelled"
    assert heard.text == heard.wait().text == ""
    assert not engine.open


def test_a_sentence_that_breaks_leaves_the_others() -> None:
    heard = Heard()
    engine, _ = filling(heard, "Dogs bark.")
    engine.open.pop("k+0")[1].on_error(RuntimeError("a broken row"))
    assert list(engine.open) == ["k"]


def test_on_a_real_engine_a_sentence_is_written_into_the_draft(tiny_model: Path, tmp_path: Path) -> None:
    from services.generator.engine.backends.build import build_backend
    from services.generator.settings import GeneratorSettings
    from services.models.language_model import content_hash

    settings = GeneratorSettings(
        max_batch_size=4, cache_dir=tmp_path, model=str(tiny_model), kernel="torch-fp32", kv_cache_mb=1
    )
    engine = Engine(build_backend(settings))
    try:
        heard = Heard()
        request = DraftRequest(
            "k",
            "t",
            "s",
            content_hash(tiny_model, tmp_path),
            (),
            tuple(engine.codec.encode("the dog")),
            DecodeSettings(max_new_tokens=200),
        )
        BestOfN(
            engine,
            request,
            heard,
            RevisionPolicy(
                tuple(MENTIONS_CAT),
                count=2,
                weight=5.0,
                temperature=0.7,
                context=RevisionContext("", "Mention cat.", "The dog sat. The dog ran."),
                reading=True,
                infilling=True,
            ),
        ).submit()
        draft = heard.wait()
        assert heard.text == draft.text
        assert "cat" in draft.text.lower()
    finally:
        engine.close(drain=False)
