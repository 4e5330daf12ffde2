"""The dialogue state as soft tokens: they change the reply, and leave no trace in the memory or without a state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from services.common.state import state_text
from services.finetune.training.texts import Texts
from services.generator.conditioning.state_vectors import StateVectors, load_state_vectors
from services.generator.engine.backends.build import build_backend
from services.generator.prompt.builder import PromptBuilder
from services.generator.settings import GeneratorSettings
from services.models.chat import CHATML, chat_format
from services.models.language_model import content_hash
from services.models.sentence_encoder import SentenceEncoder
from services.models.soft_prompt import ProjectorConfig, SoftPrompt, write_projector
from tests.unit.generator.engine.test_backend_contract import Bench


@pytest.fixture
def bench(tiny_model: Path, cache_dir: Path) -> Bench:
    settings = GeneratorSettings(kernel="fp32", max_batch_size=4, cache_dir=cache_dir, model=str(tiny_model))
    return Bench(build_backend(settings), content_hash(tiny_model, cache_dir))


def loaded(bench: Bench, file: Path, base: str = "") -> StateVectors | None:
    torch.manual_seed(1)
    config = ProjectorConfig("state", 384, 64, base_version=base or bench.version, encoder=SentenceEncoder.load().name)
    projector = SoftPrompt(config)
    projector.scale.data.fill_(1.0)
    file.write_bytes(write_projector(projector))
    return load_state_vectors(file, bench.version)


def turn(**slots: str) -> dict[str, Any]:
    filled = {slot: {"value": value} for slot, value in slots.items()}
    return {
        "_id": "t",
        "n": 1,
        "round": 0,
        "text": "the cat",
        "drafts": [{"id": "d", "round": 0}],
        "state": {"services": {"hotel": {"slots": filled}}},
    }


class Served:
    """The step's way from a turn to a reply."""

    def __init__(self, bench: Bench, vectors: StateVectors | None, *, text: bool) -> None:
        self.bench, self.vectors, self.text = bench, vectors, text
        self.prompts = PromptBuilder(bench.backend.codec, CHATML, 512, "be kind")

    def reply(self, one: dict[str, Any]) -> list[int]:
        ids, soft = self.vectors.of(one["state"], self.bench.version) if self.vectors else ((), {})
        prompt = self.prompts.build(one, [], reply_tokens=10, soft=ids, with_state=self.text or not ids)
        assert not any(token < 0 for token in self.prompts.continued(prompt, one, [1])), "memory holds no soft token"
        row = self.bench.row("", "s")
        for name, value in (("history", prompt.history), ("tail", prompt.tail), ("soft", soft)):
            object.__setattr__(row.request, name, value)
        row = type(row)(row.request, row.listener, row.text)
        return self.bench.alone(row, 10, keep=True)


@pytest.mark.parametrize("text", [True, False])
def test_the_state_changes_the_reply_and_nothing_else_does(bench: Bench, tmp_path: Path, text: bool) -> None:
    vectors = loaded(bench, tmp_path / "state.safetensors")
    assert vectors is not None
    plain, served = Served(bench, None, text=text), Served(bench, vectors, text=text)
    empty = turn()
    without = plain.reply(empty)
    replies = {area: served.reply(turn(area=area)) for area in ("centre", "north")}
    assert replies["centre"] != replies["north"]
    assert replies["centre"] != plain.reply(turn(area="centre"))
    assert served.reply(turn(area="centre")) == replies["centre"], "another attempt writes the same"
    assert served.reply(empty) == without, "no state, no vectors, the plain model's reply bit for bit"


def test_a_projector_for_another_model_is_left_aside(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    assert loaded(bench, file, base="another") is None
    file.write_bytes(b"nonsense")
    assert load_state_vectors(file, bench.version) is None
    assert load_state_vectors(tmp_path / "missing", bench.version) is None


def test_examples_are_learned_in_the_generators_own_prompts(bench: Bench, tiny_model: Path, tmp_path: Path) -> None:
    texts = Texts(str(tiny_model), tmp_path, "be kind")
    prompts = PromptBuilder(bench.backend.codec, chat_format(tiny_model), 512, "be kind")
    draft = {"id": "x", "round": 0, "status": "completed", "text": "the dog"}
    earlier = [{"n": 1, "text": "a cat", "drafts": [draft]}]
    one = turn(area="centre", stars="4")
    for text in (state_text(one["state"]), ""):
        before, opening = texts.stated([("a cat", "the dog")], one["text"], text)
        prompt = prompts.build(one, earlier, reply_tokens=10, soft=(-5,), with_state=bool(text))
        assert prompt.history + prompt.tail == (*before, -5, *opening)
