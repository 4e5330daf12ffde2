"""Memory past the context limit: sinks and a window, block by block, against one pass with the banded mask."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from services.generator.engine.backends.build import build_backend
from services.generator.settings import GeneratorSettings
from services.models.language_model import content_hash, load_module
from services.models.llama.slots import Window
from tests.unit.generator.engine.test_backend_contract import Bench

TOKENS, LONGEST = 64, 400


def banded(window: Window, length: int) -> torch.Tensor:
    """The mask of one pass, written out: who sees whom, `[length, length]`."""
    seen = torch.zeros(length, length, dtype=torch.bool)
    for now in range(length):
        gone = 0
        while now + 1 - gone > window.limit:
            gone += window.block
        for before in range(now + 1):
            seen[now, before] = before < window.sinks or before >= window.sinks + gone
    return seen


@pytest.fixture(scope="module", params=["fp32", "torch-fp32", "int8"])
def bench(request: pytest.FixtureRequest, tiny_model: Path, cache_dir: Path) -> Bench:
    settings = GeneratorSettings(
        kernel=request.param, max_batch_size=4, cache_dir=cache_dir, model=str(tiny_model), context_limit=LONGEST,
        context_window=TOKENS,
    )  # fmt: skip
    return Bench(build_backend(settings), content_hash(tiny_model, cache_dir))


def prompt(length: int) -> tuple[int, ...]:
    return tuple((7 * n * n + 3 * n) % 250 for n in range(length))


def test_greedy_past_the_limit_is_the_banded_passes(bench: Bench, tiny_model: Path) -> None:
    if "int8" in getattr(bench.backend, "kernel", ""):
        pytest.skip("against fp32 only")
    rows = [bench.row("", f"s{length}", prompt(length)) for length in (30, 100, 250)]
    answers = bench.run(rows, 90, budget=37)
    for row in rows:
        bench.backend.release(row, keep=False)
    module = load_module(tiny_model)
    window = Window.of(TOKENS)
    for row, answer in zip(rows, answers, strict=True):
        ids = [*row.ids[: row.prompt_length], *answer]
        mask = torch.where(banded(window, len(ids)), 0.0, float("-inf"))[None, None]
        with torch.inference_mode():
            logits = module(torch.tensor([ids]), attention_mask=mask).logits[0]
        for at, token in enumerate(answer):
            best = logits[row.prompt_length - 1 + at].topk(2)
            if float(best.values[0] - best.values[1]) > 1e-3:
                assert token == int(best.indices[0]), f"token {at} after {row.prompt_length}"


def test_past_the_limit_memory_forks_and_rebuilds_never_show(bench: Bench) -> None:
    history = prompt(210)
    whole = bench.alone(bench.row("the cat", "fresh", history), 40)
    assert bench.alone(bench.row("the cat", "in pieces", history), 40, budget=5) == whole
    bench.alone(bench.row("", "session", history), 8, keep=True)
    again = bench.row("the cat", "session", history)
    assert bench.alone(again, 40, keep=True) == whole
    assert again.reused >= len(history) - 1, "a short reply is taken back"
    back = bench.row("the cat", "session", history[:120])
    expected = bench.alone(bench.row("the cat", "other", history[:120]), 40)
    assert bench.alone(back, 40, keep=True) == expected
    assert back.reused == 0, "what the earlier token sees is overwritten"
    rows = [bench.row("the cat", "session", history), bench.row("a dog", "company", prompt(90))]
    assert bench.run(rows, 40)[0] == whole
    for row in rows:
        bench.backend.release(row, keep=False)
