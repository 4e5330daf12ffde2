"""What becomes a row of a training set, form by form, and what the last word about a message leaves out."""

from __future__ import annotations

from typing import Any

import pytest
from antiphon.v1 import feedback_pb2 as pb

from services.cli.dataset_rows import Form, is_held_out, rows

ASKED, WRONG, RIGHT = "When do you close?", "At six.", "At eight since May."
EARLIER = [pb.EarlierTurn(turn_id="turn_1", prompt="Hello", reply="Good morning!")]


def record(reply: str = WRONG, prompt: str = ASKED, **fields: Any) -> pb.FeedbackRecord:
    said = {name: fields.pop(name) for name in ("rating", "comment", "edited_text") if name in fields}
    return pb.FeedbackRecord(
        id="feedback_1", prompt=prompt, reply=reply, status=pb.FEEDBACK_STATUS_PROCESSED,
        feedback=pb.Feedback(**said), **fields,
    )  # fmt: skip


def made(form: Form, *records: pb.FeedbackRecord, masked: bool = True) -> list[dict[str, Any]]:
    return [one.row for one in rows(records, form, held_out=0, masked=masked)]


def spoken(*texts: str) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]


def test_a_correction_is_told_in_each_form_with_what_was_said_before() -> None:
    corrected = record(edited_text=RIGHT, earlier_turns=EARLIER)
    prompt, right = spoken("Hello", "Good morning!", ASKED), [{"role": "assistant", "content": RIGHT}]
    wrong = [{"role": "assistant", "content": WRONG}]
    assert made(Form.TRL_SFT, corrected) == [{"prompt": prompt, "completion": right}]
    assert made(Form.TRL_SFT, corrected, masked=False) == [{"messages": prompt + right}]
    assert made(Form.TRL_DPO, corrected) == [{"prompt": prompt, "chosen": right, "rejected": wrong}]
    assert made(Form.TRL_KTO, corrected) == [
        {"prompt": prompt, "completion": wrong, "label": False},
        {"prompt": prompt, "completion": right, "label": True},
    ]
    assert made(Form.OPENAI, corrected, masked=False) == [{"messages": prompt + right}]
    learned = made(Form.OPENAI, corrected)[0]["messages"]
    assert [one.get("weight") for one in learned] == [None, 0, None, None]


SFT = {
    "a good rating": ([record(rating=5)], [WRONG]),
    "an accepted revision": ([record(RIGHT, accepted=True, revised_reply=WRONG, comment="later!")], [RIGHT]),
    "an edit that changes nothing": ([record(edited_text=WRONG)], [WRONG]),
    "a bad rating": ([record(rating=1)], []),
    "a middling rating": ([record(rating=3)], []),
    "a comment alone": ([record(comment="wrong")], []),
    "a later correction": ([record(edited_text=RIGHT), record(edited_text="At nine.")], ["At nine."]),
    "a later word against the correction": ([record(edited_text=RIGHT), record(RIGHT, rating=1)], []),
    "an earlier word against the answer": ([record(RIGHT, rating=1), record(edited_text=RIGHT)], [RIGHT]),
    "the same asked in another case": ([record(edited_text=RIGHT), record(prompt=ASKED.upper(), rating=4)], [WRONG]),
    "another conversation": ([record(edited_text=RIGHT), record(rating=5, earlier_turns=EARLIER)], [RIGHT, WRONG]),
    "a message that is not known": ([record(prompt=" ", edited_text=RIGHT)], []),
}


@pytest.mark.parametrize(("records", "answers"), SFT.values(), ids=SFT)
def test_the_answers_that_hold_are_learned(records: list[pb.FeedbackRecord], answers: list[str]) -> None:
    assert [row["completion"][0]["content"] for row in made(Form.TRL_SFT, *records)] == answers
    assert [row["messages"][-1]["content"] for row in made(Form.OPENAI, *records)] == answers


@pytest.mark.parametrize("status", [pb.FEEDBACK_STATUS_HELD, pb.FEEDBACK_STATUS_REFUSED])
def test_what_does_not_count_is_in_no_form(status: pb.FeedbackStatus.ValueType) -> None:
    kept_back = record(edited_text=RIGHT)
    kept_back.status = status
    assert [made(form, kept_back) for form in Form] == [[], [], [], []]


def test_pairs_and_verdicts_follow_the_last_word() -> None:
    revised = record(RIGHT, accepted=True, revised_reply=WRONG)
    (pair,) = made(Form.TRL_DPO, revised, record(edited_text=RIGHT))
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == (RIGHT, WRONG)
    overruled = [record(edited_text=RIGHT), record(RIGHT, edited_text="At nine.")]
    (pair,) = made(Form.TRL_DPO, *overruled)
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("At nine.", RIGHT)
    verdicts = {row["completion"][0]["content"]: row["label"] for row in made(Form.TRL_KTO, *overruled)}
    assert verdicts == {WRONG: False, RIGHT: False, "At nine.": True}


def test_a_conversation_is_held_out_by_its_first_message_whatever_else_is_exported() -> None:
    asked = [f"What is price {number}?" for number in range(400)]
    out = [prompt for prompt in asked if is_held_out((prompt,), 0.1)]
    assert 20 <= len(out) <= 60
    assert all(is_held_out((prompt.upper(), "reply", "more?"), 0.1) for prompt in out)
    assert all(is_held_out((prompt,), 0.5) for prompt in out)
    records = [record(prompt=prompt, edited_text=RIGHT) for prompt in asked]
    for form in Form:
        assert {one.record.prompt for one in rows(records, form, held_out=0.1) if one.held_out} == set(out)
