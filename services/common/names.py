"""The form in which names and values are compared: ways of writing are folded, signs and marks that tell are kept.

Case, spaces, articles, quotes, brackets, commas, dashes' kinds and composed letters tell nothing apart. Signs do ("C#"
is not "C", "-5" is not "5"), and so do combining marks, which in many scripts are the vowels and tones of a word.
"""

from __future__ import annotations

import re
import unicodedata

_ARTICLE = re.compile(r"^(?:the|a|an|our|your|my)\s+")
_POSSESSIVE = re.compile(r"['’]s\b")
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])([^*]*[^\s*])\1(?![\w*])")
_WORD_END = re.compile(r"(?<=[^\s.:!?])[.:!?]+(?=\s|$)")
_WORD_START = re.compile(r"(?:(?<=\s)|^)(?:\.{2,}|[:!?]+)(?=\w)")
_LOOSE = frozenset("-#*&/.:")
_FEET = re.compile(r"(?<=\d)['’](?=\s|\d|$)")
_INCHES = re.compile(r"(?<=\d)[\"”](?=\s|$)")
_NOTHING = frozenset(" .,:;'\"’…。")
_PICTURE_JOINER = re.compile("\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])")
"""What makes one emoji of several."""
_JOINED = "\ue000"
_BRACKETS = frozenset("()[]{}<>")
_PLAIN_SIGNS = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_SPACE_MARKS = frozenset(",;\"'`´…¿¡،؛؟、।॥|")
_SILENT = frozenset("©®™℠\ufe0e\ufe0f")
_TELLING_FORMS = ("<super>", "<fraction>", "<circle>")


class _Folding(dict[int, str]):
    """What a character becomes, by its code point, for `str.translate`."""

    def __missing__(self, point: int) -> str:
        self[point] = folded = _folded(chr(point))
        return folded


def _folded(character: str) -> str:
    category = unicodedata.category(character)
    if character in _SILENT or (category == "Cf" and not "\U000e0020" <= character <= "\U000e007f"):
        return ""  # marks that tell one region's flag from another's stay
    if category == "Pd" or character == "\u2212":  # hyphens, dashes and the minus sign
        return "-"
    if character in _SPACE_MARKS or category in ("Pc", "Ps", "Pe", "Pi", "Pf", "Zs", "Zl", "Zp", "Cc"):
        return " "
    if character == "。":
        return ". "
    form = unicodedata.decomposition(character)
    if form.startswith("<") and not form.startswith(_TELLING_FORMS):  # full-width letters, ligatures, …
        return "".join(map(_folded, unicodedata.normalize("NFKC", character)))
    return character


_FOLDING = _Folding()


def key(text: str) -> str:
    """The form in which entities, slots and values are compared. Linear in the text; empty where nothing
    but stops, commas and quotes is written."""
    words = _marked_feet(unicodedata.normalize("NFC", _PICTURE_JOINER.sub(_JOINED, text)))
    if words.count("*") > 1:
        words = _EMPHASIS.sub(r"\2", words)
    words = _POSSESSIVE.sub("", words).translate(_FOLDING).casefold()
    words = " ".join(unicodedata.normalize("NFC", words).split())
    words = _without_loose(_WORD_START.sub("", _WORD_END.sub("", words)).split())
    words = _ARTICLE.sub("", words) or words or " ".join(text.casefold().split())
    if not words.isascii() or any(map(str.isalnum, words)) or _BRACKETS.isdisjoint(text):
        return "" if _NOTHING.issuperset(words) else words
    return "".join(text.translate(_PLAIN_SIGNS).split())  # ":)" has nothing but its bracket to tell it from ":("


def _without_loose(words: list[str]) -> str:
    """The words without signs that stand alone before or behind them, and without a slash at the end."""
    start, end = 0, len(words)
    while start + 1 < end and _LOOSE.issuperset(words[start]):
        start += 1
    while start + 1 < end and _LOOSE.issuperset(words[end - 1]):
        end -= 1
    text = " ".join(words[start:end])
    return text.rstrip("/") or text


def _marked_feet(text: str) -> str:
    """Feet and inches by marks of their own, where they are no closing quotes."""
    if len(_POSSESSIVE.sub("", text).translate({0x2019: 0x27}).split("'")) % 2 == 0:
        text = _FEET.sub("′", text)
    if text.count('"') % 2 or text.count("”") > text.count("“"):
        text = _INCHES.sub("″", text)
    return text
