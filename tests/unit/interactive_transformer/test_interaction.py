"""Feedback, dialogue state and knowledge: what each may change, and that their absence changes nothing."""

from pathlib import Path

import pytest
import torch

from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
)
from services.models.interactive_transformer.model import fresh_feedback_path

IDS = torch.arange(2, 14).reshape(2, 6)
FEEDBACK = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])


def make_model(**fields: object) -> InteractiveTransformerForCausalLM:
    torch.manual_seed(5)
    config = InteractiveTransformerConfig(
        **{"vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 2, "initializer_range": 0.2, **fields}
    )
    return InteractiveTransformerForCausalLM(config).eval()


def open_the_gate(model: InteractiveTransformerForCausalLM) -> None:
    with torch.no_grad():
        torch.nn.init.normal_(model.fusion.gate.weight, std=0.3)


@pytest.mark.parametrize("encoder", ["mean", "contextual", "attended"])
def test_an_untrained_gate_and_absent_feedback_leave_every_bit_as_it_was(encoder: str) -> None:
    model = make_model(fusion="gated", feedback_encoder=encoder)
    without = model(IDS).logits
    assert torch.equal(model(IDS, FEEDBACK).logits, without)
    open_the_gate(model)
    mask = torch.tensor([[1, 1, 1, 1], [0, 0, 0, 0]])
    told = model(IDS, FEEDBACK, feedback_mask=mask).logits
    assert not torch.allclose(told[0], without[0])
    assert torch.equal(told[1], without[1])


def test_an_untrained_gate_can_learn() -> None:
    model = make_model(fusion="gated")
    model(IDS, FEEDBACK, labels=IDS).loss.backward()
    assert model.fusion.gate.weight.grad.abs().max() > 0


@pytest.mark.parametrize("fusion", ["literal", "general"])
@pytest.mark.parametrize("encoder", ["mean", "contextual", "attended"])
def test_before_any_training_what_was_mentioned_becomes_likelier(encoder: str, fusion: str) -> None:
    model = make_model(fusion=fusion, feedback_encoder=encoder)
    gained = model(IDS, FEEDBACK).logits.log_softmax(-1) - model(IDS).logits.log_softmax(-1)
    said = torch.stack([row[:, words].mean() for row, words in zip(gained, FEEDBACK, strict=True)])
    assert (said > gained.mean((1, 2)) + 0.1).all()


def test_a_new_feedback_path_leaves_a_saved_body_as_it_was(tmp_path: Path) -> None:
    saved = make_model(fusion="gated", feedback_encoder="attended")
    saved.save_pretrained(tmp_path)
    fresh = fresh_feedback_path(tmp_path, fusion="gated", feedback_encoder="mean").eval()
    assert torch.equal(fresh(IDS).logits, saved(IDS).logits)
    assert torch.equal(fresh(IDS, FEEDBACK).logits, saved(IDS).logits)
    assert fresh.lm_head.weight is fresh.get_input_embeddings().weight
    learned = fresh_feedback_path(tmp_path, fusion="literal", feedback_encoder="mean")
    scale = learned.feedback_encoder.linear.weight
    torch.testing.assert_close(scale, torch.eye(32) * 32**0.5)


@pytest.mark.parametrize("encoder", ["contextual", "attended"])
def test_contextual_encoders_hear_the_order_of_words_and_the_mean_does_not(encoder: str) -> None:
    turned = FEEDBACK.flip(1)
    mean = make_model(fusion="literal", feedback_encoder="mean")
    torch.testing.assert_close(mean(IDS, FEEDBACK).logits, mean(IDS, turned).logits)
    contextual = make_model(fusion="literal", feedback_encoder=encoder)
    assert not torch.allclose(contextual(IDS, FEEDBACK).logits, contextual(IDS, turned).logits)


@pytest.mark.parametrize("encoder", ["mean", "contextual", "attended"])
def test_padding_of_feedback_changes_nothing(encoder: str) -> None:
    model = make_model(fusion="literal", feedback_encoder=encoder)
    padded = torch.cat([FEEDBACK, torch.ones(2, 3, dtype=torch.long)], 1)
    mask = torch.cat([torch.ones(2, 4), torch.zeros(2, 3)], 1)
    told = model(IDS, padded, feedback_mask=mask).logits
    torch.testing.assert_close(told, model(IDS, FEEDBACK).logits, atol=1e-5, rtol=1e-5)


def test_the_attended_vector_changes_from_step_to_step() -> None:
    model = make_model(fusion="gated", feedback_encoder="attended")
    hidden = torch.randn(2, 6, 32)
    states = model.feedback_encoder.states(model.get_input_embeddings()(FEEDBACK), torch.ones_like(FEEDBACK))
    untrained = model.feedback_encoder(hidden, states, torch.ones_like(FEEDBACK))
    torch.testing.assert_close(untrained, states.mean(1, keepdim=True).expand(2, 6, 32))
    with torch.no_grad():
        torch.nn.init.normal_(model.feedback_encoder.query.weight, std=0.3)
    vector = model.feedback_encoder(hidden, states, torch.ones_like(FEEDBACK))
    assert vector.shape == (2, 6, 32)
    assert not torch.allclose(vector[:, 0], vector[:, 1])


def test_a_state_vector_reaches_every_token_and_zero_is_no_state() -> None:
    model = make_model(state_size=3)
    without = model(IDS).logits
    assert torch.equal(model(IDS, state=torch.zeros(2, 3)).logits, without)
    told = model(IDS, state=torch.tensor([[1.0, 0, 0], [0, 0, 0]])).logits
    assert (told[0] - without[0]).abs().min(dim=-1).values.max() > 0
    assert torch.equal(told[1], without[1])


def test_the_state_vector_is_concatenated_to_the_embedding() -> None:
    """W [e ; s] with W = [I | W_s] is what the input layer computes."""
    model = make_model(state_size=3)
    inputs, state = model.transformer.inputs, torch.randn(2, 3)
    embedded = inputs.tokens(IDS)
    joined = torch.cat([embedded, state[:, None].expand(-1, 6, -1)], -1)
    weight = torch.cat([torch.eye(32), inputs.state.weight], 1)
    torch.testing.assert_close(inputs(embedded, torch.arange(6)[None], state), joined @ weight.T)


def test_knowledge_vectors_are_fused_once_trained_and_masked_rows_keep_none() -> None:
    model = make_model(knowledge_size=5)
    knowledge = torch.randn(2, 3, 5)
    without = model(IDS).logits
    assert torch.equal(model(IDS, knowledge=knowledge).logits, without)
    with torch.no_grad():
        torch.nn.init.normal_(model.transformer.inputs.knowledge_output.weight, std=0.3)
    mask = torch.tensor([[1, 1, 0], [0, 0, 0]])
    told = model(IDS, knowledge=knowledge, knowledge_mask=mask).logits
    assert not torch.allclose(told[0], without[0])
    assert torch.equal(told[1], without[1])
    other = knowledge.clone()
    other[0, 2] += 1
    assert torch.equal(model(IDS, knowledge=other, knowledge_mask=mask).logits, told)


@pytest.mark.parametrize(
    ("fields", "given", "reason"),
    [
        ({"fusion": "none"}, {"feedback_ids": FEEDBACK}, "takes no feedback"),
        ({}, {"state": torch.zeros(2, 3)}, "no dialogue-state vector"),
        ({}, {"knowledge": torch.zeros(2, 1, 3)}, "no knowledge vectors"),
    ],
)
def test_what_the_model_cannot_use_is_refused_not_ignored(
    fields: dict[str, object], given: dict[str, torch.Tensor], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        make_model(**fields)(IDS, **given)


def test_shared_layers_save_parameters_and_keep_the_depth() -> None:
    full, shared = make_model(num_hidden_layers=4), make_model(num_hidden_layers=4, num_unique_layers=1)
    assert shared.num_parameters() < full.num_parameters() / 2
    assert len(shared.new_memory().by_depth) == 4
    assert not torch.allclose(shared(IDS).logits, make_model(num_hidden_layers=1)(IDS).logits)
