"""Low-rank training on a tiny model: it learns, resumes exactly, and its version holds what was trained."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from services.finetune.training.judging import greedy_replies, mean_loss
from services.finetune.training.lora import LoraSettings, LoraTrainer
from services.finetune.training.loss import Sample, answer_hits, answer_loss
from services.finetune.training.rounds import RoundsTrainer
from services.models.adapter import BadVersion, adapter_of, read_adapter, version_id, write_adapter
from services.models.language_model import load_module
from tests.support.tiny_model import make_tiny_model

SETTINGS = LoraSettings(rank=4, alpha=8, learning_rate=2e-2, batch_size=2, max_steps=16, seed=3)
SAMPLES = [Sample((11, 12, 13 + i), (21 + i, 31 + i, 2)) for i in range(4)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny"), Path.home() / ".cache" / "antiphon")


def _train(tiny: Path, stop_at: int = 0) -> LoraTrainer:
    trainer = LoraTrainer(load_module(tiny), SAMPLES, SETTINGS)
    trainer.run(lambda step, loss: step != stop_at)
    return trainer


def test_the_loss_of_what_was_trained_falls(tiny: Path) -> None:
    before = mean_loss(load_module(tiny), SAMPLES)
    assert mean_loss(_train(tiny).model, SAMPLES) < before - 0.5


def test_a_resumed_run_ends_as_one_that_was_never_broken(tiny: Path) -> None:
    whole = _train(tiny)
    broken = _train(tiny, stop_at=5)
    resumed = LoraTrainer(load_module(tiny), SAMPLES, SETTINGS)
    resumed.resume(broken.checkpoint())
    assert resumed.step == 5
    assert resumed.run(lambda step, loss: True)
    one, other = (write_adapter(adapter_of(one.model, "base")) for one in (whole, resumed))
    assert version_id(one) == version_id(other)


def test_rounds_end_when_all_is_said_right_and_leave_out_what_is_learned(tiny: Path) -> None:
    settings = replace(SETTINGS, max_steps=0, epochs=40, batch_size=2)
    trainer = RoundsTrainer(load_module(tiny), SAMPLES, settings)
    assert trainer.run(lambda step, loss: True)
    assert all(answer_hits(trainer.model, SAMPLES))
    assert 0 < trainer.step < trainer.total_steps
    said = greedy_replies(trainer.model, [sample.prompt for sample in SAMPLES], [2], tokens=8)
    assert said == [list(sample.answer[:-1]) for sample in SAMPLES]


def test_greedy_decoding_says_what_the_forced_pass_promises(tiny: Path) -> None:
    trainer = RoundsTrainer(load_module(tiny), SAMPLES, replace(SETTINGS, max_steps=9, epochs=40))
    trainer.run(lambda step, loss: True)
    hits = answer_hits(trainer.model, SAMPLES)
    said = greedy_replies(trainer.model, [sample.prompt for sample in SAMPLES], [2], tokens=3)
    assert hits == [reply == list(sample.answer[:-1]) for reply, sample in zip(said, SAMPLES, strict=True)]


def test_rounds_that_were_broken_end_as_those_that_were_not(tiny: Path) -> None:
    settings = replace(SETTINGS, max_steps=0, epochs=6)
    whole, broken = (RoundsTrainer(load_module(tiny), SAMPLES, settings) for _ in range(2))
    whole.run(lambda step, loss: True)
    broken.run(lambda step, loss: step != 5)
    resumed = RoundsTrainer(load_module(tiny), SAMPLES, settings)
    resumed.resume(broken.checkpoint())
    assert resumed.run(lambda step, loss: True)
    first, second = (write_adapter(adapter_of(trainer.model, "base")) for trainer in (whole, resumed))
    assert version_id(first) == version_id(second)


def test_what_an_earlier_version_learned_is_not_trained_again(tiny: Path) -> None:
    settings = replace(SETTINGS, max_steps=0, epochs=40)
    first = RoundsTrainer(load_module(tiny), SAMPLES, settings)
    first.run(lambda step, loss: True)
    second = RoundsTrainer(load_module(tiny), SAMPLES, settings, start=adapter_of(first.model, "base"))
    assert second.run(lambda step, loss: True)
    assert second.step == 0
    assert all(answer_hits(second.model, SAMPLES))


def test_a_version_computes_what_the_trained_model_computes(tiny: Path) -> None:
    trained = _train(tiny)
    adapter = read_adapter(write_adapter(adapter_of(trained.model, "base")), "base")
    merged = load_module(tiny)
    with torch.no_grad():
        for (layer, projection), (a, b) in adapter.pairs.items():
            block = merged.model.layers[layer]
            part = block.self_attn if hasattr(block.self_attn, projection) else block.mlp
            getattr(part, projection).weight += b @ a
    ids = torch.tensor([[11, 12, 13, 21]])
    with torch.no_grad():
        assert torch.allclose(merged(ids).logits, trained.model(input_ids=ids).logits, atol=1e-4)


def test_a_version_of_another_base_model_is_refused(tiny: Path) -> None:
    weights = write_adapter(adapter_of(_train(tiny, stop_at=1).model, "base"))
    with pytest.raises(BadVersion, match="stands on base model"):
        read_adapter(weights, "other")
    with pytest.raises(BadVersion):
        read_adapter(b"\x80\x04 not safetensors", "base")


def test_greedy_replies_do_not_depend_on_their_company(tiny: Path) -> None:
    model = load_module(tiny)
    prompts = [(5, 6, 7), (8, 9, 10, 11, 12, 13), (14,)]
    together = greedy_replies(model, prompts, [2], tokens=8)
    alone = [greedy_replies(model, [prompt], [2], tokens=8)[0] for prompt in prompts]
    assert together == alone


def test_an_opening_that_is_read_once_changes_neither_loss_nor_gradient(tiny: Path) -> None:
    trainer = _train(tiny, stop_at=1)  # one step, so that the pairs are not zero
    batch = [Sample((11, 12, 13, 14 + i, *range(40, 40 + i)), (21 + i, 31 + i, 2)) for i in range(3)]

    def gradients(losses: list[torch.Tensor]) -> list[torch.Tensor]:
        trainer.model.zero_grad()
        sum(losses, torch.zeros(())).backward()
        return [p.grad.clone() for p in trainer.model.parameters() if p.grad is not None]

    together, tokens = answer_loss(trainer.model, batch)
    alone = [answer_loss(trainer.model, [one])[0] for one in batch]  # a row alone shares nothing
    assert tokens == 9
    assert torch.allclose(together, torch.stack(alone).sum(), rtol=1e-5)
    for one, other in zip(gradients([together]), gradients(alone), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
