"""Facts are read from a CSV file line by line, and what is none is refused by its line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.cli.fact_files import Line, read_facts
from services.cli.output import Failure


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "facts.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    "content",
    [
        "entity,slot,value\nOolong,price,9 euros\n",
        "entity;slot;value\r\nOolong;price;9 euros\r\n",
        "Entity\tSlot\tValue\nOolong\tprice\t9 euros",
        "\ufeffvalue, entity ,slot\n\n 9 euros , Oolong ,price\n,,\n",
        '"entity","slot","value"\n"Oolong","price","9 euros"\n',
    ],
)
def test_a_line_is_a_fact_however_a_spreadsheet_wrote_it(tmp_path: Path, content: str) -> None:
    (line,) = read_facts(written(tmp_path, content))
    assert (line.entity, line.slot, line.value, line.refusal) == ("Oolong", "price", "9 euros", "")


def test_a_fact_may_have_its_own_sentence_and_days(tmp_path: Path) -> None:
    content = (
        "entity,slot,value,text,valid_from,valid_to\n"
        'Oolong,price,9 euros,"Oolong is 9 euros, cups apart.",2026-01-31,2026-03-01T12:00+02:00\n'
    )
    assert list(read_facts(written(tmp_path, content))) == [
        Line(
            2,
            "Oolong",
            "price",
            "9 euros",
            "Oolong is 9 euros, cups apart.",
            datetime(2026, 1, 31, tzinfo=UTC),
            datetime(2026, 3, 1, 10, tzinfo=UTC),
        )
    ]


def test_a_table_names_what_its_lines_are_about_and_its_columns_are_slots(tmp_path: Path) -> None:
    file = written(tmp_path, 'Tea,Price,Steeps\nOolong,9 euros,"three\nminutes"\nSencha,,two minutes\n,8 euros,\n')
    lines = [(line.number, line.entity, line.slot, line.value, line.refusal) for line in read_facts(file, "Tea")]
    assert lines == [
        (2, "Oolong", "Price", "9 euros", ""),
        (2, "Oolong", "Steeps", "three\nminutes", ""),
        (4, "Sencha", "Steeps", "two minutes", ""),
        (5, "", "", "", "Tea: is empty"),
    ]


def test_what_is_no_fact_is_refused_by_its_line_and_keeps_none_back(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "entity,slot,value,valid_from\nOolong,price,,\n,price,9,\nOolong,price,9,soon\nOolong,price,9,,,,\nSencha,price,8,\n",
    )
    lines = list(read_facts(file))
    assert [(line.number, line.refusal) for line in lines] == [
        (2, "value: is empty"),
        (3, "entity: is empty"),
        (4, "valid_from: 'soon' is no date such as 2026-01-31"),
        (5, "has 7 cells where the header has 4"),
        (6, ""),
    ]


@pytest.mark.parametrize(
    ("content", "entity", "words"),
    [
        ("", "", "has no column 'entity'"),
        ("tea,price\nOolong,9\n", "", "say by --entity which column"),
        ("tea,price\nOolong,9\n", "plant", "has no column 'plant'; there are: tea, price"),
        ("entity,slot,value,valid_form\n", "", "'valid_form' is no column of a fact"),
        ("tea,price,price\n", "tea", "two columns are called 'price'"),
        ("entity,slot,value\nOolong,price,9 \xff".encode("latin-1"), "", "no UTF-8 text"),
        ('entity,slot,value\nOolong,price,"9\n', "", "facts.csv:2"),
    ],
)
def test_a_file_that_is_no_table_of_facts_is_refused_whole(
    tmp_path: Path, content: str | bytes, entity: str, words: str
) -> None:
    with pytest.raises(Failure, match="(?s)" + words.replace("(", r"\(")):
        list(read_facts(written(tmp_path, content), entity))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="No such file"):
        list(read_facts(tmp_path / "none.csv"))
