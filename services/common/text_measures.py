"""What can be counted in a text: words, sentences, paragraphs, list items, phrases. Pure Python."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
KANA = r"\u3040-\u30ff"
_UNSPACED = re.compile(f"[{HAN}{KANA}]")
_PIECE = re.compile(r"[^\W_]+")
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_ABBREVIATION = re.compile(
    r"\b(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|inc|ltd|no|fig|approx|dept|jr|sr|co|a\.m|p\.m|[a-z])\.$",
    re.I,
)
_SENTENCE_END = re.compile(r"[.!?]+[\"'”’)\]*_]*(?=\s|$)|[。！？]+[」』”’）]*|…(?=\s|$)")
_PIECE_OF_TEXT = re.compile(r".+?(?:[.!?…][\"'”’)\]*]*\s+|\n+|$)", re.S)
_ENDED = re.compile(r"(?:[.!?…][\"'”’)\]*_]*|[。！？][」』”’）]*|\n)\s*$")
_NOT_ENDED = re.compile(r"(?:\b(?:mr|mrs|ms|dr|st|vs|e\.g|i\.e|etc|no|[a-z])\.|(?:^|\n)\s*\d{1,3}[.)])\s*$", re.I)
_BULLET = re.compile(r"^\s{0,8}(?:[-*+•‣◦▪–]\s+|\*(?=[^*\s]))\S.*$", re.M)
_NUMBERED = re.compile(r"^\s{0,8}\(?\d{1,3}[.)、]\s*\S.*$", re.M)


def _split_unspaced(text: str) -> str:
    return _UNSPACED.sub(lambda m: f" {m.group()} ", text)


def count_words(text: str) -> tuple[int, int]:
    """(fewest, most) words by the two usual definitions, "don't" as one or two; a Han character is one."""
    spaced = _split_unspaced(text)
    return len(_WORD.findall(spaced)), len(_PIECE.findall(spaced))


def words(text: str) -> list[str]:
    """The words in their order, "don't" and "well-known" each as one."""
    return _WORD.findall(_split_unspaced(text))


def sentences(text: str) -> list[str]:
    """The sentences: ended by a full stop, question or exclamation mark, Western or Chinese, or a line's
    end."""
    found: list[str] = []
    for line in text.splitlines():
        start = 0
        for end in sentence_ends(line):
            _add_sentence(found, line[start:end])
            start = end
        _add_sentence(found, line[start:])
    return found


def sentence_ends(line: str) -> Iterator[int]:
    """Where sentences end in a line, before the line's own end or there."""
    start = 0
    for match in _SENTENCE_END.finditer(line):
        if match.group()[0] != "." or not _ABBREVIATION.search(line[start : match.start() + 1]):
            start = match.end()
            yield start


def _add_sentence(found: list[str], piece: str) -> None:
    if re.sub(r"^\s*\(?\d{1,3}[.)]\s*", "", piece).strip(" \t-*•#>|_=") and _PIECE.search(piece):
        if re.fullmatch(r"\s*\(?\d{1,3}[.)]", piece):
            return
        found.append(piece.strip())


def pieces(text: str) -> list[str]:
    """The sentences and lines of a text, each with the space after it: together they are the text."""
    parts: list[str] = []
    for match in _PIECE_OF_TEXT.finditer(text):
        if parts and not sentence_ended(parts[-1]):
            parts[-1] += match[0]
        else:
            parts.append(match[0])
    return [part for part in parts if part.strip()]


def sentence_ended(text: str) -> bool:
    """Whether the text stops where a reply may stop: after a sentence or a line, not after an abbreviation."""
    return bool(_ENDED.search(text)) and not _NOT_ENDED.search(text)


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
    return unicodedata.category(character) == "So" and ord(character) > 0x2000


@lru_cache(maxsize=4096)
def phrase_pattern(phrase: str, inflected: bool = False) -> re.Pattern[str]:
    """A pattern for the phrase as whole words, case and spacing aside.

    `inflected` also takes regular inflections of its last word. Han and kana have no word boundaries: there
    any occurrence counts.
    """
    tokens = phrase.split()
    body = r"\s+".join(re.escape(token) for token in tokens) if tokens else r"(?!)"
    body = re.sub("['’]", "['’]", body)
    if inflected and tokens and re.fullmatch(r"[A-Za-z]{3,}", tokens[-1]):
        body += _endings(tokens[-1].lower())
    left = r"(?<![^\W_])" if phrase and (phrase[0].isalnum() and not _UNSPACED.match(phrase[0])) else ""
    right = r"(?![^\W_])" if phrase and (phrase[-1].isalnum() and not _UNSPACED.match(phrase[-1])) else ""
    return re.compile(left + body + right, re.I)


def _endings(word: str) -> str:
    """Optional regular endings after `word`, which itself stays as written."""
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return r"(?:es|['’]s?)?"
    if word.endswith("e"):
        return r"(?:s|d|r|['’]s)?"
    return r"(?:s|ed|ing|['’]s|s['’])?"


def count_phrase(phrase: str, text: str, inflected: bool = False) -> int:
    """How often `phrase` occurs in `text`, as `phrase_pattern` understands it."""
    return sum(1 for _ in phrase_pattern(phrase.strip(), inflected).finditer(text))
