"""The console and the widget as they are served: built from the current sources, small, in both languages."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from services.web.app import application
from services.web.console import FOLDER, console
from services.web.gateways import Gateways
from services.web.serving import Serving
from services.web.settings import WebSettings
from tests.support.processes import REPOSITORY

SOURCES = REPOSITORY / "console"
TEXTS = {str(path.relative_to(SOURCES)): path.read_text() for path in SOURCES.glob("src/**/*.ts*")}
WIDGETS = {name for name in TEXTS if name.startswith("src/widget/")}
# By catalogue the function that says its words, and the sources that do.
CATALOGUES = {
    "src/strings.json": ("t", TEXTS.keys() - WIDGETS),
    "src/widget/strings.json": ("say", WIDGETS),
}
MOST_BYTES = 40_000


@pytest.fixture
def http() -> TestClient:
    """The HTTP service without any gateway: the console's files need none."""
    settings = WebSettings(web_gateways="127.0.0.1:1")
    return TestClient(application(settings, Gateways(settings), Serving(1.0)))


def _sources() -> list[Path]:
    """What the build reads, as vite.config.ts lists it."""
    config = (SOURCES / "vite.config.ts").read_text()
    names = re.findall(r'"([^"]+)"', re.search(r"const SOURCES = \[(.*?)\]", config).group(1))  # type: ignore[union-attr]
    files = [path for name in names for path in (SOURCES / name, *(SOURCES / name).rglob("*")) if path.is_file()]
    return sorted(files, key=lambda path: path.relative_to(SOURCES).as_posix())


def test_the_built_files_are_those_of_the_sources() -> None:
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(f"{path.relative_to(SOURCES).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    built = (FOLDER / "sources.sha256").read_text().strip()
    assert built == digest.hexdigest(), "the console was changed and not built: run 'make console'"


def test_pages_come_under_a_policy_that_runs_nothing_inline(http: TestClient) -> None:
    for path in ("/", "/talk", "/talk/session_1"):
        page = http.get(path)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["cache-control"] == "no-cache"
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page.text), "something is inline"


def test_a_mistyped_path_of_an_api_is_no_page(http: TestClient) -> None:
    for path in ("/v1/respones", "/v2/nothing", "/antiphon.v1.Nothing/Get", "/assets/none.js"):
        assert http.get(path).status_code == 404


def test_every_file_that_the_page_names_is_served_by_its_type_and_kept(http: TestClient) -> None:
    names = re.findall(r'(?:src|href)="(/[^"]+)"', http.get("/").text)
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    assert {Path(name).suffix for name in names} == set(types)
    for name in names:
        file = http.get(name)
        assert file.status_code == 200
        assert file.headers["content-type"].startswith(types[Path(name).suffix])
        assert file.headers["x-content-type-options"] == "nosniff"
        assert ("immutable" in file.headers["cache-control"]) == name.startswith("/assets/")
    assert http.get("/assets/gone.js").status_code == 404


def test_without_built_files_there_is_no_console(tmp_path: Path) -> None:
    assert console(tmp_path) is None


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_string_is_there_in_both_languages_with_the_same_places(name: str) -> None:
    for key, texts in json.loads((SOURCES / name).read_text()).items():
        assert texts.keys() == {"en", "zh"}, key
        assert all(text.strip() for text in texts.values()), key
        assert len({frozenset(re.findall(r"\{\w+\}", text)) for text in texts.values()}) == 1, key
        assert not re.search(r"[\u4e00-\u9fff]", texts["en"]), key


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_string_is_used_and_none_is_missing(name: str) -> None:
    catalogue = json.loads((SOURCES / name).read_text())
    says, sources = CATALOGUES[name]
    text = "\n".join(TEXTS[source] for source in sources)
    prefixes = set(re.findall(r'\bword\("(\w+)"', text))
    unused = {key for key in catalogue if f'"{key}"' not in text and key.partition(".")[0] not in prefixes}
    assert unused == set()
    assert set(re.findall(rf'\b{says}\("([^"]+)"', text)) <= catalogue.keys()


def test_the_widget_is_one_small_script_for_the_pages_of_others(http: TestClient) -> None:
    script = http.get("/widget.js")
    assert (script.status_code, script.headers["content-type"].partition(";")[0]) == (200, "text/javascript")
    assert script.headers["access-control-allow-origin"] == "*"
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "immutable" not in script.headers["cache-control"], "its path stays, so that it must be asked for again"
    assert len(gzip.compress(script.content)) <= MOST_BYTES
    assert "import(" not in script.text
    assert not re.search(r"^\s*(import|export)\b", script.text)


@pytest.mark.parametrize("name", TEXTS)
def test_no_source_makes_markup_or_code_of_text(name: str) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:|style=\{"
    assert not re.search(forbidden, TEXTS[name])
    assert len(TEXTS[name].splitlines()) <= 400
