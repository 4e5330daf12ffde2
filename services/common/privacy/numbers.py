"""Personal data that has a form: e-mail addresses, payment cards, IBANs, identity numbers, telephone numbers.

Every pattern is bounded, so that its time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.common.privacy.checks import IBAN_LENGTHS, card, chinese_id, iban

Found = tuple[int, int, str]
"""Start, end (exclusive) and kind."""
_LATIN = r"A-Za-z0-9À-ÖØ-öø-ɏ"
_EMAIL = re.compile(
    rf"(?<![{_LATIN}._%+-])[{_LATIN}._%+-]{{1,64}}@(?:[{_LATIN}-]{{1,63}}\.){{1,8}}[A-Za-zÀ-ɏ][{_LATIN}-]{{1,23}}"
)
_CARD = re.compile(
    r"(?<![A-Za-z0-9_])(?<!\d[.,-])(?:"
    r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|3[47]\d{2}([ -])\d{6}\2\d{5}|\d{13,19}"
    r")(?![A-Za-z0-9_])(?![.,-]\d)"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])")
_ID = re.compile(
    r"(?<![A-Za-z0-9_])[1-9]\d{5} ?(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ?"
    r"\d{3}[\dXx](?![A-Za-z0-9_])"
)
_ID_SAID = re.compile(r"(?:身份证|证件|\bID\b|identity)[^\n]{0,12}$", re.I)

# -- telephone numbers ---------------------------------------------------------------------------

_GAP = r"(?:[ .\-/]{1,2}|\) ?| ?\(0?\)? ?)"
_PHONES = tuple(
    re.compile(rf"(?<![A-Za-z0-9_+])(?<!\d[-.,/: ])(?:{pattern})(?:(?![A-Za-z0-9_])|(?=x\d))(?![-/:]\d)(?![.,]\d)")
    for pattern in (
        rf"(?:\+|00(?=[1-9]))\d{{1,34}}+(?:{_GAP}\d{{1,34}}+){{0,6}}(?<=\d\d)",  # with the country's code
        r"(?:\+?1[ .-]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}",  # North America
        r"1[3-9]\d([ -]?)\d{4}\1\d{4}",  # a mobile in China
        r"(?:\(0\d{2,3}\) ?|0\d{2,3}[ -])[1-9]\d{6,7}",  # a landline in China
        r"\(?0[1-9]\d{0,4}\)?(?:[ /-]{1,3}\d{2,8}){1,5}",  # with the trunk's 0
        r"0[1-9]\d{8,9}",
        r"[689]\d{3}[ -]?\d{4}(?=\D{0,12}(?:香港|Hong Kong|Singapore))",
    )
)
_SAID = re.compile(
    r"(?:\b(?:(?:tele)?phone|mobile|cell|tel|landline|whatsapp|fax)\b(?: (?:number|no\.?))?|"
    r"\b(?:call|ring|text|phone|reach) (?:me|us|him|her|them)(?: back)?(?: (?:on|at|under))?|"
    r"电话|手机|座机|固话|拨打|致电)"
    r"[^\w\n]{0,4}(?:(?:is|号码?|号是|是|为|改成|换成)[^\w\n]{0,3})?"
    r"(?P<number>\d{3,4}([ -]?)\d{3,4}(?:\2\d{3,4})?)(?![A-Za-z0-9_])",
    re.I,
)
_OTHER_NUMBER = re.compile(
    r"(?:订单|单号|编号|运单|快递|商品|序列号|合同|设备|条码|积分|验证码|order|tracking|invoice|ticket|article|item|serial|"
    r"reference|ref|id|sn|ean|upc|isbn|model|part|voucher|code|booking|transaction|contract|customer|meter|parcel|rma)"
    r"(?:[ -]?(?:no\.?|numbers?|ids?|codes?|号码?))?[ ]?(?:is|reads|was|是|为)?[\s:：#.]{0,3}$",
    re.I,
)
_PARCEL = re.compile(
    r"(?:订单|单号|运单|快递|序列号|条码|order|tracking|parcel|shipment|serial|imei|invoice)"
    r"(?:[ -]?(?:no\.?|numbers?|ids?|codes?|编?号码?))?[ ]?(?:is|reads|was|是|为)?[\s:：#.]{0,3}$",
    re.I,
)
_EXTENSION = re.compile(r"[ ,]{0,2}(?:ext(?:ension|n)?\.?|x|分机号?|转|轉)[ :：.]{0,2}\d{1,6}(?![A-Za-z0-9_])", re.I)
"""What follows a telephone number within a house."""
_DATE = re.compile(r"\(?\d{1,2}[/-]\d{1,2}[/-]\d{2,4}(?!\d)|\d{4}[/-]\d{1,2}[/-]\d{1,2}(?!\d)")
_SERVICE = re.compile(
    r"(?:0800|0808|0845|0870|0844|0843|0300|0345|0900|0901|0137|0180|0700(?=\d{6,7}$)|1?8(?:00|88|77|66|55|44|33)\d{7}$|"
    r"[48]00\d{7}$|95\d{3}$|1300\d{6}$)"
)
"""Numbers of companies: freephone and service numbers, which are nobody's own."""
_COUNTRY = re.compile(r"(?:\+|00)(?:1|7|20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})")


_FEWEST_DIGITS = 7
"""Every number that is found has as many."""


def numbers(text: str) -> Iterator[Found]:
    """Where personal data with a form stands, surest first. A number may be found as two kinds."""
    if "@" in text:
        yield from ((match.start(), match.end(), "EMAIL") for match in _EMAIL.finditer(text))
    if _count(text) < _FEWEST_DIGITS:
        return
    yield from _cards_and_ids(text)
    yield from _ibans(text)
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            if _is_phone(text, match.start(), match.group()):
                yield match.start(), _with_extension(text, match.end()), "PHONE"
    for match in _SAID.finditer(text):
        number = match.group("number")
        if 7 <= _count(number) <= 12 and _is_personal(number):
            yield match.start("number"), _with_extension(text, match.end("number")), "PHONE"


def _with_extension(text: str, end: int) -> int:
    extension = _EXTENSION.match(text, end)
    return extension.end() if extension is not None else end


def without_extension(number: str) -> str:
    """A telephone number without what is dialled after it."""
    extension = _EXTENSION.search(number)
    return number[: extension.start()] if extension is not None else number


def _cards_and_ids(text: str) -> Iterator[Found]:
    for match in _ID.finditer(text):
        number = match.group().replace(" ", "")
        if chinese_id(number) or _ID_SAID.search(text[max(0, match.start() - 24) : match.start()]):
            yield match.start(), match.end(), "ID"
    for match in _CARD.finditer(text):
        if card(re.sub(r"\D", "", match.group())) and not _PARCEL.search(
            text[max(0, match.start() - 24) : match.start()]
        ):
            yield match.start(), match.end(), "CARD"


def _ibans(text: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        country = match.group()[:2].upper()
        length = IBAN_LENGTHS.get(country)
        if length is None:
            continue
        letters, at = "", match.start()
        while at < len(text) and len(letters) < length:
            if text[at].isascii() and text[at].isalnum():
                letters += text[at].upper()
            elif text[at] not in " -\u00a0" or text[at - 1] in " -\u00a0":
                break
            at += 1
        if iban(letters) and not (at < len(text) and text[at].isascii() and text[at].isalnum()):
            yield match.start(), at, "IBAN"


def _count(number: str) -> int:
    return sum(character.isdigit() for character in number)


def _is_personal(number: str) -> bool:
    """Whether a telephone number is not a company's freephone or service number."""
    national = _COUNTRY.sub("", number, count=1) if number.startswith(("+", "00")) else number
    digits = re.sub(r"\D", "", national)
    if number.startswith(("+", "00")) and digits.startswith(("800", "808", "900")):
        return False
    return _SERVICE.match(digits) is None


def _is_phone(text: str, start: int, number: str) -> bool:
    if not 8 <= _count(number) <= 15 or _DATE.match(number):
        return False
    if number.startswith("00") and _count(number) < 12:
        return False
    if number[0] in "(0" and not 9 <= _count(number) <= 12 and not number.startswith("00"):
        return False
    if not number.startswith("+") and _OTHER_NUMBER.search(text[max(0, start - 24) : start]):
        return False
    return _is_personal(number)
