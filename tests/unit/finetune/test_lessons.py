"""What is learned from which feedback."""

from services.finetune.domain.lessons import lesson


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
