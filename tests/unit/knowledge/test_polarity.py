"""A denial is read as a denial, the new value of a contrast alone as stated, and what is not stated is not read."""

import pytest

from services.knowledge.domain.statements import read_statement

DENIALS = [
    "The Orion tariff is no longer 30 euros.",
    "The Orion tariff isn't 30 euros.",
    "The Orion tariff does not cost 30 euros.",
    "The Orion tariff doesn't cost 30 euros anymore.",
    "The Orion tariff no longer costs 30 euros.",
    "The Orion tariff never cost 30 euros.",
    "The Orion tariff did not cost 30 euros.",
    "The Orion tariff used to cost 30 euros.",
    "It is not true that the Orion tariff costs 30 euros.",
    "It's wrong that the Orion tariff costs 30 euros.",
    "That the Orion tariff costs 30 euros is false.",
    "The price of the Orion tariff is not 30 euros.",
    "The Orion tariff's price isn’t 30 euros.",
    "No, the Orion tariff is not 30 euros.",
    "The Orion tariff can't be 30 euros.",
    "Nope, the Orion tariff doesn't cost 30 euros.",
    "That's wrong: the Orion tariff does not cost 30 euros.",
    "Wrong. The Orion tariff isn't 30 euros.",
    "No way does the Orion tariff cost 30 euros.",
    "The Orion tariff has stopped costing 30 euros.",
    "The Orion tariff isn't 30 euros any longer, sorry.",
    "The Orion tariff doesn't cost 30 euros these days.",
    "It isn't true that the Orion tariff costs 30 euros.",
]
CONTRASTS = [
    "The Orion tariff costs 34 euros, not 30 euros.",
    "The Orion tariff costs 34 euros instead of 30 euros.",
    "The Orion tariff costs 34 euros rather than 30 euros.",
    "The Orion tariff costs 34 euros (not 30 euros).",
    "The Orion tariff costs 34 euros and no longer 30 euros.",
    "The Orion tariff does not cost 30 euros but 34 euros.",
    "The Orion tariff is not 30 euros but 34 euros.",
    "The Orion tariff isn't 30 euros, it's 34 euros.",
    "The Orion tariff isn't 30 euros anymore, it's 34 euros.",
    "The price of the Orion tariff is not 30 euros, but 34 euros.",
    "The price of the Orion tariff is 34 euros, not 30 euros.",
    "Not 30 euros: the Orion tariff costs 34 euros.",
    "The Orion tariff rose from 30 euros to 34 euros.",
    "The Orion tariff costs 34 euros nowadays rather than 30 euros.",
    "The price at the Orion tariff is 34 euros instead of 30 euros.",
]
UNSTATED = [
    "Someone in the queue told me the Orion tariff costs 30 euros.",
    "The lady at the desk said the Orion tariff does not cost 30 euros.",
    "I was under the impression that the Orion tariff isn't 30 euros.",
    "For pensioners the Orion tariff costs 30 euros.",
    "If you pay by card, the Orion tariff costs 30 euros.",
    "The Orion tariff costs 30 euros if you pay by card.",
    "The Orion tariff costs 30 euros unless you move.",
    "When you move, the Orion tariff costs 30 euros.",
    "In case you move, the Orion tariff costs 30 euros.",
    "I heard that the Orion tariff costs 30 euros.",
    "I thought the Orion tariff costs 30 euros.",
    "I think the Orion tariff costs 30 euros.",
    "My neighbour says the Orion tariff costs 30 euros.",
    "People say that the Orion tariff costs 30 euros.",
    "They told me the Orion tariff costs 30 euros.",
    "Apparently the Orion tariff costs 30 euros.",
    "Perhaps the Orion tariff costs 30 euros.",
    "The Orion tariff might cost 30 euros.",
    "The Orion tariff should cost 30 euros.",
    "I'm pretty sure the Orion tariff costs 30 euros.",
    "I'd say the Orion tariff costs 30 euros.",
    "In my opinion the Orion tariff costs 30 euros.",
    "Only with a voucher the Orion tariff costs 30 euros.",
    "The Orion tariff may cost 30 euros.",
    "I wonder whether the Orion tariff costs 30 euros.",
    "Does the Orion tariff cost 30 euros",
    "Is it true that the Orion tariff costs 30 euros?",
    "According to a friend, the Orion tariff costs 30 euros.",
    "I am not sure that the Orion tariff costs 30 euros.",
    "The Orion tariff costs not more than 30 euros.",
]


@pytest.mark.parametrize("sentence", DENIALS)
def test_a_denial_is_read_with_the_value_that_it_denies(sentence: str) -> None:
    reading = read_statement(sentence)
    assert reading is not None
    assert (reading.entity, reading.value, reading.negative) == ("Orion tariff", "30 euros", True)


@pytest.mark.parametrize("sentence", CONTRASTS)
def test_of_a_contrast_the_new_value_alone_is_stated(sentence: str) -> None:
    reading = read_statement(sentence)
    assert reading is not None
    assert (reading.entity, reading.value, reading.denied) == ("Orion tariff", "34 euros", "30 euros")
    assert reading.corrects
    assert not reading.negative


@pytest.mark.parametrize("sentence", UNSTATED)
def test_conditions_hearsay_thoughts_and_questions_state_nothing(sentence: str) -> None:
    assert read_statement(sentence) is None


def test_a_value_in_words_is_a_value() -> None:
    reading = read_statement("The carving course lasts eight weeks now, not six.")
    assert reading is not None
    assert (reading.entity, reading.value, reading.denied) == ("carving course", "eight weeks", "six")
    reading = read_statement("The Opal ring isn't silver but gold.")
    assert reading is not None
    assert (reading.value, reading.denied) == ("gold", "silver")
    reading = read_statement("The Velvet package has stopped including the sauna.")
    assert reading is not None
    assert (reading.entity, reading.value, reading.negative) == ("Velvet package", "sauna", True)
