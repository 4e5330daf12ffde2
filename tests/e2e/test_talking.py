"""Talking from the command line: ask, go on, revise, rate, accept, cancel, erase."""

import json

from tests.support.command import Command


def test_a_question_is_answered_and_the_conversation_goes_on(antiphon: Command, session: str) -> None:
    first = antiphon.json("ask", "the first words", "--session", session)
    assert first["end"] == "completed"
    assert "the first words" in first["draft"]["text"]
    antiphon("ask", "the second words", "--session", session)
    shown = antiphon.json("sessions", "show", session)
    assert [turn["text"] for turn in shown["turns"]] == ["the first words", "the second words"]
    assert [turn["number"] for turn in shown["turns"]] == [1, 2]


def test_a_reply_for_people_is_its_text_and_where_it_belongs(antiphon: Command, session: str) -> None:
    printed = antiphon("ask", "hello there", "--session", session).out
    assert "hello there" in printed
    assert session in printed


def test_events_come_one_on_a_line(antiphon: Command, session: str) -> None:
    lines = antiphon("ask", "one two three", "--session", session, "--json", "--events").out.splitlines()
    events = [json.loads(line) for line in lines]
    assert "accepted" in events[0]
    assert "completed" in events[-1]
    text = "".join(event["delta"]["text"] for event in events if "delta" in event)
    assert text == events[-1]["completed"]["draft"]["text"]


def test_a_revision_is_another_round_of_the_same_turn(antiphon: Command, session: str) -> None:
    turn = antiphon.json("ask", "tell me about tea", "--session", session)["turn_id"]
    revised = antiphon.json("revise", turn, "--feedback", "shorter, please", "--include", "green tea")
    assert revised["turn_id"] == turn
    assert revised["draft"]["round"] == 1
    assert revised["draft"]["feedback"]["comment"] == "shorter, please"
    kinds = {constraint["kind"] for constraint in revised["draft"]["constraints"]}
    assert "CONSTRAINT_KIND_MUST_INCLUDE" in kinds


def test_a_draft_is_written_again_from_its_manifest(antiphon: Command, session: str) -> None:
    turn = antiphon.json("ask", "tell me about coffee", "--session", session)["turn_id"]
    revised = antiphon.json("revise", turn, "--feedback", "mention the price")
    replayed = antiphon.json("replay", turn)
    assert replayed["same"] is True
    assert replayed["text"] == revised["draft"]["text"]
    assert replayed["manifest"]["prompt_hash"] == revised["draft"]["manifest"]["prompt_hash"]
    assert f"the same, token for token: round 0 of {turn}" in antiphon("replay", turn, "--round", "0").out


def test_feedback_is_stored_without_another_draft(antiphon: Command, session: str) -> None:
    turn = antiphon.json("ask", "rate this", "--session", session)["turn_id"]
    antiphon("feedback", "add", turn, "--rating", "2", "--edit", "a better answer")
    record = antiphon.json("feedback", "add", turn, "--comment", "at most 20 words")
    assert record["turn_id"] == turn
    assert record["feedback"]["comment"] == "at most 20 words"


def test_an_accepted_draft_is_marked(antiphon: Command, session: str) -> None:
    turn = antiphon.json("ask", "accept this", "--session", session)["turn_id"]
    antiphon("accept", turn)
    shown = antiphon.json("sessions", "show", session)
    assert shown["turns"][0]["drafts"][0]["accepted"] is True


def test_cancelling_what_has_ended_says_so(antiphon: Command, session: str) -> None:
    turn = antiphon.json("ask", "too late", "--session", session)["turn_id"]
    assert antiphon("cancel", turn).out.strip() == "already completed"


def test_an_erased_session_is_gone(antiphon: Command, session: str) -> None:
    antiphon("ask", "forget me", "--session", session)
    antiphon("sessions", "erase", session, "--yes")
    assert session not in [one["id"] for one in antiphon.json("sessions", "list", "--user", "ada").get("sessions", [])]
    assert antiphon("ask", "hello again", "--session", session, status=1).err


def test_a_mistake_is_one_line_that_says_what_is_wrong(antiphon: Command) -> None:
    answer = antiphon("ask", "hello", "--session", "session_unknown", status=1)
    assert "NOT_FOUND" in answer.err
    assert "Traceback" not in answer.err
    answer = antiphon("--key", "wrong", "ask", "hello", status=1)
    assert "UNAUTHENTICATED" in answer.err


def test_without_a_stack_it_says_how_to_start_one(tmp_path_factory: object, tmp_path: object) -> None:
    from pathlib import Path

    answer = Command(Path(str(tmp_path)))("ask", "hello", status=1)
    assert "antiphon up" in " ".join(answer.err.split())
