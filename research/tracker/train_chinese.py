"""Train the Chinese tracker: `python -m research.tracker.train_chinese --data DIR --out FILE [--minutes 25]`.

`--data` holds dialogue_state's files. Of CrossWOZ's 500 dialogues the first 300 are learned from and the next 50 choose
the operations' offsets; the last 150 are not read. A run that was interrupted goes on with `--resume`.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from research.eval.state import exchanges
from research.tracker.chinese_examples import (
    CHOSEN,
    LEARNED,
    Example,
    Varied,
    examples,
    gold_state,
    labelled,
    schema_of,
)
from research.tracker.dialogues import read
from services.common.schema import Schema
from services.models.int8_rows import save_int8
from services.tracker.chinese.network import OPERATIONS, ChineseNetwork
from services.tracker.chinese.tracker import ChineseTracker
from services.tracker.chinese.turns import Alphabet, Batch, batch_of
from services.tracker.chinese.values import plain
from services.tracker.domain.state import State
from services.tracker.domain.tracker import TrackRequest

BATCH = 16
ALIKE = 12
"""Batches whose turns are put in order of their lengths, so that little is padding."""
OFFSETS = (-1.5, -1.0, -0.5, 0.5, 1.0)
UNREAD_CHARACTERS = 0.05
"""The share of characters that training hides, as characters that it never met will be."""
CHECKPOINT_SECONDS = 120


def loss_of(network: ChineseNetwork, batch: Batch, some: Sequence[Example]) -> Tensor:
    """The loss of a batch: operations, and tags a quarter as much, summed over a turn."""
    operations, tags = network(batch)
    wanted = np.full(operations.shape[:2], -100, np.int64)
    wanted_tags = np.full(tags.shape[:3], -100, np.int64)
    for row, example in enumerate(some):
        own, own_tags = labelled(example)
        wanted[row, : len(own)] = own
        wanted_tags[row, : own_tags.shape[0], : own_tags.shape[1]] = own_tags
    first = functional.cross_entropy(operations.flatten(0, 1), torch.from_numpy(wanted).flatten(), reduction="sum")
    second = functional.cross_entropy(tags.flatten(0, 2), torch.from_numpy(wanted_tags).flatten(), reduction="sum")
    return (first + 0.25 * second) / len(some)


def hidden(batch: Batch) -> Batch:
    """The batch with some characters, and pairs of them, hidden."""
    gone = (torch.rand(batch.characters.shape) < UNREAD_CHARACTERS) & (batch.characters > 0)
    no_pair = gone | (torch.rand(batch.pairs.shape) < 2 * UNREAD_CHARACTERS)
    return replace(batch, characters=batch.characters.masked_fill(gone, 1), pairs=batch.pairs.masked_fill(no_pair, 0))


def joint_accuracy(tracker: ChineseTracker, schema: Schema, dialogues: Sequence[dict[str, object]]) -> float:
    """The share of turns, in per cent, whose whole state is right; turn after turn on the tracker's own states."""
    right = turns = 0
    states = {index: State() for index in range(len(dialogues))}
    told = [exchanges(dialogue) for dialogue in dialogues]
    golds = [
        [gold_state(turn) for turn in dialogue["turns"] if turn["speaker"].upper() == "USER"]  # type: ignore[attr-defined]
        for dialogue in dialogues
    ]
    for number in range(max(map(len, told))):
        left = [index for index in states if number < len(told[index])]
        requests = [TrackRequest(schema, states[index], *told[index][number], number + 1) for index in left]
        for index, state in zip(left, tracker.track_many(requests), strict=True):
            states[index] = state
            found = {(service, slot): plain(value.value) for service, slot, value in state.filled()}
            right += found == {key: plain(value) for key, value in golds[index][number].items()}
            turns += 1
    return 100 * right / turns


def choose(
    network: ChineseNetwork, alphabet: Alphabet, schema: Schema, dialogues: Sequence[dict[str, object]]
) -> list[float]:
    """The operations' offsets, one after another, with which the most states of `dialogues` are right."""
    best = [0.0] * len(OPERATIONS)
    most = joint_accuracy(ChineseTracker(network, alphabet, best), schema, dialogues)
    for index, operation in enumerate(OPERATIONS):
        start = list(best)
        for offset in OFFSETS:
            tried = [*start[:index], offset, *start[index + 1 :]]
            accuracy = joint_accuracy(ChineseTracker(network, alphabet, tried), schema, dialogues)
            if accuracy > most:
                best, most = tried, accuracy
        print(f"joint goal accuracy of the choosing dialogues, {operation} chosen: {most:.1f} with {best}", flush=True)
    return best


def batches(learned: Sequence[Example], varied: Varied, draw: random.Random) -> Iterator[list[Example]]:
    """Batches without end, each of turns of about one length, varied anew in every pass."""
    while True:
        order = draw.sample(learned, len(learned))
        for start in range(0, len(order), ALIKE * BATCH):
            some = [varied.vary(example) for example in order[start : start + ALIKE * BATCH]]
            some.sort(key=lambda example: len(example.turn.text))
            groups = [some[first : first + BATCH] for first in range(0, len(some), BATCH)]
            draw.shuffle(groups)
            yield from groups


class Run:
    """A training run: the network, the running average of its weights, and where a checkpoint of both stands."""

    def __init__(self, network: ChineseNetwork, checkpoint: Path, rate: float) -> None:
        self.network, self.checkpoint = network, checkpoint
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.02)
        self.average = {name: weight.detach().clone() for name, weight in network.named_parameters()}
        self.rate, self.step, self.seconds, self.warm = rate, 0, 0.0, 0

    def resume(self) -> None:
        """Goes on from the checkpoint; the optimiser's averages begin anew."""
        with safe_open(self.checkpoint, "pt") as file:
            about = json.loads(file.metadata()["about"])
            own = {name: file.get_tensor(f"own.{name}") for name in self.average}
            self.average = {name: file.get_tensor(f"average.{name}") for name in self.average}
        self.network.load_state_dict(own, strict=False)
        self.step, self.seconds = about["step"], about["seconds"]

    def keep(self) -> None:
        """Writes the checkpoint."""
        own = {f"own.{name}": weight.detach() for name, weight in self.network.named_parameters()}
        average = {f"average.{name}": weight for name, weight in self.average.items()}
        about = {"about": json.dumps({"step": self.step, "seconds": self.seconds})}
        save_file({name: weight.contiguous() for name, weight in (own | average).items()}, self.checkpoint, about)

    def learn(self, loss: Tensor, share: float) -> None:
        """One step, `share` of the run being over."""
        self.warm += 1
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * min(1.0, self.warm / 60) * (1 - share)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        decay = min(0.995, self.step / (self.step + 10))
        for name, weight in self.network.named_parameters():
            self.average[name].lerp_(weight.detach(), 1 - decay)


def train(run: Run, alphabet: Alphabet, some: Iterator[list[Example]], minutes: float) -> None:
    """Trains until `minutes` are over, those before a resumption counted; the network then has the averaged weights."""
    begun, before, kept, seen = time.monotonic(), run.seconds, run.seconds, 0.0
    run.network.train()
    while (share := run.seconds / (60 * minutes)) < 1:
        batch = next(some)
        loss = loss_of(run.network, hidden(batch_of([example.turn for example in batch], alphabet)), batch)
        run.learn(loss, share)
        now = float(loss.detach())
        seen += (now - seen) * 0.05 if seen else now
        run.seconds = before + time.monotonic() - begun
        if run.step % 50 == 0:
            print(f"{run.step * BATCH} turns, {100 * share:.0f} %, loss {seen:.3f}", flush=True)
        if run.seconds - kept > CHECKPOINT_SECONDS:
            run.keep()
            kept = run.seconds
    run.network.load_state_dict(run.average, strict=False)
    run.network.requires_grad_(False)


def main() -> None:
    """Parses the command line, trains, chooses offsets and writes the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint beside --out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    dialogues = list(read(Path(options.data) / "crosswoz_dev.jsonl.gz"))[:CHOSEN]
    schema = schema_of(dialogues, dialogues[:LEARNED])
    learned = [example for dialogue in dialogues[:LEARNED] for example in examples(dialogue, schema)]
    met = Counter(c for example in learned for c in example.turn.text.lower())
    alphabet = Alphabet("".join(sorted(c for c, count in met.items() if count > 1)))
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    run = Run(ChineseNetwork(len(alphabet), options.dropout), out.with_suffix(".checkpoint"), options.rate)
    if options.resume:
        run.resume()
    seed = options.seed + run.step
    train(run, alphabet, batches(learned, Varied(learned, [], seed), random.Random(seed)), options.minutes)
    leanings = choose(run.network, alphabet, schema, dialogues[LEARNED:CHOSEN])
    about = {"characters": alphabet.characters, "leanings": leanings, "turns": run.step * BATCH, "seed": options.seed}
    save_int8(dict(run.network.state_dict()), out, about)


if __name__ == "__main__":
    main()
