"""What the interactive transformer shows: `python -m research.eval.interactive_transformer --text ... --out DIR`

Trains every arm at equal compute (resumable; what `--out` already holds is read) and prints the tables: exactness,
recurrence with its curve over memory length, feedback with its controls, ablations. `--text`: files or folders of
text; `--data`: a folder with human_edits_dev.jsonl.gz (records of question, passages, reply, feedback), two thirds of
which train and a third judges; `--dialogues`, `--held-dialogues`: JSON lines of dialogues to make triples from, to
train and to judge. Raw records go to `--json`.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from research.eval.interactive_arms import (
    ABLATIONS,
    NO_MEMORY,
    RECURRENCE,
    Arm,
    Corpus,
    arm_folder,
    arm_record,
    load_corpus,
    readings,
    trained_arm,
)
from research.eval.interactive_feedback import FEEDBACK_ARMS, feedback_folder, feedback_record, held_triples
from research.eval.interactive_text import (
    Losses,
    correctness,
    difference,
    mean_loss,
    mean_of,
    memory_curve,
    reading_losses,
    reading_speeds,
)
from services.models.interactive_transformer import InteractiveTransformerForCausalLM

BASE = NO_MEMORY[1]  # what the differences are to: the reference without its memory
WEIGHTS = Path("services/models/weights/interactive_transformer")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, evaluate, print, write --json."""
    options = parser().parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    corpus = load_corpus(options.text, options.out)
    results: dict[str, Any] = {
        "seeds": options.seeds,
        "machine": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "documents": {kind: len(ids) for kind, ids in corpus.testing.items()},
        "correctness": correctness(options.seeds[0]),
    }
    print_correctness(results["correctness"])
    if options.steps:
        results["recurrence"] = compared(RECURRENCE, corpus, options, options.steps, options.seeds)
        print_arms(results["recurrence"], f"2. Held-out loss at the compute of {options.steps} reference steps")
        results["curve"] = curves(corpus, options)
        print_curve(results["curve"])
    if options.ablation_steps:
        results["ablations"] = compared(ABLATIONS, corpus, options, options.ablation_steps, options.seeds[:1])
        print_arms(results["ablations"], f"5. Ablations at the compute of {options.ablation_steps} reference steps")
    if options.data:
        results["feedback"] = feedback_tables(options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--text", type=Path, nargs="+", required=True)
    result.add_argument("--out", type=Path, required=True, help="trained arms are kept here")
    result.add_argument("--steps", type=int, default=1500, help="recurrence: steps of the reference; 0: leave it out")
    result.add_argument("--ablation-steps", type=int, default=300, help="the same for the ablations")
    result.add_argument("--data", type=Path, help="without it the feedback table is left out")
    result.add_argument("--dialogues", type=Path, nargs="*", default=[])
    result.add_argument("--held-dialogues", type=Path, nargs="*", default=[])
    result.add_argument("--body", type=Path, default=WEIGHTS, help="saved model that the feedback arms start from")
    result.add_argument("--feedback-steps", type=int, default=500)
    result.add_argument("--feedback-rate", type=float, default=8e-3, help="learning rate of the feedback arms")
    result.add_argument("--speed", action="store_true", help="measure tokens a second, too")
    result.add_argument("--trained-only", action="store_true", help="leave out what --out does not hold yet")
    result.add_argument("--threads", type=int, default=0)
    result.add_argument("--seeds", type=int, nargs="+", default=[0])
    result.add_argument("--json", type=Path)
    return result


def is_saved(folder: Path) -> bool:
    """Whether a finished model lies there."""
    return (folder / "model.safetensors").exists()


def compared(
    arms: Sequence[Arm], corpus: Corpus, options: argparse.Namespace, steps: int, seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """A record of every way to read every arm: losses on the documents for testing and for choosing, over all seeds,
    and the difference to BASE.

    Which seeds an arm was trained with is in its record; a difference is over the seeds that both have.
    """
    losses: dict[str, dict[int, Losses]] = {}
    records: list[dict[str, Any]] = []
    models: dict[str, tuple[Arm, InteractiveTransformerForCausalLM]] = {}
    for arm in arms:
        own = [s for s in seeds if not options.trained_only or is_saved(arm_folder(arm, options.out, steps, s))]
        by_seed = {seed: trained_arm(arm, corpus, options.out, steps, seed) for seed in own}
        for reading in readings(arm) if by_seed else []:
            models[reading.name] = (arm, by_seed[own[0]])
            found = {seed: reading_losses(reading, model, corpus.testing) for seed, model in by_seed.items()}
            choosing = [reading_losses(reading, model, corpus.choosing) for model in by_seed.values()]
            mean, losses[reading.name] = mean_of(list(found.values())), found
            records.append(
                {
                    "name": reading.name,
                    "memory": reading.memory,
                    "flops": reading.flops,
                    "parameters": by_seed[own[0]].num_parameters(),
                    "training": [arm_record(arm, options.out, steps, seed) for seed in own],
                    "choosing": mean_loss(mean_of(choosing)),
                    "loss": mean_loss(mean),
                    "by_seed": {seed: mean_loss(part) for seed, part in found.items()},
                    "by_kind": {kind: float(part.mean()) for kind, part in mean.items()},
                    "by_document": {kind: part.tolist() for kind, part in mean.items()},
                }
            )
    for record in records:
        record["against_base"] = against(losses[record["name"]], losses.get(BASE.name, {}))
    rivals = [r for r in records if not r["memory"]]
    if rivals:
        best = min(rivals, key=lambda r: r["choosing"])["name"]
        for record in records:
            record["best_without"] = [best, against(losses[record["name"]], losses[best])]
    if options.speed:
        speeds = reading_speeds({r["name"]: models[r["name"]] for r in records if r["name"] in {a.name for a in arms}})
        for record in records:
            record["tokens_per_second"] = speeds.get(record["name"])
    return records


def against(left: dict[int, Losses], right: dict[int, Losses]) -> tuple[float, float, float] | None:
    """The difference over the seeds that both have, with its interval; None where there are none."""
    shared = sorted(left.keys() & right.keys())
    if not shared:
        return None
    return difference(mean_of([left[seed] for seed in shared]), mean_of([right[seed] for seed in shared]))


def curves(corpus: Corpus, options: argparse.Namespace) -> dict[str, dict[int, float]]:
    """Loss over the memory given when evaluated, of every recurrence arm's first seed."""
    seed = options.seeds[0]
    wanted = [a for a in RECURRENCE if is_saved(arm_folder(a, options.out, options.steps, seed))]
    return {
        arm.name: memory_curve(arm, trained_arm(arm, corpus, options.out, options.steps, seed), corpus.testing)
        for arm in wanted
    }


def feedback_tables(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Mark 4's tables, one for each set of held-out triples."""
    options.seed = options.seeds[0]
    tokenizer = AutoTokenizer.from_pretrained(options.body)
    arms = [a for a in FEEDBACK_ARMS if not options.trained_only or is_saved(feedback_folder(a, options))]
    tables = {}
    for name, triples in held_triples(options).items():
        tables[name] = [feedback_record(arm, triples, tokenizer, options) for arm in arms]
        print_feedback(tables[name], name)
    return tables


def print_correctness(values: dict[str, float]) -> None:
    """Table 1."""
    print("\n1. Exactness (fp32, largest absolute difference)")
    for name, value in values.items():
        print(f"   {name:<46} {value:.1e}")


def print_arms(records: list[dict[str, Any]], title: str) -> None:
    """Tables 2 and 5: every text arm, its differences with their intervals.

    The best arm without memory is the one with the least loss on the documents for choosing.
    """
    kinds = list(records[0]["by_kind"])
    best = records[0].get("best_without", [BASE.name])[0]
    print(f"\n{title} (nats/token; differences to '{BASE.name}' and to the best without memory, '{best}')")
    head = f"   {'arm':<50} {'parameters':>10} {'steps':>6} {'cpu s':>6} {'seeds':>5} {'flops':>9} {'choosing':>8}"
    print(f"{head} {'loss':>6} {'to base':>24} {'to best':>24} {'tokens/s':>9}" + "".join(f" {k:>7}" for k in kinds))
    for record in records:
        own = record["training"][0]
        row = f"   {record['name']:<50} {record['parameters']:>10,} {own['steps']:>6} {own['seconds']:>6.0f} "
        row += (
            f"{len(record['training']):>5} {record['flops']:>9,.0f} {record['choosing']:>8.3f} {record['loss']:>6.3f}"
        )
        for apart in (record["against_base"], record.get("best_without", [best, None])[1]):
            row += " {:>+8.3f} [{:+.3f}, {:+.3f}]".format(*apart) if apart else " " * 25
        speed = record.get("tokens_per_second")
        row += f" {speed:>9.0f}" if speed else f" {'-':>9}"
        print(row + "".join(f" {record['by_kind'][kind]:>7.3f}" for kind in kinds))


def print_curve(curves: dict[str, dict[int, float]]) -> None:
    """Table 2, curve: loss by the memory given at evaluation."""
    memories = list(next(iter(curves.values())))
    print("\n2. Loss by memory length at evaluation (states kept)")
    print(f"   {'trained as':<28}" + "".join(f" {memory:>7}" for memory in memories))
    for name, curve in curves.items():
        print(f"   {name:<28}" + "".join(f" {curve[memory]:>7.3f}" for memory in memories))


def print_feedback(records: list[dict[str, Any]], held: str) -> None:
    """Table 4."""
    first = records[0]
    print(
        f"\n4. Replies of {first['triples']} held-out triples: {held} (nats/token over {first['tokens']} tokens, "
        f"{first['copied_tokens']} of them copied from the feedback)"
    )
    columns = {
        "against_shuffled": "true - shuffled",
        "against_none": "true - none",
        "copied_against_shuffled": "copied: true - shuffled",
        "copied_against_none": "copied: true - none",
    }
    print(f"   {'arm':<32} {'true':>6} {'shuf.':>6} {'none':>6}" + "".join(f" {c:>24}" for c in columns.values()))
    for record in records:
        nll = record["nll"]
        row = f"   {record['name']:<32} {nll['true']:>6.3f} {nll['shuffled']:>6.3f} {nll['none']:>6.3f}"
        for key in columns:
            value, low, high = record[key]
            row += f" {value:>+8.3f} [{low:+.3f}, {high:+.3f}]"
        print(row)


if __name__ == "__main__":
    raise SystemExit(main())
