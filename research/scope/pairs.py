"""Pairs of messages, made of wordings of many properties: what asks the same, and what only sounds like it."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTRASTS = (
    ("small", "large"), ("small", "medium"), ("single", "double"), ("new", "existing"), ("adult", "child"),
    ("weekday", "weekend"), ("summer", "winter"), ("morning", "evening"), ("monthly", "yearly"),
    ("basic", "premium"), ("standard", "express"), ("north", "south"), ("first", "second"),
    ("domestic", "international"), ("used", "new"), ("red", "green"), ("indoor", "outdoor"),
    ("private", "business"), ("short", "long"), ("online", "phone"), ("prepaid", "contract"), ("cotton", "leather"),
    ("electric", "manual"), ("guest", "member"), ("silver", "gold"), ("half", "full"), ("upper", "lower"),
    ("old", "new"), ("front", "rear"), ("hot", "cold"),
)  # fmt: skip
ENDS = (
    ("on Sundays", "on Mondays"), ("on Saturday", "on Friday"), ("in March", "in October"),
    ("for children", "for adults"), ("for students", "for pensioners"), ("in Leeds", "in Bristol"),
    ("at the airport", "at the station"), ("before 9 am", "after 6 pm"), ("with a card", "in cash"),
    ("for dogs", "for cats"), ("for two people", "for six people"), ("in 2024", "in 2025"),
    ("for new customers", "for existing customers"), ("by post", "by courier"), ("abroad", "at home"),
    ("for 2 kg", "for 5 kg"), ("at Christmas", "at Easter"),
    ("on Wednesdays", "on Thursdays"), ("per week", "per month"), ("on the first floor", "on the second floor"),
    ("with breakfast", "without breakfast"), ("for a week", "for a day"), ("by phone", "by email"),
    ("at night", "at noon"),
)  # fmt: skip
OPENINGS = (
    "Hi, ", "Hello! ", "Can you tell me: ", "I would like to know: ", "Quick question: ", "Excuse me, ",
    "Just checking, ", "Please tell me, ", "One thing: ", "Sorry to bother you, ", "Good morning. ",
    "My question is: ",
)  # fmt: skip
CLOSINGS = (
    "",
    " Thanks!",
    " please",
    " Thank you.",
    " I need it today.",
    " It is for my mother.",
    " I could not find it.",
)
GENERAL = (
    "What do you think of {w}?", "Tell me a joke about {w}.", "Write a short poem about {w}.", "Who invented {w}?",
    "What rhymes with {w}?", "How do you say {w} in French?", "What is the history of {w}?", "Do you like {w}?",
    "What would you tell a {w} about the sea?", "Is {w} good for one's health?", "Summarise what people say of {w}.",
    "How does {w} work?", "Compare {w} with the weather.", "What does the word {w} mean?", "List three kinds of {w}.",
    "How can I explain gravity to a {w}?", "Why is {w} important in life?", "Make up a story with a {w} in it.",
    "Which book about {w} should I read?", "What comes to your mind when you hear {w}?", "Can you draw {w}?",
    "Let us talk about {w}.", "What is the opposite of {w}?", "What did {w} look like a hundred years ago?",
    "Describe an evening without {w}.", "I have nothing against {w}, but what is so special about it?",
    "How do painters show {w}?", "What are the parts of a {w} called?", "What can children learn from {w}?",
    "Suggest a birthday present that has to do with {w}.", "Is there a proverb about {w}?", "Spell {w} backwards.",
    "How would you paint the sea for your {w}?", "Give an example of a sentence with {w} in it.",
    "What makes a {w} happy?", "How many letters does {w} have?", "Who wrote the best song about {w}?",
)  # fmt: skip
"""Messages of everyday talk, which ask nothing that a company corrects although they share a word with it."""
COMPLETE = ("Complete the sentence: ", "Finish the sentence: ", "", "Fill in what is missing: ")


@dataclass(frozen=True)
class Pair:
    """A message, a corrected question and its reply that it is held against, and whether it asks the same."""

    message: str
    key: str
    reply: str
    same: bool
    kind: str


def property_families(files: Sequence[Path]) -> list[list[dict[str, Any]]]:
    """The properties of each family; `services.knowledge`'s encoder of properties was trained on the same files."""
    families: dict[tuple[Path, str], list[dict[str, Any]]] = defaultdict(list)
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            families[file, row["family"]].append(row)
    return list(families.values())


class Maker:
    """Makes pairs of one family's properties."""

    def __init__(self, families: Sequence[Sequence[dict[str, Any]]], dice: random.Random) -> None:
        self._families = families
        self._dice = dice

    def pairs(self, count: int) -> list[Pair]:
        """About `count` pairs, half of which ask the same."""
        made: list[Pair] = []
        while len(made) < count:
            made += self._about(self._dice.choice(self._families))
        return made[:count]

    def _about(self, family: Sequence[dict[str, Any]]) -> list[Pair]:
        dice = self._dice
        prop, subject = dice.choice(family), ""
        subject, stranger = dice.sample(prop["subjects"], 2)
        kind = dice.random()
        if kind < 0.3:
            short, other = dice.choice(CONTRASTS)
            if dice.random() < 0.5:
                short, other = other, short
            bare = re.sub(r"^the ", "", subject)
            subject, near = f"the {short} {bare}", f"the {other} {bare}"
        elif kind < 0.45:
            near = self._cousin(subject)
        else:
            near = stranger
        end, other_end = dice.choice(ENDS) if dice.random() < 0.3 else ("", "")
        if dice.random() < 0.5:
            end, other_end = other_end, end
        template, ask = self._template(prop)
        key = ask.format(self._filled(template, subject, end))
        reply = self._reply(prop, subject, end)
        pairs = []
        for _ in range(3):
            again = template if dice.random() < 0.15 else self._template(prop)[0]
            message = ask.format(self._filled(again, self._called(subject), end))
            pairs.append(Pair(self._noisy(message), key, reply, True, "paraphrase"))
        again = template if dice.random() < 0.5 else self._template(prop)[0]
        message = ask.format(self._filled(again, near, end))
        pairs.append(Pair(self._noisy(message), key, reply, False, "entity"))
        others = [one for one in family if one is not prop]
        if others and dice.random() < 0.6:
            else_template = self._template(dice.choice(others))[0]
            message = ask.format(self._filled(else_template, self._called(subject), end))
            pairs.append(Pair(self._noisy(message), key, reply, False, "property"))
        if end:
            again = template if dice.random() < 0.5 else self._template(prop)[0]
            message = ask.format(self._filled(again, subject, other_end))
            pairs.append(Pair(self._noisy(message), key, reply, False, "condition"))
        elif dice.random() < 0.1:
            other_family = dice.choice(self._families)
            message = ask.format(self._filled(self._template(dice.choice(other_family))[0], near, ""))
            pairs.append(Pair(self._noisy(message), key, reply, False, "far"))
        if dice.random() < 0.6:
            stray = dice.choice(dice.choice(dice.choice(self._families))["subjects"])
            message = general_message(key, reply, stray, dice)
            pairs.append(Pair(self._noisy(message), key, reply, False, "general"))
        return pairs

    def _template(self, prop: dict[str, Any]) -> tuple[str, str]:
        """(a wording with {s}, what goes around it)."""
        dice = self._dice
        stated = [s[: -len("{v}")].strip() for s in prop["statements"] if s.endswith("{v}")]
        if stated and dice.random() < 0.35:
            return dice.choice(stated), dice.choice(COMPLETE).replace("{", "{{") + "{}"
        return dice.choice(prop["questions"]), "{}"

    def _reply(self, prop: dict[str, Any], subject: str, end: str) -> str:
        """A corrected reply: a whole statement, one that calls the subject `it`, or the value alone."""
        dice, value = self._dice, self._dice.choice(prop["values"])
        kind = dice.random()
        if kind < 0.15:
            return f"{value[:1].upper()}{value[1:]}{f' {end}' if end else ''}."
        called = subject if kind < 0.75 else "it"
        text = dice.choice(prop["statements"]).replace("{s}", called).replace("{v}", value)
        return f"{text[:1].upper()}{text[1:]}{f' {end}' if end and dice.random() < 0.6 else ''}."

    def _filled(self, template: str, subject: str, end: str) -> str:
        text = template.replace("{s}", subject)
        if end:
            mark = text[-1] if text[-1] in "?.!" else ""
            text = f"{text.rstrip('?.!')} {end}{mark}"
        return text[:1].upper() + text[1:]

    def _called(self, subject: str) -> str:
        """The subject as somebody else would write it."""
        kind = self._dice.random()
        if kind < 0.15:
            return re.sub(r"^the ", "", subject)
        if kind < 0.25:
            return re.sub(r"^(the )?", "your ", subject, count=1)
        if kind < 0.35:
            return subject.lower()
        return subject

    def _cousin(self, subject: str) -> str:
        """A name that shares all but one word with the subject's."""
        words = subject.split()
        others = [w for f in self._dice.sample(self._families, 2) for p in f for s in p["subjects"] for w in s.split()]
        content = [i for i, word in enumerate(words) if word not in ("the", "of", "a", "and")]
        words[self._dice.choice(content)] = self._dice.choice(
            [w for w in others if w not in ("the", "of", "a", *words)]
        )
        return " ".join(words)

    def _noisy(self, text: str) -> str:
        dice = self._dice
        kind = dice.random()
        if kind < 0.15:
            text = text.lower().rstrip("?.!")
        elif kind < 0.25:
            text = self._typo(text)
        elif kind < 0.4:
            text = dice.choice(OPENINGS) + text[:1].lower() + text[1:] + dice.choice(CLOSINGS)
        return text

    def _typo(self, text: str) -> str:
        letters = [i for i in range(1, len(text) - 1) if text[i].isalpha() and text[i + 1].isalpha()]
        if not letters:
            return text
        at = self._dice.choice(letters)
        if self._dice.random() < 0.5:
            return text[:at] + text[at + 1 :]
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def general_message(key: str, reply: str, stray: str, dice: random.Random) -> str:
    """A message of everyday talk about a word of the question `key`, of its reply, or of a text of neither."""
    text = dice.choices((key, reply, stray), (6, 2, 2))[0]
    words = [word for word in re.findall(r"[^\W\d_]+", text) if len(word) > 3]
    return dice.choice(GENERAL).format(w=dice.choice(words or ["it"]))


def pararel_pairs(file: Path, relations: Sequence[str], count: int, dice: random.Random) -> list[Pair]:
    """Pairs of statements to be completed: a prompt with its paraphrases, and with its neighbours' prompts."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [row for line in lines if (row := json.loads(line))["relation"] in relations]
    by_relation: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_relation[row["relation"]].append(row)
    pairs: list[Pair] = []
    while len(pairs) < count:
        row = dice.choice(rows)
        ask = dice.choice(COMPLETE)
        key, said = row["prompt"], dice.choice(row["paraphrases"])
        reply = f"{key} {row['target_new']}."
        pairs.append(Pair(ask + said, ask + key, reply, True, "paraphrase"))
        pairs.append(Pair(ask + dice.choice(row["neighborhood"]), ask + key, reply, False, "entity"))
        near = dice.choice(row["paraphrases"]).replace(
            row["subject"], dice.choice(by_relation[row["relation"]])["subject"]
        )
        if row["subject"] not in near:
            pairs.append(Pair(ask + near, ask + key, reply, False, "entity"))
        other = dice.choice(rows)
        if other["relation"] != row["relation"] and other["subject"] in other["prompt"]:
            moved = other["prompt"].replace(other["subject"], row["subject"])
            pairs.append(Pair(ask + moved, ask + key, reply, False, "property"))
        if dice.random() < 0.3:
            pairs.append(Pair(general_message(key, reply, other["subject"], dice), ask + key, reply, False, "general"))
    return pairs[:count]
