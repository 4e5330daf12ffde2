"""Trains the evidence reader: `python -m research.evidence.train --shops FOLDER --sgd FILE --out FILE`.

Questions come from companies that were written for it (`shops`), from companies made up by rules (`worlds`) and, where
`--sgd` names the training dialogues of Schema-Guided Dialogue, from people's own questions there: what the assistant
says next answers them, what it says elsewhere in the dialogue does not. The lower layers stay the sentence encoder's,
so the reader shares them with it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from research.evidence.lexicon import Property, properties, trades
from research.evidence.shops import Pool, drawn, read_pools
from research.evidence.worlds import Example, build_world, examples
from services.models.evidence_reader import DEPTH, MAX_PIECES, READER, Head, joint_logits
from services.models.int8_rows import read_int8, save_int8
from services.models.sentence_encoder import SentenceEncoder

UNSEEN = 14
"""Properties held back beside the trades that are, to see how the reader does on what it was never taught."""
CANDIDATES = 6


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, evaluates on trades and properties held back, writes the reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sgd", type=Path, help="sgd_train.jsonl.gz")
    parser.add_argument("--out", type=Path, default=READER)
    parser.add_argument("--resume", type=Path, help="a reader to go on from")
    parser.add_argument("--shops", type=Path, help="folder of companies, such as research/data/shops")
    parser.add_argument("--share", type=float, default=0.8, help="share of the questions that --shops gives")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--rate", type=float, default=1.5e-4)
    parser.add_argument("--questions", type=int, default=8, help="questions a step")
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    rng = random.Random(options.seed)
    known, unseen = split(rng)
    stream = mixed(known, read_sgd(options.sgd, rng) if options.sgd else [], rng)
    held: list[Pool] = []
    if options.shops:
        taught, held = read_pools(options.shops, SentenceEncoder.load())
        stream = blended(drawn(taught, CANDIDATES + 2, rng), stream, options.share, rng)
        print(f"{len(taught)} questions to companies, {len(held)} held back", flush=True)
    encoder = SentenceEncoder.load(precision="fp32")
    head, trained = trainable(encoder, options.resume)
    lower = LowerStates(encoder)
    about = {"seed": options.seed, "rate": options.rate, "steps": options.steps, "questions": options.questions}
    options.out.parent.mkdir(parents=True, exist_ok=True)

    def save() -> None:
        weights = layer_weights(encoder) | head.weights()
        save_int8({name: tensor.detach() for name, tensor in weights.items()}, options.out, about)

    some = random.Random(3).sample(held, min(len(held), 160))

    def check() -> None:
        if some:
            print({name: round(value, 3) for name, value in of_shops(lower, encoder, head, some).items()}, flush=True)
        save()

    train(lower, encoder, head, trained, stream, options.steps, options.rate, options.questions, check)
    about |= evaluate(lower, encoder, head, known, unseen, random.Random(5)) | of_shops(lower, encoder, head, held)
    save()
    print(json.dumps({"figures": about}))


def split(rng: random.Random) -> tuple[list[Property], list[Property]]:
    """(properties to train on, properties held back)."""
    every = properties()
    unseen = set(rng.sample([one.name for one in every], UNSEEN))
    return [one for one in every if one.name not in unseen], [one for one in every if one.name in unseen]


def mixed(known: list[Property], dialogues: list[Example], rng: random.Random) -> Iterator[Example]:
    """Questions without end: three of four from invented companies, the others from dialogues."""
    shops = [one for one in trades() if not one.held_out]
    while True:
        worlds = [build_world(rng.choice(shops), known, rng) for _ in range(12)]
        made = [one for world in worlds for one in examples(world, worlds, known, rng, 24, CANDIDATES)]
        if dialogues:
            made += rng.sample(dialogues, min(len(dialogues), len(made) // 3))
        rng.shuffle(made)
        yield from made


def blended(ones: Iterator[Example], others: Iterator[Example], share: float, rng: random.Random) -> Iterator[Example]:
    """Examples of the first stream and, for the rest of its share, of the second."""
    while True:
        yield next(ones if rng.random() < share else others)


def read_sgd(file: Path, rng: random.Random) -> list[Example]:
    """Questions of users that ask for slots, with the assistant's answer and other things it says."""
    questions = []
    with gzip.open(file, "rt") as lines:
        for line in lines:
            questions += list(_dialogue(json.loads(line)["turns"], rng))
    return questions


def _dialogue(turns: list[dict[str, Any]], rng: random.Random) -> Iterator[Example]:
    said = [(turn["text"], _informed(turn)) for turn in turns if turn["speaker"] == "SYSTEM" and _informed(turn)]
    for turn, answer in pairwise(turns):
        if turn["speaker"] != "USER":
            continue
        asked = {(s, slot) for s, state in turn["state"].items() for slot in state.get("requested", ())}
        told = _informed(answer)
        if len(asked) != 1 or not asked & told:
            continue
        wrong = [text for text, slots in said if not slots & asked]
        chosen = [(answer["text"], True), *((text, False) for text in rng.sample(wrong, min(5, len(wrong))))]
        if rng.random() < 0.25:
            chosen = chosen[1:]
        rng.shuffle(chosen)
        service = next(iter(asked))[0].partition("_")[0]
        texts = tuple(f"{service}: {text}" if rng.random() < 0.5 else text for text, _ in chosen)
        if texts:
            yield Example(turn["text"], texts, tuple(right for _, right in chosen), "dialogue")


def _informed(turn: dict[str, Any]) -> set[tuple[str, str]]:
    return {(s, slot) for s, act, slot, _ in turn.get("acts", ()) if act in ("INFORM", "OFFER", "CONFIRM") and slot}


def trainable(encoder: SentenceEncoder, resumed: Path | None = None) -> tuple[Head, list[Tensor]]:
    """A head, fresh or that of a reader to go on from, and the tensors to train: the encoder's upper layers."""
    width, inner = encoder.dimensions, 192
    head = Head(
        segment=torch.zeros(2, width),
        inner=torch.randn(inner, 4 * width) * (4 * width) ** -0.5,
        inner_bias=torch.zeros(inner),
        outer=torch.randn(1, inner) * inner**-0.5,
        outer_bias=torch.tensor([-1.0]),
    )
    if resumed is not None:
        encoder.bert = encoder.tuned(resumed).bert
        head = Head.of(read_int8(resumed)[0])
    tensors: list[Tensor] = []
    for layer in encoder.bert.layers[DEPTH:]:
        for field in fields(layer):
            part = getattr(layer, field.name)
            tensors += part if isinstance(part, tuple) else [part]
    for tensor in [*tensors, *head.weights().values()]:
        tensor.requires_grad_()
    return head, tensors


def layer_weights(encoder: SentenceEncoder) -> dict[str, Tensor]:
    """The trained layers by their names in a BERT file."""
    weights: dict[str, Tensor] = {}
    for number, layer in enumerate(encoder.bert.layers[DEPTH:], DEPTH):
        prefix = f"encoder.layer.{number}."
        for kind in ("weight", "bias"):
            for part, tensor in zip(("query", "key", "value"), getattr(layer, f"qkv_{kind}").chunk(3), strict=True):
                weights[f"{prefix}attention.self.{part}.{kind}"] = tensor
            weights[f"{prefix}attention.output.dense.{kind}"] = getattr(layer, f"out_{kind}")
            weights[f"{prefix}intermediate.dense.{kind}"] = getattr(layer, f"up_{kind}")
            weights[f"{prefix}output.dense.{kind}"] = getattr(layer, f"down_{kind}")
        for at, kind in enumerate(("weight", "bias")):
            weights[f"{prefix}attention.output.LayerNorm.{kind}"] = layer.out_norm[at]
            weights[f"{prefix}output.LayerNorm.{kind}"] = layer.down_norm[at]
    return weights


class LowerStates:
    """What the layers that are not trained make of texts, kept for the next time."""

    def __init__(self, encoder: SentenceEncoder, kept: int = 30_000) -> None:
        self._encoder = encoder
        self._room = kept
        self._states: dict[str, Tensor] = {}

    def of(self, texts: Sequence[str]) -> list[Tensor]:
        """bfloat16 [pieces, width] each."""
        new = [text for text in dict.fromkeys(texts) if text not in self._states]
        fresh: dict[str, Tensor] = {}
        if new:
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                states = self._encoder.lower_states(new, DEPTH, MAX_PIECES, 64)
            fresh = {text: state.to(torch.bfloat16).clone() for text, state in zip(new, states, strict=True)}
        rows = [fresh[text] if text in fresh else self._states[text] for text in texts]
        if len(self._states) < self._room:
            self._states |= fresh
        return rows


def batch_logits(lower: LowerStates, encoder: SentenceEncoder, head: Head, batch: Sequence[Example]) -> list[Tensor]:
    """Logits of each question's units."""
    states = lower.of([one.question for one in batch] + [unit for one in batch for unit in one.units])
    pairs = [(states[number], unit) for number, unit in zip(owners(batch), states[len(batch) :], strict=True)]
    order = sorted(range(len(pairs)), key=lambda place: sum(map(len, pairs[place])))
    logits: list[Tensor] = []
    with torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(order), 24):  # rows of a like length are padded little
            some = [pairs[place] for place in order[start : start + 24]]
            logits.append(joint_logits(encoder, head, *zip(*some, strict=True)))
    sorted_logits = torch.cat(logits).float()
    places = torch.tensor(order).argsort()
    return list(torch.split(sorted_logits[places], [len(one.units) for one in batch]))


def owners(batch: Sequence[Example]) -> list[int]:
    """The number of the question that each unit of the batch is a candidate of."""
    return [number for number, one in enumerate(batch) for _ in one.units]


def loss_of(logits: Tensor, answers: Tensor) -> Tensor:
    """Whether each unit answers, and which does if any: the nothing that answers otherwise has logit 0."""
    each = F.binary_cross_entropy_with_logits(logits, answers.float())
    all_with_none = torch.logsumexp(torch.cat([logits, logits.new_zeros(1)]), 0)
    right = torch.logsumexp(logits[answers], 0) if bool(answers.any()) else logits.new_zeros(())
    return each + 0.5 * (all_with_none - right)


def train(lower: LowerStates, encoder: SentenceEncoder, head: Head, layers: list[Tensor], stream: Iterator[Example],
          steps: int, rate: float, questions: int, check: Callable[[], None]) -> None:  # fmt: skip
    """Trains for so many steps; `check` is called now and then."""
    heads = list(head.weights().values())
    groups = [{"params": layers, "lr": rate}, {"params": heads, "lr": 5 * rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    rates = [group["lr"] for group in optimizer.param_groups]
    began, recent = time.process_time(), []
    for step in range(1, steps + 1):
        share = min(1.0, step / 60) * max(0.02, 1 - step / steps)
        for group, full in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = full * share
        batch = list(islice(stream, questions))
        rows = batch_logits(lower, encoder, head, batch)
        losses = [loss_of(row, torch.tensor(one.answers)) for row, one in zip(rows, batch, strict=True)]
        loss = torch.stack(losses).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*layers, *heads], 1.0)
        optimizer.step()
        recent.append(loss.item())
        if step % 25 == 0:
            print(f"step {step} {time.process_time() - began:.0f}s loss {sum(recent[-25:]) / 25:.4f}", flush=True)
        if step % 200 == 0:
            check()


@torch.inference_mode()
def of_shops(lower: LowerStates, encoder: SentenceEncoder, head: Head, pools: Sequence[Pool]) -> dict[str, float]:
    """Of companies held back: how often the best of the units answers, how often it is also said to, and how often
    silence is seen."""
    first = right = silence = silent = 0
    for start in range(0, len(pools), 16):
        batch = [pool.whole() for pool in pools[start : start + 16] if pool.right or pool.wrong]
        for row, pool in zip(batch_logits(lower, encoder, head, batch), batch, strict=True):
            best = int(row.argmax())
            if pool.kind == "near":
                silent += 1
                silence += float(row[best]) <= 0
            else:
                first += pool.answers[best]
                right += pool.answers[best] and float(row[best]) > 0
    answerable = max(1, sum(not pool.near for pool in pools))
    return {"first": first / answerable, "right": right / answerable, "declined": silence / max(1, silent)}


@torch.inference_mode()
def evaluate(lower: LowerStates, encoder: SentenceEncoder, head: Head, known: list[Property], unseen: list[Property],
             rng: random.Random) -> dict[str, float]:  # fmt: skip
    """Of trades held back: how often the best unit answers, and how often silence is seen, for properties that were
    taught and for such that were not."""
    shops = [one for one in trades() if one.held_out]
    figures: dict[str, float] = {}
    for name, said in (("taught", known), ("unseen", unseen + rng.sample(known, 20))):
        worlds = [build_world(rng.choice(shops), said, rng) for _ in range(16)]
        made = [one for world in worlds for one in examples(world, worlds, said, rng, 10, CANDIDATES)]
        if name == "unseen":
            asks = {ask for one in unseen for ask in (a.split("{e}")[0][:12].lower() for a in one.asks)}
            made = [one for one in made if any(start and start in one.question.lower() for start in asks)] or made
        right = declined = answerable = silent = 0
        for start in range(0, len(made), 16):
            batch = made[start : start + 16]
            for row, one in zip(batch_logits(lower, encoder, head, batch), batch, strict=True):
                best = int(row.argmax())
                if any(one.answers):
                    answerable += 1
                    right += one.answers[best] and float(row[best]) > 0
                else:
                    silent += 1
                    declined += float(row[best]) <= 0
        figures |= {f"{name}_right": right / max(1, answerable), f"{name}_declined": declined / max(1, silent)}
    return figures


if __name__ == "__main__":
    main()
