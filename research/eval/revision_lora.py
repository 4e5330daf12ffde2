"""The rival of the fusion head: `python -m research.eval.revision_lora --data DIR --fit DIR --out HEADS --seconds N`.

Low-rank pairs (LoRA) of as many weights as the head, trained on the head's own examples: --fit is the folder in which
`research.fuse` keeps the base model's replies. The prompt is the service's own with draft and feedback in it,
the loss is taken over the edited reply. A call goes on from the checkpoint of the one before for at most --seconds and
writes the pairs as they stand as HEADS/lora.safetensors, with lora.json beside it; arm A1L of `research.eval.revision`
reads them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from services.finetune.fusing.corpus import human_examples, rule_examples, split
from services.finetune.fusing.dataset import AGAIN, MOST_TOKENS
from services.finetune.settings import FinetuneSettings
from services.finetune.training.lora import LoraSettings, LoraTrainer, computes_in_bfloat16
from services.finetune.training.loss import Sample
from services.finetune.training.texts import Texts
from services.models.adapter import adapter_of, write_adapter

RANK = 10
"""3.05 million weights on SmolLM2-135M; the head has 2.96."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train for a while and write what there is."""
    options = parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    settings = FinetuneSettings()
    texts = Texts(settings.model, settings.cache_dir, settings.system_text)
    samples = samples_of(texts, options)
    bfloat16 = computes_in_bfloat16("auto")
    plan = LoraSettings(rank=RANK, alpha=2 * RANK, max_steps=options.steps, batch_size=4, bfloat16=bfloat16)
    trainer = LoraTrainer(texts.load(), samples, plan)
    checkpoint, record = options.out / "lora.checkpoint", options.out / "lora.json"
    before = 0.0
    if checkpoint.is_file():
        trainer.resume(checkpoint.read_bytes())
        before = json.loads(record.read_text(encoding="utf-8"))["seconds"]
    started, losses = time.monotonic(), list[float]()

    def on_step(step: int, loss: float) -> bool:
        losses.append(loss)
        if step % 10 == 0:
            print(f"step {step}, loss {sum(losses[-10:]) / len(losses[-10:]):.3f}", flush=True)
        return bool(time.monotonic() - started < options.seconds)

    trainer.run(on_step)
    trainer.model.eval()
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint.write_bytes(trainer.checkpoint())
    (options.out / "lora.safetensors").write_bytes(write_adapter(adapter_of(trainer.model, texts.base_version)))
    about = {
        "parameters": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        "examples": len(samples),
        "steps": trainer.step,
        "of": options.steps,
        "examples_seen": trainer.step * plan.batch_size,
        "seconds": round(before + time.monotonic() - started, 1),
    }
    record.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(about))


def samples_of(texts: Texts, options: argparse.Namespace) -> list[Sample]:
    """The head's training examples as a prompt with draft and feedback, and the edited reply with its end."""
    made = [*rule_examples(options.fit / "replies.jsonl", options.examples, 0)]
    made += human_examples(options.data / "feedback")[: options.human]
    learned, _ = split(made, 0.06, 0)
    return [
        Sample(
            texts.revision(one.prompt, one.draft, AGAIN.format(comment=one.comment)),
            texts.reply(one.target, MOST_TOKENS),
        )
        for one in learned
    ]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, required=True)
    made.add_argument("--fit", type=Path, required=True, help="the folder in which the head was trained")
    made.add_argument("--out", type=Path, required=True, help="the folder of heads that the evaluation reads")
    made.add_argument("--examples", type=int, default=1700, help="as the head's")
    made.add_argument("--human", type=int, default=60, help="as the head's")
    made.add_argument("--steps", type=int, default=350, help="of four examples, over all calls")
    made.add_argument("--seconds", type=float, default=1e9)
    made.add_argument("--threads", type=int, default=1)
    return made


if __name__ == "__main__":
    main()
