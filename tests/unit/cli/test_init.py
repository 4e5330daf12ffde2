"""`antiphon init` writes files that hold what was said, that can be put in place as they are, and overwrites none."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.app import app
from services.cli.evaluation.questions import read_questions
from services.cli.fact_files import read_facts
from services.cli.init import Action, read_action, schema_text
from services.cli.output import Failure
from services.common.schema import parse_schema


def init(*arguments: str, typed: str = "") -> str:
    result = CliRunner().invoke(app, ["init", *arguments], input=typed, env={"COLUMNS": "80"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_what_is_said_becomes_a_schema_with_its_wording(tmp_path: Path) -> None:
    folder = tmp_path / "Tea Shop"
    out = init(
        str(folder), "--about", 'A shop for "loose" tea', "--action", "book a tasting: day, number of people, tea"
    )
    schema = parse_schema((folder / "schema.yaml").read_text(encoding="utf-8"))
    (service,) = schema.services
    assert (service.name, service.description) == ("tea_shop", 'A shop for "loose" tea')
    (intent,) = service.intents
    assert (intent.name, intent.required) == ("book_a_tasting", ("day", "number_of_people", "tea"))
    assert "{day}" in dict(intent.confirm)[""]
    assert [(slot.kind, bool(slot.question)) for slot in service.slots] == [
        ("date", True),
        ("number", True),
        (None, True),
    ]
    assert "schema put tea_shop" in out
    assert "put them into" in out
    assert all(question.text for question in read_questions(folder / "questions.jsonl"))
    assert list(read_facts(folder / "facts.csv")) == []
    assert (folder / "documents").is_dir()


def test_documents_that_are_there_are_taken_where_they_lie(tmp_path: Path) -> None:
    documents = tmp_path / "our pages"
    documents.mkdir()
    with pytest.raises(Failure, match="no document there"):
        init(str(tmp_path / "shop"), "--about", "A shop", "--documents", str(documents))
    (documents / "prices.md").write_text("Sencha costs 7 euros.")
    init(str(tmp_path / "shop"), "--about", "A shop", "--documents", str(documents))
    assert sorted(file.name for file in (tmp_path / "shop").iterdir()) == ["facts.csv", "questions.jsonl"]  # no schema


def test_nothing_is_overwritten_and_nothing_written_beside_it(tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").write_text("mine")
    with pytest.raises(Failure, match="is there already; nothing was written"):
        init(str(tmp_path), "--about", "A shop", "--action", "book a visit: day")
    assert [file.name for file in tmp_path.iterdir()] == ["questions.jsonl"]


def test_without_a_terminal_it_says_what_it_must_be_told(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="--about"):
        init(str(tmp_path / "shop"))
    with pytest.raises(Failure, match="WHAT IT DOES: WHAT IT MUST KNOW"):
        init(str(tmp_path / "shop"), "--about", "A shop", "--action", "book a visit")
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("book a visit: day, time", ["day", "time"]),
        (
            "return a kettle: order number, reason for returning it, photo?",
            ["order_number", "reason_for_returning_it", "photo"],
        ),
        ("预订: 日期, 人数", ["detail_1_1", "detail_1_2"]),
        ("say \"hi\" {twice}: the #1 'thing', a: b", ["the_1_thing", "a_b"]),
        ("reserve: 2nd choice, 1st choice", ["detail_1_1", "detail_1_2"]),
        ("ask: day, Day, day", ["day"]),
        ("write: " + "very " * 40 + "long", [("very_" * 40 + "long")[:60].strip("_")]),
    ],
)
def test_whatever_words_are_used_the_schema_can_be_put(text: str, names: list[str]) -> None:
    (service,) = parse_schema(schema_text("shop", "A: shop # of {all}\nkinds", [read_action(text)])).services
    assert [slot.name for slot in service.slots] == names


def test_what_two_actions_need_is_one_slot() -> None:
    actions = [Action("book a visit", ("day", "time")), Action("move a visit", ("day",))]
    (service,) = parse_schema(schema_text("shop", "A shop", actions)).services
    assert [intent.required for intent in service.intents] == [("day", "time"), ("day",)]
    assert [slot.name for slot in service.slots] == ["day", "time"]
    with pytest.raises(Failure, match="no schema can be made"):
        schema_text("shop", "A shop", [actions[0], actions[0]])


def test_machines_are_told_what_was_made(tmp_path: Path) -> None:
    answer = json.loads(init(str(tmp_path / "42"), "--about", "A shop", "--action", "book: day", "--json"))
    assert (answer["name"], answer["files"]) == ("assistant", ["schema.yaml", "facts.csv", "questions.jsonl"])
