"""The arms of the interactive transformer's evaluation: which models are trained, all at equal compute."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from services.finetune.pretraining.corpus import Document, read_documents, split_documents, token_stream
from services.finetune.pretraining.tasks import TextTask
from services.finetune.pretraining.trainer import TrainingPlan, train
from services.finetune.pretraining.vocabulary import train_vocabulary
from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
)
from services.models.interactive_transformer.compute import training_flops

SEGMENT = 64
TOKENS_A_STEP = 1024
VOCABULARY = 1024
BODY = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4}
HELD_OUT_TOKENS = 16_400


@dataclass(frozen=True)
class Arm:
    """One model: how it differs from the reference, and how it reads."""

    name: str
    memory: int = 64
    segment: int = SEGMENT
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


REFERENCE = Arm("memory 64")
MISSION = {"positions": "absolute", "fusion": "literal", "feedback_encoder": "mean", "max_position_embeddings": 64}
ARMS = [
    REFERENCE,
    Arm("no memory", memory=0),
    Arm("no memory, segments of 128", memory=0, segment=128),
    Arm("the mission's model", memory=0, fields=MISSION),
    Arm("literal layers", fields={"layer_form": "literal"}),
    Arm("shared layers", fields={"num_unique_layers": 1}),
    Arm("window 32", fields={"attention_window": 32}),
    Arm("memory 128", memory=128),
]


@dataclass(frozen=True)
class Corpus:
    """Token ids for training, and held-out ids by kind of text."""

    tokenizer: Any
    train: NDArray[np.int32]
    held: dict[str, NDArray[np.int32]]

    @property
    def held_mixed(self) -> NDArray[np.int32]:
        """A little of every kind, for the curves."""
        return np.concatenate([ids[:2700] for ids in self.held.values()])


def load_corpus(paths: list[Path], out: Path) -> Corpus:
    """Read, split and tokenise the text once; later calls with the same `out` read the result."""
    folder = out / "corpus"
    if not (folder / "train.npy").exists():
        train_documents, held_documents = split_documents(read_documents(paths))
        tokenizer = train_vocabulary((d.text for d in train_documents), VOCABULARY)
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer.save_pretrained(folder)
        for kind in sorted({d.kind for d in held_documents}):
            of_kind: list[Document] = [d for d in held_documents if d.kind == kind]
            ids = token_stream(tokenizer, of_kind)
            if len(ids) >= 8 * SEGMENT * 4:
                np.save(folder / f"held.{kind}.npy", ids[:HELD_OUT_TOKENS])
        np.save(folder / "train.npy", token_stream(tokenizer, train_documents))
    held = {path.name.split(".")[1]: np.load(path) for path in sorted(folder.glob("held.*.npy"))}
    return Corpus(PreTrainedTokenizerFast.from_pretrained(folder), np.load(folder / "train.npy"), held)


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
    """The arm's model at `steps` reference steps of compute, trained now or read from an earlier call."""
    folder = arm_folder(arm, out, steps, seed)
    if (folder / "model.safetensors").exists():
        return InteractiveTransformerForCausalLM.from_pretrained(folder).eval()
    torch.manual_seed(seed)
    model = InteractiveTransformerForCausalLM(arm.config())
    own = steps_of(arm, steps)
    plan = TrainingPlan(steps=own, learning_rate=2e-3, evaluate_every=max(1, own // 4), save_every=50)
    batch = TOKENS_A_STEP // arm.segment
    task = TextTask(corpus.train, corpus.held_mixed, batch, arm.segment, arm.memory)
    seconds = train(model, task, plan, folder)
    model.save_pretrained(folder)
    (folder / "arm.json").write_text(json.dumps({"steps": own, "seconds": seconds, "seed": seed}) + "\n")
    return model.eval()
