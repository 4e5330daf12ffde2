"""The thing that a Chinese message is about, for slots whose values no schema lists: "送一张三米长的餐桌", "存几箱书".

A thing stands behind a number and a measure word, up to the word that goes on with something else; or it is a clause of
its own behind the wish ("想约个送装，跑步机"). All patterns are bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from services.common.schema import Slot
from services.tracker.domain import acts
from services.tracker.domain.details import form_of
from services.tracker.domain.faults import holds_fault
from services.tracker.domain.findings import Filling
from services.tracker.domain.han_places import direction_of
from services.tracker.domain.lexicon import ServiceRules
from services.tracker.domain.standing import Stand
from services.tracker.domain.standing_words import CORRECTS
from services.tracker.domain.words import HAN

_MOST = 8
"""Things looked for in a message."""
_SLOT = re.compile("物品|品名|东西|货物|物件|家具|器材|衣物|行李|(?:送|寄|运|存|洗|修|装|搬)的是?什么|什么货")
_NO_SLOT = re.compile("多重|重量|多少|件数|数量|几件|几样|规格|价值|保价")
_COUNTS = "张件套双条台辆只部盒瓶箱袋口桶束盆棵页枚杯桌支枝朵颗粒把副幅组对株根架批包本卷块床顶捆"
_STOP = (
    r"(?=[，。！？；、,.!?;\n]|\s{0,3}$|在|送|寄|到|[要想请能给放从和跟坏碎吧了存运搬得也都可需过修洗丢带]"
    r"|麻烦|太|特别|怎么|多少| ?\d)"
)
_THING = re.compile(
    r"(?:(?P<count>\d{1,3} ?|[一二两三四五六七八九十几]{1,2})|(?<=[要寄送存买运搬装修洗有了拿约]))"
    rf"(?P<measure>[{_COUNTS}]|个)(?!人|月|小时|星期|礼拜|钟)(?P<thing>(?![月人就吧够的是]"
    rf"|小时|行(?![李车]))[\u4e00-\u9fffA-Za-z0-9][\u4e00-\u9fffA-Za-z0-9 ]{{0,15}}?){_STOP}"
)
_VERB = re.compile(r"(?P<verb>[寄送存运搬装修洗租借退换])(?:一下|点|些|了)?[\u4e00-\u9fff]{0,2}$")
_BARE = re.compile(
    r"^ ?(?P<thing>(?:(?![的了吗吧我你您他她它是在有不要想可能请好行就都也这那哪什么谢再见对没会来去到从给和叫用急]"
    r"|今天|明天|后天|下周|周[一二三四五六日天末]|上午|下午|早上|晚上)[\u4e00-\u9fff]){2,8}) ?$"
)
_CLAUSE = re.compile(r"[^，。！？；,.!?;\n]{1,80}")


@dataclass(frozen=True, slots=True)
class HanItem:
    """A thing of a message: where it stands, and the verb before it that says what becomes of it ("" for none)."""

    start: int
    end: int
    verb: str


@lru_cache(maxsize=2048)
def holds_item(slot: Slot) -> bool:
    """Whether a Chinese slot holds a thing by its name, whatever it is."""
    words = f"{slot.name} {slot.description}"
    if slot.values or slot.kind not in (None, "name", "text") or not HAN.search(words) or form_of(slot) is not None:
        return False
    if _NO_SLOT.search(words) or holds_fault(slot) or direction_of(slot) is not None:
        return False
    return _SLOT.search(words) is not None


@lru_cache(maxsize=512)
def han_items(text: str) -> tuple[HanItem, ...]:
    """The counted things of a Chinese message, in its order; none in other languages."""
    found = []
    for match in islice(_THING.finditer(text) if HAN.search(text) else (), _MOST):
        start = match.start("thing")
        verb = _VERB.search(text[max(0, match.start() - 6) : match.start()])
        found.append(HanItem(start, start + len(match["thing"].rstrip()), verb["verb"] if verb else ""))
    return tuple(found)


def item_weight(rules: ServiceRules, text: str) -> float:
    """What the verb before a thing says for a service that takes things ("送一张餐桌" for one that delivers)."""
    if not any(holds_item(slot.slot) for slot in rules.slots):
        return 0.0
    names = _names_of(rules)
    return 0.8 if any(item.verb and item.verb in names for item in han_items(text)) else 0.0


def _names_of(rules: ServiceRules) -> str:
    """What the service and its intents are called."""
    return " ".join([rules.service.name, *(intent.name for intent in rules.service.intents)])


def fill_han_items(rules: ServiceRules, held: dict[str, str], text: str, filling: Filling) -> None:
    """Fills the service's slot for a thing; `held` are the values from before, which only a correction or an answer to
    the question replaces."""
    slots = [s for s in rules.slots if s.fillable and s.slot.name not in filling.values and holds_item(s.slot)]
    if len(slots) != 1 or not HAN.search(text) or acts.only_asks(text):
        return
    slot, name = slots[0], slots[0].slot.name
    if name in held and name not in filling.asked and not CORRECTS.search(text):
        return
    spans = [(item.start, item.end) for item in han_items(text)]
    if name not in held:
        spans += _bare(text)
    own = _names_of(rules)
    for span in spans:
        if text[slice(*span)] in own:
            continue  # "想约个送装" names the service
        if filling.free(*span) and filling.standing.of(*span) not in (Stand.EXCEPTED, Stand.ASKED):
            filling.put(slot, text[slice(*span)], span)
            return


def _bare(text: str) -> list[tuple[int, int]]:
    """Clauses behind one that wishes something that are nothing but a name for a thing."""
    clauses = list(islice(_CLAUSE.finditer(text), _MOST))
    found, wished = [], False
    for clause in clauses:
        thing = _BARE.match(clause[0]) if wished else None
        if thing is not None:
            found.append((clause.start() + thing.start("thing"), clause.start() + thing.end("thing")))
        wished = wished or re.search("[想要约请]|帮我|麻烦", clause[0]) is not None
    return found
