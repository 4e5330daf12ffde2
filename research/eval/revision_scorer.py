"""The strict checks of IFEval (Zhou et al. 2023) and the rule of degeneration, written apart from the project's own
checks so that neither parsing, decoding nor stopping can please themselves."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

_RANGES = {"kn": "\u0c80-\u0cff", "te": "\u0c00-\u0c7f", "ko": "\uac00-\ud7af", "hi": "\u0900-\u097f",
           "mr": "\u0900-\u097f", "fa": "\u0600-\u06ff", "ur": "\u0600-\u06ff"}  # fmt: skip
_GERMAN = frozenset("der die das und ist nicht ein eine zu mit auf für von den im werden sind sich auch".split())


def satisfied(check: dict[str, Any], reply: str) -> bool:
    """Whether the reply passes the check, strictly."""
    name = check["id"].partition(":")[2]
    text = reply.strip()
    if not text:
        return False
    if name.startswith("response_language"):
        return _language(check["language"], text)
    return bool(globals()[f"_{name}"](check, text))


def _existence(check: dict[str, Any], text: str) -> bool:
    return all(re.search(re.escape(word), text, re.I) for word in check["keywords"])


def _forbidden_words(check: dict[str, Any], text: str) -> bool:
    return not any(re.search(r"\b" + re.escape(word) + r"\b", text, re.I) for word in check["forbidden_words"])


def _quotation(check: dict[str, Any], text: str) -> bool:
    return len(text) > 2 and text[0] == '"' and text[-1] == '"'


def _end_checker(check: dict[str, Any], text: str) -> bool:
    return text.strip('"').lower().endswith(check["end_phrase"].strip().lower())


def _number_bullet_lists(check: dict[str, Any], text: str) -> bool:
    bullets = re.findall(r"^\s*\*[^\*].*$", text, re.M) + re.findall(r"^\s*-.*$", text, re.M)
    return len(bullets) == check["num_bullets"]


def _english_lowercase(check: dict[str, Any], text: str) -> bool:
    return text.islower()


def _english_capital(check: dict[str, Any], text: str) -> bool:
    return text.isupper()


def _no_comma(check: dict[str, Any], text: str) -> bool:
    return "," not in text


def _json_format(check: dict[str, Any], text: str) -> bool:
    for fence in ("```json", "```Json", "```JSON", "```"):
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except ValueError:
        return False
    return True


def _title(check: dict[str, Any], text: str) -> bool:
    return any(found.strip("<> ") for found in re.findall(r"<<[^\n]+>>", text))


def _number_highlighted_sections(check: dict[str, Any], text: str) -> bool:
    found = re.findall(r"\*[^\n\*]*\*", text) + re.findall(r"\*\*[^\n\*]*\*\*", text)
    return sum(1 for one in found if one.strip("* ")) >= check["num_highlights"]


def _multiple_sections(check: dict[str, Any], text: str) -> bool:
    return len(re.split(rf"\s?{re.escape(check['section_spliter'])}\s?\d+\s?", text)) - 1 >= check["num_sections"]


def _constrained_response(check: dict[str, Any], text: str) -> bool:
    return any(one in text for one in ("My answer is yes.", "My answer is no.", "My answer is maybe."))


def _capital_word_frequency(check: dict[str, Any], text: str) -> bool:
    count = sum(1 for word in re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text) if word.isupper())
    wanted = check["capital_frequency"]
    return count >= wanted if check["capital_relation"] == "at least" else count < wanted


def _number_words(check: dict[str, Any], text: str) -> bool:
    return len(re.findall(r"\w+", text)) <= check["num_words"]


def _number_sentences(check: dict[str, Any], text: str) -> bool:
    return len([one for one in re.split(r"(?<=[.!?])\s+|\n+", text) if re.search(r"\w", one)]) <= check["num_sentences"]


def _starts(check: dict[str, Any], text: str) -> bool:
    return text.lower().startswith(check["phrase"].lower())


def _postscript(check: dict[str, Any], text: str) -> bool:
    return re.search(r"\s*p\.\s?s\..*$", text.lower(), re.M) is not None


def _language(code: str, text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    if code in _RANGES:
        return bool(letters) and sum(1 for c in letters if re.match(f"[{_RANGES[code]}]", c)) > 0.8 * len(letters)
    words = re.findall(r"\w+", text.lower())
    return sum(word in _GERMAN for word in words) >= 0.12 * max(1, len(words))


def reasons_against(reply: str, finish: str, perplexity: float, usual: float) -> list[str]:
    """Why a reply is degenerate; empty where it isn't. `usual` is the median perplexity of replies without feedback."""
    words = re.findall(r"\w+", reply.lower())
    pairs = list(pairwise(words))
    found = []
    if perplexity > 1.5 * usual:
        found.append("perplexity")
    if pairs and len(set(pairs)) / len(pairs) < 0.5:
        found.append("distinct-2")
    if finish != "stop":
        found.append("cap")
    if re.match(r"\W*(?:the|this) (?:word|phrase|term)\b.{0,40}\b(?:is|means|refers)\b", reply, re.I):
        found.append("about the word")
    return found
