"""What training changes: ``python -m research.eval.learning --data DIR [--items 100] [--seed 1] [--json]``.

Corrections from ``DIR/edits/pararel_edits.jsonl.gz`` (statements of facts with a new object) are imported as feedback,
trained on, promoted and asked for again, over gRPC, through the whole pipeline with the real model. Right means that
the new object stands in the greedy reply (24 tokens). Asked are the corrected questions, a paraphrase of each, and a
neighbour of each (another subject, whose answer must not change); with the knowledge base empty and with the facts
taught. The control is the same questions before training, and old data is the base model's own replies, held out.
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
from dataclasses import asdict
from pathlib import Path
from typing import Any

from antiphon.v1 import feedback_pb2, knowledge_pb2, model_pb2
from rich.console import Console
from rich.table import Table

from tests.support.loop import Pipeline, pipeline
from tests.support.talkers import Talkers, conversation
from tests.support.waiting import wait_until

ASK = "Complete the sentence: {}"
RECORDS = Path("build") / "eval" / "learning.json"


def edits(data: Path, count: int, seed: int) -> list[dict[str, Any]]:
    """A sample of edits, one a subject."""
    with gzip.open(data / "edits" / "pararel_edits.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = list({row["subject"]: row for row in rows}.values())
    return random.Random(seed).sample(rows, min(count, len(rows)))


def asked(pipe: Pipeline, rows: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """The replies to the corrected questions, to a paraphrase of each, and about a neighbour of each."""
    questions = {
        "corrected": [ASK.format(row["prompt"]) for row in rows],
        "paraphrase": [ASK.format(row["paraphrases"][-1]) for row in rows],
        "neighbour": [ASK.format(row["neighborhood"][0]) for row in rows],
    }
    return {kind: [draft.text for draft in pipe.ask(texts)] for kind, texts in questions.items()}


def right(rows: Sequence[dict[str, Any]], replies: Sequence[str]) -> float:
    """Share of replies, in per cent, in which the new object stands."""
    return (
        100
        * sum(row["target_new"].lower() in reply.lower() for row, reply in zip(rows, replies, strict=True))
        / len(rows)
    )


def evaluate(data: Path, count: int, seed: int, generators: int = 1) -> dict[str, Any]:
    """Run the whole evaluation; answers figures and raw records."""
    rows = edits(data, count, seed)
    with pipeline(max_attempts=5, generators=generators, train_threads=os.cpu_count() or 1) as pipe:
        began = time.monotonic()

        def tell(what: str) -> None:
            sys.stderr.write(f"{time.monotonic() - began:6.0f} s  {what}\n")

        before = asked(pipe, rows)
        tell("asked before")
        items = [
            feedback_pb2.FeedbackItem(
                prompt=ASK.format(row["prompt"]),
                reply=reply,
                feedback=feedback_pb2.Feedback(edited_text=f"{row['prompt']} {row['target_new']}."),
                user_id="reviewer",
            )
            for row, reply in zip(rows, before["corrected"], strict=True)
        ]
        pipe.import_items(items, "corrections")
        started = time.monotonic()
        training = pipe.client.models.StartTraining(model_pb2.StartTrainingRequest()).training
        watched = pipe.client.models.WatchTraining(
            model_pb2.WatchTrainingRequest(training_id=training.id), timeout=7200
        )
        for state in watched:
            ended = state.training
            if ended.step % 20 == 0:
                word = model_pb2.TrainingStatus.Name(ended.status)
                tell(f"{word} step {ended.step}/{ended.total_steps}, loss {ended.loss:.3f}")
        seconds = time.monotonic() - started
        if not ended.version_id:
            raise SystemExit(f"the training ended without a version: {ended.error}")
        request = model_pb2.GetVersionRequest(version_id=ended.version_id)
        version = pipe.client.models.GetVersion(request).version
        for measure in version.measures:
            tell(f"{measure.name}: {measure.before:.4f} -> {measure.after:.4f}")
        talk, replies = change_while_talking(pipe, version.id, [ASK.format(row["prompt"]) for row in rows[:2]])
        tell(f"{talk}")
        after = asked(pipe, rows)
        tell(f"asked after: {right(rows, after['corrected']):.0f} % right")
        talk |= rolled_back(pipe, rows, before["corrected"])
        for row in rows:
            pipe.client.knowledge.TeachFact(
                knowledge_pb2.TeachFactRequest(entity=row["subject"], slot="place", value=row["target_new"])
            )
        before_taught = asked(pipe, rows)
        tell("asked before, taught")
        promote(pipe, version.id)
        after_taught = asked(pipe, rows)
    measures = {measure.name: measure for measure in version.measures}
    figures: dict[str, Any] = {
        "items": len(rows),
        "training_seconds": round(seconds, 1),
        "steps": ended.total_steps,
        "gate_passed": version.status == model_pb2.VERSION_STATUS_READY,
        "new_loss_before": measures["new_loss"].before,
        "new_loss_after": measures["new_loss"].after,
        "old_loss_before": measures["old_loss"].before,
        "old_loss_after": measures["old_loss"].after,
        "old_loss_rise_percent": 100 * (measures["old_loss"].after / measures["old_loss"].before - 1),
    }
    figures |= talk
    arms = {"before": before, "after": after, "before_taught": before_taught, "after_taught": after_taught}
    for arm, replies in arms.items():
        figures[f"corrected_{arm}"] = right(rows, replies["corrected"])
        figures[f"paraphrase_{arm}"] = right(rows, replies["paraphrase"])
        same = [a == b for a, b in zip(replies["neighbour"], before["neighbour"], strict=True)]
        figures[f"neighbour_same_{arm}"] = 100 * sum(same) / len(same)
        figures[f"neighbour_wrongly_new_{arm}"] = right(rows, replies["neighbour"])
    return {"figures": figures, "records": {"rows": rows, "replies": arms, "talk": replies}}


def promote(pipe: Pipeline, version: str) -> float:
    """Promote, whatever the gate says (it is reported), and wait until every generator serves it; seconds."""
    started = time.monotonic()
    request = model_pb2.PromoteVersionRequest(version_id=version, force=True, comment="to be measured")
    epoch = pipe.client.models.PromoteVersion(request).pointer.epoch
    wait_until(lambda: served(pipe, epoch), 60, "the version is served")
    return time.monotonic() - started


def served(pipe: Pipeline, epoch: int) -> bool:
    """Whether every generator says that it follows the pointer of this epoch."""
    serving = pipe.client.models.ListServing(model_pb2.ListServingRequest()).serving
    return bool(serving) and all(one.epoch == epoch and one.current_id for one in serving)


def change_while_talking(pipe: Pipeline, version: str, questions: list[str]) -> tuple[dict[str, Any], list[Any]]:
    """Promote while ten sessions talk; what went wrong, and everything that was said."""
    said = conversation(pipe.client, questions)
    base = said[0].version
    talkers = Talkers(pipe.client, questions, 10)
    talkers.start()
    wait_until(lambda: talkers.heard(base, 10), 120)
    seconds = promote(pipe, version)
    wait_until(lambda: talkers.heard(version, 10), 120)
    talkers.stop()
    texts = {base: [one.text for one in said], version: [one.text for one in conversation(pipe.client, questions)]}
    faults = talkers.faults(texts, then=base)
    figures = {
        "promotion_seconds": round(seconds, 3),
        "talk_turns_base": talkers.by(base),
        "talk_turns_version": talkers.by(version),
        "talk_faults": len(faults),
    }
    return figures, [*faults, *map(asdict, talkers.said)]


def rolled_back(pipe: Pipeline, rows: Sequence[dict[str, Any]], before: Sequence[str]) -> dict[str, Any]:
    """Roll back; seconds until every generator says so, and how many replies are the old ones again."""
    started = time.monotonic()
    epoch = pipe.client.models.RollbackVersion(model_pb2.RollbackVersionRequest()).pointer.epoch
    wait_until(lambda: served(pipe, epoch), 60, "the rollback is served")
    seconds = time.monotonic() - started
    again = [draft.text for draft in pipe.ask([ASK.format(row["prompt"]) for row in rows[:32]])]
    same = sum(a == b for a, b in zip(again, before, strict=False))
    return {"rollback_seconds": round(seconds, 3), "old_replies_again": f"{same} of {len(again)}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with edits/pararel_edits.jsonl.gz")
    parser.add_argument("--items", type=int, default=100, help="corrections to import")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample")
    parser.add_argument("--json", action="store_true", help="print the figures as a last line of JSON")
    options = parser.parse_args()
    found = evaluate(options.data, options.items, options.seed)
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    RECORDS.write_text(json.dumps({"seed": options.seed, **found}, ensure_ascii=False, indent=1))
    figures = found["figures"]
    table = Table(title=f"{figures['items']} corrections, per cent", title_justify="left")
    for column in ("", "before", "after", "before, taught", "after, taught"):
        table.add_column(column, justify="left" if not column else "right")
    for name in ("corrected", "paraphrase", "neighbour_same", "neighbour_wrongly_new"):
        arms = ("before", "after", "before_taught", "after_taught")
        table.add_row(name.replace("_", " "), *(f"{figures[f'{name}_{arm}']:.0f}" for arm in arms))
    console = Console()
    console.print(table)
    console.print({name: value for name, value in figures.items() if "_before" not in name and "_after" not in name})
    if options.json:
        sys.stdout.write(json.dumps({"figures": figures, "context": {"seed": options.seed}}) + "\n")


if __name__ == "__main__":
    main()
