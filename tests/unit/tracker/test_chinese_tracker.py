"""The learned tracker of Chinese dialogues in which things are found: what it reads, what it leaves to others."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from services.common.schema import Schema, Service, Slot, Value, parse_schema
from services.tracker.chinese.network import BEGIN, INSIDE, OUTSIDE
from services.tracker.chinese.reading import Change, Reading, apart, closed, snapped, spans_of
from services.tracker.chinese.tracker import ChineseTracker, after, turn_of
from services.tracker.chinese.turns import USER_CHARACTERS
from services.tracker.chinese.values import amounts_in, listed_in, plain, settled, stretched
from services.tracker.chinese.views import views_of
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import CORRECTION, SlotValue, State
from services.tracker.domain.tracker import TrackRequest
from services.tracker.routing import SuitedTracker, finds_in_chinese
from tests.support.cpu import assert_grows_within
from tests.unit.tracker.test_forms_to_fill import CAFE, SHOP

CITY = parse_schema(
    """
    services:
      餐馆:
        slots:
          餐馆-名称: 名称
          餐馆-推荐菜: 推荐菜
          餐馆-人均消费: {description: 人均消费, values: [50元以下, 50-100元, 100-150元]}
          餐馆-评分: {description: 评分, values: [4分以上, 4.5分以上, 5分]}
          餐馆-周边景点: 周边景点
      景点:
        slots:
          景点-名称: 名称
          景点-门票: {description: 门票, values: [免费, 20元以下, 20-50元, 150-200元]}
          景点-游玩时间: {description: 游玩时间, values: [0.5小时, 1小时 - 2小时, 2小时, 3天]}
          景点-评分: {description: 评分, values: [4分以上, 4.5分以上, 5分]}
          景点-周边餐馆: 周边餐馆
      酒店:
        slots:
          酒店-名称: 名称
          酒店-价格: {description: 价格, values: [200-300元, 300-400元, 1000元以上]}
          酒店-酒店类型: {description: 酒店类型, values: [经济型, 舒适型, 高档型, 豪华型]}
          酒店-酒店设施: {description: 酒店设施, values: [早餐服务, 叫醒服务, 无烟房, 健身房]}
          酒店-评分: {description: 评分, values: [4分以上, 4.5分以上, 5分]}
      出租:
        slots:
          出租-出发地: 出发地
          出租-目的地: 目的地
    """
)


@cache
def tracker() -> ChineseTracker:
    return ChineseTracker.load()


def talk(*texts: str) -> dict[str, str]:
    """The slots after the user's and the assistant's turns, of which the user's come first."""
    state, system = State(), ""
    for number, text in enumerate(texts):
        if number % 2:
            system = text
        else:
            state = tracker().track(CITY, state, system, text, number // 2 + 1)
    return {slot: value.value for _, slot, value in state.filled()}


def test_the_committed_weights_read_a_dialogue() -> None:
    slots = talk(
        "你好，请帮我推荐一家评分4.5分以上、价格在300-400元的酒店。", "推荐您去北京银泉大厦。", "好的，电话是多少？"
    )
    assert slots == {"酒店-评分": "4.5分以上", "酒店-价格": "300-400元"}


@pytest.mark.parametrize(
    ("said", "slot", "value"),
    [
        ("帮我找一个门票免费的景点。", "景点-门票", "免费"),
        ("我想找个评分是5分的餐馆。", "餐馆-评分", "5分"),
        ("请推荐一家人均消费在50-100元的餐馆。", "餐馆-人均消费", "50-100元"),
        ("有没有经济型的酒店？", "酒店-酒店类型", "经济型"),
        ("找一家提供叫醒服务的酒店。", "酒店-酒店设施", "叫醒服务"),
        ("我想吃红烧狮子头，推荐一家餐馆吧。", "餐馆-推荐菜", "红烧狮子头"),
    ],
)
def test_a_wish_is_read(said: str, slot: str, value: str) -> None:
    assert talk(said).get(slot) == value


def test_what_is_held_stays_over_thanks() -> None:
    slots = talk("帮我找一个门票免费的景点。", "推荐您去故宫。", "好的，谢谢，再见！")
    assert slots["景点-门票"] == "免费"


@pytest.mark.parametrize(
    ("name", "said", "value"),
    [
        ("景点-门票", "不收门票", "免费"),
        ("景点-门票", "没有门票费", "免费"),
        ("景点-门票", "不收取门票", "免费"),
        ("景点-门票", "免票", "免费"),
        ("景点-门票", "20元以内", "20元以下"),
        ("景点-门票", "150元到200元之间", "150-200元"),
        ("景点-门票", "150到200", "150-200元"),
        ("景点-游玩时间", "半个小时", "0.5小时"),
        ("景点-游玩时间", "2个小时", "2小时"),
        ("景点-游玩时间", "1、2个小时", "1小时 - 2小时"),
        ("景点-游玩时间", "1小时到2小时", "1小时 - 2小时"),
        ("景点-游玩时间", "7个小时", "7小时"),
        ("景点-评分", "4.5以上", "4.5分以上"),
        ("景点-评分", "5", "5分"),
        ("景点-名称", "故宫，", "故宫"),
    ],
)
def test_what_is_said_becomes_the_listed_value(name: str, said: str, value: str) -> None:
    slot = CITY.service(name.split("-")[0]).slot(name)
    assert settled(slot, said) == value


def test_listed_values_are_found_in_other_words() -> None:
    slot = Slot("门票", "门票", (Value("免费"), Value("20元以下")))
    text = "不收门票或者20元以内的"
    assert [text[start:end] for start, end in listed_in(slot, text)] == ["20元以内", "不收门票"]


def test_a_limit_moves_to_what_was_offered() -> None:
    assert stretched("50-100元", ["124元"]) == "50-200元"
    assert stretched("100-150元", ["70元"]) == "70-150元"
    assert stretched("4.5分以上", ["4.2分"]) is not None
    assert stretched("经济型", ["518元"]) is None
    assert stretched("50-100元", ["80元"]) is None


def test_spans_end_with_the_reply_and_may_lack_their_beginning() -> None:
    def tags(*kinds: int) -> np.ndarray:
        return np.eye(3, dtype=np.float32)[list(kinds)]

    found = spans_of(tags(OUTSIDE, BEGIN, INSIDE, OUTSIDE, INSIDE, INSIDE, BEGIN, OUTSIDE), 4)
    assert found == ([(1, 3)], [(4, 6), (6, 7)])


def test_a_part_of_a_listed_value_is_the_whole() -> None:
    turn = turn_of(TrackRequest(CITY, State(), "", "有叫醒服务的酒店吗", 1))
    view = next(view for view in views_of(CITY) if view.key[1] == "酒店-酒店设施")
    start = turn.text.index("叫醒")
    assert snapped(turn, view, (start, start + 3)) == (start, start + 4)
    assert snapped(turn, view, (start + 4, start + 7)) == (start + 4, start + 7)


def test_a_name_goes_to_the_end_of_its_bracket() -> None:
    text = "我想去四季民福烤鸭店(东四十条店)用餐"
    assert closed(text, (3, 13)) == (3, 17)
    assert closed(text, (3, 10)) == (3, 10)
    assert closed("去全聚德（前门店", (1, 6)) == (1, 6)


def test_values_of_one_slot_stand_apart() -> None:
    assert apart([(3, 4), (3, 9), (5, 9), (10, 14), (20, 21)]) == [(3, 9), (10, 14)]
    assert apart([(2, 3)]) == [(2, 3)]


def test_what_a_person_corrected_is_not_undone_by_a_reply() -> None:
    held = State().with_slot("景点", "景点-门票", SlotValue("免费", CORRECTION))
    request = TrackRequest(CITY, held, "门票是35元。", "好的", 2)
    reading = Reading({("景点", "景点-门票"): Change("20-50元", "system")})
    assert after(request, held, reading).value("景点", "景点-门票") == "免费"


def test_what_a_person_corrected_goes_when_the_user_takes_it_back() -> None:
    held = State().with_slot("景点", "景点-门票", SlotValue("免费", CORRECTION))
    request = TrackRequest(CITY, held, "门票免费。", "门票不限了", 2)
    reading = Reading({("景点", "景点-门票"): Change(None, "user")})
    assert after(request, held, reading).value("景点", "景点-门票") is None


@pytest.mark.parametrize(("reply", "message"), [("", "找酒店 İ"), ("İstanbul 酒店不错", "好的"), ("ß", "ŉ 酒店")])
def test_letters_whose_small_form_is_longer_are_read(reply: str, message: str) -> None:
    named = parse_schema(
        "services: {酒店: {slots: {酒店-名称: İ 名称, 周边餐馆: 周边}}, 餐馆: {slots: {餐馆-名称: 名称}}}"
    )
    for schema in (CITY, named):
        assert tracker().track(schema, State(), reply, message, 1).filled() is not None


def test_what_a_long_message_says_at_its_end_is_read_by_the_rules() -> None:
    text = "我和朋友想出去走走，" * (USER_CHARACTERS // 10 + 1) + "酒店要豪华型。"
    ruled = RuleTracker().track(CITY, State(), "", text, 1)
    assert tracker().track(CITY, State(), "", text, 1) == ruled


@pytest.mark.parametrize("piece", ["1到2", "不收", "没有门票", "12345", "半个小时、", "1 - ", "4.5", "免费", "  "])
def test_amounts_are_found_in_linear_time(piece: str) -> None:
    short, long = (piece * (length // len(piece)) for length in (20_000, 80_000))
    assert_grows_within(amounts_in, short, long, times=8, least=0.05)


@pytest.mark.parametrize("piece", ["1 - ", "1   到", "元 ", "  "])
def test_values_are_compared_in_linear_time(piece: str) -> None:
    short, long = (piece * (length // len(piece)) for length in (20_000, 80_000))
    assert_grows_within(plain, short, long, times=8, least=0.05)


class _Named:
    def __init__(self, name: str) -> None:
        self.name = name

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        return State().with_service(self.name, State().service(self.name))

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        return [self.track(r.schema, r.previous, r.system_text, r.user_text, r.turn) for r in requests]


LIBRARY = parse_schema("services: {图书: {slots: {作者: 作者, 出版社: 出版社, 年代: 年代}}}")
ONE = parse_schema("services: {酒店: {slots: {名称: {description: 名称, kind: name}, 酒店类型: 类型}}}")
MANY = Schema((*CITY.services, Service("书店", "", (), tuple(Slot(f"书{n}", "") for n in range(120)))), "many")
HOTELS = parse_schema("services: {hotels: {slots: {name: Name of the hotel, city: City, stars: Stars}}}")


@pytest.mark.parametrize(
    ("schema", "text", "chosen"),
    [
        (CITY, "找一家酒店", "chinese"),
        (CITY, "Find me a hotel", "learned"),
        (LIBRARY, "找一本书", "learned"),
        (HOTELS, "找一家酒店", "learned"),
        (ONE, "找一家酒店", "learned"),
        (MANY, "找一家酒店", "learned"),
        (CAFE, "我想订位", "rules"),
        (SHOP, "x", "rules"),
    ],
)
def test_the_schema_and_the_message_choose_the_tracker(schema: Schema, text: str, chosen: str) -> None:
    suited = SuitedTracker(_Named("learned"), _Named("rules"), _Named("chinese"))
    assert list(suited.track(schema, State(), "", text, 1).services) == [chosen]
    both = suited.track_many([TrackRequest(schema, State(), "", text, 1), TrackRequest(SHOP, State(), "", "x", 1)])
    assert [list(state.services) for state in both] == [[chosen], ["rules"]]


def test_without_its_weights_the_chinese_tracker_is_not_asked() -> None:
    assert finds_in_chinese(CITY)
    assert list(SuitedTracker(_Named("learned"), _Named("rules")).track(CITY, State(), "", "找酒店", 1).services) == [
        "learned"
    ]
