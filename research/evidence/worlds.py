"""Invented companies: what they say about what they offer, unit by unit, and questions with what answers them.

A unit is text as the evidence step reads it (`services.common.evidence.units`): its place, then a sentence, a table's
row or a question with its answer. A question comes with units that answer it and with others chosen to be mistaken for
them: the same thing's other properties, the same property of other things, the same under another condition.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from research.evidence.lexicon import QUALIFIERS, Property, Trade, draw

Fact = tuple[str, str, str]  # thing, property, qualifier
_FILLER = (
    "We look forward to your visit.; Please read these terms carefully.; Our team is happy to help you.; "
    "Quality has a tradition with us.; All information without guarantee.; We are a family business.; "
    "Changes are announced on our website.; Many guests have come for years.; Prices include value added tax.; "
    "Your opinion matters to us.; Details are found in the conditions.; We train our staff regularly.; "
    "This page was last updated in spring.; Have fun!; Ask us if anything is unclear."
).split("; ")
_OPENINGS = (
    "hi, ;hello, ;Hey there, ;quick question: ;Good morning, ;hi! ;Hello. ;sorry to bother you, but ;"
    "I'd like to know: ;can you tell me: ;one more thing: ;excuse me, ;ok and ;So "
).split(";")
_CLOSINGS = " thanks!; Thank you.; thx; pls; please?; cheers;??; asap; :)".split(";")
_COMPARED = {
    "money": (
        "Is {a} cheaper than {b}?", "Which costs less, {a} or {b}?", "what's more expensive: {a} or {b}",
        "Is there a price difference between {a} and {b}?", "do I pay more for {a} than for {b}?",
    ),
    "duration": ("Which takes longer, {a} or {b}?", "Is {a} quicker than {b}?", "what is longer, {a} or {b}?"),
    "count": ("Which has more, {a} or {b}?", "Is {a} bigger than {b}?", "What is the difference between {a} and {b}?"),
}  # fmt: skip
_SHORT = {"you": "u", "are": "r", "please": "pls", "what's": "whats", "how much": "hw much", "because": "bc",
          "per month": "/month", "tomorrow": "tmrw", "your": "ur", "for": "4"}  # fmt: skip


RELATED = (
    {"price.one", "price.month", "price.day", "price.hour", "price.year", "group.rate", "discount"},
    {"fee.cancel", "noshow", "reschedule", "fee.change"},
    {"checkin", "start.time", "hours", "weekday", "begin.date", "weekend", "evening", "frequency"},
    {"duration", "time.delivery", "assembly"},
    {"notice", "term", "upgrade", "pause"},
    {"address", "place", "floor", "transit"},
    {"deadline", "booking.ahead", "appointment", "online"},
    {"included", "bring", "doc.needed"},
    {"excluded", "included"},
    {"capacity", "users", "guests"},
    {"volume", "capacity", "storage"},
    {"size", "area"},
    {"warranty", "report", "return", "spare"},
    {"overtime", "fee.late", "checkout"},
    {"insurance", "excess"},
    {"phone.of", "email.of", "complaint", "who", "manager"},
    {"age", "child.free"},
    {"km.included", "range", "price.km"},
    {"fee.delivery", "free.from"},
    {"hold", "max.rental"},
    {"closed", "hours", "weekend"},
    {"level", "age"},
    {"payment", "instalments", "invoice"},
    {"support.hours", "hours", "response"},
    {"battery", "power"},
    {"shelf", "temperature"},
)
"""Properties of which one may answer a question for another: neither is taken for silence of the other."""


def related(name: str) -> set[str]:
    """The other properties that may answer a question for this one."""
    return set().union(*(group for group in RELATED if name in group)) - {name}


@dataclass(frozen=True)
class UnitText:
    """A unit's text with its place, and the facts it states."""

    text: str
    facts: frozenset[Fact]


@dataclass(frozen=True)
class Example:
    """A question, candidate units and whether each answers it; none does where the company does not say."""

    question: str
    units: tuple[str, ...]
    answers: tuple[bool, ...]
    kind: str


@dataclass
class World:
    """One company: the things it has, the things it might be asked about, and its units."""

    trade: Trade
    things: dict[str, list[str]] = field(default_factory=dict)
    absent: dict[str, list[str]] = field(default_factory=dict)
    stated: dict[Fact, Property] = field(default_factory=dict)
    unstated: list[tuple[str, Property]] = field(default_factory=list)
    units: list[UnitText] = field(default_factory=list)


def spoken(name: str) -> str:
    """The thing as it stands in a sentence."""
    return f"the {name[:-1]}" if name.endswith("*") else name


def build_world(trade: Trade, known: Sequence[Property], rng: random.Random) -> World:
    """A company of the trade with some of its things and properties."""
    world = World(trade)
    kinds = rng.sample(list(trade.things), min(len(trade.things), rng.randint(2, 3)))
    for kind in kinds:
        names = list(trade.things[kind])
        rng.shuffle(names)
        keep = max(2, min(len(names) - 1, rng.randint(2, 6)))
        things, world.absent[kind] = names[:keep], names[keep:]
        world.things[kind] = things
        fitting = [one for one in known if kind in one.kinds]
        rng.shuffle(fitting)
        count = rng.randint(6, 12)
        said, unsaid = fitting[:count], fitting[count:]
        world.unstated += [(thing, one) for one in unsaid for thing in things]
        document = rng.choice(trade.documents)
        columns = rng.sample(said, min(len(said), rng.randint(2, 5))) if rng.random() < 0.7 else []
        if columns:
            _table(world, things, columns, document, kind, rng)
        for one in said:
            if one not in columns:
                _sentences(world, things, one, rng.choice(trade.documents), rng)
    for sentence in rng.sample(_FILLER, 4):
        world.units.append(UnitText(f"{_place(world, rng.choice(trade.documents), '', rng)}{sentence}", frozenset()))
    return world


def _place(world: World, document: str, heading: str, rng: random.Random) -> str:
    parts = [document, *([heading] if heading else [])]
    if rng.random() < 0.3:
        parts.insert(0, world.trade.label)
    return " > ".join(parts) + ": "


def _table(
    world: World, things: list[str], columns: list[Property], document: str, kind: str, rng: random.Random
) -> None:
    names = [rng.choice(one.heads) for one in columns]
    first = rng.choice(["Name", "What", kind.capitalize(), "Offer", ""])
    place = _place(world, document, rng.choice(["", "Overview", "At a glance"]), rng)
    style = rng.random()
    for thing in things:
        facts, cells = set(), []
        plain = thing.rstrip("*")
        plain = plain[0].upper() + plain[1:]
        for head, one in zip(names, columns, strict=True):
            if rng.random() < 0.08:
                world.unstated.append((thing, one))
                continue
            value = rng.choice(["yes", "no", "✓", "–"]) if one.values == "yesno" else draw(one.values, rng)
            cells.append(f"{head}: {value}")
            facts.add((thing, one.name, ""))
            world.stated[(thing, one.name, "")] = one
        if not cells:
            continue
        label = f"{first}: {plain}" if first and style < 0.5 else plain
        world.units.append(UnitText(f"{place}{label} | " + " | ".join(cells), frozenset(facts)))


def _sentences(world: World, things: list[str], one: Property, document: str, rng: random.Random) -> None:
    heading = rng.choice(["", "", *one.heads, *[thing.rstrip("*") for thing in things[:1]]])
    for thing in things:
        if rng.random() < 0.25:
            world.unstated.append((thing, one))
            continue
        qualifiers = [""]
        if one.qualifiers and rng.random() < 0.4:
            options = list(QUALIFIERS[rng.choice(one.qualifiers)])
            qualifiers = rng.sample(options, 2) if rng.random() < 0.7 else ["", rng.choice(options)]
        for qualifier in qualifiers:
            world.stated[(thing, one.name, qualifier)] = one
            heads = heading if heading in one.heads or not heading else thing.rstrip("*")
            text = statement(one, thing, qualifier, rng)
            if heads and heads == thing.rstrip("*") and rng.random() < 0.4:
                text = text.replace(spoken(thing)[0].upper() + spoken(thing)[1:], "It").replace(spoken(thing), "it")
            if rng.random() < 0.2:
                text = f"{ask(one, thing, qualifier, rng, plain=True)} {text}"
            elif rng.random() < 0.12:
                text = f"{rng.choice(_FILLER)} {text}"
            world.units.append(
                UnitText(_place(world, document, heads, rng) + text, frozenset({(thing, one.name, qualifier)}))
            )


def _filled(template: str, thing: str, value: str) -> str:
    name = spoken(thing)
    text = template.replace("{e}", name).replace("{E}", name[0].upper() + name[1:])
    return text.replace("{v}", value).replace("{V}", value[:1].upper() + value[1:])


def statement(one: Property, thing: str, qualifier: str, rng: random.Random) -> str:
    """A sentence that states the property of the thing under the qualifier."""
    templates = one.denies if one.denies and rng.random() < 0.5 else one.says
    text = _filled(rng.choice(templates), thing, "" if one.values == "yesno" else draw(one.values, rng))
    if not qualifier:
        return text
    if rng.random() < 0.5:
        return f"{qualifier[0].upper()}{qualifier[1:]}, {text[0].lower()}{text[1:]}"
    return f"{text.rstrip('.')} {qualifier}."


def ask(one: Property, thing: str, qualifier: str, rng: random.Random, plain: bool = False) -> str:
    """A question for the property of the thing under the qualifier, roughened as people type unless `plain`."""
    text = rng.choice(one.asks).replace("{e}", spoken(thing))
    if qualifier:
        phrases = next(group[qualifier] for group in QUALIFIERS.values() if qualifier in group)
        phrase = phrases[0] if plain else rng.choice(phrases)
        text = f"{text.rstrip('?')} {phrase}?" if rng.random() < 0.75 else f"{phrase}: {text}"
    if plain:
        text = text[0].upper() + text[1:]
        return text if text.endswith("?") else f"{text}?"
    return roughen(text, spoken(thing), rng)


def roughen(text: str, name: str, rng: random.Random) -> str:
    """The question as somebody may type it: greetings, small letters, slips, a shortened name."""
    if rng.random() < 0.3 and len(name.split()) > 2:
        shorter = name.split()
        text = text.replace(name, " ".join(shorter[:-1]))
    if rng.random() < 0.2:
        text = rng.choice(_OPENINGS) + text
    if rng.random() < 0.15:
        text = text + rng.choice(_CLOSINGS)
    if rng.random() < 0.4:
        text = text.lower()
    if rng.random() < 0.25:
        text = re.sub(r"[?.!,']", "", text)
    if rng.random() < 0.1:
        for long, short in _SHORT.items():
            text = re.sub(rf"\b{long}\b", short, text)
    for _ in range(rng.choice([0, 0, 0, 0, 1, 1, 2])):
        text = _slip(text, rng)
    return text


def _slip(text: str, rng: random.Random) -> str:
    places = [at for at in range(1, len(text) - 1) if text[at - 1 : at + 2].isalpha()]
    if not places:
        return text
    at = rng.choice(places)
    kind = rng.randint(0, 2)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at] + text[at:]


def examples(world: World, others: Sequence[World], known: Sequence[Property], rng: random.Random,
             count: int, candidates: int) -> Iterator[Example]:  # fmt: skip
    """`count` questions to the company, about two in three of which it answers."""
    for _ in range(count):
        chance = rng.random()
        if chance < 0.04 and (pair := _pair(world, rng)) is not None:
            yield _compared(world, *pair, rng, candidates)
        elif chance < 0.62 and world.stated:
            fact = rng.choice(list(world.stated))
            yield _example(world, world.stated[fact], fact, "stated", rng, candidates)
        elif chance < 0.80 and world.unstated:
            thing, one = rng.choice(world.unstated)
            alike = related(one.name)
            if any(name == thing and (other in alike or other == one.name) for name, other, _ in world.stated):
                continue
            yield _example(world, one, (thing, one.name, ""), "near-property", rng, candidates)
        elif chance < 0.93:
            kind = rng.choice(list(world.things))
            thing = rng.choice(world.absent[kind] or ["platinum package*"])
            stated = [one for (name, _, _), one in world.stated.items() if name in world.things[kind]]
            if stated:
                one = rng.choice(stated)
                yield _example(world, one, (thing, one.name, ""), "near-entity", rng, candidates)
        else:
            other = rng.choice(others)
            if other.stated and other.trade.name != world.trade.name:
                fact = rng.choice(list(other.stated))
                yield _example(world, other.stated[fact], fact, "outside", rng, candidates)


def _pair(world: World, rng: random.Random) -> tuple[Property, str, str] | None:
    """A property that two things of the company have, and the two."""
    having: dict[str, list[str]] = {}
    for thing, name, qualifier in world.stated:
        if not qualifier:
            having.setdefault(name, []).append(thing)
    fitting = [
        (one, *_two(having[one.name], rng))
        for one in {one.name: one for one in world.stated.values()}.values()
        if len(having.get(one.name, ())) > 1 and one.values.split()[0] in _COMPARED
    ]
    return rng.choice(fitting) if fitting else None


def _two(things: list[str], rng: random.Random) -> tuple[str, str]:
    first, second = rng.sample(things, 2)
    return first, second


def _compared(world: World, one: Property, first: str, second: str, rng: random.Random, candidates: int) -> Example:
    """A question that holds two things against each other; what is said of either is part of the answer."""
    asked = rng.choice(_COMPARED[one.values.split()[0]])
    if rng.random() < 0.6:
        asked = f"{rng.choice(one.heads)}: {asked}"
    text = roughen(asked.format(a=spoken(first), b=spoken(second)), spoken(first), rng)
    right = [unit for unit in world.units if any(_answers(unit, (thing, one.name, "")) for thing in (first, second))]
    wrong = [unit for unit in world.units if unit not in right]
    wrong = [unit for unit in wrong if not any(what in (first, second) for what, _, _ in unit.facts)]
    rng.shuffle(wrong)
    near = [unit for unit in wrong if any(name == one.name for _, name, _ in unit.facts)]
    chosen = list(dict.fromkeys([*right[:3], *near[:3], *wrong]))[:candidates]
    rng.shuffle(chosen)
    return Example(text, tuple(unit.text for unit in chosen), tuple(unit in right for unit in chosen), "compared")


def _answers(unit: UnitText, fact: Fact) -> bool:
    thing, name, qualifier = fact
    return any(
        (one, other) == (thing, name) and (not qualifier or condition == qualifier)
        for one, other, condition in unit.facts
    )


def _example(world: World, one: Property, fact: Fact, kind: str, rng: random.Random, candidates: int) -> Example:
    thing, name, qualifier = fact
    text = ask(one, thing, qualifier, rng)
    right = [unit for unit in world.units if _answers(unit, fact)]
    wrong = [unit for unit in world.units if not _answers(unit, fact)]
    if qualifier:  # said without the condition: whether that answers is left open
        wrong = [unit for unit in wrong if (thing, name, "") not in unit.facts]
    alike = related(name)
    wrong = [unit for unit in wrong if not any(what == thing and other in alike for what, other, _ in unit.facts)]
    rng.shuffle(wrong)
    near_thing = [unit for unit in wrong if any(fact_[0] == thing for fact_ in unit.facts)]
    near_name = [unit for unit in wrong if any(fact_[1] == name for fact_ in unit.facts)]
    both = [unit for unit in near_name if unit in near_thing]
    chosen = right[:3]
    for pool, most in ((both, 2), (near_name, 3), (near_thing, 3), (wrong, candidates)):
        for unit in pool[:most]:
            if unit not in chosen and len(chosen) < candidates:
                chosen.append(unit)
    rng.shuffle(chosen)
    return Example(text, tuple(unit.text for unit in chosen), tuple(unit in right for unit in chosen), kind)
