"""Postal addresses, as they are written in English, on the Continent and in Chinese: with the number of a house."""

from __future__ import annotations

import re
from collections.abc import Iterator

_W = r"[A-ZÀ-Þ\u0100-\u024f](?:[\w'’-]{0,24}|[a-z]{0,3}\.)"
_FLAT = r"(?:Apartment|Apt\.?|Flat|Unit|Suite|Ste\.?|Room|No\.?|#)\s?[A-Za-z0-9-]{1,6}"
_STREET = (
    r"(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Dr\.?|Close|Court|Ct\.?|Boulevard|Blvd\.?|Parkway|Pkwy|"
    r"Terrace|Way|Square|Sq\.?|Place|Pl\.?|Crescent|Gardens|Grove|Row|Mews|Quay|Highway|Hwy|Broadway)"
)
_UK = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
_POSTCODE = rf"(?:{_UK}|[A-Z]\d[A-Z] ?\d[A-Z]\d|(?:[A-Z]{{2,3}} )?\d{{4,5}}(?:-\d{{4}})?|\d{{2}}-\d{{3}})"
_PIECE = (
    rf"(?:{_FLAT}|{_POSTCODE} {_W}(?: {_W}){{0,2}}|(?:{_W} ){{0,3}}{_POSTCODE}|"
    rf"{_W}(?: {_W}){{0,2}}(?: \d{{1,2}}(?!\d))?)"
)
_TAIL = rf"(?:,\s?{_PIECE}(?![\w])){{0,4}}"
_LINK = r"(?:de la|de los|de l['’]|de|del|della|du|des|der|la|le|les|an der|am|of|the)"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\w-])(?:{_FLAT},?\s){{0,2}}\d{{1,5}}[A-Za-z]?(?:[-/]\d{{1,4}})?,?\s(?:{_W}\s){{1,4}}{_STREET}(?![\w])"
        rf"(?:\s(?:North|South|East|West|NW|NE|SW|SE|N|S|E|W)\b)?{_TAIL}",
        rf"(?<![\w-])(?:{_FLAT},?\s){{1,2}}(?:{_W}\s){{1,3}}{_STREET}(?![\w]){_TAIL}",
        rf"(?<![\w-])(?:{_FLAT},?\s)?\d{{1,5}}[A-Za-z]?\s{_W}(?:\s{_W}){{0,2}},\s(?:{_W}\s){{1,3}}(?:{_UK})(?!\w)",
        rf"(?<![\w-])\d{{1,4}},?\s(?:bis\s)?(?:Rue|Avenue|Boulevard|Place|Allée|Chemin|Quai|Impasse)(?:\s{_LINK})?"
        rf"(?:\s{_W}){{1,4}},\s\d{{5}}\s{_W}(?:[ -]{_W}){{0,2}}",
        rf"(?<![\w-])(?:(?:ul|al|pl)\.\s)?{_W}(?:(?:\s{_LINK})?\s{_W}){{0,3}},?\s\d{{1,4}}[A-Za-z]?(?:/\d{{1,4}})?,\s"
        rf"(?:[A-Z]-)?(?:\d{{4,5}}|\d{{2}}-\d{{3}}|\d{{4}} [A-Z]{{2}})\s{_W}(?:[ -]{_W}){{0,2}}",
        r"(?<![\w-])[A-ZÄÖÜ][\wäöüß-]{1,24}(?:straße|strasse|str\.|weg|platz|allee|gasse|gade|gatan|straat|laan)\s\d{1,4}[a-z]?(?!\w)",
        rf"\bP\.?\s?O\.?\s?Box\s\d{{1,6}}{_TAIL}",
    )
)
_BEFORE = re.compile(
    r"^(?:Please |Send |Ship |Deliver |Pickup |Address |Use |From |To |At |In |My |Our |We |I |The |Is |It |Shipping )+"
)

_CORE = re.compile(
    r"(?:路|街|大道|道|巷|弄|胡同)[中段东西南北一二三四五六七八九十]{0,4}\d{1,5}(?:-\d{1,4})?[号弄]"
    r"(?:附?\d{1,3}号)?(?:(?:[\u4e00-\u9fffA-Za-z\d-]{0,12}?(?:号楼|楼|栋|幢|座|单元|室|层|大厦|广场|中心|园|苑|小区|公寓|商城)){1,4})?"
    r"(?:\d{1,4}室?)?"
)
_LEFT = re.compile(r"[\u4e00-\u9fffA-Za-z\d]{1,30}$")
_PLACES = re.compile(
    "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|"
    "甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|广州|深圳|杭州|南京|苏州|无锡|宁波|温州|合肥|福州|厦门|泉州|南昌|济南|"
    "青岛|烟台|郑州|洛阳|武汉|长沙|佛山|东莞|珠海|海口|三亚|成都|绵阳|贵阳|昆明|西安|兰州|西宁|银川|南宁|桂林|沈阳|大连|长春|"
    "哈尔滨|石家庄|唐山|太原|呼和浩特|乌鲁木齐|拉萨|徐州|常州|南通|嘉兴|绍兴|金华|台州|惠州|中山|汕头"
)
_CUE = re.compile(r"(?:送到|寄到|寄往|发到|送往|地址[是为在]?|搬到|换成|改成|改为|住在|家在|位于|[到在从是为住至])")


def addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Where addresses stand: start, end and ``ADDRESS``. Linear in the text."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start = match.start()
            said = _BEFORE.match(match.group())
            end = match.start() + len(match.group().rstrip(" .,"))
            yield start + (said.end() if said else 0), end, "ADDRESS"
    for match in () if text.isascii() else _CORE.finditer(text):
        left = _LEFT.search(text[max(0, match.start() - 30) : match.start()])
        if left is None:
            continue
        words = left.group()
        place = _PLACES.search(words)
        if place is not None:
            begin = place.start()
        else:
            begin = max((cue.end() for cue in _CUE.finditer(words)), default=max(0, len(words) - 12))
        if begin < len(words):
            yield match.start() - len(words) + begin, match.end(), "ADDRESS"
