"""What ``research.eval.learning`` asks: corrections with paraphrases and neighbours, of statements and of services."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ASK = "Complete the sentence: {}"
REPORTED = ("P27", "P20", "P279", "P178", "P47")
"""Relations that neither the scope's head nor any setting was chosen on."""


@dataclass(frozen=True)
class Item:
    """A correction and what is asked about it. A reply is right if one of `right` stands in it and none of `wrong`."""

    question: str
    reply: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    paraphrases: tuple[str, ...]
    neighbours: tuple[str, ...]

    def said_by(self, text: str) -> bool:
        """Whether a reply gives the corrected answer."""
        folded = text.casefold()
        if any(word.casefold() in folded for word in self.wrong):
            return False
        return any(word.casefold() in folded for word in self.right)


def statements(data: Path, count: int, seed: int, relations: Sequence[str]) -> list[Item]:
    """A sample of statements of facts with a new object, one a subject; all relations where none is named."""
    with gzip.open(data / "edits" / "pararel_edits.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    if relations and any(row.get("relation") in relations for row in rows):
        rows = [row for row in rows if row["relation"] in relations]
    rows = list({row["subject"]: row for row in rows}.values())
    rows = random.Random(seed).sample(rows, min(count, len(rows)))
    corrected = {row["subject"] for row in rows}
    return [_statement(row, corrected) for row in rows]


def _statement(row: dict[str, Any], corrected: set[str]) -> Item:
    """A statement with the first of its neighbours whose subject was not itself corrected."""
    others = [text for text in row["neighborhood"] if not any(subject in text for subject in corrected)]
    return Item(
        ASK.format(row["prompt"]),
        f"{row['prompt']} {row['target_new']}.",
        (row["target_new"],),
        (),
        (ASK.format(row["paraphrases"][-1]),),
        tuple(ASK.format(text) for text in others[:1]),
    )


def service(folder: Path) -> list[Item]:
    """The corrections of a service set, with both paraphrases and both neighbours of each."""
    rows = (folder / "corrections-gold.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Item(
            row["question"],
            row["corrected"],
            tuple(row["any_of"]),
            tuple(row.get("none_of") or ()),
            tuple(row["paraphrases"]),
            tuple(one["question"] for one in row["neighbours"]),
        )
        for row in map(json.loads, rows)
    ]
