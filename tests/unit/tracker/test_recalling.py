"""What a message asks of the dialogue itself is answered from the state."""

import pytest

from services.common.schema import Schema, parse_schema
from services.tracker.domain.recalling import Recalled, recalled
from services.tracker.domain.state import ServiceState, SlotValue, State
from tests.support.cpu import cpu_seconds

ENGLISH = parse_schema(
    """
services:
  order:
    description: An order of internet access
    intents:
      order_plan: {description: Order an internet plan, required: [plan]}
      book_visit: {description: Book a technician's visit, required: [visit_day, visit_time]}
    slots:
      plan: {description: The plan the customer wants, values: [Basic, Family, Pro]}
      visit_day: {description: Day of the technician's visit, kind: date}
      visit_time: {description: Time of the technician's visit, kind: time}
      address: {description: Where the technician should come}
      order_number: {description: Number of the order}
      guests: {description: How many come, kind: number}
      guest_name: {description: Name of the guest}
"""
)
CHINESE = parse_schema(
    """
services:
  上门:
    description: 师傅上门
    intents:
      预约上门: {description: 预约师傅上门维修, required: [上门日期, 上门时间]}
    slots:
      套餐: {description: 客户选择的套餐, values: [家庭套餐, 基础套餐]}
      上门日期: {description: 师傅上门的日期, kind: date}
      上门时间: {description: 师傅上门的时间, kind: time}
      地址: {description: 上门的地址}
"""
)
ORDER = {
    "plan": "Family",
    "visit_day": "Monday",
    "visit_time": "3 pm",
    "address": "5 Hill Road",
    "order_number": "4711",
    "guests": "2",
    "guest_name": "Ada",
}
VISIT = {"套餐": "家庭套餐", "上门日期": "周一", "上门时间": "下午三点", "地址": "长江路5号"}


def ask(text: str, schema: Schema = ENGLISH, service: str = "order", values: dict[str, str] = ORDER) -> Recalled | None:
    slots = {name: SlotValue(value, turn=1) for name, value in values.items()}
    state = State(services={service: ServiceState(slots=slots)})
    return recalled(schema, state, state, text)


@pytest.mark.parametrize(
    ("text", "slots", "sure"),
    [
        ("What day is the technician's visit?", ["visit_day"], False),
        ("When is my visit?", ["visit_day", "visit_time"], False),
        ("What time was the visit again?", ["visit_time"], False),
        ("sorry, which plan did I choose?", ["plan"], True),
        ("Which day did I book?", ["visit_day"], True),
        ("When did we say?", ["visit_day", "visit_time"], True),
        ("What was the order number I gave you?", ["order_number"], True),
        ("Can you remind me which address I gave?", ["address"], True),
        ("What have you noted so far?", [*ORDER], True),
        ("I forgot. What did I order?", [*ORDER], True),
        ("What address have you noted?", ["address"], True),
        ("what plan did i pick", ["plan"], True),
        ("What number did I give you?", ["order_number"], True),
        ("How many guests have you noted?", ["guests"], True),
    ],
)
def test_what_was_said_before_is_told(text: str, slots: list[str], sure: bool) -> None:
    answer = ask(text)
    assert answer is not None
    assert (list(answer.slots), answer.sure) == (slots, sure)


@pytest.mark.parametrize(
    "text",
    [
        "How much is the Family plan?",
        "How much is the plan?",
        "Which plans do you have?",
        "What plan would you recommend?",
        "When does the visit end?",
        "Where is my order?",
        "Can I change the visit day?",
        "Is a technician's visit on Friday free of charge?",
        "Why did you say Monday?",
        "What plan did my neighbour order?",
        "What happens if I miss the visit?",
        "Which other day can I choose?",
        "What day is the shop closed?",
        "Who is the technician?",
        "What did I do wrong?",
        "Please come on Monday.",
        "I chose the Family plan.",
    ],
)
def test_other_questions_are_left_to_the_documents(text: str) -> None:
    assert ask(text) is None


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("师傅哪天上门？", ["上门日期"]),
        ("我刚才选了哪个套餐？", ["套餐"]),
        ("我约的是几点？", ["上门时间"]),
        ("什么时候上门？", ["上门日期", "上门时间"]),
        ("你记下的地址是什么？", ["地址"]),
        ("你们都记了什么？", [*VISIT]),
        ("我预约的上门是周几？", ["上门日期"]),
        ("再说一遍我留的地址", ["地址"]),
    ],
)
def test_chinese_questions_are_answered_from_the_state(text: str, slots: list[str]) -> None:
    answer = ask(text, CHINESE, "上门", VISIT)
    assert answer is not None
    assert list(answer.slots) == slots


@pytest.mark.parametrize("text", ["家庭套餐多少钱？", "有哪些套餐？", "上门要收费吗？", "几点关门？", "什么时候发货？"])
def test_other_chinese_questions_are_left_to_the_documents(text: str) -> None:
    assert ask(text, CHINESE, "上门", VISIT) is None


def test_the_answer_says_what_is_known_in_the_users_language() -> None:
    answer = ask("When is my visit?")
    assert answer is not None
    assert answer.sentences == ("Visit day: Monday.", "Visit time: 3 pm.")
    chinese = ask("师傅哪天上门？", CHINESE, "上门", VISIT | {"上门日期": "dontcare"})
    assert chinese is not None
    assert chinese.sentences == ("上门日期：不限。",)


def test_what_the_message_itself_says_is_not_recalled() -> None:
    state = State(services={"order": ServiceState(slots={"visit_day": SlotValue("Friday", turn=2)})})
    assert recalled(ENGLISH, State(), state, "What day is the technician's visit?") is None


@pytest.mark.parametrize("piece", ["what did I ", "remind ", "我选的", "did i "])
def test_recalling_takes_time_as_the_text_does(piece: str) -> None:
    def spent(length: int) -> float:
        text = (piece * length)[:length]
        return cpu_seconds(lambda: [ask(text), ask(text[:300])])

    spent(100)
    assert spent(12_000) <= 6 * spent(3_000) + 0.1
