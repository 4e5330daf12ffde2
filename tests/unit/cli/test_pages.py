"""What the pages of the documentation name is there: files they link to, commands, options, settings, targets."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from services.cli.app import app
from tests.support.processes import REPOSITORY

PAGES = sorted([REPOSITORY / "README.md", *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("docs/zh/*.md")])
CHINESE = [page for page in PAGES if page.parent.name == "zh"]
COMMAND: Any = typer.main.get_command(app)
_FENCE = re.compile(r"(?ms)^```\w*\n(.*?)^```")
_HERE_DOCUMENT = re.compile(r"(?ms)<<'END'\n.*?^END$")
_LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_END = re.compile(r"\s#|[|<>;&]")
_SETTING = re.compile(r"ANTIPHON_[A-Z0-9_]+(?!…|[A-Z0-9_])")


@pytest.fixture(params=PAGES, ids=[str(page.relative_to(REPOSITORY)) for page in PAGES])
def page(request: pytest.FixtureRequest) -> Path:
    chosen: Path = request.param
    return chosen


def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link} leads nowhere"
        if heading:
            assert heading in _headings(target), f"{link}: there is no such heading"


def test_commands_and_their_options_are_there(page: Path) -> None:
    for line in _commands(page.read_text(encoding="utf-8")):
        assert not (fault := _fault(line)), f"{line!r}: {fault}"


def test_settings_and_targets_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    known = (REPOSITORY / "docs/configuration.md").read_text(encoding="utf-8") + makefile
    known += (REPOSITORY / "services/cli/app.py").read_text(encoding="utf-8")
    for setting in set(_SETTING.findall(text)):
        assert re.search(rf"\b{setting}\b", known), f"there is no setting {setting}"
    targets = set(re.findall(r"(?m)^([a-z-]+):", makefile))
    code = [*_CODE.findall(text), *(line for block in _FENCE.findall(text) for line in block.splitlines())]
    for named in code:
        if made := re.match(r"make ([a-z-]+)", named):
            assert made[1] in targets, f"there is no target {made[1]}"
        if module := re.match(r"python -m ([a-z_.]+)", named):
            place = REPOSITORY / module[1].replace(".", "/")
            assert place.is_dir() or place.with_suffix(".py").is_file(), f"there is no module {module[1]}"


@pytest.mark.parametrize("chinese", CHINESE, ids=[page.name for page in CHINESE])
def test_a_chinese_page_and_the_english_one_keep_the_same_table_of_parts(chinese: Path) -> None:
    english = REPOSITORY / ("README.md" if chinese.name == "README.md" else f"docs/{chinese.name}")
    ours, theirs = (page.read_text(encoding="utf-8") for page in (chinese, english))
    assert f"]({'../' * (2 if chinese.name == 'README.md' else 1)}{english.name})" in ours, (
        "it leads to the English page"
    )
    assert _first_cells(theirs) <= set(_CODE.findall(ours)), "the English page names more"


def _first_cells(text: str) -> set[str]:
    """The names in code that begin a table's row."""
    rows = re.findall(r"(?m)^\| ([^|\n]+) \|", text)
    return {name for cell in rows if cell.startswith("`") for name in _CODE.findall(cell)}


def _headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def _commands(text: str) -> Iterator[str]:
    """The calls of `antiphon` in a page's code, each without what follows it in a shell's line."""
    blocks = [_HERE_DOCUMENT.sub("", block) for block in _FENCE.findall(text)]
    lines = [line.removeprefix("$ ").strip() for block in blocks for line in block.splitlines()]
    for line in [*lines, *_CODE.findall(_FENCE.sub("", text))]:
        if re.match(r"(?:\./)?antiphon [a-z-]", line):
            yield line


def _fault(line: str) -> str:
    """Why there is no such command or option; "" where there is."""
    command = COMMAND
    known = {"--help"} | _options(command)
    for word in _END.split(_QUOTED.sub("TEXT", line))[0].split()[1:]:
        if word.startswith("--") and word.partition("=")[0] not in known:
            return f"no option {word}"
        commands = getattr(command, "commands", {})
        if commands and re.fullmatch(r"[a-z][a-z-]*", word):
            if word not in commands:
                return f"no command {word}"
            command = commands[word]
            known |= _options(command)
    return ""


def _options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
