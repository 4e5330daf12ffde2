"""CSV files are read by RFC 4180; what does not fit is kept and named by its line."""

import pytest

from services.knowledge.domain.blocks import Unreadable
from tests.support.passages import document, passages, shown


def texts(content: str) -> list[str]:
    return [text for _, text in shown(content, "list.csv")]


@pytest.mark.parametrize(
    ("content", "right"),
    [
        (
            "notes\nThe depot opens at seven, and closes at noon.\n",
            ["notes: The depot opens at seven, and closes at noon."],
        ),
        ("remark\nOpen; even on Sundays; always.\n", ["remark: Open; even on Sundays; always."]),
        ("name,price\nBasic,19\nFamily,29\n", ["name: Basic | price: 19", "name: Family | price: 29"]),
        ("name;price\nBasic;19,50\n", ["name: Basic | price: 19,50"]),
        (
            "name;price, in euros\nBasic;19,50\nPro;7,00\n",
            ["name: Basic | price, in euros: 19,50", "name: Pro | price, in euros: 7,00"],
        ),
        ("name\tprice\nBasic\t19, net\n", ["name: Basic | price: 19, net"]),
        ("name|price\nBasic|19\n", ["name: Basic | price: 19"]),
        ("sep=;\nname;price\nBasic;19\n", ["name: Basic | price: 19"]),
        ('"sep=|"\nname|price\nBasic|19\n', ["name: Basic | price: 19"]),
        ('name,price\n"Basic, small",19\n', ["name: Basic, small | price: 19"]),
        ('name,note\nBasic,"two\nlines"\n', ["name: Basic | note: two lines"]),
        ('name,note\n"The ""big"" one",yes\n', ['name: The "big" one | note: yes']),
        ("name,note\nWhat's 'Pro',It's 'big'\n", ["name: What's 'Pro' | note: It's 'big'"]),
        ('name,note\n5" screen,a 7" one\n', ['name: 5" screen | note: a 7" one']),
        ("name,price\n\n\nBasic,19\n\n", ["name: Basic | price: 19"]),
        ("name,price,note\nBasic,19\n", ["name: Basic | price: 19"]),
        ('name, "price, net"\nBasic, "19, say"\n', ["name: Basic | price, net: 19, say"]),
        ("Basic,19\nFamily,29\n", ["Basic | 19", "Family | 29"]),
        ("Plan,2025,2026\nBasic,19,21\n", ["Plan: Basic | 2025: 19 | 2026: 21"]),
        ("\ufeffname,price\r\nBasic,19\r\n", ["name: Basic | price: 19"]),
    ],
)
def test_every_cell_is_kept_under_its_name(content: str, right: list[str]) -> None:
    assert texts(content) == right


@pytest.mark.parametrize(
    ("content", "right", "line"),
    [
        ("name,note\nBasic,with a router, and a cable\n", "name: Basic | note: with a router, and a cable", 2),
        ("name,note\nA,b\nBasic,one,two,three\n", "name: Basic | note: one,two,three", 3),
        ("name;note\nBasic;one; two\n", "name: Basic | note: one; two", 2),
        ('name,note\nA,b\n"Basic" plan,new\nC,d\n', 'name: "Basic" plan | note: new', 3),
        ('name,note\nA,b\nC,d\nPro,"never closed\n', 'name: Pro | note: "never closed', 4),
    ],
)
def test_what_does_not_fit_is_kept_and_named(content: str, right: str, line: int) -> None:
    assert right in texts(content)
    assert any(f"line {line}:" in warning for warning in document(content, "list.csv").warnings)


def test_spare_delimiters_at_the_end_are_no_cells() -> None:
    found = document("name,price\nBasic,19,,\n", "list.csv")
    assert found.warnings == ()
    assert found.sections[0].text == "name: Basic | price: 19"


@pytest.mark.parametrize(
    ("header", "question", "answer"),
    [
        ("question,answer", "Where is my bill?", "In the app."),
        ("Question;Answer", "Where is my bill?", "In the app."),
        ("answer,question", "Where is my bill?", "In the app."),
        ("问题,回答", "账单在哪里？", "在应用里。"),
        ("Frage;Antwort", "Wo ist die Rechnung?", "In der App."),
        ("id,q,a", "Where is my bill?", "In the app."),
    ],
)
def test_a_list_of_questions_is_questions_with_answers(header: str, question: str, answer: str) -> None:
    mark = ";" if ";" in header else ","
    values = {"question": question, "q": question, "问题": question, "frage": question, "id": "7"}
    row = mark.join(values.get(name.casefold(), answer) for name in header.split(mark))
    (passage,) = passages(f"{header}\n{row}\n", "faq.csv")
    assert (passage.structure.kind, passage.structure.question) == ("faq", question)
    assert passage.text.split("\n")[0].startswith(answer)
    assert passage.heading.endswith(question)


def test_the_last_question_keeps_its_quotes() -> None:
    rows = "".join(f'"Question {n}, please","Answer {n}, sure"\n' for n in range(300))
    last = passages(f'question,answer\n{rows}"What is ""Pro""?","The ""big"" plan."\n', "faq.csv")[-1]
    assert (last.structure.question, last.text) == ('What is "Pro"?', 'The "big" plan.')


def test_a_table_without_a_title_goes_by_its_files_name() -> None:
    assert shown("name,price\nBasic,19\n", "prices/price_list-north.csv")[0][0] == "price list north"
    assert shown("name,price\nBasic,19\n", "prices.csv", "Tariffs")[0][0] == "Tariffs"


@pytest.mark.parametrize("content", ['"a' * 3 + "\n" + '"open quote\n' * 50, "name,price\n", "\n\n", ",,,\n,,\n"])
def test_what_is_no_table_is_refused(content: str) -> None:
    with pytest.raises(Unreadable):
        document(content, "list.csv")
