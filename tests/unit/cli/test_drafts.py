"""A turn's drafts as a person reads them: what was said, and the words that it changed."""

import io

import pytest
from antiphon.v1 import conversation_pb2, feedback_pb2
from rich.console import Console
from rich.text import Text

from services.cli.drafts import changed, show_drafts
from services.cli.output import Failure


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Plug in the grey cable.", "Plug in the red cable, then wait."),
        ("One [bold] word.", "One [bold] word."),
        ("", "All of it is new."),
        ("It goes wholly.", ""),
    ],
)
def test_what_is_left_and_what_came_is_the_new_text_and_what_is_left_and_what_went_the_old(
    before: str, after: str
) -> None:
    marked = Text.from_markup(changed(before, after))
    came, went = (
        "".join(part for part, style in _parts(marked) if word not in style) for word in ("strike", "underline")
    )
    assert (came, went) == (after, before)


def test_every_draft_says_what_asked_for_it_and_what_it_meets() -> None:
    shorter = feedback_pb2.Constraint(kind="CONSTRAINT_KIND_LENGTH", unit="LENGTH_UNIT_WORDS", max=3)
    drafts = [
        conversation_pb2.Draft(id="draft_a", round=0, text="We open at nine in the morning."),
        conversation_pb2.Draft(
            id="draft_b",
            round=1,
            text="We open at nine.",
            feedback=feedback_pb2.Feedback(comment="Shorter!"),
            checks=[conversation_pb2.ConstraintCheck(constraint=shorter, met=False)],
            accepted=True,
        ),
    ]
    out = io.StringIO()
    show_drafts(conversation_pb2.Turn(drafts=drafts), Console(file=out, width=100))
    lines = out.getvalue().splitlines()
    assert lines[:2] == ["draft 0 draft_a", "We open at nine in the morning."]
    assert lines[2] == "draft 1 changes draft 0, accepted, draft_b"
    assert lines[3].strip() == "said: Shorter!"
    assert lines[5].strip() == "missed: at most 3 words"


def test_a_turn_without_drafts_says_so() -> None:
    with pytest.raises(Failure, match="no draft"):
        show_drafts(conversation_pb2.Turn())


def _parts(text: Text) -> list[tuple[str, str]]:
    """Each character with the names of its styles."""
    styles = [
        " ".join(str(span.style) for span in text.spans if span.start <= at < span.end) for at in range(len(text))
    ]
    return list(zip(text.plain, styles, strict=True))
