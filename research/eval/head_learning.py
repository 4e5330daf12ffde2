"""What training a fusion head in the service changes: ``python -m research.eval.head_learning --data DIR [--json]``.

DATA holds feedback/verifiable_train.jsonl.gz and human_edits_dev.jsonl.gz. Corrections with comments are imported and a
head is trained on them, over gRPC, through the whole pipeline with the real model, once for each of two reviewers:

- `rules` asks of the model's own first replies what rules can do (a word in, commas out, fewer words, …), in the
  training's phrasings, and sends the reply that the rule makes;
- `people` are annotators who say what is wrong or missing and send their own correction; two thirds of the records.

Told are the gate's measures, on the fifth of the prompts that it holds back: nats per token that an edit changed,
before (the shipped head) and after, with the reader's own comment and with another's; and how long it took.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from antiphon.v1 import feedback_pb2, model_pb2
from rich.console import Console
from rich.table import Table

from services.finetune.fusing.corpus import HUMAN, VERIFIABLE, human_examples, rule_edits
from tests.support.loop import Pipeline, pipeline


def main(arguments: Sequence[str] | None = None) -> None:
    """Import, train, report."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, required=True, help=f"folder with feedback/{VERIFIABLE} and {HUMAN}")
    made.add_argument("--reviewers", nargs="+", choices=["rules", "people"], default=["rules", "people"])
    made.add_argument("--items", type=int, default=150, help="corrections of a reviewer, at most")
    made.add_argument("--steps", type=int, default=0, help="optimiser steps; 0: the service's default")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--json", action="store_true", help="print the figures as a last line of JSON")
    options = made.parse_args(arguments)
    figures: dict[str, Any] = {}
    table = Table("reviewer", "measure", "before", "after", "limit", "items", "gate")
    for reviewer in options.reviewers:
        for name, value in train(reviewer, options).items():
            if isinstance(value, model_pb2.EvaluationMeasure):
                told = (f"{value.before:.3f}", f"{value.after:.3f}", f"{value.limit:.3f}", str(value.items))
                table.add_row(reviewer, name, *told, "passed" if value.passed else "failed")
                figures |= {f"{reviewer}_{name}_before": value.before, f"{reviewer}_{name}_after": value.after}
            else:
                figures[f"{reviewer}_{name}"] = value
    console = Console()
    console.print(table)
    console.print({name: value for name, value in figures.items() if not name.endswith(("before", "after"))})
    if options.json:
        sys.stdout.write(json.dumps({"figures": figures, "context": {"seed": options.seed}}) + "\n")


def train(reviewer: str, options: argparse.Namespace) -> dict[str, Any]:
    """One reviewer's corrections become a version: its measures by name, its seconds, steps, and whether it passed."""
    with pipeline(train_threads=os.cpu_count() or 1) as pipe:
        items = corrections(pipe, reviewer, options)
        pipe.import_items(items, reviewer)
        started = time.monotonic()
        settings = model_pb2.TrainingSettings(seed=options.seed, max_steps=options.steps)
        request = model_pb2.StartTrainingRequest(kind=model_pb2.TRAINING_KIND_FUSION_HEAD, settings=settings)
        training = pipe.client.models.StartTraining(request).training
        watched = model_pb2.WatchTrainingRequest(training_id=training.id)
        for state in pipe.client.models.WatchTraining(watched, timeout=7200):
            training = state.training
        seconds = time.monotonic() - started
        if not training.version_id:
            raise SystemExit(f"the training ended without a version: {training.error}")
        found = model_pb2.GetVersionRequest(version_id=training.version_id)
        version = pipe.client.models.GetVersion(found).version
    return {
        **{measure.name: measure for measure in version.measures},
        "corrections": len(items),
        "seconds": round(seconds, 1),
        "steps": training.total_steps,
        "passed": version.status == model_pb2.VERSION_STATUS_READY,
    }


def corrections(pipe: Pipeline, reviewer: str, options: argparse.Namespace) -> list[feedback_pb2.FeedbackItem]:
    """What the reviewer imports."""
    folder = options.data / "feedback"
    if reviewer == "people":
        made = human_examples(folder)[: options.items]
    else:
        with gzip.open(folder / VERIFIABLE, "rt", encoding="utf-8") as lines:
            prompts = sorted({json.loads(line)["prompt"] for line in lines})
        random.Random(options.seed).shuffle(prompts)
        replies = [draft.text for draft in pipe.ask(prompts, tokens=76)]
        pairs = [(prompt, [reply]) for prompt, reply in zip(prompts, replies, strict=True)]
        made = [one for one in rule_edits(pairs, 2 * options.items, options.seed) if one.target != one.draft]
    return [
        feedback_pb2.FeedbackItem(
            prompt=one.prompt,
            reply=one.draft,
            user_id="reviewer",
            feedback=feedback_pb2.Feedback(comment=one.comment, edited_text=one.target),
        )
        for one in made[: options.items]
    ]


if __name__ == "__main__":
    main()
