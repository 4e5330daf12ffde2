"""The training set of a fusion head: prompts, the base model's replies to them, edits by rule and by people."""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.finetune.fusing.base import FrozenBase
from services.finetune.fusing.rules import Example, examples, short
from services.finetune.rehearsal import rehearsal_prompts

VERIFIABLE = "verifiable_train.jsonl.gz"
HUMAN = "human_edits_dev.jsonl.gz"


def records(file: Path) -> list[dict[str, Any]]:
    """A gzip'd file of JSON lines."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def prompts(folder: Path, general: int) -> list[str]:
    """Prompts to train on: the file's, the questions of two thirds of the human edits, and `general` questions."""
    asked = [one["prompt"] for one in records(folder / VERIFIABLE)]
    asked += [_question(one["question"]) for number, one in enumerate(records(folder / HUMAN)) if number % 3 != 2]
    return list(dict.fromkeys([*asked, *rehearsal_prompts(general)]))


def human_examples(folder: Path) -> list[Example]:
    """The human edits of two thirds of the records (every third is held out): the correction is the target; what was
    wrong or missing is the comment, in the annotators' words."""
    return _corrected([one for number, one in enumerate(records(folder / HUMAN)) if number % 3 != 2])


def held_out_human_examples(folder: Path) -> list[Example]:
    """The third of the human edits that nothing is trained on."""
    return _corrected([one for number, one in enumerate(records(folder / HUMAN)) if number % 3 == 2])


def _corrected(found: Sequence[dict[str, Any]]) -> list[Example]:
    made = []
    for one in found:
        target = one["feedback"]["corrected-prediction"]
        if target.strip() and target.strip() != one["reply"].strip():
            made.append(
                Example("human", _question(one["question"]), one["reply"], human_comment(one), (), target, one["reply"])
            )
    return made


def human_comment(record: dict[str, Any]) -> str:
    """What annotators said of a reply, the corrected text left out."""
    said = []
    for error in record["feedback"]["errors"]:
        span = record["reply"][error["start"] : error["end"]].strip()
        said.append(f'{error["error type"]}: "{span}". {error.get("explanation", "")}'.strip())
    said += [f"Missing information. {one.get('explanation', '')}".strip() for one in record["feedback"]["missing-info"]]
    return " ".join(said)[:600]


def base_replies(base: FrozenBase, asked: Sequence[str], file: Path, samples: int, tokens: int, seed: int) -> None:
    """Append the base model's greedy reply and `samples` drawn ones for the prompts that `file` does not have yet."""
    known = {one["prompt"] for one in _lines(file)}
    left = [prompt for prompt in asked if prompt not in known]
    ids = [base.texts.prompt(prompt) for prompt in left for _ in range(1 + samples)]
    made = base.replies(ids, [0.0, *[0.7] * samples] * len(left), tokens=tokens, seed=seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        for at, prompt in enumerate(left):
            texts = [base.texts.decode(one) for one in made[at * (1 + samples) : (at + 1) * (1 + samples)]]
            out.write(json.dumps({"prompt": prompt, "replies": texts}, ensure_ascii=False) + "\n")


def rule_examples(file: Path, count: int, seed: int) -> list[Example]:
    """Edits made by rule from the replies in `file`."""
    return rule_edits([(one["prompt"], one["replies"]) for one in _lines(file)], count, seed)


def rule_edits(replies: Sequence[tuple[str, Sequence[str]]], count: int, seed: int) -> list[Example]:
    """At most `count` edits made by rule from (prompt, replies to it). Cut-off replies lose their last, unfinished
    sentence."""
    triples: list[tuple[str, str, str]] = []
    for prompt, texts in replies:
        whole = [text for text in map(_finished, texts) if len(text.split()) >= 8]
        triples += [(prompt, short(draft, 70), other) for draft in whole for other in whole]
    return examples(triples, count, seed) if triples else []


def split(made: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """(training, held out), no prompt on both sides."""
    by_prompt: dict[str, list[Example]] = defaultdict(list)
    for one in made:
        by_prompt[one.prompt].append(one)
    order = sorted(by_prompt)
    random.Random(seed).shuffle(order)
    held = set(order[: round(len(order) * share)])
    return [one for one in made if one.prompt not in held], [one for one in made if one.prompt in held]


def _finished(text: str) -> str:
    """The text up to its last full stop."""
    end = max(text.rfind(mark) for mark in ".!?")
    return text[: end + 1].strip() if end > 0 else ""


def _question(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []
