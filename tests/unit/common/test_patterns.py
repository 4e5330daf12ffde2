"""Possessive groups go to `regex`: in Python 3.11.0 to 3.11.2 the standard library's engine loses text to them."""

import re
from pathlib import Path

import pytest

from services.common.sentences import pieces

ROOT = Path(__file__).parents[3]
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+|\(\?>")
CALL = re.compile(r"\b(re|regex)\.[a-z]+\(")


def misplaced(source: str) -> list[str]:
    """The possessive groups that stand in a call of the standard library's engine."""
    calls = [(match.start(), match[1]) for match in CALL.finditer(source)]
    return [
        source[match.start() - 30 : match.end()]
        for match in POSSESSIVE_GROUP.finditer(source)
        if [name for start, name in calls if start < match.start()][-1:] == ["re"]
    ]


def test_no_possessive_group_is_matched_by_the_standard_library() -> None:
    files = [file for room in ("services", "research", "bench", "deploy") for file in (ROOT / room).rglob("*.py")]
    assert len(files) > 300
    assert {str(file): groups for file in files if (groups := misplaced(file.read_text()))} == {}
    assert misplaced('re.compile(r"(?:a|b)*+c")')
    assert misplaced('re.search("(?>a|b)", text)')
    assert not misplaced('regex.compile(r"(?:a|b)*+c")')
    assert not misplaced('re.compile(r"[ab]++(c)+")')


@pytest.mark.parametrize(
    "text",
    [
        "The first sentence stays. So does the second.",
        "Version 2.5 costs 3.50 euros. It ships on 1.5. at noon!  Really?",
        "One line\nand another\n\nand a third",
        "第一句。第二句！第三句；第四句",
        "Wait... (what?) \"No.\" he said. And …",
        "no stop at all",
        "...",
        "",
    ],
)  # fmt: skip
def test_the_pieces_of_a_text_are_all_of_it(text: str) -> None:
    assert "".join(pieces(text)) == text
