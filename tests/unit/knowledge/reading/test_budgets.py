"""Reading takes time that grows as the document does, and ends within its limits whatever is given."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from services.common.quoting import quoted
from services.knowledge.domain.blocks import Unreadable
from services.knowledge.parsing import Parsed, Source, parse_limited
from services.models.encoder_files import encoder_folder
from tests.support.cpu import cpu_seconds
from tests.support.passages import passages

GROWING: dict[str, Callable[[int], str]] = {
    "brackets": lambda n: "[" * n,
    "brackets and letters": lambda n: "[a" * (n // 2),
    "links": lambda n: "[a](" * (n // 4),
    "stars": lambda n: "*a " * (n // 3),
    "double stars": lambda n: "**a" * (n // 3),
    "backticks": lambda n: "`a" * (n // 2),
    "angles": lambda n: "<" * n,
    "angle and spaces": lambda n: ("<" + " " * 500) * (n // 501),
    "spaces": lambda n: "a" + " " * n + "b",
    "line feeds": lambda n: "a" + "\n" * n + "b",
    "lines of spaces": lambda n: "a" + " \n" * (n // 2) + "b",
    "bars": lambda n: "|" * n,
    "quotes": lambda n: "> " * (n // 2),
    "hashes": lambda n: "# a\n" * (n // 4),
    "items": lambda n: "- a\n" * (n // 4),
    "rows": lambda n: "| a | b |\n|---|---|\n" + "| x | 1 |\n" * (n // 10),
    "questions": lambda n: "Q: a?\nA: b.\n" * (n // 12),
    "notes": lambda n: "a[^1] b\n\n" * (n // 9) + "[^1]: c\n",
    "many notes": lambda n: "\n\n".join(f"a[^{k}]\n\n[^{k}]: note {k}" for k in range(n // 24)),
    "quote marks": lambda n: '"a\n' * (n // 3),
    "one word": lambda n: "a" * n,
    "stops": lambda n: "a. " * (n // 3),
    "ideographs": lambda n: "退货期限为三十天。" * (n // 9),
    "roles": lambda n: "\n" * (n // 2) + "system\n" * (n // 14),
    "days": lambda n: "valid from 1 March " * (n // 19),
    "comments": lambda n: "<!-- " * (n // 5),
    "front matter": lambda n: "---\n" + "a: b\n" * (n // 5),
    "open tags": lambda n: "<b>a " * (n // 5),
    "cells": lambda n: "<table><tr>" + "<td>a" * min(n // 5, 150) + "</table>" + "<table><tr><td>x" * (n // 16),
    "anchors": lambda n: '<a href="#x">1</a> ' * (n // 19) + '<p id="x">note</p>',
}


def read(text: str, name: str) -> None:
    with suppress(Unreadable):
        passages(text, name)


def assert_grows_as_its_text(work: Callable[[str], object], text: Callable[[int], str]) -> None:
    """Eight times the text takes about eight times as long; 64 times as long where the time is quadratic."""
    short, long = text(4_000), text(32_000)
    before = cpu_seconds(lambda: work(short), times=2)
    most = max(0.06, 24 * before)
    after = cpu_seconds(lambda: work(long), enough=most)  # the first run that is quick enough is the last
    assert after <= most, f"{before:.3f} s, then {after:.3f} s for eight times as much"


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.txt", "a.csv"])
@pytest.mark.parametrize("kind", GROWING)
def test_time_grows_as_the_text_does(kind: str, name: str) -> None:
    assert_grows_as_its_text(lambda text: read(text, name), GROWING[kind])


@pytest.mark.parametrize("kind", GROWING)
def test_quoting_takes_time_as_the_text_does(kind: str) -> None:
    assert_grows_as_its_text(quoted, GROWING[kind])


def parse(content: str, kind: str = "text/markdown") -> Parsed:
    return parse_limited(content.encode(), Source(kind, "acme/doc", encoder_folder() / "tokenizer.json", "T", "a"))


@pytest.mark.parametrize("text", ["[" * 3_000_000, "[a" * 200_000, "word " * 200_000 + "end."])
def test_large_texts_end_as_passages_or_with_a_reason(text: str) -> None:
    start = time.monotonic()
    try:
        passages_read = parse(text).passages
    except Unreadable:
        passages_read = []
    assert all(len(passage.text) <= 2_400 for passage in passages_read)
    assert time.monotonic() - start < 60, "the limits of the process see to that"


@pytest.mark.parametrize(("rows", "reason"), [(100_000, "more than 100000 rows"), (21_000, "more than 20000 passages")])
def test_a_table_of_very_many_rows_is_refused_with_the_reason(rows: int, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        parse("name,price\n" + "".join(f"part {n},{n}\n" for n in range(rows)), "text/csv")
