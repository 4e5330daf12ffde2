"""Which language a text is written in, told by its script and its commonest words. Pure Python."""

from __future__ import annotations

import re
from collections import Counter

from services.common.text_measures import HAN, KANA

_WORD = re.compile(r"[^\W_]+")
_SCRIPTS = (
    ("ja", re.compile(f"[{KANA}]")),
    ("zh", re.compile(f"[{HAN}]")),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("bn", re.compile(r"[\u0980-\u09ff]")),
    ("pa", re.compile(r"[\u0a00-\u0a7f]")),
    ("gu", re.compile(r"[\u0a80-\u0aff]")),
    ("ta", re.compile(r"[\u0b80-\u0bff]")),
    ("te", re.compile(r"[\u0c00-\u0c7f]")),
    ("kn", re.compile(r"[\u0c80-\u0cff]")),
    ("ml", re.compile(r"[\u0d00-\u0d7f]")),
)
_SAME_SCRIPT = {"ru": {"uk", "bg", "sr", "mk"}, "ar": {"fa", "ur"}, "hi": {"mr", "ne"}, "ja": set[str]()}
# The commonest words of each language.
_FUNCTION_WORDS = {
    "en": (
        "the of and to is that it was for with are this be on have not you as at by they from which or "
        "but his she we will would there their can your what has more one all about if when who an been "
        "were its"
    ),
    "de": (
        "der die das und ist nicht ich sie es ein eine zu mit auf für von dem den sich auch wie wird sind "
        "bei aus nach einen einer oder wenn über kann durch werden haben hat im zum zur als noch nur"
    ),
    "fr": (
        "le la les et est une des du que qui dans pour pas sur avec au sont par plus ce cette il elle "
        "nous vous mais ou aux leur ses comme être été fait aussi ils je ne se l d"
    ),
    "es": (
        "el la los las y es una del que en por para con no se su al lo como más pero sus este esta son "
        "también fue hay está cuando muy sin sobre ser todo desde porque entre"
    ),
    "it": (
        "il la gli e è una di che per non con sono del della nel alla si anche come più ma dei delle "
        "questo questa da al un lo le ha essere stato quando molto tra dalla sul"
    ),
    "pt": (
        "o a os as e é uma do da que em para com não se por mais dos das como mas ao foi são também na no "
        "seu sua pelo pela isso este esta você muito quando ou ser tem à"
    ),
    "nl": (
        "de het een en van is dat niet in op te zijn met voor aan er ook als maar bij door naar om uit "
        "wordt worden deze dit heeft hebben kan ik je zij hij of nog wel meer"
    ),
    "sv": (
        "och att det som en är på för av med den till inte har om ett men var jag de så kan från vi eller "
        "när detta också vid efter"
    ),
    "da": (
        "og at det som en er på for af med den til ikke har om et men var jeg de så kan fra vi eller når "
        "dette også ved efter blev"
    ),
    "no": (
        "og at det som en er på for av med den til ikke har om et men var jeg de så kan fra vi eller når "
        "dette også ved etter ble"
    ),
    "fi": (
        "ja on ei että se oli hän mutta kun ovat tai myös joka niin kuin sekä ole vain voi sen jos mitä tämä nyt sitten"
    ),
    "pl": (
        "i w na się nie że jest do z to jak o co po ale za od są przez tym dla jego tak już lub które "
        "który może być także oraz"
    ),
    "cs": (
        "a v na se že je do s to jak o co po ale za od jsou tím pro jeho tak už nebo které který může být také jako při"
    ),
    "tr": ("ve bir bu için ile de da çok olarak daha gibi en ne ama olan kadar sonra var değil ben o mi ki her şey"),
    "vi": "và của là có không được cho một trong người với này các đã để những khi đến về như tôi bạn nhiều",
    "id": (
        "yang dan di itu dengan untuk tidak ini dari dalam adalah pada akan juga ke bisa ada mereka saya "
        "atau oleh sebagai karena kami anda"
    ),
    "ro": ("și de la în a nu este că o cu pe să un mai din pentru care sunt ca se dar fost sau această foarte"),
    "hu": "a az és hogy nem egy is van ez de meg volt csak el mint már ha vagy még ki lehet minden",
    "sw": "ya na wa kwa ni katika la za kuwa hii cha au kama hiyo lakini yake watu pia hivyo",
}
_LATIN = {code: frozenset(listed.split()) for code, listed in _FUNCTION_WORDS.items()}


def language_of(text: str) -> str:
    """The ISO 639-1 code of the text's language, by script, then by function words; "" where it can't be
    told."""
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return ""
    for code, pattern in _SCRIPTS:
        share = len(pattern.findall(text)) / len(letters)
        if share > (0.1 if code == "ja" else 0.4):
            return code
    tokens = Counter(token.lower() for token in _WORD.findall(text))
    scores = {code: sum(n for t, n in tokens.items() if t in listed) for code, listed in _LATIN.items()}
    best = max(scores, key=lambda code: scores[code])
    total = sum(tokens.values())
    return best if scores[best] and scores[best] >= 0.08 * total else ""


def is_language(text: str, code: str) -> bool:
    """Whether the text is written in the language `code`, counting languages of one script as one."""
    found = language_of(text)
    return found == code or code in _SAME_SCRIPT.get(found, set())
