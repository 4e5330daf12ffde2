"""`antiphon chat` on a terminal, and what it plays where there is none."""

import re

import pytest

from services.common.settings import CommonSettings
from tests.support.command import Command
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
    antiphon.env["ANTIPHON_ENGINE"] = "echo"
    with antiphon.terminal("chat", "--up") as terminal:
        terminal.expect("Try, for example:", timeout=200)
        terminal.expect("How much does the Family plan cost?")
        terminal.expect("> ")
        terminal.type("How much does the Family plan cost?")
        terminal.expect("knowledge: ")
        terminal.expect("> ")
        terminal.type("/quit")
        terminal.expect("To make it your own:")
        terminal.expect("init my-shop")
        terminal.expect("knowledge add my-shop/documents")
        terminal.expect("evaluate my-shop/questions.jsonl")
        assert terminal.process.wait(60) == 0
    assert antiphon("status", status=1).out.startswith("Nothing is running")


def test_a_broken_model_is_told_before_anything_starts(tmp_path_factory: pytest.TempPathFactory) -> None:
    antiphon = Command(tmp_path_factory.mktemp("broken"))
    for command in (("up", "--model", "./typo"), ("up", "--set", "ANTIPHON_MODEL=/no/such/model")):
        words = " ".join(antiphon(*command, status=1, timeout=15).err.split())
        assert "the model cannot be used: there is no folder" in words


def test_without_a_terminal_it_plays_a_conversation_with_the_real_model(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    antiphon = Command(tmp_path_factory.mktemp("demo"))
    out = antiphon("chat", "--up", "--no-learning", timeout=280).out
    assert out.count("\nuser ") == 6
    revision = out.split("feedback ", 1)[1].split("\nuser ", 1)[0]
    assert 'must include "grey cable"' in revision
    assert "grey cable" in revision.rsplit("understood:", 1)[1].split("\n", 1)[1].lower()
    reasons = out.split("why did it say that?", 1)[1].split("\nuser ", 1)[0]
    assert "The trial period of Family plan is two months." in reasons
    state = out.split("what has it understood?", 1)[1]
    assert "Monday" in state
    assert "correction" in state
    assert antiphon("status", status=1).out.startswith("Nothing is running")


def test_it_plays_how_corrections_count_at_once_and_become_a_version(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    antiphon = Command(tmp_path_factory.mktemp("learning"))
    tiny = make_tiny_model(tmp_path_factory.mktemp("tiny") / "model", CommonSettings().cache_dir)
    antiphon.env |= {"ANTIPHON_MODEL": str(tiny), "ANTIPHON_REHEARSALS": "8", "ANTIPHON_JUDGED_REPLIES": "4"}
    out = antiphon("chat", "--up", timeout=280).out
    before, after = out.split("10 corrections became examples", 1)
    assert "Owl Desk" not in before
    corrected, trained = after.split("(a version is trained on them)", 1)
    assert "Owl Desk" in corrected
    assert "quoted" in corrected
    assert re.search(r"\n  version \w{16} after \d+ s\n", trained)
    assert ("is promoted" in trained) != ("it is kept, and not offered" in trained)
    assert "the reply is what it was" in trained
    assert "The end" in trained
