"""Chinese places and things that no schema lists are read by the verb before them."""

from __future__ import annotations

import time

import pytest

from services.common.schema import parse_schema
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State

SCHEMA = parse_schema("""
services:
  搬运:
    description: 搬家、搬东西、接送
    intents:
      预约搬运: {description: 客户要搬东西, required: [出发地, 目的地, 日期], optional: [物品, 重量, 时段]}
    slots:
      出发地: {description: 从哪里搬走, kind: name}
      目的地: {description: 搬到哪里, kind: name}
      日期: {description: 哪天来搬, kind: date}
      物品: {description: 要搬什么东西}
      重量: {description: 东西多重, kind: number}
      时段:
        description: 什么时段来
        values: [上午, 下午, 晚上]
""")


def told(*messages: str) -> dict[str, str]:
    state = State()
    for turn, message in enumerate(messages, 1):
        state = RuleTracker().track(SCHEMA, state, "", message, turn)
    return {slot: value.value for _, slot, value in state.filled()}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("我要搬到青禾镇", {"目的地": "青禾镇"}),
        ("从南湖小学搬到东山大厦，明天", {"出发地": "南湖小学", "目的地": "东山大厦", "日期": "明天"}),
        ("麻烦运到石桥县吧", {"目的地": "石桥县"}),
        ("下周三从柳州出发", {"出发地": "柳州", "日期": "下周三"}),
        ("送往临江工业园，谢谢", {"目的地": "临江工业园"}),
        ("去北门花园的，后天来", {"目的地": "北门花园", "日期": "后天"}),
        ("到花市 B 区拿 20 盆兰花送城南医院", {"出发地": "花市 B 区", "目的地": "城南医院", "物品": "兰花"}),
        ("上车点在绿苑小区", {"出发地": "绿苑小区"}),
        ("要运到云岭，大概 30 公斤", {"目的地": "云岭", "重量": "30"}),
        ("想搬一架钢琴到文化馆", {"目的地": "文化馆", "物品": "钢琴"}),
        ("帮我搬一个双开门的冰箱", {"物品": "双开门的冰箱"}),
        ("要拉三袋水泥", {"物品": "水泥"}),
    ],
)
def test_where_it_goes_and_what_it_is_are_read(message: str, expected: dict[str, str]) -> None:
    assert told(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        "东西收到了",
        "到时候再说吧",
        "我到家了",
        "运费可以到付吗？",
        "你们几点到？",
        "到底能不能搬",
        "搬到云岭要多少钱？",
        "别搬到云岭",
        "等到下午再打给我吧，谢谢",
        "我的手机找不到了",
    ],
)
def test_what_only_sounds_like_a_place_is_none(message: str) -> None:
    assert not {"出发地", "目的地", "物品"} & told(message).keys()


def test_a_correction_takes_the_place_of_the_destination_and_a_remark_does_not() -> None:
    assert told("搬到青禾镇", "改送到云岭镇吧")["目的地"] == "云岭镇"
    assert told("搬到青禾镇", "我昨天去云岭镇玩了")["目的地"] == "青禾镇"


@pytest.mark.parametrize("message", ["几点都成", "几点来无所谓", "时段你们方便就好", "什么时段都行"])
def test_any_time_of_day_leaves_the_part_of_the_day_open(message: str) -> None:
    assert told("搬到青禾镇", message)["时段"] == "dontcare"


@pytest.mark.parametrize("message", ["一公斤怎么算钱呀？", "1 公斤多少钱", "一公斤收几块钱？"])
def test_the_one_of_a_rate_is_no_weight(message: str) -> None:
    assert told("搬到青禾镇，30 公斤", message)["重量"] == "30"


@pytest.mark.parametrize("message", ["两箱书", "三米长的桌子", "四个人来搬"])
def test_what_counts_something_else_is_no_weight(message: str) -> None:
    assert "重量" not in told("搬到青禾镇", message)


def test_long_messages_take_time_by_their_length() -> None:
    def seconds(text: str) -> float:
        start = time.process_time()
        told(text)
        return time.process_time() - start

    told("搬到青禾镇")
    for piece in ("送到", "从云岭到", "送一个", "搬一架三米长的"):
        short, long = (min(seconds(piece * (size // len(piece))) for _ in range(2)) for size in (1000, 4000))
        assert long < 10 * short + 0.3, piece
