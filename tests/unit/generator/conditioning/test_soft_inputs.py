"""Notes as soft tokens: they take their text's place only where a projector made them, and the prompt says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from services.common.store import GroundingText
from services.generator.conditioning.soft_inputs import Soft, SoftInputs
from services.generator.engine.backends.build import build_backend
from services.generator.prompt.builder import Prompt, PromptBuilder
from services.generator.settings import GeneratorSettings
from services.models.chat import CHATML
from services.models.language_model import content_hash
from services.models.sentence_encoder import SentenceEncoder
from services.models.soft_prompt import ProjectorConfig, SoftPrompt, write_projector
from tests.unit.generator.engine.test_backend_contract import Bench

NOTES = (
    GroundingText("passage", "p1", 1, "Fees", "A late charge of $12 applies."),
    GroundingText("fact", "f1", 3, "bank", "bank opening hours is nine"),
)
STATE = {"services": {"hotel": {"slots": {"area": {"value": "north"}}}}}


@pytest.fixture
def bench(tiny_model: Path, cache_dir: Path) -> Bench:
    settings = GeneratorSettings(kernel="fp32", max_batch_size=4, cache_dir=cache_dir, model=str(tiny_model))
    return Bench(build_backend(settings), content_hash(tiny_model, cache_dir))


def projector(file: Path, source: str, base: str) -> str:
    torch.manual_seed(len(source))
    made = SoftPrompt(ProjectorConfig(source, 384, 64, base_version=base, encoder=SentenceEncoder.load().name))
    made.scale.data.fill_(1.0)
    file.write_bytes(write_projector(made))
    return str(file)


def inputs(bench: Bench, folder: Path, **more: Any) -> SoftInputs:
    settings = GeneratorSettings(
        state_projector=projector(folder / "state", "state", bench.version),
        passage_projector=projector(folder / "passages", "passages", bench.version),
        **more,
    )
    return SoftInputs.load(settings, bench.version)


def prompt(bench: Bench, soft: Soft) -> Prompt:
    turn = {"_id": "t", "n": 1, "round": 0, "text": "what is it", "drafts": [{"id": "d", "round": 0}], "state": STATE}
    builder = PromptBuilder(bench.backend.codec, CHATML, 512, "be kind")
    return builder.build(
        turn,
        [],
        grounding=NOTES,
        reply_tokens=8,
        soft=soft.ids,
        with_state=soft.with_state,
        with_notes=soft.with_notes,
    )


def test_notes_stand_in_the_prompt_as_vectors_beside_their_text_or_instead_of_it(bench: Bench, tmp_path: Path) -> None:
    beside = inputs(bench, tmp_path, passage_vectors="beside").of(STATE, NOTES, bench.version)
    instead = inputs(bench, tmp_path, passage_vectors="instead").of(STATE, NOTES, bench.version)
    assert beside.ids == instead.ids
    assert len(instead.vectors) == len(instead.ids) > 0
    assert all(vector.shape == (64,) for vector in instead.vectors.values())
    assert instead.passage_projector
    assert not instead.state_projector
    with_text, without = prompt(bench, beside), prompt(bench, instead)
    assert len(without) < len(with_text), "the notes' words are gone"
    assert without.notes == NOTES[::-1], "the manifest names them all the same"
    assert instead.with_state, "nothing stands for the state"


def test_another_note_gives_other_vectors_and_the_same_note_the_same(bench: Bench, tmp_path: Path) -> None:
    soft = inputs(bench, tmp_path, passage_vectors="beside")
    one, again, other = (soft.of(None, notes, bench.version).ids for notes in (NOTES[:1], NOTES[:1], NOTES[1:]))
    assert one == again != other


def test_state_and_notes_each_keep_their_own_switch(bench: Bench, tmp_path: Path) -> None:
    soft = inputs(bench, tmp_path, passage_vectors="beside", state_vectors="instead")
    both, no_notes = soft.of(STATE, NOTES, bench.version), soft.of(STATE, (), bench.version)
    assert both.ids[-len(no_notes.ids) :] == no_notes.ids, "the state's come last"
    assert (both.with_state, both.with_notes) == (False, True)
    assert both.passage_projector
    assert not no_notes.passage_projector
    assert soft.of(None, NOTES, bench.version).with_state


def test_without_a_projector_that_fits_the_notes_stay_text(bench: Bench, tmp_path: Path) -> None:
    missing = GeneratorSettings(passage_vectors="instead", passage_projector=str(tmp_path / "none"))
    strange = GeneratorSettings(
        passage_vectors="instead", passage_projector=projector(tmp_path / "p", "passages", "another model")
    )
    for settings in (missing, strange, GeneratorSettings()):
        assert SoftInputs.load(settings, bench.version).of(STATE, NOTES, bench.version) == Soft()
