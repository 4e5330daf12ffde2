"""Edits by people that no head has seen: `python -m research.eval.revision_edits --data DIR [--head FILE] [--json]`.

DATA holds feedback/human_edits_dev.jsonl.gz, of which every third record is held out of all training. A corrected
reply is the target and never an input: the model reads the question, the reply and what the annotators said of it (A1),
with the head beside it (A3), with the head and another record's remarks for it (A3-shuffled), or the question alone
with and without the head (A2, A0). Measured are nats per token of the target, apart for what the correction changed
and for the rest; differences with 95 % intervals, bootstrapped over records.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from research.eval.revision_arms import Reader
from services.finetune.fusing.base import FrozenBase
from services.finetune.fusing.codec import TextsCodec
from services.finetune.fusing.corpus import HUMAN, held_out_human_examples
from services.finetune.fusing.dataset import Collector
from services.finetune.fusing.rules import Example
from services.generator.settings import GeneratorSettings
from services.models.feedback_reader import FeedbackReader
from services.models.feedback_vectors import FeedbackVectors
from services.models.fusion import FusionHead, read_head

HEAD = Path("services/models/weights/fusion/feedback.safetensors")
PAIRS = (("A3", "A1"), ("A3", "A3-shuffled"), ("A1", "A0"), ("A2", "A0"))
_TIMES = 2_000


@dataclass
class Read:
    """One record's nats per token under each arm `[tokens]`, and which tokens the correction changed."""

    nats: dict[str, Tensor]
    changed: Tensor


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and report."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, required=True)
    made.add_argument("--head", type=Path, default=HEAD)
    made.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = made.parse_args(arguments)
    settings = GeneratorSettings()
    base = FrozenBase(settings.model, settings.cache_dir, settings.system_text)
    head = read_head(options.head.read_bytes(), base.texts.base_version)
    found = held_out_human_examples(options.data / "feedback")
    records = read_all(base, head, found)
    figures: dict[str, float] = {"records": len(records)}
    print(f"{len(records)} of {HUMAN}")
    for side, which in (("changed", True), ("unchanged", False)):
        for arm in records[0].nats:
            figures[f"{arm}_{side}"] = value = per_token(records, arm, which)
            print(f"{arm:12s} {side:10s} {value:.3f}")
        for one, other in PAIRS:
            value, low, high = difference(records, one, other, which)
            figures |= {f"{one}_less_{other}_{side}": value}
            figures |= {f"{one}_less_{other}_{side}_low": low, f"{one}_less_{other}_{side}_high": high}
            print(f"{one} − {other} {side}: {value:+.3f} [{low:+.3f}, {high:+.3f}]")
    if options.json:
        print(json.dumps({"figures": {name: round(value, 4) for name, value in figures.items()}}))


def read_all(base: FrozenBase, head: FusionHead, examples: Sequence[Example]) -> list[Read]:
    """Every example under every arm."""
    vectors, codec, reader = FeedbackVectors(base.embedding), TextsCodec(base.texts), Reader()
    collector = Collector(base, codec, vectors)
    others = [*examples[len(examples) // 2 :], *examples[: len(examples) // 2]]
    made = []
    for one, other in zip(examples, others, strict=True):
        target = collector.target(one)
        ids = torch.tensor(target)

        def fused(hidden: Tensor, told: Example, target: list[int] = target) -> Tensor:
            read = reader.read(told.comment, told.draft, told.prompt).constraints
            steps = FeedbackReader(codec, told.comment, read)
            said = [steps.step(target[:at]) for at in range(len(target))]
            comment = vectors.comment(steps.comment_ids)
            return head.fuse(hidden, *vectors.batch(said, comment.expand(len(target), -1)))

        with torch.inference_mode():
            asked = base.states(base.texts.prompt(one.prompt), target).float()
            told = base.states(collector.prompt(one), target).float()
            hidden = {
                "A0": asked, "A1": told, "A2": fused(asked, one), "A3": fused(told, one),
                "A3-shuffled": fused(told, other),
            }  # fmt: skip
            nats = {
                arm: torch.nn.functional.cross_entropy(base.logits(states), ids, reduction="none")
                for arm, states in hidden.items()
            }
        made.append(Read(nats, torch.tensor(collector.changed(one, target))))
    return made


def per_token(records: Sequence[Read], arm: str, changed: bool) -> float:
    """Mean nats of the changed or the other tokens of all records."""
    return float(torch.cat([one.nats[arm][one.changed == changed] for one in records]).mean())


def difference(records: Sequence[Read], one: str, other: str, changed: bool) -> tuple[float, float, float]:
    """(mean, low, high) of one arm's nats per token less the other's."""
    sums = [
        (
            float((read.nats[one] - read.nats[other])[read.changed == changed].sum()),
            int((read.changed == changed).sum()),
        )
        for read in records
    ]
    chance = random.Random(0)
    means = sorted(_mean(chance.choices(sums, k=len(sums))) for _ in range(_TIMES))
    return _mean(sums), means[int(0.025 * _TIMES)], means[int(0.975 * _TIMES)]


def _mean(sums: Sequence[tuple[float, int]]) -> float:
    return sum(total for total, _ in sums) / max(1, sum(count for _, count in sums))


if __name__ == "__main__":
    main()
