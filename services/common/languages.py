"""Which language a text is written in: lingua's detector in its small form, and the commonest words of each language.

The small form (letters in threes, some 50 MB, loaded at first use) is sure of long texts and wavers at short ones,
whose common words tell.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder

from services.common.function_words import FUNCTION_WORDS
from services.common.sentences import sentences
from services.common.text_measures import HAN, KANA, comparable

LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "tr", "vi", "id", "ro", "hu", "sw",
    "zh", "ja", "ko", "ru", "uk", "bg", "sr", "mk", "ar", "fa", "ur", "he", "el", "th", "hi", "mr", "bn", "pa", "gu",
    "ta", "te",
)  # fmt: skip
"""The languages that are told apart, by their ISO 639-1 codes."""
_SAME = {"no": "nb", "nn": "nb"}
_SAME_SCRIPT = {
    "da": {"nb"},
    "nb": {"da"},
    "mk": {"uk", "bg", "sr", "ru"},
    "bg": {"uk", "sr", "mk", "ru"},
    "uk": {"bg", "sr", "mk", "ru"},
    "ru": {"uk", "bg", "sr", "mk"},
    "ar": {"fa", "ur"},
    "hi": {"mr", "ne"},
}
"""Languages that short texts do not tell apart."""
_ONLY_ONE = (
    ("kn", re.compile("[\u0c80-\u0cff]")),
    ("ml", re.compile("[\u0d00-\u0d7f]")),
)
"""Scripts of one language that lingua does not know."""
_HAN = re.compile(f"[{HAN}]")
_KANA = re.compile(f"[{KANA}]")
_NO_LANGUAGE = re.compile(r"https?://\S+|\S+@\S+|`[^`\n]*`|\d[\d.,:/]*|[#*_>|]+")
_WORD = re.compile(r"[^\W\d_]+")
_COMMON = {code: frozenset(words.split()) for code, words in FUNCTION_WORDS.items()}
_WORD_WEIGHT = 2.0
"""What a common word of a language adds to its logarithm of confidence."""
_LEAST = 1e-3
"""The least confidence that letters alone leave a language: a name in foreign letters does not outweigh words."""
_MOST_WORDS = 60
"""Words of a text that are looked up."""
_MOST_TEXT = 4_000
_SURE = 0.3
"""Confidence from which the likeliest language counts."""
_SENTENCE_WORDS = 5
_ELSEWHERE = 0.9
"""Confidence from which a sentence is taken for one of another language."""
_OTHER_SHARE = 0.3


@lru_cache(maxsize=1)
def _detector() -> LanguageDetector:
    codes = [getattr(IsoCode639_1, code.upper()) for code in LANGUAGES]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_low_accuracy_mode().build()


def confidences(text: str) -> list[tuple[str, float]]:
    """(ISO 639-1 code, confidence) of the likeliest languages, the likeliest first; none where nothing tells."""
    plain = " ".join(_NO_LANGUAGE.sub(" ", comparable(text[:_MOST_TEXT])).split())
    letters = sum(map(str.isalpha, plain))
    if not letters:
        return []
    for code, script in _ONLY_ONE:
        if len(script.findall(plain)) > 0.4 * letters:
            return [(code, 1.0)]
    if (kana := len(_KANA.findall(plain))) + (han := len(_HAN.findall(plain))) > 0.4 * letters:
        return [("ja" if kana > 0.1 * (kana + han) else "zh", 1.0)]
    values = _detector().compute_language_confidence_values(plain)
    words = [word.lower() for word in _WORD.findall(plain)[:_MOST_WORDS]]
    scores = {}
    for value in values:
        code = value.language.iso_code_639_1.name.lower()
        common = _COMMON.get(code, frozenset())
        scores[code] = math.log(max(value.value, _LEAST)) + _WORD_WEIGHT * sum(word in common for word in words)
    best = max(scores.values())
    shares = {code: math.exp(score - best) for code, score in scores.items()}
    total = sum(shares.values())
    return sorted(((code, share / total) for code, share in shares.items()), key=lambda one: -one[1])


def language_of(text: str) -> str:
    """The ISO 639-1 code of the text's language; "" where it can't be told."""
    likely = confidences(text)
    return likely[0][0] if likely and likely[0][1] >= _SURE else ""


def is_language(text: str, code: str) -> bool:
    """Whether the text is written in the language `code`: as a whole, and no third of it in another one."""
    code = _SAME.get(code, code)
    if not _alike(language_of(text), code):
        return False
    foreign = total = 0
    for sentence in sentences(text[:_MOST_TEXT]):
        size = len(sentence.split())
        total += size
        if size >= _SENTENCE_WORDS and (likely := confidences(sentence)):
            foreign += size * (likely[0][1] >= _ELSEWHERE and not _alike(likely[0][0], code))
    return foreign <= _OTHER_SHARE * total


def _alike(detected: str, code: str) -> bool:
    return detected == code or code in _SAME_SCRIPT.get(detected, ())
