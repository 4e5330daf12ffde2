"""A schema compiled for matching: what each slot holds, the words that announce it, the patterns of its
values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from services.common.schema import Schema, Service, Slot

STOP = frozenset(
    "a an the of for to in on at by with from and or is are was be been it its this that these those i me my we "
    "us our you"
    " your he she they them their which what who whom whose where when how do does did can could will would "
    "shall should"
    " may might have has had there here if whether whose as into about any some other such than then so"
    " not no yes name type kind boolean flag indicating given user users want wants need needs like please get "
    "make let one ones".split()
)
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_TRUE, _FALSE = frozenset({"true", "yes"}), frozenset({"false", "no"})
_SYNONYMS = (
    "people person guest adult passenger traveler traveller rider attendee party group seat ticket friend us "
    "individual",
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
_ALIASES = {
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
_PEOPLE = frozenset(w + end for w in _SYNONYMS[0].split() for end in ("", "s"))
_NOT_PEOPLE = frozenset(
    "star rating price fare cost rate rent amount room rooms bed beds bath baths night nights day days".split()
)
_PLACE = frozenset(
    "city town location area place destination where located origin venue station airport address".split()
)
_WEAK = frozenset("number size find check given total".split())
_FROM = frozenset("from origin departure departing depart leaving source start starting outbound pickup".split())
_TO = frozenset("to destination arrival arriving arrive going dropoff end ending".split())
_END = frozenset("return end out dropoff until checkout ending inbound last".split())


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


_SYNONYM_STEMS = [frozenset(stem(w) for w in group.split()) for group in _SYNONYMS]


@dataclass(frozen=True, slots=True)
class SlotRules:
    """One slot as the rules see it. `cues` maps word stems to how surely they speak of this slot and no
    other."""

    service: str
    slot: Slot
    kind: str
    fillable: bool
    cues: dict[str, float]
    people: bool
    place: bool
    direction: str  # "from", "to" or ""
    ends: bool  # the later of two dates or times
    values: tuple[tuple[re.Pattern[str], str], ...] = ()
    true_value: str = "True"
    false_value: str = "False"
    openings: tuple[str, ...] = ()  # of each of `values`, what a text that holds it has a word begin with

    def values_in(self, text: str) -> Iterator[tuple[re.Pattern[str], str]]:
        """Those of `values` that `text` may hold, by how its words begin: searching all takes longer than the rest."""
        there = _openings(text)
        return (value for value, opening in zip(self.values, self.openings, strict=True) if opening in there)

    @property
    def key(self) -> tuple[str, str]:
        return self.service, self.slot.name


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """One service as the rules see it; `intents` are (name, word weights) pairs."""

    service: Service
    slots: tuple[SlotRules, ...]
    intents: tuple[tuple[str, dict[str, float]], ...]
    cues: dict[str, float]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All that the rules know of a schema."""

    services: dict[str, ServiceRules] = field(default_factory=dict)


@lru_cache(maxsize=1024)
def compile_schema(schema: Schema) -> Lexicon:
    """The schema's lexicon; cached, because a schema's revision never changes."""
    names = Counter(t for s in schema.services for t in {stem(w) for w in _service_words(s)})
    return Lexicon({s.name: _service_rules(s, names, len(schema.services)) for s in schema.services})


def _service_words(service: Service) -> list[str]:
    return [
        w
        for text in (service.name, service.description, *(i.name for i in service.intents))
        for w in tokens_of(text)
        if w not in STOP and not w.isdigit()
    ]


def _service_rules(service: Service, names: Counter[str], count: int) -> ServiceRules:
    rare: Counter[str] = Counter()
    for slot in service.slots:
        rare.update({stem(w) for w in tokens_of(f"{slot.name} {slot.description}")})
    declared = {s for i in service.intents for s in (*i.required, *i.optional)}
    slots = tuple(_slot_rules(service, slot, rare, declared) for slot in service.slots)
    directions = {s.direction for s in slots if s.place and s.fillable}
    if not {"from", "to"} <= directions:
        slots = tuple(replace(s, direction="") for s in slots)
    cues: dict[str, float] = {}
    for word in _service_words(service):
        cues[stem(word)] = max(cues.get(stem(word), 0.0), 1.0 if names[stem(word)] == 1 or count == 1 else 0.3)
    for slot in service.slots:
        for word in tokens_of(f"{slot.name} {slot.description}"):
            if word not in STOP and word not in _WEAK:
                cues.setdefault(stem(word), 0.25)
    intents = tuple((i.name, _intent_words(i.name, i.description)) for i in service.intents)
    return ServiceRules(service, slots, intents, cues)


def _intent_words(name: str, description: str) -> dict[str, float]:
    words = {stem(w): 0.5 for w in tokens_of(description) if w not in STOP}
    words.update({stem(w): 1.0 for w in tokens_of(name) if w not in STOP})
    for group in _INTENT_SYNONYMS:
        if words.keys() & group:
            words.update({w: max(words.get(w, 0.0), 0.8) for w in group})
    return words


_INTENT_SYNONYMS = [
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


def _slot_rules(service: Service, slot: Slot, rare: Counter[str], declared: set[str]) -> SlotRules:
    own = tokens_of(slot.name)
    prefix = tokens_of(service.name)
    if len(own) > 1 and own[0] in prefix:
        own = own[1:]
    described = tokens_of(slot.description)
    words = set(own) | set(described)
    kind = slot.kind or _kind_of(slot, own, described)
    cues: dict[str, float] = {}
    for source, weight in ((described, 1.0), (own, 2.0)):
        for word in source:
            if word not in STOP and word not in _WEAK:
                cues[stem(word)] = max(cues.get(stem(word), 0.0), weight / rare[stem(word)] ** 0.7)
    strong = {w for w, weight in cues.items() if weight >= 0.5}
    for group in _SYNONYM_STEMS:
        if strong & group & {stem(w) for w in own}:
            for word in group:
                cues[word] = max(cues.get(word, 0.0), 0.5)
    found = _value_patterns(slot) if kind != "boolean" else ()
    values, openings = tuple((pattern, value) for pattern, value, _ in found), [opening for *_, opening in found]
    true_value, false_value = "True", "False"
    for value in slot.value_names:
        if value.lower() in _TRUE:
            true_value = value
        if value.lower() in _FALSE:
            false_value = value
    return SlotRules(
        service=service.name,
        slot=slot,
        kind=kind,
        fillable=not declared or slot.name in declared,
        cues=cues,
        people=kind == "number" and bool(words & _PEOPLE) and not words & _NOT_PEOPLE,
        place=kind in ("name", "text") and bool((set(own) | set(described[:3])) & _PLACE),
        direction=_direction(own, described),
        ends=bool((set(own) | set(described)) & _END) and not set(own) & {"start", "departure", "outbound"},
        values=values,
        openings=tuple(openings),
        true_value=true_value,
        false_value=false_value,
    )


def _direction(own: list[str], described: list[str]) -> str:
    for words in (own, described):
        if set(words) & _FROM and not set(words) & _TO:
            return "from"
        if set(words) & _TO and not set(words) & _FROM:
            return "to" if set(words) & (_TO - {"to"}) or words is own else ""
    return ""


def _kind_of(slot: Slot, own: list[str], described: list[str]) -> str:
    values = [v.lower() for v in slot.value_names]
    if values:
        if set(values) & _TRUE and set(values) & _FALSE:
            return "boolean"
        return "number" if all(re.fullmatch(r"\d+(?:\.\d+)?", v) for v in values) else "text"
    words = set(own)
    if words & {"phone", "address", "postcode", "reference", "ref"}:
        return "text"
    for kinds in (words, set(described)):
        if kinds & {"date", "day", "日期"}:
            return "date"
        if kinds & {"duration", "long", "minutes"}:
            return "number"
        if kinds & {"time", "arrive", "leave", "leaveat", "arriveby"} and "times" not in kinds:
            return "time"
        if kinds & {"number", "count", "size", "rating", "amount", "price", "fare", "cost", "balance", "rent", "total"}:
            return "number"
        if kinds & {"name", "title", "city", "artist", "album", "director", "location", "station", "airport"}:
            return "name"
    return "name" if words & (_PLACE | {"to", "from"}) else "text"


@lru_cache(maxsize=1024)
def _openings(text: str) -> frozenset[str]:
    """The first letters, up to three, of every word of `text`."""
    return frozenset({"", *(word[:size] for word in re.findall(r"[^\W_]+", text.lower()) for size in (1, 2, 3))})


def _opening(surface: str) -> str:
    """The first letters of `surface` that no inflection changes; none where it is not written in words."""
    words: list[str] = re.findall(r"[^\W_]+", surface)
    if not words or _HAN.search(surface):
        return ""
    return words[0][: max(1, min(3, len(words[0]) - 1))]


def _value_patterns(slot: Slot) -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """Patterns of the slot's values with their openings, longest surface first, so that "very expensive" is not read
    as "expensive"."""
    surfaces: dict[str, str] = {}
    taken = {v.value.lower() for v in slot.values}
    for value in slot.values:
        for surface in (value.value, *value.aliases):
            surfaces.setdefault(surface.lower(), value.value)
        for surface in _ALIASES.get(value.value.lower(), ()):
            if surface not in taken:
                surfaces.setdefault(surface, value.value)
    numeric = all(re.fullmatch(r"\d+", v.value) for v in slot.values)
    return tuple(
        (_surface_pattern(surface), value, _opening(surface))
        for surface, value in sorted(surfaces.items(), key=lambda item: -len(item[0]))
        if not (numeric and surface.isdigit() and len(surface) < 3)
    )


def _surface_pattern(surface: str) -> re.Pattern[str]:
    if _HAN.search(surface):
        return re.compile(re.escape(surface), re.I)
    words = re.findall(r"[^\W_]+", surface)
    parts = [_spelling(re.escape(w)) for w in words]
    if words and len(words[-1]) > 2 and words[-1].isalpha():
        last = words[-1]
        if last.endswith("y"):
            parts[-1] = _spelling(re.escape(last[:-1])) + "(?:y|ies)"
        else:
            parts[-1] += r"(?:e?s|'s)?"
    return re.compile(r"(?<![^\W_])" + r"[\s\-_&.,']*".join(parts) + r"(?![^\W_])", re.I)


def _spelling(word: str) -> str:
    """British and American spellings of one word."""
    word = re.sub(r"(?<=\w\w)(?:tre|ter)\b", "(?:tre|ter)", word)
    return re.sub(r"(?<=\w\w)(?:lour|lor)\b", "(?:lour|lor)", word)
