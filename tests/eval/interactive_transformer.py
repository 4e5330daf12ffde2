"""What the interactive transformer shows: `python -m tests.eval.interactive_transformer --text ... --out DIR`

Trains every arm at equal compute (resumable; what `--out` already holds is read) and prints the tables: exactness,
recurrence with its curve over memory length, feedback with its controls, ablations. `--text`: files or folders of
text, books among them; `--data`: a folder with human_edits_dev.jsonl.gz (records of question, passages, reply,
feedback), two thirds of which train and a third judges. Raw records go to `--json`.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from services.finetune.pretrain import EDITS, human_triples
from services.finetune.pretraining.tasks import TripleTask
from services.finetune.pretraining.trainer import TrainingPlan, train
from services.finetune.pretraining.triples import damaged_triples, read_human_edits
from services.models.interactive_transformer import InteractiveTransformerForCausalLM
from tests.eval.interactive_arms import ARMS, REFERENCE, Arm, Corpus, arm_folder, load_corpus, steps_of, trained_arm
from tests.eval.interactive_feedback import difference, per_token, score_replies, shuffled
from tests.eval.interactive_text import (
    correctness,
    evaluate_arm,
    interval,
    memory_curve,
    reading_speeds,
)

LIMIT = 80  # tokens of context, feedback and reply, each


@dataclass(frozen=True)
class FeedbackArm:
    """How feedback reaches the model."""

    name: str
    fusion: str
    encoder: str = "mean"
    in_prompt: bool = False
    told: bool = True


FEEDBACK_ARMS = [
    FeedbackArm("literal tanh(h + v), mean", "literal"),
    FeedbackArm("general tanh(Wh + Wv + b), mean", "general"),
    FeedbackArm("gated, mean", "gated"),
    FeedbackArm("gated, contextual", "gated", "contextual"),
    FeedbackArm("gated, attended", "gated", "attended"),
    FeedbackArm("in the prompt, no fusion", "none", in_prompt=True),
    FeedbackArm("never told, no fusion", "none", told=False),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, evaluate, print, write --json."""
    options = parser().parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    corpus = load_corpus(options.text, options.out)
    results: dict[str, Any] = {
        "seed": options.seed,
        "steps": options.steps,
        "feedback_steps": options.feedback_steps,
        "machine": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "held_out_tokens": {kind: len(ids) for kind, ids in corpus.held.items()},
    }
    results["correctness"] = correctness(options.seed)
    print_correctness(results["correctness"])
    wanted = [arm for arm in ARMS if not options.trained_only or is_saved(reference_folder(arm, options))]
    arms = {arm.name: (arm, trained_arm(arm, corpus, options.out, options.steps, options.seed)) for arm in wanted}
    results["arms"] = [
        evaluate_arm(arm, model, corpus) | {"steps": steps_of(arm, options.steps)} for arm, model in arms.values()
    ]
    if options.speed:
        speeds = reading_speeds(arms)
        for record in results["arms"]:
            record["tokens_per_second"] = speeds[record["name"]]
    print_arms(results["arms"], "2 and 5. Held-out loss at equal compute")
    names = [REFERENCE.name, "memory 128", "no memory", "no memory, segments of 128"]
    results["curve"] = {name: memory_curve(*arms[name], corpus) for name in names if name in arms}
    if options.long_steps:
        pair = [arms[name][0] for name in (REFERENCE.name, "no memory")]
        longer = [(arm, trained_arm(arm, corpus, options.out, options.long_steps, options.seed)) for arm in pair]
        results["longer"] = [
            evaluate_arm(arm, model, corpus) | {"steps": steps_of(arm, options.long_steps)} for arm, model in longer
        ]
        print_arms(results["longer"], f"2. The same two, trained longer (compute of {options.long_steps} steps)")
        for arm, model in longer:
            results["curve"][f"{arm.name}, longer"] = memory_curve(arm, model, corpus)
    print_curve(results["curve"])
    if options.data:
        told = [a for a in FEEDBACK_ARMS if not options.trained_only or is_saved(feedback_folder(a, options))]
        results["feedback"] = [feedback_record(arm, corpus, options) for arm in told]
        print_feedback(results["feedback"])
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--text", type=Path, nargs="+", required=True)
    result.add_argument("--data", type=Path, help="without it the feedback table is left out")
    result.add_argument("--out", type=Path, required=True, help="trained arms are kept here")
    result.add_argument("--steps", type=int, default=600, help="training steps of the reference arm")
    result.add_argument("--long-steps", type=int, default=0, help="also train memory and no memory this long")
    result.add_argument("--feedback-steps", type=int, default=200)
    result.add_argument("--speed", action="store_true", help="measure tokens a second, too")
    result.add_argument("--trained-only", action="store_true", help="leave out what --out does not hold yet")
    result.add_argument("--threads", type=int, default=0)
    result.add_argument("--seed", type=int, default=0)
    result.add_argument("--json", type=Path)
    return result


def is_saved(folder: Path) -> bool:
    """Whether a finished model lies there."""
    return (folder / "model.safetensors").exists()


def reference_folder(arm: Arm, options: argparse.Namespace) -> Path:
    """Where a text arm of this call is kept."""
    return arm_folder(arm, options.out, options.steps, options.seed)


def feedback_folder(arm: FeedbackArm, options: argparse.Namespace) -> Path:
    """Where a feedback arm of this call is kept."""
    kind = arm.encoder if arm.fusion != "none" else "none"
    slug = f"{arm.name.split(',')[0].split(' ')[0]}-{kind}"
    return Path(options.out) / f"feedback-{slug}-{options.feedback_steps}-seed{options.seed}"


def feedback_model(arm: FeedbackArm, corpus: Corpus, options: argparse.Namespace) -> InteractiveTransformerForCausalLM:
    """The reference arm's model, trained on with this arm's fusion on the training triples."""
    folder = feedback_folder(arm, options)
    if is_saved(folder):
        return InteractiveTransformerForCausalLM.from_pretrained(folder).eval()
    body = reference_folder(REFERENCE, options)
    torch.manual_seed(options.seed)
    model = InteractiveTransformerForCausalLM.from_pretrained(body, fusion=arm.fusion, feedback_encoder=arm.encoder)
    human, _ = human_triples(options.data)
    records = [r for number, r in enumerate(read_human_edits(options.data / EDITS)) if number % 3 != 2]
    texts = [" ".join(passage[1:]) for record in records for passage in record["passages"]]
    made = damaged_triples(texts, 4000, options.seed)
    task = TripleTask(
        corpus.tokenizer,
        human * 4 + made,
        [],
        batch=8,
        limit=LIMIT,
        withhold=0.2 if arm.told else 1.0,
        in_prompt=arm.in_prompt,
        seed=options.seed,
    )
    train(model, task, TrainingPlan(options.feedback_steps, 1e-3, warmup=30, save_every=50), folder)
    model.save_pretrained(folder)
    return model.eval()


def feedback_record(arm: FeedbackArm, corpus: Corpus, options: argparse.Namespace) -> dict[str, Any]:
    """One arm's held-out scores with true, shuffled and no feedback, and the paired differences."""
    model = feedback_model(arm, corpus, options)
    _, held = human_triples(options.data)
    given = {
        "true": [triple.feedback for triple in held],
        "shuffled": shuffled(held, options.seed),
        "none": [""] * len(held),
    }
    if not arm.told:
        given = {"none": given["none"]}
    scores = {
        name: score_replies(model, corpus.tokenizer, held, said, LIMIT, arm.in_prompt) for name, said in given.items()
    }
    record: dict[str, Any] = {
        "name": arm.name,
        "parameters": model.num_parameters(),
        "triples": len(held),
        "tokens": sum(s.tokens for s in scores["none"]),
        "copied_tokens": sum(s.copied for s in scores["none"]),
        "nll": {name: per_token(side) for name, side in scores.items()},
        "copied_nll": {name: per_token(side, copied=True) for name, side in scores.items()},
        "raw": {name: [[s.nll, s.tokens, s.copied_nll, s.copied] for s in side] for name, side in scores.items()},
    }
    for control in ("shuffled", "none"):
        if "true" in scores:
            record[f"against_{control}"] = difference(scores["true"], scores[control])
            record[f"copied_against_{control}"] = difference(scores["true"], scores[control], copied=True)
    return record


def print_correctness(values: dict[str, float]) -> None:
    """Table 1."""
    print("\n1. Exactness (fp32, largest absolute difference)")
    for name, value in values.items():
        print(f"   {name:<46} {value:.1e}")


def print_arms(records: list[dict[str, Any]], title: str) -> None:
    """Tables 2 and 5: every text arm, its difference to the model without memory with its interval."""
    base = np.array(next(r["blocks"] for r in records if r["name"] == "no memory"))
    kinds = list(records[0]["by_kind"])
    print(f"\n{title} (nats/token)")
    head = f"   {'arm':<28} {'parameters':>10} {'steps':>6} {'loss':>6} {'against no memory':>24} {'tokens/s':>9}"
    print(head + "".join(f" {kind:>7}" for kind in kinds))
    for record in records:
        apart = np.array(record["blocks"]) - base
        low, high = interval(apart)
        speed = f"{record['tokens_per_second']:.0f}" if "tokens_per_second" in record else "-"
        row = f"   {record['name']:<28} {record['parameters']:>10,} {record['steps']:>6} {record['loss']:>6.3f} "
        row += f"{apart.mean():>+8.3f} [{low:+.3f}, {high:+.3f}] {speed:>9}"
        print(row + "".join(f" {record['by_kind'][kind]:>7.3f}" for kind in kinds))


def print_curve(curves: dict[str, dict[int, float]]) -> None:
    """Table 2, curve: loss by the memory given at evaluation."""
    memories = list(next(iter(curves.values())))
    print("\n2. Loss by memory length at evaluation (states kept)")
    print(f"   {'trained as':<28}" + "".join(f" {memory:>7}" for memory in memories))
    for name, curve in curves.items():
        print(f"   {name:<28}" + "".join(f" {curve[memory]:>7.3f}" for memory in memories))


def print_feedback(records: list[dict[str, Any]]) -> None:
    """Table 4."""
    first = records[0]
    print(
        f"\n4. Replies of {first['triples']} held-out triples (nats/token over {first['tokens']} tokens, "
        f"{first['copied_tokens']} of them copied from the feedback)"
    )
    print(
        f"   {'arm':<32} {'true':>6} {'shuf.':>6} {'none':>6} {'true - shuffled':>24} {'copied: true - shuffled':>26}"
    )
    for record in records:
        nll = record["nll"]
        row = f"   {record['name']:<32} {nll.get('true', float('nan')):>6.3f} {nll.get('shuffled', float('nan')):>6.3f}"
        row += f" {nll['none']:>6.3f}"
        for key in ("against_shuffled", "copied_against_shuffled"):
            if key in record:
                value, low, high = record[key]
                row += f" {value:>+8.3f} [{low:+.3f}, {high:+.3f}]"
        print(row)


if __name__ == "__main__":
    raise SystemExit(main())
