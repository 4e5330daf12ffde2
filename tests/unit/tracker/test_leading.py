"""A service dialogue is led: what is missing is asked for, read back once, and then ready."""

from functools import partial

import pytest

from services.common.schema import Schema, SchemaError, parse_schema, parse_schema_document
from services.tracker.domain.leading import Lead, lead
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import COPIED, ServiceState, SlotValue, State
from tests.support.cpu import cpu_seconds

SCHEMA = parse_schema(
    """
services:
  orders:
    description: Orders of a garden centre
    intents:
      cancel_order: {description: Cancel an order, required: [order_number]}
      deliver_plants:
        description: Have plants delivered
        required: [plant, number_of_pots, delivery_day]
        optional: [time]
        confirm: "{number_of_pots} pots of {plant} on {delivery_day}: right?"
        done: Your plants are on their way.
    slots:
      order_number: {description: Number of the order, kind: text}
      plant: {description: The plant the customer wants, values: [lavender, rosemary, thyme]}
      number_of_pots: {description: How many pots are delivered, kind: number}
      delivery_day: {description: Day of the delivery, kind: date, question: {en: When shall we come?, zh: 哪天送货？}}
      time: {description: Time of the delivery, kind: time}
"""
)
CHINESE = parse_schema(
    """
services:
  送花:
    description: 鲜花配送
    intents:
      订花: {description: 预订鲜花配送, required: [花, 数量, 配送日期]}
    slots:
      花: {description: 花的种类, values: [玫瑰, 百合]}
      数量: {description: 花的数量, kind: number}
      配送日期: {description: 送花的日期, kind: date}
"""
)
TRACKER = RuleTracker()


def talk(*messages: str, schema: Schema = SCHEMA) -> list[Lead | None]:
    """The step after each message; each reply is the step before it."""
    state, step, steps = State(), None, list[Lead | None]()
    for number, message in enumerate(messages, 1):
        after = TRACKER.track(schema, state, step.text if step else "", message, number)
        step = lead(schema, state, after, step, message)
        steps.append(step)
        state = after
    return steps


def test_a_wish_is_answered_by_the_next_question_of_its_intent() -> None:
    step = talk("I'd like to cancel an order.")[0]
    assert step is not None
    assert (step.act, step.slot, step.text) == ("ask", "order_number", "What is the number of the order?")
    assert step.alone


def test_every_missing_slot_is_asked_for_until_the_intent_is_ready() -> None:
    steps = talk("Please deliver some plants.", "Rosemary.", "4 pots", "On Friday.", "Yes, please.", "Thanks!")
    assert [(step.act, step.slot) if step else None for step in steps] == [
        ("ask", "plant"),
        ("ask", "number_of_pots"),
        ("ask", "delivery_day"),
        ("summarise", None),
        ("ready", None),
        None,
    ]
    asked, summary, ready = steps[0], steps[3], steps[4]
    assert asked is not None
    assert asked.text == "Which plant would you like: lavender, rosemary or thyme?"
    assert summary is not None
    assert summary.complete
    assert not summary.confirmed
    assert summary.text == "4 pots of rosemary on Friday: right?"
    assert ready is not None
    assert ready.confirmed
    assert ready.text == "Your plants are on their way."
    assert ready.values == {"plant": "rosemary", "number_of_pots": "4", "delivery_day": "Friday"}


def test_the_schema_words_its_own_questions() -> None:
    step = talk("Deliver 4 pots of thyme please.")[0]
    assert step is not None
    assert step.text == "When shall we come?"


def test_a_changed_value_is_read_back_again() -> None:
    steps = talk("Deliver 4 pots of thyme on Monday please.", "No, on Tuesday.", "Yes.")
    assert [step.act if step else None for step in steps] == ["summarise", "summarise", "ready"]
    assert steps[1] is not None
    assert "Tuesday" in steps[1].text


def test_a_summary_that_is_refused_asks_what_to_change() -> None:
    step = talk("Deliver 4 pots of thyme on Monday please.", "No, that's wrong.")[-1]
    assert step is not None
    assert (step.act, step.text) == ("ask", "What should I change?")


def test_a_question_of_the_user_is_answered_first() -> None:
    steps = talk("Please deliver some plants.", "How long does a rosemary live?")
    assert steps[1] is not None
    assert not steps[1].alone


def test_a_slot_asked_for_in_vain_gives_way_to_another_one() -> None:
    steps = talk("Please deliver some plants.", "I am not sure yet.", "Hmm.")
    assert [step.slot if step else None for step in steps] == ["plant", "plant", "number_of_pots"]


def test_a_value_carried_over_is_confirmed_once() -> None:
    slots = {
        "plant": SlotValue("thyme"),
        "number_of_pots": SlotValue("2"),
        "delivery_day": SlotValue("Monday", COPIED),
    }
    state = State({"orders": ServiceState("deliver_plants", (), slots)})
    step = lead(SCHEMA, State(), state, None, "Two pots of thyme then.")
    assert step is not None
    assert (step.act, step.slot, step.text) == ("confirm", "delivery_day", "Delivery day: Monday, is that right?")
    again = lead(SCHEMA, state, state, step, "Yes.")
    assert again is not None
    assert again.act == "summarise"


def test_chinese_is_led_in_chinese() -> None:
    steps = talk("我想订花。", "玫瑰。", "11枝", "明天。", "可以。", schema=CHINESE)
    assert [step.text if step else None for step in steps] == [
        "请问花选哪一种：玫瑰、百合？",
        "请问数量是多少？",
        "请问配送日期是哪一天？",
        "我确认一下：花：玫瑰，数量：11，配送日期：明天。可以吗？",
        "好的，信息已齐全，我这就为您处理。",
    ]


def test_without_an_intent_nothing_is_led() -> None:
    assert talk("Hello there!") == [None]


def test_a_lead_survives_its_json() -> None:
    step = talk("Deliver 4 pots of thyme on Monday please.")[0]
    assert step is not None
    assert Lead.from_json(step.to_json()) == step


def test_wordings_survive_the_stored_schema() -> None:
    assert parse_schema_document(SCHEMA.to_json()) == SCHEMA


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("confirm: '{colour}?'", "names the slot 'colour'"),
        ("done: {fr: Merci}", "'fr' is no language"),
    ],
)
def test_a_wording_that_cannot_be_said_is_refused(field: str, reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        parse_schema(f"services: {{a: {{intents: {{i: {{required: [x], {field}}}}}, slots: {{x: a thing}}}}}}")


@pytest.mark.parametrize(
    "question",
    [
        "Is the delivery of lavender free of charge?",
        "How much is delivering rosemary?",
        "Do you deliver thyme on Fridays?",
    ],
)
def test_who_asks_about_a_thing_is_not_led_to_order_it(question: str) -> None:
    assert talk(question) == [None]


def test_a_question_in_the_middle_of_a_form_is_answered_and_the_form_goes_on() -> None:
    steps = talk("Please deliver some plants.", "How much is the delivery?")
    assert steps[1] is not None
    assert not steps[1].alone
    assert steps[1].act == "ask"


@pytest.mark.parametrize(
    "request_", ["Can I cancel my order?", "Could you deliver some plants?", "May I have plants delivered?"]
)
def test_a_request_in_the_form_of_a_question_is_led(request_: str) -> None:
    step = talk(request_)[0]
    assert step is None or step.alone


@pytest.mark.parametrize(
    "question",
    [
        "Until when can I have lavender delivered on a Friday?",
        "What do 12 pots of thyme cost?",
        "From when on is there rosemary in May?",
        "hello, we are four people. how many pots of lavender fit into the van",
        "thyme on thanksgiving day?? til when",
        "If I take 20 pots of rosemary, is the delivery part of the price?",
        "whos the boss for deliveries on monday",
        "lavender 3 pots hw much is it",
        "On Mondays, which plants do you deliver?",
        "Could you tell me the price of 12 pots of thyme?",
        "I would like to know what you charge for a pot of lavender.",
        "3 pots of rosemary, price?",
        "lavender 3 pots how much",
        "I buy rosemary on Fridays. With whom is the contract?",
        "hw mch r 12 pots of thyme on friday",
        "delivries on a friday till wen",
        "thyme plants on sale on which days",
        "im a student, what wd i pay for rosemary",
        "rosemary delivered on monday evening, what van",
        "Could I bring my dog when I fetch the lavender on Friday?",
        "May a buyer of 12 pots of thyme park in the yard on Friday?",
        "Can somebody with 3 pots of rosemary use the lift?",
    ],
)
def test_a_question_that_names_values_is_no_order(question: str) -> None:
    assert talk(question) == [None]


@pytest.mark.parametrize(
    "request_",
    [
        "Can I have 20 pots of thyme on Friday?",
        "I'd like 12 pots of lavender, please.",
        "Could you send thyme?",
        "12 pots of thyme for Friday, please.",
        "I need 12 pots of lavender which survive the frost.",
        "Please deliver 3 pots of rosemary when I am at home, on Friday.",
        "May I have lavender delivered to where I work?",
    ],
)
def test_a_wish_for_values_is_led(request_: str) -> None:
    (step,) = talk(request_)
    assert step is not None


@pytest.mark.parametrize(
    ("messages", "wished"),
    [
        (["I'd like 12 pots of lavender."], True),
        (["id need 12 pots of lavender"], True),
        (["Can I have 20 pots of thyme?"], True),
        (["12 pots of lavender max weight"], False),
        (["12 pots of lavender max weight", "on Friday"], True),
    ],
)
def test_a_lead_says_whether_it_was_wished_for(messages: list[str], wished: bool) -> None:
    *_, step = talk(*messages)
    assert step is not None
    assert step.wished == wished
    assert Lead.from_json(step.to_json()) == step


@pytest.mark.parametrize("agreement", ["Lovely, thank you.", "perfect!", "That's right, thanks", "ok great, cheers"])
def test_who_is_pleased_with_what_is_read_back_agrees(agreement: str) -> None:
    *_, summary, step = talk("I'd like to cancel order number AB-1204.", agreement)
    assert summary is not None
    assert summary.act == "summarise"
    assert step is not None
    assert (step.act, step.confirmed) == ("ready", True)


@pytest.mark.parametrize("question", ["which number did u say", "ok and how long does that take", "what is it again"])
def test_a_question_without_its_mark_is_answered_before_the_form_goes_on(question: str) -> None:
    *_, step = talk("I'd like to cancel an order.", question)
    assert step is not None
    assert not step.alone


def test_what_was_asked_for_is_confirmed_by_a_mere_ok() -> None:
    held = {"plant": SlotValue("thyme", "user", None, 1), "number_of_pots": SlotValue("3", "user", None, 1)}
    held |= {"delivery_day": SlotValue("Friday", COPIED, None, 1)}
    state = State({"orders": ServiceState("deliver_plants", (), held)})
    asked = lead(SCHEMA, State(), state, None, "thyme please")
    assert asked is not None
    assert asked.act == "confirm"
    assert lead(SCHEMA, state, state, asked, "ok") is not None


@pytest.mark.parametrize("piece", ["-", "why -", "'", "a-", "what ", "a" * 50 + " "])
def test_leading_takes_time_as_the_message_does(piece: str) -> None:
    short, long = (cpu_seconds(partial(lead, SCHEMA, State(), State(), None, f"why {piece * n} a b c"), 0.05)
                   for n in (500, 4_000))  # fmt: skip
    assert long < 16 * short + 0.05
