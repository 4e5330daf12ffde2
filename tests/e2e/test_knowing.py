"""Schemas, states, documents, facts and keys from the command line."""

from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.processes import REPOSITORY

DEMO = REPOSITORY / "services" / "cli" / "demo"


@pytest.fixture
def tracked(antiphon: Command) -> str:
    """A session with the demonstration's schema."""
    antiphon("schema", "put", "internet", str(DEMO / "schema.yaml"))
    return str(antiphon.json("sessions", "new", "--schema", "internet")["id"])


def slots(antiphon: Command, session: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = antiphon.json("state", "show", session)["state"]["services"]["order"]["slots"]
    return found


def test_what_is_said_is_understood_and_corrected(antiphon: Command, tracked: str) -> None:
    antiphon("ask", "I would like the Family plan", "--session", tracked)
    assert slots(antiphon, tracked)["plan"]["value"] == "Family"
    antiphon("state", "correct", tracked, "order.plan=Pro", "order.visit_time=14:00")
    assert slots(antiphon, tracked)["plan"] == {
        **slots(antiphon, tracked)["plan"],
        "value": "Pro",
        "origin": "ORIGIN_CORRECTION",
    }
    antiphon("state", "correct", tracked, "order.visit_time=")
    assert "visit_time" not in slots(antiphon, tracked)


def test_a_correction_outside_the_schema_is_refused_by_name(antiphon: Command, tracked: str) -> None:
    antiphon("ask", "hello", "--session", tracked)
    answer = antiphon("state", "correct", tracked, "order.colour=red", status=1)
    assert "colour" in answer.err
    assert "SERVICE.SLOT=VALUE" in antiphon("state", "correct", tracked, "nonsense", status=1).err


def test_a_broken_schema_is_refused_with_its_line(antiphon: Command, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("services:\n  internet:\n    slots:\n      plan: {values: []}\n")
    assert "line 4" in antiphon("schema", "put", "broken", str(broken), status=1).err
    assert "broken" not in [one["name"] for one in antiphon.json("schema", "list").get("schemas", [])]


def test_a_document_is_found_once_it_is_added(antiphon: Command) -> None:
    first = antiphon.json("knowledge", "add", str(DEMO / "router.md"))["ingestions"][0]
    assert first["passages"] >= 1
    again = antiphon.json("knowledge", "add", str(DEMO / "router.md"))["ingestions"][0]
    assert again["id"] == first["id"]
    hits = antiphon.json("knowledge", "search", "what does the red light mean?")["hits"]
    assert "no signal" in hits[0]["passage"]["text"]
    antiphon("knowledge", "delete", "router.md")
    hits = antiphon.json("knowledge", "search", "what does the red light mean?").get("hits", [])
    assert "router.md" not in [hit.get("passage", {}).get("document_name") for hit in hits]


def test_a_taught_fact_supersedes_and_is_taken_back(antiphon: Command) -> None:
    antiphon("knowledge", "teach", "Harbour tariff", "price", "9 euros")
    answer = antiphon.json("knowledge", "teach", "Harbour tariff", "price", "12 euros")
    assert answer["superseded"]["value"] == "9 euros"
    fact = answer["fact"]["id"]

    def values() -> list[str]:
        found = antiphon.json("knowledge", "facts", "--entity", "Harbour tariff").get("facts", [])
        return [one["value"] for one in found]

    assert values() == ["12 euros"]
    antiphon("knowledge", "retract", fact)
    assert values() == []
    antiphon("knowledge", "undo", fact)
    assert values() == ["12 euros"]


def test_a_fact_that_was_taught_reaches_the_next_turn(antiphon: Command, session: str) -> None:
    taught = antiphon.json("knowledge", "teach", "Harbour ferry", "departure", "quarter past six")
    turn = antiphon.json(
        "ask", "When does the Harbour ferry leave?", "--session", session, "--watermark", str(taught["watermark"])
    )
    assert taught["fact"]["id"] in [one["id"] for one in turn["draft"]["manifest"]["facts"]]


def test_a_key_opens_until_it_is_revoked(antiphon: Command, session: str) -> None:
    made = antiphon.json("keys", "create", "review tool", "--role", "caller")
    antiphon("--key", made["secret"], "ask", "hello")
    assert "NOT_FOUND" in antiphon("--key", made["secret"], "ask", "hello", "--session", session, status=1).err
    assert "PERMISSION_DENIED" in antiphon("--key", made["secret"], "keys", "list", status=1).err
    antiphon("keys", "revoke", made["key"]["id"])
    listed = {one["id"]: one for one in antiphon.json("keys", "list")["keys"]}
    assert listed[made["key"]["id"]]["revoked"] is True


def test_one_s_own_questions_are_asked_and_judged(antiphon: Command, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(
        '{"id": "echoed", "question": "The lamp is blue.", "any_of": ["blue"]}\n'
        '{"id": "silent", "question": "Who made the lamp?"}\n'
    )
    answer = antiphon.json("evaluate", str(file))
    assert [row["id"] for row in answer["replies"]] == ["echoed", "silent"]
    assert set(answer["figures"]) >= {"answerable_right", "unanswerable_declined"}
    assert "answerable right" in antiphon("evaluate", str(file)).out
    file.write_text("{}")
    assert "questions.jsonl:1: question: needs a text" in antiphon("evaluate", str(file), status=1).err
