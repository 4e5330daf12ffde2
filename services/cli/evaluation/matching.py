"""When a string stands in a reply, and when a reply is right.

The rules are those that the sets were written for: case, width and spacing do not count, a number must not stand inside
a longer one, and what a reply says about not knowing is no part of its answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

CHINESE = re.compile(r"[\u3400-\u9fff]")
_NUMERALS = "一二三四五六七八九十百千两零"
_MARKS = re.compile(r"[|*#`\\\"“”„「」]")
_NOT_KNOWING = re.compile(
    r"(?i)\b(?:I )?(?:do not|don't|don’t|cannot|can't|can’t|could not|couldn't) (?:know|say|tell|find)\b[^.!?]*"
    r"|不知道|不清楚|无法回答|没有找到"
)
_CONCLUSION = re.compile(r"\b(?:so|therefore|thus|hence)\b|所以|因此")


def normal(text: str) -> str:
    """The text without footnote marks, markup and quotes, in one width and case, with single spaces."""
    text = unicodedata.normalize("NFKC", re.sub(r"[¹²³⁴]", " ", text)).replace("’", "'")
    text = re.sub(r"\s+", " ", _MARKS.sub(" ", text)).strip().casefold()
    return re.sub(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])", "", text)


def stands_in(string: str, text: str) -> bool:
    """Whether the string stands in the text, no number inside a longer one and no word's end for a whole word."""
    wanted = normal(string)
    first, last = wanted[:1], wanted[-1:]
    pattern = re.escape(wanted).replace(r"\ ", r"\s*")
    if first and first in _NUMERALS:
        pattern = f"(?<![{_NUMERALS}])" + pattern
    if last and last in _NUMERALS:
        pattern += f"(?![{_NUMERALS}])"
    before = after = ""
    if first.isdigit():
        before = r"(?<!\d)(?<!\d[.,:])"
    elif first.isascii() and first.isalpha():
        before = r"(?<![a-z])"
    if last.isdigit():
        after = r"(?!\d|[.,:]\d*[1-9]|,\d{3})"
    return re.search(before + pattern + after, normal(text)) is not None


def any_stands_in(strings: Iterable[str], text: str) -> bool:
    """Whether one of the strings stands in the text."""
    return any(stands_in(string, text) for string in strings)


def is_right(question: Mapping[str, Any], reply: str) -> bool:
    """Whether the reply has what a right answer to this answerable question has, and nothing that it must not have."""
    reply = _NOT_KNOWING.sub(" ", reply)
    right = (
        any_stands_in(question["any_of"], reply)
        and all(stands_in(string, reply) for string in question.get("all_of", []))
        and not any_stands_in(question.get("none_of", []), reply)
    )
    return right and ("compare" not in question or _names_right_row(question["compare"], reply))


def _names_right_row(rows: Mapping[str, str], reply: str) -> bool:
    """Whether the right row is named alone, or before the wrong one, in the conclusion where there is one."""
    right, wrong = normal(rows["right"]), normal(rows["wrong"])
    conclusion = _CONCLUSION.split(normal(reply))[-1]
    if right not in conclusion:
        return False
    return wrong not in conclusion or conclusion.find(right) < conclusion.find(wrong)
