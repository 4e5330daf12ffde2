"""Numbers of a message to the slots that count or measure something."""

from __future__ import annotations

import re

from services.tracker.domain import acts
from services.tracker.domain.details import form_of
from services.tracker.domain.findings import Filling, words_after, words_before
from services.tracker.domain.han_numbers import comparable, is_scale, same_unit, told_unit, unit_asked, years_in
from services.tracker.domain.lexicon import ServiceRules, SlotRules
from services.tracker.domain.normalise import Mention, number_value
from services.tracker.domain.standing_words import CORRECTS
from services.tracker.domain.state import State
from services.tracker.domain.words import HAN, stem, tokens_of

_ALONE = re.compile(r"\b(?:just me|only me|by myself|myself|alone|solo|on my own|for me only)\b", re.I)
_COMPANY = re.compile(
    r"\b(?:me|i) and (?:my|a|one)(?: \w+)? \w+\b"
    r"|\bmy (?:wife|husband|partner|girlfriend|boyfriend|friend) and (?:me|i)\b",
    re.I,
)
_OF_US = re.compile(r"^ of us\b|^ (?:people|persons|adults|guests)\b", re.I)
_COUNTS_US = re.compile(
    r"\b(?:(?:we|there|it)(?:['’]ll| will) be|we(?:['’]re| are)|there(?:['’]s| are| is)|party of|make (?:it|that"
    r"|us)|now)"
    r"\s+(?:only |just |actually |now )?$",
    re.I,
)
_READS = re.compile(r"\b(?:reads|shows|says|displays|stands at|is at|is on|showing|reading) $", re.I)
"""Before what a counter shows."""
_MEASURES = frozenset({"day", "night", "hour", "minut", "week", "star", "room", "bed", "bath"})
_PRICED = re.compile("钱|金额|价|费|预算")
_WEIGHT = re.compile("多重|重量|体重")
_TIME_MEASURES = "点月号日天晚周星年分秒小岁楼层元块"
_RATE = re.compile(r" ?[\u4e00-\u9fff]{1,3}?(?:是|要|收|得)?(?:怎么(?:算|收|卖)|多少|几(?:块|元|毛)|什么价)")
"""Behind the one of "what does one kilo cost" in Chinese: a rate, and no amount."""
_LEAST = 0.9
"""How well a number must fit a slot at least."""
_SHORT = 60
"""Characters of a message that only corrects a number."""


def fill_numbers(
    rules: ServiceRules,
    state: State,
    text: str,
    asked: dict[str, float],
    mentions: list[Mention],
    filling: Filling,
) -> None:
    """Numbers to the slot whose noun stands beside them ("two rooms", "party of 5"), or that was asked for."""
    slots = [s for s in rules.slots if s.kind == "number" and s.fillable and form_of(s.slot) is None]
    if acts.only_asks(text) and HAN.search(text):
        return  # "一公斤怎么算钱？" tells no weight
    held = [s for s in slots if s.slot.name in state.service(rules.service.name).slots]
    corrected = held[0] if len(held) == 1 and len(text) <= _SHORT and CORRECTS.search(text) else None
    for mention in [*mentions, *_years(slots, text)]:
        if mention.kind not in ("number", "money") or not filling.free(mention.start, mention.end):
            continue
        value = _amount(mention)
        span = mention.start, mention.end
        free = [s for s in slots if filling.open(s, span) and filling.meant(s, *span) and _takes(s, value)]
        scored = [(_number_fit(s, slots, text, mention, asked), s) for s in free]
        if not any(score >= _LEAST for score, s in scored if s is not corrected):  # "20 people" corrects no hours
            scored = [(score + (1.2 if s is corrected else 0.0), s) for score, s in scored]
        scored = [(score + _put_right(filling, s, text, mention), s) for score, s in scored]
        if not scored:
            continue
        best, slot = max(scored, key=lambda pair: pair[0])
        ambiguous = mention.text.lower() == "one" and best < 1.5
        if best >= _LEAST and not ambiguous and not acts.is_factual_question(text, mention.start):
            span = mention.start, _end(slot, text, mention)
            filling.put(slot, value if slot.values or slot.slot.values else text[slice(*span)], span)
    for slot in [s for s in slots if s.people and s.slot.name not in filling.values][:1]:
        alone, company = _ALONE.search(text), _COMPANY.search(text)
        if company and _takes(slot, "2"):
            filling.put(slot, "2", company.span())
        elif alone and _takes(slot, "1"):
            filling.put(slot, "1", alone.span())


def _put_right(filling: Filling, slot: SlotRules, text: str, mention: Mention) -> float:
    """What it says for a slot that a bare number corrects the one given it before ("20 people. No, 25")."""
    alone = re.match(r"\W*(?:$|[.,;!?](?:\s|$))", text[mention.end : mention.end + 4]) is not None
    return 2.0 if alone and filling.corrected(slot.slot.name, (mention.start, mention.end)) else 0.0


def _years(slots: list[SlotRules], text: str) -> list[Mention]:
    """Years, which are no numbers of their own, where a slot wants a length of time in another unit ("半年")."""
    if not any(comparable(_unit(slot), "年") for slot in slots):
        return []
    return [Mention("number", text[start:end], start, end) for start, end in years_in(text)]


def _unit(slot: SlotRules) -> str:
    return unit_asked(f"{slot.slot.description} {slot.slot.name}")


def _end(slot: SlotRules, text: str, mention: Mention) -> int:
    """Where the value ends: behind its unit where that is another than the slot's ("10 斤", "两个半小时")."""
    unit, end, halved = told_unit(text, mention.end)
    own = _unit(slot)
    kept = halved or (own and is_scale(own) and not same_unit(own, unit) and comparable(own, unit))
    return end if kept else mention.end


def _amount(mention: Mention) -> str:
    whole = number_value(mention.text)
    if whole is not None:
        return whole
    bare = re.sub(r"dollars|bucks|euros|pounds|yuan|[$€£¥元块\s]", "", mention.text, flags=re.I)
    return number_value(bare) or mention.text


def _takes(slot: SlotRules, value: str) -> bool:
    return not slot.slot.values or value in slot.slot.value_names


def _number_fit(slot: SlotRules, slots: list[SlotRules], text: str, mention: Mention, asked: dict[str, float]) -> float:
    """How well a number fits a slot: by the two words behind it, the three before it, and the question."""
    after = [stem(w) for w in tokens_of(" ".join(words_after(text, mention.end, 2)))]
    before = [stem(w) for w in tokens_of(" ".join(words_before(text, mention.start, 3)))]
    score = 2.0 * sum(slot.cues.get(w, 0.0) for w in after[:1])
    score += 1.5 * sum(slot.cues.get(w, 0.0) for w in after[1:2])
    score += sum(slot.cues.get(w, 0.0) for w in before)
    priced = slot.cues.keys() & {"amount", "pric", "budget", "cost"} or _PRICED.search(slot.slot.name)
    if priced and (mention.kind == "money" or _sum(text, mention)):
        score += 1.5
    if slot.slot.name in asked and (not after or mention.text.isdigit() or len(text.split()) <= 6):
        score += min(asked[slot.slot.name], 2.0)
    others = any(s.cues.get(after[0], 0.0) >= 0.5 for s in slots if after and s is not slot)
    if mention.text.endswith(("年", "年半")):
        return score + 2.0 if comparable(_unit(slot), "年") else 0.0
    if mention.text in ("一", "1") and _RATE.match(text, mention.end):
        return 0.0
    if HAN.search(text[mention.end : mention.end + 3].lstrip(" ")[:1]):
        if not asked and _is_article(text, mention):
            return 0.0  # "我要一套" counts nothing: it is the article
        score += _measure_fit(slot, slots, text, mention)
    if len(slots) == 1 and not after and _READS.search(text[max(0, mention.start - 20) : mention.start]):
        score += 1.0
    if slot.people and _OF_US.match(text[mention.end : mention.end + 12]):
        score += 1.5
    if slot.people and _COUNTS_US.search(text[max(0, mention.start - 30) : mention.start]):
        score += 1.5
    if slot.people and before[-1:] == ["for"] and not others and not set(after[:1]) & _MEASURES:
        score += 1.0
    return score


def _sum(text: str, mention: Mention) -> bool:
    """Whether a large Chinese number without a measure word is most likely an amount of money ("一千八百六")."""
    large = any(c in "百千万" for c in mention.text)
    return large and not HAN.match(text[mention.end : mention.end + 2].lstrip(" 左右上下多来"))


def _is_article(text: str, mention: Mention) -> bool:
    """Whether a Chinese "one" before a measure word is no more than an article."""
    measure = text[mention.end : mention.end + 1]
    if text[mention.end : mention.end + 2] == "个人":
        return False
    if mention.text != "一" or measure not in set("套个份下次门张台种"):
        return False
    before, behind = text[mention.start - 1 : mention.start], text[mention.end + 1 : mention.end + 2]
    counted = HAN.match(before) and before not in _TAKES and not HAN.match(behind)
    return not counted  # "签证一份" counts what stands before it


_TAKES = frozenset("要来有买订办租借给搞弄选拿开寄存做想报个带")


def _measure_fit(slot: SlotRules, slots: list[SlotRules], text: str, mention: Mention) -> float:
    """How well a number before a Chinese measure word fits: the slot's words have it, or no other slot counts."""
    measure = text[mention.end : mention.end + 3].lstrip(" ")[:2]
    own, (unit, _, _) = _unit(slot), told_unit(text, mention.end)
    if (is_scale(own) or is_scale(unit)) and own and unit:
        return 2.0 if comparable(own, unit) else 0.0
    if _WEIGHT.search(slot.slot.name + slot.slot.description):
        return 2.0 if comparable("公斤", unit) else 0.0
    if slot.counts_people and measure[:1] not in "人位名个口":
        return 0.0
    if (
        measure[:1] in "人位名口"
        or measure == "个人"
        or _ONLY_I.search(text[max(0, mention.start - 4) : mention.start])
    ):
        counting = [s for s in slots if s.counts_people]
        if counting:
            return 2.0 if slot in counting else 0.0
    if any(measure[:1] in (s.slot.name + s.slot.description) for s in slots):
        return 2.0 if measure[:1] in slot.slot.name else 1.5 if measure[:1] in slot.slot.description else 0.0
    if measure[:1] in _TIME_MEASURES:
        return 0.0
    return 1.2 if measure[:1] not in "人位" or slot.people or len(slots) == 1 else 0.0


_ONLY_I = re.compile("我(?:自己)?$")
