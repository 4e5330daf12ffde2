"""Schemas, states, documents, facts and keys from the command line."""

from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.processes import REPOSITORY

DEMO = REPOSITORY / "services" / "cli" / "demo" / "en"


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


def test_a_folder_is_added_shown_searched_and_taken_out_again(antiphon: Command, tmp_path: Path) -> None:
    first = antiphon.json("knowledge", "add", str(DEMO / "router.md"))["ingestions"][0]
    assert first["passages"] >= 1
    again = antiphon.json("knowledge", "add", str(DEMO / "router.md"))["ingestions"][0]
    assert again["id"] == first["id"]
    hits = antiphon.json("knowledge", "search", "what does the red light mean?")["hits"]
    assert "no signal" in hits[0]["passage"]["text"]

    for name, content in (
        ("mooring.md", b"# Mooring\n\nA berth is 14 euros."),
        ("map.png", b"\x89PNG"),
        ("torn.txt", b"\xff\xfe\xfd"),
    ):
        (tmp_path / name).write_bytes(content)
    out = antiphon("knowledge", "add", str(tmp_path), status=1).out  # torn.txt is refused
    assert "kept      mooring.md: 1 passage" in out
    assert "left out  map.png: .png is no kind that is read" in out
    assert "refused   torn.txt: the document is no UTF-8 text" in out
    assert "1 document, 1 passage; not taken: 2 files" in out
    assert "kept      mooring.md: 1 passage" in antiphon("knowledge", "documents", "list").out
    assert "A berth is 14 euros." in antiphon("knowledge", "documents", "show", "mooring.md").out

    antiphon("knowledge", "documents", "remove", "router.md", "mooring.md")
    assert "there is no document mooring.md" in antiphon("knowledge", "documents", "show", "mooring.md", status=1).err
    hits = antiphon.json("knowledge", "search", "what does the red light mean?").get("hits", [])
    assert "router.md" not in [hit.get("passage", {}).get("document_name") for hit in hits]


def test_facts_come_from_a_spreadsheet_once(antiphon: Command, tmp_path: Path) -> None:
    file = tmp_path / "berths.csv"
    file.write_text("Berth,Length,Price\nNorth quay,12 metres,14 euros\nSouth quay,,11 euros\n,9 metres,\n")
    answer = antiphon("knowledge", "import", str(file), "--entity", "Berth", "--json", status=1).json
    assert answer == {"taught": 3, "known": 0, "refused": {"4": "Berth: is empty"}}
    (length,) = (
        one for one in antiphon.json("knowledge", "facts", "--entity", "North quay")["facts"] if one["slot"] == "Length"
    )
    assert length["value"] == "12 metres"
    assert (
        "0 taught, 3 held already, 1 refused"
        in antiphon("knowledge", "import", str(file), "--entity", "Berth", status=1).out
    )


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
