"""What can be counted in a text: words, sentences, paragraphs, list items, phrases. Pure Python.

Texts are compared in composed form (NFC) with hyphens and full-width letters written plainly, so that what looks alike
is alike. Words follow Unicode's rules (UAX 29): combining marks belong to the letter before them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import regex

from services.common.sentences import count_sentences, pieces, sentence_ended, sentence_ends, sentences

__all__ = [
    "HAN",
    "HAN_CHARACTER",
    "KANA",
    "bullets",
    "characters",
    "comparable",
    "count_letter",
    "count_phrase",
    "count_sentences",
    "count_words",
    "is_emoji",
    "numbered",
    "paragraphs",
    "phrase_pattern",
    "pieces",
    "sentence_ended",
    "sentence_ends",
    "sentences",
    "table_rows",
    "words",
]

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
KANA = r"\u3040-\u30ff"
_UNSPACED = re.compile(f"[{HAN}{KANA}]")
HAN_CHARACTER = re.compile(f"[{HAN}]")
_WITHOUT_SPACES = rf"{HAN}{KANA}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_BOUNDLESS = re.compile(f"[{_WITHOUT_SPACES}]")
"""Characters of scripts that set no space between words: besides Han and kana Thai, Lao, Burmese and Khmer."""
_HANGUL = re.compile("[\uac00-\ud7af]")
_KOREAN_PARTICLES = (
    "들?(?:은|는|이|가|을|를|의|에|에서|에게|께|께서|한테|와|과|랑|이랑|도|만|로|으로|부터|까지|보다|처럼|마다|조차|밖에|이나|나|라도"
    "|이라도|라고|이라고|입니다|이에요|예요|이다|이고|이며|인데|에는|에도|에서는|에서도|으로는|으로도|로는|로도|와는|과는|님)|들|씨"
)
"""What Korean writes to the end of a noun: its case, its number, or "is"."""
_LETTER = r"[\p{L}\p{N}]"
_INSIDE = r"[\p{L}\p{N}\p{M}\u200c\u200d]"
_JOINING = rf"[{_INSIDE}--[{_WITHOUT_SPACES}]]"
"""What a word goes on with."""
_ASCII_PIECE = re.compile(r"[A-Za-z0-9]+")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:['\-][A-Za-z0-9]+)*")
_ASCII_JOINED = re.compile(r"[A-Za-z0-9]+(?:['\-.,][A-Za-z0-9]+)*")
_PIECE = regex.compile(rf"{_LETTER}{_INSIDE}*+")
_WORD = regex.compile(rf"{_LETTER}{_INSIDE}*+(?:['’\-]{_LETTER}{_INSIDE}*+)*")
_JOINED = regex.compile(rf"{_LETTER}{_INSIDE}*+(?:['’\-.,]{_LETTER}{_INSIDE}*+)*")
_GRAPHEME = regex.compile(r"\X")
_MARKER = re.compile(r"^\s{0,8}(?:[-*+•‣◦▪–·]|\(?\d{1,3}[.)、．])\s*(?=\S)", re.M)
_BULLET = re.compile(r"^\s{0,8}(?:[-*+•‣◦▪–]\s+|[·•]|\*(?=[^*\s]))\S.*$", re.M)
_NUMBERED = re.compile(r"^\s{0,8}(?:\(?\d{1,3}[.)、．]|[（(]\d{1,3}[）)]|[一二三四五六七八九十]{1,3}、)\s*\S.*$", re.M)
_PLAIN = {
    **dict.fromkeys(map(ord, "‐‑⁃﹣－"), "-"),
    **{
        point: chr(point - 0xFEE0) for point in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
    },
    **dict.fromkeys((0xAD, 0x200B, 0x2060, 0xFEFF)),
    ord("％"): "%",
}


def comparable(text: str) -> str:
    """The text in the form in which texts are compared: composed, with plain hyphens and letters, without marks that
    nobody sees."""
    return text if text.isascii() else unicodedata.normalize("NFC", text).translate(_PLAIN)


def _split_unspaced(text: str) -> str:
    return text if text.isascii() else _UNSPACED.sub(lambda m: f" {m.group()} ", text)


def count_words(text: str) -> tuple[int, int]:
    """(fewest, most) words by the two usual definitions, "don't" and "3.5" as one or two; a Han character is one, the
    mark of a list's item is none by the first."""
    spaced = _split_unspaced(comparable(text))
    ascii_only = spaced.isascii()
    joined = (_ASCII_JOINED if ascii_only else _JOINED).findall(_MARKER.sub("", spaced))
    return len(joined), len((_ASCII_PIECE if ascii_only else _PIECE).findall(spaced))


def words(text: str) -> list[str]:
    """The words in their order, "don't" and "well-known" each as one."""
    spaced = _split_unspaced(comparable(text))
    return list((_ASCII_WORD if spaced.isascii() else _WORD).findall(spaced))


def characters(text: str) -> tuple[int, int]:
    """(fewest, most) characters by the usual definitions: what people see as one, without white space; and code
    points with the white space between."""
    composed = unicodedata.normalize("NFC", text.strip())
    seen = re.sub(r"\s+", "", composed)
    return len(seen if seen.isascii() else _GRAPHEME.findall(seen)), len(composed)


def paragraphs(text: str, divider: str = "") -> list[str]:
    """The paragraphs between blank lines, or between `divider`s where one is named."""
    parts = text.split(divider) if divider else re.split(r"\n\s*\n", text)
    return [part.strip() for part in parts if part.strip()]


def bullets(text: str) -> int:
    """Lines that are items of a bullet list."""
    return len(_BULLET.findall(text))


def numbered(text: str) -> int:
    """Lines that are items of a numbered list."""
    return len(_NUMBERED.findall(text))


def table_rows(text: str) -> int:
    """Rows of a Markdown table, header included; 0 where there is none."""
    rows = [line for line in text.splitlines() if line.count("|") >= 2 or line.strip().startswith("|")]
    ruled = [row for row in rows if re.fullmatch(r"[\s|:\-]+", row) and "-" in row]
    return len(rows) - len(ruled) if ruled and len(rows) > len(ruled) else 0


def is_emoji(character: str) -> bool:
    """Whether the character is a pictogram."""
    return unicodedata.category(character) == "So" and ord(character) > 0x2000


@lru_cache(maxsize=4096)
def phrase_pattern(phrase: str, inflected: bool = False) -> regex.Pattern[str]:
    """A pattern for the phrase as whole words in a `comparable` text, case and spacing aside.

    `inflected` also takes regular inflections of its last word. Scripts that are written without spaces have no word
    boundaries: there any occurrence counts.
    """
    tokens = comparable(phrase).split()
    if not tokens:
        return regex.compile(r"(?!)")
    body = r"\s+".join(re.escape(token) for token in tokens)
    body = re.sub("['’]", "['’]", body)
    if inflected and re.fullmatch(r"[A-Za-z]{3,}", tokens[-1]):
        body += _endings(tokens[-1].lower())
    pattern = _before(tokens[0][0]) + body + _behind(tokens[-1][-1])
    return regex.compile(pattern, regex.IGNORECASE | regex.VERSION1)


def _before(first: str) -> str:
    """What must not stand before a phrase that begins with this character; a number stands in no longer one."""
    if not first.isalnum() or _BOUNDLESS.match(first):
        return ""
    return rf"(?<!{_JOINING})" + (r"(?<!\d[.,:])" if first.isdigit() else "")


def _behind(last: str) -> str:
    """What must not stand behind a phrase that ends with this character."""
    if _BOUNDLESS.match(last):
        return r"(?!\p{M})"
    if not last.isalnum() and not unicodedata.category(last).startswith("M"):
        return ""
    if _HANGUL.match(last):
        return rf"(?=(?:{_KOREAN_PARTICLES})?(?!{_JOINING}))"
    return rf"(?!{_JOINING})" + (r"(?![.,:]\d*[1-9]|,\d{3})" if last.isdigit() else "")


def _endings(word: str) -> str:
    """Optional regular endings after `word`, which itself stays as written."""
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return r"(?:es|['’]s?)?"
    if word.endswith("e"):
        return r"(?:s|d|r|['’]s)?"
    return r"(?:s|ed|ing|['’]s|s['’])?"


def count_phrase(phrase: str, text: str, inflected: bool = False) -> int:
    """How often `phrase` occurs in `text`, as `phrase_pattern` understands it."""
    return sum(1 for _ in phrase_pattern(phrase.strip(), inflected).finditer(comparable(text)))


def count_letter(letter: str, text: str) -> int:
    """How often a letter, or a few in a row, occur in `text`, case aside."""
    return comparable(text).lower().count(comparable(letter).lower())
