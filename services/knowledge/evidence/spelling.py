"""Puts right what was mistyped in a question: "tickaway colar" is the collar that the documents name."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from importlib import resources

from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.knowledge.domain.text import terms
from services.knowledge.evidence.questions import language_of, spelled_out

_WORD = re.compile(r"(?<![\w@./'’-])[A-Za-z]{3,24}(?![\w@/'’-]|\.\w)")
_VOWELS = frozenset("aeiouy")
_UNLISTED = frozenset(
    "whos whens wheres hows wifi wlan usb sms pdf email emails app apps online website url kwh kva mins hrs mths pls "
    "plz thx ppl asap faq vat pin qr bitcoin whatsapp iphone android google ebike ebikes bluetooth smartphone podcast "
    "vape vegan emoji covid nope yep".split()
)
"""What people write rightly and the word list does not have."""
_LONG = 8
"""Letters of a word from which on two slips are thought possible."""
_COMMON = 10_000
"""How often the word list must have counted a word that stands for a mistyped one and is not the documents'."""
_BRITISH = re.compile(r"our|(?<=[a-z])re(?=s?$)|is(?=e|ing|ation)|ae|(?<=l)l|ence(?=s?$)|mme|ogue|inium")
_AMERICAN = {"our": "or", "re": "er", "is": "iz", "ae": "e", "l": "", "ence": "ense", "mme": "m", "ogue": "og"}
"""Spellings that the word list has in their American form alone."""
_MOST = 6
"""Words of a text that are put right; where more are strange, it is another language."""


def as_meant(text: str, is_written: Callable[[str], bool], written: Callable[[], Iterable[str]]) -> str:
    """An English question with its shorthand written out and its slips put right, as `corrected` does; a question in
    another language as it stands."""
    return corrected(spelled_out(text), is_written, written) if language_of(text) == "en" else text


def load() -> None:
    """Reads the list of words, so that no question waits for it: a quarter of a second and 30 MB."""
    _common()


def corrected(text: str, is_written: Callable[[str], bool], written: Callable[[], Iterable[str]]) -> str:
    """An English text with each strange word replaced by the nearest of the documents' words, or by the nearest
    common one; a strange word with nothing near stays.

    `is_written` says of a search term whether the documents have it; `written` is asked for the documents' words, in
    small letters, where there is a strange word. Slips are counted by the optimal string alignment distance: a letter
    left out, put in or replaced, or two letters that changed places (Damerau 1964). One is thought possible, in a
    long word two; the first letter is right.
    """
    strange = [match for match in _WORD.finditer(text) if _is_strange(match[0], is_written)]
    if not 0 < len(strange) <= _MOST:
        return text
    documents = _by_letter(written())
    parts, end = [], 0
    for match in strange:
        named = match[0][0].isupper() and match.start() > 0
        parts += [text[end : match.start()], _nearest(match[0], documents, named=named) or match[0]]
        end = match.end()
    return "".join([*parts, text[end:]])


@cache
def _counts() -> Mapping[str, int]:
    """How often each English word was counted, by pyspellchecker's list."""
    listed = resources.files("spellchecker").joinpath("resources/en.json.gz").read_bytes()
    counts: dict[str, int] = json.loads(gzip.decompress(listed))
    return counts


@cache
def _common() -> Mapping[str, list[str]]:
    return _by_letter(word for word, count in _counts().items() if count >= _COMMON and word.isascii())


def _is_strange(word: str, is_written: Callable[[str], bool]) -> bool:
    folded = word.casefold()
    if folded in _UNLISTED or (len(folded) < 4 and not _VOWELS.isdisjoint(folded)):
        return False
    searched = terms(folded)
    if not searched or any(map(is_written, searched)):
        return False
    american = _BRITISH.sub(lambda match: _AMERICAN.get(match[0], "inum"), folded)
    return folded not in _counts() and american not in _counts()


def _nearest(word: str, documents: Mapping[str, list[str]], *, named: bool) -> str:
    """The word that stands for a mistyped one; "" where none does. A name is one of the documents'."""
    folded = word.casefold()
    most = 2 if len(folded) >= _LONG and not named else 1
    near = [(*slips, False, -len(other), other) for other, slips in _near(folded, documents.get(folded[0], ()), most)]
    if not named:
        others = _near(folded, _common().get(folded[0], ()), most)
        near += [(*slips, True, -_counts()[other], other) for other, slips in others]
    return min(near)[-1] if near else ""


def _near(word: str, others: Collection[str], most: int) -> list[tuple[str, tuple[int, bool]]]:
    """(word, (slips, whether a letter stands for another one)) of the others with `most` slips at most; of three
    letters only a vowel may be missing."""
    near = process.extract(word, others, scorer=OSA.distance, score_cutoff=most, limit=None)
    if len(word) == 3:
        near = [one for one in near if "".join(x for x in one[0] if x not in _VOWELS) == word]
    return [
        (other, (int(slips), sorted(other) != sorted(word) and len(other) == len(word))) for other, slips, _ in near
    ]


def _by_letter(words: Iterable[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for word in words:
        if len(word) > 2:
            groups.setdefault(word[0], []).append(word)
    return groups
