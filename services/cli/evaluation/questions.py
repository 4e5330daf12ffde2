"""A file of questions with what a right reply says, and the verdict on a reply."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from services.cli.evaluation.declining import declines, says_unknown
from services.cli.evaluation.matching import is_right

Verdict = Literal["right", "wrong", "declined", "invented"]
_LISTS = ("any_of", "all_of", "none_of")


class QuestionError(ValueError):
    """A line of the file is no question; the text names line and field."""


@dataclass(frozen=True)
class Question:
    """One line of the file. `expected` has any_of, all_of, none_of; it is empty where the documents do not answer."""

    id: str
    text: str
    expected: Mapping[str, Any]

    @property
    def answerable(self) -> bool:
        """Whether the documents answer it."""
        return bool(self.expected.get("any_of") or self.expected.get("all_of"))

    def judge(self, reply: str) -> Verdict:
        """An answerable question is answered right, wrong, or declined; any other is declined or invented upon."""
        if not self.answerable:
            return "declined" if declines(reply, self.text) else "invented"
        if is_right({"any_of": self.expected.get("any_of") or self.expected["all_of"], **self.expected}, reply):
            return "right"
        return "declined" if says_unknown(reply) and declines(reply, self.text) else "wrong"


def read_questions(file: Path) -> Iterator[Question]:
    """The questions of a JSON lines file. Raises QuestionError."""
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").split("\n"), 1):
        if line.strip():
            yield _question(line, f"{file.name}:{number}", number)


def _question(line: str, place: str, number: int) -> Question:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise QuestionError(f"{place}: no JSON: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("question"), str) or not row["question"].strip():
        raise QuestionError(f"{place}: question: needs a text")
    for name in _LISTS:
        strings = row.get(name, [])
        if not isinstance(strings, list) or not all(isinstance(string, str) and string for string in strings):
            raise QuestionError(f"{place}: {name}: needs a list of texts")
    compare = row.get("compare")
    if compare is not None and not (isinstance(compare, dict) and {"right", "wrong"} <= compare.keys()):
        raise QuestionError(f"{place}: compare: needs right and wrong")
    expected = {name: row[name] for name in (*_LISTS, "compare") if row.get(name)}
    return Question(str(row.get("id") or number), row["question"].strip(), expected)
