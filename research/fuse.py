"""The training command of fusion heads: `python -m research.fuse --data DIR --out DIR`.

DIR holds verifiable_train.jsonl.gz and human_edits_dev.jsonl.gz (two thirds of it are trained on). The base model
replies to the training prompts, rules and people's corrections make edits of the replies, the base model's hidden
states over the edited texts are cached once, and heads are trained on them alone. What a step made lies in --out and is
not made again. Each head ends as HEAD.safetensors with HEAD.json beside it: command, seed, data and figures on held-out
prompts. A head is offered for serving only if it passes its gate: closer to edits than the base model, closer with its
own feedback than with another's, and near the base model where nothing was edited.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from services.finetune.domain.gate import MOST_DRIFT
from services.finetune.fusing.base import FrozenBase
from services.finetune.fusing.codec import TextsCodec
from services.finetune.fusing.corpus import base_replies, human_examples, prompts, rule_examples, split
from services.finetune.fusing.dataset import Collector, Positions
from services.finetune.fusing.trainer import FusionPlan, FusionTrainer, HeadLoss
from services.finetune.settings import FinetuneSettings
from services.models.feedback_vectors import FeedbackVectors, head_config, literal_config
from services.models.fusion import FusionHead, head_id, read_head, write_head


def main(arguments: Sequence[str] | None = None) -> int:
    """Train one head; prints its record."""
    options = parser().parse_args(arguments)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    settings = FinetuneSettings()
    base = FrozenBase(settings.model, settings.cache_dir, settings.system_text)
    vectors = FeedbackVectors(base.embedding)
    codec = TextsCodec(base.texts)
    data, held = _positions(options, base, vectors, codec)
    version, size = base.texts.base_version, base.hidden_size
    literal = options.mode == "literal"
    config = literal_config(size, version) if literal else head_config(size, version, options.inner)
    head = read_head(options.start.read_bytes(), version) if options.start else FusionHead(config)
    head.requires_grad_(True)
    plan = FusionPlan(
        options.steps, options.batch, options.learning_rate, options.unchanged_weight,
        kind_weights={"human": options.human_weight}, seed=options.seed, seconds=options.seconds,
    )  # fmt: skip
    constant = _constant(vectors, data) if options.constant else None
    trainer = FusionTrainer(head, vectors, base.head, codec.masks(), plan, constant)
    started = time.monotonic()
    steps = trainer.train(data, lambda step, loss: _tell(step, loss, started), held)
    record = {
        "command": "python -m research.fuse " + shlex.join(arguments or sys.argv[1:]),
        "seed": options.seed,
        "mode": options.mode + (", constant vectors" if options.constant else ""),
        "parameters": sum(p.numel() for p in head.parameters()),
        "positions": len(data),
        "examples": len(data.kinds),
        "steps": steps,
        "seconds": round(time.monotonic() - started, 1),
        "torch": torch.__version__,
        "held_out": _measures(trainer, held),
    }
    record["gate"] = gate(record["held_out"])
    if constant is not None:  # what every row is given: serving it needs no feedback at all
        save_file(constant, options.out / f"{options.name}.vectors.safetensors")
    content = write_head(head)
    record["id"] = head_id(content)
    (options.out / f"{options.name}.safetensors").write_bytes(content)
    (options.out / f"{options.name}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record))
    return 0


def gate(measured: dict[str, Any]) -> dict[str, bool]:
    """What a head must show on held-out prompts before it is offered for serving."""
    own, base, other = measured["head"], measured["base"], measured["shuffled"]
    return {
        "closer to edits than the base model": own["changed"] < base["changed"],
        "closer with its own feedback than with another's": own["changed"] < other["changed"],
        "near the base model elsewhere": own["drift"] <= MOST_DRIFT,
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="fuse", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--data", type=Path, required=True, help="folder with the feedback files")
    made.add_argument("--out", type=Path, required=True, help="folder for replies, states and heads")
    made.add_argument("--name", default="head", help="name of the head's files")
    made.add_argument("--mode", choices=["gated", "literal"], default="gated")
    made.add_argument("--constant", action="store_true", help="control: every vector is the training set's mean")
    made.add_argument("--start", type=Path, help="head to go on from; its shape stays")
    made.add_argument("--general", type=int, default=64, help="general questions beside the data's prompts")
    made.add_argument("--samples", type=int, default=1, help="replies drawn for a prompt beside the greedy one")
    made.add_argument("--tokens", type=int, default=76, help="most tokens of such a reply")
    made.add_argument("--examples", type=int, default=1700, help="edits made by rule")
    made.add_argument("--human", type=int, default=60, help="corrections by people")
    made.add_argument("--steps", type=int, default=500)
    made.add_argument("--seconds", type=float, default=1e9, help="longest time of training")
    made.add_argument("--inner", type=int, default=160, help="hidden units of the feedback source")
    made.add_argument("--batch", type=int, default=512, help="positions a step")
    made.add_argument("--learning-rate", type=float, default=7e-4)
    made.add_argument("--unchanged-weight", type=float, default=1.5, help="of KL on what no edit changed")
    made.add_argument("--human-weight", type=float, default=0.1, help="of people's corrections among the edits")
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--seed", type=int, default=0)
    return made


def _positions(
    options: argparse.Namespace, base: FrozenBase, vectors: FeedbackVectors, codec: TextsCodec
) -> tuple[Positions, Positions]:
    """(training, held out); made once for an --out folder."""
    options.out.mkdir(parents=True, exist_ok=True)
    replies = options.out / "replies.jsonl"
    asked = prompts(options.data, options.general)
    if not replies.is_file():
        base_replies(base, asked, replies, options.samples, options.tokens, options.seed)
    made = [*rule_examples(replies, options.examples, options.seed), *human_examples(options.data)[: options.human]]
    file = options.out / "states.safetensors"
    known = load_file(file) if file.is_file() else {}
    collector = Collector(base, codec, vectors)
    both = [
        collector.collect(some, options.seed, known=known.get(name), told=_count)
        for name, some in zip(("learned", "held"), split(made, 0.06, options.seed), strict=True)
    ]
    if not known:
        save_file({"learned": both[0].hidden, "held": both[1].hidden}, file)
    return both[0], both[1]


def _measures(trainer: FusionTrainer, held: Positions) -> dict[str, Any]:
    found: dict[str, HeadLoss] = {
        "base": trainer.measure(held, off=True, without={"human"}),
        "head": trainer.measure(held, without={"human"}),
        "shuffled": trainer.measure(held, without={"human"}, shuffled=True),
    }
    return {name: {key: round(value, 4) for key, value in asdict(one).items()} for name, one in found.items()}


def _constant(vectors: FeedbackVectors, data: Positions) -> dict[str, Tensor]:
    """The mean vector of each source over the positions that have it."""
    some = torch.randperm(len(data))[:4000]
    made, present = vectors.batch([data.steps[i] for i in some.tolist()], data.comments[data.example[some]])
    return {name: vector[present[name]].mean(0) for name, vector in made.items()}


def _tell(step: int, loss: float, started: float) -> None:
    if step % 25 == 0:
        print(f"step {step}, loss {loss:.3f}, {time.monotonic() - started:.0f} s", flush=True)


def _count(done: int) -> None:
    if done % 100 == 0:
        print(f"{done} examples", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
