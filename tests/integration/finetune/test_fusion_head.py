"""What people say of replies, and what they write or accept then, becomes a fusion head that revisions use."""

from __future__ import annotations

import json

import pytest
from antiphon.client import FailedPrecondition, InvalidArgument
from antiphon.v1 import common_pb2, conversation_pb2, feedback_pb2, model_pb2

from services.common.store import Document
from tests.support.learning import Loop
from tests.support.waiting import wait_until

SETTINGS = common_pb2.DecodingSettings(max_tokens=12)


def commented(number: int) -> str:
    """A line of an import: what was said of a reply, and what should have been answered."""
    said = {"editedText": f"Shop {number} is in Mill Street.", "comment": 'Mention "Mill Street".'}
    reply = f"Shop {number} is somewhere in the city."
    return json.dumps({"prompt": f"Where is shop {number}?", "reply": reply, "userId": "reviewer", "feedback": said})


def start(loop: Loop, **settings: float) -> model_pb2.Training:
    """Train a fusion head and wait for its end."""
    request = model_pb2.StartTrainingRequest(
        kind=model_pb2.TRAINING_KIND_FUSION_HEAD,
        settings=model_pb2.TrainingSettings(**settings),  # type: ignore[arg-type]
    )
    training = loop.client.models.StartTraining(request).training
    watched = loop.client.models.WatchTraining(model_pb2.WatchTrainingRequest(training_id=training.id))
    return list(watched)[-1].training


def revised(loop: Loop) -> conversation_pb2.Draft:
    """A revision that only the prompt and, where one is served, the head make."""
    settings = common_pb2.DecodingSettings(max_tokens=12, constrained=False, candidates=1)
    with loop.client.send(loop.session(), "Where is shop 3?", settings=settings) as stream:
        stream.result()
    return loop.client.revise(stream.turn_id, 'Mention "Mill Street".', settings=settings).result()


def examples(loop: Loop) -> list[Document]:
    return loop.store.examples.untrained("default", "fusion_head")


def test_a_head_is_trained_on_comments_and_served_until_it_is_taken_back(loop: Loop) -> None:
    before = revised(loop)
    assert not before.manifest.fusion_head
    with pytest.raises(FailedPrecondition, match="no correction with a comment"):
        start(loop)
    loop.import_lines([commented(number) for number in range(24)])
    training = start(loop, max_steps=40, learning_rate=0.01)
    assert training.status == model_pb2.TRAINING_STATUS_COMPLETED, training.error
    assert training.kind == model_pb2.TRAINING_KIND_FUSION_HEAD
    version = loop.client.models.GetVersion(model_pb2.GetVersionRequest(version_id=training.version_id)).version
    measures = {one.name: one for one in version.measures}
    assert version.kind == model_pb2.TRAINING_KIND_FUSION_HEAD
    assert measures["edit_loss"].after < measures["edit_loss"].before
    assert measures["edit_loss"].items >= 3  # held out, not those learned from
    assert not examples(loop)

    pointer = loop.promote(version.id)
    wait_until(lambda: loop.served(version.id, pointer.epoch), 60)
    after = revised(loop)
    assert (after.manifest.version_id, after.manifest.fusion_head) == (version.id, version.fusion_head_id)
    assert after.manifest.settings.fusion
    assert after.text != before.text
    replayed = loop.client.models.ReplayDraft(model_pb2.ReplayDraftRequest(turn_id=_turn_of(loop, after)))
    assert replayed.same

    pointer = loop.client.models.RollbackVersion(model_pb2.RollbackVersionRequest()).pointer
    wait_until(lambda: loop.served(before.manifest.version_id, pointer.epoch), 60)
    again = revised(loop)
    assert not again.manifest.fusion_head
    assert again.text == before.text


def test_a_head_keeps_to_few_corrections_by_refusing_them(loop: Loop) -> None:
    for example in [*examples(loop), *loop.store.examples.trained("default", "fusion_head")]:
        loop.store.examples.erase("default", {"_id": example["_id"]})
    loop.import_lines([commented(number) for number in range(100, 103)])
    training = start(loop)
    assert training.status == model_pb2.TRAINING_STATUS_FAILED
    assert "3 corrections" in training.error


def test_an_unknown_kind_is_refused(loop: Loop) -> None:
    with pytest.raises(InvalidArgument) as refused:
        loop.client.models.StartTraining(model_pb2.StartTrainingRequest(kind=9))  # type: ignore[arg-type]
    assert refused.value.violations[0].field == "kind"


def test_what_is_said_while_talking_is_learned_from_too(loop: Loop) -> None:
    known = {one["_id"] for one in examples(loop)}
    with loop.client.send(loop.session("ada"), "Where do you sell maps?", settings=SETTINGS) as stream:
        first = stream.result()
    feedback = feedback_pb2.Feedback(comment='Mention "Mill Street".')
    second = loop.client.revise(stream.turn_id, feedback, settings=SETTINGS).result()
    assert second.text != first.text
    request = conversation_pb2.AcceptDraftRequest(turn_id=stream.turn_id)
    loop.client.conversations.AcceptDraft(request)
    loop.client.conversations.AcceptDraft(request)  # again changes nothing
    found = wait_until(lambda: [one for one in examples(loop) if one["_id"] not in known], 60)
    (example,) = found
    assert (example["prompt"], example["answer"], example["user"]) == (
        "Where do you sell maps?",
        second.text.strip(),
        "ada",
    )
    assert example["about"]["reply"] == first.text.strip()
    assert example["about"]["comment"] == 'Mention "Mill Street".'
    assert [one["value"] for one in example["about"]["constraints"]] == ["Mill Street"]
    records = [
        answer.record
        for answer in loop.client.feedback.ExportFeedback(feedback_pb2.ExportFeedbackRequest(user_id="ada"))
        if answer.record.turn_id == stream.turn_id
    ]
    assert [(one.round, one.accepted, one.feedback.comment) for one in records] == [
        (0, False, 'Mention "Mill Street".'),
        (1, True, 'Mention "Mill Street".'),
    ]


def _turn_of(loop: Loop, draft: conversation_pb2.Draft) -> str:
    found = loop.store.connection.scoped("turns", "default").find_one({"drafts.id": draft.id})
    assert found is not None
    return str(found["_id"])
