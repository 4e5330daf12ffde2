"""What every engine of drafts must keep, whoever computes: our own engine, the echo, a scripted server, llama.cpp's."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy.local.llama_server import LlamaServer
from services.generator.engine import (
    DecodeSettings,
    DraftEngine,
    DraftRequest,
    DuplicateKey,
    Engine,
    EngineClosed,
    EngineLacks,
    PromptTooLong,
)  # fmt: skip
from services.generator.engine.backends.build import build_backend
from services.generator.engine.backends.codec import TokenizerCodec
from services.generator.engine.upstream.engine import UpstreamEngine
from services.generator.engine.upstream.probe import probe
from services.generator.settings import GeneratorSettings
from services.models.chat import CHATML
from services.models.language_model import BUNDLED, content_hash, find_model, load_module
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import wait_until
from tests.unit.generator.conftest import Heard

CAPITAL = "What is the capital of France?"
LETTERS = "Repeat: naïve café 👩\u200d👧 图书馆 😀!"
STORY = "Write a long story about a cat and a dog who travel around the world, with many chapters."


@dataclass
class Bench:
    """An engine, the version that it serves, and who computes."""

    engine: DraftEngine
    version: str
    kind: str
    folder: Path | None = None
    server: LlamaServer | None = None
    scripted: ScriptedUpstream | None = None

    @property
    def computes(self) -> bool:
        return self.kind in ("own", "llama.cpp")

    def long(self, key: str) -> Heard:
        """A draft that is far from its end when its first words are heard."""
        if self.scripted is not None:
            self.scripted.go_on.clear()  # set by the story before
            self.scripted.script = ["stall"]
        heard = self.ask(STORY, key, max_new_tokens=400)
        heard.wait_for_deltas(1, 120)
        return heard

    def ask(self, text: str, key: str = "d", **settings: object) -> Heard:
        heard = Heard()
        self.engine.submit(self.request(text, key, **settings), heard)
        return heard

    def request(self, text: str, key: str = "d", **settings: object) -> DraftRequest:
        codec = self.engine.codec
        head = (*codec.encode(CHATML.head_open), *codec.encode("Be brief."), *codec.encode(CHATML.head_close))
        tail = (*CHATML.encode_text(codec, text), *codec.encode(CHATML.reply_open))
        decode = DecodeSettings(**{"max_new_tokens": 24, **settings})  # type: ignore[arg-type]
        return DraftRequest(key, "t", f"session of {key}", self.version, head, tail, decode)

    def busy(self) -> int:
        """Replies that the server writes at the moment; where there is none, drafts that are open."""
        if self.server is None:
            return self.engine.stats().rows
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.server.url}/metrics", headers=_key(self.server)), timeout=60
        ) as answer:
            found = re.search(r"^llamacpp:requests_processing (\d+)", answer.read().decode(), re.M)
        assert found is not None
        return int(found[1])


def _key(server: LlamaServer) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.key_file.read_text().strip()}"}


def over_llama(server: LlamaServer) -> UpstreamEngine:
    key = server.key_file.read_text().strip()
    return UpstreamEngine([probe(server.url, "", key, 120.0)], key=key, capacity=2)


@pytest.fixture(scope="module", params=["own", "echo", "scripted", "llama.cpp"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def bench(kind: str, request: pytest.FixtureRequest, tiny_model: Path, cache_dir: Path) -> Iterator[Bench]:
    if kind == "llama.cpp":
        server: LlamaServer = request.getfixturevalue("llama_server")
        bench = Bench(over_llama(server), "v", kind, server=server)
    elif kind == "scripted":
        scripted = ScriptedUpstream()
        bench = Bench(UpstreamEngine([probe(scripted.url, "", "", 60.0)]), "v", kind, scripted=scripted)
    elif kind == "echo":
        bench = Bench(
            Engine(build_backend(GeneratorSettings(engine="echo", echo_step_ms=5, max_batch_size=2))), "v", kind
        )
    else:
        settings = GeneratorSettings(kernel="torch-fp32", max_batch_size=2, cache_dir=cache_dir, model=str(tiny_model))
        version = content_hash(tiny_model, cache_dir)
        bench = Bench(Engine(build_backend(settings)), version, kind, tiny_model)
    yield bench
    bench.engine.close(drain=False)
    if bench.scripted is not None:
        bench.scripted.close()
    wait_until(lambda: bench.busy() == 0, 60, "the server writes on though nobody listens")


def test_deltas_make_up_the_text_of_whole_code_points(bench: Bench) -> None:
    drafts = [bench.ask(text, text) for text in (CAPITAL, LETTERS)]
    for heard in drafts:
        draft = heard.wait(120)
        assert heard.text == draft.text
        assert draft.text.encode("utf-8").decode("utf-8") == draft.text
        assert all(delta for delta, _ in heard.deltas)
        assert draft.usage.completion > 0
        assert 0 <= draft.usage.reused <= draft.usage.prompt
        assert "<|im_" not in draft.text


def test_a_stop_string_across_tokens_ends_the_text_before_it(bench: Bench) -> None:
    whole = bench.ask(CAPITAL).wait(120).text
    stop = whole[6:11]
    draft = bench.ask(CAPITAL, stop=("never said", stop)).wait(120)
    assert draft.text == whole[: whole.index(stop)]
    assert draft.finish_reason == "stop"


def test_a_seed_repeats_a_draw_and_others_draw_otherwise(bench: Bench) -> None:
    def draw(seed: int) -> str:
        return bench.ask(CAPITAL, temperature=1.0, seed=seed, max_new_tokens=12).wait(120).text

    drawn = [draw(seed) for seed in (5, 6, 7, 5)]
    assert drawn[3] == drawn[0]
    assert len(set(drawn)) > 1 or not bench.computes


def test_a_draft_ends_at_its_length_and_counts_what_it_took(bench: Bench) -> None:
    if not bench.computes:
        pytest.skip("it repeats words")
    first, second = (bench.ask(STORY, max_new_tokens=6, scored=True).wait(120) for _ in range(2))
    assert first.finish_reason == second.finish_reason == "length"
    assert first.usage.completion == second.usage.completion == 6
    assert first.usage.prompt == second.usage.prompt > 20
    assert first.log_likelihood < 0
    if bench.server is not None:  # its prefix cache works by itself
        assert second.usage.reused >= second.usage.prompt - 2


def test_a_cancelled_draft_frees_its_slot(bench: Bench) -> None:
    drafts = {key: bench.long(key) for key in ("one", "two")}
    with pytest.raises(DuplicateKey):
        bench.ask("again", "one")
    waiting = bench.ask(CAPITAL, "three", max_new_tokens=4)
    for key, heard in drafts.items():
        assert bench.engine.cancel(key)
        draft = heard.wait()
        assert (draft.finish_reason, draft.text) == ("cancelled", heard.text)
        assert not bench.engine.cancel(key)
    if bench.scripted is not None:
        bench.scripted.script = ["answer"]
        bench.scripted.go_on.set()
    assert waiting.wait(120).text
    wait_until(lambda: bench.busy() == 0, 60, "a slot is still taken")
    assert bench.engine.stats().cancelled >= 2


def test_what_cannot_be_written_is_refused_before_it_is_begun(bench: Bench) -> None:
    if bench.kind != "echo":
        with pytest.raises(PromptTooLong):
            bench.ask("word " * 9000).wait(120)
    if bench.server is not None:  # within the limit by our count, beyond it by the server's own tokens
        with pytest.raises(PromptTooLong):
            bench.ask("图书馆" * 300).wait(120)
    if bench.kind not in ("own", "echo"):
        heard = Heard()
        bench.engine.submit(replace(bench.request(CAPITAL), read=2), heard)
        with pytest.raises(EngineLacks):
            heard.wait()
    assert not bench.engine.cancel("nobody")
    with pytest.raises(ValueError, match="empty"):
        bench.engine.submit(DraftRequest("e", "t", "s", bench.version, (), ()), Heard())


def test_likelihoods_are_those_of_transformers(bench: Bench) -> None:
    if not bench.computes:
        pytest.skip("it repeats words")
    import torch

    folder = bench.folder or find_model(BUNDLED, GeneratorSettings().cache_dir)
    codec = TokenizerCodec(folder)
    draft = bench.ask(CAPITAL, max_new_tokens=6, scored=True).wait(120)
    reply = list(draft.token_ids) if bench.folder else codec.encode(draft.text)
    prompt = codec.encode(f"{CHATML.head_open}Be brief.{CHATML.head_close}{CAPITAL}{CHATML.reply_open}")
    with torch.inference_mode():
        logits = load_module(folder)(torch.tensor([prompt + reply])).logits[0, len(prompt) - 1 : -1]
        told = logits.log_softmax(-1).gather(1, torch.tensor(reply)[:, None]).sum()
    assert len(reply) == draft.usage.completion == 6
    assert draft.log_likelihood == pytest.approx(float(told), abs=0.02 * len(reply))


def test_a_closed_engine_ends_what_is_open_and_takes_nothing(bench: Bench) -> None:
    heard = bench.long("last")
    assert not bench.engine.close(drain=False)
    assert heard.wait().finish_reason == "cancelled"
    with pytest.raises(EngineClosed):
        bench.ask("anything")
