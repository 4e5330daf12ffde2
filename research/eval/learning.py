"""What corrections change and what they leave: ``python -m research.eval.learning --data DIR [--items 10] [--json]``.

Corrections from ``DIR/edits/pararel_edits.jsonl.gz`` (statements of facts with a new object), or with ``--service``
those of a folder in the form of ``research/data/service``, are imported as feedback, asked for at once, trained on,
promoted and asked for again, over gRPC, through the whole pipeline with the real model; every reply is greedy. Asked
are the corrected messages, their paraphrases, neighbours (another subject or property, whose reply must stay letter by
letter) and general messages. Figures are shares in [0, 1]:

    corrected, paraphrase   replies that give the corrected answer
    neighbours_same         neighbours' replies that are what they were before anything was corrected
    neighbours_wrong        neighbours' replies that give the corrected answer and did not before
    old_same                general replies that stay
    perplexity_rise         of general replies, under what computes them
    seconds                 from the start of the training to the judged version

Controls in the same run: ``before``; ``quoted`` (corrections are quoted in their scope, nothing is trained); ``note``
(corrections are retrieved into the prompt); ``weights`` (the version in its scope, nothing is quoted); ``no_scope``
(the version's weights on every message, as low-rank pairs are served elsewhere).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from antiphon.v1 import feedback_pb2, model_pb2
from rich.console import Console
from rich.table import Table

from research.eval.learning_sets import REPORTED, Item, service, statements
from services.cli.train import follow
from services.finetune.rehearsal import rehearsal_prompts
from tests.support.loop import Pipeline, pipeline
from tests.support.processes import ServiceProcess
from tests.support.waiting import wait_until

RECORDS = Path("build") / "eval" / "learning.json"
GENERAL = 24
Replies = dict[str, list[str]]


class Evaluation:
    """One run: the same questions to a generator that is started anew for each arm."""

    def __init__(self, pipe: Pipeline, items: Sequence[Item], tokens: int) -> None:
        self._pipe = pipe
        self._items = items
        self._tokens = tokens
        self._generator: ServiceProcess | None = None
        self._began = time.monotonic()
        self.arms: dict[str, Replies] = {}

    def tell(self, what: str) -> None:
        """Say how far the run is."""
        sys.stderr.write(f"{time.monotonic() - self._began:6.0f} s  {what}\n")

    def serve(self, **settings: object) -> None:
        """Put a generator with these settings in the place of the one before."""
        if self._generator is not None:
            self._generator.stop()
        number = len(self.arms)
        self._generator = self._pipe.services.spawn("generator", worker_name=f"arm-{number}", **settings)
        self._generator.until_ready(900)

    def ask(self, arm: str) -> None:
        """Put all questions to what is served."""
        questions = {
            "corrected": [item.question for item in self._items],
            "paraphrase": [text for item in self._items for text in item.paraphrases],
            "neighbour": [text for item in self._items for text in item.neighbours],
            "old": rehearsal_prompts(400)[-GENERAL:],
        }
        self.arms[arm] = {
            kind: [draft.text for draft in self._pipe.ask(texts, tokens=self._tokens)]
            for kind, texts in questions.items()
        }
        self.tell(f"{arm}: {self.figures(arm)}")

    def figures(self, arm: str) -> dict[str, float]:
        """The shares of an arm, beside the replies of before."""
        said, before = self.arms[arm], self.arms["before"]
        pairs = [(item, at) for item in self._items for at in item.paraphrases]
        neighbours = [item for item in self._items for _ in item.neighbours]
        wrong = [
            item.said_by(now) and not item.said_by(then)
            for item, now, then in zip(neighbours, said["neighbour"], before["neighbour"], strict=True)
        ]
        return {
            "corrected": _share(item.said_by(text) for item, text in zip(self._items, said["corrected"], strict=True)),
            "paraphrase": _share(item.said_by(text) for (item, _), text in zip(pairs, said["paraphrase"], strict=True)),
            "neighbours_same": _share(a == b for a, b in zip(said["neighbour"], before["neighbour"], strict=True)),
            "neighbours_wrong": _share(wrong),
            "old_same": _share(a == b for a, b in zip(said["old"], before["old"], strict=True)),
        }

    def import_corrections(self) -> None:
        """Import them as a reviewer's edits of what was said before."""
        self._pipe.import_items(
            [
                feedback_pb2.FeedbackItem(
                    prompt=item.question,
                    reply=reply,
                    feedback=feedback_pb2.Feedback(edited_text=item.reply),
                    user_id="reviewer",
                )
                for item, reply in zip(self._items, self.arms["before"]["corrected"], strict=True)
            ],
            "corrections",
        )

    def train(self) -> tuple[model_pb2.Version, float]:
        """Train a version; with the seconds until it was judged. Raises SystemExit where none comes of it."""
        models, started = self._pipe.client.models, time.monotonic()
        training = models.StartTraining(model_pb2.StartTrainingRequest()).training
        for state in follow(self._pipe.client, training.id, patience_s=600):
            training = state
            if training.step % 20 == 0:
                word = model_pb2.TrainingStatus.Name(training.status).removeprefix("TRAINING_STATUS_").lower()
                self.tell(f"{word} step {training.step} of {training.total_steps}, loss {training.loss:.3f}")
        if not training.version_id:
            raise SystemExit(f"the training ended without a version: {training.error}")
        seconds = time.monotonic() - started
        version = models.GetVersion(model_pb2.GetVersionRequest(version_id=training.version_id)).version
        for measure in version.measures:
            verdict = "" if measure.passed else " MISSED"
            self.tell(f"{measure.name}: {measure.before:.4f} -> {measure.after:.4f}{verdict}")
        return version, seconds

    def promote(self, version: str) -> None:
        """Promote, whatever the gate says (it is reported), and wait until it is served."""
        request = model_pb2.PromoteVersionRequest(version_id=version, force=True, comment="to be measured")
        epoch = self._pipe.client.models.PromoteVersion(request).pointer.epoch

        def served() -> bool:
            serving = self._pipe.client.models.ListServing(model_pb2.ListServingRequest()).serving
            mine = [one for one in serving if one.worker.startswith(f"arm-{len(self.arms)}")]
            return bool(mine) and all(one.epoch == epoch and one.current_id == version for one in mine)

        wait_until(served, 120, "the version is served")


def evaluate(items: Sequence[Item], tokens: int, arms: Sequence[str]) -> dict[str, Any]:
    """Run the whole evaluation; answers figures and raw records."""
    with pipeline(max_attempts=5, generators=0, train_threads=os.cpu_count() or 1) as pipe:
        run = Evaluation(pipe, items, tokens)
        run.serve(corrections="off")
        run.ask("before")
        run.import_corrections()
        for arm in ("note", "quote"):
            if arm in arms:
                run.serve(corrections=arm)
                run.ask({"note": "note", "quote": "quoted"}[arm])
        version, seconds = run.train()
        run.serve()
        run.promote(version.id)
        run.ask("best")
        if "weights" in arms:
            run.serve(corrections="weights")
            run.ask("weights")
        if "no_scope" in arms:
            run.serve(corrections="everywhere")
            run.ask("no_scope")
    measures = {measure.name: measure for measure in version.measures}
    perplexity = measures["perplexity"]
    figures: dict[str, Any] = {"items": len(items), **run.figures("best")}
    figures |= {
        "perplexity_rise": round(perplexity.after / perplexity.before - 1, 6),
        "seconds": round(seconds, 1),
        "gate_passed": version.status == model_pb2.VERSION_STATUS_READY,
    }
    figures |= {f"{name}_{arm}": value for arm in run.arms if arm != "best" for name, value in run.figures(arm).items()}
    gate = {measure.name: [measure.before, measure.after, measure.passed] for measure in version.measures}
    questions = [[item.question, *item.paraphrases, *item.neighbours] for item in items]
    return {"figures": figures, "records": {"gate": gate, "questions": questions, "replies": run.arms}}


def _share(answers: Any) -> float:
    found = list(answers)
    return round(sum(found) / len(found), 4) if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with edits/pararel_edits.jsonl.gz")
    parser.add_argument("--service", type=Path, help="a service set instead, with corrections-gold.jsonl")
    parser.add_argument("--items", type=int, default=10, help="corrections to import")
    parser.add_argument("--relations", nargs="*", default=REPORTED, help="of the statements; none named: all")
    parser.add_argument("--arms", nargs="*", default=["note", "quote", "weights", "no_scope"], help="controls to run")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample")
    parser.add_argument("--json", action="store_true", help="print the figures as a last line of JSON")
    options = parser.parse_args()
    if options.service:
        items, tokens = service(options.service)[: options.items], 48
    else:
        items, tokens = statements(options.data, options.items, options.seed, options.relations), 24
    found = evaluate(items, tokens, options.arms)
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    RECORDS.write_text(json.dumps({"seed": options.seed, **found}, ensure_ascii=False, indent=1))
    figures = found["figures"]
    table = Table(title=f"{figures['items']} corrections, shares of replies", title_justify="left")
    arms = ["best", *(arm for arm in found["records"]["replies"] if arm != "best")]
    for column in ("", *arms):
        table.add_column(column, justify="right" if column else "left")
    for name in ("corrected", "paraphrase", "neighbours_same", "neighbours_wrong", "old_same"):
        values = [figures[name if arm == "best" else f"{name}_{arm}"] for arm in arms]
        table.add_row(name.replace("_", " "), *(f"{value:.3f}" for value in values))
    console = Console()
    console.print(table)
    console.print({name: figures[name] for name in ("perplexity_rise", "seconds", "gate_passed")})
    if options.json:
        sys.stdout.write(json.dumps({"figures": figures, "context": {"seed": options.seed}}) + "\n")


if __name__ == "__main__":
    main()
