"""Numbers, money, dates, times, homes, people, reasons in Chinese messages: what each slot then holds."""

import pytest

from services.common.schema import parse_schema
from services.tracker.domain.normalise import number_value, time_value
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State

SCHEMA = parse_schema(
    """
    services:
      办理:
        description: 办理各种业务
        intents:
          办业务: {description: 客户要办业务, required: [人数, 重量, 押金]}
        slots:
          人数: {description: 一共几个人, kind: number}
          重量: {description: 多少公斤, kind: number}
          押金: {description: 交多少元押金, kind: number}
          月数: {description: 用几个月, kind: number}
          学时: {description: 学几个小时, kind: number}
          日期: {description: 哪天办, kind: date}
          时间: {description: 几点来, kind: time}
          门牌: {description: 几栋几号}
          车牌号: {description: 车牌号码}
          大夫: {description: 找哪位大夫}
          患者姓名: {description: 患者叫什么}
          停办原因: {description: 为什么停办, values: [{value: 出差, aliases: [外派]}, {value: 涨价, aliases: [太贵]}]}
    """
)
NUMBERS = """
我们一家五口 => 人数 五
一共七口人 => 人数 七
就我一个 => 人数 一
来十二位 => 人数 十二
大约八公斤 => 重量 八
一箱苹果，六公斤左右 => 重量 六
重量是半公斤 => 重量 半
有十五斤重 => 重量 十五斤
三公斤半的包裹 => 重量 三公斤半
2.5 公斤 => 重量 2.5
用九个月 => 月数 九
先用半年 => 月数 半年
用两年 => 月数 两年
练两个半小时 => 学时 两个半小时
学三个小时 => 学时 三
"""
MONEY = """
押金四百五 => 押金 四百五
押金两千零八 => 押金 两千零八
押金交一万二 => 押金 一万二
押金一千三百六 => 押金 一千三百六
押金是三千 => 押金 三千
押金六十八块五 => 押金 六十八块五
押金 450 元 => 押金 450 元
先交五百押金 => 押金 五百
押金八百块吧 => 押金 八百
押金两万 => 押金 两万
"""
DATES = """
国庆节后办 => 日期 国庆节后
春节前过来 => 日期 春节前
端午当天 => 日期 端午当天
十一期间来 => 日期 十一期间
大年初三吧 => 日期 大年初三
年底再办 => 日期 年底
下个月 6 号 => 日期 下个月 6 号
下个月中旬 => 日期 下个月中旬
十月底 => 日期 十月底
大后天去 => 日期 大后天
三天后来 => 日期 三天后
两个星期以后 => 日期 两个星期以后
不要周二，周三 => 日期 周三
下周四，不对，下周五 => 日期 下周五
地址在五一路附近 => {}
"""
TIMES = """
下午三点半 => 时间 下午三点半
早上八点一刻 => 时间 早上八点一刻
九点三刻到 => 时间 九点三刻
中午十二点 => 时间 中午十二点
下午两点到五点 => 时间 下午两点到五点
明天晚上七点 => 日期 明天, 时间 晚上七点
今晚八点 => 日期 今晚, 时间 今晚八点
明早 9 点 => 日期 明早, 时间 明早 9 点
10:40 => 时间 10:40
三点不行，四点吧 => 时间 四点
"""
HOMES = """
5 栋 1203 => 门牌 5 栋 1203
十二栋三零一 => 门牌 十二栋三零一
8 号楼 602 => 门牌 8 号楼 602
3 幢 2 单元 501 => 门牌 3 幢 2 单元 501
6-1-1002 => 门牌 6-1-1002
住 2-1804 => 门牌 2-1804
七号楼二单元 => 门牌 七号楼二单元
1107 室 => 门牌 1107 室
车牌粤B6K821 => 车牌号 粤B6K821
车是苏E88A66 => 车牌号 苏E88A66
京A·12345 => 车牌号 京A·12345
"""
PEOPLE = """
想找孙大夫 => 大夫 孙大夫
换成欧阳大夫 => 大夫 欧阳大夫
挂李建平大夫的 => 大夫 李建平大夫
要林大夫看 => 大夫 林大夫
还是马大夫 => 大夫 马大夫
孩子叫周小米 => 患者姓名 周小米
患者叫司徒婉儿 => 患者姓名 司徒婉儿
我妈叫高桂芳 => 患者姓名 高桂芳
我姓诸葛 => 患者姓名 诸葛
有没有好大夫 => {}
"""
REASONS = """
停办，外派了来不了 => 停办原因 出差
出差去不了 => 停办原因 出差
太贵了，不办了 => 停办原因 涨价
因为涨价不想办了 => 停办原因 涨价
不是涨价，是出差 => 停办原因 出差
"""


def told(text: str) -> dict[str, str]:
    state = RuleTracker().track(SCHEMA, State(), "", text, 1)
    return {slot: value.value for _, slot, value in state.filled()}


@pytest.mark.parametrize("lines", [NUMBERS, MONEY, DATES, TIMES, HOMES, PEOPLE, REASONS])
def test_a_value_goes_to_its_slot_as_it_was_said(lines: str) -> None:
    misread = {}
    for line in lines.strip().splitlines():
        text, _, wanted = line.partition(" => ")
        values = {} if wanted == "{}" else dict(pair.split(" ", 1) for pair in wanted.split(", "))
        if told(text) != values:
            misread[text] = told(text)
    assert not misread


def test_chinese_numbers_have_the_value_that_people_mean() -> None:
    said = "三百五 两千零五 一万五 一千八百六 十二 二十 一百零五 三万二千 二零三 九十三块五 2.5万 八百"
    values = "350 2005 15000 1860 12 20 105 32000 203 93.5 25000 800"
    assert [number_value(number) for number in said.split()] == values.split()


def test_chinese_times_are_read_on_the_clock() -> None:
    said = "下午三点半 早上八点一刻 九点三刻 今晚八点 中午十二点 下午 3 点 10 分".split(" ", 5)
    assert [time_value(time) for time in said] == ["15:30", "08:15", "09:45", "20:00", "12:00", "15:10"]
