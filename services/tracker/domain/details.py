"""Values with a form of their own: telephone numbers, codes, e-mail and postal addresses, people's names.

Such a value shows by its form and by the words that lead to it, so that it is read the same whatever the trade. All
patterns are bounded: a run of digits of any length is one look.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from services.common.schema import Slot
from services.tracker.domain.model_names import model_spans
from services.tracker.domain.normalise import typed_mentions
from services.tracker.domain.people import STAFF_TITLES, people, staff
from services.tracker.domain.standing_words import CORRECTS
from services.tracker.domain.state import DONTCARE
from services.tracker.domain.words import tokens_of

PHONE, EMAIL, CODE, ADDRESS, PERSON, SPAN, MODEL = "phone", "email", "code", "address", "person", "span", "model"
ROOM, STAFF = "room", "staff"
_LEAST_PHONE = 5
"""Digits of a telephone number at least."""

_FORMS = (
    (EMAIL, re.compile(r"\be-?mail\b|邮箱|电子邮件|邮件地址", re.I)),
    (PHONE, re.compile(r"\b(?:phone|telephone|mobile|cell|callback)\b|电话|手机|联系方式", re.I)),
    (
        CODE,
        re.compile(
            r"\b(?:order|ticket|customer|booking|reservation|invoice|contract|member(?:ship)?|reference|tracking"
            r"|serial|card"
            r"|account|licen[cs]e|plate|policy|case|article|meter|registration|voucher|coupon|parcel|confirmation|file"
            r"|library|patient|policy|repair|delivery|student|appointment|job|case)[\s_]+(?:card[\s_]+"
            r"|plate[\s_]+)?(?:numbers?|no|nr"
            r"|code|id)\b"
            r"|\b(?:number|code) (?:on|of) the (?:\w+ )?(?:order|appointment|repair|case|delivery|ticket|invoice"
            r"|contract|card|booking|parcel|receipt"
            r"|policy)\b"
            r"|\blicen[cs]e plate\b|编号|订单号|单号|卡号|会员号|车牌|序列号|证号|借书证|账号|工号|学号|取件码"
            r"|验证码|预约号|合同号",
            re.I,
        ),
    ),
    (ADDRESS, re.compile(r"\b(?:address|street)\b|地址|住址", re.I)),
    (ROOM, re.compile("房号|房间号|房间编号|门牌|室号|楼栋|[几哪][栋幢]")),
    (STAFF, re.compile(rf"(?:{STAFF_TITLES}) \. ")),
    (
        SPAN,
        re.compile(
            r"\bhow long\b(?! ago)|\bduration\b|\blength of (?:the |your )?(?:stay|visit|loan|hire|rental|break|pause"
            r"|freeze|contract|course|session|trip|time)\b|\b(?:rental|loan|hire|contract|freeze) (?:period|time)\b"
            r"|时长|期限|多久|多长时间",
            re.I,
        ),
    ),
    (MODEL, re.compile("型号|机型|车型|款号|产品|商品")),
    (
        PERSON,
        re.compile(
            r"\bnames? (?:of|for) (?:the )?(?:customer|guest|client|contact|caller|person|owner|holder|patient"
            r"|passenger"
            r"|student|participant|driver|child|pet|animal|dog|member|user|booker|recipient|reservation|booking)"
            r"|\bnames? (?:of|for) (?:who(?:ever)?|the (?:one|person|people)|somebody|someone)\b"
            r"|\b(?:customer|guest|client|contact|caller|owner|holder|patient|passenger|student|participant|driver"
            r"|child|pet"
            r"|last|full|first|your|member)['’]?s?[\s_]+names?\b|\bsurname\b|\bcontact[\s_]person\b"
            r"|联系人|姓名|称呼|名字|收件人|预订人|预约人",
            re.I,
        ),
    ),
)

_PHONE = re.compile(
    r"(?<![\w.@-])(?:\+\d{1,3}[ -]?)?(?:\(\d{2,5}\)[ -]?)?\d{2,5}(?:[ /-]?\d{2,5}){1,5}(?![\w@])"
    r"|(?<![0-9A-Za-z])(?:1[3-9]\d{9}|0\d{2,3}-?\d{7,8}|400-?\d{3}-?\d{4})(?![0-9A-Za-z])"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}", re.A)
_ROOM = re.compile(
    r"(?<![\dA-Za-z])(?:\d{1,3}|[一二三四五六七八九十]{1,3}) ?(?:号楼|[栋幢座])(?: ?(?:\d{1,2}|[一二三四五六]) ?单元)?"
    r"(?: ?(?:\d{1,2}|[一二三四五六七八九十]{1,3}) ?[层楼])?"
    r"(?: ?(?:\d{2,4}|[零〇一二三四五六七八九十]{2,5})(?: ?[室房号])?)?"
    r"|(?<![\dA-Za-z-])\d{1,2}-\d{1,2}(?:-\d{3,4})|(?<![\dA-Za-z-])\d{1,2}-\d{3,4}(?![\d-])"
    r"|(?<![\dA-Za-z-])\d{3,4} ?(?:室|号?房(?!间))"
)
"""A home by its building and number, a room by its number."""
_PLATE = r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z] ?·? ?[A-Z0-9]{5,6}(?![A-Za-z0-9])"
_CODE = re.compile(
    rf"{_PLATE}|"
    r"(?<![A-Za-z0-9@.+_-])(?:[A-Z]{1,4}[ -](?=[A-Za-z0-9/-]{0,6}\d))?(?:[A-Za-z]{1,8}-(?=\d))?"
    r"(?:\d{2,5}(?: \d{2,5}){1,4}(?![A-Za-z0-9])|[A-Za-z0-9]{0,8}\d[A-Za-z0-9]{0,14})"
    r"(?:[-/][A-Za-z0-9]{1,12}){0,3}(?: (?!OK|AM|PM)[A-Z]{2,3}(?![A-Za-z]))?(?![A-Za-z0-9@])"
)
_STREET = (
    r"(?:Street|St\.?|Road|Rd\.?|Lane|Ln\.?|Avenue|Ave\.?|Drive|Dr\.?|Way|Square|Court|Place|Close|Boulevard|Blvd\.?"
    r"|Row"
    r"|Terrace|Gardens?|Hill|Crescent|Quay|Walk|Mews|Parade|Grove|Park|Green)"
)
_ADDRESS = re.compile(
    rf"(?<!\w)\d{{1,5}}[a-zA-Z]?,? (?:[A-Z][\w'’.-]{{0,30}} |(?!(?:of|in|on|at|the|to|for) )[a-z]{{3,20}} ){{1,4}}?"
    rf"(?:{_STREET}|street|st|road|rd|lane|ln|avenue|ave|close|row|square|terrace|gardens|crescent"
    rf"|grove)(?!\w)(?:,? (?:(?i:flat|apartment|apt\.?|unit|floor|suite|ste\.?|room|level) ?#?|#)\w{{1,5}}"
    rf"|,? [A-Z](?=\s*(?:$|[.,;!?])))?"
    r"|\b[A-ZÄÖÜ][\wäöüß-]{1,30}(?:straße|strasse|str\.|weg|platz|gasse|allee) \d{1,4}[a-z]?\b"
    r"|(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{2,20}?(?:路|街|大道|巷|弄|胡同|小区|花园|大厦|广场|公寓|村|苑|里)"
    r"(?: ?[\u4e00-\u9fff]{0,6}? ?[0-9A-Za-z一二三四五六七八九十-]{1,6} ?(?:号楼|号院|号|栋|幢|座|单元|楼|层|室|房"
    r"|弄)?){1,6}"
)
_TOWN = re.compile(
    r", (?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|(?:January|February|March|April|May|June|July|August|September"
    r"|October|November|December)\b|Please|Thanks|And|But|My|The|It|From|At|On)"
    r"(?:\d{4,5} )?[A-Z][a-zà-ÿ'’-]{2,20}(?: [A-Z][a-zà-ÿ'’-]{2,20}){0,2}(?=[.,;?!]|$| (?:please|on|at|by|and|from)\b)"
)
"""The town behind a street."""
_ADDRESS_LEAD = re.compile(
    r"[\u4e00-\u9fff]{0,12}?(?:送到|寄到|送去|寄去|送(?![\u4e00-\u9fff]{0,3}[路街巷])|地址[是在为改]?成?到?|住在|家在|就在|从|改到|改成|换到|是在|去|在"
    r"|到)(?=[\u4e00-\u9fff]{2})"
)
_JUDGED = (
    r"(?:(?:also|still|just|quite|really|all|perfectly|absolutely|not|now|already|actually|indeed|exactly)"
    r"\s+){0,3}(?:correct|right|wrong|fine|ok|okay|good|great|perfect|incorrect|false|true|the same|same|known"
    r"|(?:new|old|different)(?=\W*$| (?:now|from|one)\b)|unchanged|missing"
    r"|below|above|attached|here|there|on file|in (?:my|the|your)|as (?:before|always)"
    r"|as usual|important|enough|up to date|valid|outdated|confirmed|clear|what|where|which|how|complete"
    r"|incomplete|spel(?:led|t)|yours?|hard|easy|not)\b"
)
"""What is said of a value, and is none ("the address is also correct")."""
_ADDRESS_NAMED = re.compile(
    r"(?i:\b(?:my|the|our|delivery|home|new)? ?address(?: is|:| would be)\s+"
    rf"(?!{_JUDGED}))(?P<value>[^.;!?\n]{{4,80}})"
    r"|地址(?:是|在|为|：|:|改成|改为|改到) ?"
    r"(?!对的|正确|没错|没有?问题|错|不对|一样|原来|之前|以前|上次|老|什么|哪|[我你]们?(?:知道|有))"
    r"(?P<han>[^，。；！？\n]{4,40})"
)
_COUNT = (
    r"(?:\d{1,4}(?:[.,]\d{1,2})?|half an?|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|fourteen|fifteen|eighteen|twenty|thirty)"
)
_SPAN = re.compile(
    rf"(?<![\w.,-]){_COUNT}(?:(?: ?[-–] ?| to | or )(?:{_COUNT}))?(?: and a half)?[ -]"
    r"(?:minute|hour|day|night|week(?:end)?|fortnight|month|year)s?(?![\w-])"
    r"|(?:\d{1,4}|半|[一二两三四五六七八九十]{1,3})(?:个半|个)?(?:分钟|小时|钟头|天|晚|周|星期|礼拜|月|年)",
    re.I,
)
_IN_UNITS = re.compile(
    r"\bin (?:minutes|hours|days|nights|weeks|months|years)\b|\b(?:number|count) of\b|\bhow many\b|天数", re.I
)
_NO_SPAN = re.compile(
    r"\b(?:in|within|every|last|past|after|before|since|under|over|aged?|each|per"
    r"|(?<!for the )(?<!for )(?:first|next))\s+(?:the |another )?$"
    r"|再过$|每$",
    re.I,
)
"""Before a length of time: it tells when, not how long."""
_PRICED = re.compile(
    r"(?:\d|[€$£¥]|\b(?:how much|costs?|prices?|rates?|fees?|charged?|charges|pays?|rent|euros?|dollars?|pounds?"
    r"|francs?|kroner|crowns|bucks|cents|quid))(?: (?!for\b)[a-z]{1,12}){0,4} $",
    re.I,
)
"""Before "a night": it tells what each one costs."""
_ONE = re.compile(r"an? ", re.I)
_NO_SPAN_BEHIND = re.compile(
    r"^[\s-]*(?:(?:ago|old|notice|before|later|from now|after|earlier)\b|前|后|以后|之前|之后)", re.I
)
_LABEL_WINDOW = 40


@dataclass(frozen=True, slots=True)
class Detail:
    """A value with a form of its own: the slot that takes it, as it was said, and where."""

    slot: str
    value: str
    start: int
    end: int


@lru_cache(maxsize=4096)
def form_of(slot: Slot) -> str | None:
    """The form of what the slot holds; None where it has none of its own, or the schema lists its values."""
    if slot.values or slot.kind in ("date", "time", "boolean"):
        return None
    words = f"{' '.join(tokens_of(slot.name))} {slot.name} . {slot.description}"
    form = next((form for form, pattern in _FORMS if pattern.search(words)), None)
    if slot.kind == "number" and form not in (CODE, PHONE):
        return None
    if form == SPAN and _IN_UNITS.search(words):  # "length of stay in days" is a number
        return None
    return form


def well_formed(slot: Slot, value: str) -> bool:
    """Whether a value can be what the slot holds: a telephone number has digits, an e-mail address its @."""
    form = form_of(slot)
    if value == DONTCARE or form in (None, PERSON, ADDRESS, MODEL, STAFF):
        return True
    if form == SPAN:
        return _SPAN.search(value) is not None
    if form == ROOM:
        return re.search(r"[\d一二三四五六七八九十]", value) is not None
    if form == PHONE:
        return sum(c.isdigit() for c in value) >= _LEAST_PHONE
    return "@" in value if form == EMAIL else any(c.isdigit() for c in value)


def details(slots: Mapping[str, Slot], text: str, asked: Mapping[str, float], held: Mapping[str, str]) -> list[Detail]:
    """The details of the text for those of `slots` that take one, by the form and the words that lead to it.

    `asked` are the slots that the reply before asks about, `held` the values from before.
    """
    by_form: dict[str, list[str]] = {}
    for name, slot in slots.items():
        form = form_of(slot)
        if form is not None:
            by_form.setdefault(form, []).append(name)
    found: list[Detail] = []
    for form in (EMAIL, ADDRESS, ROOM, PHONE, MODEL, CODE, SPAN, STAFF, PERSON):
        names = by_form.get(form)
        if not names:
            continue
        if form == MODEL:
            spans = tuple((*span, True) for span in _models(names, slots, text, asked))
        else:
            spans = _spans(form, text)
        for start, end, labelled in spans:
            if any(d.start < end and start < d.end for d in found):
                continue
            taker = _slot_for(form, names, slots, text, start, labelled, asked, held)
            if taker is not None:
                found = [d for d in found if d.slot != taker]  # the last word counts
                found.append(Detail(taker, text[start:end], start, end))
    return found


def _models(
    names: list[str], slots: Mapping[str, Slot], text: str, asked: Mapping[str, float]
) -> list[tuple[int, int]]:
    """Where models stand in the text; what the other slots list is no part of their names."""
    known = [word for slot in slots.values() for value in slot.values for word in (value.value, *value.aliases)]
    return model_spans(text, known, asked=any(name in asked for name in names))


@lru_cache(maxsize=512)
def _spans(form: str, text: str) -> tuple[tuple[int, int, bool], ...]:
    """(start, end, whether its own words lead to it) of what has that form. A message is looked at for each service."""
    return tuple(_find_spans(form, text))


def _find_spans(form: str, text: str) -> list[tuple[int, int, bool]]:
    if form == EMAIL:
        return [(m.start(), m.end(), True) for m in _EMAIL.finditer(text)][:10]
    if form == PHONE:
        phones = [m.span() for m in _PHONE.finditer(text)]
        return [(a, b, False) for a, b in phones if 6 <= sum(c.isdigit() for c in text[a:b]) <= 15][:10]
    if form == CODE:
        return _codes(text)
    if form == ROOM:
        return [(*match.span(), True) for match in islice(_ROOM.finditer(text), 10)]
    if form == STAFF:
        return staff(text)
    if form == SPAN:
        return _lengths(text)
    if form == ADDRESS:
        named = [(*m.span("value" if m["value"] else "han"), True) for m in _ADDRESS_NAMED.finditer(text)]
        named = [(a, _trimmed(text, a, b), True) for a, b, _ in named]
        free = [(m.start() + _lead(m[0]), _with_town(text, m.end()), True) for m in _ADDRESS.finditer(text)]
        longest = sorted([*free, *named], key=lambda span: span[0] - span[1])
        kept: list[tuple[int, int, bool]] = []
        for span in longest[:20]:
            if not any(a < span[1] and span[0] < b for a, b, _ in kept):
                kept.append(span)
        return sorted(kept)[:10]
    return people(text)


def _with_town(text: str, end: int) -> int:
    town = _TOWN.match(text, end)
    return town.end() if town else end


def _lead(address: str) -> int:
    """Characters of a Chinese address that only lead to it."""
    lead = _ADDRESS_LEAD.match(address)
    return lead.end() if lead else 0


def _codes(text: str) -> list[tuple[int, int, bool]]:
    typed = [(m.start, m.end) for m in typed_mentions(text) if m.kind != "number"]
    found = []
    for match in _CODE.finditer(text):
        start, end = match.span()
        word, _, rest = match[0].partition(" ")
        if rest and word in ("NO", "NR", "ID", "IS", "I", "A"):
            start += len(word) + 1  # "ID 4471": the word is no part of the code
        piece = text[start:end]
        mixed = any(c.isalpha() for c in piece)
        if len(piece) < 3 or len(piece) > 24 or (not mixed and sum(c.isdigit() for c in piece) < 4):
            continue
        if not any(a < end and start < b for a, b in typed) and not re.fullmatch(r"\d+(?:st|nd|rd|th|am|pm|x)", piece):
            found.append((start, end, mixed))
        if len(found) == 10:
            break
    return found


def _lengths(text: str) -> list[tuple[int, int, bool]]:
    """Lengths of time that are told as such: "for two months", not "in two months"."""
    spans = [match.span() for match in islice(_SPAN.finditer(text), 10)]
    return [
        (start, end, True)
        for start, end in spans
        if not _NO_SPAN.search(text[max(0, start - 20) : start])
        and not _NO_SPAN_BEHIND.match(text[end : end + 12])
        and not (_ONE.match(text, start) and _PRICED.search(text[max(0, start - 60) : start]))
    ]


def _trimmed(text: str, start: int, end: int) -> int:
    """Where an address ends: before "and", "please" or a telephone number that goes on."""
    stop = re.search(r",? (?:and|please|my|phone|thanks|with|but)\b|\s*$", text[start:end])
    return start + stop.start() if stop else end


def _slot_for(
    form: str,
    names: list[str],
    slots: Mapping[str, Slot],
    text: str,
    start: int,
    labelled: bool,
    asked: Mapping[str, float],
    held: Mapping[str, str],
) -> str | None:
    """The slot that takes it; None where nothing says that it is meant for one."""
    before = text[max(0, start - _LABEL_WINDOW) : start]
    before = re.split(r"[.!?;。！？；]\s*(?=\S)", before)[-1] if form != CODE else before
    words = {_root(word) for word in tokens_of(before)}

    def named(name: str) -> int:
        own = {_root(word) for word in (*tokens_of(name), *tokens_of(slots[name].description))} - _PLAIN
        return len(own & words)

    leads = _direction_of(before)

    def fits(name: str) -> tuple[float, ...]:
        directed = leads != "" and leads in tokens_of(name)
        return directed, named(name) if not leads else 0, asked.get(name, 0.0), name not in held, -names.index(name)

    best = max(names, key=fits)
    if form in (EMAIL, ADDRESS, SPAN, MODEL, ROOM, STAFF):
        return best
    if form == PHONE:
        code_named = re.search(r"\b(?:order|ticket|booking|reference|invoice|customer)\b|订单|编号|单号", before, re.I)
        return None if code_named and not named(best) else best
    if form == PERSON:
        return best if labelled or named(best) or asked or len(names) == 1 else None
    corrected = any(held.get(name) for name in names) and CORRECTS.search(text) is not None
    if corrected and not named(best):
        return next(name for name in names if held.get(name))
    if len(names) == 1 and (
        labelled or _NUMBER_LEAD.search(before) or _NUMBER_BEHIND.match(text[start:][:_LABEL_WINDOW])
    ):
        return best
    return best if named(best) or best in asked or corrected else None


def _direction_of(before: str) -> str:
    """ "from" or "to" where one of them leads directly to the value."""
    match = re.search(r"\b(from|to)\s+$", before, re.I)
    return match[1].lower() if match else ""


_NUMBER_LEAD = re.compile(r"(?:\b(?:number|no|nr|id|code)\b|#|号码?|编号)\W{0,3}(?:is\b|it['’]s\b|是)?\W{0,3}$", re.I)
_NUMBER_BEHIND = re.compile(
    r"^[\w/-]{3,24},?(?: (?:here|speaking|calling)\b"
    r"| (?:is|that['’]s|was) (?:my|our|the)\b|是我的|是(?:订单|客户|会员)?[编单卡]?号)",
    re.I,
)
_PLAIN = frozenset("the of a an for on to which is in number id code no customer name and with by at it".split())


def _root(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and word.isascii() else word
