"""The training command of projectors: `python -m research.project --data DIR --out DIR [--source passages]`.

State: DIR holds sgd_train.jsonl.gz and mwz21_train.jsonl.gz, and system replies are learned given the gold state before
them. Passages: DIR holds scifact_corpus.jsonl.gz, and answers are learned given passages (see projecting/passages.py).
The source is there as soft tokens alone in a share of the examples (`--withheld`), beside its text in the others. The
base model is frozen. The projector ends as NAME.safetensors with NAME.json beside it: command, seed, data and losses on
examples that were not trained on (nothing of the dev files is read).
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from research.projecting.dialogues import FILES, StatedReply, draw
from research.projecting.passages import FILE, PassageQuestion, draw_questions
from research.projecting.trainer import ProjectorPlan, ProjectorTrainer, SoftSample
from services.common.notes import noted_text, numbered
from services.finetune.settings import FinetuneSettings
from services.finetune.training.texts import Texts
from services.models.arithmetic import half_or_float
from services.models.language_model import find_model, load_module
from services.models.sentence_encoder import SentenceEncoder
from services.models.soft_prompt import (
    ProjectorConfig,
    SoftPrompt,
    averaged,
    projector_id,
    read_projector,
    write_projector,
)

MARKERS = {"state": "\n\nKnown so far:", "passages": "\n\nAnswer from these notes:"}
ATTRIBUTION = {
    "state": "Schema-Guided Dialogue (CC BY-SA 4.0), MultiWOZ 2.1 (MIT)",
    "passages": "SciFact (CC BY / ODC-By, via BEIR)",
}
_HISTORY_TOKENS = 160  # most of the prompt before the message; the reply is cut at 48


def main(arguments: Sequence[str] | None = None) -> int:
    """Train one projector; prints its record."""
    options = parser().parse_args(arguments)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    settings = FinetuneSettings()
    texts = Texts(settings.model, settings.cache_dir, settings.system_text)
    folder = find_model(settings.model, settings.cache_dir)
    encoder = SentenceEncoder.load()
    files, drawn = _drawn(options)
    model: Any = load_module(folder, half_or_float())
    table: Tensor = model.get_input_embeddings().weight.detach().float()
    config = ProjectorConfig(
        options.source,
        encoder.dimensions,
        table.shape[1],
        inner=options.inner,
        markers=len(texts.encode(MARKERS[options.source])),
        stride=options.stride,
        most_tokens=options.most_tokens,
        base_version=texts.base_version,
        encoder=encoder.name,
    )
    projector = SoftPrompt(config)
    known, explained = begin(projector, encoder, texts, table, drawn)
    if options.start is not None:
        earlier = read_projector(options.start.read_bytes(), config.base_version, config.encoder)
        projector.load_state_dict(earlier.state_dict())
    samples = [sample(texts, one, known) for one in drawn]
    held, learned = samples[: options.held], samples[options.held :]
    print(f"{len(learned)} examples, {len(held)} held out; W explains {explained:.2f}", flush=True)
    plan = ProjectorPlan(
        options.steps, options.batch, options.learning_rate, options.withheld,
        seconds=options.seconds, seed=options.seed,
    )  # fmt: skip
    trainer = ProjectorTrainer(projector, model, plan)
    before = measures(trainer, held)
    print(json.dumps({"untrained": before}), flush=True)
    started = time.process_time()
    steps = trainer.train(learned, lambda step, loss: _tell(step, loss, started))
    seconds = time.process_time() - started
    content = write_projector(projector)
    record = {
        "command": "python -m research.project " + shlex.join(arguments or sys.argv[1:]),
        "data": [file.name for file in files],
        "attribution": ATTRIBUTION[options.source],
        "seed": options.seed,
        "parameters": sum(p.numel() for p in projector.parameters()),
        "examples": len(learned),
        "steps": steps,
        "processor_seconds": round(seconds, 1),
        "torch": torch.__version__,
        "fit": round(explained, 3),
        "held_out": len(held),
        "untrained": before,
        "trained": measures(trainer, held),
        "id": projector_id(content),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{options.name}.safetensors").write_bytes(content)
    (options.out / f"{options.name}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record))
    return 0


def begin(
    projector: SoftPrompt,
    encoder: SentenceEncoder,
    texts: Texts,
    table: Tensor,
    drawn: Sequence[StatedReply] | Sequence[PassageQuestion],
) -> tuple[dict[str, Tensor], float]:
    """Fit the projector's start on the items drawn; answers each item's averages and the share that W explains."""
    config = projector.config
    lines = sorted({item for one in drawn for item in one.items})
    known: dict[str, Tensor] = {}
    targets = []
    for line, states in zip(lines, encoder.states(lines), strict=True):
        known[line] = averaged(states, config.stride, config.most_tokens)
        pieces = encoder.pieces(line)
        width = -(-len(pieces) // max(1, len(known[line])))
        for at in range(0, len(pieces), max(config.stride, width)):
            part = pieces[at : at + max(config.stride, width)]
            words = line[part[0][0] : part[-1][1]]
            spaced = words if part[0][0] and line[part[0][0] - 1] != " " else f" {words}"
            targets.append(table[texts.encode(spaced)].mean(0))
    markers = table[texts.encode(MARKERS[config.source])]
    scale = float(table.pow(2).mean(1).sqrt().median())
    return known, projector.fit(torch.cat(list(known.values())), torch.stack(targets), markers, scale)


def _drawn(options: argparse.Namespace) -> tuple[list[Path], list[StatedReply] | list[PassageQuestion]]:
    """The files read and the examples, those held out first."""
    count = options.examples + options.held
    if options.source == "passages":
        return [options.data / FILE], draw_questions(options.data, count, options.seed)
    files = [options.data / name.format("train") for name in FILES]
    return files, draw(files, count, options.mentioning, options.exchanges, options.seed)


def sample(texts: Texts, one: StatedReply | PassageQuestion, known: dict[str, Tensor]) -> SoftSample:
    """The reply as the generator would meet it, its history cut to what fits."""
    if isinstance(one, PassageQuestion):
        message = f"{noted_text(numbered(one.items))}\n\n{one.question}"
        with_text, opening = texts.stated((), message, "")
        without, _ = texts.stated((), one.question, "")
        items = tuple(known[item] for item in one.items)
        return SoftSample(with_text, without, items, opening, texts.reply(one.answer, 40))
    earlier = list(one.earlier)
    with_text, opening = texts.stated(earlier, one.message, one.state)
    while earlier and len(with_text) > _HISTORY_TOKENS:
        earlier = earlier[1:]
        with_text, opening = texts.stated(earlier, one.message, one.state)
    without, _ = texts.stated(earlier, one.message, "")
    reply = texts.reply(one.reply, 48)
    return SoftSample(with_text, without, tuple(known[item] for item in one.items), opening, reply)


def measures(trainer: ProjectorTrainer, held: Sequence[SoftSample]) -> dict[str, float]:
    """Nats a token on held-out replies, by what the model is given of the state."""
    arms: dict[str, dict[str, Any]] = {
        "none": {"text": False, "vectors": "none"},
        "text": {"text": True, "vectors": "none"},
        "vector": {"text": False, "vectors": "own"},
        "both": {"text": True, "vectors": "own"},
        "vector of another dialogue": {"text": False, "vectors": "other"},
        "both, vector of another dialogue": {"text": True, "vectors": "other"},
    }
    return {name: round(trainer.measure(held, **arm), 4) for name, arm in arms.items()}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="project", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--data", type=Path, required=True, help="folder with the source's files")
    made.add_argument("--source", choices=sorted(MARKERS), default="state")
    made.add_argument("--out", type=Path, required=True, help="folder for the projector")
    made.add_argument("--name", default="state", help="name of the projector's files")
    made.add_argument("--start", type=Path, help="projector to go on from, made with the same shape")
    made.add_argument("--examples", type=int, default=4000, help="replies to learn from")
    made.add_argument("--held", type=int, default=96, help="replies held out")
    made.add_argument("--mentioning", type=float, default=0.7, help="share of replies that say a value of the state")
    made.add_argument("--exchanges", type=int, default=1, help="exchanges before the message that the model sees")
    made.add_argument("--stride", type=int, default=2, help="WordPieces a soft token")
    made.add_argument("--most-tokens", type=int, default=8, help="most soft tokens of an item")
    made.add_argument("--withheld", type=float, default=0.5, help="share of examples without the source's text")
    made.add_argument("--inner", type=int, default=384)
    made.add_argument("--steps", type=int, default=500)
    made.add_argument("--seconds", type=float, default=1e9, help="most seconds of computing to train for")
    made.add_argument("--batch", type=int, default=8)
    made.add_argument("--learning-rate", type=float, default=1e-3)
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--seed", type=int, default=0)
    return made


def _tell(step: int, loss: float, started: float) -> None:
    if step % 10 == 0:
        print(f"step {step}, loss {loss:.3f}, {time.process_time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
