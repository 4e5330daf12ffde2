"""A receipt told in sentences, from what was said to the replies it changed."""

from __future__ import annotations

from antiphon.v1 import common_pb2, feedback_pb2, model_pb2

from services.cli.receipts import receipt_lines

RECORD = feedback_pb2.FeedbackRecord(
    id="feedback_1", user_id="ann", prompt="When do you close?", reply="At six.",
    feedback=feedback_pb2.Feedback(edited_text="At [eight]."), status=feedback_pb2.FEEDBACK_STATUS_PROCESSED,
)  # fmt: skip


def told(**fields: object) -> str:
    return "\n".join(receipt_lines(feedback_pb2.Receipt(record=RECORD, **fields)))  # type: ignore[arg-type]


def test_what_was_said_and_what_was_made_of_it_is_told() -> None:
    waiting = told()
    assert "corrected: At \\[eight]." in waiting  # as it was written, and no markup
    assert "No example was made of it." in waiting
    assert "No training has learned it yet." in told(example_id="example_1", holds=True)
    assert "overruled by feedback_2" in told(example_id="example_1", overruled_by_id="feedback_2")


def test_what_learned_it_and_which_replies_went_by_it_is_told() -> None:
    version = model_pb2.Version(id="abc", status=model_pb2.VERSION_STATUS_GATE_FAILED)
    version.measures.add(name="corrected", before=0, after=0.5, limit=0.9, items=4, low=0.2, high=0.8)
    training = model_pb2.Training(id="training_1", status=model_pb2.TRAINING_STATUS_FAILED)
    use = common_pb2.CorrectionUse(probability=0.87, kind=common_pb2.CORRECTION_USE_KIND_QUOTED)
    text = told(
        example_id="example_1",
        holds=True,
        trainings=[
            feedback_pb2.ReceiptTraining(training=training, version=version, current=True),
            feedback_pb2.ReceiptTraining(training=training),
        ],
        replies=[feedback_pb2.ReceiptReply(turn_id="turn_9", round=1, use=use)],
    )
    assert "its version abc is served." in text
    assert "misses" in text
    assert "training_1 (failed) learned it and made no version." in text
    assert "turn_9 round 1: quoted (in its scope at 87%)" in text
