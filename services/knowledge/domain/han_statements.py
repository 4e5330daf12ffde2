"""Reads a fact out of a Chinese sentence: what is stated, what is denied, and what is set against what was held.

Hearsay, thoughts, conditions and questions state nothing. Rules over the shape of sentences, each linear in the
sentence; a value is what stands behind the verb, or an amount or a day before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNSTATED = re.compile(
    r"[?？吗]|据说|据.{0,8}[说称]|听说|听人|好像|似乎|仿佛|可能|也许|或许|大概|大约|应该|应当|估计|恐怕|没准|说不定|貌似|传闻|传言|谣传|风闻"
    r"|如果|要是|假如|假设|假若|倘若|万一|只要|除非|一旦|要不|否则|的话|若|(?:我|我们|咱|大家|别人|有人|朋友|同事|邻居|网上|他们?|她们?|人家)(?:们)?"
    r"(?:都|还|一直|曾经?|之前|原来|本来)?(?:以为|觉得|认为|猜|想|记得|希望|怀疑|担心|听|说|讲|告诉|看到)|不知道?|不确定|不清楚|说是|是不是|是否|有没有|能不能"
    r"|可不可以|会不会|要不要|难道|多少|什么|怎么|哪|几(?:点|天|元|块|个)|为何|呢[。！!]?$|吧[。！!]?$|没错吧|对[吧么]"
    r"|(?:时|时候|期间|情况下|后|之后|以后|前提下)[，,]|对于?[^，。]{1,12}来说|仅限|才(?:是|要|收|能)|希望|但愿|打算|计划|将来|比如|例如|(?<!早)就(?:不|是|要|会)"
)
_LEAD = re.compile(
    r"^(?:(?:其实|实际上|事实上|不对|错了?|不是的|更正(?:一下)?|纠正(?:一下)?|请?注意|提醒(?:一下)?|说明(?:一下)?|抱歉|不好意思|你们?说错了|写错了|回答错了|另外|顺便说一?句?"
    r"|而且|但是?|不|对了)[，,：:！!。 ]+|其实|实际上|事实上|现在|目前|如今|从(?:今天|现在|本月|今年)(?:起"
    r"|开始)[，,]?)+"
)
_ADVERBS = (
    r"(?:现在|目前|如今|已经|已|早就|早已|早|再也|根本|并|从来|从|其实|实际上"
    r"|一直|都|也|今年|本月|正式|全部|刚刚?|最近)*"
)
_UNIT = (
    r"(?:欧元|美元|美金|人民币|日元|英镑|港币|港元|元|块钱?|毛|角|欧|刀|天|日|周|个?星期|个?礼拜|个?月|年|个?小时|个?钟头|分钟|秒|人|位|名|个人|个|点半|点钟?|"
    r"折|%|％|公里|千米|平方米|平米|米|厘米|公斤|千克|斤|克|升|次|节|场|张|页|间|层|楼|号|岁|度|件|份|瓶|杯|盒|课时)"
)
_DAY = (
    r"(?:每?(?:周|星期|礼拜)(?:[一二三四五六日天末]|[一二三四五]至[周一二三四五六日]+)"
    r"|工作日|节假日|周末|(?:早上|上午|中午|下午|晚上|凌晨|傍晚))"
)
_TYPED = (
    rf"(?:(?:每?{_DAY})?[$€£¥￥]?(?:\d[\d.,:：]{{0,12}}|[零一二两三四五六七八九十百千万半]{{1,8}})\s?{_UNIT}(?:半|钟)?(?:[/／每一][\u4e00-\u9fff]{{1,2}})?|{_DAY}"
    r"|[$€£¥￥]\d[\d.,]{0,12}|\d{1,2}[:：]\d\d)"
)
_VERB = (
    r"(?:卖|售价|收费|收取?|需要|要|需|花费?|包含|包括|包|含有?|带|提供|营业|开门|开放|开业|关门|休息|打烊|上班|支持|位于|坐落在|在|设有|有|叫|持续|维持|接受|允许|可以|能|"
    r"坐|容纳|供应|出售|送|免费|适用于?|等于|值|办理|接待|上课)"
)
_BE = r"(?:是|为|等于|就是|叫)"
_CHANGED = (
    r"(?:改为|改成|改到|改在|变为|变成|变更为|换成|换为|调整为|调整到|调到|调至|上调[至到为]|下调[至到为]|提高[到至]|提升[到至]|降[到至为]|涨[到至为]|增加?[到至]|减少?[到至]"
    r"|延长[到至为]|缩短[到至为]|搬到|搬至|迁到|迁至|挪到|推迟到|提前到|更新为)了?"
)
_INSTEAD = rf"(?:而是|应是|{_ADVERBS}{_CHANGED}|{_ADVERBS}(?:{_BE}|{_VERB}))"
_NOT_BE = rf"{_ADVERBS}(?:不再是|不是|不再为|并非|已非|绝非|绝不是|不叫)"
_NOT = rf"{_ADVERBS}(?:不再|不|没有?|未|停止)"
_GONE = r"(?:取消|废除|废止|撤销|停办|停售|下架|作废|停止|失效|终止)"
_WRONG = r"(?:是)?(?:错误?的|错了?|不对的?|不正确的?|不属实|不准确|不实|过时(?:了|的)?|有误|假的)"
_V = r"(?P<value>[^，,。；;]{1,60}?)"
_D = r"(?P<denied>[^，,。；;]{1,60}?)"
_S = r"(?P<subject>[^，,。；;]{2,60}?)"
_END = r"(?:了|的|啦|哦|呀)?$"
_GAP = r"[，,、；;：:\s]*"

_CONTRASTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^{_S}{_NOT_BE}{_D}(?:了)?{_GAP}{_INSTEAD}{_V}{_END}",
        rf"^{_S}{_NOT}{_VERB}{_D}(?:了)?{_GAP}{_INSTEAD}{_V}{_END}",
        rf"^{_S}{_ADVERBS}(?:由|从|自)(?:原来的?|之前的?|以前的?)?{_D}{_ADVERBS}{_CHANGED}{_V}{_END}",
        rf"^{_S}{_ADVERBS}{_GONE}了?{_D}(?:了)?{_GAP}{_ADVERBS}{_CHANGED}{_V}{_END}",
        rf"^{_S}{_ADVERBS}(?:把|将){_D}{_CHANGED}{_V}{_END}",
        rf"^{_S}{_ADVERBS}(?:{_BE}|{_CHANGED}|{_VERB})了?{_V}{_GAP}(?:而)?(?:不再是|不是|并非|而非|不再|没有|而不是){_D}{_END}",
        rf"^{_S}{_ADVERBS}(?:{_BE}|{_CHANGED}|{_VERB})了?{_V}(?:了)?{_GAP}(?:以前|原来|之前|原先|过去)的?(?:是|{_VERB}){_D}{_END}",
        rf"^(?:不是|并非){_D}{_GAP}{_S}{_ADVERBS}(?:{_BE}|{_VERB}){_V}{_END}",
    )
)
_DENIALS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^(?:说)?{_S}(?:{_BE}|{_VERB}){_V}{_GAP}(?:这|这个|这一|的|这种|该)?(?:说法|信息)?(?:已经?|都)?{_WRONG}{_END}",
        rf"^(?:并非|不是说){_S}(?:{_BE}|{_VERB}){_V}{_END}",
        rf"^{_S}{_NOT_BE}{_V}{_END}",
        rf"^{_S}(?:在|于)?(?P<value>{_TYPED}){_NOT}(?:再)?{_VERB}?{_END}",
        rf"^{_S}{_NOT}(?:再)?{_VERB}{_V}{_END}",
        rf"^{_S}的?(?P<value>{_TYPED}){_ADVERBS}(?:被)?{_GONE}{_END}",
        rf"^{_S}的{_V}{_ADVERBS}(?:被)?{_GONE}{_END}",
        rf"^{_S}{_ADVERBS}(?:被)?{_GONE}了?{_V}{_END}",
        rf"^{_S}(?:以前|原来|之前|过去|曾经)(?:{_BE}|{_VERB}){_V}{_END}",
    )
)
_STATED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^(?P<subject>[^，,。；;]{{2,40}}?的[^的，,。；;]{{1,12}}?){_ADVERBS}(?:{_BE}|{_CHANGED}){_V}{_END}",
        rf"^{_S}{_ADVERBS}{_CHANGED}{_V}{_END}",
    )
)
_SLOT = re.compile(
    r"(?:的)?(?P<slot>价格|票价|售价|单价|月费|年费|会费|学费|房费|费用|收费|押金|定金|订金|罚金|邮费|运费|时长|课时|期限|有效期|保修期|营业时间|开放时间|开门时间|关门时间|休息日|地址|位置"
    r"|电话|号码|容量|人数|上限|名额|尺寸|重量|颜色|老板|店长|经理|负责人|退房时间|入住时间|退货期|截止日期?|开业时间)$"
)
_NO_SUBJECT = re.compile(r"^(?:它们?|他们?|她们?|我们?|你们?|您|这里?|那里?|这个|那个|咱们?|大家|谁|什么|价格|费用)?$")


@dataclass(frozen=True, slots=True)
class HanStatement:
    """What a Chinese sentence states or denies; `relation` names the property, where it is named."""

    entity: str
    relation: str
    value: str
    negative: bool = False
    denied: str = ""
    corrects: bool = False


def read_han(sentence: str) -> HanStatement | None:
    """The fact that a Chinese sentence states or denies; None where it states none."""
    text = "".join(sentence.split()) if not re.search(r"[A-Za-z] ", sentence) else " ".join(sentence.split())
    if len(text) > 120 or _UNSTATED.search(text):
        return None
    text = _LEAD.sub("", text).strip('。.！!~～ “”"')
    for pattern in _CONTRASTS:
        if (match := pattern.match(text)) and (read := _read(match, corrects=True)):
            return read
    first = re.split(r"[，,；;]", text)[0]
    for said in dict.fromkeys((text, first)):
        for pattern in _DENIALS:
            if (match := pattern.match(said)) and (read := _read(match, negative=True, corrects=True)):
                return read
    for pattern in _STATED:
        if (match := pattern.match(first)) and not re.search(r"[不没未非]", first):
            corrects = re.search(_CHANGED, match[0]) is not None or first != sentence.strip("。.！! ")
            if read := _read(match, corrects=corrects):
                return read
    return None


def _read(match: re.Match[str], *, negative: bool = False, corrects: bool = False) -> HanStatement | None:
    groups = match.groupdict()
    entity, relation = _parted(groups["subject"])
    value, denied = _value(groups["value"]), _value(groups.get("denied") or "")
    if _NO_SUBJECT.match(entity) or not value or re.search(r"[不没]", value):
        return None
    if inside := re.search(rf"(?:的)?(?P<slot>[^的\d]{{1,8}}?)(?P<value>{_TYPED})$", value) if negative else None:
        value, relation = inside["value"], relation or inside["slot"]
    return HanStatement(entity, relation or "是", value, negative, denied, corrects)


def _parted(subject: str) -> tuple[str, str]:
    """(thing, property) of "金橘套餐的价格"; no property where none is named."""
    subject = re.sub(rf"(?:{_ADVERBS})$", "", subject.strip(' “”"「」：:'))
    thing, of, slot = subject.rpartition("的")
    if of and slot and len(slot) <= 12:
        return thing.strip("“”「」 "), slot
    if (named := _SLOT.search(subject)) and named.start() >= 2:
        return subject[: named.start()], named["slot"]
    return subject, ""


def _value(text: str) -> str:
    return re.sub(
        r"^(?:原来的?|之前的?|以前的?|了|在|到|是)|(?:了|啦|的|这么贵|这个价|这个价格)$",
        "",
        text.strip(' “”"「」：:，,'),
    )
