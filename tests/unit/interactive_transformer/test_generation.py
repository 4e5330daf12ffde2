"""Other people's tools take the model as they take any: Auto classes, generate, beams, peft."""

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from services.models.interactive_transformer import (
    InteractiveTransformer,
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
)


def make_model(**fields: object) -> InteractiveTransformerForCausalLM:
    torch.manual_seed(1)
    config = InteractiveTransformerConfig(
        **{"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "initializer_range": 0.3, **fields}
    )
    return InteractiveTransformerForCausalLM(config).eval()


PROMPT = torch.arange(3, 13)[None]


def test_the_auto_classes_know_it(tmp_path: Path) -> None:
    model = make_model(fusion="general", state_size=4)
    model.save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).fusion == "general"
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert isinstance(loaded, InteractiveTransformerForCausalLM)
    torch.testing.assert_close(loaded.eval()(PROMPT).logits, model(PROMPT).logits)


def test_generation_with_memory_equals_generation_without_any_cache() -> None:
    model = make_model()
    fast = model.generate(PROMPT, max_new_tokens=30, do_sample=False)
    slow = model.generate(PROMPT, max_new_tokens=30, do_sample=False, use_cache=False)
    static = model.generate(PROMPT, max_new_tokens=30, do_sample=False, cache_implementation="static")
    assert fast.tolist() == slow.tolist() == static.tolist()


def test_the_missions_model_generates_without_a_memory() -> None:
    model = InteractiveTransformer(50, 32, 2, 4, 64).eval()
    fast = model.generate(PROMPT, max_new_tokens=20, do_sample=False)
    slow = model.generate(PROMPT, max_new_tokens=20, do_sample=False, use_cache=False)
    assert fast.tolist() == slow.tolist()


def test_generation_listens_to_feedback_also_in_beams() -> None:
    model = make_model(fusion="literal")
    feedback = torch.tensor([[7, 8, 9]])
    plain = model.generate(PROMPT, max_new_tokens=12, do_sample=False)
    told = model.generate(PROMPT, max_new_tokens=12, do_sample=False, feedback_ids=feedback)
    beams = model.generate(PROMPT, max_new_tokens=12, do_sample=False, feedback_ids=feedback, num_beams=3)
    assert plain.tolist() != told.tolist()
    assert beams.shape == told.shape


def test_a_memory_carried_between_turns_saves_reading_them_again() -> None:
    model = make_model(memory_length=64)
    memory = model.new_memory()
    first = model.generate(PROMPT, max_new_tokens=6, do_sample=False, past_key_values=memory)
    both = torch.cat([first, PROMPT], 1)
    second = model.generate(both, max_new_tokens=6, do_sample=False, past_key_values=memory)
    assert second.tolist() == model.generate(both, max_new_tokens=6, do_sample=False).tolist()


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # in peft
def test_peft_trains_adapters_on_it() -> None:
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(r=2, target_modules=["query", "key_value"], task_type="CAUSAL_LM")
    adapted = get_peft_model(make_model(), lora)
    loss = adapted(PROMPT, labels=PROMPT).loss
    loss.backward()
    named = {name: p for name, p in adapted.named_parameters() if p.requires_grad}
    assert named
    assert all("lora" in name for name in named)
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in named.values())


def test_the_loss_is_the_mean_over_the_labels_given() -> None:
    model = make_model()
    labels = PROMPT.clone()
    labels[:, :5] = -100
    logits = model(PROMPT).logits[:, 4:-1]
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), PROMPT[:, 5:].flatten())
    torch.testing.assert_close(model(PROMPT, labels=labels).loss, expected)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"hidden_size": 30}, "no multiple"),
        ({"num_unique_layers": 3}, "num_unique_layers"),
        ({"memory_length": -1}, "negative"),
    ],
)
def test_what_cannot_be_built_is_refused(fields: dict[str, int], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        make_model(**fields)
