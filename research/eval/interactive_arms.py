"""The arms of the interactive transformer's evaluation: which models are trained, all at equal compute."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from research.pretraining.corpus import Document, read_documents, token_stream
from research.pretraining.tasks import TextTask
from research.pretraining.trainer import TrainingPlan, train
from research.pretraining.vocabulary import train_vocabulary
from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
)
from services.models.interactive_transformer.compute import forward_flops, training_flops

TOKENS_A_STEP = 1024
VOCABULARY = 1024
LEARNING_RATE = 2e-3
BODY = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4}
PIECE = 4096  # tokens of training text that stay in order
READ = 2048  # tokens of a held-out document that are predicted, from its beginning
FEWEST = 4
SHARE = 10  # one document in so many tests, another one is for choosing


@dataclass(frozen=True)
class Arm:
    """One model: how it differs from the reference, and how it reads (tokens a segment, states kept)."""

    name: str
    segment: int = 64
    memory: int = 0
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """A folder name."""
        return self.name.replace(" ", "-").replace(",", "").replace("'", "")

    def config(self) -> InteractiveTransformerConfig:
        """The model's configuration."""
        return InteractiveTransformerConfig(
            **{"vocab_size": VOCABULARY, "memory_length": self.memory, "fusion": "none", **BODY, **self.fields}
        )


REFERENCE = Arm("memory 64, segments of 64", 64, 64)
NO_MEMORY = [Arm(f"no memory, segments of {length}", length) for length in (32, 64, 128)]
RECURRENCE = [REFERENCE, Arm("memory 96, segments of 32", 32, 96), *NO_MEMORY]


@dataclass(frozen=True)
class Reading:
    """One way of reading held-out text with an arm's model: states kept, tokens read again as context alone."""

    arm: Arm
    memory: int
    overlap: int = 0

    @property
    def name(self) -> str:
        """How the tables call it."""
        if self.overlap:
            return f"{self.arm.name}, read with overlap {self.overlap}"
        return self.arm.name if self.memory == self.arm.memory else f"{self.arm.name}, read with memory {self.memory}"

    @property
    def flops(self) -> float:
        """Floating-point operations a token, keys and values of the memory kept rather than projected anew."""
        once = forward_flops(self.arm.config(), self.arm.segment, self.memory, keep_states=False)
        return once * self.arm.segment / (self.arm.segment - self.overlap)


def readings(arm: Arm) -> list[Reading]:
    """As it was trained, and the ways that give it more context: with memory twice as much of it; without, segments
    that overlap by half, and the states of the segment before, which need no training to be read."""
    if arm.memory:
        return [Reading(arm, arm.memory), Reading(arm, 2 * arm.memory)]
    return [Reading(arm, 0), Reading(arm, 0, arm.segment // 2), Reading(arm, arm.segment)]


MISSION = {
    "positions": "absolute",
    "fusion": "literal",
    "feedback_encoder": "mean",
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
}
ABLATIONS = [
    REFERENCE,
    NO_MEMORY[1],
    Arm("memory 128", 64, 128),
    Arm("window 32", 64, 64, {"attention_window": 32}),
    Arm("one set of weights for all layers", 64, 64, {"num_unique_layers": 1}),
    Arm("literal layers", 64, 64, {"layer_form": "literal"}),
    Arm("fusion literal, tanh(h)", 64, 64, {"fusion": "literal", "feedback_encoder": "mean"}),
    Arm("fusion general, tanh(Wh + b)", 64, 64, {"fusion": "general", "feedback_encoder": "mean"}),
    Arm("contextual encoder, gated fusion", 64, 64, {"fusion": "gated", "feedback_encoder": "contextual"}),
    Arm("the mission's model", 64, 0, MISSION),
]


@dataclass(frozen=True)
class Corpus:
    """Token ids for training; held-out documents by kind, [documents, READ + 1], to choose by and to report on."""

    tokenizer: Any
    train: NDArray[np.int32]
    choosing: dict[str, NDArray[np.int32]]
    testing: dict[str, NDArray[np.int32]]


def parts(documents: Sequence[Document], seed: int = 0) -> tuple[list[Document], list[Document], list[Document]]:
    """(training, choosing, testing): the documents of every kind shuffled, a SHARE-th for each of the last two."""
    result: tuple[list[Document], list[Document], list[Document]] = ([], [], [])
    for kind in sorted({d.kind for d in documents}):
        of_kind = [d for d in documents if d.kind == kind]
        random.Random(f"{seed}.{kind}").shuffle(of_kind)
        for number, document in enumerate(of_kind):
            result[{0: 2, 1: 1}.get(number % SHARE, 0)].append(document)
    return result


def beginnings(tokenizer: Any, documents: Sequence[Document]) -> dict[str, NDArray[np.int32]]:
    """The first READ + 1 tokens of every document that has so many, by kind: [documents, READ + 1] each.

    Kinds of fewer than FEWEST documents are left out: they say nothing about a kind.
    """
    rows: dict[str, list[NDArray[np.int32]]] = {}
    for document in documents:
        ids = tokenizer.encode(document.text, add_special_tokens=False)[: READ + 1]
        if len(ids) == READ + 1:
            rows.setdefault(document.kind, []).append(np.asarray(ids, np.int32))
    return {kind: np.stack(ids) for kind, ids in rows.items() if len(ids) >= FEWEST}


def load_corpus(paths: list[Path], out: Path) -> Corpus:
    """Read, split and tokenise the text once; later calls with the same `out` read the result."""
    folder = out / "corpus"
    if not (folder / "train.npy").exists():
        training, choosing, testing = parts(list(read_documents(paths)))
        tokenizer = train_vocabulary((d.text for d in training), VOCABULARY)
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer.save_pretrained(folder)
        for part, documents in (("choosing", choosing), ("testing", testing)):
            for kind, ids in beginnings(tokenizer, documents).items():
                np.save(folder / f"{part}.{kind}.npy", ids)
        np.save(folder / "train.npy", token_stream(tokenizer, training))

    def held(part: str) -> dict[str, NDArray[np.int32]]:
        return {path.name.split(".")[1]: np.load(path) for path in sorted(folder.glob(f"{part}.*.npy"))}

    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    return Corpus(tokenizer, np.load(folder / "train.npy"), held("choosing"), held("testing"))


def mixed(ids: NDArray[np.int32], seed: int = 0) -> NDArray[np.int32]:
    """The text cut into pieces of PIECE tokens in shuffled order.

    Documents differ in length by a factor of a hundred: read whole, the arms, which stop at different places, would
    have read different shares of each kind of text.
    """
    pieces = ids[: len(ids) // PIECE * PIECE].reshape(-1, PIECE)
    return pieces[np.random.default_rng(seed).permutation(len(pieces))].reshape(-1)


def budget(steps: int) -> float:
    """Floating-point operations that `steps` of the reference take."""
    return steps * TOKENS_A_STEP * training_flops(REFERENCE.config(), REFERENCE.segment, REFERENCE.memory)


def steps_of(arm: Arm, steps: int) -> int:
    """Steps of an arm that cost what `steps` of the reference cost."""
    return round(budget(steps) / (TOKENS_A_STEP * training_flops(arm.config(), arm.segment, arm.memory)))


def arm_folder(arm: Arm, out: Path, steps: int, seed: int) -> Path:
    """Where the arm's model is kept."""
    return out / f"{arm.slug}-{steps}-seed{seed}"


def trained_arm(arm: Arm, corpus: Corpus, out: Path, steps: int, seed: int) -> InteractiveTransformerForCausalLM:
    """The arm's model at `steps` reference steps of compute, trained now or read from an earlier call.

    arm.json beside it says steps, tokens read and seconds of processor time (of an unbroken run).
    """
    folder = arm_folder(arm, out, steps, seed)
    if (folder / "model.safetensors").exists():
        return InteractiveTransformerForCausalLM.from_pretrained(folder).eval()
    torch.manual_seed(seed)
    model = InteractiveTransformerForCausalLM(arm.config())
    own = steps_of(arm, steps)
    plan = TrainingPlan(steps=own, learning_rate=LEARNING_RATE, save_every=500)
    task = TextTask(mixed(corpus.train), None, TOKENS_A_STEP // arm.segment, arm.segment, arm.memory)
    start = time.process_time()
    train(model, task, plan, folder)
    seconds = time.process_time() - start
    model.save_pretrained(folder)
    record = {"steps": own, "tokens": own * TOKENS_A_STEP, "seconds": round(seconds, 1), "seed": seed}
    (folder / "arm.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    return model.eval()


def arm_record(arm: Arm, out: Path, steps: int, seed: int) -> dict[str, Any]:
    """What `trained_arm` wrote down: steps, tokens, seconds, seed."""
    path = arm_folder(arm, out, steps, seed) / "arm.json"
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record
