"""The walking loop over gRPC: feedback in, a version out, served, taken back; and a user erased."""

import pytest
from antiphon.client import FailedPrecondition, PermissionDenied
from antiphon.v1 import admin_pb2, feedback_pb2, knowledge_pb2, model_pb2

from services.cli.dataset_rows import Form, rows
from services.common.store import NewTurn, Request, TurnLimits
from services.common.store.knowledge import Statement
from tests.support.learning import Loop, correction
from tests.support.waiting import wait_until

QUESTIONS = [f"What does plan number {i} cost?" for i in range(8)]


def test_broken_lines_are_named_and_the_rest_goes_in(loop: Loop) -> None:
    other = NewTurn("session_x", "hi", Request("SendTurn", "theirs", ""), user="u")
    theirs = loop.store.turns.accept_turn("another-tenant", other, TurnLimits()).turn["_id"]
    lines = [
        correction("When do you open?", "At nine."),
        "not json",
        '{"turnId": "turn_of_nobody", "feedback": {"rating": 5}}',
        '{"prompt": "x", "reply": "y", "feedback": {"rating": 9}}',
        f'{{"turnId": "{theirs}", "feedback": {{"rating": 5}}}}',
        correction("Too long?", "y" * 40_000),
        correction("Far too long?", "y" * 1_100_000),
    ]
    done = loop.import_lines(lines)
    assert (done.stored, done.processed, done.refused) == (1, 1, 6)
    refused = loop.client.feedback.GetImport(feedback_pb2.GetImportRequest(import_id=done.id)).refused
    assert [(line.line, line.field) for line in refused] == [
        (2, ""),
        (3, "turn_id"),
        (4, "feedback.rating"),
        (5, "turn_id"),
        (6, "feedback.edited_text"),
        (7, ""),
    ]


def test_corrections_become_a_version_that_is_served_and_taken_back(loop: Loop) -> None:
    client = loop.client
    old = loop.session()
    before = loop.ask(old, QUESTIONS[0])
    loop.import_lines([correction(question, f"It costs {i} euros.") for i, question in enumerate(QUESTIONS)])
    training = loop.train(max_steps=30, learning_rate=0.02, batch_size=8)
    assert training.status == model_pb2.TRAINING_STATUS_COMPLETED, training.error
    version = client.models.GetVersion(model_pb2.GetVersionRequest(version_id=training.version_id)).version
    measures = {measure.name: measure for measure in version.measures}
    assert measures["new_loss"].after < measures["new_loss"].before

    pointer = loop.promote(version.id)
    wait_until(lambda: loop.served(version.id, pointer.epoch), 60)
    assert loop.ask(old, QUESTIONS[0]).manifest.version_id == before.manifest.version_id  # it keeps its version
    fresh = loop.session()
    after = loop.ask(fresh, QUESTIONS[0])
    assert after.manifest.version_id == version.id
    assert after.text != before.text

    pointer = client.models.RollbackVersion(model_pb2.RollbackVersionRequest()).pointer
    wait_until(lambda: loop.served(before.manifest.version_id, pointer.epoch), 60)
    again = loop.ask(loop.session(), QUESTIONS[0])
    assert again.text == before.text
    assert loop.ask(fresh, "And now?").manifest.version_id == before.manifest.version_id  # withdrawn from it too
    with pytest.raises(FailedPrecondition, match="withdrawn"):
        client.models.PromoteVersion(model_pb2.PromoteVersionRequest(version_id=version.id))


def test_training_on_nothing_is_refused(loop: Loop) -> None:
    for example in loop.store.examples.untrained("default"):
        loop.store.examples.erase("default", {"_id": example["_id"]})
    with pytest.raises(FailedPrecondition) as refused:
        loop.train()
    assert refused.value.reason == "NOTHING_TO_LEARN"


def test_an_erased_user_leaves_no_trace_and_marks_the_versions(loop: Loop) -> None:
    client, user, words = loop.client, "grace-the-erased", "purple elephant"
    session = loop.session(user)
    loop.ask(session, f"My secret is a {words}.")
    loop.import_lines([correction("What is my secret?", f"A {words}.", user)])
    header = knowledge_pb2.DocumentHeader(name="grace.md", user_id=user)
    parts = (
        knowledge_pb2.IngestDocumentRequest(header=header),
        knowledge_pb2.IngestDocumentRequest(chunk=f"The {words} sleeps.".encode()),
    )
    client.knowledge.IngestDocument(iter(parts))
    client.admin.RevokeKey(admin_pb2.RevokeKeyRequest(key_id=_confirmed_by_another(loop, user, words)))
    training = loop.train(max_steps=2)
    assert training.status == model_pb2.TRAINING_STATUS_COMPLETED
    assert _traces(loop, user, words)
    assert words in _training_set(loop)

    erasure = client.admin.EraseUser(admin_pb2.EraseUserRequest(user_id=user, withdraw_versions=True)).erasure
    request = admin_pb2.GetErasureRequest(erasure_id=erasure.id)
    waiting, done = admin_pb2.ERASURE_STATUS_WAITING, admin_pb2.ERASURE_STATUS_DONE
    wait_until(lambda: client.admin.GetErasure(request).erasure.status == waiting, 60)
    _write_late(loop, user, words)
    with pytest.raises(PermissionDenied, match="being erased"):
        loop.session(user)
    wait_until(lambda: client.admin.GetErasure(request).erasure.status == done, 60)

    assert training.version_id in client.admin.GetErasure(request).erasure.version_ids
    version = client.models.GetVersion(model_pb2.GetVersionRequest(version_id=training.version_id)).version
    assert version.trained_on_erased
    assert version.status == model_pb2.VERSION_STATUS_WITHDRAWN
    assert _traces(loop, user, words) == []
    assert words not in _training_set(loop)
    assert not client.knowledge.Search(knowledge_pb2.SearchRequest(query=words)).hits


def _training_set(loop: Loop) -> str:
    """What an export writes to be trained on elsewhere."""
    asked = feedback_pb2.ExportFeedbackRequest(with_earlier_turns=True)
    records = [answer.record for answer in loop.client.feedback.ExportFeedback(asked)]
    return repr([made.row for made in rows(records, Form.TRL_DPO, held_out=0)])


def _confirmed_by_another(loop: Loop, user: str, words: str) -> str:
    """A fact read from what the user said and confirmed by a reviewer; the reviewer's key."""
    said = Statement("Grace", "secret", f"a {words}", text=f"My secret is a {words}.", author=user)
    candidate, _ = loop.store.knowledge.propose_fact("default", said)
    key, _ = loop.store.keys.create("default", "reviewer", "confirms")
    loop.store.knowledge.decide_candidate("default", candidate["_id"], author=key["_id"])
    return str(key["_id"])


def _write_late(loop: Loop, user: str, words: str) -> None:
    """What workers that read before the erasure may still write after its first pass."""
    late = {"prompt": "What is my secret?", "answer": f"A {words}, said late.", "kind": "correction", "user": user}
    loop.store.examples.add("default", [late])
    request = Request("SubmitFeedback", "late", "")
    loop.store.feedback.submit("default", request, {"comment": f"the {words}", "user": user, "status": "processed"})
    _confirmed_by_another(loop, user, words)


def _traces(loop: Loop, user: str, words: str) -> list[str]:
    """Where the user's name or words stand: collections, GridFS among them, and the services' logs."""

    def tells(text: str) -> bool:
        return user in text or words in text

    database = loop.store.connection.database
    rows = ((name, row) for name in database.list_collection_names() for row in database[name].find({}))
    stored = [f"{name} {row['_id']}" for name, row in rows if tells(repr(row))]
    return stored + [f"log of {process.name}" for process in loop.services.started if tells(process.log())]
