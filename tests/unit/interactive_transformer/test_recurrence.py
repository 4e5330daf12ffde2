"""Recurrence: segments with memory say what one pass over the whole text says, and no gradient crosses them."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import DynamicCache

from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
    SegmentMemory,
)
from services.models.interactive_transformer.positions import relative_shift, relative_sinusoids, sinusoids

LENGTH = 48


def make_model(**fields: object) -> InteractiveTransformerForCausalLM:
    torch.manual_seed(3)
    config = InteractiveTransformerConfig(
        **{
            "vocab_size": 70,
            "hidden_size": 32,
            "num_hidden_layers": 3,
            "memory_length": LENGTH,
            "initializer_range": 0.2,
            **fields,
        }
    )
    model = InteractiveTransformerForCausalLM(config)
    for name, parameter in model.named_parameters():
        if name.endswith(("content_bias", "distance_bias")):
            torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def make_text(rows: int = 2) -> Tensor:
    torch.manual_seed(4)
    return torch.randint(0, 70, (rows, LENGTH + 1))


def nll(logits: Tensor, text: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), text[:, 1 : logits.shape[1] + 1].flatten())


@pytest.mark.parametrize("keep", ["states", "projections"])
@pytest.mark.parametrize("form", ["residual", "literal"])
@pytest.mark.parametrize("segment", [1, 7, 16])
@torch.no_grad()
def test_with_memory_covering_all_text_the_loss_is_that_of_full_attention(keep: str, form: str, segment: int) -> None:
    model, text = make_model(layer_form=form), make_text()
    full = model(text[:, :-1], use_cache=False).logits
    memory = model.new_memory(keep)
    parts = [model(part, past_key_values=memory).logits for part in text[:, :-1].split(segment, 1)]
    torch.testing.assert_close(torch.cat(parts, 1), full, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(nll(torch.cat(parts, 1), text), nll(full, text), atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_short_memory_forgets_what_lies_before_it() -> None:
    """One layer, so that nothing can travel through the states of the tokens between."""
    model, text = make_model(num_hidden_layers=1, memory_length=8), make_text()
    changed = text.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 70
    last = []
    for words in (text, changed):
        memory = model.new_memory()
        last.append([model(part, past_key_values=memory).logits for part in words[:, :32].split(4, 1)])
    assert not torch.allclose(last[0][2], last[1][2])  # tokens 8..11 still see token 0
    torch.testing.assert_close(last[0][3], last[1][3])


@pytest.mark.parametrize("segment", [1, 5, 16, LENGTH])
@torch.no_grad()
def test_a_window_no_wider_than_the_memory_makes_results_independent_of_the_cutting(segment: int) -> None:
    model, text = make_model(memory_length=8, attention_window=9), make_text()
    full = model(text[:, :-1], use_cache=False).logits
    memory = model.new_memory()
    parts = [model(part, past_key_values=memory).logits for part in text[:, :-1].split(segment, 1)]
    torch.testing.assert_close(torch.cat(parts, 1), full, atol=1e-5, rtol=1e-5)


def test_no_gradient_flows_into_the_segments_before() -> None:
    model, text = make_model(), make_text()
    memory = model.new_memory("states")
    embedded = model.get_input_embeddings()(text[:, :32]).detach().requires_grad_()
    model(inputs_embeds=embedded[:, :16], past_key_values=memory)
    assert not any(layer.states.requires_grad for layer in memory.by_depth)
    nll(model(inputs_embeds=embedded[:, 16:], past_key_values=memory).logits, text[:, 16:]).backward()
    assert embedded.grad[:, :16].abs().max() == 0
    assert embedded.grad[:, 16:].abs().min(dim=-1).values.max() > 0


def test_projections_still_learn_from_the_memory_they_read() -> None:
    """SG is on the states, not on W_k and W_v of the present: the paper's form, kept by keep="states"."""
    model, text = make_model(num_hidden_layers=1), make_text()
    gradients = []
    for remembered in (text[:, :16], text[:, 16:32]):
        memory = model.new_memory("states")
        with torch.no_grad():
            model(remembered, past_key_values=memory)
        model.zero_grad()
        nll(model(text[:, 32:47], past_key_values=memory).logits, text[:, 32:]).backward()
        gradients.append(model.transformer.layers.unique[0].attention.key_value.weight.grad.clone())
    assert not torch.allclose(gradients[0], gradients[1])


@pytest.mark.parametrize("fields", [{}, {"num_unique_layers": 1}, {"layer_form": "literal"}])
@torch.no_grad()
def test_decoding_token_by_token_equals_the_full_forward(fields: dict[str, object]) -> None:
    model, text = make_model(**fields), make_text()
    full = model(text, use_cache=False).logits
    for cache in (model.new_memory(), DynamicCache()):
        steps = [model(token, past_key_values=cache).logits for token in text.split(1, 1)]
        torch.testing.assert_close(torch.cat(steps, 1), full, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_left_padding_changes_no_real_token() -> None:
    model, text = make_model(), make_text(1)
    padded = torch.cat([torch.zeros(1, 5, dtype=torch.long), text[:, :20]], 1)
    mask = torch.cat([torch.zeros(1, 5), torch.ones(1, 20)], 1)
    plain = model(text[:, :20]).logits
    torch.testing.assert_close(model(padded, attention_mask=mask).logits[:, 5:], plain, atol=1e-5, rtol=1e-5)
    memory = model.new_memory()
    model(padded[:, :12], attention_mask=mask[:, :12], past_key_values=memory)
    rest = model(padded[:, 12:], attention_mask=mask, past_key_values=memory).logits
    torch.testing.assert_close(rest, plain[:, 7:], atol=1e-5, rtol=1e-5)


def test_the_shift_of_appendix_b_lays_each_distance_at_its_key() -> None:
    torch.manual_seed(0)
    queries, keys, size = 5, 9, 8
    q = torch.randn(queries, size)
    shifted = relative_shift(q @ relative_sinusoids(keys, size, q.device).T)
    for i in range(queries):
        at = keys - queries + i
        for j in range(at + 1):
            expected = q[i] @ sinusoids(torch.tensor([at - j]), size)[0]
            torch.testing.assert_close(shifted[i, j], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_memory_takes_back_tokens_and_orders_rows() -> None:
    model, text = make_model(), make_text()
    memory = model.new_memory()
    model(text[:, :12], past_key_values=memory)
    memory.crop(-4)
    assert (memory.get_seq_length(), memory.held) == (8, 8)
    again = model(text[:, 8:12], past_key_values=memory).logits
    torch.testing.assert_close(again, model(text[:, :12]).logits[:, 8:], atol=1e-5, rtol=1e-5)
    memory.reorder_cache(torch.tensor([1, 0]))
    swapped = model(text[[1, 0], 12:14], past_key_values=memory).logits
    torch.testing.assert_close(swapped[0], model(text[:, :14]).logits[1, 12:], atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="cannot take back 100 of 14 tokens"):
        memory.crop(-100)


@torch.no_grad()
def test_a_memory_gives_back_only_what_leaves_the_rest_exact() -> None:
    text = make_text(1)
    tight = make_model(memory_length=8)
    memory = tight.new_memory()
    tight(text[:, :20], past_key_values=memory)
    with pytest.raises(ValueError, match="8 are held"):
        memory.crop(-4)
    windowed = make_model(memory_length=8, attention_window=9)
    memory = windowed.new_cache()
    memory.shorten(8 + 6)
    for part in text[:, :30].split(10, 1):
        windowed(part, past_key_values=memory)
    memory.crop(-6)
    rest = windowed(text[:, 24:40], past_key_values=memory).logits
    torch.testing.assert_close(rest, windowed(text[:, :40], use_cache=False).logits[:, 24:], atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="14 are held"):
        memory.crop(-7)


@torch.no_grad()
def test_memory_costs_as_much_as_it_keeps() -> None:
    model = make_model(memory_length=10)
    memory = model.new_memory()
    for part in make_text().split(7, 1):
        model(part, past_key_values=memory)
    assert memory.held == 10
    assert memory.bytes == 3 * 2 * 2 * 10 * 32 * 4  # layers, keys and values, rows, tokens, hidden, float32
    memory.shorten(4)
    assert (memory.held, memory.get_seq_length()) == (4, LENGTH + 1)
    memory.reset()
    assert (memory.held, memory.get_seq_length()) == (0, 0)


def test_memory_is_a_transformers_cache() -> None:
    from transformers.cache_utils import Cache

    assert issubclass(SegmentMemory, Cache)
