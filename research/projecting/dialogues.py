"""Examples from annotated dialogues: what was said, the gold state after it, and the system's reply."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.common.state import state_items, state_text

FILES = ("sgd_{}.jsonl.gz", "mwz21_{}.jsonl.gz")


@dataclass(frozen=True)
class StatedReply:
    """A system reply with what it follows: `earlier` (user, system) exchanges, the user's message, and the state as
    its texts. `mentions` are the state's values that stand in the reply."""

    dialogue: str
    earlier: tuple[tuple[str, str], ...]
    message: str
    state: str
    items: tuple[str, ...]
    reply: str
    mentions: tuple[str, ...]


def read_dialogues(file: Path, chance: random.Random | None = None) -> Iterator[dict[str, Any]]:
    """The dialogues of a gzip'd file of JSON lines, in an order drawn by `chance` where it is given."""
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        lines = list(stream)
    if chance is not None:
        chance.shuffle(lines)
    for line in lines:
        yield json.loads(line)


def gold_state(annotated: Mapping[str, Any]) -> dict[str, Any]:
    """A data file's state in the form of a turn document; of several acceptable values the first."""
    return {
        "services": {
            service: {"slots": {slot: {"value": values[0]} for slot, values in one["slots"].items() if values}}
            for service, one in annotated.items()
        }
    }


def stated_replies(dialogue: Mapping[str, Any], exchanges: int) -> list[StatedReply]:
    """The dialogue's replies to turns with a state that is not empty, each after the `exchanges` before it."""
    made = []
    said: list[tuple[str, str]] = []
    turns = dialogue["turns"]
    for asked, answered in itertools.pairwise(turns):
        if asked["speaker"] != "USER" or answered["speaker"] != "SYSTEM":
            continue
        state = gold_state(asked.get("state") or {})
        items = tuple(state_items(state))
        if items and asked["text"].strip() and answered["text"].strip():
            values = {item.partition(" = ")[2] for item in items}
            mentions = tuple(sorted(one for one in values if stands(one, answered["text"])))
            earlier = tuple(said[-exchanges:]) if exchanges else ()
            made.append(
                StatedReply(
                    dialogue["id"], earlier, asked["text"], state_text(state), items, answered["text"], mentions
                )
            )
        said.append((asked["text"], answered["text"]))
    return made


def draw(files: Sequence[Path], count: int, mentioning: float, exchanges: int, seed: int) -> list[StatedReply]:
    """`count` replies, as many from each file, one from a dialogue at most; a `mentioning` share of them say a value
    of the state where the dialogue has such a reply."""
    chance = random.Random(seed)
    drawn: list[StatedReply] = []
    for file in files:
        mine: list[StatedReply] = []
        for dialogue in read_dialogues(file, chance):
            if len(mine) >= -(-count // len(files)):
                break
            found = stated_replies(dialogue, exchanges)
            telling = [one for one in found if one.mentions]
            if chance.random() < mentioning and telling:
                found = telling
            if found:
                mine.append(chance.choice(found))
        drawn += mine
    chance.shuffle(drawn)
    return drawn


def stands(value: str, text: str) -> bool:
    """Whether a value stands in a text as words; yes, no and dontcare say nothing about what is mentioned."""
    value = value.casefold()
    if value in ("", "yes", "no", "true", "false", "dontcare", "none"):
        return False
    words = f" {text.casefold()} "
    at = words.find(value)
    while at >= 0:
        end = at + len(value)
        if not words[at - 1 : at].isalnum() and not words[end : end + 1].isalnum():
            return True
        at = words.find(value, at + 1)
    return False
