"""Edits made by rule keep what they promise, and a head learns from them what they have in common."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from research.fuse import gate
from services.common.constraints import check, verifiable
from services.finetune.fusing.corpus import human_comment, split
from services.finetune.fusing.dataset import Positions
from services.finetune.fusing.rules import KINDS, examples, make
from services.finetune.fusing.trainer import FusionPlan, FusionTrainer
from services.models.feedback_reader import ASPECTS, FLAGS, PLACE, Step
from services.models.feedback_vectors import FeedbackVectors, head_config
from services.models.fusion import FusionHead

PROMPT = "Why do rivers bend on their way to the sea?"
DRAFT = (
    "Rivers bend because water, which looks for the easiest path, wears away softer banks. Over many years the outer "
    "bank is eroded. Sand settles on the inner side. The bend grows until the river cuts through its neck."
)
OTHER = (
    "A river meanders since its current is never even. Fast water, on the outside of a curve, carries soil away. "
    "Slow water drops sediment on the inside. In the end an oxbow lake may remain. Valleys show these traces clearly."
)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "praise"])
def test_every_rule_makes_replies_that_obey_their_feedback(kind: str) -> None:
    chance = random.Random(kind)
    made = [one for _ in range(12) if (one := make(kind, PROMPT, DRAFT, OTHER, chance)) is not None]
    assert made
    for one in made:
        assert one.comment
        assert one.target != one.draft
        assert all(check(c, one.target) for c in one.constraints if verifiable(c)), (one.constraints, one.target)


def test_no_prompt_is_both_learned_and_held_out() -> None:
    made = [
        replace(one, prompt=f"prompt {number % 9}")
        for number, one in enumerate(examples([(PROMPT, DRAFT, OTHER)], 60, 1))
    ]
    learned, held = split(made, 0.3, 0)
    assert learned
    assert held
    assert not {one.prompt for one in learned} & {one.prompt for one in held}


def test_a_correction_is_never_part_of_what_people_said() -> None:
    record = {
        "reply": "It came out in 1991.",
        "feedback": {
            "errors": [{"error type": "Unverifiable", "explanation": "", "start": 15, "end": 19}],
            "missing-info": [{"explanation": "the month"}],
            "corrected-prediction": "It came out in May 1993.",
        },
    }
    assert human_comment(record) == 'Unverifiable: "1991". Missing information. the month'


def positions(count: int, seed: int) -> Positions:
    """The token after which an aspect is asked is another than without: only the vector tells which is right."""
    generator = torch.Generator().manual_seed(seed)
    asked = torch.randint(0, 2, (count,), generator=generator)
    plain = (0.0,) * (2 * len(ASPECTS) + PLACE)
    steps = [Step((), (0.0,) * FLAGS, (), (0.0,) * FLAGS, (float(one), *plain[1:])) for one in asked.tolist()]
    return Positions(
        torch.randn(count, 16, generator=generator).half(), 3 + asked, torch.ones(count, dtype=torch.bool), steps,
        torch.zeros(count, dtype=torch.long), torch.zeros(1, 16), ["lower"], [True],
    )  # fmt: skip


def test_a_head_learns_what_its_feedback_asks_and_not_with_anothers() -> None:
    torch.manual_seed(2)
    output = torch.randn(50, 16)
    head = FusionHead(head_config(16, "base", inner=16))
    trainer = FusionTrainer(
        head, FeedbackVectors(output), output, {}, FusionPlan(120, 64, 1e-2, sample=40, dropout=0.0)
    )
    assert trainer.train(positions(400, 0), lambda step, loss: None) == 120
    held = positions(200, 1)
    own, other, base = trainer.measure(held), trainer.measure(held, shuffled=True), trainer.measure(held, off=True)
    assert own.changed < 0.5 < min(other.changed, base.changed)


def test_the_gate_wants_a_head_to_hear_its_own_feedback_and_to_leave_the_rest() -> None:
    base = {"changed": 3.0, "unchanged": 1.0, "drift": 0.0}
    good = {"changed": 2.0, "unchanged": 1.0, "drift": 0.05}
    assert all(gate({"base": base, "head": good, "shuffled": base}).values())
    assert not all(gate({"base": base, "head": good, "shuffled": good}).values())
    assert not all(gate({"base": base, "head": {**good, "drift": 0.5}, "shuffled": base}).values())
