"""The comment readers as they are served: the grammar, the trained network and likeness together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.models.sentence_encoder import SentenceEncoder
from services.tracker.comments.parser import CommentParser
from services.tracker.domain.feedback import Fallback, Feedback, Understanding, read_feedback

Reader = Callable[[str], Understanding]
OFFICE = "The harbour office is open from nine to five. Parking costs 3 euros an hour."


@pytest.fixture(scope="session")
def fallback() -> Fallback:
    return Fallback(SentenceEncoder.load().encode, CommentParser.load().parse)


@pytest.fixture(scope="session")
def read(fallback: Fallback) -> Reader:
    """Reads a comment on the harbour office's reply."""
    return lambda comment: read_feedback(Feedback(comment=comment), OFFICE, "When are you open?", fallback)
