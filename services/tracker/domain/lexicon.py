"""A schema compiled for matching: what each slot holds, the words that announce it, the patterns of its
values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from services.common.schema import Schema, Service, Slot
from services.tracker.domain.words import (
    ALIASES,
    END,
    FALSE,
    FROM,
    HAN,
    INTENT_SYNONYMS,
    NOT_PEOPLE,
    PEOPLE,
    PLACE,
    STOP,
    SYNONYM_STEMS,
    TO,
    TRUE,
    WEAK,
    stem,
    tokens_of,
)


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
    counts_people: bool  # the same in Chinese, where the measure word tells
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


_PARTIES = frozenset("customer client caller s".split())
"""Words of descriptions that speak of nothing but the one who calls."""


def _service_words(service: Service) -> list[str]:
    return [
        w
        for text in (service.name, service.description, *(i.name for i in service.intents))
        for w in tokens_of(text)
        if w not in STOP and w not in _PARTIES and not w.isdigit() and (len(w) > 1 or HAN.search(w))
    ]


def _service_rules(service: Service, names: Counter[str], count: int) -> ServiceRules:
    rare: Counter[str] = Counter()
    for slot in service.slots:
        rare.update({stem(w) for w in tokens_of(f"{slot.name} {slot.description}")})
    taken = {s for i in service.intents for s in (*i.required, *i.optional)}
    answered = {s for i in service.intents for s in i.results} - taken
    slots = tuple(_slot_rules(service, slot, rare, answered) for slot in service.slots)
    directions = {s.direction for s in slots if s.place and s.fillable}
    if not {"from", "to"} <= directions:
        slots = tuple(replace(s, direction="") for s in slots)
    cues: dict[str, float] = {}
    for word in _service_words(service):
        cues[stem(word)] = max(cues.get(stem(word), 0.0), 1.0 if names[stem(word)] == 1 or count == 1 else 0.3)
    for slot in service.slots:
        for word in tokens_of(f"{slot.name} {slot.description}"):
            if word not in STOP and word not in WEAK and (len(word) > 1 or HAN.search(word)):
                cues.setdefault(stem(word), 0.25)
    objects = {stem(w) for slot in service.slots for w in tokens_of(slot.name)}
    intents = tuple((i.name, _intent_words(i.name, i.description, objects)) for i in service.intents)
    return ServiceRules(service, slots, intents, cues)


def _intent_words(name: str, description: str, objects: set[str]) -> dict[str, float]:
    described = (w for w in tokens_of(description) if w not in STOP and w not in _PARTIES)
    words = {stem(w): 0.5 for w in described if len(w) > 1 or HAN.search(w)}
    words.update({stem(w): 1.0 for w in tokens_of(name) if w not in STOP})
    for group in INTENT_SYNONYMS:
        if words.keys() & group:
            words.update({w: max(words.get(w, 0.0), 0.8) for w in group})
    if HAN.search(name):
        # A slot's own name in it says little: "订单号是…" asks for nothing of an order.
        words = {word: 0.4 * weight if word in objects else weight for word, weight in words.items()}
    return words


def _slot_rules(service: Service, slot: Slot, rare: Counter[str], answered: set[str]) -> SlotRules:
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
            if word not in STOP and word not in WEAK:
                cues[stem(word)] = max(cues.get(stem(word), 0.0), weight / rare[stem(word)] ** 0.7)
    strong = {w for w, weight in cues.items() if weight >= 0.5}
    for group in SYNONYM_STEMS:
        if strong & group & {stem(w) for w in own}:
            for word in group:
                cues[word] = max(cues.get(word, 0.0), 0.5)
    found = _value_patterns(slot) if kind != "boolean" else _alias_patterns(slot)
    values, openings = tuple((pattern, value) for pattern, value, _ in found), [opening for *_, opening in found]
    true_value, false_value = "True", "False"
    for value in slot.value_names:
        if value.lower() in TRUE:
            true_value = value
        if value.lower() in FALSE:
            false_value = value
    return SlotRules(
        service=service.name,
        slot=slot,
        kind=kind,
        fillable=slot.name not in answered,
        cues=cues,
        people=kind == "number" and bool(words & PEOPLE) and not words & NOT_PEOPLE,
        counts_people=kind == "number" and re.search("人", slot.name + slot.description) is not None,
        place=kind in ("name", "text") and bool((set(own) | set(described[:3])) & PLACE),
        direction=_direction(own, described),
        ends=bool((set(own) | set(described)) & END) and not set(own) & {"start", "departure", "outbound"},
        values=values,
        openings=tuple(openings),
        true_value=true_value,
        false_value=false_value,
    )


def _direction(own: list[str], described: list[str]) -> str:
    for words in (own, described):
        if set(words) & FROM and not set(words) & TO:
            return "from"
        if set(words) & TO and not set(words) & FROM:
            return "to" if set(words) & (TO - {"to"}) or words is own else ""
    return ""


def _kind_of(slot: Slot, own: list[str], described: list[str]) -> str:
    values = [v.lower() for v in slot.value_names]
    if values:
        if set(values) & TRUE and set(values) & FALSE:
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
    return "name" if words & (PLACE | {"to", "from"}) else "text"


_LETTER = r"[^\W_\u3040-\u30ff\u3400-\u9fff]"
"""A letter or digit that words are written with; Chinese stands beside such a word without a space ("要Family套餐")."""


@lru_cache(maxsize=1024)
def _openings(text: str) -> frozenset[str]:
    """The first letters, up to three, of every word of `text`."""
    words = re.findall(rf"{_LETTER}+", text.lower())
    return frozenset({"", *(word[:size] for word in words for size in (1, 2, 3))})


def _opening(surface: str) -> str:
    """The first letters of `surface` that no inflection changes; none where it is not written in words."""
    words: list[str] = re.findall(r"[^\W_]+", surface)
    if not words or HAN.search(surface):
        return ""
    return words[0][: max(1, min(3, len(words[0]) - 1))]


def _value_patterns(slot: Slot) -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """Patterns of the slot's values with their openings, longest surface first, so that "very expensive" is not read
    as "expensive"."""
    surfaces: dict[str, str] = {}
    taken = {v.value.lower() for v in slot.values}
    for value in slot.values:
        for surface in (value.value, *value.aliases, *_without_article(value.aliases)):
            surfaces.setdefault(surface.lower(), value.value)
        for surface in ALIASES.get(value.value.lower(), ()):
            if surface not in taken:
                surfaces.setdefault(surface, value.value)
    numeric = all(re.fullmatch(r"\d+", v.value) for v in slot.values)
    return tuple(
        (_surface_pattern(surface), value, _opening(surface))
        for surface, value in sorted(surfaces.items(), key=lambda item: -len(item[0]))
        if not (numeric and surface.isdigit() and len(surface) < 3)
    )


def _without_article(aliases: tuple[str, ...]) -> list[str]:
    """ "the white one" is called "white one" too."""
    return [alias[4:] for alias in aliases if alias.lower().startswith("the ") and " " in alias[4:]]


def _alias_patterns(slot: Slot) -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """The same for a yes/no slot: only what else its two values are called, longest first."""
    surfaces = {alias.lower(): value.value for value in slot.values for alias in value.aliases}
    return tuple(
        (_last_in_clause(surface) if len(surface) == 1 else _surface_pattern(surface), value, _opening(surface))
        for surface, value in sorted(surfaces.items(), key=lambda item: -len(item[0]))
        if len(surface) > 3 or (HAN.search(surface) and surface not in TRUE | FALSE)
    )


def _last_in_clause(character: str) -> re.Pattern[str]:
    """One Chinese character by itself ends its clause ("拿旧的抵"); elsewhere it is part of a word."""
    return re.compile(rf"{character}(?=[吧了的啊呀]?(?:[，。！？；,!?;\s]|$))")


def _surface_pattern(surface: str) -> re.Pattern[str]:
    if HAN.search(surface):
        return re.compile(re.escape(surface), re.I)
    words = re.findall(r"[^\W_]+", surface)
    parts = [_spelling(re.escape(w)) for w in words]
    if words and len(words[-1]) > 2 and words[-1].isalpha():
        last = words[-1]
        if last.endswith("y"):
            parts[-1] = _spelling(re.escape(last[:-1])) + "(?:y|ies)"
        else:
            parts[-1] += r"(?:e?s|'s|ed)?"
    if len(surface) == 1 and surface.isalpha():
        # "S" is a size, the end of "it's" is none; a small letter means it behind its noun alone.
        letter = rf"(?:{surface.upper()}|(?<=\bsize ){surface.lower()}|^{surface.lower()}$)"
        return re.compile(rf"(?<!{_LETTER})(?<!\w['’]){letter}(?!{_LETTER}|['’])")
    return re.compile(rf"(?<!{_LETTER})" + r"[\s\-_&.,']*".join(parts) + rf"(?!{_LETTER})", re.I)


def _spelling(word: str) -> str:
    """British and American spellings of one word."""
    word = re.sub(r"(?<=\w\w)(?:tre|ter)\b", "(?:tre|ter)", word)
    return re.sub(r"(?<=\w\w)(?:lour|lor)\b", "(?:lour|lor)", word)
