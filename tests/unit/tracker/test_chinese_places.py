"""Places, things, open and bounded times, and what a message goes back to, in Chinese messages to several trades.

Each line is a session: `|` parts its messages, each read after the assistant's own question; the values follow `=>`.
"""

import pytest

from services.common.schema import Schema, parse_schema
from services.tracker.domain.han_items import han_items
from services.tracker.domain.han_places import han_places
from services.tracker.domain.leading import Lead, lead
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State
from tests.support.cpu import assert_grows_within

FLOWERS = parse_schema(
    """
    services:
      送花:
        description: 把花送到客人说的地方
        intents:
          订送花: {description: 客人要送花, required: [送花地址, 送达日期], optional: [花材, 时段, 收花人]}
        slots:
          送花地址: {description: 花送到哪里}
          送达日期: {description: 哪天送到, kind: date}
          花材: {description: 什么花, values: [玫瑰, 百合, 向日葵]}
          时段: {description: 什么时段送, values: [上午, 下午, {value: 晚间, aliases: [晚上]}]}
          收花人: {description: 收花人的姓名}
      养护:
        description: 请师傅上门照看绿植
        intents:
          约养护: {description: 客人要人照看绿植, required: [地点, 盆数, 上门日期]}
        slots:
          地点: {description: 到哪里看绿植}
          盆数: {description: 一共几盆, kind: number}
          上门日期: {description: 哪天上门, kind: date}
    """
)
CARS = parse_schema(
    """
    services:
      接送:
        description: 包车接送
        intents:
          订车: {description: 客人要用车, required: [上车地点, 目的地, 用车日期], optional: [人数, 用车时间]}
        slots:
          上车地点: {description: 从哪里上车}
          目的地: {description: 去哪里}
          用车日期: {description: 哪天用车, kind: date}
          用车时间: {description: 几点用车, kind: time}
          人数: {description: 几个人坐, kind: number}
      托运:
        description: 代运行李物件
        intents:
          办托运: {description: 客人要托运东西, required: [物件, 收货地址], optional: [重量, 取件日期]}
        slots:
          物件: {description: 运的是什么东西}
          收货地址: {description: 运到哪里}
          重量: {description: 东西多重, kind: number}
          取件日期: {description: 哪天来取, kind: date}
    """
)
MENDERS = parse_schema(
    """
    services:
      洗衣:
        description: 上门取衣物去洗
        intents:
          约洗衣: {description: 客人要洗衣服, required: [衣物, 取衣地址, 取衣日期], optional: [时段]}
        slots:
          衣物: {description: 洗的是什么}
          取衣地址: {description: 到哪里取}
          取衣日期: {description: 哪天取, kind: date}
          时段: {description: 什么时段来, values: [上午, 下午, 晚上]}
      补鞋:
        description: 修补鞋子
        intents:
          约补鞋: {description: 客人要补鞋, required: [哪里破了, 送来日期]}
        slots:
          哪里破了: {description: 鞋子出了什么问题}
          送来日期: {description: 哪天送来店里, kind: date}
    """
)
TRADES = {"花": FLOWERS, "车": CARS, "衣": MENDERS}


def last_state(schema: Schema, session: str) -> dict[str, str]:
    """The values after the session's last message."""
    tracker, state, reply = RuleTracker(), State(), ""
    earlier: Lead | None = None
    for number, message in enumerate(session.split("|"), 1):
        before = state
        state = tracker.track(schema, state, reply, message.strip(), number)
        earlier = lead(schema, before, state, earlier, message)
        reply = earlier.text if earlier else ""
    return {slot: value.value for content in state.services.values() for slot, value in content.slots.items()}


PLACES = """
花 我想送花，送到梧桐路 8 号 => 送花地址=梧桐路 8 号
花 送一束百合到云岭医院 => 送花地址=云岭医院 花材=百合
花 请把玫瑰送到松江大厦，后天要 => 送花地址=松江大厦 花材=玫瑰 送达日期=后天
花 我要送花到澜平 | 改送城东总站 => 送花地址=城东总站
花 给我妈送花，送到家属院 3 栋，明天 => 送花地址=家属院 3 栋 送达日期=明天
花 约个养护，在青石小区 5 号 => 地点=青石小区 5 号
花 订送花 | 送到松鹤里 18 号吧 => 送花地址=松鹤里 18 号
车 我要订车，从梅园新村去北港码头 => 上车地点=梅园新村 目的地=北港码头
车 后天用车，去柳城机场 => 目的地=柳城机场 用车日期=后天
车 订个车，到南湖宾馆接我，去火车站 => 上车地点=南湖宾馆 目的地=火车站
车 想包车从学府街 20 号出发，到石埠县 => 上车地点=学府街 20 号 目的地=石埠县
车 要托运，寄到鹭湖县大概 12 公斤 => 收货地址=鹭湖县 重量=12
车 帮我托运一台缝纫机，运到桐川 => 物件=缝纫机 收货地址=桐川
车 订车，上车地点在银杏路 3 号，目的地是沙湾镇 => 上车地点=银杏路 3 号 目的地=沙湾镇
衣 约洗衣，到榆钱街 9 号取 => 取衣地址=榆钱街 9 号
衣 两件大衣要洗，去竹园公寓 2 栋拿 => 取衣地址=竹园公寓 2 栋 衣物=大衣
"""
NO_PLACES = """
花 我要送花，送到付款吗 =>
花 想送花，到时候再说地址 =>
花 送花，明天送到 => 送达日期=明天
花 送花给我妈 =>
车 我要订车，后天到 => 用车日期=后天
车 想托运，运费到付 =>
车 订车，我现在在家 =>
车 订车，到了给我打电话 =>
衣 约洗衣，到下周再取 => 取衣日期=下周
衣 要洗衣服，在网上看到你们的 =>
"""
THINGS = """
车 我要托运一张三米长的餐桌，能运吗 => 物件=三米长的餐桌
车 想托运，20 箱橙子 => 物件=橙子
车 托运两箱书，大概 12 公斤 => 物件=书 重量=12
车 有个行李箱要托运 => 物件=行李箱
车 要托运一架钢琴，麻烦小心一点 => 物件=钢琴
车 想办个托运，跑步机 => 物件=跑步机
车 托运三辆自行车到桐川 => 物件=自行车 收货地址=桐川
衣 我有一条羊毛围巾要洗 => 衣物=羊毛围巾
衣 想洗一床被子 => 衣物=被子
衣 要洗几件衬衫，后天取 => 衣物=衬衫 取衣日期=后天
衣 帮我洗套西装 => 衣物=西装
"""
OPEN = """
花 送花到澜平，几点送都成 => 送花地址=澜平 时段=dontcare
花 送花，几点送无所谓 => 时段=dontcare
花 要送花，哪天都方便 => 送达日期=dontcare
花 送花，上午下午都成 => 时段=dontcare
车 订车，后天，几点都成 => 用车日期=后天 用车时间=dontcare
车 我要订车，几点来随便 => 用车时间=dontcare
衣 约洗衣，几点来都没关系 => 时段=dontcare
衣 约洗衣，明天取，什么时候来都行 => 取衣日期=明天 时段=dontcare
衣 约洗衣 | 大衣 | 下周随便哪天，周二最好 => 衣物=大衣 取衣日期=周二
花 送花，下周哪天都行，最好周四 => 送达日期=周四
"""
BOUNDED = """
花 我要送花，周三之前不要送 =>
花 送花，周五以前别送，周六可以 => 送达日期=周六
车 订车，8 号之前我不在，9 号吧 => 用车日期=9 号
车 我要托运，周二前请不要来，周四来取 => 取件日期=周四
衣 约洗衣，下周一之前没人，下周三来取 => 取衣日期=下周三
衣 约洗衣，明天之前都不方便 =>
"""
BACK = """
花 送花到澜平，后天 | 另外约养护，三盆，明天 | 送花那单，改成周六 => 送花地址=澜平 送达日期=周六 盆数=三 上门日期=明天
车 订车去柳城，明天 | 另托运一台冰箱，后天取 | 订车那个，改 9 号 => 目的地=柳城 用车日期=9 号 物件=冰箱 取件日期=后天
车 我要托运一张餐桌，明天来取 | 十公斤怎么算钱？ => 物件=餐桌 取件日期=明天
花 送花，百合 | 百合不能送？ => 花材=百合
花 送花，跟别人一起送百合也可以 => 花材=百合
花 我要送花，特别想要向日葵 => 花材=向日葵
车 订车，两个人坐。不用两个，一个人就行 => 人数=一
"""


@pytest.mark.parametrize(
    "line", [x for block in (PLACES, NO_PLACES, THINGS, OPEN, BOUNDED, BACK) for x in block.split("\n") if x]
)
def test_what_a_message_says_is_read(line: str) -> None:
    session, _, values = line[2:].partition("=>")
    wanted: dict[str, str] = {}
    for part in values.split():
        name, equals, value = part.partition("=")
        if equals:
            wanted[name] = value
        else:
            wanted[next(reversed(wanted))] += f" {part}"
    assert last_state(TRADES[line[0]], session.strip()) == wanted


@pytest.mark.parametrize("piece", ["送到", "从松江路取", "两箱书", "去哪里", "到 8 号 ", "在那个", "一张三米长的"])
def test_twice_the_message_takes_twice_the_time(piece: str) -> None:
    assert_grows_within(_read, piece * 800, piece * 3200, times=8, least=0.4)


def _read(text: str) -> None:
    han_places.cache_clear()
    han_items.cache_clear()
    han_places(text)
    han_items(text)
