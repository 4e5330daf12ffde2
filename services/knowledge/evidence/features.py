"""What tells that a unit answers a question, as numbers: words it shares, names, kinds of values, the reader's "
"logit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.common.evidence.units import Unit
from services.common.text_measures import HAN_CHARACTER
from services.knowledge.domain.text import terms
from services.knowledge.evidence import values
from services.knowledge.evidence.cells import best_cell
from services.knowledge.evidence.chinese import question_terms
from services.knowledge.evidence.ranges import Range, quantities_of, unit_within
from services.knowledge.evidence.synonyms import alike, meant
from services.knowledge.evidence.words import place_of
from services.knowledge.evidence.words import stems as stems

Idf = Callable[[str], float]
NAMES = (
    "logit", "coverage", "gap", "absent", "typed", "untyped", "cosine", "named", "other_named", "rank", "row", "answer",
    "fact", "margin", "number", "length", "match", "worst", "property",
    "strange", "cell", "within",
)  # fmt: skip
_COMMON = frozenset(
    "hi hey hello pls plz please thx thank thanks know tell want need get give like would much many long cost "
    "price pay u ur r "
    "make go come take say let ok use way kind sort thing somebody someone anyon anyth someth quick question "
    "sorri wonder possibl "
    "happen still actual realli also even ever alreadi exact one ask help hw whats im ive id cant dont doesnt "
    "isnt offer allow "
    "cheers team guy guys dear day time abl interest look".split()
)
_ALIKE = 0.75
"""What a word in place of another is worth."""
_HALF_ALIKE = 0.2
"""What each character of a Chinese word of two is worth by itself ("保修", "保得久")."""
_NAMED = re.compile(r"\b[A-ZÄÖÜ][\w'’-]*\w\b|\b(?=[\w-]*\d)(?=[\w-]*[^\W\d_])[\w-]+\b")
_NUMBERED = re.compile(r"\b([A-ZÄÖÜ][\w-]+) \d+\b")
_CODED = re.compile(
    r"\b((?:[A-Z][\w-]+ )*[A-Z][\w-]+|(?i:code|error|form|room|type|model|platform|line|bus|zone|gate|hall|building)) "
    r"(\d{1,6})\b(?![.,:]\d| ?(?:%|[ap]\.?m\b))"
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
MAX_LOGIT = 8.0


@dataclass(frozen=True)
class Asked:
    """A question as its words are compared: stems with their weights, kinds of values wanted, numbers and quantities
    that it names."""

    text: str
    weights: dict[str, float]
    absent: frozenset[str]
    kinds: frozenset[str]
    numbers: frozenset[str]
    said: frozenset[str]
    """Everything that it says, as what things are called is compared with it."""
    quantities: tuple[Range, ...] = ()


def read_question(text: str, idf: Idf, known: frozenset[str] = frozenset()) -> Asked:
    """`idf` weighs a stem and is 0 for one that no text of the base has. Words that none has weigh most, unless they
    are slips of a stem that is `known`."""
    chinese = HAN_CHARACTER.search(text) is not None
    own = question_terms(text, idf) if chinese else terms(text)
    words = [stem for stem in dict.fromkeys(own) if stem not in _COMMON and (len(stem) > 1 or not stem.isascii())]
    words = [stem if idf(stem) > 0 else meant(stem, known) for stem in words]
    here = {stem: weight for stem in words if (weight := idf(stem)) > 0}
    most = max([*here.values(), 1.0])
    absent = frozenset(stem for stem in words if stem not in here)
    weights = here | dict.fromkeys(absent, most)
    said = frozenset(terms(text)) if chinese else frozenset(weights)
    kinds, numbers = frozenset(values.wanted(text)), frozenset(_NUMBER.findall(text))
    return Asked(text, weights, absent, kinds, numbers, said, tuple(quantities_of(text)))


def coverage(asked: Asked, own: frozenset[str]) -> tuple[float, float, float]:
    """(share of the question's weight that the unit's stems cover, the heaviest stem they lack, the share of weight
    that no text of the base has). A stem is half covered by one that begins alike."""
    total = sum(asked.weights.values())
    if not total:
        return 0.0, 0.0, 0.0
    covered, gap = 0.0, 0.0
    heads = {stem[:5] for stem in own if len(stem) >= 5}
    for stem, weight in asked.weights.items():
        share = 1.0 if stem in own else 0.7 if len(stem) >= 5 and stem[:5] in heads else 0.0
        if share < _ALIKE and not own.isdisjoint(alike(stem)):
            share = _ALIKE
        elif not share and len(stem) == 2 and HAN_CHARACTER.match(stem):
            share = _HALF_ALIKE * sum(character in own for character in stem)
        covered += share * weight
        gap = max(gap, (1 - share) * weight)
    absent = sum(asked.weights[stem] for stem in asked.absent)
    return covered / total, gap / max(asked.weights.values()), absent / total


def said_names(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names that stand in the question letter by letter, in small letters; `names` are the longest first, and what
    a longer one has taken is no shorter one's."""
    left, said = text.casefold(), []
    for name in names:
        plain = name.partition("(")[0].strip().casefold()
        at = place_of(plain, left) if len(plain) > 1 else None
        if at is not None:
            left = f"{left[: at.start()]}\x00{left[at.end() :]}"
            said.append(plain)
    return tuple(said)


def named(
    asked: Asked, unit: Unit, names: Sequence[frozenset[str]], exactly: Sequence[str] = ()
) -> tuple[float, float]:
    """(1 where the question names what the unit is about, 1 where it names another thing of the documents instead).

    `names` are the stems of everything that the candidates' rows, headings and facts are about, `exactly` the names
    that the question says letter by letter: "Pebble S" is not Pebble Max.
    """
    if exactly and unit.name:
        read = unit.read.casefold()
        if not any(name in read for name in exactly):
            return 0.0, 1.0
        if any(name == unit.name.partition("(")[0].strip().casefold() for name in exactly):
            return 1.0, 0.0
    own = stems(f"{unit.name} {unit.place.rpartition(' > ')[2]}")
    text = stems(unit.read)
    said = asked.said
    mentioned = [name for name in names if name and name <= said]
    mine = float(any(name <= text for name in mentioned))
    strictly = float(bool(unit.name) and stems(unit.name) <= said)
    others = any(not name <= text for name in mentioned if not any(name < other for other in mentioned))
    return max(strictly, mine if own & said else 0.5 * mine), float(others)


def property_share(asked: Asked, unit: Unit, names: Sequence[frozenset[str]]) -> float:
    """The share of the question's weight beside the names it says that the unit covers beside its own name: whether
    what is asked of a thing is what is said of it. 0.5 where a question says names only."""
    said = asked.said
    naming = frozenset().union(*(name for name in (*names, stems(unit.name)) if name and name <= said))
    rest = {stem: weight for stem, weight in asked.weights.items() if stem not in naming}
    if not rest:
        return 0.5
    own = stems(unit.text) | stems(unit.question) | stems(unit.place)
    return coverage(Asked(asked.text, rest, frozenset(), asked.kinds, asked.numbers, said), own)[0]


def strange(asked: Asked, unit: Unit) -> bool:
    """Whether the question names something that no text of the base has, or a thing by another number than the unit's:
    "the Admiral's suite", "QB7", "Hearth 500" where there is Hearth 1000 only."""
    for match in _NAMED.finditer(asked.text):
        if match.start() > 0 and stems(match[0]) & asked.absent:
            return True
    text = unit.read.casefold()
    return any(
        match[1].casefold() in text and match[0].casefold() not in text for match in _NUMBERED.finditer(asked.text)
    )


def other_code(question: str, text: str) -> bool:
    """Whether the question names a thing by a number and the text knows that thing by other numbers only: code 0707
    where there is code 0404, "Ember Bio 50" where there is Ember Bio 20."""
    folded = text.casefold()
    for match in _CODED.finditer(question):
        name, number = match[1].casefold(), match[2]
        others = re.findall(rf"(?<!\w){re.escape(name)} (\d+)(?!\d)", folded)
        if others and number not in others and not re.search(rf"(?<!\d){number}(?!\d)", folded):
            return True
    return False


def vector(
    asked: Asked,
    unit: Unit,
    names: Sequence[frozenset[str]],
    *,
    own_stems: frozenset[str],
    logit: float,
    best_other: float,
    cosine: float,
    rank: float,
    match: npt.NDArray[np.float32],
    exactly: Sequence[str] = (),
) -> npt.NDArray[np.float32]:
    """The unit's features in the order of NAMES, float32 [len(NAMES)]. `rank` is its passage's score in 0…1;
    `exactly` are the names that the question says letter by letter."""
    covered, gap, absent = coverage(asked, own_stems)
    mine, other = named(asked, unit, names, exactly)
    typed = values.present(unit.text, set(asked.kinds)) if asked.kinds else None
    logit = float(np.clip(logit, -MAX_LOGIT, MAX_LOGIT))
    return np.array(
        [
            logit / 4,
            covered,
            gap,
            absent,
            float(typed is True),
            float(typed is False),
            cosine,
            mine,
            other,
            rank,
            float(unit.kind == "row"),
            float(unit.kind == "answer"),
            float(unit.kind == "fact"),
            float(np.clip(logit - best_other, -MAX_LOGIT, MAX_LOGIT)) / 4,
            float(bool(asked.numbers - set(_NUMBER.findall(unit.read)))),
            min(len(unit.text) / 400, 2.0),
            float(match[0]),
            float(match[1]),
            property_share(asked, unit, names),
            float(strange(asked, unit)),
            best_cell(asked.text, asked.quantities, unit),
            unit_within(asked.quantities, unit),
        ],
        np.float32,
    )
