"""The generator serves a saved interactive transformer: memory carried between turns, feedback into its encoder."""

from pathlib import Path

import pytest
import torch

from research.pretraining.vocabulary import train_vocabulary
from services.generator.engine import DraftRequest
from services.generator.engine.backend import Backend
from services.generator.engine.backends.build import build_backend
from services.generator.engine.backends.module import ModuleBackend
from services.generator.engine.detokenizer import Detokenizer
from services.generator.engine.sequence import Sequence
from services.generator.settings import GeneratorSettings
from services.models.chat import chat_format
from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
    SegmentMemory,
)
from services.models.language_model import content_hash

WINDOW = 9


class Silent:
    """A listener that needs to hear nothing."""

    def on_delta(self, text: str, token_ids: list[int]) -> None: ...
    def on_progress(self) -> None: ...
    def on_finish(self, draft: object) -> None: ...
    def on_error(self, error: Exception) -> None: ...


class Served:
    """A saved model behind the backend that its settings choose."""

    def __init__(self, folder: Path) -> None:
        torch.manual_seed(2)
        tokenizer = train_vocabulary(["the keeper lit the lamp and wrote the hour down"] * 9, 300)
        end = tokenizer.convert_tokens_to_ids("<|end|>")
        config = InteractiveTransformerConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            memory_length=WINDOW - 1,
            attention_window=WINDOW,
            fusion="literal",
            initializer_range=0.4,
            eos_token_id=[tokenizer.eos_token_id, end],
        )
        self.model = InteractiveTransformerForCausalLM(config).eval()
        self.model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        settings = GeneratorSettings(model=str(folder), cache_dir=folder / "cache", kernel="fp32", max_batch_size=2)
        self.backend: Backend = build_backend(settings)
        self.version = content_hash(folder, settings.cache_dir)
        self.folder = folder

    def row(self, history: list[int], tail: list[int], session: str, feedback: tuple[int, ...] = ()) -> Sequence:
        request = DraftRequest("k", "t", session, self.version, tuple(history), tuple(tail), feedback=feedback)
        return Sequence(request, Silent(), Detokenizer(self.backend.codec))

    def reply(self, row: Sequence, count: int) -> list[int]:
        assert self.backend.admit(row)
        while not row.ready:
            self.backend.prefill([row], 4)
        while len(row.generated) < count:
            row.ids += self.backend.step([row])[0]
        self.backend.release(row, keep=True)
        return row.generated

    def reference(self, ids: list[int], count: int, **told: torch.Tensor) -> list[int]:
        """Greedy continuation by the model itself, nothing cached."""
        written: list[int] = []
        for _ in range(count):
            out = self.model(torch.tensor([ids + written]), use_cache=False, **told)
            written.append(int(out.logits[0, -1].argmax()))
        return written


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(tmp_path_factory.mktemp("model"))


def test_the_default_engine_falls_back_to_the_models_own_module(served: Served) -> None:
    assert isinstance(served.backend, ModuleBackend)
    assert served.backend.context_limit == 1024


def test_its_chat_format_is_read_off_the_saved_template(served: Served) -> None:
    form = chat_format(served.folder)
    assert (form.reply_open, form.next_open) == ("<|end|><|assistant|>", "<|end|><|user|>")
    end = served.backend.codec.encode("<|end|>")
    assert len(end) == 1
    assert end[0] in served.backend.codec.end_ids


def test_the_memory_of_one_turn_is_what_the_next_one_starts_from(served: Served) -> None:
    codec = served.backend.codec
    first = served.row([], codec.encode("<|user|>the keeper lit the lamp<|end|><|assistant|>"), "one")
    said = served.reply(first, 12)
    kept = served.backend._kept[("t", "one", served.version)].cache  # type: ignore[attr-defined]
    assert isinstance(kept, SegmentMemory)
    history = first.ids[: first.prompt_length] + said
    tail = codec.encode("<|end|><|user|>and wrote<|end|><|assistant|>")
    second = served.row(history, tail, "one")
    answer = served.reply(second, 12)
    assert second.reused >= len(history) - 1
    assert answer == served.reference(history + tail, 12)
    assert answer == served.reply(served.row(history, tail, "cold"), 12)


def test_a_changed_tail_is_taken_back_and_the_rest_stays(served: Served) -> None:
    codec = served.backend.codec
    history = codec.encode("<|user|>the lamp and the hour<|end|><|assistant|>wrote it down<|end|>")
    served.reply(served.row(history, codec.encode("<|user|>who<|end|><|assistant|>"), "two"), 6)
    tail = codec.encode("<|user|>where<|end|><|assistant|>")
    changed = served.row(history, tail, "two")
    assert served.reply(changed, 6) == served.reference(history + tail, 6)
    assert changed.reused >= len(history)


def test_feedback_reaches_the_models_own_encoder(served: Served) -> None:
    codec = served.backend.codec
    tail, feedback = codec.encode("<|user|>the keeper<|end|><|assistant|>"), tuple(codec.encode("the hour"))
    told = served.reply(served.row([], tail, "three", feedback), 10)
    assert told == served.reference(tail, 10, feedback_ids=torch.tensor([feedback]))
    assert told != served.reply(served.row([], tail, "four"), 10)
