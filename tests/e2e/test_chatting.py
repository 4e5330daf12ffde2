"""`antiphon chat` on a terminal, and what it plays where there is none."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.settings import CommonSettings
from tests.support.command import Command
from tests.support.processes import REPOSITORY
from tests.support.tiny_model import make_tiny_model


def test_a_person_talks_revises_rates_and_leaves(antiphon: Command) -> None:
    with antiphon.terminal("chat") as terminal:
        terminal.expect("> ")
        terminal.type("good morning")
        terminal.expect("good morning")  # as typed
        terminal.expect("good morning")  # as the echo engine has it
        terminal.expect("> ")
        terminal.type("/revise mention the sunrise")
        assert "sunrise" in terminal.expect("> ")
        for line, words in (
            ("/drafts", "said: mention the sunrise"),
            ("/accept 7", "no such completed draft"),
            ("/accept", "accepted: draft 1"),
            ("/rate 5", "stored: 5 of 5"),
            ("/rate many", "a number from 1 to 5"),
            ("/edit Good morning to you!", "stored: your wording"),
            ("/teach sunrise | time | six", "taught"),
            ("/facts", "six"),
            ("/why", "version"),
            ("/state", "Nothing is known yet"),
            ("/nonsense", "no command /nonsense"),
            ("/help", "/correct SERVICE.SLOT=VALUE"),
        ):
            terminal.type(line)
            terminal.expect(line.split()[-1])
            terminal.expect(words)
            terminal.expect("> ")
        terminal.type("/quit")
        assert terminal.process.wait(20) == 0


def test_the_first_run_on_a_terminal_has_an_assistant_to_talk_to(tmp_path_factory: pytest.TempPathFactory) -> None:
    antiphon = Command(tmp_path_factory.mktemp("first"))
    with antiphon.terminal("chat", "--up") as terminal:
        terminal.expect("Try, for example:", timeout=580)
        terminal.expect("How much does the Family plan cost?")
        terminal.expect("> ")
        terminal.type("How much does the Family plan cost?")
        terminal.expect("The Family plan costs 29 euros a month.")
        terminal.expect("> ")
        terminal.type("/edit The Family plan is 29 euros a month, with a router.")
        terminal.expect("stored: your wording")
        terminal.expect("> ")
        terminal.type("/quit")
        terminal.expect("To make it your own")
        terminal.expect("init my-shop")
        terminal.expect("knowledge add my-shop/documents")
        terminal.expect("evaluate my-shop/questions.jsonl")
        assert terminal.process.wait(120) == 0
        assert "warning" not in terminal.text.lower()
    assert antiphon("status", status=1).out.startswith("Nothing is running")


def test_a_broken_model_is_told_before_anything_starts(tmp_path_factory: pytest.TempPathFactory) -> None:
    antiphon = Command(tmp_path_factory.mktemp("broken"))
    for command, reason in (
        (("--model", "./typo"), "there is no folder"),
        (("--set", "ANTIPHON_MODEL=/no/such/model"), "there is no folder"),
        (("--model", "README.md", "--engine", "llama.cpp"), "is no GGUF file"),
        (("--model", "typo.gguf"), "there is no file typo.gguf"),
    ):
        words = " ".join(antiphon("up", *command, status=1, timeout=15).err.split())
        assert "the model cannot be used: " in words
        assert reason in words
        assert words.endswith("(--model, ANTIPHON_MODEL)")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """A stack with the real model."""
    antiphon = Command(tmp_path_factory.mktemp("real"))
    antiphon("up", "--detach", timeout=580)
    yield antiphon
    antiphon("down")


def test_without_a_terminal_it_plays_a_conversation_with_the_real_model(real: Command) -> None:
    out = real("chat", "--up", "--no-learning", timeout=580).out
    assert out.count("\nuser ") == 6
    revision = out.split("feedback ", 1)[1].split("\nuser ", 1)[0]
    assert 'must include "grey cable"' in revision
    assert "grey cable" in revision.rsplit("understood:", 1)[1].split("\n", 1)[1].lower()
    reasons = out.split("why did it say that?", 1)[1].split("\nuser ", 1)[0]
    assert "The trial period of Family plan is two months." in reasons
    state = out.split("what has it understood?", 1)[1]
    assert "Monday" in state
    assert "correction" in state
    assert real.json("status")["processes"]  # a stack that ran before is not the chat's to end


def test_without_a_terminal_it_plays_in_chinese_what_the_documents_say(real: Command) -> None:
    out = real("chat", "--up", "--no-learning", "--language", "zh", timeout=580).out
    assert out.count("\n用户 ") == 7
    for reply in (
        "家庭套餐每月 29 元。",
        "路由器亮红灯表示没有信号。",
        "师傅上门服务不收费。请问几点上门方便？",
        "您想预约师傅周一下午三点上门，对吗？",
        "家庭套餐的试用期是两个月。",
        "客服电话是 0800 555 010。",
    ):
        assert f"\n{reply}\n" in out
    revision = out.split("反馈 ", 1)[1].split("\n用户 ", 1)[0]
    assert 'met: must include "灰色网线"' in revision
    state = out.split("它记住了什么？", 1)[1]
    assert "周一" in state
    assert "correction" in state


@pytest.mark.parametrize("name", ["first-hour.md", "zh/first-hour.md"])
def test_the_page_of_the_first_hour_says_what_its_commands_print(real: Command, tmp_path: Path, name: str) -> None:
    page = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
    shim = tmp_path / "bin" / "antiphon"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {shlex.join(real.argv)} "$@"\n')
    shim.chmod(0o755)
    environment = real.env | {"PATH": f"{shim.parent}:{os.environ['PATH']}"}
    commands = [step for block in re.findall(r"(?ms)^```console\n(.*?)^```", page) for step in _steps(block)]
    assert len(commands) > 8
    for command, expected in commands:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
        printed = iter(line.rstrip() for line in done.stdout.splitlines())
        for line in expected:
            assert line in printed, f"{command} printed no line {line!r} where the page has it, but:\n{done.stdout}"


def _steps(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block, with its here-document, and the lines that the page shows below it."""
    for step in re.split(r"(?m)^\$ ", block)[1:]:
        command, _, rest = step.partition("\n")
        if command.endswith("<<'END'"):
            document, _, rest = rest.partition("END\n")
            command += f"\n{document}END\n"
        yield command, [line.rstrip() for line in rest.splitlines() if line.strip() not in ("", "…")]


def test_it_plays_how_corrections_count_at_once_and_become_a_version(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    antiphon = Command(tmp_path_factory.mktemp("learning"))
    tiny = make_tiny_model(tmp_path_factory.mktemp("tiny") / "model", CommonSettings().cache_dir)
    antiphon.env |= {"ANTIPHON_MODEL": str(tiny), "ANTIPHON_REHEARSALS": "8", "ANTIPHON_JUDGED_REPLIES": "4"}
    out = antiphon("chat", "--up", timeout=580).out
    before, after = out.split("10 corrections became examples", 1)
    assert "Owl Desk" not in before
    corrected, trained = after.split("(a version is trained on them)", 1)
    assert "Owl Desk" in corrected
    assert "quoted" in corrected
    assert re.search(r"\n  version \w{16} after \d+ s\n", trained)
    assert ("is promoted" in trained) != ("it is kept, and not offered" in trained)
    assert "the reply is what it was" in trained
    assert "The end" in trained
