"""Values in replies that stand neither in the documents nor in the user's words.

Numbers (prices, dates, times, telephone numbers among them), links, addresses of mail, and names. It reads texts only
and shares no rule with the product, so that it can hold the product to its promise.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'）)，。]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[\w-]+(?:\.[\w-]+)*\.example\b(?:/\S*)?"
)
_PHONE = re.compile(r"(?<![\w.])\+?\d[\d ()/-]{6,}\d(?!\w)")
_TIME = re.compile(r"(?i)(?<![\d.:])(\d{1,2})(?:[:.h](\d{2}))?\s*([ap])\.?m\b\.?|(?<![\d.:])(\d{1,2}):(\d{2})(?!\d)")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CURRENCY = r"(?:[£€$¥￥]|EUR|USD|GBP|euros?|pounds?|dollars?|cents?|pence|元)"
_PRICE = re.compile(rf"(?i){_CURRENCY}\s?({_NUMBER.pattern})|({_NUMBER.pattern})\s?{_CURRENCY}(?![a-z])")
_OTHER_UNIT = re.compile(
    r"(?i)\s?-?(?:[kmg]?bit/s|[kmgt]b\b|k?m²|k?m\b|cm\b|mm\b|kg\b|g\b|l\b|°|%|watts?|kw\b"
    r"|(?:square |kilo)?met(?:re|er)s?|gram"
    r"|working days?|days?|weeks?|months?|years?|hours?|min(?:ute)?s?\b|seconds?|persons?|people|pages?|times?\b"
    r"|[天日年月周小分秒人次条件页])"
)
_ITEM_MARK = re.compile(r"(?m)^\s*(?:\d{1,2}[.)、]|[(（]\d{1,2}[)）])\s+|\[\d{1,2}\]")
_WORDS = {
    word: number
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen".split(),
        2,
    )
} | {
    word: 10 * number
    for number, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}  # fmt: skip
_ORDINALS = {
    word: number
    for number, word in enumerate(
        "second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), 2
    )
}
_CHINESE_DIGITS = {sign: number for number, sign in enumerate("零一二三四五六七八九")} | {"两": 2}
_CHINESE_NUMBER = re.compile(
    r"[一二三四五六七八九两]?[百十][零一二三四五六七八九十]*|[二三四五六七八九两](?=[个天日年月小分元块次人点名张本台周楼层种项件])"
)
_NAME = re.compile(r"(?<![\w'’.])[A-Z][\w'’-]+(?:\s+(?:of|the|and|de|von)?\s*[A-Z][\w'’-]+)*")
_NO_NAMES = frozenset(
    "i i'm i'll i've i'd monday tuesday wednesday thursday friday saturday sunday january february march april may "
    "june july august september october november december english german french spanish chinese dear hello hi sorry "
    "yes no please thank thanks sir madam mr mrs ms dr ok okay faq pdf vat".split()
)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'")


def _numeral(token: str) -> str:
    """A number in one way of writing: without marks between thousands and without zeros at the end."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", token):
        token = token.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d+", token):
        token = token.replace(".", "").replace(",", ".")
    elif token.count(",") == 1 and "." not in token:
        token = token.replace(",", ".")
    if token.count(".") > 1:
        return token
    return format(Decimal(token).normalize(), "f")


def _chinese(token: str) -> str:
    total = digit = 0
    for sign in token:
        if sign in "十百":
            total += max(1, digit) * (10 if sign == "十" else 100)
            digit = 0
        else:
            digit = _CHINESE_DIGITS[sign]
    return str(total + digit)


def _times(text: str) -> Iterable[tuple[str, str]]:
    """Each time of day as it is written, and as 24 hours."""
    for match in _TIME.finditer(text):
        hour, minute = int(match[1] or match[4]), match[2] or match[5] or "00"
        if match[3]:
            hour = hour % 12 + (12 if match[3].lower() == "p" else 0)
        yield match[0], f"{hour}:{minute}"


def links(text: str) -> list[str]:
    """Links and addresses of mail."""
    return [match[0].rstrip(".,;:!?)").casefold() for match in _LINK.finditer(_plain(text))]


def phones(text: str) -> list[str]:
    """Telephone numbers as digits."""
    runs = (match[0] for match in _PHONE.finditer(_plain(text)))
    digits = (re.sub(r"\D", "", run) for run in runs if not re.search(r"\d\s*[-–]\s*\d{1,2}$", run) or run[0] == "0")
    return [run for run in digits if 7 <= len(run) <= 15]


def numbers(text: str) -> set[str]:
    """All numbers of the text, in digits or words; times of day also as "14:30"."""
    text = _plain(text)
    known = {time for _, time in _times(text)}
    known |= {_numeral(token) for token in _NUMBER.findall(text)}
    lower = text.casefold()
    for tens, unit in re.findall(r"\b(\w+ty)-(\w+)\b", lower):
        if tens in _WORDS and (unit in _WORDS or unit == "one"):
            known.add(str(_WORDS[tens] + _WORDS.get(unit, 1)))
            lower = lower.replace(f"{tens}-{unit}", " ")
    for vocabulary in (_WORDS, _ORDINALS):
        known |= {str(number) for word, number in vocabulary.items() if re.search(rf"\b{word}\b", lower)}
    return known | {_chinese(token) for token in _CHINESE_NUMBER.findall(text)}


def prices(text: str) -> set[str]:
    """The numbers that stand beside a currency."""
    return {_numeral(match[1] or match[2]) for match in _PRICE.finditer(_plain(text))}


def _priceable(text: str) -> set[str]:
    """Numbers that may be prices: beside a currency, or beside no unit at all (a column's head may have it)."""
    bare = {_numeral(match[0]) for match in _NUMBER.finditer(text) if not _OTHER_UNIT.match(text, match.end())}
    return bare | prices(text)


class Sources:
    """What a reply may say: the values of the documents and of what the user has said."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Read the texts once; `with_words` adds a user's."""
        text = _plain("\n".join(texts))
        self._numbers = numbers(text)
        self._prices = _priceable(text)
        self._links = set(links(text))
        self._digits = re.sub(r"[^\d\n]", "", re.sub(r"(?<=\d)[ ()/-]+(?=\d)", "", text))
        self._vocabulary = set(re.findall(r"[^\W\d_]+", text.casefold()))
        self._times = {time for _, time in _times(text)}

    def with_words(self, words: Iterable[str]) -> Sources:
        """These sources and the user's words."""
        added, both = Sources(words), Sources(())
        both._numbers = self._numbers | added._numbers
        both._prices = self._prices | added._prices
        both._links = self._links | added._links
        both._digits = self._digits + "\n" + added._digits
        both._vocabulary = self._vocabulary | added._vocabulary
        both._times = self._times | added._times
        return both

    def unsupported(self, reply: str) -> list[str]:
        """The reply's values that have no source, as `kind: value`."""
        text = _ITEM_MARK.sub(" ", _plain(reply))
        missing = [f"link: {link}" for link in links(text) if not self._knows_link(link)]
        text = _LINK.sub(" ", text)
        missing += [f"phone: {phone}" for phone in phones(text) if phone not in self._digits]
        text = _PHONE.sub(" ", text)
        for written, time in _times(text):
            if not self._knows_time(time):
                missing.append(f"time: {time}")
            text = text.replace(written, " ", 1)
        missing += [f"number: {number}" for number in sorted(numbers(text) - self._numbers)]
        missing += [f"price: {price}" for price in sorted((prices(text) & self._numbers) - self._prices)]
        missing += [f"name: {name}" for name in self._unknown_names(text)]
        return list(dict.fromkeys(missing))

    def _knows_link(self, link: str) -> bool:
        return link in self._links or any(known.startswith(link) or known.endswith(link) for known in self._links)

    def _knows_time(self, time: str) -> bool:
        hour, _, minute = time.partition(":")
        return f"{int(hour)}:{minute}" in self._times or (minute == "00" and hour in self._numbers)

    def _unknown_names(self, text: str) -> Iterable[str]:
        """Capitalised words that nobody has said; a sentence's first word counts in a name of several words only."""
        for match in _NAME.finditer(text):
            parts = re.findall(r"[^\W\d_]+", match[0])
            begins = (
                not text[: match.start()].rstrip(" \"'(*-•\t")
                or text[: match.start()].rstrip(" \"'(*-•\t")[-1] in ".!?:\n;"
            )
            capitalised = [part for part in parts if part[0].isupper()]
            if begins:
                capitalised = capitalised[1:]
            unknown = [
                part
                for part in capitalised
                if part.casefold() not in self._vocabulary
                and part.casefold() not in _NO_NAMES
                and part.casefold().removesuffix("s") not in self._vocabulary
                and len(part) > 1
            ]
            if unknown:
                yield " ".join(unknown)
