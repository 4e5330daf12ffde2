"""What is wrong, told in the user's own words: the clause that fills a slot for a fault, a symptom or a damage."""

from __future__ import annotations

import re
from functools import lru_cache

from services.common.schema import Slot
from services.tracker.domain.standing_words import BREAK
from services.tracker.domain.things import names_thing

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
    r"|没(?:反应|声音|信号|网|电|水|图像|画面|热水)|(?:打|开|关|连|充|锁|登|用|进|启动)不(?:开|了|上|着|动|起来|进去)"
    r"|坏了|坏掉|漏(?:水|油|气|电|了)|(?:洒|撒|碎|凉|馊|糊|变形|掉)了|(?:送|做|发|装)错了?"
    r"|一直(?:在)?[\u4e00-\u9fff]{1,6}|[老总](?:是|在)?(?:掉线|死机|重启|报错|跳闸|卡"
    r"|响|闪)"
    r"|死机|黑屏|蓝屏|花屏|卡纸|卡住|卡顿|断线|掉线|掉链|异响|报错|裂|断了|破了|堵了|冒烟|发烫|松了|咳嗽|呕吐|拉肚子"
    r"|发烧|疼|红灯|报警"
)
_LEADS = re.compile(
    r"^\W*(?:(?:hi|hello|hey|well|so|and|also|please|ok|okay|yes|it(?:['’]s| is) (?:that|because)|because|since"
    r"|the problem is(?: that)?|it says|my)\b\W*){0,4}",
    re.I,
)
_LEADS_HAN = re.compile(r"^\W*(?:(?:你好|您好|我们?的|我家的?|家里的?|那个|就是|问题是|现在)[，, ]?){0,3}")
_TAIL = re.compile(r"\W*$")
_TAIL_HAN = re.compile(r"(?:咋整|咋办|怎么办|怎么回事|怎么弄|啊|呀|呢|吧|[\W])*$")
_WISH = re.compile(
    r"\b(?:i(?:['’]d| would)? (?:like|need|want)|please|could you|can you|can someone|book|come by)\b"
    r"|帮我|麻烦|我要|我想|请",
    re.I,
)
_QUESTION_MARKS = ("?", "？")


@lru_cache(maxsize=4096)
def holds_fault(slot: Slot) -> bool:
    """Whether the slot holds what is wrong with something, in free words."""
    if slot.values or slot.kind not in (None, "text"):
        return False
    if names_thing(slot):
        return False
    return _SLOT.search(f"{slot.name.replace('_', ' ')} . {slot.description}") is not None


@lru_cache(maxsize=512)
def fault_in(text: str) -> tuple[int, int] | None:
    """Where the message tells of a fault: the first clause that does, without what leads to it."""
    start = 0
    breaks = [*BREAK.finditer(text), None]
    for index, match in enumerate(breaks):
        end = match.start() if match else len(text)
        found = None if _asked(text, end, breaks, index) else _told(text, start, min(end, start + 4 * MAX_FAULT))
        if found is not None:
            return found
        if match:
            start = match.end()
    return None


def _asked(text: str, end: int, breaks: list[re.Match[str] | None], index: int) -> bool:
    return text[end : end + 1] in _QUESTION_MARKS


def _told(text: str, start: int, end: int) -> tuple[int, int] | None:
    clause = text[start:end]
    han = _FAULTY_HAN.search(clause)
    if not (han or _FAULTY.search(clause)) or _WISH.search(clause):
        return None
    lead = (_LEADS_HAN if han else _LEADS).match(clause)
    tail = (_TAIL_HAN if han else _TAIL).search(clause)
    first, last = lead.end() if lead else 0, tail.start() if tail else len(clause)
    return (start + first, start + last) if 1 < last - first <= MAX_FAULT else None
