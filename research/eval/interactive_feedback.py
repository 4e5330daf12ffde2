"""Does the reply become likelier given its own feedback? Arms, scores per token, controls, bootstrap intervals."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from research.pretrain import human_triples, made_triples, training_passages
from research.pretraining.comments import commented_dialogues
from research.pretraining.corpus import read_turns
from research.pretraining.tasks import TripleTask, reply_logits
from research.pretraining.trainer import FEEDBACK_PATH, TrainingPlan, train
from research.pretraining.triples import Triple, encode_triples
from services.models.interactive_transformer import InteractiveTransformerForCausalLM
from services.models.interactive_transformer.config import FeedbackEncoderKind, Fusion
from services.models.interactive_transformer.model import fresh_feedback_path

LIMIT = 64  # tokens of context, feedback and reply, each, in training; half as many more when judged
ROWS = 16
MADE = 8000  # triples by rules from dialogues; half as many from prose
HELD_DIALOGUE_TRIPLES = 400


@dataclass(frozen=True)
class FeedbackArm:
    """How feedback reaches the model."""

    name: str
    fusion: Fusion
    encoder: FeedbackEncoderKind = "mean"

    @property
    def slug(self) -> str:
        """A folder name."""
        return f"feedback-{self.fusion}-{self.encoder}"


FEEDBACK_ARMS = [
    FeedbackArm("gated, mean", "gated"),
    FeedbackArm("general tanh(Wh + Wv + b), mean", "general"),
    FeedbackArm("literal tanh(h + v), mean", "literal"),
    FeedbackArm("gated, contextual", "gated", "contextual"),
    FeedbackArm("gated, attended", "gated", "attended"),
]


def feedback_folder(arm: FeedbackArm, options: argparse.Namespace) -> Path:
    """Where a feedback arm of this call is kept."""
    return Path(options.out) / f"{arm.slug}-{options.feedback_steps}-seed{options.seed}"


def feedback_model(arm: FeedbackArm, tokenizer: Any, options: argparse.Namespace) -> InteractiveTransformerForCausalLM:
    """The body with this arm's fusion, which alone is trained on the training triples; kept for later calls."""
    folder = feedback_folder(arm, options)
    if (folder / "model.safetensors").exists():
        return InteractiveTransformerForCausalLM.from_pretrained(folder).eval()
    torch.manual_seed(options.seed)
    model = fresh_feedback_path(options.body, fusion=arm.fusion, feedback_encoder=arm.encoder)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(FEEDBACK_PATH))
    human, _ = human_triples(options.data)
    dialogues = [turns for path in options.dialogues for turns in read_turns(path)]
    triples = human * 4 + made_triples(training_passages(options.data), [], MADE // 2, options.seed)
    triples += made_triples([], dialogues, MADE, options.seed)
    withhold = 0.0 if arm.fusion == "gated" else 0.2  # a gate leaves rows without feedback as they are
    task = TripleTask(tokenizer, triples, [], ROWS, LIMIT, withhold=withhold, seed=options.seed)
    plan = TrainingPlan(options.feedback_steps, learning_rate=options.feedback_rate, warmup=20)
    start = time.process_time()
    train(model, task, plan, folder)
    seconds = round(time.process_time() - start, 1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "arm.json").write_text(json.dumps({"steps": options.feedback_steps, "seconds": seconds}) + "\n")
    return model.eval()


def held_triples(options: argparse.Namespace) -> dict[str, list[Triple]]:
    """What is judged on: people's edits not trained on, and comments by rules on every second held-out
    dialogue (the others are for choosing)."""
    held = {"people's edits": human_triples(options.data)[1]}
    dialogues = [turns for path in options.held_dialogues for turns in read_turns(path)]
    if dialogues:
        held["dialogues"] = commented_dialogues(dialogues[1::2], HELD_DIALOGUE_TRIPLES, options.seed)
    return held


def feedback_record(
    arm: FeedbackArm, triples: Sequence[Triple], tokenizer: Any, options: argparse.Namespace
) -> dict[str, Any]:
    """One arm's held-out scores with true, shuffled and no feedback, and the paired differences."""
    model = feedback_model(arm, tokenizer, options)
    given = {
        "true": [triple.feedback for triple in triples],
        "shuffled": shuffled(triples, options.seed),
        "none": [""] * len(triples),
    }
    limit = LIMIT * 3 // 2
    scores = {name: score_replies(model, tokenizer, triples, said, limit) for name, said in given.items()}
    record: dict[str, Any] = {
        "name": arm.name,
        "parameters": model.num_parameters(),
        "triples": len(triples),
        "tokens": sum(s.tokens for s in scores["none"]),
        "copied_tokens": sum(s.copied for s in scores["none"]),
        "nll": {name: per_token(side) for name, side in scores.items()},
        "copied_nll": {name: per_token(side, copied=True) for name, side in scores.items()},
        "raw": {name: [[s.nll, s.tokens, s.copied_nll, s.copied] for s in side] for name, side in scores.items()},
    }
    for control in ("shuffled", "none"):
        record[f"against_{control}"] = difference(scores["true"], scores[control])
        record[f"copied_against_{control}"] = difference(scores["true"], scores[control], copied=True)
    return record


@dataclass(frozen=True)
class ReplyScore:
    """One reply: negative log-likelihood in nats and tokens, of all and of those copied from the feedback.

    Copied means: the token occurs in the true feedback and nowhere in question or draft.
    """

    nll: float
    tokens: int
    copied_nll: float
    copied: int


def shuffled(triples: Sequence[Triple], seed: int) -> list[str]:
    """Each triple's feedback replaced by another one's (no triple keeps its own)."""
    order = list(range(len(triples)))
    random.Random(seed).shuffle(order)
    place = {number: order[(i + 1) % len(order)] for i, number in enumerate(order)}
    return [triples[place[number]].feedback for number in range(len(triples))]


@torch.no_grad()
def score_replies(
    model: InteractiveTransformerForCausalLM,
    tokenizer: Any,
    triples: Sequence[Triple],
    feedback: Sequence[str],
    limit: int,
    in_prompt: bool = False,
    batch: int = 8,
) -> list[ReplyScore]:
    """Scores of every triple's reply when the model is told `feedback` ("" for nothing)."""
    scores = []
    for start in range(0, len(triples), batch):
        rows, said = triples[start : start + batch], feedback[start : start + batch]
        encoded = encode_triples(tokenizer, rows, limit, in_prompt, said)
        logits, targets = reply_logits(model, encoded, in_prompt)
        losses = functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
        for row, triple in enumerate(rows):
            wanted = targets[row] >= 0
            known = set(tokenizer.encode(triple.question + " " + triple.draft, add_special_tokens=False))
            own = set(tokenizer.encode(triple.feedback, add_special_tokens=False)[:limit]) - known
            ids, nll = targets[row][wanted].tolist(), losses[row][wanted].tolist()
            copied = [loss for token, loss in zip(ids, nll, strict=True) if token in own]
            scores.append(ReplyScore(sum(nll), len(nll), sum(copied), len(copied)))
    return scores


def per_token(scores: Sequence[ReplyScore], copied: bool = False) -> float:
    """Nats per token over all replies."""
    total = sum(s.copied_nll if copied else s.nll for s in scores)
    return total / max(1, sum(s.copied if copied else s.tokens for s in scores))


def difference(
    left: Sequence[ReplyScore], right: Sequence[ReplyScore], copied: bool = False, seed: int = 0
) -> tuple[float, float, float]:
    """(left - right in nats per token, lower, upper end of its 95 % interval), paired bootstrap over triples."""
    nll = np.array([[s.copied_nll if copied else s.nll for s in side] for side in (left, right)])
    tokens = np.array([s.copied if copied else s.tokens for s in left])
    drawn = np.random.default_rng(seed).integers(0, len(tokens), (2000, len(tokens)))
    counts = np.maximum(tokens[drawn].sum(1), 1)
    differences = (nll[0][drawn].sum(1) - nll[1][drawn].sum(1)) / counts
    value = float((nll[0].sum() - nll[1].sum()) / max(1, tokens.sum()))
    low, high = np.percentile(differences, [2.5, 97.5])
    return value, float(low), float(high)
