"""Which values of a text stand in none of its sources: numbers, addresses of the net, days and months, names.

A revision may say what the draft before said, what the knowledge base or the user's message says, and what the comment
asks for; every other value is invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from services.common.languages import language_of

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_LINK = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}|\b(?:https?://|www\.)[^\s<>()\"]{1,200}", re.I)
_DAY = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august|september|october|"
    r"november|december|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)",
    re.I,
)
_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(), 2
    )
} | {"twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90"}
_COUNTED = re.compile(
    rf"\b({'|'.join(_WORDS)})\b(?=[\s-]+(?:working\s+|business\s+)?(?:seconds?|minutes?|hours?|days?|nights?|weeks?|"
    r"months?|years?|pounds?|euros?|dollars?|percent|metres?|meters?|kilometres?|km|kg|gb|mb)\b)",
    re.I,
)
_MARKER = re.compile(r"^\s*\(?\d{1,3}[.)、]\s+|\[\d{1,3}\]", re.M)
_NAME = re.compile(r"(?<=[\w,;)] )[A-Z][a-z]{2,}(?:-[A-Z][a-z]+)?\b")
_NOUNS_CAPITALIZED = ("de", "lb")


def unsourced(text: str, sources: Iterable[str]) -> list[str]:
    """The values of the text that none of the sources has; the marks of its lists are none."""
    known = "\n".join(sources)
    plain = _MARKER.sub(" ", text)
    numbers = _numbers(known)
    values = [match[0] for match in _NUMBER.finditer(plain) if _plain(match[0]) not in numbers]
    values += [match[0] for match in _COUNTED.finditer(plain) if _WORDS[match[1].casefold()] not in numbers]
    folded = known.casefold()
    values += [match[0] for match in _LINK.finditer(plain) if match[0].rstrip(".,").casefold() not in folded]
    values += [match[0] for match in _DAY.finditer(plain) if match[0].casefold() not in folded]
    if language_of(text) not in _NOUNS_CAPITALIZED:
        words = set(re.findall(r"\w+", folded))
        values += [match[0] for match in _NAME.finditer(plain) if match[0].casefold().split("-")[0] not in words]
    return list(dict.fromkeys(values))


def _numbers(text: str) -> set[str]:
    """All numbers of a text, digits and words, as `_plain` writes them, and the parts of those with marks inside."""
    numbers: set[str] = set()
    for match in _NUMBER.finditer(text):
        numbers.add(_plain(match[0]))
        numbers.update(_plain(part) for part in re.split(r":", match[0]))
    folded = text.casefold()
    numbers.update(digits for word, digits in _WORDS.items() if re.search(rf"\b{word}\b", folded))
    return numbers


def _plain(number: str) -> str:
    """A number without thousands' marks and without the zeros that say nothing: "1,200.00" is "1200"."""
    number = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", number)
    number = number.replace(",", ".")
    if number.count(".") == 1:
        number = number.rstrip("0").rstrip(".")
    return number.lstrip("0") or "0"
