"""A draft does not say what a cited fact's value was before, unless it is asked for or stands there anyway."""

from collections.abc import Sequence

import pytest
import torch

from services.common.facts import FactRevision, Operation, fact_id, outdated_values
from services.common.store import GroundingText
from services.generator.decoding.refused_values import RefusedValues
from services.generator.engine import DecodeSettings
from services.generator.turns.superseded import refused_values, refusing

WORDS = ["<end>", " Berlin", "Berlin", " San", "San", "9", " Francisco", " Diego", " 9", " euros", " It", " is"]


class Words:
    """A codec of whole words."""

    end_ids = frozenset([0])

    def encode(self, text: str) -> list[int]:
        ids = []
        while text:
            word = max((one for one in WORDS if text.startswith(one)), key=len, default="")
            ids += [WORDS.index(word)] if word else []
            text = text[len(word) or 1 :]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(WORDS[one] for one in ids)


def note(text: str, *outdated: str) -> GroundingText:
    return GroundingText("fact", "f1", 2, "Acme", text, outdated=outdated)


def banned(values: Sequence[str], allowed: Sequence[str], *said: str) -> set[str]:
    generated = [WORDS.index(one) for one in said]
    logits = RefusedValues(Words(), values, allowed)(generated, torch.zeros(len(WORDS)))
    return {WORDS[at] for at in range(len(WORDS)) if not torch.isfinite(logits[at])}


@pytest.mark.parametrize(
    ("message", "text", "wanted", "expected"),
    [
        ("Where is Acme based?", "Acme is based in Kyoto.", (), ("Berlin",)),
        ("Where was Acme previously based?", "Acme is based in Kyoto.", (), ()),
        ("Is Acme based in Berlin?", "Acme is based in Kyoto.", (), ()),
        ("Where is Acme based?", "Acme moved from Berlin to Kyoto.", (), ()),
        ("Where is Acme based?", "Acme is based in Kyoto.", ("Berlin",), ()),
    ],
)
def test_a_value_is_refused_unless_somebody_speaks_of_it(
    message: str, text: str, wanted: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert refused_values([note(text, "Berlin")], message, wanted) == expected


def test_a_value_as_short_as_a_common_word_is_not_refused() -> None:
    assert refused_values([note("The desk opens at nine.", "8")], "When does the desk open?") == ()


def test_a_value_is_kept_out_within_a_line_and_at_its_beginning() -> None:
    assert banned(["Berlin"], []) == {" Berlin", "Berlin"}


def test_a_value_is_kept_out_where_it_parts_from_what_may_be_said() -> None:
    assert banned(["San Francisco"], []) == {" San", "San"}
    assert banned(["San Francisco"], ["It is San Diego"]) == set()
    assert banned(["San Francisco"], ["It is San Diego"], " It", " is", " San") == {" Francisco"}


def test_a_value_that_begins_with_a_short_word_is_kept_out_at_the_next() -> None:
    assert banned(["9 euros"], []) == set()
    assert banned(["9 euros"], [], " 9") == {" euros"}


def test_where_nothing_else_could_follow_nothing_is_refused() -> None:
    logits = torch.full((len(WORDS),), float("-inf"))
    logits[WORDS.index(" Berlin")] = 1.0
    assert torch.isfinite(RefusedValues(Words(), ["Berlin"])([], logits)).any()


def test_a_draft_without_outdated_values_is_decoded_as_ever() -> None:
    decode = DecodeSettings()
    assert refusing(decode, [note("Acme is based in Kyoto.")], "Where is Acme?") is decode


def test_a_draft_is_decoded_without_outdated_values_and_with_what_its_notes_and_wishes_say() -> None:
    decode = DecodeSettings(include=("Ginza",))
    refused = refusing(decode, [note("Acme is based in Kyoto.", "Berlin", "Kyoto")], "Where is Acme?")
    assert refused.refuse == ("Berlin",)
    assert refused.allow == ("Acme is based in Kyoto.", "Where is Acme?", "Ginza")


def test_outdated_are_the_other_values_that_earlier_revisions_gave() -> None:
    said: list[tuple[str, Operation]] = [
        ("Bern", "assert"), ("Kyoto", "assert"), ("Oslo", "retract"), ("kyoto", "assert"), ("Rome", "assert")
    ]  # fmt: skip
    revisions = [
        FactRevision(fact_id("Acme", "city"), number, "Acme", "city", value, operation=operation)
        for number, (value, operation) in enumerate(said, 1)
    ]
    assert outdated_values(revisions[3], revisions) == ("Bern",)
