"""Feedback understood: typed constraints, comments parsed by a grammar of rules, edits by their difference."""

from services.tracker.domain.feedback.comments import parse_comment
from services.tracker.domain.feedback.edits import Edit, difference
from services.tracker.domain.feedback.fallback import Fallback
from services.tracker.domain.feedback.understanding import (
    Feedback,
    FeedbackError,
    Understanding,
    read_feedback,
    understand,
)

__all__ = [
    "Edit",
    "Fallback",
    "Feedback",
    "FeedbackError",
    "Understanding",
    "difference",
    "parse_comment",
    "read_feedback",
    "understand",
]
