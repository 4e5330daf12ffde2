"""A model's draft leaves as far as its sources bear it out, and the evidence is quoted where it does not."""

import pytest

from services.generator.engine import FinishedDraft, Timings, Usage
from services.generator.turns.grounded import GroundedListener, Sources, values_stand_in

EVIDENCE = "A late checkout until 13:00 costs 25 euros."
SOURCES = Sources((EVIDENCE,), "what does a late checkout cost?", EVIDENCE)


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.text = ""
        self.draft: FinishedDraft | None = None

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        self.text += text

    def on_progress(self) -> None: ...

    def on_finish(self, draft: FinishedDraft) -> None:
        self.draft = draft

    def on_error(self, error: Exception) -> None:
        raise error


def written(text: str, sources: Sources = SOURCES, step: int = 4, reason: str = "stop") -> str:
    """What is heard of a draft that comes in pieces of so many characters."""
    heard = Heard()
    listener = GroundedListener(heard, sources)
    for at in range(0, len(text), step):
        listener.on_delta(text[at : at + step], [1])
    usage, timings = Usage(1, 0, 1), Timings(0.0, 0.0, 0.0, 0.0)
    listener.on_finish(FinishedDraft(text, (1,), reason, usage, timings))  # type: ignore[arg-type]
    assert heard.draft is not None
    assert heard.draft.text == heard.text
    return heard.text


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
def test_a_sentence_that_is_borne_out_leaves_and_others_do_not(step: int) -> None:
    draft = "The late checkout costs 25 euros. It includes a swim for 12 euros. Mr Brown will help you."
    assert written(draft, step=step).strip() == "The late checkout costs 25 euros."


A, B, CUT = "A late checkout costs 25 euros.", "It is until 13:00, a late checkout.", "We love our guests."


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    ("draft", "left"),
    [
        (f"{A}\n\n{CUT}\n\n{CUT} {CUT}\n\n", A),
        (f"\n\n{CUT}\n{A}", A),
        (f"{A} {CUT}\n{B}\n", f"{A}\n{B}"),
        (f"{A}\n\n{CUT}\n\n\n{B}", f"{A}\n\n{B}"),
        (f"{A} {CUT} {B}", f"{A} {B}"),
        (f"- {A}\n- {CUT}\n- {B}\n", f"- {A}\n- {B}"),
    ],
)
def test_no_blanks_are_left_where_sentences_were_cut(draft: str, left: str, step: int) -> None:
    assert written(draft, step=step) == left


@pytest.mark.parametrize(
    "draft",
    ["A late checkout costs 35 euros.", "We love our guests very much.", "", "The late checkout is at Harbour Lodge."],
)
def test_the_evidence_is_quoted_where_nothing_of_the_draft_has_its_values(draft: str) -> None:
    assert written(draft) == EVIDENCE


def test_a_loop_leaves_once() -> None:
    assert written("A late checkout costs 25 euros. " * 6).count("25 euros") == 1


def test_a_sentence_that_was_cut_off_does_not_leave() -> None:
    draft = "A late checkout costs 25 euros. A late checkout until 13:00 co"
    assert written(draft, reason="length").strip() == "A late checkout costs 25 euros."


WITHOUT_SOURCE = ["Ask Maria Brown.", "It is 26 euros.", "Write to desk@inn.example.", "See www.inn.example."]


@pytest.mark.parametrize("sentence", WITHOUT_SOURCE)
def test_a_value_without_a_source_is_seen(sentence: str) -> None:
    assert not values_stand_in(sentence, EVIDENCE)
