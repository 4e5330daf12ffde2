"""Whose word stands about a reply: the last one, and a reviewer's before any user's."""

import pytest

from services.common.last_words import last_words

Word = tuple[str, str, bool]
"""An answer, who speaks of it, and whether for it."""
STORIES: list[tuple[list[Word], str]] = [
    ([("two", "user", True), ("three", "user", True)], "three"),
    ([("two", "user", True), ("two", "user", False)], ""),
    ([("two", "reviewer", True), ("three", "user", True)], "two"),
    ([("three", "user", True), ("two", "reviewer", True)], "two"),
    ([("two", "reviewer", True), ("two", "user", False)], "two"),
    ([("two", "reviewer", True), ("two", "user", False), ("three", "user", True)], "two"),
    ([("two", "reviewer", True), ("three", "reviewer", True)], "three"),
    ([("two", "reviewer", True), ("three", "reviewer", True), ("two", "reviewer", True)], "two"),
    ([("two", "reviewer", True), ("two", "reviewer", False)], ""),
    ([("two", "reviewer", True), ("two", "reviewer", False), ("three", "user", True)], "three"),
    ([("two", "user", True), ("two", "reviewer", False)], ""),
    ([("two", "user", True), ("two", "reviewer", True), ("three", "user", True)], "two"),
]


def _example(answer: str, words: list[Word]) -> dict[str, str]:
    example = {"_id": answer, "prompt": "Fee?", "kind": "rejection"}
    for at, (said, who, for_it) in enumerate(words):
        if said == answer:
            example[("unsaid", "said")[for_it]] = f"{at}|"
            if who == "reviewer":
                example[("overruled", "reviewed")[for_it]] = f"{at}|"
            example["kind"] = "correction" if for_it else example["kind"]
    return example


@pytest.mark.parametrize(("words", "standing"), STORIES, ids=lambda one: str(one) if isinstance(one, list) else None)
def test_the_last_word_stands_and_a_reviewers_before_any_users(words: list[Word], standing: str) -> None:
    examples = [_example(answer, words) for answer in sorted({answer for answer, _, _ in words})]
    new, _ = last_words(examples, "trained")
    assert [one["_id"] for one in new] == ([standing] if standing else [])
