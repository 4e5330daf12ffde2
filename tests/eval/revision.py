"""Whether feedback changes the reply as it asks: `python -m tests.eval.revision --data DIR [--limit N] [--json]`.

DIR holds feedback/verifiable_dev.jsonl.gz. A prompt is asked (A0); then a reader says in free text what they want,
in phrasings of this evaluation's own, and gets revisions:

- A0: the feedback is ignored: the first reply;
- A1: the feedback as the next message, greedy, nothing else;
- A5: the same prompt with what the grammar of feedback understood of the text: masks and shape while decoding and the
  best of `--candidates` by the feedback-aware score. Without a fusion head: none is trained, so A2 to A4 and A5's
  fusion are not measured here, and A5 is the arm "A1 with masks and score".

A1 and A5 go on to `--rounds` rounds where the project's own check says that a constraint is missed (A1: where its
prompt was not understood, nothing stops it early); rounds after the first are drawn at temperature 0.7 and failed
drafts are dropped from the prompt. Success is the scorer's word alone (revision_scorer), and means satisfied and not
degenerate. Broken: satisfied at A0 and not after. Shares are in per cent, intervals are bootstrapped over prompts.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from services.common.constraints import check
from services.generator import asked
from services.generator.backends.build import build_backend
from services.generator.candidates import Candidates
from services.generator.engine import DraftRequest, Engine, FinishedDraft
from services.generator.prompt import PromptBuilder
from services.generator.settings import GeneratorSettings
from services.models.chat import chat_format
from services.models.language_model import content_hash, find_model, load_module
from services.tracker.domain.feedback import Feedback, Understanding, read_feedback
from tests.eval.revision_items import Item, load, sample
from tests.eval.revision_scorer import reasons_against, satisfied

ARMS = ("A0", "A1", "A5")


class Waiting:
    """A listener that waits for the end."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._draft: FinishedDraft | Exception | None = None

    def on_delta(self, text: str, token_ids: list[int]) -> None: ...
    def on_progress(self) -> None: ...

    def on_finish(self, draft: FinishedDraft) -> None:
        self._draft = draft
        self._done.set()

    def on_error(self, error: Exception) -> None:
        self._draft = error
        self._done.set()

    def draft(self) -> FinishedDraft:
        self._done.wait()
        if not isinstance(self._draft, FinishedDraft):
            raise RuntimeError("a draft failed") from self._draft
        return self._draft


@dataclass
class Reply:
    """A draft with what the scorer needs of it."""

    text: str
    finish: str
    rounds: int = 0
    tokens: int = 0
    perplexity: float = math.nan
    passed: bool = False
    against: list[str] = field(default_factory=list)

    @property
    def success(self) -> bool:
        return self.passed and not self.against


class Writer:
    """The generator without its queues: the same prompts, settings, masks and candidates as the service's step."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.settings = GeneratorSettings(
            rows=options.rows, reply_tokens=options.tokens, candidates=options.candidates, compute_threads=2
        )
        self.folder = find_model(self.settings.model, self.settings.cache_dir)
        self._version = content_hash(self.folder, self.settings.cache_dir)
        self._engine = Engine(build_backend(self.settings), waiting_limit=4096)
        self.chat = chat_format(self.folder)
        self._prompts = PromptBuilder(
            self._engine.codec, self.chat, self._engine.context_limit, self.settings.system_text
        )
        self._count = 0
        self._lock = threading.Lock()

    def write(self, turn: dict[str, Any], plain: bool) -> FinishedDraft:
        """One draft of the turn's round; `plain` leaves decoding as it is and draws once."""
        turn["settings"] = {"constrained": False, "candidates": 1} if plain else {}
        prompt = self._prompts.build(turn, [], reply_tokens=self.settings.reply_tokens)
        decode = asked.decode_settings(turn, self.settings)
        decode = asked.adjusted(decode, prompt, turn, self._engine.context_limit - len(prompt), self.settings)
        with self._lock:
            self._count += 1
            key = str(self._count)
        request = DraftRequest(key, "eval", key, self._version, prompt.history, prompt.tail, decode)
        heard = Waiting()
        Candidates(
            self._engine, request, heard, asked.to_verify(prompt.constraints),
            count=asked.candidates(turn, prompt.constraints, self.settings),
            weight=self.settings.constraint_weight, temperature=self.settings.redraw_temperature,
        ).submit()  # fmt: skip
        draft = heard.draft()
        self._engine.forget("eval", key)
        return draft

    def close(self) -> None:
        self._engine.close(drain=False)


def first_turn(item: Item) -> dict[str, Any]:
    return {"_id": item.prompt, "n": 1, "round": 0, "text": item.prompt, "drafts": [{"id": "0", "round": 0}]}


def revise(writer: Writer, item: Item, first: Reply, plain: bool, rounds: int) -> list[Reply]:
    """The replies after rounds 1, 2, …; once the project's own checks are content, the last one stands."""
    turn = first_turn(item)
    turn["drafts"][0] |= {"status": "completed", "text": first.text}
    understood: dict[str, Any] = {}
    replies: list[Reply] = []
    for number in range(1, rounds + 1):
        read: Understanding = read_feedback(Feedback(comment=item.comment), turn["drafts"][-1]["text"], item.prompt)
        understood[str(number)] = {"constraints": [one.to_json() for one in read.constraints]}
        if replies and read.constraints and all(check(one, replies[-1].text) for one in read.constraints):
            replies.append(replies[-1])
            continue
        turn |= {"round": number, "understood": dict(understood)}
        turn["drafts"].append({"id": str(number), "round": number, "feedback": {"comment": item.comment}})
        draft = writer.write(turn, plain)
        turn["drafts"][-1] |= {"status": "completed", "text": draft.text}
        replies.append(Reply(draft.text, draft.finish_reason, number, draft.usage.completion))
    return replies


class Perplexity:
    """The base model's perplexity of a reply to the prompt alone, without the feedback."""

    def __init__(self, writer: Writer) -> None:
        self._module = load_module(writer.folder, torch.bfloat16)
        self._writer = writer

    @torch.inference_mode()
    def __call__(self, item: Item, reply: Reply) -> float:
        codec, chat = self._writer._engine.codec, self._writer.chat
        head = codec.encode(chat.head_open) + codec.encode(self._writer.settings.system_text)
        head += codec.encode(chat.head_close) + codec.encode(item.prompt) + codec.encode(chat.reply_open)
        ids = codec.encode(reply.text)
        if not ids:
            return math.inf
        logits = self._module(torch.tensor([head + ids])).logits[0, len(head) - 1 : -1].float()
        return math.exp(float(torch.nn.functional.cross_entropy(logits, torch.tensor(ids))))


def interval(by_prompt: dict[str, list[float]], seed: int = 0, times: int = 2_000) -> tuple[float, float]:
    """95 % of the mean, bootstrapped over prompts."""
    chance = random.Random(seed)
    groups = list(by_prompt.values())
    means = sorted(
        statistics.fmean([value for group in chance.choices(groups, k=len(groups)) for value in group])
        for _ in range(times)
    )
    return 100 * means[int(0.025 * times)], 100 * means[int(0.975 * times)]


def macro(items: Sequence[Item], values: Sequence[bool]) -> float:
    """The mean over kinds of the share in each, in per cent."""
    kinds: dict[str, list[bool]] = defaultdict(list)
    for item, value in zip(items, values, strict=True):
        kinds[item.kind].append(value)
    return 100 * statistics.fmean(statistics.fmean(one) for one in kinds.values())


def share(values: Sequence[bool]) -> float:
    return 100 * statistics.fmean(values) if values else math.nan


def figures_of(items: list[Item], first: list[Reply], arms: dict[str, list[list[Reply]]]) -> dict[str, float]:
    """All shares, and the table for people."""
    figures: dict[str, float] = {"n": float(len(items)), "prompts": float(len({item.prompt for item in items}))}
    rows = {"A0": first} | {
        f"{arm} k={k + 1}": [one[k] for one in replies] for arm, replies in arms.items() for k in range(len(replies[0]))
    }
    print(
        f"{'arm':8s} {'success':>8s} {'95 %':>14s} {'macro':>6s} {'checks':>7s} incl excl form  fixed broken degenerate"
    )
    for name, replies in rows.items():
        good = [one.success for one in replies]
        by_prompt: dict[str, list[float]] = defaultdict(list)
        for item, value in zip(items, good, strict=True):
            by_prompt[item.prompt].append(float(value))
        low, high = interval(by_prompt)
        groups = {
            group: share([g for item, g in zip(items, good, strict=True) if item.group == group])
            for group in ("include", "exclude", "format")
        }
        fixed = sum(now.success and not before.success for now, before in zip(replies, first, strict=True))
        broken = sum(before.success and not now.success for now, before in zip(replies, first, strict=True))
        slug = name.replace(" k=", "_at_")
        figures |= {
            f"{slug}": share(good), f"{slug}_low": low, f"{slug}_high": high, f"{slug}_macro": macro(items, good),
            f"{slug}_checks_alone": share([one.passed for one in replies]), f"{slug}_fixed": float(fixed),
            f"{slug}_broken": float(broken), f"{slug}_degenerate": share([bool(one.against) for one in replies]),
            **{f"{slug}_{group}": value for group, value in groups.items()},
        }  # fmt: skip
        print(
            f"{name:8s} {figures[slug]:8.1f} {low:6.1f} – {high:5.1f} {figures[slug + '_macro']:6.1f} "
            f"{figures[slug + '_checks_alone']:7.1f} {groups['include']:4.0f} {groups['exclude']:4.0f} "
            f"{groups['format']:4.0f} {fixed:6d} {broken:6d} {figures[slug + '_degenerate']:6.1f}"
        )
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the arms, score them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0, help="items, taken in turn of each kind; 0: all")
    parser.add_argument("--own", action="store_true", help="the file's own items alone, without further checks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--candidates", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=160, help="most tokens of a reply")
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("out/eval/revision.jsonl"), help="raw records")
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = parser.parse_args(arguments)
    items = [one for one in load(options.data) if not (options.own and one.further)]
    items = sample(items, options.limit)
    writer = Writer(options)
    started = time.monotonic()
    with ThreadPoolExecutor(options.rows) as pool:
        prompts = list({item.prompt: item for item in items}.values())
        drafts = pool.map(lambda item: writer.write(first_turn(item), True), prompts)
        by_prompt = {item.prompt: draft for item, draft in zip(prompts, drafts, strict=True)}
        first = [
            Reply(draft.text, draft.finish_reason, 0, draft.usage.completion)
            for item in items
            for draft in [by_prompt[item.prompt]]
        ]
        print(f"A0 written after {time.monotonic() - started:.0f} s", flush=True)
        arms: dict[str, list[list[Reply]]] = {}
        for arm, plain in (("A1", True), ("A5", False)):
            work = [(item, replace(reply)) for item, reply in zip(items, first, strict=True)]
            arms[arm] = list(pool.map(lambda one, p=plain: revise(writer, *one, p, options.rounds), work))  # type: ignore[misc]
            print(f"{arm} written after {time.monotonic() - started:.0f} s", flush=True)
    judge(writer, items, first, arms)
    writer.close()
    figures = figures_of(items, first, arms)
    understood = [bool(read_feedback(Feedback(comment=item.comment), "", item.prompt).constraints) for item in items]
    figures["understood"] = share(understood)
    print(f"understood by the grammar: {figures['understood']:.1f} %; model {writer.settings.model}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w") as out:
        for at, item in enumerate(items):
            record = {"item": item.__dict__, "A0": first[at].__dict__}
            record |= {arm: [one.__dict__ for one in replies[at]] for arm, replies in arms.items()}
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    if options.json:
        print(json.dumps({"figures": {name: round(value, 2) for name, value in figures.items()}}))


def judge(writer: Writer, items: list[Item], first: list[Reply], arms: dict[str, list[list[Reply]]]) -> None:
    """Give every reply its perplexity, the scorer's word and the reasons against it."""
    perplexity = Perplexity(writer)
    known: dict[tuple[str, str], float] = {}
    every = [
        (item, reply)
        for at, item in enumerate(items)
        for reply in [first[at], *(one for replies in arms.values() for one in replies[at])]
    ]
    for item, reply in every:
        key = (item.prompt, reply.text)
        if key not in known:
            known[key] = perplexity(item, reply)
        reply.perplexity = known[key]
    usual = statistics.median(reply.perplexity for reply in first)
    for item, reply in every:
        reply.passed = satisfied(item.check, reply.text)
        reply.against = reasons_against(reply.text, reply.finish, reply.perplexity, usual)


if __name__ == "__main__":
    main()
