"""What the simulated reader asks for: prompts of verifiable_dev, checks, and free text that says them.

The phrasings are written for this evaluation alone; neither the grammar of feedback nor any training has seen them.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.finetune.fusing import phrasings as learned

SEED = 23
LANGUAGES = {
    "kn": "Kannada", "mr": "Marathi", "fa": "Persian", "ko": "Korean", "hi": "Hindi", "te": "Telugu", "ur": "Urdu",
    "de": "German",
}  # fmt: skip
GROUPS = {"keywords:existence": "include", "keywords:forbidden_words": "exclude"}
PHRASINGS: dict[str, tuple[str, ...]] = {
    "keywords:existence": (
        "You left out the word {keywords}; it has to be in there.", "I was hoping to see \"{keywords}\" in your reply.",
        "Can you work {keywords} into it?",
    ),
    "keywords:forbidden_words": (
        "I don't want to read \"{forbidden_words}\" anywhere.", "Lose the word {forbidden_words}, please.",
        "Say it without ever using \"{forbidden_words}\".",
    ),
    "startend:quotation": (
        "Wrap everything you say in double quotes.", "The entire thing belongs between double quotation marks.",
    ),
    "startend:end_checker": (
        "Your final words have to be: \"{end_phrase}\"", "Please finish on exactly this: \"{end_phrase}\"",
    ),
    "detectable_format:number_bullet_lists": (
        "I'd like exactly {num_bullets} bullet points.", "Give me that as {num_bullets} bullets, no more, no fewer.",
    ),
    "change_case:english_lowercase": ("no capital letters please, all lowercase", "Write it all in small letters."),
    "change_case:english_capital": ("Write the whole thing in capital letters.", "I want it in all caps."),
    "punctuation:no_comma": ("Leave out all commas.", "There shouldn't be a single comma in it."),
    "detectable_format:json_format": ("I need that as JSON.", "Return valid JSON and nothing around it."),
    "detectable_format:title": (
        "It needs a title, put in double angular brackets like <<this>>.", "Add a title wrapped in << and >>.",
    ),
    "detectable_format:number_highlighted_sections": (
        "Highlight at least {num_highlights} sections with asterisks, like *this*.",
        "Mark {num_highlights} or more parts as *highlighted* in markdown.",
    ),
    "detectable_format:multiple_sections": (
        "Split it into {num_sections} sections, each starting with {section_spliter} X.",
        "I want {num_sections} sections marked {section_spliter} 1, {section_spliter} 2 and so on.",
    ),
    "detectable_format:constrained_response": (
        "Answer with \"My answer is yes.\", \"My answer is no.\" or \"My answer is maybe.\"",
    ),
    "language": ("Write that in {language} only.", "I only understand {language}, so answer in {language}."),
    "change_case:capital_word_frequency": (
        "Use words in all capital letters {capital_relation} {capital_frequency} times.",
    ),
    "length_constraints:number_words": (
        "Keep it under {num_words} words.", "That was too wordy, {num_words} words at the very most.",
    ),
    "length_constraints:number_sentences": ("I want no more than {num_sentences} sentences.",),
    "startend:starts": ("Open with the words \"{phrase}\".", "It should begin like this: \"{phrase}\""),
    "detectable_content:postscript": ("Add a P.S. at the end.", "A postscript starting with P.S. would be nice."),
}  # fmt: skip
FURTHER: tuple[dict[str, Any], ...] = (
    {"id": "length_constraints:number_words", "num_words": 40},
    {"id": "length_constraints:number_sentences", "num_sentences": 2},
    {"id": "startend:starts", "phrase": "Here we go"},
    {"id": "detectable_content:postscript"},
    {"id": "change_case:english_lowercase"},
    {"id": "punctuation:no_comma"},
    {"id": "startend:quotation"},
    {"id": "detectable_format:number_bullet_lists", "num_bullets": 4},
    {"id": "detectable_format:title"},
    {"id": "startend:end_checker", "end_phrase": "That is all I have to say."},
)


@dataclass(frozen=True)
class Item:
    """A first request, what the reader then wants, how they say it, and in which words they would say it again."""

    prompt: str
    check: dict[str, Any]
    comment: str
    further: bool = False
    ways: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        name = str(self.check["id"])
        return "language" if name.startswith("language:") else name

    @property
    def group(self) -> str:
        """include, exclude or format, as the published file groups them."""
        return GROUPS.get(self.kind, "format")


def load(data: Path, pairs: int = 6) -> list[Item]:
    """The file's own items, then `pairs` further checks for each of its prompts; every order is a seed's."""
    with gzip.open(data / "feedback" / "verifiable_dev.jsonl.gz", "rt") as lines:
        records = [json.loads(line) for line in lines]
    chance = random.Random(SEED)
    own = [_item(r["prompt"], check, chance) for r in records for check in r["checks"]]
    chance.shuffle(own)
    prompts = sorted({r["prompt"] for r in records})
    further = [
        _item(prompt, check, chance, further=True)
        for prompt in prompts
        for check in chance.sample(FURTHER, min(pairs, len(FURTHER)))
    ]
    chance.shuffle(further)
    return [*own, *further]


def load_training(data: Path) -> list[Item]:
    """The training prompts, each with one of its own checks, a pair of words to bring in of which one is another
    prompt's, and two further checks, in the training's phrasings."""
    with gzip.open(data / "feedback" / "verifiable_train.jsonl.gz", "rt") as lines:
        records = [json.loads(line) for line in lines]
    chance = random.Random(SEED)
    found = []
    for prompt in dict.fromkeys(record["prompt"] for record in records):
        own = chance.choice([record for record in records if record["prompt"] == prompt])["checks"][0]
        word = ", ".join(own.get("keywords") or own.get("forbidden_words"))
        kind = "include" if "keywords" in own else "exclude"
        found.append(_said(prompt, own, _learned(kind, x=word), chance))
        words = [chance.choice(_wanted(records, prompt)), chance.choice(_wanted(records, ""))]
        both = {"id": "keywords:existence", "keywords": words}
        found.append(_said(prompt, both, _learned("include", x=", ".join(words)), chance, True))
        for kind, check, values in chance.sample(_TRAINING, 2):
            found.append(_said(prompt, check, _learned(kind, **values), chance, True))
    chance.shuffle(found)
    return found


def _learned(kind: str, **values: Any) -> list[str]:
    """The training's ways to say a wish."""
    return [way.format(**values) for way in _TRAINING_WAYS[kind]]


def _wanted(records: Sequence[dict[str, Any]], prompt: str) -> list[str]:
    """The words that records of the prompt ask for, of all prompts where it is empty."""
    return [
        word
        for record in records
        if not prompt or record["prompt"] == prompt
        for check in record["checks"]
        for word in check.get("keywords", ())
    ]


_TRAINING: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("max_words", {"id": "length_constraints:number_words", "num_words": 50}, {"n": 50}),
    ("max_sentences", {"id": "length_constraints:number_sentences", "num_sentences": 3}, {"n": 3}),
    ("start", {"id": "startend:starts", "phrase": "In short"}, {"x": "In short"}),
    ("postscript", {"id": "detectable_content:postscript"}, {}),
    ("lower", {"id": "change_case:english_lowercase"}, {}),
    ("upper", {"id": "change_case:english_capital"}, {}),
    ("no_comma", {"id": "punctuation:no_comma"}, {}),
    ("quotation", {"id": "startend:quotation"}, {}),
    ("bullets", {"id": "detectable_format:number_bullet_lists", "num_bullets": 3}, {"n": 3}),
    ("title", {"id": "detectable_format:title"}, {}),
    ("json", {"id": "detectable_format:json_format"}, {}),
    ("end", {"id": "startend:end_checker", "end_phrase": "So it goes."}, {"x": "So it goes."}),
    ("highlights", {"id": "detectable_format:number_highlighted_sections", "num_highlights": 2}, {"n": 2}),
    (
        "sections",
        {"id": "detectable_format:multiple_sections", "section_spliter": "Part", "num_sections": 3},
        {"n": 3, "x": "Part"},
    ),
    ("one_of", {"id": "detectable_format:constrained_response"}, {}),
    (
        "capital_words",
        {"id": "change_case:capital_word_frequency", "capital_relation": "at least", "capital_frequency": 3},
        {"n": 3},
    ),
    ("language", {"id": "language:response_language", "language": "hi"}, {"x": "Hindi"}),
    ("language", {"id": "language:response_language", "language": "de"}, {"x": "German"}),
)
_TRAINING_WAYS = {**learned.PHRASINGS, "language": ("Answer in {x}.", "I want this in {x}.", "Please write in {x}.")}


def sample(items: Sequence[Item], limit: int) -> list[Item]:
    """`limit` items, in turn of each kind, so that small runs have all kinds; all where `limit` is 0."""
    if not limit or limit >= len(items):
        return list(items)
    by_kind: dict[str, list[Item]] = {}
    for item in items:
        by_kind.setdefault(item.kind, []).append(item)
    return [item for item, _ in zip(_in_turn(list(by_kind.values())), range(limit), strict=False)]


def _in_turn(lists: list[list[Item]]) -> Iterator[Item]:
    for at in range(max(map(len, lists))):
        yield from (one[at] for one in lists if at < len(one))


def wordings(check: dict[str, Any]) -> list[str]:
    """Every way in which a reader of this evaluation says the wish."""
    kind = "language" if check["id"].startswith("language:") else check["id"]
    values = {name: ", ".join(value) if isinstance(value, list) else value for name, value in check.items()}
    if kind == "language":
        values["language"] = LANGUAGES.get(values["language"], values["language"])
    return [phrasing.format(**values) for phrasing in PHRASINGS[kind]]


def _item(prompt: str, check: dict[str, Any], chance: random.Random, further: bool = False) -> Item:
    return _said(prompt, check, wordings(check), chance, further)


def _said(
    prompt: str, check: dict[str, Any], ways: Sequence[str], chance: random.Random, further: bool = False
) -> Item:
    comment = chance.choice(ways)
    return Item(prompt, check, comment, further, (comment, *(one for one in ways if one != comment)))
