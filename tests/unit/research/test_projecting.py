"""Learning of projectors: examples are the generator's prompts, and the vectors come to say what the reply needs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from research.projecting.dialogues import gold_state, stands, stated_replies
from research.projecting.passages import draw_questions
from research.projecting.trainer import ProjectorPlan, ProjectorTrainer, SoftSample
from services.models.soft_prompt import ProjectorConfig, SoftPrompt

DIALOGUE: dict[str, Any] = {
    "id": "d1",
    "turns": [
        {"speaker": "USER", "text": "a room please", "state": {"hotel_1": {"slots": {}}}},
        {"speaker": "SYSTEM", "text": "where?"},
        {
            "speaker": "USER",
            "text": "in the centre",
            "state": {"hotel_1": {"slots": {"star_rating": ["4", "four"], "area": ["centre"], "wifi": ["yes"]}}},
        },
        {"speaker": "SYSTEM", "text": "Yes, 14 rooms in the Centre."},
    ],
}


def test_replies_are_taken_with_what_the_model_would_know() -> None:
    (found,) = stated_replies(DIALOGUE, exchanges=1)
    assert found.earlier == (("a room please", "where?"),)
    assert found.state == "hotel 1: area = centre, star rating = 4, wifi = yes"
    assert found.items == ("hotel 1 area = centre", "hotel 1 star rating = 4", "hotel 1 wifi = yes")
    assert found.mentions == ("centre",), "4 is no word of 14, and yes says nothing"
    assert stated_replies(DIALOGUE, exchanges=0)[0].earlier == ()
    assert gold_state({"hotel": {"slots": {"area": []}}}) == {"services": {"hotel": {"slots": {}}}}


def test_values_stand_as_words() -> None:
    assert stands("San Jose", "It is in san jose.")
    assert not stands("4", "14 rooms")
    assert stands("4", "14 rooms, 4 free")
    assert not stands("", "anything")


@dataclass
class Tiny:
    """A random model small enough to learn with in a second."""

    model: Any

    @classmethod
    def make(cls) -> Tiny:
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=40, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=1, initializer_range=0.3,
        )  # fmt: skip
        return cls(LlamaForCausalLM(config).eval())


def examples(items: Sequence[torch.Tensor]) -> list[SoftSample]:
    """Two states, each with a reply of its own, after prompts of different lengths."""
    lengths = range(3, 11)
    return [
        SoftSample((1,) * length + (7,), (1,) * length, (items[length % 2],), (2, 3), (10 + length % 2,) * 3)
        for length in lengths
    ]


def test_a_projector_learns_what_the_reply_needs_and_the_model_stays() -> None:
    tiny = Tiny.make()
    before = {name: tensor.clone() for name, tensor in tiny.model.state_dict().items()}
    torch.manual_seed(1)
    projector = SoftPrompt(ProjectorConfig("state", 6, 32, inner=8, markers=1))
    trainer = ProjectorTrainer(
        projector, tiny.model, ProjectorPlan(steps=60, batch=4, learning_rate=2e-2, fitted_rate=1.0)
    )
    samples = examples([torch.randn(2, 6), torch.randn(2, 6)])
    none = trainer.measure(samples, text=False, vectors="none")
    heard: list[float] = []
    assert trainer.train(samples, lambda step, loss: heard.append(loss)) == 60
    own = trainer.measure(samples, text=False, vectors="own")
    assert own < none - 1
    assert trainer.measure(samples, text=False, vectors="other") > own + 1, "it is the vector that says which"
    assert all(torch.equal(tensor, before[name]) for name, tensor in tiny.model.state_dict().items())


def test_a_batch_does_not_change_a_sample() -> None:
    tiny = Tiny.make()
    torch.manual_seed(1)
    projector = SoftPrompt(ProjectorConfig("state", 6, 32, inner=8, markers=1)).eval()
    samples = examples([torch.randn(2, 6), torch.randn(3, 6)])
    alone = ProjectorTrainer(projector, tiny.model, ProjectorPlan(batch=1))
    together = ProjectorTrainer(projector, tiny.model, ProjectorPlan(batch=8))
    for text in (True, False):
        one = alone.measure(samples, text=text, vectors="own")
        assert abs(one - together.measure(samples, text=text, vectors="own")) < 1e-4


def test_questions_over_passages_are_answered_by_one_of_their_two_passages(tmp_path: Path) -> None:
    text = " ".join(f"Cells of kind {name} divide more slowly than all the others here." for name in ("A", "B", "C"))
    documents = [{"title": f"Study {n}", "text": text.replace("slowly", f"slowly by {n} hours")} for n in range(4)]
    with gzip.open(tmp_path / "scifact_corpus.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(one) + "\n" for one in documents)
    drawn = draw_questions(tmp_path, 40, seed=3)
    assert drawn == draw_questions(tmp_path, 40, seed=3) != draw_questions(tmp_path, 40, seed=4)
    sheets = [one for one in drawn if not one.question.startswith("Complete")]
    assert (len(drawn), len(sheets)) == (40, 20)
    assert all(len(one.items) == 2 for one in drawn)
    for one in drawn:
        said = one.answer.rpartition(" is ")[2].rstrip(".") if one in sheets else one.answer
        assert any(said in item for item in one.items)
