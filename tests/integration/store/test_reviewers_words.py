"""Corrections as they are quoted: whose word each is, and when a reader has to look again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.common.last_words import moment
from services.common.store import Store

TENANT = "tenant_a"
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
Story = list[tuple[str, int, bool, bool]]
"""An answer, the minute of a word on it, whether the word is for it, and whether a reviewer said it."""
STORIES: list[tuple[Story, list[tuple[str, bool]]]] = [
    ([("It is blue.", 1, True, False)], [("It is blue.", False)]),
    ([("It is blue.", 1, True, True)], [("It is blue.", True)]),
    ([("It is blue.", 1, True, False), ("It is blue.", 2, True, True)], [("It is blue.", True)]),
    ([("It is blue.", 1, True, True), ("It is red.", 2, True, False)], [("It is blue.", True)]),
    ([("It is blue.", 1, True, True), ("It is blue.", 2, False, True)], []),
    (
        [("It is blue.", 1, True, True), ("It is blue.", 2, False, True), ("It is blue.", 3, True, False)],
        [("It is blue.", False)],
    ),
    ([("It is blue.", 2, True, False), ("It is blue.", 1, True, True)], [("It is blue.", True)]),
]


def _say(store: Store, answer: str, minute: int, for_it: bool, reviewed: bool) -> None:
    at = moment(NOON + timedelta(minutes=minute), f"feedback_{minute}")
    word: dict[str, Any] = {"prompt": "Which colour?", "answer": answer, "user": "ann", "reviewed": reviewed}
    if for_it:
        store.examples.add(TENANT, [{**word, "kind": "correction", "said": at}])
    else:
        store.examples.reject(TENANT, [{**word, "unsaid": at}])


@pytest.mark.parametrize(("story", "standing"), STORIES)
def test_a_correction_is_a_reviewers_while_a_reviewers_word_for_it_stands(
    store: Store, story: Story, standing: list[tuple[str, bool]]
) -> None:
    for word in story:
        _say(store, *word)
    assert [(one.reply, one.reviewed) for one in store.corrections.current(TENANT)] == standing


def test_every_word_changes_the_stamp_also_one_that_is_stored_late(store: Store) -> None:
    seen = {store.corrections.stamp(TENANT)}
    for number, (minute, for_it, reviewed) in enumerate(
        [(5, True, False), (3, True, True), (2, True, True), (4, False, True), (1, False, False)], 2
    ):
        _say(store, "It is blue.", minute, for_it, reviewed)
        seen.add(store.corrections.stamp(TENANT))
        assert len(seen) == number
