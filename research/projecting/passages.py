"""Questions over passages for the passages' projector: sentences to complete, and product sheets made up by rule.

Abstracts of DIR/scifact_corpus.jsonl.gz are cut to a few sentences; the question gives the beginning of one of them and
the answer is its end. Product sheets have names, properties and amounts drawn by seed; the answer is a sentence with
the amount. Each question comes with one passage that answers it and one of another text, in either order.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

FILE = "scifact_corpus.jsonl.gz"
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z])")
_NAMES = (
    "Amber Birch Cedar Copper Coral Delta Ember Falcon Garnet Harbor Indigo Jade Kestrel Lumen Maple Nova Onyx Pearl "
    "Quartz Raven Sierra Tidal Umber Velvet Willow Zephyr"
).split()
_KINDS = "Plan Router Policy Membership Lease Pass Locker Camera Tour Warranty Broadband Charger".split()
_PROPERTIES = (
    "setup fee|monthly price|deposit|late charge|range|weight|delivery time|discount|minimum term|storage|cancellation "
    "fee|speed|capacity|yearly limit|renewal price|bonus rate|processing fee|battery life|insured amount|upgrade cost"
).split("|")
_ASKED = ("What is the {0} of the {1}?", "How much is the {0} of the {1}?", "Tell me the {0} for the {1}.")


@dataclass(frozen=True)
class PassageQuestion:
    """A question, its answer, and the passages that stand in the prompt as items."""

    question: str
    answer: str
    items: tuple[str, ...]


def draw_questions(data: Path, count: int, seed: int) -> list[PassageQuestion]:
    """`count` questions in an order drawn by seed, half of either kind."""
    chance = random.Random(seed)
    with gzip.open(data / FILE, "rt", encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    made: list[PassageQuestion] = []
    while len(made) < count:
        maker = _sheet if len(made) % 2 else lambda by: _cloze(by, by.choice(documents))
        one, other = maker(chance), maker(chance)
        if one is None or other is None:
            continue
        items = [one[0], other[0]]
        chance.shuffle(items)
        made.append(PassageQuestion(one[1], one[2], tuple(items)))
    chance.shuffle(made)
    return made


def _cloze(chance: random.Random, document: dict[str, str]) -> tuple[str, str, str] | None:
    """(passage, question, answer) from two or three sentences of a document; None where it has none that fit."""
    sentences = _SENTENCE.split(" ".join(document["text"].split()))
    first = chance.randrange(max(1, len(sentences) - 2))
    kept = [one for one in sentences[first : first + 3] if 40 < len(one) < 220]
    if not kept:
        return None
    words = chance.choice(kept).split()
    at = len(words) // 2
    if at < 3:
        return None
    passage = f"{document.get('title') or ''}: {' '.join(kept)}"
    return passage, f"Complete this sentence: {' '.join(words[:at])}", " ".join(words[at:])


def _sheet(chance: random.Random) -> tuple[str, str, str]:
    """(passage, question, answer) about a product that does not exist."""
    subject = f"{chance.choice(_NAMES)} {chance.choice(_NAMES)} {chance.choice(_KINDS)}"
    sheet = {name: _amount(chance) for name in chance.sample(_PROPERTIES, chance.randint(2, 5))}
    asked = chance.choice(sorted(sheet))
    lines = " ".join(f"- {name[0].upper()}{name[1:]}: {value}" for name, value in sheet.items())
    question = chance.choice(_ASKED).format(asked, subject)
    return f"{subject}: {lines}", question, f"The {asked} of the {subject} is {sheet[asked]}."


def _amount(chance: random.Random) -> str:
    whole = chance.choice([chance.randint(1, 99), chance.randint(100, 9_999)])
    return chance.choice([f"${whole:,}", f"${whole}.{chance.randint(0, 99):02d}", f"{whole}%", f"{whole:,}"])
