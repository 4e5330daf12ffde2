"""Personal data that the words before it tell: dates of birth, numbers of documents, plates of cars, handles."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|"
    r"Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_DATE = (
    r"(?:\d{4} ?年 ?\d{1,2} ?月(?: ?\d{1,2} ?[日号])?|\d{4}[./-]\d{1,2}[./-]\d{1,2}|"
    r"\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|"
    rf"\d{{1,2}}(?:st|nd|rd|th)?[ -](?:of )?{_MONTH},?[ -](?:\d{{4}}|\d{{2}})|"
    rf"{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? (?:\d{{4}}|\d{{2}}))(?!\w*\d)"
)
_SAID = r"[^\w\n]{0,3}(?:(?:numbers?|no\.?|is|was|are|on|reads|号码?|[是为在叫])[^\w\n]{0,3}){0,2}"
_BORN = re.compile(
    r"(?:\b(?:date of birth|birth ?dates?|birthdays?|d\.?o\.?b\.?|born(?: on)?)(?!\w)|"
    r"出生(?:日期|年月日?|于)?|生日|生于)"
    rf"{_SAID}(?P<value>{_DATE})",
    re.I,
)
_BORN_AFTER = re.compile(rf"(?<![\w.])(?P<value>{_DATE})(?= ?(?:出生|生人|生的))", re.I)
_DOCUMENT = re.compile(
    r"(?:\b(?i:passports?|driv(?:er['’]?s?|ing) licen[cs]es?|social security|ssn|national insurance|nino|tax id|"
    r"identity cards?|id cards?|residence permits?)(?!\w)|护照|驾驶证|驾照|军官证|通行证|社保卡?|医保卡?|居住证|证件)"
    rf"(?i:{_SAID})(?P<value>[A-Z0-9](?:[ -]?[A-Z0-9]){{5,19}})(?![A-Za-z0-9_])"
)
_SOCIAL = re.compile(r"(?<![\w-])(?P<value>(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4})(?![\w-])")
_INSURANCE = re.compile(r"(?<![\w-])(?P<value>[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D])(?![\w-])")
_PLATE_CN = re.compile(
    r"(?P<value>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•．. -]?"
    r"[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳])(?![A-Za-z0-9])"
)
_PLATE = re.compile(
    r"\b(?i:(?:number|licen[cs]e|registration|car|my|our|his|her|the)['’s]* plates?|"
    r"(?:car|vehicle|van|bike|motorbike)['’s]* reg(?:istration)?\.?)(?!\w)"
    rf"(?i:{_SAID})(?P<value>[A-ZÄÖÜ0-9]{{1,7}}(?:[ ·-][A-ZÄÖÜ0-9]{{1,5}}){{0,3}})(?![A-Za-z0-9_])"
)
_HANDLE = re.compile(
    r"(?:\b(?i:wechat|telegram|instagram|insta|skype|snapchat|line id|qq)(?: (?i:id|name|handle))?(?!\w)|"
    r"微信|支付宝|QQ)"
    rf"(?i:{_SAID}|号{_SAID})(?P<value>@[A-Za-z0-9_.-]{{3,30}}|[A-Za-z0-9][A-Za-z0-9_-]{{4,29}})(?![A-Za-z0-9_@])"
)
_RULES = (
    ("BIRTH", _BORN, 0, 0),
    ("BIRTH", _BORN_AFTER, 0, 0),
    ("ID", _DOCUMENT, 4, 6),
    ("ID", _SOCIAL, 0, 0),
    ("ID", _INSURANCE, 0, 0),
    ("PLATE", _PLATE_CN, 1, 0),
    ("PLATE", _PLATE, 1, 4),
    ("HANDLE", _HANDLE, 1, 0),
)
"""Kind, pattern, and the least digits and the least letters and digits of a value."""


def stated(text: str) -> Iterator[tuple[int, int, str]]:
    """Where such data stands: start, end and kind. Linear in the text: every pattern is bounded."""
    for kind, pattern, digits, signs in _RULES:
        for match in pattern.finditer(text):
            value = match.group("value")
            letters = sum(sign.isalpha() for sign in value)
            numbers = sum(sign.isdigit() for sign in value)
            if kind == "PLATE" and not letters:
                continue
            if kind == "HANDLE" and value.startswith("@"):
                numbers = max(1, numbers)
            if numbers >= digits and letters + numbers >= signs:
                yield match.start("value"), match.end("value"), kind
