"""What the dialogue state does for the reply: `python -m research.eval.state_generation --data DIR [--json]`.

DIR holds sgd_dev.jsonl.gz and mwz21_dev.jsonl.gz. A reply is drawn from each of many dialogues, with the message before
it, the exchange before that, and the gold state. The model gets of the state

- `none`: nothing;
- `text`: a line a service before the message, as the generator writes it;
- `vector`: the projector's soft tokens alone;
- `both`;

and for `text`, `vector` and `both` a control, `… of another`, with the state of another dialogue of the same file: what
a soft token does whatever it says is no use of the state. For `both` only the vectors are another's.

Two measures: nats a token of the gold reply, also for replies alone that say a value of the state, with 95 % intervals
by bootstrap over dialogues; and of greedy replies, the values of the state that the gold reply says and the reply does
not (missing), and values of the same slots that stand neither in the state nor in what was said (wrong), both by value
that the gold reply says: their sum is the slot error rate (Wen et al. 2015).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from research.eval.revision_arms import Waiting
from research.projecting.dialogues import StatedReply, draw, gold_state, read_dialogues, stands
from services.finetune.training.texts import Texts
from services.generator.conditioning.state_vectors import COMMITTED
from services.generator.engine import DecodeSettings, DraftRequest, Engine, soft_tokens
from services.generator.engine.backends.build import build_backend
from services.generator.settings import GeneratorSettings
from services.models.language_model import find_model, iterate_weights, load_config
from services.models.llama.forward import TorchLlama
from services.models.llama.native.forward import NativeLlama
from services.models.llama.native.library import NativeUnavailable
from services.models.llama.shape import LlamaShape
from services.models.llama.slots import KeyValueSlots, Segment
from services.models.llama.weights import LlamaWeights
from services.models.sentence_encoder import SentenceEncoder
from services.models.soft_prompt import ItemReader, read_projector

FILES = {"sgd": "sgd_dev.jsonl.gz", "mwz21": "mwz21_dev.jsonl.gz"}
ARMS = {  # arm: (whose text, whose vectors)
    "none": ("", ""),
    "text": ("own", ""),
    "text of another": ("other", ""),
    "vector": ("", "own"),
    "vector of another": ("", "other"),
    "both": ("own", "own"),
    "both, vector of another": ("own", "other"),
}
WRITTEN = ("none", "text", "vector", "both", "both, vector of another")
_CONTEXT = 768


@dataclass(frozen=True)
class Case:
    """A reply and the reply of another dialogue whose state stands in for its own in the controls."""

    set: str
    own: StatedReply
    other: StatedReply


class Scorer:
    """Log-likelihoods by the serving kernels, the prompt's shared beginning computed once."""

    def __init__(self, settings: GeneratorSettings) -> None:
        folder = find_model(settings.model, settings.cache_dir)
        weights = LlamaWeights.gather(LlamaShape.of(load_config(folder)), iterate_weights(folder))
        self._forward: NativeLlama | TorchLlama
        try:
            self._forward = NativeLlama(weights, settings.kernel, _CONTEXT, settings.cache_dir)
        except NativeUnavailable:
            self._forward = TorchLlama(weights, "auto", _CONTEXT)
        self._memory = KeyValueSlots(self._forward.shape, 1, _CONTEXT, self._forward.dtype)
        self._kept: list[int] = []

    def nats(self, prompt: Sequence[int], soft: dict[int, Tensor], target: Sequence[int]) -> float:
        """−log P(target | prompt), soft tokens in the prompt by their negative ids."""
        ids = [*prompt, *target[:-1]]
        limit = min(len(self._kept), len(prompt) - 1)
        known = next((at for at in range(limit) if ids[at] != self._kept[at]), limit)
        inputs = self._forward.embed(ids[known:])
        for at, token in enumerate(ids[known:]):
            if token < 0:
                inputs[at] = soft[token].to(inputs)
        lead = len(prompt) - 1 - known
        if lead:
            self._forward.hidden(inputs[:lead], [Segment(0, known, lead)], self._memory)
        segments = [Segment(0, len(prompt) - 1 + at, 1) for at in range(len(target))]
        hidden = self._forward.hidden(inputs[lead:], segments, self._memory)
        self._kept = ids
        told = self._forward.logits(hidden).log_softmax(1)
        return -float(told[torch.arange(len(target)), torch.tensor(target)].sum())


class Prompts:
    """The arms' prompts."""

    def __init__(self, projector: Path, settings: GeneratorSettings) -> None:
        self.texts = Texts(settings.model, settings.cache_dir, settings.system_text)
        encoder = SentenceEncoder.load()
        self._projector = read_projector(projector.read_bytes(), self.texts.base_version, encoder.name)
        self._reader = ItemReader(encoder)

    def make(self, case: Case, arm: str) -> tuple[tuple[int, ...], dict[int, Tensor]]:
        """The prompt's ids in an arm, and the vectors of its soft tokens."""
        whose = {"own": case.own, "other": case.other}
        text, vectors = ARMS[arm]
        before, opening = self.texts.stated(case.own.earlier, case.own.message, whose[text].state if text else "")
        if not vectors:
            return (*before, *opening), {}
        items = self._reader.read(whose[vectors].items, self._projector.config)
        with torch.inference_mode():
            ids, soft = soft_tokens("eval", self._projector(items))
        return (*before, *ids, *opening), soft


def cases(data: Path, count: int, mentioning: float, exchanges: int, seed: int) -> list[Case]:
    """`count` cases of each file, the files by turns."""
    made: list[list[Case]] = []
    for name, file in FILES.items():
        drawn = draw([data / file], count, mentioning, exchanges, seed)
        drawn = [one for one in drawn if sum(map(len, [*map(" ".join, one.earlier), one.message, one.state])) < 1600]
        made.append([Case(name, one, drawn[at - 1]) for at, one in enumerate(drawn)])
    return [case for both in zip_longest(*made) for case in both if case is not None]


def likelihoods(
    prompts: Prompts, settings: GeneratorSettings, some: Sequence[Case], seconds: float
) -> list[dict[str, Any]]:
    """A record a case: tokens, whether a value is said, nats by arm; of as many cases as `seconds` allow."""
    scorer = Scorer(settings)
    rows: list[dict[str, Any]] = []
    until = time.monotonic() + seconds
    for number, case in enumerate(some):
        if time.monotonic() > until:
            break
        target = prompts.texts.reply(case.own.reply, 64)
        row: dict[str, Any] = {"set": case.set, "dialogue": case.own.dialogue, "tokens": len(target),
                               "says": bool(case.own.mentions), "nats": {}}  # fmt: skip
        for arm in (
            "none",
            "vector",
            "vector of another",
            "text",
            "both",
            "both, vector of another",
            "text of another",
        ):
            ids, soft = prompts.make(case, arm)
            row["nats"][arm] = scorer.nats(ids, soft, target)
        rows.append(row)
        if number % 25 == 0:
            print(f"{number} of {len(some)}", flush=True)
    return rows


def write(prompts: Prompts, settings: GeneratorSettings, some: Sequence[Case], tokens: int) -> dict[str, list[str]]:
    """Greedy replies by arm."""
    engine = Engine(build_backend(settings), waiting_limit=4096)
    version = prompts.texts.base_version

    def one(arm: str, number: int) -> str:
        ids, soft = prompts.make(some[number], arm)
        heard = Waiting()
        key = f"{arm}:{number}"
        decode = DecodeSettings(max_new_tokens=tokens)
        engine.submit(DraftRequest(key, "eval", key, version, (), ids, decode, soft=soft), heard)
        text = heard.draft().text
        engine.forget("eval", key)
        return text

    with ThreadPoolExecutor(settings.max_batch_size) as pool:
        found = {arm: list(pool.map(lambda n, arm=arm: one(arm, n), range(len(some)))) for arm in WRITTEN}  # type: ignore[misc]
    engine.close(drain=False)
    return found


def slot_values(data: Path) -> dict[str, dict[tuple[str, str], set[str]]]:
    """Every value that a file's states give a slot, by file."""
    known: dict[str, dict[tuple[str, str], set[str]]] = {}
    for name, file in FILES.items():
        values = known.setdefault(name, {})
        for dialogue in read_dialogues(data / file):
            for turn in dialogue["turns"]:
                for service, content in gold_state(turn.get("state") or {})["services"].items():
                    for slot, filled in content["slots"].items():
                        values.setdefault((service, slot), set()).add(filled["value"])
    return known


def slot_errors(case: Case, reply: str, values: dict[tuple[str, str], set[str]]) -> tuple[int, int]:
    """(missing, wrong) values of a reply."""
    said = " ".join([*map(" ".join, case.own.earlier), case.own.message, case.own.state, case.own.reply])
    missing = sum(not stands(value, reply) for value in case.own.mentions)
    mine = [key for key in values if any(item.startswith(_item(key)) for item in case.own.items)]
    offered = {value for key in mine for value in values[key]}
    wrong = sum(stands(value, reply) and not stands(value, said) for value in offered)
    return missing, wrong


def _item(key: tuple[str, str]) -> str:
    plain = [part.replace("_", " ").replace("-", " ").strip() for part in key]
    return f"{plain[0]} {plain[1]} ="


def bootstrap(parts: np.ndarray, whole: np.ndarray, seed: int = 0, rounds: int = 2000) -> tuple[float, float, float]:
    """Σ parts / Σ whole with its 95 % interval over the dialogues, one row each."""
    chance = np.random.default_rng(seed)
    picks = chance.integers(0, len(whole), (rounds, len(whole)))
    drawn = parts[picks].sum(1) / whole[picks].sum(1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(parts.sum() / whole.sum()), float(low), float(high)


def report_nats(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Prints nats a token by arm and what matters between arms; answers the figures."""
    figures: dict[str, float] = {}
    groups = {"all": rows, "says a value": [row for row in rows if row["says"]]}
    groups |= {name: [row for row in rows if row["set"] == name] for name in FILES}
    pairs = [("none", "vector"), ("vector of another", "vector"), ("none", "text"), ("text", "both"),
             ("both, vector of another", "both"), ("text", "vector"), ("text of another", "text")]  # fmt: skip
    for name, some in groups.items():
        if not some:
            continue
        tokens = np.array([row["tokens"] for row in some], dtype=float)
        nats = {arm: np.array([row["nats"][arm] for row in some]) for arm in ARMS}
        print(f"{name}: {len(some)} replies")
        for arm in ARMS:
            share, low, high = bootstrap(nats[arm], tokens)
            print(f"  {arm:26s} {share:.3f} [{low:.3f}, {high:.3f}] nats a token")
            figures[f"{name}/{arm}"] = round(share, 4)
        for worse, better in pairs:
            share, low, high = bootstrap(nats[worse] - nats[better], tokens)
            print(f"  {worse} − {better}: {share:+.3f} [{low:+.3f}, {high:+.3f}]")
            figures[f"{name}/{worse} - {better}"] = round(share, 4)
    return figures


def report_slots(some: Sequence[Case], replies: dict[str, list[str]], data: Path) -> dict[str, float]:
    """Prints slot errors by arm; answers the figures."""
    figures: dict[str, float] = {}
    values = slot_values(data)
    said = np.array([len(case.own.mentions) for case in some], dtype=float)
    for arm, texts in replies.items():
        counts = [slot_errors(case, text, values[case.set]) for case, text in zip(some, texts, strict=True)]
        missing, wrong = (np.array(part, dtype=float) for part in zip(*counts, strict=True))
        share, low, high = bootstrap(missing + wrong, said)
        lost, extra = missing.sum() / said.sum(), wrong.sum() / said.sum()
        print(f"  {arm:26s} slot errors {share:.3f} [{low:.3f}, {high:.3f}]  missing {lost:.3f}  wrong {extra:.3f}")
        figures |= {f"errors/{arm}": round(share, 4), f"missing/{arm}": round(float(lost), 4)}
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the dialogue files")
    parser.add_argument("--projector", type=Path, default=COMMITTED)
    parser.add_argument("--replies", type=int, default=150, help="replies scored of each file")
    parser.add_argument("--seconds", type=float, default=1e9, help="longest time of scoring")
    parser.add_argument("--written", type=int, default=30, help="replies generated of each file; 0: none")
    parser.add_argument("--exchanges", type=int, default=1, help="exchanges before the message that the model sees")
    parser.add_argument("--tokens", type=int, default=48, help="most tokens of a generated reply")
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("out/eval/state_generation.jsonl"), help="raw records")
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    settings = GeneratorSettings(max_batch_size=options.rows, compute_threads=1, context_limit=_CONTEXT)
    prompts = Prompts(options.projector, settings)
    figures: dict[str, float] = {}
    raw: list[dict[str, Any]] = []
    started = time.monotonic()
    if options.replies:
        some = cases(options.data, options.replies, 0.0, options.exchanges, options.seed)
        raw += likelihoods(prompts, settings, some, options.seconds)
        figures |= report_nats(raw)
    if options.written:
        telling = cases(options.data, options.written, 1.0, options.exchanges, options.seed + 1)
        telling = [case for case in telling if case.own.mentions]
        replies = write(prompts, settings, telling, options.tokens)
        print(f"{len(telling)} replies written in each arm")
        figures |= report_slots(telling, replies, options.data)
        for at, case in enumerate(telling):
            raw.append({"set": case.set, "dialogue": case.own.dialogue, "message": case.own.message,
                        "state": case.own.state, "gold": case.own.reply, "says": case.own.mentions,
                        "replies": {arm: texts[at] for arm, texts in replies.items()}})  # fmt: skip
    print(f"{time.monotonic() - started:.0f} s")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in raw))
    if options.json:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
