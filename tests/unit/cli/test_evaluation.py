"""A reply is judged by what its question's line expects."""

from pathlib import Path

import pytest

from services.cli.evaluation.questions import QuestionError, read_questions


def write(folder: Path, *lines: str) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_replies_are_right_wrong_declined_or_invented(tmp_path: Path) -> None:
    price, unknown = read_questions(
        write(
            tmp_path,
            '{"id": "q1", "question": "What does the Family plan cost?", "any_of": ["29 euros"], "none_of": ["49"]}',
            "",
            '{"question": "Who founded the company?", "any_of": []}',
        )
    )
    assert price.judge("The Family plan costs 29 euros a month.") == "right"
    assert price.judge("It costs 129 euros.") == "wrong"
    assert price.judge("Either 29 euros or 49 euros.") == "wrong"
    assert price.judge("I don't know that. Shall I ask a colleague?") == "declined"
    assert unknown.id == "3"
    assert unknown.judge("I do not know that.") == "declined"
    assert unknown.judge("Ada Miller founded it in 1990.") == "invented"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("no json", "questions.jsonl:1: no JSON"),
        ("[]", "question: needs a text"),
        ('{"question": " "}', "question: needs a text"),
        ('{"question": "x", "any_of": "29"}', "any_of: needs a list"),
        ('{"question": "x", "all_of": [1]}', "all_of: needs a list"),
        ('{"question": "x", "compare": {}}', "compare: needs right and wrong"),
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(QuestionError, match=reason):
        list(read_questions(write(tmp_path, line)))
