"""What messages to services that only collect are read as: faults, labelled names, questions, corrections, answers."""

from collections.abc import Sequence

import pytest

from services.common.schema import Schema, Slot, parse_schema
from services.tracker.domain.details import details
from services.tracker.domain.faults import fault_in, holds_fault
from services.tracker.domain.leading import Lead, lead
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State
from services.tracker.domain.tracker import TrackRequest
from services.tracker.routing import SuitedTracker, collects

SHOP = parse_schema(
    """
    services:
      repair:
        description: Repairs of kitchen machines
        intents:
          book_repair: {required: [machine, visit_day, address], optional: [fault]}
        slots:
          machine: {values: [oven, {value: dishwasher, aliases: [the dish machine]}, coffee machine]}
          visit_day: {description: Day of the visit, kind: date}
          address: {description: Street and number}
          fault: {description: What does not work}
      hire:
        description: Hiring party equipment
        intents:
          hire_set: {description: Hire a set, required: [set, guests], optional: [cooler, hire_date]}
        slots:
          set: {values: [Picnic, Picnic Grand, {value: Gala, aliases: [the festive one]}]}
          guests: {description: How many people come, kind: number}
          cooler: {values: [{value: 'yes', aliases: [with a cooler]}, {value: 'no', aliases: [without a cooler]}]}
          hire_date: {description: Day of the party, kind: date}
    """
)
CAFE = parse_schema(
    """
    services:
      订位:
        description: 预订座位
        intents:
          订位: {description: 客人想订座位, required: [区域, 人数, 姓名], optional: [日期]}
        slots:
          区域: {values: [露台, 包间, {value: 大包间, aliases: [大的包间]}]}
          人数: {description: 来多少人, kind: number}
          姓名: {description: 订位人姓名, kind: name}
          日期: {description: 哪天来, kind: date}
    """
)


def flat(state: State) -> dict[str, str]:
    return {slot: value.value for _, slot, value in state.filled()}


def told(schema: Schema, *texts: str) -> dict[str, str]:
    """The values after the messages; the reply before each is the assistant's own lead."""
    return flat(talk(schema, *texts)[0])


def talk(schema: Schema, *texts: str) -> tuple[State, list[Lead | None]]:
    state, step = State(), None
    steps: list[Lead | None] = []
    for number, text in enumerate(texts, 1):
        before = state
        state = RuleTracker().track(schema, before, step.text if step else "", text, number)
        step = lead(schema, before, state, step, text)
        steps.append(step)
    return state, steps


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("My oven is dead, can someone come?", "oven is dead"),
        ("Hello, the dishwasher leaks. Please send somebody.", "the dishwasher leaks"),
        ("The coffee machine won't start since Monday.", "The coffee machine won't start since Monday"),
        ("It keeps beeping and I need help.", "It keeps beeping"),
        ("no hot water again", "no hot water again"),
        ("There is a crack in the door.", "There is a crack in the door"),
        ("The display is completely dark!", "The display is completely dark"),
        ("机器坏了，能来看看吗？", "机器坏了"),
        ("你好，烤箱不热了怎么办", "烤箱不热"),
        ("红灯一直闪。", "红灯一直闪"),
    ],
)
def test_what_is_wrong_is_the_clause_that_tells_it(said: str, fault: str) -> None:
    span = fault_in(said)
    assert span is not None
    assert said[slice(*span)] == fault


@pytest.mark.parametrize(
    "said",
    ["I need a repair.", "Please come on Friday.", "Is it broken?", "12 Mill Lane", "我要一台新的。", "多少钱？"],
)
def test_what_tells_of_no_fault_holds_none(said: str) -> None:
    assert fault_in(said) is None


def test_a_fault_is_no_address_and_no_listed_slot() -> None:
    assert holds_fault(Slot("defect", "What is wrong with it"))
    assert holds_fault(Slot("故障", "出了什么问题"))
    assert not holds_fault(Slot("address", "Street and number"))
    assert not holds_fault(Slot("due", "Day of the visit", kind="date"))


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("I'd like the Picnic Grand please.", {"set": "Picnic Grand"}),
        ("Picnic please, for six people.", {"set": "Picnic", "guests": "six"}),
        ("The festive one, with a cooler.", {"set": "Gala", "cooler": "yes"}),
        ("My neighbour has the Gala. I want something smaller: Picnic.", {"set": "Picnic"}),
        ("Picnic or Gala, I don't care.", {"set": "dontcare"}),
        ("The Gala on 3 June.", {"set": "Gala", "hire_date": "3 June"}),
        ("Gala, but without a cooler.", {"set": "Gala", "cooler": "no"}),
        (
            "My oven is dead. Friday at 5 Hill Road?",
            {"machine": "oven", "fault": "oven is dead", "visit_day": "Friday", "address": "5 Hill Road"},
        ),
        (
            "3 quay st, the dish machine leaks",
            {"machine": "dishwasher", "address": "3 quay st", "fault": "the dish machine leaks"},
        ),
    ],
)
def test_a_message_fills_what_it_says(said: str, values: dict[str, str]) -> None:
    assert told(SHOP, said) == values


@pytest.mark.parametrize(
    "said",
    [
        "What does the Gala cost?",
        "How many plates are in the Picnic?",
        "Hi! How much is the Picnic Grand?",
        "Thanks, bye",
    ],
)
def test_a_mere_question_orders_nothing(said: str) -> None:
    state, _ = talk(SHOP, said)
    assert not flat(state)
    assert not any(held.intent for held in state.services.values())


@pytest.mark.parametrize(
    ("first", "then", "slot", "value"),
    [
        ("The Gala on 30 June.", "Not the 30th of June, I meant 31 July.", "hire_date", "31 July"),
        ("Gala on Friday.", "Wait, Friday is my son's birthday. Monday then.", "hire_date", "Monday"),
        ("Gala for six people", "Sorry, eight.", "guests", "eight"),
        ("Gala for six people", "We'll be seven.", "guests", "seven"),
        ("I'd like the Gala.", "Picnic is better than Gala.", "set", "Picnic"),
        ("I'd like the Gala.", "Actually make it the Picnic Grand instead.", "set", "Picnic Grand"),
    ],
)
def test_a_correction_takes_the_place_of_what_was_said(first: str, then: str, slot: str, value: str) -> None:
    assert told(SHOP, first, then)[slot] == value


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["订大包间，十二个人。"], {"区域": "大包间", "人数": "十二"}),
        (["我要订一个包间。"], {"区域": "包间"}),
        (["订露台，5 月 2 日。"], {"区域": "露台", "日期": "5 月 2 日"}),
        (["订露台，姓名：何其芳。"], {"区域": "露台", "姓名": "何其芳"}),
        (["我朋友订的是包间，我只要露台。"], {"区域": "露台"}),
        (["订露台，三个人。", "不对，四个人。"], {"区域": "露台", "人数": "四"}),
        (["订露台，三个人。", "人数还没定，先别填。"], {"区域": "露台"}),
        (["订露台，三个人。", "林晚秋"], {"区域": "露台", "人数": "三", "姓名": "林晚秋"}),
        (["订露台，三个人，我叫林晚秋。", "换成赵一鸣。"], {"区域": "露台", "人数": "三", "姓名": "赵一鸣"}),
        (["包间多少钱？"], {}),
    ],
)
def test_chinese_messages_are_read_alike(texts: list[str], values: dict[str, str]) -> None:
    assert told(CAFE, *texts) == values


def test_each_missing_slot_is_asked_for_alone_and_its_answer_fills_it() -> None:
    state, steps = talk(SHOP, "I want to hire a set.", "Gala", "ten", "yes please")
    assert [(step.act, step.slot) for step in steps if step] == [
        ("ask", "set"),
        ("ask", "guests"),
        ("summarise", None),
        ("ready", None),
    ]
    assert flat(state) == {"set": "Gala", "guests": "ten"}


def test_each_missing_slot_is_asked_for_in_chinese() -> None:
    state, steps = talk(CAFE, "我想订位。", "露台", "六个人", "周文")
    assert [step.slot for step in steps if step] == ["区域", "人数", "姓名", None]
    assert all("请问" in step.text for step in steps[:3] if step)
    assert flat(state) == {"区域": "露台", "人数": "六", "姓名": "周文"}


class _Named:
    """A tracker that says by its state which it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        return State().with_service(self.name, State().service(self.name))

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        return [self.track(r.schema, r.previous, r.system_text, r.user_text, r.turn) for r in requests]


def test_the_schema_decides_between_the_trackers() -> None:
    finds = parse_schema(
        "services: {hotels: {intents: {find_hotel: {required: [city], results: [stars]}},"
        " slots: {city: {description: City}, stars: {description: Stars}}}}"
    )
    suited = SuitedTracker(_Named("learned"), _Named("rules"))
    assert collects(SHOP)
    assert collects(CAFE)
    assert not collects(finds)
    assert list(suited.track(SHOP, State(), "", "x", 1).services) == ["rules"]
    assert list(suited.track(finds, State(), "", "x", 1).services) == ["learned"]


@pytest.mark.parametrize(
    ("message", "address"),
    [
        ("Please come to 4330 Clayton Road suite J.", "4330 Clayton Road suite J"),
        ("The oven stands at 1501 Trousdale Drive #2, please come on Friday.", "1501 Trousdale Drive #2"),
        ("Repair it at 12 Mill Lane unit 4b on Friday", "12 Mill Lane unit 4b"),
        ("It is at 1181 Boulevard Way B.", "1181 Boulevard Way B"),
        ("My address is Old Mill, Fjordside.", "Old Mill, Fjordside"),
        ("The address is also correct.", None),
        ("The address is right, the day is wrong.", None),
        ("My address is still the same as last time.", None),
        ("The address is not quite complete.", None),
        ("The address is on file.", None),
    ],
)
def test_what_is_said_of_an_address_is_none(message: str, address: str | None) -> None:
    found = details({"address": Slot("address", "Street and number")}, message, {}, {})
    assert [one.value for one in found] == ([address] if address else [])
