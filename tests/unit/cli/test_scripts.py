"""Each language's demonstration is whole, and stands beside the others in one tenant."""

import subprocess
from itertools import combinations

import pytest

from services.cli.chat import COMMANDS
from services.cli.documents import choose
from services.cli.scripts import SCRIPTS, Language, Script
from services.common.languages import language_of
from services.common.schema import parse_schema
from tests.support.processes import REPOSITORY


@pytest.fixture(params=list(Language))
def language(request: pytest.FixtureRequest) -> Language:
    chosen: Language = request.param
    return chosen


@pytest.fixture
def script(language: Language) -> Script:
    return SCRIPTS[language]


def test_what_is_corrected_is_a_slot_of_its_schema(script: Script) -> None:
    schema = parse_schema((script.folder / "schema.yaml").read_text(encoding="utf-8"))
    service, slot, _ = script.correction
    (slots,) = [each.slots for each in schema.services if each.name == service]
    assert slot in {each.name for each in slots}


def test_it_suggests_only_what_the_chat_can_do(script: Script) -> None:
    commands = [line[1:].split(maxsplit=1) for line in script.suggestions if line.startswith("/")]
    assert {name for name, *_ in commands} <= set(COMMANDS)
    assert [rest for name, *rest in commands if name == "teach"] == [[" | ".join(script.fact)]]
    assert "{command}" in script.next_steps


def test_its_documents_and_its_questions_are_in_its_language(language: Language, script: Script) -> None:
    for file in choose([script.folder]).files.values():
        assert language_of(file.read_text(encoding="utf-8")) == language
    for said in (script.price, script.light, script.comment, script.visit, *script.booking, script.trial):
        assert language_of(said) == language


def test_no_language_takes_the_place_of_another() -> None:
    for one, other in combinations(SCRIPTS.values(), 2):
        assert one.schema != other.schema
        assert not choose([one.folder]).files.keys() & choose([other.folder]).files.keys()


@pytest.mark.parametrize(
    ("locale", "chinese"), [("zh", True), ("zh_CN.UTF-8", True), ("en_GB.UTF-8", False), ("C", False), ("", False)]
)
def test_make_runs_it_in_the_language_of_the_locale(locale: str, chinese: bool) -> None:
    steps = subprocess.run(
        ["make", "--dry-run", "run", f"LANG={locale}"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert ("chat --up --language zh" in steps.stdout) == chinese
