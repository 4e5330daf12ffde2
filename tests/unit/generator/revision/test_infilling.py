"""Sentences that are written into a draft keep the rest of it and bring in what was lacking."""

from __future__ import annotations

import pytest

from services.common.constraints import Constraint, check
from services.generator.engine import DecodeSettings, DraftRequest
from services.generator.revision.infilling import Gap, gaps, infilled, missing, sentence_request

DRAFT = "Cats sleep a lot. They hunt at dusk.\n\nMany people like them. They live long, and"
DOGS = Constraint("must_include", "dogs")


def test_places_are_the_end_the_second_sentence_the_last_but_one_and_the_middle() -> None:
    places = gaps("One. Two. Three. Four. Five.", [DOGS])
    assert [len(gap.before) for gap in places] == [5, 1, 4, 2]
    assert all("".join((*gap.before, *gap.after)) == "One. Two. Three. Four. Five." for gap in places)


@pytest.mark.parametrize(
    "constraints",
    [
        [Constraint("must_include", "dusk")],
        [Constraint("case", "upper")],
        [DOGS, Constraint("must_not_include", "they"), Constraint("must_not_include", "people")],
    ],
)
def test_there_is_no_place_where_nothing_is_lacking_or_little_would_be_kept(constraints: list[Constraint]) -> None:
    assert gaps(DRAFT, constraints) == []


def test_a_replaced_fact_is_lacking_until_its_new_form_is_there() -> None:
    assert missing([Constraint("replace", "dusk => dawn"), Constraint("keep", "Cats")], DRAFT) == ("dawn",)


def test_a_sentence_is_asked_for_after_the_draft_up_to_its_place() -> None:
    request = DraftRequest("k", "t", "s", "v", (), (1, 2), DecodeSettings(constraints=(Constraint("case", "lower"),)))
    gap = Gap(("Cats sleep. ",), ("They hunt.",))
    asked = sentence_request(request, "k+0", gap, [DOGS], lambda text: [len(text)])
    assert asked.tail == (1, 2, len("Cats sleep."))
    assert asked.settings.include == ("dogs",)
    assert asked.settings.constraints == (Constraint("length", "", "sentences", None, 1, "comment"),)


def test_a_filled_draft_keeps_what_it_said_and_how_it_was_parted() -> None:
    gap = Gap(("Cats sleep a lot. ", "They hunt at dusk.\n\n"), ("Many people like them.",))
    text = infilled(gap, " Unlike dogs, they are quiet. ", [DOGS], "How do cats live?", lambda text: True)
    assert text == "Cats sleep a lot. They hunt at dusk. Unlike dogs, they are quiet.\n\nMany people like them."


@pytest.mark.parametrize(("sentence", "begun"), [("dogs bark.", "Dogs bark."), ("iDogs and dogs bark.", "iDogs and")])
def test_a_written_sentence_begins_as_sentences_do(sentence: str, begun: str) -> None:
    text = infilled(Gap(("Cats sleep. ",), ()), sentence, [DOGS], "", lambda text: True)
    assert text is not None
    assert text.startswith(f"Cats sleep. {begun}")


def test_other_wishes_shape_the_filled_draft() -> None:
    wishes = [DOGS, Constraint("case", "lower"), Constraint("end", "so it goes.")]
    gap = Gap(("Cats sleep a lot.",), ())
    text = infilled(gap, "Dogs do not.", wishes, "How do cats live?", lambda text: True)
    assert text == "cats sleep a lot. dogs do not. so it goes."
    assert all(check(one, text) for one in wishes)


def test_a_sentence_without_the_phrase_fills_nothing() -> None:
    assert infilled(Gap(("Cats sleep.",), ()), "They do.", [DOGS], "", lambda text: True) is None


def test_a_filled_draft_loses_its_last_sentences_until_it_fits() -> None:
    gap = Gap(("Cats sleep. ",), ("They hunt. ", "They purr."))
    text = infilled(gap, "Dogs bark.", [DOGS], "", lambda text: len(text) < 36)
    assert text == "Cats sleep. Dogs bark. They hunt."
    assert infilled(gap, "Dogs bark.", [DOGS], "", lambda text: len(text) < 5) is None
