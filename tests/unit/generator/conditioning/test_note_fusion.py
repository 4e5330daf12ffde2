"""A head for notes becomes part of a generator: drafts on notes are fused by it, others and other models never."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from services.generator.conditioning.note_fusion import KnowledgeFusion
from services.generator.engine.backends.build import build_backend
from services.generator.engine.sequence import Sequence
from services.generator.settings import GeneratorSettings
from services.models.fusion import write_head
from services.models.fusion_serving import ServedHead, TorchKernels
from services.models.language_model import content_hash, iterate_weights
from services.models.note_states import note_head
from tests.unit.generator.engine.test_backend_contract import Bench


@pytest.fixture
def bench(tiny_model: Path, cache_dir: Path) -> Bench:
    settings = GeneratorSettings(kernel="fp32", rows=4, cache_dir=cache_dir, model=str(tiny_model))
    return Bench(build_backend(settings), content_hash(tiny_model, cache_dir))


def loaded(bench: Bench, folder: Path, file: Path, base: str = "") -> KnowledgeFusion | None:
    hidden = next(t.shape[1] for name, t in iterate_weights(folder) if name == "model.embed_tokens.weight")
    torch.manual_seed(1)
    head = note_head(hidden, base or bench.version, inner=8)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    file.write_bytes(write_head(head))
    return KnowledgeFusion.load(file, folder, bench.version, bench.backend)


def test_a_draft_differs_by_its_notes_and_is_the_plain_one_without_any(
    bench: Bench,
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    fusion = loaded(bench, tiny_model, tmp_path / "head.safetensors")
    assert fusion is not None

    def written(*lines: str) -> list[int]:
        row = bench.row("the cat and", "s")
        object.__setattr__(row.request, "fusion", fusion.of(lines))
        return bench.alone(row, 10)

    plain = bench.alone(bench.row("the cat and", "plain"), 10)
    assert written() == plain
    noted = written("the dog ran home", "the cat sat on it")
    assert noted != plain
    assert written("the dog ran home", "the cat sat on it") == noted


def test_a_head_for_another_model_or_no_head_is_left_aside(
    bench: Bench,
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    assert loaded(bench, tiny_model, tmp_path / "head.safetensors", base="another") is None
    missing = tmp_path / "missing.safetensors"
    assert KnowledgeFusion.load(missing, tiny_model, bench.version, bench.backend) is None
    missing.write_bytes(b"nonsense")
    assert KnowledgeFusion.load(missing, tiny_model, bench.version, bench.backend) is None


def test_a_draft_on_notes_does_not_depend_on_its_company_and_is_what_training_saw(
    bench: Bench,
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    fusion = loaded(bench, tiny_model, tmp_path / "head.safetensors")
    assert fusion is not None
    texts = [("the dog ran home", "the cat sat on it"), ("a bird sang in the tree",), ("the sea is deep", "so it was")]

    def row(at: int) -> Sequence:
        made = bench.row("the cat and" + " then" * at, f"s{at}")
        object.__setattr__(made.request, "fusion", fusion.of(texts[at]))
        return made

    alone = [bench.alone(row(at), 8) for at in range(3)]
    assert bench.run([row(at) for at in range(3)], 8) == alone

    head = fusion._head
    served = ServedHead(head, TorchKernels(32))
    states = torch.randn(2, head.config.hidden_size)
    asked = [fusion.of(one) for one in texts[:2]]
    notes = torch.stack([torch.as_tensor(one.vectors["knowledge"]) for one in asked if one is not None])
    told, marks = (torch.stack([part] * 2) for part in served.nothing())
    marks[:, 0] = 1.0
    fused = served.fuse(states, served.attended(states, list(notes)), told, marks)
    trained = head.fuse(states, {"knowledge": notes}, {"knowledge": torch.ones(2, dtype=torch.bool)})
    assert torch.allclose(fused, trained, atol=1e-5)
