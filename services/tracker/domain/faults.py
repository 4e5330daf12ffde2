"""What is wrong, told in the user's own words: the clause that fills a slot for a fault, a symptom or a damage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from services.common.schema import Service, Slot
from services.tracker.domain.standing_words import BREAK
from services.tracker.domain.things import names_thing
from services.tracker.domain.words import HAN

MAX_FAULT = 120
"""Characters of a clause that tells of a fault."""

_SLOT = re.compile(
    r"\b(?:problems?|faults?|defects?|symptoms?|damaged?s?|malfunctions?|issues?|complaints?|troubles?)\b"
    r"|\bwhat (?:is|has gone|went|goes) wrong\b|\bwhat(?:['’]s| is) (?:broken|the matter)\b"
    r"|\bdoes(?: not|n['’]t) work\b|故障|毛病|症状|哪里坏|损坏|出了?什么问题|问题描述|什么问题|不舒服",
    re.I,
)
_FAULTY = re.compile(
    r"\b(?:is|are|was|went|goes?|has gone|looks|seems|feels|keeps? (?:being|getting)) (?:\w{1,20} ){0,2}?(?:dead|broken"
    r"|down|off(?!er)|out|stuck|slow|loose|flat|cracked|blocked|clogged|jammed|frozen|leaking|dripping|bent|torn"
    r"|wet|swollen"
    r"|damaged|faulty|noisy|cold|hot|sick|limping|bleeding|missing|dirty|empty|blank|black|dark|dim|silent|wrong)\b"
    r"|\b(?:do|does|did|will|wo|ca|can|has|have|is|are)(?:n['’]?t| not|not) (?:\w{1,20} ){0,2}?(?:work|start|open"
    r"|close|shut"
    r"|turn|switch|charge|heat|cool|print|connect|load|respond|move|flush|drain|lock|ring|eat|drink|light|boot|run"
    r"|spin|stop"
    r"|stay|hold|fit|go|come)\w{0,4}\b"
    r"|\b(?:blinks?|blinking|flash(?:es|ing)|leaks?|leaking|drips?|dripping|rattles?|rattling|squeaks?|squeaking|limps?"
    r"|limping|coughs?|coughing|vomits?|vomiting|crash(?:es|ed|ing)|freezes|freezing|flickers?|flickering|overheats"
    r"|overheating|beeps?|beeping|hums|humming|smells|buzzes|buzzing|wobbl\w{1,4}|stopped (?:\w{1,15}ing)|fail(?:s|ed)"
    r"|broke|burst|snapped|scratched|dented|ruined|stained|fell off|tripped|jams|sticks)\b"
    r"|\bkeeps? \w{2,20}ing\b"
    r"|\bno (?:(?:\w{1,15} ){0,1})(?:signal|heat|heating|hot water|water|power|internet|connection|sound|picture"
    r"|reception"
    r"|light|gas|dial tone|image|electricity|network|wifi|wi-fi|display|pressure|brakes?)\b"
    r"|\bthere(?:['’]s| is| are) (?:a|an|some|no)? ?(?:\w{1,15} ){0,2}(?:leak|noise|smell|crack|hole|error|rattle"
    r"|puddle"
    r"|stain|scratch|dent)\b"
    r"|\b(?:has|have|got) (?:a|an) (?:\w{1,15} ){0,2}(?:leak|crack|hole|puncture|flat|fever|dent|scratch|stain"
    r"|tear|limp"
    r"|cough|rash)\b",
    re.I,
)
_FAULTY_HAN = re.compile(
    r"(?:不|没)(?:出纸?|转|亮|响|动|热|冷|制冷|制热|显示|通电|工作|启动|开机|充电|走|灵|吃|排水|进水|出水|能用"
    r"|好用|了|停)"
    r"|没(?:反应|声音?|信号|网|电|水|图像|画面|热水|气|油|墨|纸|劲|力|动静|杂音)|(?:[打开关连充锁登用进按拧插读写刷吸排转点]|启动)不了"
    r"|[\u4e00-\u9fff](?<![来去等差受忍想要过算顾舍用得])不(?:开|上|着|动|到|进|出|下|掉|紧|住|清|起来|进去|出来|下去)"
    r"|坏了|坏掉|漏(?:水|油|气|电|了)|(?:洒|撒|碎|凉|馊|糊|变形|掉)了|(?:送|做|发|装)错了?"
    r"|一直(?:在)?[\u4e00-\u9fff]{1,6}|老是[\u4e00-\u9fff]{1,6}|[老总](?:是|在)?(?:掉|死机|重启|报错|跳|断|漏|抖|晃|滴|卡|响|闪)"
    r"|一[闪跳抖晃卡亮]一|死机|黑屏|蓝屏|花屏|闪屏|断电|偏色|忽[\u4e00-\u9fff]忽|重影|模糊|失灵|失真|鼓包|松动|脱落|短路|跳闸|杂音|生锈|掉色|发[黄黑霉白红紫麻软抖热]|变[形色黄黑慢]"
    r"|自己(?:会)?[关开停断重]|卡纸|卡住|卡顿|断线|掉线|掉链|异响|报错|裂|断了|破了|堵了|冒烟|发烫|松了|咳嗽|呕吐|拉肚子"
    r"|发烧|疼|红灯|报警|痒|痛(?!快)|肿|起(?:了|着)?[\u4e00-\u9fff]{0,2}[疹疱泡痘皮包]|流(?:血|鼻涕|脓|眼泪)|发炎|过敏|恶心"
    r"|头晕|失眠|麻木|脱皮|鼻塞|耳鸣|胸闷|腹泻|便秘"
    r"|(?:声音|噪音|动静|味道?|异味)(?:很|太|特别|有点|好|比较|非常|越来越)?(?:大|响|重|吵|刺耳|难闻)|[大响吵慢热烫冷臭脏]得(?:像|跟|很|厉害|不行|要命|慌|受不了)"
    r"|(?:还是|还在|仍然?|依然|依旧)(?:会|在)?(?:亮|响|闪|漏|堵|卡|慢|烫|吵|疼|痛|痒|咳|掉|断|跳|抖|晃|滴|冒|臭|[不没][\u4e00-\u9fff])"
)
_LEADS = re.compile(
    r"^\W*(?:(?:hi|hello|hey|well|so|and|also|please|ok|okay|yes|it(?:['’]s| is) (?:that|because)|because|since"
    r"|the problem is(?: that)?|it says|my)\b\W*){0,4}",
    re.I,
)
_LEADS_HAN = re.compile(r"^\W*(?:(?:你好|您好|我们?的|我家的?|家里的?|那个|就是|问题是|现在)[，, ]?){0,3}")
_TAIL = re.compile(r"\W*$")
_TAIL_HAN = re.compile(
    r"(?:(?:[要想得]|需要)?(?:报个?修|送修|维修|修理|修一下|修)|咋整|咋办|怎么办|怎么回事|怎么弄|啊|呀|呢|吧|[\W])*$"
)
_WISH = re.compile(
    r"\b(?:i(?:['’]d| would)? (?:like|need|want)|please|could you|can you|can someone|book|come by)\b"
    r"|帮我|麻烦|我要|我想|请",
    re.I,
)
_QUESTION_MARKS = ("?", "？")


_BROKEN = re.compile(
    r"^[又也都就已经好像]{0,4}(?:坏掉?|出[了现]?(?:问题|故障|毛病)|有(?:点|些)?(?:问题|故障|毛病)|不行|不好)了?$"
)
"""Says that a thing is broken and not how."""
_NO_LONGER = re.compile(r"[不没](?!了)[\u4e00-\u9fff]{1,5}了$")
"""Ends with "no longer", of which the last character is the tense."""
_BESIDE = re.compile(r"^(?:[的又也都就、 ]|怎么|为什么|咋|突然|好像|现在|今天|最近|刚刚?){0,3}")


@dataclass(frozen=True, slots=True)
class Things:
    """What can be faulty in Chinese: the things that a service's slots list, and the words that describe it."""

    listed: frozenset[str] = frozenset()
    described: str = ""

    def end_in(self, clause: str, fault: int) -> int:
        """Characters of the clause up to the end of the thing; the thing stands before `fault`, where that begins."""
        before = clause[: max(0, fault) + 1]  # "机不出" of "打印机不出纸" looks like a verb
        size = max((before.rfind(word) + len(word) for word in self.listed if word in before), default=0)
        if not size:
            start = clause[:_LONGEST].find("的") + 1  # "我们店的打印机"
            ends = range(start + _SHORTEST, min(start + _LONGEST, len(before)) + 1)
            size = max((n for n in ends if HAN.match(clause[n - 1]) and clause[start:n] in self.described), default=0)
        beside = _BESIDE.match(clause[size:])
        return size + (beside.end() if beside and size else 0)


_SHORTEST, _LONGEST = 2, 8
"""Characters of a thing that the words about a service name."""
NOTHING = Things()


@lru_cache(maxsize=1024)
def things_of(service: Service) -> Things:
    """What can be faulty by the schema of a service."""
    listed = {w for s in service.slots for v in s.values for w in (v.value, *v.aliases) if HAN.search(w)}
    intents = (f"{intent.name} {intent.description}" for intent in service.intents)
    return Things(frozenset(listed), " ".join([service.name, service.description, *intents]))


@lru_cache(maxsize=4096)
def holds_fault(slot: Slot) -> bool:
    """Whether the slot holds what is wrong with something, in free words."""
    if slot.values or slot.kind not in (None, "text"):
        return False
    if names_thing(slot):
        return False
    return _SLOT.search(f"{slot.name.replace('_', ' ')} . {slot.description}") is not None


@lru_cache(maxsize=512)
def fault_in(text: str, things: Things = NOTHING) -> tuple[int, int] | None:
    """Where the message tells of a fault: the first clause that does, without what leads to it.

    In Chinese the thing that is faulty and an ending that says nothing of the fault are no part of it ("空调不制冷了");
    a clause that tells no more than that one of `things` is broken tells no fault.
    """
    start = 0
    breaks = [*BREAK.finditer(text), None]
    for match in breaks:
        end = match.start() if match else len(text)
        asked = text[end : end + 1] in _QUESTION_MARKS
        found = None if asked else _told(text, start, min(end, start + 4 * MAX_FAULT), things)
        if found is not None:
            return found
        if match:
            start = match.end()
    return None


@lru_cache(maxsize=512)
def tells_broken(text: str, things: Things) -> bool:
    """Whether a clause of a Chinese message tells that one of `things` is broken, and no more of it."""
    for clause in BREAK.split(text[: 4 * MAX_FAULT]):
        thing = max((clause.rfind(word) + len(word) for word in things.listed if word in clause), default=0)
        if thing and _BROKEN.match(clause[thing:]):
            return True
    return False


def _told(text: str, start: int, end: int, things: Things) -> tuple[int, int] | None:
    clause = text[start:end]
    han = _FAULTY_HAN.search(clause)
    if not (han or _FAULTY.search(clause)) or _WISH.search(clause):
        return None
    lead = (_LEADS_HAN if han else _LEADS).match(clause)
    tail = (_TAIL_HAN if han else _TAIL).search(clause)
    first, last = lead.end() if lead else 0, tail.start() if tail else len(clause)
    if han:
        thing = things.end_in(clause[first:last], han.start() - first)
        if thing and _BROKEN.match(clause[first + thing : last]):
            return None
        if thing and _FAULTY_HAN.search(clause[first + thing : last]):
            first += thing
        last -= _ends_with_tense(clause[first:last])
    return (start + first, start + last) if 1 < last - first <= MAX_FAULT else None


def _ends_with_tense(fault: str) -> bool:
    """Whether the 了 at the end is only the tense: behind "no longer", or behind a word that tells the fault itself."""
    if not fault.endswith("了"):
        return False
    told = [match for match in _FAULTY_HAN.finditer(fault) if match.end() == len(fault) - 1 and len(match[0]) > 1]
    return bool(told) or _NO_LONGER.search(fault) is not None
