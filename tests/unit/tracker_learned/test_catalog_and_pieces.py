"""How a schema and a text become what the network reads."""

import random

from services.common.schema import parse_schema
from services.tracker.learned.catalog import IntentView, ServiceView, SlotView, mixed, plain, views_of, words
from services.tracker.learned.inputs import Reader, Turn, layout, user_offset
from services.tracker.learned.proposals import Proposals
from services.tracker.learned.wordpieces import MAX_TEXT, WordPieces

SCHEMA = parse_schema(
    """
    services:
      Hotels_2:
        description: find and book hotels
        intents:
          FindHotel: search for a hotel
        slots:
          city: {description: where the hotel is}
          stars: {description: how many stars, values: ["1", "2", "3"]}
          pets: {description: whether pets may come, values: ["True", "False"]}
    """
)


def test_identifiers_are_read_as_words() -> None:
    assert words("GetRide_2") == "get ride"
    assert words("hotel-bookday") == "hotel bookday"


def test_a_value_in_another_spelling_is_the_listed_one() -> None:
    slot = SlotView("name", "name", "name", ("rosas bed and breakfast", "sea food", "The Place"))
    assert slot.canonical("rosa's bed and breakfast") == "rosas bed and breakfast"
    assert slot.canonical("seafood") == "sea food"
    assert slot.canonical("place") == "The Place"
    assert slot.canonical("Rosa") == "Rosa"


def test_plain_text_makes_number_words_digits() -> None:
    assert plain("Just Two, please") == " just 2 please "
    assert plain("at 5:15 pm!") == " at 5:15 pm "


def test_a_schema_is_laid_out_service_first_then_intents_then_slots() -> None:
    plan = layout(views_of(SCHEMA))
    assert plan.names == (
        ("Hotels_2", ""),
        ("Hotels_2", "FindHotel"),
        ("Hotels_2", "city"),
        ("Hotels_2", "stars"),
        ("Hotels_2", "pets"),
    )
    assert [value for _, value, _ in plan.values] == ["1", "2", "3", "True", "False"]
    assert plan.value_ranges[plan.slots[("Hotels_2", "city")]] == (0, 0)


def test_a_mixed_wording_takes_each_label_and_description_from_one_of_those_there_are() -> None:
    def worded(form: str) -> ServiceView:
        slots = tuple(SlotView(name, f"{name}_{form}", f"{name} in {form}", ("1", "2")) for name in ("city", "stars"))
        find = IntentView("Find", f"Find{form}", f"find in {form}", (f"city_{form}",), (f"stars_{form}",))
        return ServiceView("Hotels_2", f"Hotels_{form}", f"hotels in {form}", (find,), slots)

    forms = [worded(form) for form in "abc"]
    dice = random.Random(3)
    drawn = [mixed(forms, dice) for _ in range(30)]
    assert len(set(drawn)) > 20
    for one in drawn:
        assert [slot.name for slot in one.slots] == ["city", "stars"]
        assert one.intents[0].required == (one.slots[0].label,)
        assert one.intents[0].optional == (one.slots[1].label,)
        assert all(slot.values == ("1", "2") for slot in one.slots)
    assert {one.slots[0].label for one in drawn} == {"city_a", "city_b", "city_c"}
    assert any(one.slots[0].label[-1] != one.slots[0].description[-1] for one in drawn)


def test_a_span_of_characters_is_found_in_pieces_and_back() -> None:
    text = "a room in San Jose for two"
    (pieces,) = WordPieces().read([text])
    located = pieces.locate(10, 18)
    assert located is not None
    first, last = located
    assert text[pieces.offsets[first][0] : pieces.offsets[last][1]] == "San Jose"


def test_long_texts_are_cut() -> None:
    (pieces,) = WordPieces().read(["word " * 500])
    assert len(pieces.ids) == MAX_TEXT


def test_a_batch_marks_the_values_that_are_said() -> None:
    reader = Reader()
    views = views_of(SCHEMA)
    system, user = reader.pieces.read(["Where to?", "a place with three stars in Oslo"])
    turn = Turn(
        "Where to?",
        "a place with three stars in Oslo",
        system,
        user,
        views,
        {("Hotels_2", "city"): "Bergen"},
        {},
        {"Hotels_2": "FindHotel"},
        None,
        Proposals(),
    )
    batch = reader.batch([turn], views)
    assert batch.value_flags[0, :, 0].tolist() == [0, 0, 1, 0, 0]
    plan = layout(views)
    assert batch.previous[0].nonzero().flatten().tolist() == [plan.slots[("Hotels_2", "city")]]
    assert batch.user[0].sum() == len(user.ids)
    assert batch.tokens[0, user_offset(turn)] == user.ids[0]
