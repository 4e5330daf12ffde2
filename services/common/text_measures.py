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
    "emoji",
    "is_emoji",
    "numbered",
    "paragraphs",
    "phrase_pattern",
    "pieces",
    "sentence_ended",
    "sentence_ends",
    "sentences",
    "table_rows",
    "without_emoji",
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
_REGIONAL = "[\U0001f1e6-\U0001f1ff]"
_GRAPHEME = regex.compile(rf"{_REGIONAL}{{2}}[\p{{M}}\u200d]*+|\X")
"""What people see as one character; flags by themselves, since a search for the ends of a long row of them is slow."""
_MARKER = re.compile(r"^\s{0,8}(?:[-*+•‣◦▪–·]|\(?\d{1,3}[.)、．])\s*(?=\S)", re.M)
_BULLET = re.compile(r"^\s{0,8}(?:[-*+•‣◦▪–]\s+|[·•]|\*(?=[^*\s]))\S.*$", re.M)
_NUMBERED = re.compile(r"^\s{0,8}(?:\(?\d{1,3}[.)、．]|[（(]\d{1,3}[）)]|[一二三四五六七八九十]{1,3}、)\s*\S.*$", re.M)
_PLAIN = {
    **dict.fromkeys(map(ord, "‐‑⁃﹣－"), "-"),
    **{
        point: chr(point - 0xFEE0) for point in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
    },
    **dict.fromkeys(
        (0xAD, 0x61C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
    ),
    ord("％"): "%",
    ord("ʼ"): "’",
}
_UNSEEN = dict.fromkeys(point for point, form in _PLAIN.items() if form is None)
_LATIN_JOINER = regex.compile(r"(?<=\p{Latin})[\u200c\u200d]+(?=\p{Latin})")
"""Joiners that keep a ligature apart: what they stand in is read as one word without them."""
_KEYS, _KEYCAP = "0123456789#*", "\u20e3"
_JOINERS = "\u200c\u200d"
_SELECTORS = "\ufe0e\ufe0f"
_DASHES = "-\u2013\u2212"
_QUOTES = '"“”„«»＂'


def comparable(text: str) -> str:
    """The text in the form in which texts are compared: composed, with plain hyphens and letters, without marks that
    nobody sees."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFC", text).translate(_PLAIN)
    return _LATIN_JOINER.sub("", plain) if "\u200c" in plain or "\u200d" in plain else plain


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
    """(fewest, most) characters by the usual definitions: what people see as one (UAX 29), without the white space
    and with it."""
    seen = text.strip()
    if not seen.isascii():
        seen = unicodedata.normalize("NFC", seen).translate(_UNSEEN)
    units = list(seen) if seen.isascii() else _GRAPHEME.findall(seen)
    return sum(not unit.isspace() for unit in units), len(units)


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


def emoji(text: str) -> int:
    """How many pictograms people see: a family, a flag and a thumb with its colour are one each."""
    return 0 if text.isascii() else sum(map(_is_seen_as_emoji, _GRAPHEME.findall(text)))


def without_emoji(text: str) -> str:
    """The text without its pictograms; of a key with a digit on it the digit stays."""
    if text.isascii():
        return text
    units = _GRAPHEME.findall(text)
    return "".join(unit[: unit[0] in _KEYS] if _is_seen_as_emoji(unit) else unit for unit in units)


def _is_seen_as_emoji(unit: str) -> bool:
    return _KEYCAP in unit or any(map(is_emoji, unit))


def _is_flag(character: str) -> bool:
    """Whether the character is half of a country's flag."""
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


@lru_cache(maxsize=4096)
def phrase_pattern(phrase: str, inflected: bool = False) -> regex.Pattern[str]:
    """A pattern for the phrase as whole words in a `comparable` text, case and spacing aside.

    `inflected` also takes regular inflections of its last word. Scripts that are written without spaces have no word
    boundaries: there any occurrence counts.
    """
    tokens = [token for token in comparable(phrase).split() if token.strip(_SELECTORS + _JOINERS)]
    if not tokens:
        return regex.compile(r"(?!)")
    body = r"\s+".join(map(_body, tokens))
    if inflected and re.fullmatch(r"[A-Za-z]{3,}", tokens[-1]):
        body += _endings(tokens[-1].lower())
    pattern = _before(tokens[0][0]) + body + _behind(tokens[-1].rstrip(_SELECTORS + _JOINERS)[-1])
    return regex.compile(pattern, regex.IGNORECASE | regex.VERSION1)


def _body(token: str) -> str:
    """A pattern for a word and how else it is written: with other quotes, with a dash or a minus sign at a digit, with
    joiners between letters or not, with emoji shown as text or as pictures."""
    parts: list[str] = []
    worded = any(character.isalnum() for character in token)
    for at, character in enumerate(token):
        before, after = token[at - 1 : at], token[at + 1 : at + 2]
        if character in _SELECTORS:
            parts += [] if at and is_emoji(before) else [f"[{_SELECTORS}]?"]
        elif character in _JOINERS and not (after and is_emoji(after)):
            continue
        elif character in "'’":
            parts.append("['’]")
        elif character in _DASHES and (before.isdigit() or after.isdigit()):
            parts.append(f"[{_DASHES}]")
        elif character in _QUOTES and worded:
            parts.append(f"[{_QUOTES}]")
        elif is_emoji(character):
            parts.append(f"{character}[{_SELECTORS}]?")
        else:
            parts.append(re.escape(character))
            if (
                ord(character) > 0x590
                and _is_inside(character)
                and _is_inside(after.strip(_JOINERS) or token[at + 2 :])
            ):
                parts.append(f"[{_JOINERS}]?+")
    return "".join(parts)


def _is_inside(text: str) -> bool:
    """Whether a text begins with a letter or a combining mark."""
    return unicodedata.category(text[0])[0] in "LM" if text else False


def _before(first: str) -> str:
    """What must not stand before a phrase that begins with this character: a number stands in no longer one, an emoji
    in none that is made of several."""
    if is_emoji(first):
        return (
            rf"(?<!\u200d)(?<!(?<!{_REGIONAL})(?:{_REGIONAL}{{2}}){{0,8}}{_REGIONAL})"
            if _is_flag(first)
            else r"(?<!\u200d)"
        )
    if not first.isalnum() or _BOUNDLESS.match(first):
        return ""
    return rf"(?<!{_JOINING})" + (r"(?<!\d[.,:])" if first.isdigit() else "")


def _behind(last: str) -> str:
    """What must not stand behind a phrase that ends with this character."""
    if _BOUNDLESS.match(last):
        return r"(?!\p{M})"
    if is_emoji(last):
        return rf"(?![{_SELECTORS}\U0001f3fb-\U0001f3ff]*[\u200d\U000e0020-\U000e007f])"
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
