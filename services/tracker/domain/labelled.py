"""Values that follow the slot's own name in Chinese ("公司叫云帆贸易", "学员是林晚秋", "姓名：何其芳")."""

from __future__ import annotations

import re
from functools import lru_cache

from services.common.schema import Slot
from services.tracker.domain.faults import holds_fault
from services.tracker.domain.han_numbers import MEASURES
from services.tracker.domain.words import HAN

_SAYS = (
    r"(?:的)?(?:名字|名称|全称|名|姓名)?[先就还也]?"
    r"(?:叫做|叫作|叫|写的?是|写成|写|填的?是|填|是|为|改成|改为|换成|：|:)[ ]?"
)
_VALUE = r"(?P<value>[^，。！？；、,!?;\s]{1,30}?)(?:就好|就行|就可以|吧|的)?(?=[，。！？；、,!?;\s]|$)"
_REPLACED = re.compile(
    r"(?:换成|改成|改为|换|改)(?P<value>(?![送寄运发拉取拿来去])[\u4e00-\u9fff·]{2,15}?)(?:吧|来|上|了|就好|就行)?(?=[，。！？；\s]|$)"
)
_GENERAL = re.compile(r"客户|用户|名称|名字|姓名|的|名|要|什么|哪|个|所|称呼|怎么|写|联系|填")
_NOT_VALUES = re.compile(r"^(?:什么|哪|谁|多少|不|没|几|这|那|吗|呢|要|可以|我|你|同一|一样|随便)")
_AMOUNT = re.compile(rf"^(?:一下|再|[一二两三四五六七八九十百几半]{{1,3}} ?[{MEASURES}种款批次])")
"""What is put in a number's or another day's place ("改成两台", "换一天")."""
_COMPANY = re.compile(r"公司|单位|企业|店")
_PERSON = re.compile(r"姓名|名字|联系人|称呼|学员|病人|患者|客人")
_WE_ARE = re.compile(rf"(?:我们(?:公司|店|单位)?|本公司)(?:叫做|叫|是){_VALUE}")


@lru_cache(maxsize=2048)
def _patterns(slot: Slot) -> tuple[re.Pattern[str], ...]:
    words = {slot.name, *_GENERAL.split(slot.description)} | set(_GENERAL.split(slot.name))
    labels = sorted((re.escape(w) for w in words if 2 <= len(w) <= 8 and HAN.search(w)), key=len, reverse=True)
    company = _COMPANY.search(f"{slot.name}{slot.description}")
    if company:
        labels += [w for w in ("公司", "单位", "店") if w not in labels]
    found = [re.compile(rf"(?:{'|'.join(labels)}){_SAYS}{_VALUE}")] if labels else []
    return tuple([*found, _WE_ARE] if company else found)


def labelled(slot: Slot, text: str, held: str | None, *, several: bool) -> tuple[int, int] | None:
    """Where the text gives the slot's value behind its name; None where it does not.

    `held` is the value from before, which "换成…" replaces; `several` says that another slot could be meant by that.
    """
    if slot.values or slot.kind not in (None, "name", "text") or not HAN.search(slot.name):
        return None
    for pattern in _patterns(slot):
        for match in pattern.finditer(text):
            if not _NOT_VALUES.match(match["value"]) and text[match.end() : match.end() + 1] not in ("?", "？"):
                return match.span("value")
    if held is not None and not several and not holds_fault(slot):
        for match in _REPLACED.finditer(text):
            other = _NOT_VALUES.match(match["value"]) or _AMOUNT.match(match["value"])
            if not other and not re.search(r"\d|[月日号点周]", match["value"]):
                return match.span("value")
    return None
