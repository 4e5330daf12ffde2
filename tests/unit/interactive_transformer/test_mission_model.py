"""The mission's model, word for word, against a plain second writing of it."""

import math

import pytest
import torch
from torch import Tensor

from services.models.interactive_transformer import (
    InteractiveTransformer,
    InteractiveTransformerForCausalLM,
)


def written_out(model: InteractiveTransformer, input_ids: Tensor, feedback_ids: Tensor, fusion: str) -> Tensor:
    """The mission's forward pass from the model's weights, one row at a time, without its modules."""
    w = dict(model.named_parameters())
    size, heads = model.config.hidden_size, model.config.num_attention_heads
    rows = []
    for ids, feedback in zip(input_ids, feedback_ids, strict=True):
        h = w["transformer.inputs.tokens.weight"][ids]
        place = torch.arange(len(ids))[:, None] / 10000 ** (torch.arange(0, size, 2) / size)
        h = h + torch.cat([place.sin(), place.cos()], 1)
        for depth in range(model.config.num_hidden_layers):
            name = f"transformer.layers.unique.{depth}."
            q = h @ w[name + "attention.query.weight"].T
            k, v = (h @ w[name + "attention.key_value.weight"].T).split(size, 1)
            mixed = []
            for head in range(heads):
                part = slice(head * size // heads, (head + 1) * size // heads)
                scores = q[:, part] @ k[:, part].T / math.sqrt(size // heads)
                scores = scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -math.inf)
                mixed.append(scores.softmax(1) @ v[:, part])
            a = h + torch.cat(mixed, 1) @ w[name + "attention.output.weight"].T
            a = torch.layer_norm(a, [size], w[name + "attention_norm.weight"], w[name + "attention_norm.bias"], 1e-5)
            inner = torch.nn.functional.gelu(
                a @ w[name + "feed_forward.inner.weight"].T + w[name + "feed_forward.inner.bias"]
            )
            inner = inner @ w[name + "feed_forward.outer.weight"].T + w[name + "feed_forward.outer.bias"]
            h = torch.layer_norm(a + inner, [size], w[name + "output_norm.weight"], w[name + "output_norm.bias"], 1e-5)
        mean = w["transformer.inputs.tokens.weight"][feedback].mean(0)
        vector = w["feedback_encoder.linear.weight"] @ mean + w["feedback_encoder.linear.bias"]
        if fusion == "literal":
            h = torch.tanh(h + vector)
        else:
            h = h @ w["fusion.state.weight"].T + w["fusion.state.bias"]
            h = torch.tanh(h + w["fusion.feedback.weight"] @ vector)
        rows.append(h @ w["lm_head.weight"].T)
    return torch.stack(rows)


@pytest.fixture
def texts() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randint(0, 60, (3, 17)), torch.randint(0, 60, (3, 6))


@pytest.mark.parametrize("fusion", ["literal", "general"])
def test_it_computes_the_missions_formulas(fusion: str, texts: tuple[Tensor, Tensor]) -> None:
    model = InteractiveTransformer(60, 32, 2, 4, 20, fusion=fusion, initializer_range=0.3).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        logits = model(*texts).logits
        assert logits.shape == (3, 17, 60)
        torch.testing.assert_close(logits, written_out(model, *texts, fusion), atol=1e-5, rtol=1e-5)


def test_feedback_changes_what_is_said_and_its_absence_is_the_zero_vector(texts: tuple[Tensor, Tensor]) -> None:
    ids, feedback = texts
    model = InteractiveTransformer(60, 32, 2, 4, 20).eval()
    with torch.no_grad():
        without = model(ids).logits
        assert not torch.allclose(model(ids, feedback).logits, without)
        nothing = model(ids, feedback, feedback_mask=torch.zeros_like(feedback)).logits
        torch.testing.assert_close(nothing, without)


def test_text_longer_than_max_len_is_refused() -> None:
    model = InteractiveTransformer(60, 32, 1, 4, 8)
    with pytest.raises(ValueError, match="past the model's 8 positions"):
        model(torch.zeros(1, 9, dtype=torch.long))


def test_it_is_saved_and_loaded_in_the_general_form(tmp_path, texts) -> None:  # type: ignore[no-untyped-def]
    model = InteractiveTransformer(60, 32, 2, 4, 20).eval()
    model.save_pretrained(tmp_path)
    loaded = InteractiveTransformer.from_pretrained(tmp_path).eval()
    assert type(loaded) is InteractiveTransformerForCausalLM
    torch.testing.assert_close(loaded(*texts).logits, model(*texts).logits)
    assert [file.suffix for file in tmp_path.iterdir() if "model" in file.name] == [".safetensors"]
