"""A head's file becomes part of a generator: revisions are fused by it, first drafts and other models never."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from services.common.constraints import Constraint
from services.generator.conditioning.feedback_fusion import FeedbackFusion, load_fusion
from services.generator.engine.backends.build import build_backend
from services.generator.settings import GeneratorSettings
from services.models.feedback_vectors import head_config
from services.models.fusion import FusionHead, write_head
from services.models.language_model import content_hash, iterate_weights
from tests.unit.generator.engine.test_backend_contract import Bench


@pytest.fixture
def bench(tiny_model: Path, cache_dir: Path) -> Bench:
    settings = GeneratorSettings(kernel="fp32", max_batch_size=4, cache_dir=cache_dir, model=str(tiny_model))
    return Bench(build_backend(settings), content_hash(tiny_model, cache_dir))


def loaded(bench: Bench, folder: Path, file: Path, base: str = "") -> FeedbackFusion | None:
    hidden = next(t.shape[1] for name, t in iterate_weights(folder) if name == "model.embed_tokens.weight")
    torch.manual_seed(1)
    head = FusionHead(head_config(hidden, base or bench.version, inner=8))
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    file.write_bytes(write_head(head))
    return load_fusion(file, folder, bench.version, bench.backend)


def test_what_was_said_of_a_draft_changes_the_next_one(bench: Bench, tiny_model: Path, tmp_path: Path) -> None:
    fusion = loaded(bench, tiny_model, tmp_path / "head.safetensors")
    assert fusion is not None

    def written(turn: dict[str, object], *constraints: Constraint) -> list[int]:
        row = bench.row("the cat and", "s")
        object.__setattr__(row.request, "fusion", fusion.of_turn(turn, constraints))
        return bench.alone(row, 10)

    first = {"round": 0, "drafts": [{}]}
    told = {"round": 1, "drafts": [{}, {"feedback": {"comment": 'mention "dog"'}}]}
    plain = bench.alone(bench.row("the cat and", "plain"), 10)
    assert written(first) == plain, "there was no feedback"
    assert written({"round": 1, "drafts": [{}, {}]}) == plain, "another draft was asked for without any"
    revised = written(told, Constraint("must_include", "dog"))
    assert revised != plain
    assert written(told, Constraint("must_include", "dog")) == revised


def test_a_head_for_another_model_is_left_aside(bench: Bench, tiny_model: Path, tmp_path: Path) -> None:
    assert loaded(bench, tiny_model, tmp_path / "head.safetensors", base="another") is None
    missing = tmp_path / "missing.safetensors"
    assert load_fusion(missing, tiny_model, bench.version, bench.backend) is None
    missing.write_bytes(b"nonsense")
    assert load_fusion(missing, tiny_model, bench.version, bench.backend) is None
