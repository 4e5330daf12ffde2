"""What is learned from which feedback."""

from services.common.privacy import Masker
from services.finetune.domain.lessons import lesson, masked_lesson


def test_an_edit_is_a_correction_and_prefers_itself() -> None:
    found = lesson({"edited_text": "We open at nine."}, "When do you open?", "We open at eight.")
    assert found.example == {"prompt": "When do you open?", "answer": "We open at nine.", "kind": "correction"}
    assert found.preference == {
        "prompt": "When do you open?",
        "better": "We open at nine.",
        "worse": "We open at eight.",
    }
    assert not found.refusal


def test_a_good_rating_approves_the_reply() -> None:
    found = lesson({"rating": 5}, "When do you open?", "At nine.")
    assert found.example is not None
    assert (found.example["answer"], found.example["kind"]) == ("At nine.", "approval")


def test_a_bad_rating_alone_teaches_no_answer() -> None:
    found = lesson({"rating": 1}, "When do you open?", "At eight.")
    assert found.example is None
    assert found.preference == {"prompt": "When do you open?", "worse": "At eight.", "rating": 1}


def test_new_sentences_of_an_edit_are_claims_and_old_ones_are_not() -> None:
    edited = "Thanks for asking. The delivery fee is 4 euros."
    found = lesson({"edited_text": edited}, "How much is delivery?", "Thanks for asking.")
    assert found.claims == ("The delivery fee is 4 euros.",)


def test_feedback_that_says_nothing_is_refused_with_the_reason() -> None:
    assert "neither" in lesson({}, "When?", "At eight.").refusal
    assert "not known" in lesson({"edited_text": "x"}, "", "y").refusal
    assert "too long" in lesson({"edited_text": "x" * 9000}, "When?", "y").refusal


def test_a_correction_with_a_comment_is_about_the_reply_it_betters() -> None:
    said = {"edited_text": "We open at nine.", "comment": "Shorter.", "constraints": []}
    found = lesson(said, "When do you open?", "We open at nine in the morning.")
    assert found.example is not None
    assert found.example["about"] == {
        "reply": "We open at nine in the morning.",
        "comment": "Shorter.",
        "constraints": [],
    }


def test_an_accepted_revision_is_approved_and_is_about_the_draft_before() -> None:
    revised = {"reply": "We open at nine in the morning.", "comment": "Shorter.", "constraints": []}
    found = lesson({"accepted": True, "comment": "Shorter."}, "When do you open?", "At nine.", revised)
    assert found.example == {
        "prompt": "When do you open?",
        "answer": "At nine.",
        "kind": "approval",
        "about": revised,
    }
    assert found.preference is None


def test_an_acceptance_of_what_was_edited_approves_the_draft_and_not_the_edit() -> None:
    found = lesson({"accepted": True, "edited_text": "At ten."}, "When do you open?", "At nine.", None)
    assert found.example == {"prompt": "When do you open?", "answer": "At nine.", "kind": "approval"}


def test_a_lesson_of_masked_texts_holds_no_personal_data_and_an_answer_with_any_teaches_none() -> None:
    said = {"rating": 5, "comment": "", "edited_text": None}
    learned = masked_lesson(Masker(), said, "My number is +44 7911 123456, when do you open?", "At nine.")
    assert learned.example is not None
    assert learned.example["prompt"] == "My number is <PHONE_1>, when do you open?"
    edited = {"edited_text": "Write to ada@example.org, she knows."}
    spoken = masked_lesson(Masker(), edited, "Whom do I ask?", "Nobody.")
    assert spoken.example is None
    assert "personal data" in spoken.refusal
    assert spoken.preference == {
        "prompt": "Whom do I ask?",
        "better": "Write to <EMAIL_1>, she knows.",
        "worse": "Nobody.",
    }
    kept = masked_lesson(Masker(keep=["ada@example.org"]), edited, "Whom do I ask?", "Nobody.")
    assert kept.example is not None
    assert kept.example["answer"] == "Write to ada@example.org, she knows."
    assert masked_lesson(Masker(), {"rating": 5}, "Whom?", "Call 13812345678.").refusal
    assert masked_lesson(None, {"rating": 5}, "Whom?", "Call 13812345678.").example is not None
