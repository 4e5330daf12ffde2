"""A text that grows piece by piece is counted as the whole text would be."""

from __future__ import annotations

import random
import re

from services.common import text_measures as measure
from services.models.growing_text import GrowingText

PIECES = (
    "Hello world. ", "It costs 3.5 euros.", " Mr. Smith, e.g. said", "\n", "\n\n", "- item one\n", "1. first", "12)",
    '"Quoted." ', "你好。", "我们！」", "…", " É", "ǅ", "a.m. ", "x\u2028y", "\r", "\r\n", "?!", " * star*", "_a_b",
    "don't ", "SHOUT", "(2) ", "3", ".", " ", "😀",
)  # fmt: skip


def test_every_count_is_that_of_the_whole_text_however_it_was_cut() -> None:
    chance = random.Random(3)
    for _ in range(300):
        content = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 12))).encode()
        growing, at = GrowingText(), 0
        while at < len(content):
            end = at + chance.randint(1, 5)
            growing.extend(content[at:end])
            at = min(end, len(content))
            text = content[:at].decode("utf-8", "ignore")
            assert growing.text == text
            assert growing.words == len(re.findall(r"\w+", text)), text
            assert growing.sentences == len(measure.sentences(text)), text
            assert growing.quotes == text.count('"')
            assert growing.one_line == ("\n" not in text)
            assert growing.case == float(text.islower()) - float(text.isupper()), text


def test_bytes_that_are_no_text_are_left_out() -> None:
    growing = GrowingText()
    for byte in b"a\xff\xe2\x82 b\xc3":
        growing.extend(bytes([byte]))
    assert growing.text == "a b"
    assert growing.words == 2
