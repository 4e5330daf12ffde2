"""The grammar and the trained reader on one comment."""

from __future__ import annotations

import pytest

from services.common.constraints import Constraint
from services.tracker.domain.feedback import Fallback, Feedback, read_feedback
from services.tracker.domain.feedback.joining import join


def some(kind: str, value: str = "", unit: str = "", low: int | None = None, high: int | None = None) -> Constraint:
    return Constraint(kind, value, unit, low, high, "comment")


TEA, MILK = some("must_include", "tea"), some("must_not_include", "milk")


@pytest.mark.parametrize(
    ("by_rule", "by_reader", "both"),
    [
        ([some("must_include", "the first")], [some("start", "Sir")], [some("start", "Sir")]),
        ([TEA], [], []),
        ([some("tone", "formal")], [TEA], [some("tone", "formal"), TEA]),
        ([some("length", "", "words", 50, 80)], [some("length", "", "words", 50)],
         [some("length", "", "words", 50, 80)]),
        ([some("length", "shorter", "words", None, 9)], [some("length", "shorter", "words", None, 7)],
         [some("length", "shorter", "words", None, 9)]),
        ([some("format", "sections:Part", "", 2, 2)], [some("format", "sections:Section", "", 2, 2)],
         [some("format", "sections:Part", "", 2, 2)]),
        ([some("format", "numbered", "", None, None)], [some("format", "bullets", "", 3, 3)],
         [some("format", "numbered", "", 3, 3)]),
        ([some("format", "bullets")], [], [some("format", "bullets")]),
        ([some("replace", "milk => tea")], [TEA, MILK], [some("replace", "milk => tea")]),
        ([some("format", "one_of:tea|milk")], [TEA], [some("format", "one_of:tea|milk")]),
        ([TEA, MILK], [TEA, MILK], [TEA, MILK]),
    ],
)  # fmt: skip
def test_each_is_believed_in_what_it_knows(
    by_rule: list[Constraint], by_reader: list[Constraint], both: list[Constraint]
) -> None:
    assert join(by_rule, by_reader) == both


def test_what_was_understood_is_no_longer_left_to_the_model() -> None:
    def told(comment: str, draft_text: str) -> list[Constraint]:
        return [some("must_include", "penguin")] if "penguin" in comment else []

    def encode(texts: object) -> None:
        raise AssertionError("nothing is left to be likened")

    fallback = Fallback(encode, told)  # type: ignore[arg-type]
    found = read_feedback(Feedback(comment="The penguin is conspicuously absent"), "A draft.", fallback=fallback)
    assert (found.constraints, found.unparsed) == ([some("must_include", "penguin")], [])


def test_where_the_reader_can_not_read_the_grammar_is_believed() -> None:
    fallback = Fallback(lambda texts: None, lambda comment, draft_text: None)  # type: ignore[arg-type, return-value]
    found = read_feedback(Feedback(comment='Mention "tea".'), "A draft.", fallback=fallback)
    assert found.constraints == [TEA]
