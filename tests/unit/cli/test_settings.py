"""The configuration table of the docs is what the code says."""

from services.cli.settings import markdown_table, table
from tests.support.processes import REPOSITORY


def test_the_docs_show_every_setting_as_it_is() -> None:
    page = (REPOSITORY / "docs/configuration.md").read_text()
    assert markdown_table(table()) in page, "stale: run `make docs`"


def test_settings_are_unique_and_explained() -> None:
    rows = table()
    variables = [variable for _, variable, _, _ in rows]
    assert len(set(variables)) == len(variables)
    assert all(meaning.endswith(".") for *_, meaning in rows)
