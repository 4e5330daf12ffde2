"""A head as it is served gives what it gives in training, to each row alone or in company."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from services.models.fusion import FusionConfig, FusionHead, Mode, Source
from services.models.fusion_serving import Kernels, ServedHead, TorchKernels
from services.models.language_model import iterate_weights, load_config
from services.models.llama.native.forward import NativeLlama
from services.models.llama.shape import LlamaShape
from services.models.llama.weights import LlamaWeights
from tests.unit.generator.conftest import native_here, save_tiny_model

HIDDEN = 96


@pytest.fixture(scope="module", params=["torch", "native"])
def kernels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Kernels:
    if request.param == "torch":
        return TorchKernels(32)
    if not native_here():
        pytest.skip("no native kernels here")
    folder = tmp_path_factory.mktemp("model")
    save_tiny_model(folder, "llama")
    weights = LlamaWeights.gather(LlamaShape.of(load_config(folder)), iterate_weights(folder))
    return NativeLlama(weights, "int4", 64, cache_dir)


def drawn_head(mode: Mode) -> FusionHead:
    sources = (Source("feedback", 21, HIDDEN), Source("state", 5, 24))
    torch.manual_seed(3)
    head = FusionHead(FusionConfig(HIDDEN, sources if mode == "gated" else sources[:1], mode))
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    head.late = {"feedback": 7}
    return head.eval().requires_grad_(False)


def kept(served: ServedHead, given: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    told = served.nothing()
    for at, name in enumerate(served.names):
        if name in given:
            served.keep(at, served.come_to(at, [given[name]])[0], *told)
    return told


def fused(served: ServedHead, hidden: Tensor, rows: list[dict[str, Tensor]]) -> Tensor:
    told, marks = (torch.stack(parts) for parts in zip(*(kept(served, one) for one in rows), strict=True))
    return served.fuse(hidden, torch.tensor([served.late_of(one) for one in rows]), told, marks)


@pytest.mark.parametrize("mode", ["gated", "literal"])
def test_serving_and_training_give_the_same_and_company_changes_no_bit(mode: Mode, kernels: Kernels) -> None:
    head = drawn_head(mode)
    served = ServedHead(head, kernels)
    names = [source.name for source in head.config.sources]
    rows = 41
    hidden = torch.randn(rows, HIDDEN)
    vectors = {one.name: torch.randn(rows, one.size) for one in head.config.sources}
    present = {name: torch.rand(rows) < 0.6 for name in names}
    given = [{name: vectors[name][row] for name in names if present[name][row]} for row in range(rows)]
    found = fused(served, hidden, given)
    assert torch.allclose(found, head.fuse(hidden, vectors, present), atol=2e-5)
    for row in (0, 7, 31, 32, 40):
        assert torch.equal(fused(served, hidden[row : row + 1], given[row : row + 1])[0], found[row])
        if not given[row]:
            assert torch.equal(found[row], hidden[row])
