"""Several model versions in one batch: each row is computed by its own version, and none by another's."""

from pathlib import Path

import pytest
import torch

from services.generator.engine.backends.build import build_backend
from services.generator.engine.errors import UnknownVersion
from services.generator.settings import GeneratorSettings
from services.models.adapter import Adapter
from services.models.language_model import content_hash, load_module
from tests.unit.generator.engine.test_backend_contract import Bench


def _adapter(base: str, seed: int) -> Adapter:
    """Random pairs, large enough to change every reply."""
    random = torch.Generator().manual_seed(seed)
    sizes = {"q_proj": (128, 64), "v_proj": (64, 64), "down_proj": (64, 128), "gate_proj": (128, 64)}
    pairs = {
        (layer, name): (torch.randn(4, columns, generator=random), torch.randn(rows, 4, generator=random) * 0.3)
        for layer in range(2)
        for name, (rows, columns) in sizes.items()
    }
    return Adapter(base, 4, pairs)


def _expected(folder: Path, adapter: Adapter | None, ids: list[int], count: int) -> list[int]:
    module = load_module(folder)
    if adapter is not None:
        adapter.merge_into(module)
    made = module.generate(torch.tensor([ids]), max_new_tokens=count, do_sample=False)  # type: ignore[operator]
    reply: list[int] = made[0, len(ids) :].tolist()
    return reply


@pytest.mark.parametrize(("engine", "kernel"), [("slots", "fp32"), ("slots", "torch-fp32"), ("module", "fp32")])
def test_rows_of_three_versions_in_one_batch(tiny_model: Path, cache_dir: Path, engine: str, kernel: str) -> None:
    settings = GeneratorSettings(
        engine=engine,  # type: ignore[arg-type]
        max_batch_size=8,
        cache_dir=cache_dir,
        model=str(tiny_model),
        kernel=kernel,  # type: ignore[arg-type]
    )
    base = content_hash(tiny_model, cache_dir)
    bench = Bench(build_backend(settings), base)
    adapters: dict[str, Adapter | None] = {base: None, "one": _adapter(base, 1), "two": _adapter(base, 2)}
    for version, adapter in adapters.items():
        if adapter is not None:
            bench.backend.load_version(version, bench.backend.prepare_version(adapter))
    rows = []
    for at, version in enumerate(["one", base, "two", "one", base]):
        bench.version = version
        rows.append(bench.row("the cat and the dog " * (at + 1), f"s{at}"))
    answers = bench.run(rows, 10)
    end_ids = bench.backend.codec.end_ids
    for row, answer in zip(rows, answers, strict=True):
        expected = _expected(tiny_model, adapters[row.request.version], row.ids[: row.prompt_length], 10)
        cut = next((at for at, token in enumerate(expected) if token in end_ids), len(expected))
        assert answer[:cut] == expected[:cut], row.request.version
    assert not bench.backend.unload_version("one")  # its rows are open
    for row in rows:
        bench.backend.release(row, keep=True)
    assert bench.backend.unload_version("one")
    bench.version = "one"
    with pytest.raises(UnknownVersion):
        bench.backend.admit(bench.row("the cat", "late"))


def test_a_version_that_fits_no_weight_is_refused(tiny_model: Path, cache_dir: Path) -> None:
    settings = GeneratorSettings(max_batch_size=2, cache_dir=cache_dir, model=str(tiny_model), kernel="fp32")
    backend = build_backend(settings)
    wrong = Adapter("base", 1, {(9, "q_proj"): (torch.zeros(1, 64), torch.zeros(128, 1))})
    with pytest.raises(ValueError, match="layer 9"):
        backend.prepare_version(wrong)
