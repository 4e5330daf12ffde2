"""The training command of the fusion head's source "knowledge": `python -m services.finetune.fuse_notes --data DIR`.

DIR holds scifact_corpus.jsonl.gz; questions over its passages and over product sheets made by rule are drawn by seed
(see projecting/passages.py), none of them from an evaluation. The base model is frozen. The head ends as
NAME.safetensors with NAME.json beside it: command, seed and losses on questions that were not trained on.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from research.projecting.passages import FILE, draw_questions
from services.finetune.fusing.base import FrozenBase
from services.finetune.fusing.notes import NoteTrainer, collect
from services.finetune.settings import FinetuneSettings
from services.models.fusion import head_id, write_head
from services.models.note_states import NoteFeatures, note_head


def main(arguments: Sequence[str] | None = None) -> int:
    """Train one head; prints its record."""
    options = parser().parse_args(arguments)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    settings = FinetuneSettings()
    base = FrozenBase(settings.model, settings.cache_dir, settings.system_text)
    questions = draw_questions(options.data, options.examples + 2 * options.held, options.seed)
    started = time.process_time()
    asked = [("text", 0.0), ("no text", 1.0)]
    held = {
        name: collect(base, questions[at * options.held : (at + 1) * options.held], share, options.seed)
        for at, (name, share) in enumerate(asked)
    }
    learned = collect(base, questions[2 * options.held :], options.withheld, options.seed, _count)
    head = note_head(base.hidden_size, base.texts.base_version, options.inner)
    features = NoteFeatures(base.embedding)
    trainer = NoteTrainer(head, features, base.head, rate=options.learning_rate, seed=options.seed)
    trainer.train(learned, options.steps, options.batch, _tell)
    content = write_head(head)
    record = {
        "command": "python -m services.finetune.fuse_notes " + shlex.join(arguments or sys.argv[1:]),
        "data": [FILE],
        "attribution": "SciFact (CC BY / ODC-By, via BEIR)",
        "seed": options.seed,
        "parameters": sum(p.numel() for p in head.parameters()),
        "examples": len(learned),
        "steps": options.steps,
        "processor_seconds": round(time.process_time() - started, 1),
        "torch": torch.__version__,
        "held_out": options.held,
        "nats_a_token": {
            f"{name}, notes at the head: {vectors}": round(trainer.measure(some, vectors), 4)
            for name, some in held.items()
            for vectors in ("none", "own", "other")
        },
        "id": head_id(content),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{options.name}.safetensors").write_bytes(content)
    (options.out / f"{options.name}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record))
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="fuse_notes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--data", type=Path, required=True, help=f"folder with {FILE}")
    made.add_argument("--out", type=Path, required=True, help="folder for the head")
    made.add_argument("--name", default="knowledge", help="name of the head's files")
    made.add_argument("--examples", type=int, default=700, help="questions to learn from")
    made.add_argument("--held", type=int, default=40, help="questions held out with the notes' text, and without")
    made.add_argument("--withheld", type=float, default=0.5, help="share of questions without the notes' text")
    made.add_argument("--inner", type=int, default=576, help="hidden units of the source")
    made.add_argument("--steps", type=int, default=400)
    made.add_argument("--batch", type=int, default=8, help="questions a step")
    made.add_argument("--learning-rate", type=float, default=1e-3)
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--seed", type=int, default=0)
    return made


def _count(done: int) -> None:
    if done % 50 == 0:
        print(f"{done} questions", flush=True)


def _tell(step: int, loss: float) -> None:
    if step % 20 == 0:
        print(f"step {step}, loss {loss:.3f}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
