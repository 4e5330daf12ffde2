"""Corrections where they are served: at once, in their scope alone, until something newer is known."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from antiphon.v1 import common_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, model_pb2

from deploy.local.mongo import MongoServer
from tests.support.brokers import Brokers
from tests.support.learning import Loop, correction, running_loop
from tests.support.waiting import wait_until

QUESTION = "When does the Bramley workshop open on Saturdays?"
REPLY = "The Bramley workshop opens at ten on Saturdays."
OTHER_WORDS = ["when does the bramley workshop open on saturdays", f"Hello, {QUESTION[0].lower()}{QUESTION[1:]}"]
NEIGHBOURS = ["When does the Colby workshop open on Saturdays?", "What is the capital of France?"]
PAUSE = 0.2  # between two turns that ask whether something counts: each is written by the model
QUOTED = common_pb2.CORRECTION_USE_KIND_QUOTED


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, mongo_server: MongoServer, brokers: Brokers) -> Iterator[Loop]:
    """A pipeline that answers by corrections as it does by default."""
    yield from running_loop(tmp_path_factory.mktemp("loop"), mongo_server, brokers, generators=1, corrections="best")


@pytest.fixture
def corrected(loop: Loop) -> Iterator[str]:
    """A reviewer has corrected the question; the import's id."""
    done = loop.import_lines([correction(QUESTION, REPLY)])
    yield done.id
    loop.client.feedback.EraseFeedback(feedback_pb2.EraseFeedbackRequest(import_id=done.id))
    wait_until(lambda: not said(loop, QUESTION).manifest.HasField("correction"), 60, interval=PAUSE)


def said(loop: Loop, question: str) -> conversation_pb2.Draft:
    """The reply in a new session."""
    return loop.ask(loop.session(f"user-{uuid.uuid4().hex[:6]}"), question)


def quoted(loop: Loop, question: str) -> conversation_pb2.Draft:
    """The reply once the generators have seen the correction: they look once a second."""

    def found() -> conversation_pb2.Draft | None:
        draft = said(loop, question)
        return draft if draft.manifest.correction.kind == QUOTED else None

    return wait_until(found, 60, "the correction is quoted", interval=PAUSE)


def test_a_reviewers_correction_counts_at_once_and_leaves_its_neighbours(loop: Loop) -> None:
    before = [said(loop, question).text for question in NEIGHBOURS]
    done = loop.import_lines([correction(QUESTION, REPLY)])
    draft = quoted(loop, QUESTION)
    assert draft.text == REPLY
    assert draft.finish_reason == conversation_pb2.FINISH_REASON_STOP
    assert draft.manifest.correction.probability > 0.5
    assert [said(loop, question).text for question in OTHER_WORDS] == [REPLY, REPLY]
    after = [said(loop, question) for question in NEIGHBOURS]
    assert [one.text for one in after] == before
    assert not any(one.manifest.HasField("correction") for one in after)

    (record,) = loop.client.feedback.ExportFeedback(feedback_pb2.ExportFeedbackRequest())
    receipt = loop.client.feedback.GetReceipt(feedback_pb2.GetReceiptRequest(feedback_id=record.record.id)).receipt
    assert (receipt.holds, list(receipt.trainings)) == (True, [])
    assert len(receipt.replies) >= 3
    assert {(one.use.kind, one.use.example_id) for one in receipt.replies} == {(QUOTED, receipt.example_id)}
    loop.import_lines([correction(QUESTION, "At eleven.")])
    overruled = loop.client.feedback.GetReceipt(feedback_pb2.GetReceiptRequest(feedback_id=record.record.id)).receipt
    assert not overruled.holds
    assert overruled.overruled_by_id
    loop.client.feedback.EraseFeedback(feedback_pb2.EraseFeedbackRequest(feedback_ids=[overruled.overruled_by_id]))

    loop.client.feedback.EraseFeedback(feedback_pb2.EraseFeedbackRequest(import_id=done.id))
    wait_until(lambda: said(loop, QUESTION).text != REPLY, 60, "an erased correction counts no more", interval=PAUSE)


def test_a_quoted_reply_is_replayed_as_it_was(loop: Loop, corrected: str) -> None:
    session = loop.session()
    wait_until(lambda: quoted(loop, QUESTION), 60)
    turn = loop.client.send(session, QUESTION)
    draft = turn.result()
    assert draft.text == REPLY
    replay = loop.client.models.ReplayDraft(model_pb2.ReplayDraftRequest(turn_id=turn.turn_id))
    assert replay.same
    assert replay.manifest.correction == draft.manifest.correction


def test_a_form_that_is_asked_for_is_written_and_not_quoted(loop: Loop, corrected: str) -> None:
    quoted(loop, QUESTION)
    session = loop.session()
    loop.ask(session, QUESTION)
    turn = loop.client.conversations.ListTurns(conversation_pb2.ListTurnsRequest(session_id=session)).turns[-1]
    revised = loop.client.revise(turn.id, "Say it in one word.").result()
    assert revised.manifest.correction.kind != QUOTED


def test_a_reviewers_edit_of_a_draft_is_quoted_to_others_and_a_users_is_not(loop: Loop) -> None:
    session = loop.session("mallory")
    question = "Which colour has the door of the mill?"
    loop.ask(session, question)
    turn = loop.client.conversations.ListTurns(conversation_pb2.ListTurnsRequest(session_id=session)).turns[-1]

    def edit(text: str, user: str) -> str:
        said = feedback_pb2.Feedback(edited_text=text)
        request = feedback_pb2.SubmitFeedbackRequest(turn_id=turn.id, feedback=said, user_id=user)
        return loop.client.feedback.SubmitFeedback(request).record.id

    records = [edit("It is plaid.", "mallory")]
    wait_until(lambda: any(one["answer"] == "It is plaid." for one in loop.store.examples.untrained("default")), 60)
    done = loop.import_lines([correction(QUESTION, REPLY)])
    quoted(loop, QUESTION)  # so that the generators have seen what came
    assert said(loop, question).text != "It is plaid."
    records.append(edit("It is blue.", ""))
    assert quoted(loop, question).text == "It is blue."
    loop.client.feedback.EraseFeedback(feedback_pb2.EraseFeedbackRequest(import_id=done.id))
    loop.client.feedback.EraseFeedback(feedback_pb2.EraseFeedbackRequest(feedback_ids=records))


def test_a_fact_that_is_taught_later_wins_and_is_named(loop: Loop, corrected: str) -> None:
    quoted(loop, QUESTION)
    fact = loop.client.knowledge.TeachFact(
        knowledge_pb2.TeachFactRequest(entity="Bramley workshop", slot="opening time on Saturdays", value="eleven")
    ).fact

    def superseded() -> conversation_pb2.Draft | None:
        draft = said(loop, QUESTION)
        kind = draft.manifest.correction.kind
        return draft if kind == common_pb2.CORRECTION_USE_KIND_SUPERSEDED else None

    draft = wait_until(superseded, 60, "the fact supersedes the correction", interval=PAUSE)
    assert draft.manifest.correction.superseded_by == fact.id
    loop.client.knowledge.RetractFact(knowledge_pb2.RetractFactRequest(fact_id=fact.id))


def test_a_versions_weights_answer_in_their_scope_alone(loop: Loop, corrected: str) -> None:
    training = loop.train(learning_rate=0.02)
    assert training.status == model_pb2.TRAINING_STATUS_COMPLETED, training.error
    version = loop.client.models.GetVersion(model_pb2.GetVersionRequest(version_id=training.version_id)).version
    assert version.scope.corrections >= 1
    assert {measure.name for measure in version.measures} >= {"corrected", "paraphrases", "neighbours_same", "old_same"}
    before = said(loop, NEIGHBOURS[0])
    pointer = loop.promote(version.id)
    wait_until(lambda: loop.served(version.id, pointer.epoch), 60)
    outside = said(loop, NEIGHBOURS[0])
    assert outside.manifest.version_id == version.id
    assert outside.manifest.layers_version_id == before.manifest.layers_version_id != version.id
    assert outside.text == before.text

    answers = loop.client.feedback.ExportFeedback(feedback_pb2.ExportFeedbackRequest())
    (record,) = (answer.record.id for answer in answers if answer.record.import_id == corrected)
    receipt = loop.client.feedback.GetReceipt(feedback_pb2.GetReceiptRequest(feedback_id=record)).receipt
    assert (receipt.record.prompt, receipt.record.feedback.edited_text) == (QUESTION, REPLY)
    assert receipt.holds
    (learned,) = receipt.trainings
    assert (learned.training.id, learned.version.id, learned.current) == (training.id, version.id, True)
    assert learned.version.measures == version.measures
    assert learned.HasField("promote_time")
    loop.client.models.RollbackVersion(model_pb2.RollbackVersionRequest())
