"""Trains the encoder of properties: `python -m research.properties.train --data FILE… --test FILE --export FILE`.

FILEs hold one property a line: its `family` (properties of one kind of thing, easily confused), `subjects`, `values`,
and many wordings of it, `statements` with {s} and {v} and `questions` with {s}. What is learned: that two wordings of
one property lie together and apart from those of its family, whatever the value (supervised contrastive loss, Khosla et
al. 2020, equation 2). Embeddings and lower layers of the sentence encoder stay as published.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from services.knowledge.domain.slots import property_text
from services.knowledge.domain.statements import read_statement
from services.knowledge.domain.vectors import Vectors
from services.models.arithmetic import computes_in_bf16
from services.models.encoder_files import encoder_folder
from services.models.int8_rows import save_int8
from services.models.sentence_encoder import SentenceEncoder

SPLIT = 3  # layers below stay as published
QUESTIONS, BARE = 0.15, 0.2  # shares of questions, and of statements without their value
SHARED = 0.25  # share of draws in which a family's properties have one value


@dataclass(frozen=True)
class Property:
    """One property in many words."""

    subjects: tuple[str, ...]
    values: tuple[str, ...]
    statements: tuple[str, ...]
    questions: tuple[str, ...]


def read_properties(files: Sequence[Path]) -> list[list[Property]]:
    """The properties of each family."""
    families: dict[tuple[Path, str], list[Property]] = defaultdict(list)
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            lists = [tuple(one[name]) for name in ("subjects", "values", "statements", "questions")]
            families[file, one["family"]].append(Property(*lists))
    return list(families.values())


def stated(statement: str, subject: str, value: str, read: bool) -> str:
    """A statement as the service compares it; `read`: as `read_statement` reads it, where it does."""
    if read:
        text = statement.replace("{s}", subject).replace("{v}", value)
        reading = read_statement(text[0].upper() + text[1:])
        if reading is not None and value in reading.value:
            return property_text(reading.relation, reading.value)
    return property_text(bare(statement), value)


def bare(statement: str) -> str:
    """A statement's words without subject and value."""
    rest = re.sub(r"(?<!\w)['’]s\b", " ", statement.replace("{s}", " ").replace("{v}", " "))
    return " ".join(rest.replace(",", " ").split())


def asked(question: str) -> str:
    """A question without the subject."""
    return " ".join(question.replace("{s}'s", " ").replace("{s}", " ").split())


class Encoder(nn.Module):
    """The published sentence encoder, its upper layers to be trained."""

    def __init__(self) -> None:
        super().__init__()
        folder = encoder_folder()
        self.model = AutoModel.from_pretrained(folder, attn_implementation="sdpa")
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model.requires_grad_(False)
        for layer in self.model.encoder.layer[SPLIT:]:
            layer.requires_grad_(True)

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors `[texts, dimensions]`."""
        tokens = self._tokenizer(list(texts), padding=True, truncation=True, max_length=48, return_tensors="pt")
        hidden = self.model(**tokens).last_hidden_state.float()
        weight = tokens["attention_mask"].unsqueeze(-1).float()
        return functional.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1)

    def learned(self) -> dict[str, Tensor]:
        """What training changes, by the names of the published file."""
        return {name: weight.detach() for name, weight in self.model.named_parameters() if weight.requires_grad}


def draw(
    families: Sequence[Sequence[Property]], count: int, each: int, dice: random.Random
) -> tuple[list[str], list[int]]:
    """Texts of all properties of `count` families, `each` of a property, and the property's number for each."""
    texts: list[str] = []
    labels: list[int] = []
    for number, family in enumerate(dice.sample(families, count)):
        shared = dice.choice(dice.choice(family).values)
        for place, one in enumerate(family):
            for _ in range(each):
                kind = dice.random()
                value = shared if dice.random() < SHARED and shared in one.values else dice.choice(one.values)
                statement = dice.choice(one.statements)
                if kind < QUESTIONS:
                    texts.append(asked(dice.choice(one.questions)))
                elif kind < QUESTIONS + BARE:
                    texts.append(bare(statement))
                else:
                    texts.append(stated(statement, dice.choice(one.subjects), value, dice.random() < 0.6))
                labels.append(1000 * number + place)
    return texts, labels


def loss(vectors: Tensor, labels: Sequence[int], temperature: float) -> Tensor:
    """Mean over texts of the negative log share that texts of the same property have among all others."""
    kinds = torch.tensor(labels)
    itself = torch.eye(len(kinds), dtype=torch.bool)
    same = (kinds[:, None] == kinds) & ~itself
    scores = (vectors @ vectors.T / temperature).masked_fill(itself, float("-inf"))
    shares = scores - torch.logsumexp(scores, 1, keepdim=True)
    return -(shares.masked_fill(~same, 0.0).sum(1) / same.sum(1)).mean()


def train(families: Sequence[Sequence[Property]], options: argparse.Namespace) -> Encoder:
    """The encoder after `options.steps` steps; the rate rises and falls linearly."""
    torch.manual_seed(options.seed)
    dice, encoder = random.Random(options.seed), Encoder()
    weights = [weight for weight in encoder.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=options.rate, weight_decay=0.01)
    begun = time.monotonic()
    encoder.train()
    for step in range(options.steps):
        optimiser.param_groups[0]["lr"] = options.rate * min(1.0, (step + 1) / 50) * (1 - step / options.steps)
        texts, labels = draw(families, options.families, options.each, dice)
        with torch.autocast("cpu", torch.bfloat16, enabled=computes_in_bf16()):
            vectors = encoder(texts)
        value = loss(vectors, labels, options.temperature)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if step % 50 == 49:
            print(f"step {step + 1}, {time.monotonic() - begun:.0f} s, loss {value.item():.3f}", flush=True)
    return encoder.eval()


def told_apart(encoder: SentenceEncoder, families: Sequence[Sequence[Property]]) -> dict[str, float]:
    """How surely two wordings of one property are liker than two of different ones of a family, and a statement to its
    own questions than to others': the area under the curve, every statement with a value of its own."""
    dice = random.Random(0)
    same: dict[str, list[Vectors]] = defaultdict(list)
    other: dict[str, list[Vectors]] = defaultdict(list)
    for family in families:
        said = [
            encoder.encode(
                [stated(x, dice.choice(one.subjects), dice.choice(one.values), True) for x in one.statements]
            )
            for one in family
        ]
        questions = [encoder.encode([asked(x) for x in one.questions]) for one in family]
        for place, vectors in enumerate(said):
            same["statements"].append((vectors @ vectors.T)[np.triu_indices(len(vectors), 1)])
            same["questions"].append((vectors @ questions[place].T).ravel())
            for at in range(len(said)):
                if at != place:
                    other["statements"].append((vectors @ said[at].T).ravel())
                    other["questions"].append((vectors @ questions[at].T).ravel())
    return {name: round(_area(np.concatenate(same[name]), np.concatenate(other[name])), 4) for name in same}


def _area(higher: Vectors, lower: Vectors) -> float:
    """The chance that one of `higher` is above one of `lower`."""
    ranks = np.concatenate([higher, lower]).argsort().argsort()[: len(higher)] + 1.0
    return float((ranks.sum() - len(higher) * (len(higher) + 1) / 2) / (len(higher) * len(lower)))


def main() -> None:
    """Parses the command line, trains, exports, and says how properties of the test file are told apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", type=Path, required=True)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--export", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=350)
    parser.add_argument("--families", type=int, default=4, help="of a step")
    parser.add_argument("--each", type=int, default=3, help="texts of each property")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--temperature", type=float, default=0.07)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    families = read_properties(options.data)
    about = {"properties": sum(map(len, families)), "steps": options.steps, "seed": options.seed}
    save_int8(train(families, options).learned(), options.export, about)
    if options.test:
        published = SentenceEncoder.load()
        held_out = read_properties([options.test])
        found = {"published": told_apart(published, held_out)}
        print(json.dumps(found | {"trained": told_apart(published.tuned(options.export), held_out)}))


if __name__ == "__main__":
    main()
