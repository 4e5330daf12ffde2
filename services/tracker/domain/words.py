"""English as the rules know it: words that mean nothing of their own, words that mean the same, the stem of a word."""

from __future__ import annotations

import re

STOP = frozenset(
    "a an the of for to in on at by with from and or is are was be been it its this that these those i me my we "
    "us our you"
    " your he she they them their which what who whom whose where when how do does did can could will would "
    "shall should"
    " may might have has had there here if whether whose as into about any some other such than then so"
    " not no yes name type kind boolean flag indicating given user users want wants need needs like please get "
    "make let one ones".split()
)
HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_NARROW = re.compile(r"(?<=[\u3040-\u30ff\u3400-\u9fff])[,?!;](?!\d)|[,?!;](?=[\u3040-\u30ff\u3400-\u9fff])")
_WIDE = str.maketrans(",?!;", "，？！；")


def widened(text: str) -> str:
    """The text with the marks beside Chinese in their Chinese form, code point for code point ("周一,不,周二")."""
    return _NARROW.sub(lambda match: match[0].translate(_WIDE), text) if HAN.search(text) else text


def blanked(pattern: re.Pattern[str], text: str) -> str:
    """The text with spaces in the place of what the pattern finds, so that everything else stands where it stood."""
    return pattern.sub(lambda match: " " * len(match[0]), text)


TRUE = frozenset("true yes 是 要 有 对 需要 是的".split())
FALSE = frozenset("false no 否 不 无 没有 不要 不需要 不是".split())
SYNONYMS = (
    "people ppl pax person guest adult passenger traveler traveller rider attendee participant party group seat ticket "
    "friend us individual",
    "city town location area place where located",
    "date day when",
    "time hour clock",
    "price cost fare budget rate rent charge",
    "food cuisine eat meal dish restaurant",
    "music song genre concert track",
    "movie film genre",
    "room bedroom",
    "bath bathroom",
    "bed bedroom",
    "star rating rated",
    "night day stay",
    "artist singer band by",
    "director directed by",
    "phone telephone contact",
    "address street",
    "kid child family",
    "pet dog cat animal",
    "alcohol liquor drink wine beer",
    "wifi internet wi-fi",
    "stop layover nonstop transfer direct",
    "cheap inexpensive",
)
# Words for common categories that no schema lists; general English, found in no ontology.
ALIASES = {
    "inexpensive": ("cheap", "budget", "affordable", "low priced", "economical", "not too expensive", "low cost"),
    "cheap": ("inexpensive", "budget", "affordable", "low priced", "economical", "low cost"),
    "moderate": (
        "moderately priced",
        "mid range",
        "reasonably priced",
        "average priced",
        "medium priced",
        "moderately",
    ),
    "expensive": ("pricey", "high end", "upscale", "fancy", "costly"),
    "very expensive": ("luxurious", "very pricey", "ultra high end"),
    "compact": ("small",),
    "full-size": ("large", "big", "spacious", "full size"),
    "standard": ("medium sized",),
    "luxury": ("luxurious",),
    "pool": ("shared", "share"),
    "music": ("concert", "singer", "band", "music"),
    "sports": ("game", "match", "sport", "sporting"),
    "economy": ("coach",),
    "0": ("nonstop", "direct", "non stop", "no stops", "no layover", "no transfers"),
}
PEOPLE = frozenset(w + end for w in SYNONYMS[0].split() for end in ("", "s"))
NOT_PEOPLE = frozenset(
    "star rating price fare cost rate rent amount room rooms bed beds bath baths night nights day days".split()
)
PLACE = frozenset(
    "city town location area place destination where located origin venue station airport address".split()
)
WEAK = frozenset("number size find check given total".split())
FROM = frozenset("from origin departure departing depart leaving source start starting outbound pickup".split())
TO = frozenset("to destination arrival arriving arrive going dropoff end ending".split())
END = frozenset("return end out dropoff until checkout ending inbound last".split())


def stem(word: str) -> str:
    """A crude common form of an English word's inflections ("cities" → "city", "booking" → "book")."""
    word = word.lower().removesuffix("'s").removesuffix("’s")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if len(word) > 5 and word.endswith("ing"):
        word = word[:-3]
    elif len(word) > 4 and word.endswith("ed"):
        word = word[:-2]
    return word[:-1] if len(word) > 4 and word[-1] == "e" else word


def tokens_of(name: str) -> list[str]:
    """The words of an identifier ("FindRestaurants", "number_of_seats", "hotel-area") or of a plain text.

    Chinese has no spaces: there, pairs of characters stand for words.
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    tokens: list[str] = []
    for token in re.findall(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+", spaced):
        if "\u3400" <= token[0] <= "\u9fff" and len(token) > 2:
            tokens += [token[i : i + 2] for i in range(len(token) - 1)]
        else:
            tokens.append(token.lower())
    return tokens


SYNONYM_STEMS = [frozenset(stem(w) for w in group.split()) for group in SYNONYMS]
INTENT_SYNONYMS = [
    frozenset(stem(w) for w in group.split())
    for group in (
        "find search look looking show suggest recommend browse",
        "book reserve reservation buy purchase schedule order rent appointment",
        "play watch listen hear",
        "check see know",
        "transfer send pay",
        "add create set",
    )
]
