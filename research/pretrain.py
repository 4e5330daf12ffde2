"""The training command of the interactive transformer: `python -m research.pretrain STAGE ...`.

text      from scratch on any text, segments in order, memory carried over
triples   on (context, feedback, reply) triples, maximising P(reply | context, feedback)
segments  fine-tune any pre-trained causal language model on segments with carried, stop-gradient memory
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from research.pretraining.comments import commented_dialogues, commented_prose
from research.pretraining.corpus import (
    read_dialogues,
    read_documents,
    read_turns,
    split_documents,
    token_stream,
)
from research.pretraining.curves import read_records
from research.pretraining.tasks import SegmentTask, TextTask, TripleTask
from research.pretraining.trainer import FEEDBACK_PATH, Task, TrainingPlan, train
from research.pretraining.triples import Triple, damaged_triples, edit_triple, read_human_edits
from research.pretraining.vocabulary import train_vocabulary
from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
)

EDITS = "human_edits_dev.jsonl.gz"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; the trained model, its tokenizer, the curves and training.json end up in --out."""
    options = parser().parse_args(arguments)
    torch.manual_seed(options.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    model, tokenizer, task = STAGES[options.stage](options)
    torch.nn.Module.to(model, options.device)  # transformers types its own `to` wrongly
    plan = TrainingPlan(
        steps=options.steps,
        learning_rate=options.learning_rate,
        warmup=min(options.warmup, options.steps),
        precision=options.precision,
        evaluate_every=options.evaluate_every,
        save_every=options.save_every,
        feedback_rate=getattr(options, "feedback_rate", 1.0),
    )
    seconds = train(model, task, plan, options.out / "run")
    model.save_pretrained(options.out)
    tokenizer.save_pretrained(options.out)
    records = read_records(options.out / "run")
    summary = {
        "command": "python -m research.pretrain " + shlex.join(arguments or sys.argv[1:]),
        "seed": options.seed,
        "parameters": sum(p.numel() for p in model.parameters()),
        "seconds": round(seconds, 1),
        "torch": torch.__version__,
        "loss": records[-1]["loss"],
        "held_out": next((r["held_out"] for r in reversed(records) if "held_out" in r), None),
    }
    (options.out / "training.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(summary))
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="pretrain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stages = top.add_subparsers(dest="stage", required=True)
    text = stages.add_parser("text", help="pre-train from scratch")
    text.add_argument("--text", type=Path, nargs="+", required=True, help="files or folders")
    text.add_argument("--dialogues", type=Path, nargs="*", default=[], help="JSON lines, written as chats")
    text.add_argument("--tokenizer", type=Path, help="a saved tokenizer (default: train one on the text)")
    text.add_argument("--vocabulary", type=int, default=4096, help="tokens of a newly trained tokenizer")
    text.add_argument("--config", default="{}", help="fields of InteractiveTransformerConfig as JSON")
    triples = stages.add_parser("triples", help="train on feedback triples")
    triples.add_argument("--model", type=Path, required=True, help="what `text` saved")
    triples.add_argument("--data", type=Path, help=f"folder with {EDITS}; two thirds of it are trained on")
    triples.add_argument("--text", type=Path, nargs="*", default=[], help="text to make triples from")
    triples.add_argument("--dialogues", type=Path, nargs="*", default=[], help="JSON lines; comments by rules")
    triples.add_argument("--made", type=int, default=20_000, help="how many triples made by rules from each source")
    triples.add_argument("--repeat", type=int, default=4, help="weight of a human triple among the made")
    triples.add_argument("--limit", type=int, default=128, help="most tokens of context, feedback, reply each")
    triples.add_argument("--in-prompt", action="store_true", help="feedback as a message, not to the encoder")
    triples.add_argument(
        "--heads-only",
        action="store_true",
        help="train the feedback encoder and the fusion alone: what is said without feedback stays as it was",
    )
    triples.add_argument("--withhold", type=float, default=0.2, help="share of rows that get no feedback")
    triples.add_argument("--feedback-rate", type=float, default=1.0, help="factor to the feedback path's rate")
    triples.add_argument("--config", default="{}", help="fields to change in the model's configuration")
    segments = stages.add_parser("segments", help="fine-tune a pre-trained model with carried memory")
    segments.add_argument("--model", required=True, help="any causal language model, id or path")
    segments.add_argument("--text", type=Path, nargs="+", required=True, help="files or folders")
    for stage in (text, segments):
        stage.add_argument("--segment", type=int, default=64, help="tokens a segment")
        stage.add_argument("--memory", type=int, default=64, help="tokens kept from the segments before")
    for stage in (text, triples, segments):
        stage.add_argument("--out", type=Path, required=True)
        stage.add_argument("--steps", type=int, required=True)
        stage.add_argument("--batch", type=int, default=16)
        stage.add_argument("--learning-rate", type=float, default=1e-3)
        stage.add_argument("--warmup", type=int, default=100, help="steps")
        stage.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
        stage.add_argument("--evaluate-every", type=int, default=0, help="steps; 0: never")
        stage.add_argument("--save-every", type=int, default=200, help="steps")
        stage.add_argument("--device", default="cpu")
        stage.add_argument("--threads", type=int, default=0, help="torch threads; 0: its own choice")
        stage.add_argument("--seed", type=int, default=0)
    return top


def text_stage(options: argparse.Namespace) -> tuple[PreTrainedModel, Any, Task]:
    """A new model and its text."""
    documents, held_documents = split_documents(
        chain(read_documents(options.text), *(read_dialogues(path) for path in options.dialogues))
    )
    path = options.tokenizer or (options.out if (options.out / "tokenizer.json").exists() else None)
    if path is None:
        tokenizer = train_vocabulary((d.text for d in documents), options.vocabulary)
        tokenizer.save_pretrained(options.out)
    else:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(path)
    end = tokenizer.convert_tokens_to_ids("<|end|>")
    config = InteractiveTransformerConfig(
        **{
            "vocab_size": len(tokenizer),
            "memory_length": options.memory,
            "bos_token_id": tokenizer.eos_token_id,
            "eos_token_id": [tokenizer.eos_token_id, end],
            "pad_token_id": tokenizer.pad_token_id,
        }
        | json.loads(options.config)
    )
    ids, held = token_stream(tokenizer, documents), token_stream(tokenizer, held_documents)
    if options.evaluate_every:
        held = held[: 8 * 1024 + 1]  # the curve only needs a sample; evaluation reads all of it
    task = TextTask(ids, held if options.evaluate_every else None, options.batch, options.segment, options.memory)
    return InteractiveTransformerForCausalLM(config), tokenizer, task


def human_triples(folder: Path) -> tuple[list[Triple], list[Triple]]:
    """(training two thirds, held-out third) of the human edits: every third record is held out."""
    records = read_human_edits(folder / EDITS)
    train_records = [r for number, r in enumerate(records) if number % 3 != 2]
    train_triples = [t for r in train_records if (t := edit_triple(r)) is not None]
    return train_triples, [t for r in records[2::3] if (t := edit_triple(r)) is not None]


def made_triples(
    texts: Sequence[str], dialogues: Sequence[Sequence[str]], count: int, seed: int, sentences: int = 2
) -> list[Triple]:
    """Triples made by rules: damaged and commented ones from prose, half each, and as many from dialogues."""
    triples: list[Triple] = []
    if texts:
        triples += damaged_triples(texts, count - count // 2, seed, sentences)
        triples += commented_prose(texts, count // 2, seed, sentences)
    if dialogues:
        triples += commented_dialogues(dialogues, count, seed)
    return triples


def training_passages(folder: Path) -> list[str]:
    """The passages of training records: prose of the kind that people's edits are about."""
    records = [r for number, r in enumerate(read_human_edits(folder / EDITS)) if number % 3 != 2]
    return [" ".join(passage[1:]) for record in records for passage in record["passages"]]


def triple_stage(options: argparse.Namespace) -> tuple[PreTrainedModel, Any, Task]:
    """A pre-trained interactive transformer and its triples."""
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    changes = json.loads(options.config)
    model = InteractiveTransformerForCausalLM.from_pretrained(options.model, dtype=torch.float32, **changes)
    if options.heads_only:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name.startswith(FEEDBACK_PATH))
    texts = [document.text for document in read_documents(options.text)]
    triples: list[Triple] = []
    held: list[Triple] = []
    if options.data:
        human, held = human_triples(options.data)
        triples += human * options.repeat
        texts += training_passages(options.data)
    dialogues = [turns for path in options.dialogues for turns in read_turns(path)]
    triples += made_triples(texts, dialogues, options.made, options.seed)
    if not triples:
        raise SystemExit("nothing to train on: give --data, --text or --dialogues")
    task = TripleTask(
        tokenizer,
        triples,
        held,
        options.batch,
        options.limit,
        withhold=options.withhold,
        in_prompt=options.in_prompt,
        seed=options.seed,
    )
    return model, tokenizer, task


def segment_stage(options: argparse.Namespace) -> tuple[PreTrainedModel, Any, Task]:
    """Any pre-trained model and its text."""
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    documents, held_documents = split_documents(read_documents(options.text))
    ids, held = token_stream(tokenizer, documents), token_stream(tokenizer, held_documents)
    sample = held[: options.batch * 1024 + 1] if options.evaluate_every else None
    return model, tokenizer, SegmentTask(ids, sample, options.batch, options.segment, options.memory)


STAGES = {"text": text_stage, "triples": triple_stage, "segments": segment_stage}


if __name__ == "__main__":
    raise SystemExit(main())
