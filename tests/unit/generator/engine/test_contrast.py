"""A draft held against another prompt while it is written: the tokens are those that whole passes of the model give."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from services.generator.engine import Beams, Contrast, DecodeSettings, DraftRequest, Engine, FusionInput, PromptTooLong
from services.generator.engine.backends.echo import EchoBackend
from services.models.language_model import load_module
from tests.unit.generator.conftest import Heard
from tests.unit.generator.engine.test_fusion import vectors
from tests.unit.generator.engine.test_search import Running

TOLD, PLAIN = "the cat and the dog", "the cat"


@pytest.fixture(scope="module", params=["slots-fp32", "slots-int4", "module-fp32"])
def running(request: pytest.FixtureRequest, tiny_model: Path, cache_dir: Path) -> Running:
    return Running(request.param, tiny_model, cache_dir)


def submit(
    running: Running, key: str, strength: float | None, fusion: FusionInput | None = None, **settings: object
) -> Heard:
    encode = running.engine.codec.encode
    contrast = None if strength is None else Contrast(tuple(encode(PLAIN)), strength)
    decode = DecodeSettings(**{"max_new_tokens": 12, **settings})  # type: ignore[arg-type]
    request = DraftRequest(
        key, "t", key, running.version, (), tuple(encode(TOLD)), decode, fusion=fusion, contrast=contrast
    )
    heard = Heard()
    running.engine.submit(request, heard)
    return heard


def test_the_tokens_are_those_that_whole_passes_over_both_prompts_give(tiny_model: Path, cache_dir: Path) -> None:
    running = Running("slots-fp32", tiny_model, cache_dir)
    module, codec = load_module(tiny_model), running.engine.codec
    for strength in (0.5, 3.0):
        draft = submit(running, f"exact {strength}", strength, min_new_tokens=12).wait()
        made: list[int] = []
        while len(made) < 12:
            with torch.inference_mode():
                told, plain = (
                    module(torch.tensor([[*codec.encode(text), *made]])).logits[0, -1].log_softmax(0)
                    for text in (TOLD, PLAIN)
                )
            value = (1 + strength) * told - strength * plain
            value[told < told.max() + math.log(0.1)] = -math.inf
            value[list(codec.end_ids)] = -math.inf
            made.append(int(value.argmax()))
        assert list(draft.token_ids) == made


def test_no_strength_is_the_draft_alone_and_company_changes_nothing(running: Running) -> None:
    alone = submit(running, "alone", None).wait()
    assert submit(running, "nothing", 0.0).wait().token_ids == alone.token_ids
    strong = submit(running, "strong", 3.0).wait()
    assert strong.token_ids != alone.token_ids
    together = [submit(running, f"company{n}", None if n % 2 else 3.0) for n in range(4)]
    for n, heard in enumerate(together):
        assert heard.wait().token_ids == (alone if n % 2 else strong).token_ids


def test_the_head_is_heard_by_the_draft_and_not_by_what_it_is_held_against(running: Running) -> None:
    fusion = FusionInput("head", vectors(3, "feedback"))
    fused = submit(running, "fused", 0.0, fusion).wait()
    assert fused.token_ids == submit(running, "fused alone", None, fusion).wait().token_ids
    assert submit(running, "fused strong", 3.0, fusion).wait().token_ids != fused.token_ids


def test_both_rows_are_free_after_the_end_and_after_a_cancel(running: Running) -> None:
    heard = submit(running, "cancelled", 0.5, max_new_tokens=400, min_new_tokens=400)
    heard.wait_for_deltas(2)
    assert running.engine.cancel("cancelled")
    draft = heard.wait()
    assert (draft.finish_reason, draft.text) == ("cancelled", heard.text)
    assert running.engine.apply(lambda backend: backend.figures()["slots_open"]).result() == 0
    assert running.engine.stats().rows == 0


def test_a_row_that_fails_ends_the_draft_it_belongs_to_and_no_other(running: Running) -> None:
    def broken(generated: object, logits: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("broken")

    other = submit(running, "whole", 0.5)
    with pytest.raises(RuntimeError, match="broken"):
        submit(running, "broken", 0.5, processors=(lambda: broken,)).wait()
    assert other.wait().token_ids == submit(running, "whole again", 0.5).wait().token_ids


def test_what_cannot_be_is_refused(running: Running) -> None:
    with pytest.raises(ValueError, match="contrast"):
        submit(running, "negative", -1.0)
    with pytest.raises(ValueError, match="no beams"):
        submit(running, "searched", 0.5, beams=Beams(2))
    codec, long = running.engine.codec, (7,) * 5000
    request = DraftRequest("long", "t", "s", running.version, (), tuple(codec.encode("x")), contrast=Contrast(long))
    with pytest.raises(PromptTooLong):
        running.engine.submit(request, Heard())


def test_echo_leaves_a_contrast_aside() -> None:
    engine, heard = Engine(EchoBackend()), Heard()
    ids = tuple(engine.codec.encode("one two"))
    engine.submit(DraftRequest("a", "t", "s", "v", (), ids, contrast=Contrast(ids)), heard)
    assert heard.wait().text == "one two"
    engine.close()
