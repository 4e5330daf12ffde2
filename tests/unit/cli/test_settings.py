"""The README's configuration table is what the code says."""

from services.cli.settings import markdown_table, table
from tests.support.processes import REPOSITORY


def test_the_readme_shows_every_setting_as_it_is() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    assert markdown_table(table()) in readme, "stale: run `make readme`"


def test_settings_are_unique_and_explained() -> None:
    rows = table()
    variables = [variable for _, variable, _, _ in rows]
    assert len(set(variables)) == len(variables)
    assert all(meaning.endswith(".") for *_, meaning in rows)
