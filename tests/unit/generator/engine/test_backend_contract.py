"""What every backend must keep: answers that depend on the row alone, memory that never shows, nothing leaked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.generator.engine import DecodeSettings, DraftRequest, UnknownVersion
from services.generator.engine.backend import Backend
from services.generator.engine.backends.build import build_backend
from services.generator.engine.detokenizer import Detokenizer
from services.generator.engine.sequence import Sequence
from services.generator.settings import GeneratorSettings
from services.models.language_model import content_hash
from tests.unit.generator.conftest import Heard, native_here, save_tiny_model

Make = Callable[..., Backend]
KINDS = ["echo", "slots-fp32", "slots-bf16", "slots-int8", "slots-int4", "slots-qwen2", "slots-qwen3",
         "module-llama", "module-gpt2", "module-interactive_transformer"]  # fmt: skip


class Bench:
    """A backend, the name of its version, and rows by hand."""

    def __init__(self, backend: Backend, version: str) -> None:
        self.backend = backend
        self.version = version

    def row(self, text: str, session: str = "s", history: tuple[int, ...] = (), **settings: object) -> Sequence:
        codec = self.backend.codec
        tail = tuple(codec.encode(text))
        decode = DecodeSettings(**settings)  # type: ignore[arg-type]
        request = DraftRequest(session, "t", session, self.version, history, tail, decode)
        return Sequence(request, Heard(), Detokenizer(codec))

    def run(self, rows: list[Sequence], count: int, budget: int = 1000) -> list[list[int]]:
        """Admit, prefill and step the rows together until each has `count` ids or its end."""
        for row in rows:
            assert self.backend.admit(row)
        while waiting := [row for row in rows if not row.ready]:
            assert 0 < self.backend.prefill(waiting, budget) <= budget
        alive = list(rows)
        while alive:
            for row, ids in zip(list(alive), self.backend.step(alive), strict=True):
                ended = any(token in self.backend.codec.end_ids for token in ids)
                row.ids += [token for token in ids if token not in self.backend.codec.end_ids]
                if ended or len(row.generated) >= count:
                    alive.remove(row)
        return [row.generated[:count] for row in rows]

    def alone(self, row: Sequence, count: int, keep: bool = False, budget: int = 1000) -> list[int]:
        answer = self.run([row], count, budget)[0]
        self.backend.release(row, keep)
        return answer


@pytest.fixture(scope="module", params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bench:
    kind, _, variant = request.param.partition("-")
    folder = tmp_path_factory.mktemp("model")
    settings = GeneratorSettings(engine=kind, max_batch_size=8, cache_dir=cache_dir, model=str(folder), kv_cache_mb=1)
    if kind == "echo":
        return Bench(build_backend(settings), "v")
    architecture = variant if variant in ("qwen2", "qwen3", "gpt2", "interactive_transformer") else "llama"
    save_tiny_model(folder, architecture)
    settings.kernel = variant if variant.endswith(("fp32", "bf16", "int8", "int4")) else "fp32"  # type: ignore[assignment]
    backend = build_backend(settings)
    if kind == "slots" and not variant.startswith("torch") and native_here():
        assert getattr(backend, "kernel", "").startswith("native-"), "the native kernels were to be tested"
    return Bench(backend, content_hash(folder, settings.cache_dir))


def test_a_row_answers_the_same_alone_and_in_company(bench: Bench) -> None:
    if getattr(bench.backend, "kernel", "") == "bf16":
        pytest.skip("torch's bf16 products and attention round by the batch's size; the native kernels don't")
    texts = ["the cat", "a dog and a cat walk into a bar", "x", "the end of the world as we know it, maybe"]
    alone = [bench.alone(bench.row(text, f"alone{i}"), 12) for i, text in enumerate(texts)]
    rows = [bench.row(text, f"together{i}") for i, text in enumerate(texts)]
    together = bench.run(rows, 12)
    for row in rows:
        bench.backend.release(row, keep=False)
    assert together == alone


def test_chunks_of_the_prompt_change_nothing(bench: Bench) -> None:
    text = "the cat and the dog walk a long way home"
    whole = bench.alone(bench.row(text, "whole"), 8)
    if "echo" not in type(bench.backend).__name__.lower():
        assert bench.alone(bench.row(text, "pieces"), 8, budget=3) == whole


def test_memory_is_used_and_never_shows(bench: Bench) -> None:
    first = bench.row("the cat sat on a mat and", "memory")
    answer = bench.alone(first, 6, keep=True)
    history = (*first.ids[: first.prompt_length], *answer)
    second = bench.row(" then the dog", "memory", history)
    with_memory = bench.alone(second, 8)
    fresh = bench.row(" then the dog", "no memory", history)
    assert bench.alone(fresh, 8) == with_memory
    if "echo" not in type(bench.backend).__name__.lower():
        assert second.reused >= first.prompt_length - 1
    assert fresh.reused == 0


def test_memory_of_another_session_or_a_changed_history_is_not_used(bench: Bench) -> None:
    bench.alone(bench.row("the cat sat", "one"), 4, keep=True)
    other = bench.row("the cat sat", "two")
    bench.alone(other, 4)
    changed = bench.row("the dog sat", "one")
    bench.alone(changed, 4)
    assert other.reused == 0
    assert changed.reused <= len(bench.backend.codec.encode("the "))


def test_forgetting_a_session_drops_its_memory(bench: Bench) -> None:
    bench.alone(bench.row("the cat sat", "gone"), 4, keep=True)
    bench.backend.forget("t", "gone")
    again = bench.row("the cat sat", "gone")
    bench.alone(again, 4)
    assert again.reused == 0


def test_all_rows_come_back(bench: Bench) -> None:
    for _ in range(3):
        rows = [bench.row("a b", f"r{i}") for i in range(bench.backend.capacity)]
        for row in rows:
            assert bench.backend.admit(row)
        assert not bench.backend.admit(bench.row("too many", "late"))
        for row in rows:
            bench.backend.release(row, keep=False)


def test_sampling_repeats_with_its_seed_in_any_company(bench: Bench) -> None:
    if getattr(bench.backend, "kernel", "") == "bf16":
        pytest.skip("see above")

    def draw(session: str) -> Sequence:
        return bench.row("the cat", session, temperature=1.0, top_p=0.9, seed=7)

    alone = bench.alone(draw("a"), 10)
    rows = [bench.row("a dog", "b"), draw("c"), bench.row("x y z", "d", temperature=0.5, seed=1)]
    together = bench.run(rows, 10)
    for row in rows:
        bench.backend.release(row, keep=False)
    assert together[1] == alone


def test_a_forked_row_goes_on_as_the_row_it_came_from(bench: Bench) -> None:
    whole = bench.alone(bench.row("the cat and the dog", "whole"), 10)
    row = bench.row("the cat and the dog", "fork", max_new_tokens=99)
    assert bench.run([row], 4) == [whole[:4]]

    def another() -> Sequence:
        other = Sequence(replace(row.request, key=f"fork{len(rows)}"), row.listener, Detokenizer(bench.backend.codec))
        other.ids, other.prompt_length = list(row.ids), row.prompt_length
        return other

    rows = [row]
    while len(rows) < bench.backend.capacity:
        rows.append(another())
        assert bench.backend.fork(row, rows[-1])
        assert rows[-1].known == row.known
    assert not bench.backend.fork(row, another()), "all rows are taken"
    assert bench.backend.fork(row, rows[1]), "a row that has memory goes on in it"
    if len(whole) == 10:
        for _ in range(6):
            for one, ids in zip(rows, bench.backend.step(rows), strict=True):
                one.ids += ids
        assert all(one.generated[:10] == whole for one in rows)
    for one in rows:
        bench.backend.release(one, keep=False)


def test_an_unknown_version_is_refused(bench: Bench) -> None:
    if "echo" in type(bench.backend).__name__.lower():
        pytest.skip("echo serves any version")
    bench.version, known = "other", bench.version
    try:
        with pytest.raises(UnknownVersion):
            bench.backend.admit(bench.row("x"))
    finally:
        bench.version = known


@pytest.mark.parametrize("kernel", ["fp32", "torch-fp32"])
def test_greedy_is_the_modules_own_in_fp32(tiny_model: Path, cache_dir: Path, kernel: str) -> None:
    from tests.unit.generator.conftest import reference

    settings = GeneratorSettings(max_batch_size=8, cache_dir=cache_dir, model=str(tiny_model), kernel=kernel)  # type: ignore[arg-type]
    bench = Bench(build_backend(settings), content_hash(tiny_model, cache_dir))
    texts = ["the cat", "one two three four five", "a", "äöü 你好", "the dog and", "q" * 90]
    rows = [bench.row(text, f"s{i}") for i, text in enumerate(texts)]
    answers = bench.run(rows, 24)
    for row, answer in zip(rows, answers, strict=True):
        expected, gaps = reference(tiny_model, row.ids[: row.prompt_length], 24)
        for at, (mine, theirs) in enumerate(zip(answer, expected, strict=False)):
            if mine != theirs:
                assert gaps[at] < 1e-4
                break
        else:
            assert len(answer) == len(expected)


def test_a_reply_that_is_read_is_as_likely_as_when_it_was_written(bench: Bench) -> None:
    if "echo" in type(bench.backend).__name__.lower():
        pytest.skip("echo knows no likelihood")
    written = bench.row("the cat and the dog", "written", scored=True)
    reply = bench.alone(written, 9, keep=True)
    last = bench.row("the cat and the dog", "written", scored=True)  # the likelihood up to the last id alone
    bench.run([last], len(reply))
    bench.backend.release(last, keep=True)
    for session, budget in (("written", 1000), ("fresh", 1000), ("pieces", 3)):
        row = bench.row("the cat and the dog", session)
        request = replace(row.request, tail=(*row.request.tail, *reply), read=len(reply))
        other = bench.row("a bird in the bush", "beside")
        row = Sequence(request, Heard(), Detokenizer(bench.backend.codec))
        bench.run([row, other], 1, budget)
        bench.backend.release(row, keep=False)
        bench.backend.release(other, keep=False)
        assert row.log_likelihood == pytest.approx(last.log_likelihood, rel=0.02, abs=0.02)
