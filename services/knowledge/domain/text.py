"""Text as retrieval sees it: search terms, sentences, content hashes."""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer  # type: ignore[import-not-found]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_IDEOGRAPHS = re.compile(r"[㐀-鿿豈-﫿぀-ヿ가-힯]+")
_SENTENCE_END = re.compile(r"(?<=[。！？；])|(?<=[.!?])\s+|\n+")
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by for if in into is it no not of on or such that the their then there these "
        "they this to was will with i you he she we my your me our us do does did what which who whom how when "
        "where why can could would should have has had been being were am its his her so than too very just about from",
    )
)
_CHINESE_STOP = frozenset("的了吗呢吧啊呀哦嗯么是在有和与也都就还这那我你他她它们")


_stemmer = threading.local()  # a Stemmer may not be shared between threads


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    if not hasattr(_stemmer, "english"):
        _stemmer.english = Stemmer.Stemmer("english")
    return str(_stemmer.english.stemWord(word))


def normalise(text: str) -> str:
    """NFKC, case folded, runs of white space made one space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def terms(text: str) -> list[str]:
    """Search terms in order: English stems without stop words; pairs and single characters of ideographs.

    Chinese has no spaces and a segmenter would have to be trained on the customer's words; overlapping
    pairs need no dictionary (Nie & Ren 1999).
    """
    found: list[str] = []
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        word = match.group()
        if word.isascii():
            if word not in _STOP_WORDS:
                found.append(_stem(word.replace("'", "")))
            continue
        position = 0
        for run in _IDEOGRAPHS.finditer(word):
            if run.start() > position:
                found.append(_stem(word[position : run.start()]))
            found.extend(_pairs(run.group()))
            position = run.end()
        if position < len(word):
            found.append(_stem(word[position:]))
    return found


def _pairs(run: str) -> list[str]:
    singles = [character for character in run if character not in _CHINESE_STOP]
    return singles + [run[index : index + 2] for index in range(len(run) - 1)]


def sentences(text: str) -> list[str]:
    """Sentences with what ends them; Chinese full stops split before Western ones are looked at."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part and part.strip()]


def content_hash(*parts: str) -> str:
    """Hash of the parts as they stand; the same parts give the same 24 characters."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:24]
