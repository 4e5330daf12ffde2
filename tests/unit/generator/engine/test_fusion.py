"""Fusion heads and soft tokens with random weights: the formula, the rows that carry them, and nobody else."""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from services.generator.engine import FusionInput, UnknownHead, soft_tokens
from services.generator.engine.backends.build import build_backend
from services.generator.engine.backends.fusion_heads import FusionHeads
from services.generator.engine.backends.slots import SlotBackend
from services.generator.engine.request import Follower
from services.generator.engine.sequence import Sequence
from services.generator.settings import GeneratorSettings
from services.models.fusion import FusionConfig, FusionHead, Source
from services.models.language_model import content_hash, load_module
from tests.unit.generator.engine.test_backend_contract import Bench

HIDDEN, INNER, SIZES = 64, 24, {"feedback": 8, "state": 5}


def random_head(seed: int) -> FusionHead:
    """A gated head whose weights are all drawn."""
    sources = tuple(Source(name, size, INNER) for name, size in SIZES.items())
    head = FusionHead(FusionConfig(HIDDEN, sources)).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for parameter in head.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    for part in head.sources.values():
        part.get_parameter("back.weight").mul_(2.0)
    return head


def vectors(seed: int, *names: str) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(SIZES[name], generator=generator) for name in names}


def with_fusion(row: Sequence, head: str, given: dict[str, Tensor]) -> Sequence:
    row.request = replace(row.request, fusion=FusionInput(head, given))
    return row


@pytest.fixture(scope="module", params=["slots fp32", "slots int4", "slots torch-fp32", "module fp32"])
def bench(request: pytest.FixtureRequest, tiny_model: Path, cache_dir: Path) -> Bench:
    engine, kernel = request.param.split()
    settings = GeneratorSettings(
        engine=engine, kernel=kernel, max_batch_size=12, cache_dir=cache_dir, model=str(tiny_model)
    )
    bench = Bench(build_backend(settings), content_hash(tiny_model, cache_dir))
    for seed in (1, 2):
        bench.backend.load_head(f"head{seed}", random_head(seed))
    return bench


def test_each_row_is_fused_by_its_own_head_and_vectors_and_others_by_none(bench: Bench) -> None:
    asked: list[tuple[str, dict[str, Tensor]]] = [
        ("", {}),
        ("head1", vectors(1, "feedback")),
        ("head1", vectors(2, "feedback", "state")),
        ("head2", vectors(2, "feedback", "state")),
        ("head2", {}),
        *(("head1", vectors(seed, "state")) for seed in range(3, 9)),
        ("", {}),
    ]

    def row(n: int, session: str) -> Sequence:
        made = bench.row("the cat and", session)
        head, given = asked[n]
        return with_fusion(made, head, given) if head else made

    alone = [bench.alone(row(n, f"alone{n}"), 10) for n in range(len(asked))]
    rows = [row(n, f"together{n}") for n in range(len(asked))]
    together = bench.run(rows, 10)
    for one in rows:
        bench.backend.release(one, keep=False)
    assert together == alone
    assert alone[0] == alone[4] == alone[-1], "a row without a source present is left as it was"
    assert len({tuple(ids) for ids in alone}) > 4, "the heads change nothing"


def test_vectors_that_follow_the_draft_are_made_anew_for_every_token_of_their_row(bench: Bench) -> None:
    heard: list[tuple[int, ...]] = []

    def follow() -> Follower:
        def vector(generated: abc.Sequence[int]) -> tuple[dict[str, Tensor], abc.Sequence[float]]:
            heard.append(tuple(generated))
            return (vectors(len(generated), "feedback") if len(generated) % 2 else {}), ()

        return vector

    def row(session: str) -> Sequence:
        made = bench.row("the cat and", session)
        made.request = replace(made.request, fusion=FusionInput("head1", follow=follow))
        return made

    alone = bench.alone(row("follows alone"), 6)
    assert [len(ids) for ids in heard] == list(range(6))
    assert all(alone[: len(ids)] == list(ids) for ids in heard)
    company = [row("follows"), with_fusion(bench.row("the cat and", "fixed"), "head1", vectors(1, "feedback"))]
    together = bench.run([*company, bench.row("the cat and", "plain")], 6)
    assert together[0] == alone
    assert together[2] == bench.alone(bench.row("the cat and", "plain alone"), 6)


def test_a_fused_draft_is_as_likely_as_the_model_finds_it_without_the_head(bench: Bench) -> None:
    if not isinstance(bench.backend, SlotBackend):
        pytest.skip("a module's output layer has the fused state alone")
    fused = with_fusion(bench.row("the cat and", "scored", scored=True), "head1", vectors(1, "feedback"))
    ids = bench.alone(fused, 6)
    assert ids != bench.alone(bench.row("the cat and", "unfused"), 6)

    def dictated(generated: abc.Sequence[int], logits: Tensor) -> Tensor:
        return torch.full_like(logits, float("-inf")).index_fill(0, torch.tensor(ids[len(generated)]), 0.0)

    told = bench.row("the cat and", "dictated", scored=True)
    told.request = replace(told.request, observers=(lambda: dictated,))
    assert bench.alone(told, 6) == ids
    assert fused.log_likelihood == pytest.approx(told.log_likelihood, rel=1e-4)


def test_the_memory_of_a_session_does_not_depend_on_fusion(bench: Bench) -> None:
    plain = bench.alone(bench.row("a dog and a cat", "memory"), 6, keep=True)
    fused = with_fusion(bench.row("a dog and a cat", "memory"), "head1", vectors(1, "feedback"))
    bench.alone(fused, 6, keep=True)
    again = bench.row("a dog and a cat", "memory")
    assert bench.alone(again, 6) == plain
    assert again.reused == again.prompt_length - 1


def test_a_head_that_is_not_loaded_is_refused_and_one_in_use_stays(bench: Bench) -> None:
    with pytest.raises(UnknownHead):
        bench.backend.admit(with_fusion(bench.row("x"), "no such head", vectors(1, "state")))
    bench.backend.load_head("short", random_head(5))
    row = with_fusion(bench.row("x"), "short", vectors(1, "state"))
    assert bench.backend.admit(row)
    assert not bench.backend.unload_head("short")
    bench.backend.release(row, keep=False)
    assert bench.backend.unload_head("short")
    with pytest.raises(UnknownHead):
        bench.backend.admit(with_fusion(bench.row("x"), "short", vectors(1, "state")))


def test_rows_without_a_source_keep_every_bit(bench: Bench) -> None:
    heads = FusionHeads()
    heads.load("head", random_head(1))
    rows = [with_fusion(bench.row("x", f"s{n}"), "head", vectors(1, "state") if n % 2 else {}) for n in range(11)]
    hidden = torch.randn(11, HIDDEN)
    assert heads.fuse(hidden, rows) is hidden
    for row in rows:
        heads.open(row)
    fused = heads.fuse(hidden, rows)
    for n in range(11):
        assert torch.equal(fused[n], hidden[n]) == (n % 2 == 0)
        assert torch.equal(fused[n], heads.fuse(hidden[n : n + 1], [rows[n]])[0]), "company changes a row"


def test_soft_tokens_stand_for_their_embeddings(bench: Bench, tiny_model: Path) -> None:
    ids = bench.backend.codec.encode("the dog")
    embedding = load_module(tiny_model).get_input_embeddings().weight.detach()

    def with_soft(session: str, table: Tensor) -> Sequence:
        soft, mapping = soft_tokens(bench.version, table[torch.tensor(ids)])
        row = bench.row("", session)
        tail = (*bench.backend.codec.encode("a cat and "), *soft, *bench.backend.codec.encode(" x"))
        request = replace(row.request, tail=tail, soft=mapping)
        return Sequence(request, row.listener, row.text)

    words = bench.row("", "words")
    tail = (*bench.backend.codec.encode("a cat and "), *ids, *bench.backend.codec.encode(" x"))
    plain = bench.alone(Sequence(replace(words.request, tail=tail), words.listener, words.text), 8)
    assert bench.alone(with_soft("soft", embedding), 8, keep=True) == plain
    again = with_soft("soft", embedding)
    bench.alone(again, 8, keep=True)
    assert again.reused == again.prompt_length - 1
    other = with_soft("soft", embedding + 0.5)
    assert bench.alone(other, 8) != plain
    assert other.reused == len(bench.backend.codec.encode("a cat and "))
