"""Feedback files by the command, against a real gateway: read as they were written, and out again as they went in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from antiphon.client import Client
from antiphon.errors import PermissionDenied
from antiphon.v1 import conversation_pb2, feedback_pb2
from click.testing import Result
from typer.testing import CliRunner

from services.cli.app import app
from services.common.store import Request
from tests.support.gateway import FakeWorkers, Gateways

Run = Callable[..., Result]
ITEMS = [
    {"prompt": "Wann öffnet die Mühle?", "reply": "Um acht.", "feedback": {"editedText": "Um neun, für Gäste."}},
    {"prompt": "Darf ich fischen?", "reply": "Ja.", "feedback": {"rating": 1, "comment": "Nur mit Schein."}},
]
LINES = [json.dumps(item, ensure_ascii=False) for item in ITEMS]


@pytest.fixture
def run(gateways: Gateways, stack: Any, tenant: str) -> Run:
    """The command as an operator of this test's tenant."""
    _, key = gateways.store.keys.create(tenant, "operator", "files")

    def call(*arguments: object) -> Result:
        environment = {"ANTIPHON_ADDRESS": stack.address, "ANTIPHON_API_KEY": key}
        return CliRunner().invoke(app, ["feedback", *map(str, arguments)], env=environment)

    return call


@pytest.fixture
def client(gateways: Gateways, stack: Any, tenant: str) -> Iterator[Client]:
    """The contract's own client, as an operator of this test's tenant."""
    with Client(stack.address, key=gateways.store.keys.create(tenant, "operator", "reads")[1]) as opened:
        yield opened


def _ask(client: Client) -> conversation_pb2.TurnEvent:
    """The end of a turn."""
    session = client.conversations.CreateSession(conversation_pb2.CreateSessionRequest(user_id="ada")).session.id
    asked = conversation_pb2.SendTurnRequest(session_id=session, text="May I park here?")
    return list(client.conversations.SendTurn(asked))[-1].event


def _stored(client: Client) -> list[feedback_pb2.FeedbackRecord]:
    answers = client.feedback.ExportFeedback(feedback_pb2.ExportFeedbackRequest())
    return [answer.record for answer in answers]


FILES = {
    "plain": "\n".join(LINES).encode(),
    "byte order mark": b"\xef\xbb\xbf" + "\n".join(LINES).encode(),
    "mark and blank line": b"\xef\xbb\xbf\n" + "\n".join(LINES).encode(),
    "a mark in the middle": LINES[0].encode() + b"\n\xef\xbb\xbf" + LINES[1].encode(),
    "blank lines": ("\n\n" + "\n \t\n".join(LINES) + "\n\n\n").encode(),
    "Windows line ends": ("\r\n".join(LINES) + "\r\n").encode(),
    "UTF-16": "\n".join(LINES).encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + "\n".join(LINES).encode("utf-16-be"),
    "UTF-32": "\n".join(LINES).encode("utf-32"),
    "line separators in texts": "\n".join(LINES).replace("Gäste", "G\u2028äste\u0085").encode(),
    "snake case": "\n".join(LINES).replace("editedText", "edited_text").encode(),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_every_line_is_stored_with_its_letters(run: Run, client: Client, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "items.jsonl"
    file.write_bytes(content)
    done = run("import", file, "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert "refused" not in answer["import"]
    assert [record.prompt for record in _stored(client)] == [item["prompt"] for item in ITEMS]
    assert _stored(client)[0].feedback.edited_text.startswith("Um neun, für G")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "mac-roman"])
def test_a_file_in_another_encoding_is_refused_whole_or_read_where_it_is_named(
    run: Run, client: Client, tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "items.jsonl"
    file.write_bytes("\n".join(LINES).encode(encoding))
    refused = run("import", file)
    assert refused.exit_code == 1
    assert "--encoding" in refused.output or "--encoding" in str(refused.exception)
    assert _stored(client) == []
    assert run("import", file, "--encoding", encoding).exit_code == 0
    assert _stored(client)[0].prompt == ITEMS[0]["prompt"]
    assert run("import", file, "--encoding", "no-such").exit_code == 1


def test_the_same_file_goes_on_and_a_renamed_copy_is_an_import_of_its_own(
    run: Run, client: Client, tmp_path: Path
) -> None:
    file, copy = tmp_path / "items.jsonl", tmp_path / "copy.jsonl"
    file.write_text("\n".join(LINES))
    copy.write_text("\n".join(LINES))
    ids = [json.loads(run("import", path, "--json").stdout)["import"]["id"] for path in (file, file, copy)]
    assert ids[0] == ids[1] != ids[2]
    assert len(_stored(client)) == 4


def test_where_every_line_is_refused_the_command_fails(run: Run, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('not json\n{"prompt": "x", "reply": "y"}\n[1]\n')
    done = run("import", file, "--json")
    assert done.exit_code == 1
    assert [line["line"] for line in json.loads(done.stdout)["refused"]] == ["1", "2", "3"]
    file.write_text("not json\n" + LINES[0] + "\n")
    assert run("import", file).exit_code == 0
    assert len(_stored(client)) == 1


def test_what_is_exported_is_imported_again_unchanged(
    run: Run, client: Client, workers: FakeWorkers, tmp_path: Path
) -> None:
    ended = _ask(client)
    turn = ended.turn_id
    said = feedback_pb2.Feedback(rating=2, comment="Too short.")
    client.feedback.SubmitFeedback(feedback_pb2.SubmitFeedbackRequest(turn_id=turn, feedback=said))
    first, second = tmp_path / "first.jsonl", tmp_path / "items.jsonl"
    second.write_text("\n".join(LINES))
    assert run("import", second).exit_code == 0
    assert run("export", "--out", first).exit_code == 0
    rows = [json.loads(line) for line in first.read_text().splitlines()]
    assert {(row["prompt"], row["reply"]) for row in rows} == {
        ("May I park here?", ended.completed.draft.text),
        *((item["prompt"], item["reply"]) for item in ITEMS),
    }
    before = [_said(record) for record in _stored(client)]
    done = run("import", first, "--json")
    assert done.exit_code == 0
    assert "refused" not in json.loads(done.stdout)["import"]
    assert sorted([*before, *before]) == sorted(_said(record) for record in _stored(client))


def test_an_export_is_imported_where_its_turns_are_not_known(
    run: Run, client: Client, workers: FakeWorkers, gateways: Gateways, stack: Any, tenant: str, tmp_path: Path
) -> None:
    ended = _ask(client)
    said = feedback_pb2.Feedback(edited_text="Yes, until six.")
    asked = feedback_pb2.SubmitFeedbackRequest(turn_id=ended.turn_id, feedback=said)
    client.feedback.SubmitFeedback(asked)
    file = tmp_path / "export.jsonl"
    assert run("export", "--out", file).exit_code == 0
    other = f"{tenant}-other"
    _, key = gateways.store.keys.create(other, "operator", "files")
    environment = {"ANTIPHON_ADDRESS": stack.address, "ANTIPHON_API_KEY": key}
    assert CliRunner().invoke(app, ["feedback", "import", str(file)], env=environment).exit_code == 0
    (record,) = gateways.store.feedback.export(other, {})
    assert (record["prompt"], record["reply"]) == ("May I park here?", ended.completed.draft.text)
    assert "turn" not in record


def _said(record: feedback_pb2.FeedbackRecord) -> tuple[str, ...]:
    return (record.turn_id, str(record.round), record.prompt, record.reply, str(record.feedback), str(record.accepted))


def test_a_draft_of_a_round_keeps_its_round(run: Run, client: Client, workers: FakeWorkers, tmp_path: Path) -> None:
    ended = _ask(client)
    turn = ended.turn_id
    wish = feedback_pb2.Feedback(comment="Shorter.")
    request = conversation_pb2.ReviseTurnRequest(turn_id=turn, feedback=wish)
    list(client.conversations.ReviseTurn(request))
    asked = feedback_pb2.SubmitFeedbackRequest(turn_id=turn, round=0, feedback=feedback_pb2.Feedback(rating=1))
    client.feedback.SubmitFeedback(asked)
    file = tmp_path / "export.jsonl"
    assert run("export", "--out", file).exit_code == 0
    assert run("import", file).exit_code == 0
    assert [record.round for record in _stored(client) if record.feedback.rating == 1] == [0, 0]


def test_a_chunk_that_comes_twice_is_refused_and_counted_as_the_first_time(
    client: Client, gateways: Gateways, tenant: str, workers: FakeWorkers
) -> None:
    feedback = client.feedback
    opened = getattr(feedback.OpenImport(feedback_pb2.OpenImportRequest(name="twice")), "import")
    turn = _ask(client).turn_id
    lines = ["{", json.dumps({"turnId": turn, "round": 1, "feedback": {"rating": 5}}), LINES[0]]
    items = [feedback_pb2.ImportItem(json=line) for line in lines]
    chunk = feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=1, items=items)
    first = feedback.AppendImport(chunk)
    list(
        client.conversations.ReviseTurn(
            conversation_pb2.ReviseTurnRequest(turn_id=turn, feedback=feedback_pb2.Feedback(comment="Shorter."))
        )
    )
    longer = feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=1, items=[*items, items[0]])
    again = feedback.AppendImport(longer)
    assert [line.line for line in first.refused] == [1, 2]
    assert [line.line for line in again.refused] == [1, 2, 4]
    assert (first.next_line, again.next_line) == (4, 5)
    found = feedback.GetImport(feedback_pb2.GetImportRequest(import_id=opened.id))
    about = getattr(found, "import")
    assert (about.stored, about.refused, len(found.refused)) == (1, 3, 3)


def test_a_training_set_has_whole_conversations_and_says_where_each_line_is_from(
    gateways: Gateways, stack: Any, tenant: str, client: Client, workers: FakeWorkers, tmp_path: Path
) -> None:
    session = client.conversations.CreateSession(conversation_pb2.CreateSessionRequest(user_id="ada")).session.id
    texts = ["May I park here?", "And at night?"]
    asked = [conversation_pb2.SendTurnRequest(session_id=session, text=text) for text in texts]
    ended = [list(client.conversations.SendTurn(one))[-1].event for one in asked]
    said = feedback_pb2.Feedback(edited_text="Until ten at night.")
    client.feedback.SubmitFeedback(feedback_pb2.SubmitFeedbackRequest(turn_id=ended[1].turn_id, feedback=said))
    environment = {
        "ANTIPHON_ADDRESS": stack.address,
        "ANTIPHON_API_KEY": gateways.store.keys.create(tenant, "operator", "sets")[1],
    }

    def exported(form: str) -> list[Any]:
        folder = tmp_path / form
        arguments = ["dataset", "export", "--format", form, "--out", str(folder), "--held-out", "0"]
        done = CliRunner().invoke(app, arguments, env=environment)
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]

    replies = [one.completed.draft.text for one in ended]
    (pair,) = exported("trl-dpo")
    assert [one["content"] for one in pair["prompt"]] == [texts[0], replies[0], texts[1]]
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == (said.edited_text, replies[1])
    (source,) = [json.loads(line) for line in (tmp_path / "trl-dpo" / "lineage.jsonl").read_text().splitlines()]
    (record,) = _stored(client)
    assert (source["feedback"], source["turn"], source["session"]) == (record.id, ended[1].turn_id, session)
    assert source["earlier_turns"] == [ended[0].turn_id]
    assert [row["messages"][-1]["content"] for row in exported("openai")] == [said.edited_text]

    client.conversations.EraseSession(conversation_pb2.EraseSessionRequest(session_id=session))
    assert exported("trl-dpo") == exported("trl-sft") == exported("trl-kto") == exported("openai") == []


PRIVATE = {
    "prompt": "我叫王建国，手机13812345678。 I'm at +49 711 5550123.",
    "reply": "We call 13812345678, or you call 0800 330 1000.",
    "feedback": {"editedText": "We call +86 138 1234 5678 at nine."},
}


def _export(client: Client, *, reveal: bool = False) -> list[feedback_pb2.FeedbackRecord]:
    request = feedback_pb2.ExportFeedbackRequest(reveal=reveal)
    return [answer.record for answer in client.feedback.ExportFeedback(request)]


def test_an_export_masks_personal_data_and_shows_it_to_whom_the_setting_lets_see_it(
    run: Run, client: Client, gateways: Gateways, stack: Any, tenant: str, tmp_path: Path
) -> None:
    file = tmp_path / "private.jsonl"
    file.write_text(json.dumps(PRIVATE, ensure_ascii=False), encoding="utf-8")
    assert run("import", file).exit_code == 0
    (record,) = _export(client)
    assert record.prompt == "我叫<NAME_1>，手机<PHONE_1>。 I'm at <PHONE_2>."
    assert record.reply == "We call <PHONE_1>, or you call 0800 330 1000."
    assert record.feedback.edited_text == "We call <PHONE_1> at nine."
    with pytest.raises(PermissionDenied, match="for good"):
        _export(client, reveal=True)

    gateways.store.tenants.create(tenant, Request("CreateTenant", "made", "made"), {"privacy": {"mode": "reversible"}})
    with Client(stack.address, key=gateways.store.keys.create(tenant, "reviewer", "looks")[1]) as reviewer:
        with pytest.raises(PermissionDenied, match="operator"):
            _export(reviewer, reveal=True)
        gateways.store.tenants.update(tenant, {"privacy": {"mode": "reversible", "reveal_role": "reviewer"}})
        assert _export(reviewer)[0].prompt == record.prompt
        assert _export(reviewer, reveal=True)[0].prompt == PRIVATE["prompt"]
    gateways.store.tenants.update(tenant, {"privacy": {"mode": "masked", "keep": ["0711 5550123"]}})
    assert _export(client)[0].prompt.endswith("I'm at +49 711 5550123.")
    gateways.store.tenants.update(tenant, {"privacy": {"mode": "off"}})
    assert _export(client)[0].prompt == PRIVATE["prompt"]
