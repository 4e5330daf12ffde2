"""Several model versions in one batch: each row as its own version alone, and as its merged weights would answer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from services.generator.engine.backends.build import build_backend
from services.generator.engine.backends.slots import SlotBackend
from services.generator.settings import GeneratorSettings
from services.models.adapter import Adapter
from services.models.language_model import content_hash, load_module
from tests.unit.generator.conftest import native_here
from tests.unit.generator.engine.test_backend_contract import Bench


def _adapter(folder: Path, backend: SlotBackend, version: str, seed: int, names: tuple[str, ...]) -> Adapter:
    module = load_module(folder)
    generator = torch.Generator().manual_seed(seed)
    pairs = {}
    for layer in range(backend.shape.layers):
        for name in names:
            block = "self_attn" if name in ("q_proj", "k_proj", "v_proj", "o_proj") else "mlp"
            outputs, inputs = module.get_submodule(f"model.layers.{layer}.{block}.{name}").weight.shape
            a = torch.randn(4, int(inputs), generator=generator) * 0.2
            pairs[(layer, name)] = (a, torch.randn(int(outputs), 4, generator=generator) * 0.2)
    return Adapter(version, 4, pairs)


ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.mark.parametrize("kernel", ["fp32", "int4", "torch-fp32"])
def test_rows_of_several_versions_answer_as_alone_and_as_merged(tiny_model: Path, cache_dir: Path, kernel: str) -> None:
    settings = GeneratorSettings(max_batch_size=8, cache_dir=cache_dir, model=str(tiny_model), kernel=kernel)  # type: ignore[arg-type]
    backend = build_backend(settings)
    assert isinstance(backend, SlotBackend)
    if native_here() and not kernel.startswith("torch"):
        assert backend.kernel == f"native-{kernel}"
    base = content_hash(tiny_model, cache_dir)
    adapters = {
        "all": _adapter(tiny_model, backend, base, 1, ALL),
        "some": _adapter(tiny_model, backend, base, 2, ("k_proj", "up_proj")),
    }
    for name, adapter in adapters.items():
        backend.load_version(name, backend.prepare_version(adapter))
    bench = Bench(backend, base)
    alone = {}
    for version in (base, *adapters):
        bench.version = version
        alone[version] = bench.alone(bench.row("the cat and the dog", f"alone {version}"), 16)
    assert len({tuple(ids) for ids in alone.values()}) == 3, "the adapters change nothing"
    rows = []
    for n, version in enumerate(["some", base, "all", "some", "all", base]):
        bench.version = version
        rows.append(bench.row("the cat and the dog", f"together {n}"))
    answers = bench.run(rows, 16)
    assert not backend.unload_version("all"), "rows are open on it"
    for row, answer in zip(rows, answers, strict=True):
        assert answer == alone[row.request.version]
        backend.release(row, keep=True)
    if kernel != "int4":
        for name, adapter in adapters.items():
            module = load_module(tiny_model)
            adapter.merge_into(module)
            ids = rows[0].ids[: rows[0].prompt_length]
            with torch.inference_mode():
                for token in alone[name]:
                    best = module(torch.tensor([ids])).logits[0, -1].topk(2)
                    if float(best.values[0] - best.values[1]) > 1e-3:
                        assert token == int(best.indices[0])
                    ids = [*ids, token]
    assert backend.unload_version("all")
    assert backend.figures()["sessions_remembered"] == 4
