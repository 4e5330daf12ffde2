"""What kinds of values a Chinese question wants and a Chinese text has, as `values` knows them for other languages.

A question that names its unit ("几分贝") wants a number in that unit and no other.
"""

from __future__ import annotations

import re

from services.common.text_measures import HAN_CHARACTER

_COUNT = "一二两三四五六七八九十百千半"
_WANTED = {
    "money": re.compile(
        "多少钱|几块钱?|几元|价|费(?!心|劲)|贵|便宜|押金|定金|免费|要钱吗|收钱"
        "|(?:[花收付卖交抵退赔报加扣减省补打]|优惠)(?:的|掉|给我)?多少(?![人天个台次张公])"
    ),
    "time": re.compile(
        "什么时候|啥时候|何时|几点|时间|哪[天年月]|哪一天|日期|几号|(?:周|星期|礼拜)几|[开关]门|营业|[上下]班"
    ),
    "span": re.compile(
        "多久|多长时间|(?<![那这前好])几(?:天|个?月|年|个?小时|个?钟头|分钟|个?星期|周|个?工作日)"
        "|多少(?:天|年|个月|小时|分钟)|最[晚迟早]|提前多|期限|有效期"
    ),
    "number": re.compile(
        "多少|几[个台人位次张件升瓦匹层寸分折门种款条家间]|多[大重高宽厚快]|几公斤|第几|上限|最[多少高低]|限额"
    ),
    "phone": re.compile("电话|热线|号码|专线|打给"),
    "email": re.compile("邮箱|邮件"),
    "person": re.compile("谁|负责人|哪位|哪个人|姓什么|主管|领导|联系人"),
    "place": re.compile("哪里|哪儿|地址|在哪|哪条[路街]|位置|哪个(?:城市|地方|门店)|几楼|寄到|送到哪"),
}
_HAS = {
    "money": re.compile(r"\d\s?[元块]|免费|%"),
    "time": re.compile(
        r"\d+\s?[点时月日号]|周[一二三四五六日末]|星期|礼拜|每[天周月年]|节假日|全天|[早中下]?午|次日|当[天日]"
    ),
    "span": re.compile(rf"[\d{_COUNT}]\s?(?:分钟|个?小时|个?钟头|天|周|个?星期|个月|月|年|个?工作日)"),
    "number": re.compile(rf"\d|[{_COUNT}]{{1,5}}\s?[个台人次张件天年月元块倍匹升瓦度分成折份种条层名位家间]"),
    "person": re.compile(r"[\u3400-\u9fff]{2,3}(?:先生|女士|老师|经理)|负责|主管|主任|店长|总监|联系人|组长"),
    "place": re.compile("路|街|号|楼|层|室|旁|大道|[省市县区](?![内别分])|[左右上下前后里外内侧]侧|底部|柜台|门口"),
}
UNIT = "unit "
"""Before the unit in which a question wants its number, where that is a kind of value."""
_UNIT_ASKED = re.compile(
    "(?:几[十百千]?|多少) ?(?P<unit>分贝|兆帕|帕|度|升|公斤|千克|瓦|毫安|厘米|毫米|米|寸|克|斤|平方米|平米|匹|兆|人|台"
    "|次|张|天|年|个月|个?小时|个?钟头|分钟|层|折|倍|件|页|款|种|元|岁|位|公里|线|秒)"
)
_SIZES = {
    "多重": "公斤|千克|斤|克|吨|kg",
    "多高": "厘米|米|cm",
    "多宽": "厘米|米|cm",
    "多深": "厘米|米",
    "多远": "公里|米",
}
_SAME_UNIT = {
    "公斤": "公斤|千克|kg",
    "千克": "公斤|千克|kg",
    "平方米": "平方米|平米|㎡",
    "平米": "平方米|平米|㎡",
    "小时": "小时|钟头",
    "钟头": "小时|钟头",
    "天": "天|日|周|工作日",
    "人": "人|位|名",
    "位": "人|位|名",
    "个月": "个月|年",
    "年": "年|个月",
    "元": "元|块",
}
_COLUMNS = {
    "price": re.compile("便宜|贵|价|钱|费|[花收付卖交]多少|押金"),
    "length": re.compile("长|短|久|几[天年周]|几个?[月小]|期限"),
    "speed": re.compile("快|慢"),
    "size": re.compile("大|小|面积|容量|几升|多宽|多高"),
    "weight": re.compile("重|轻"),
    "time": re.compile("早|晚|几点|[开关]门|营业"),
}
_HEADERS = {
    "price": re.compile("价|费|元"),
    "length": re.compile(rf"长|期|时间|年限|[\d{_COUNT}]\s?个?[天月年]"),
    "speed": re.compile("速|时间|天"),
    "size": re.compile("面积|大小|容量|尺寸|宽|高|升|平方"),
    "weight": re.compile("重"),
    "time": re.compile("时间|点|[周期][一二三四五六日至]|营业"),
}


def wanted(question: str) -> set[str]:
    """The kinds of values of which a Chinese question wants one; none where it does not say."""
    if not HAN_CHARACTER.search(question):
        return set()
    kinds = {name for name, pattern in _WANTED.items() if pattern.search(question)}
    unit = _unit_asked(question)
    if unit:
        return kinds - {"number", "span", "time"} | {UNIT + unit}
    return kinds - {"time"} if "span" in kinds else kinds


def _unit_asked(question: str) -> str:
    """The units in which the question wants its number, as a pattern's alternatives; empty where it names none."""
    match = _UNIT_ASKED.search(question)
    if match is None:
        return next((units for word, units in _SIZES.items() if word in question), "")
    unit = match["unit"] if match["unit"] == "个月" else match["unit"].removeprefix("个")
    return _SAME_UNIT.get(unit, unit)


def has(kind: str, text: str) -> bool:
    """Whether a text has a value of the kind, told in Chinese."""
    if kind.startswith(UNIT):
        return re.search(rf"[\d{_COUNT}]\s?个?(?:{kind.removeprefix(UNIT)})", text, re.IGNORECASE) is not None
    return kind in _HAS and _HAS[kind].search(text) is not None


def header_fits(question: str, header: str) -> bool:
    """Whether a table's column, with its value, is of the kind that a Chinese question is about."""
    return any(pattern.search(question) and _HEADERS[kind].search(header) for kind, pattern in _COLUMNS.items())
