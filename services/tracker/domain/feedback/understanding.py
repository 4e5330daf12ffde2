"""A piece of feedback and what was understood of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.common.constraints import (
    MAX_VALUE,
    Constraint,
    ConstraintError,
    check,
    contradictions,
    validate,
    validate_all,
    without_contradicted,
)
from services.tracker.domain.feedback.comment_language import comment_language
from services.tracker.domain.feedback.edits import Edit, difference
from services.tracker.domain.feedback.english import read_english
from services.tracker.domain.feedback.fallback import Fallback
from services.tracker.domain.feedback.manners import read_manners
from services.tracker.domain.feedback.other_languages import read_foreign

MAX_COMMENT = 10_000
"""Code points of a comment that are read; what stands behind them is reported as not understood."""
MAX_CONSTRAINTS = 40


class FeedbackError(ConstraintError):
    """Feedback that cannot be meant as it stands; `field` names the part, such as constraints[1].min."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person said about a draft; every part may be missing."""

    rating: int | None = None
    comment: str = ""
    edited_text: str | None = None
    constraints: tuple[Constraint, ...] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any] | None) -> Feedback:
        """The feedback as it is stored with a draft; FeedbackError names a typed constraint that is wrong."""
        if not document:
            return cls()
        try:
            typed = tuple(
                Constraint.from_json({**one, "source": "typed"}, f"constraints[{i}]")
                for i, one in enumerate(document.get("constraints") or ())
            )
        except ConstraintError as error:
            raise FeedbackError(error.field, error.reason) from None
        return cls(document.get("rating"), document.get("comment") or "", document.get("edited_text"), typed)


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a piece of feedback asks for.

    `unparsed` are the pieces of the comment no rule understood, in the user's words: the model reads them.
    `topics` are phrases about which the reply should know more, for retrieval. `skipped` names what was not read
    because it took too much computing.
    """

    constraints: list[Constraint] = field(default_factory=list)
    unparsed: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    edit: Edit | None = None
    skipped: list[str] = field(default_factory=list)

    @property
    def touches_content(self) -> bool:
        """Whether it is about what the reply says and not only how: then slots or facts may be concerned."""
        return bool(self.topics) or any(c.kind == "replace" for c in self.constraints)

    @property
    def asks_content(self) -> bool:
        """Whether the knowledge base may have what it asks for: more words, words to be said, or what no rule read."""
        wants_more = any(
            (c.kind in ("must_include", "keep") and not c.unit) or (c.kind == "length" and c.min is not None)
            for c in self.constraints
        )
        return self.touches_content or bool(self.unparsed) or wants_more

    def to_json(self) -> dict[str, Any]:
        """The `understood` of events, messages and turn documents."""
        made: dict[str, Any] = {"constraints": [c.to_json() for c in self.constraints]}
        if self.unparsed:
            made["unparsed"] = self.unparsed
        if self.topics:
            made["topics"] = self.topics
        if self.skipped:
            made["skipped"] = self.skipped
        if self.edit is not None:
            made["edit"] = self.edit.to_json()
        return made


def understand(feedback: Feedback, draft_text: str) -> list[Constraint]:
    """The constraints of `read_feedback` alone."""
    return read_feedback(feedback, draft_text).constraints


def read_feedback(
    feedback: Feedback,
    draft_text: str,
    prompt: str = "",
    fallback: Fallback | None = None,
    heard: Sequence[Constraint] | None = None,
) -> Understanding:
    """All that the feedback asks for; typed constraints first, then the comment's, then the edit's.

    `prompt` is the user's message that the draft answers ("repeat the request first"); `fallback` reads the comment by
    a trained network and what is left of it by likeness. `heard` is what was understood of the feedback that the draft
    was made for, None where it was made for none: a reader who goes on although the draft does all of that, in words
    that no rule understands as more than words to say or not to say, was not understood; the comment is then also read
    as the likeliest wish that the draft does not meet. Raises FeedbackError where typed constraints are wrong or
    contradict each other. Comments and edits never raise: of two wishes that contradict each other the later one
    counts, and typed constraints win over both.
    """
    try:
        validate_all(feedback.constraints)
    except ConstraintError as error:
        raise FeedbackError(error.field, error.reason) from None
    comment, cut = feedback.comment[:MAX_COMMENT], feedback.comment[MAX_COMMENT:]
    language = comment_language(comment) if comment.strip() else "en"
    if language == "en":
        reading = read_english(comment, draft_text, prompt, fallback)
        parsed = reading.parsed
        unsure = not feedback.constraints and not feedback.edited_text and not reading.sure
        if fallback is not None and heard is not None and unsure:
            parsed.constraints += _unheard(reading.open_part, draft_text, [*heard, *parsed.constraints], fallback)
    else:
        parsed = read_foreign(language, comment, draft_text)
    parsed.constraints, parsed.unparsed = read_manners(comment, parsed.constraints, parsed.unparsed)
    edit = difference(draft_text, feedback.edited_text) if feedback.edited_text else None
    free = [c for c in parsed.constraints + (edit.constraints() if edit else []) if _sound(c)]
    merged = without_contradicted([*free[:MAX_CONSTRAINTS], *feedback.constraints])
    typed = [c for c in merged if c.source == "typed"]
    unparsed = parsed.unparsed + ([cut[:200].strip() + " …"] if cut.strip() else [])
    return Understanding(typed + [c for c in merged if c.source != "typed"], unparsed[:20], parsed.topics[:8], edit)


def _unheard(comment: str, draft_text: str, known: Sequence[Constraint], fallback: Fallback) -> list[Constraint]:
    """The likeliest wish that the draft does not meet and that contradicts nothing known; none where the draft fails
    something known, which then is what the reader complains of."""
    if not comment.strip() or not all(check(one, draft_text) for one in known):
        return []
    for guess in fallback.guesses(comment, draft_text):
        unmet = [one for one in guess if _sound(one) and not check(one, draft_text)]
        if unmet and not contradictions([*known, *unmet]):
            return unmet
    return []


def _sound(constraint: Constraint) -> bool:
    """Whether a parsed constraint may be passed on: a rule that reads nonsense must not break the turn."""
    if len(constraint.value) > MAX_VALUE or (
        re.fullmatch(r"\W*", constraint.value or "x")
        and constraint.kind
        in (
            "must_include",
            "must_not_include",
            "keep",
        )
    ):
        return False
    try:
        validate(constraint)
    except ConstraintError:
        return False
    return True
