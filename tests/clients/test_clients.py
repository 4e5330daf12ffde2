"""Clients that people have hold conversations with a running stack: npm's `openai`, and LangChain's `ChatOpenAI`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Command

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / "build/clients/bin/python"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What a client finds a running stack by."""
    command = Command(tmp_path_factory.mktemp("home"))
    command("up", "--detach", "--set", "ANTIPHON_ENGINE=echo", timeout=600)
    url, key = command.json("up", "--detach")["url"], (command.home / "api_key").read_text().strip()
    names = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    yield {**names, "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": key}
    command("down")


@pytest.mark.parametrize("script", ["openai_talk.mjs", "langchain_talk.py"])
def test_a_client_holds_a_conversation(environment: dict[str, str], script: str) -> None:
    program = shutil.which("node") if script.endswith(".mjs") else str(PYTHON)
    assert program, "node is needed"
    talk = subprocess.run([program, HERE / script], env=environment, capture_output=True, text=True, timeout=120)
    assert (talk.returncode, talk.stdout) == (0, "ok\n"), talk.stdout + talk.stderr
