"""Listeners and small models for the engine's tests."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from services.common.settings import CommonSettings
from services.generator.engine import DecodeSettings, DraftRequest, Engine, FinishedDraft
from tests.unit.generator.by_hand import ByHand


class Heard:
    """A listener that keeps what it heard and lets a test wait for the end."""

    def __init__(self) -> None:
        self.deltas: list[tuple[str, list[int]]] = []
        self.progress = 0
        self.draft: FinishedDraft | None = None
        self.error: Exception | None = None
        self.done = threading.Event()
        self.advanced = threading.Condition()

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        with self.advanced:
            self.deltas.append((text, token_ids))
            self.advanced.notify_all()

    def on_progress(self) -> None:
        with self.advanced:
            self.progress += 1
            self.advanced.notify_all()

    def on_finish(self, draft: FinishedDraft) -> None:
        self.draft = draft
        self.done.set()

    def on_error(self, error: Exception) -> None:
        self.error = error
        self.done.set()

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.deltas)

    def wait(self, seconds: float = 60.0) -> FinishedDraft:
        assert self.done.wait(seconds), "the draft did not end"
        if self.error is not None:
            raise self.error
        assert self.draft is not None
        return self.draft

    def wait_for_deltas(self, count: int, seconds: float = 60.0) -> None:
        with self.advanced:
            assert self.advanced.wait_for(lambda: len(self.deltas) >= count, seconds)


def ask(engine: Engine, key: str, text: str, tenant: str = "t", session: str = "", **settings: object) -> Heard:
    """Submit a user message to an engine without history."""
    heard = Heard()
    tail = engine.codec.encode(f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n")
    request = DraftRequest(
        key,
        tenant,
        session or key,
        "v",
        (),
        tuple(tail),
        DecodeSettings(**settings),  # type: ignore[arg-type]
    )
    engine.submit(request, heard)
    return heard


@pytest.fixture
def echo_engine() -> Iterator[Engine]:
    from services.generator.engine.backends.echo import EchoBackend

    engine = Engine(EchoBackend(capacity=2))
    yield engine
    engine.close(drain=False)


ALPHABET_SIZE = 256


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests of a run, beside each other or not; the kernels in it are those of this user's services,
    whose name has the hash of their sources: they are compiled once."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kernels = CommonSettings().cache_dir / "native"
    kernels.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        (folder / "native").symlink_to(kernels)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of two layers with a byte-level tokenizer, in Hugging Face layout."""
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_model(folder)
    return folder


def save_tiny_model(folder: Path, architecture: str = "llama", seed: int = 0) -> None:
    """Write a random model of `architecture` (llama, qwen2, qwen3, gpt2, …) and its tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import AutoConfig, AutoModelForCausalLM

    import services.models.interactive_transformer  # noqa: F401  tells the Auto classes of it

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: n for n, letter in enumerate(letters)}
    merges = [("t", "h"), ("Ġ", "a"), ("c", "a"), ("ca", "t"), ("Ġ", "cat"), ("d", "o"), ("do", "g")]
    for left, right in merges:
        vocabulary[left + right] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    torch.manual_seed(seed)
    names = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 512} if architecture == "gpt2" else {
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "intermediate_size": 128, "head_dim": 32, "max_position_embeddings": 512, "initializer_range": 0.3,
    }  # fmt: skip
    if architecture == "interactive_transformer":
        names |= {"memory_length": 8, "attention_window": 9}
    end = tokenizer.token_to_id("<|im_end|>")
    config = AutoConfig.for_model(
        architecture, vocab_size=size, bos_token_id=0, eos_token_id=end, pad_token_id=end, **names
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.save_pretrained(folder)


def reference(folder: Path, ids: list[int], count: int) -> tuple[list[int], list[float]]:
    """Greedy continuation by the model's own module without a cache, and each step's gap between the two best."""
    import torch

    from services.models.language_model import end_ids, load_module

    module = load_module(folder)
    ids = list(ids)
    start = len(ids)
    gaps: list[float] = []
    with torch.inference_mode():
        for _ in range(count):
            best = module(torch.tensor([ids])).logits[0, -1].topk(2)
            gaps.append(float(best.values[0] - best.values[1]))
            token = int(best.indices[0])
            if token in end_ids(folder):
                break
            ids.append(token)
    return ids[start:], gaps


def native_here() -> bool:
    """Whether this machine has what the native kernels need: the instructions and a compiler."""
    import shutil

    from services.models.llama.native.library import missing_instructions

    return not missing_instructions() and shutil.which("g++") is not None


@pytest.fixture
def engine() -> ByHand:
    return ByHand()
