"""What a fusion head is told of feedback while a draft grows: wanted words until they are said, limits as they fill."""

from __future__ import annotations

import torch

from services.common.constraints import Constraint
from services.models.feedback_reader import ASPECTS, FeedbackReader, Step
from services.models.feedback_vectors import DraftVectors, FeedbackVectors, head_config
from services.models.fusion import FusionHead


class Letters:
    """A codec whose tokens are single bytes."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def spelling(self, token: int) -> bytes:
        return bytes([token])


def reader(comment: str, *constraints: Constraint) -> FeedbackReader:
    return FeedbackReader(Letters(), comment, constraints)


def after(one: FeedbackReader, text: str) -> Step:
    return one.step(list(text.encode()))


def wanted(step: Step) -> str:
    return bytes(step.wanted).decode()


def met(step: Step, aspect: str) -> float:
    return step.aspects[len(ASPECTS) + ASPECTS.index(aspect)]


def test_a_word_is_wanted_until_it_is_said() -> None:
    one = reader("", Constraint("must_include", "cat"))
    assert wanted(after(one, "A dog")) == " "
    assert wanted(after(one, "A dog ")) == "c"
    assert wanted(after(one, "A dog c")) == "a", "one that was begun goes on"
    assert wanted(after(one, "A dog cat")) == ""
    assert not after(one, "A dog cat and").wanted


def test_words_for_the_beginning_are_wanted_there_alone() -> None:
    one = reader("", Constraint("start", "Well"))
    assert wanted(after(one, "")) == "W"
    assert wanted(after(one, "We")) == "l"
    other = reader("", Constraint("start", "Well"))
    assert not after(other, "No").wanted


def test_words_for_the_end_are_wanted_whenever_the_draft_does_not_end_with_them() -> None:
    one = reader("", Constraint("end", "bye"))
    assert wanted(after(one, "So")) == " "
    assert not after(one, "So bye").wanted
    assert wanted(after(one, "So bye now")) == " "


def test_an_unwanted_word_is_told_with_the_token_that_would_write_it() -> None:
    one = reader("", Constraint("must_not_include", "cat"))
    assert ord("c") in after(one, "A ").avoided
    assert ord("a") in after(one, "A c").avoided
    assert after(one, "A c").avoided_flags[0] == 1.0


def test_a_quoted_phrase_that_no_constraint_explains_may_be_wanted_or_not() -> None:
    step = after(reader('I was hoping for "cat" there.'), "A ")
    assert wanted(step) == "c"
    assert ord("c") in step.avoided
    assert step.wanted_flags[-1] == 1.0, "its role is unknown"


def test_a_limit_fills_as_the_draft_grows() -> None:
    one = reader("", Constraint("length", "", "words", max=4))
    assert met(after(one, "One"), "max_words") == 0.25
    assert met(after(one, "One two three four"), "max_words") == 1.0
    assert after(one, "One two three four").aspects[ASPECTS.index("max_words")] == 1.0


def test_single_steps_and_batches_give_a_head_the_same() -> None:
    torch.manual_seed(1)
    vectors = FeedbackVectors(torch.randn(256, 16))
    comment = 'Mention "cat", not "dog".'
    constraints = (Constraint("must_include", "cat"), Constraint("must_not_include", "dog"))
    follower = DraftVectors(vectors, reader(comment, *constraints))
    one = reader(comment, *constraints)
    steps = [after(one, text) for text in ("", "A", "A cat")]
    comments = vectors.comment(one.comment_ids).expand(3, -1)
    batch, present = vectors.batch(steps, comments)
    kept: dict[str, torch.Tensor] = {}
    for at, text in enumerate(("", "A", "A cat")):
        found, late = follower(list(text.encode()))
        assert found["feedback"] is kept.setdefault("feedback", found["feedback"]), "only its late entries change"
        single = found | {"feedback": torch.cat([found["feedback"][: -len(late)], torch.tensor(late)])}
        assert set(single) == {name for name in batch if bool(present[name][at])}
        for name, vector in single.items():
            assert torch.allclose(vector, batch[name][at], atol=1e-5)
    head = FusionHead(head_config(16, "base"))
    hidden = torch.randn(3, 16)
    assert torch.equal(head.fuse(hidden, batch, present), hidden)
