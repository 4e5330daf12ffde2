"""Places in Chinese messages, by what leads to them: "寄到澜平", "从柏叶路 40 号取", "改送城东总站".

Chinese writes names of places without capitals or spaces, so that only the verb or preposition before one and what
follows it show where it stands. Every pattern is bounded and ends inside its clause.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from services.common.schema import Slot
from services.tracker.domain import acts
from services.tracker.domain.details import ADDRESS, form_of
from services.tracker.domain.faults import holds_fault
from services.tracker.domain.findings import Filling
from services.tracker.domain.lexicon import ServiceRules
from services.tracker.domain.standing import Stand
from services.tracker.domain.words import HAN

FROM, TO, ANY = "from", "to", ""
_MOST = 10
"""Places looked for in a message."""

_SLOT = re.compile(
    "目的地|地址|地点|住址|城市|起点|终点|出发地|到达地|[到去从在]哪(?!里?[坏疼痛])|哪[座个](?:城"
    "|地方|县|小区)|什么地方"
)
_FROM_SLOT = re.compile("取|从哪|[到去]哪[里儿]?[取拿接]|搬出|迁出|出发|起点|寄出|发货|上车|装货|提货|接[人客]|旧址")
_TO_SLOT = re.compile("目的地|送|寄[到往达]|运[到往]|搬[入到进]|迁入|收[货件]|终点|到达|下车|卸货|新址|发往|飞往")

_TIME = (
    r"[今明后]天|[今明后]早|[今明]晚|下?下?周|星期|礼拜|[上下]午|早上|晚上|中午|月底"
    r"|年底|月初|时候|\d{1,2} ?[点月:：]|[一二两三四五六七八九十]{1,3}[点月天年]"
)
_NO_PLACE = (
    rf"(?!{_TIME}|[了的吗吧呢过付底货位来去不没也就期账手]|时[候间]?[，。！？ ]?$|现[在场]"
    rf"|目前|无所谓|随便|都[行好可成是]|家(?:里|门口|楼下)?(?:[，。！？ 吧就的]|$)|[我你您他她它咱]"
    rf"|[这那哪几]|什么|怎么|多少|一[个下点些趟]"
    r"|手|期|账|哪|之前|以后|最[近后]|\d+ ?[天个公斤元块])"
)
_VALUE = rf"{_NO_PLACE}(?P<place>[\u4e00-\u9fffA-Za-z0-9][\u4e00-\u9fffA-Za-z0-9·() -]{{1,24}}?)"
_END = (
    r"(?= ?(?:这边|那边|那里|那儿|门口)?(?:去吧|吧|就行|就好|就可以|可以[吗么]?|行[吗么]?"
    r"|好[吗了]|啊|呀|呢|哈|谢谢|来|去|的)?"
    rf" ?(?:[，。！？；、,.!?;\n]|$|大概|大约|多少|要[多几花]|需要|怎么|得[多几]|[要得]?几天|能不能|{_TIME}"
    r"|[取拿接提]|的(?:快递|快件|件|东西|运费|货|票)|电话|收件人|收货人|联系))"
)
_TAKES = r"(?=(?:这边|那边|那里|门口)?(?:来|去)?(?:取|拿|接|提|拉(?!到)|搬(?!到)))"
_PATTERNS: tuple[tuple[str, bool, re.Pattern[str]], ...] = (
    (
        FROM,
        True,
        re.compile(rf"从{_VALUE}(?=取|拿|接|搬|出发|寄|发|运|送|拉|到|去|来|走|往|飞|搭|上车|[，。！？；,;]|$)"),
    ),
    (FROM, True, re.compile(rf"(?<![送寄发运搬拉邮递飞改换])(?:到|去|在|来){_VALUE}{_TAKES}")),
    (
        FROM,
        True,
        re.compile(
            r"(?:取货|取件|拿货|提货|接人|发货|装货|上车|出发|取车|搬出)(?:的?(?:地址|地点"
            r"|地方|点))?(?:就?在|就?是|是在|改[到在成]|：|:) ?"
            rf"{_VALUE}{_END}"
        ),
    ),
    (TO, True, re.compile(rf"(?:送|寄|发|运|搬|拉|邮|递|捎|飞|开)(?:货|件|过)?(?:到|往|去|至|达){_VALUE}{_END}")),
    (
        TO,
        True,
        re.compile(
            r"(?:新家|新址|新房|新地址|新办公室|收货地址?|收件地址|送货地址|收货|送货|目的地"
            r"|终点|下车|卸货|搬入)(?:的?(?:地点|点))?"
            rf"(?:就?在|就?是|是在|改[到在成]|换[到成]|：|:) ?{_VALUE}{_END}"
        ),
    ),
    (TO, True, re.compile(rf"(?:改|换|直接|还是)(?:送|寄|发|运|拉)(?!的|货|件|了|成|给){_VALUE}{_END}")),
    (
        TO,
        True,
        re.compile(
            rf"(?<=[\u4e00-\u9fff])(?<![要想能会我们帮来去请再给先就急专拼不用上改包配得可以])送(?!的"
            rf"|货|装|件|了|给|上门|来|过){_VALUE}{_END}"
        ),
    ),
    (TO, False, re.compile(rf"(?<![送寄发运搬拉邮递飞等不没迟晚早感得做直提])(?:到|去|往){_VALUE}{_END}")),
    (ANY, False, re.compile(rf"(?<![放存现正实不])(?:就在|是在|在){_VALUE}{_END}")),
)
_LOOKS = re.compile(
    r"\d ?(?:号|栋|幢|座|弄|楼|室|单元)|(?:路|街|巷|弄|道|里|村|镇|县|区|市|省|城|苑|园"
    r"|小区|花园|公寓|大厦|广场|新村|新城|站|门|口|港"
    r"|机场|学校|大学|医院|市场|中心|酒店|宾馆|店|厂|仓|桥|湾|岛|州)$"
)
"""How names of places end, where no verb says that one follows."""
_MOVES = re.compile("[寄送发运搬飞开坐拉]|快递|包裹|车票|机票|出发|旅")


@dataclass(frozen=True, slots=True)
class HanPlace:
    """A place of a message: where it stands, which way its words lead, and whether they surely lead to a place."""

    start: int
    end: int
    direction: str
    sure: bool


@lru_cache(maxsize=2048)
def direction_of(slot: Slot) -> str | None:
    """Which way the place lies that a Chinese slot holds, `ANY` where nothing says; None where it holds none."""
    words = f"{slot.name} {slot.description}"
    if slot.values or slot.kind not in (None, "name", "text") or not HAN.search(words):
        return None
    if form_of(slot) not in (None, ADDRESS) or holds_fault(slot) or not _SLOT.search(words):
        return None
    for text in (slot.name, slot.description):
        for direction, pattern in ((FROM, _FROM_SLOT), (TO, _TO_SLOT)):
            if pattern.search(text):
                return direction
    return ANY


@lru_cache(maxsize=512)
def han_places(text: str) -> tuple[HanPlace, ...]:
    """The places of a Chinese message, in its order; none in other languages."""
    if not HAN.search(text):
        return ()
    found: list[HanPlace] = []
    for direction, sure, pattern in _PATTERNS:
        for match in islice(pattern.finditer(text), _MOST):
            start, end = match.span("place")
            end = start + len(match["place"].rstrip())
            known = sure or _LOOKS.search(text[start:end]) is not None
            if not any(p.start < end and start < p.end for p in found) and HAN.search(text[start:end]):
                found.append(HanPlace(start, end, direction, known))
    return tuple(sorted(found, key=lambda place: place.start)[:_MOST])


def fill_han_places(rules: ServiceRules, text: str, asked: dict[str, float], filling: Filling) -> None:
    """Gives the places of a Chinese message to the slots that lie that way; one that lies no way takes any."""
    slots = [(s, direction_of(s.slot)) for s in rules.slots if s.fillable and not s.place]
    slots += [(s, direction_of(s.slot)) for s in rules.slots if s.fillable and s.place]
    known = [(slot, direction) for slot, direction in slots if direction is not None]
    if not known or not HAN.search(text) or acts.only_asks(text):
        return
    found = han_places(text)
    journey = any(place.direction == FROM for place in found)
    for place in found:
        span = place.start, place.end
        sure = place.sure or any(slot.slot.name in asked for slot, _ in known) or _MOVES.search(text) is not None
        sure = sure or (journey and place.direction == TO)  # "从梅园新村去北港码头"
        if not sure or filling.standing.of(*span) in (Stand.EXCEPTED, Stand.ASKED) or not filling.free(*span):
            continue
        if place.direction == ANY and not place.sure:
            continue
        fitting = [s for s, direction in known if direction == place.direction or not direction]
        if place.direction == ANY:
            fitting = [s for s, _ in known if s.slot.name in asked] or (fitting if len(known) == 1 else [])
        fitting = [s for s in fitting if filling.open(s, span)]
        if fitting:
            best = max(fitting, key=lambda s: (bool(direction_of(s.slot)), asked.get(s.slot.name, 0.0)))
            filling.put(best, text[slice(*span)], span)
