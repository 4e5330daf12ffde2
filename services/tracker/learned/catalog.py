"""A schema as the network sees it: services, intents and slots as short texts, values as candidates."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from services.common.schema import Intent, Schema

MAX_VALUES = 48  # a slot with more possible values is read as free text
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen",
)  # fmt: skip
_NUMBERS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS)}
_WORD = re.compile(r"[a-z0-9]+(?:[.:][0-9]+)?")


def words(name: str) -> str:
    """Reads an identifier as words: `GetRide_2` and `hotel-bookday` become `get ride` and `hotel bookday`."""
    spaced = _CAMEL.sub(" ", name).replace("_", " ").replace("-", " ")
    return re.sub(r"\s+\d+$", "", spaced).strip().lower()


@lru_cache(maxsize=1 << 16)
def plain(text: str) -> str:
    """Lower-cased words of `text` with number words as digits, padded by blanks for whole-word search."""
    found = [_NUMBERS.get(word, word) for word in _WORD.findall(text.lower().replace("'", ""))]
    return " " + " ".join(found) + " "


def loose(text: str) -> str:
    """`text` as its letters and digits, without a first "the" and the s that words end in.

    `Rosa's Bed & Breakfast` and `rosas bed breakfast` become the same; so do `sea food` and `seafood`.
    """
    found = plain(text).split()
    return "".join(word.removesuffix("s") for word in found[found[:1] == ["the"] :])


@dataclass(frozen=True)
class SlotView:
    """One slot: `name` as answers carry it, `label` as it is read (differs under a paraphrased schema)."""

    name: str
    label: str
    description: str
    values: tuple[str, ...] = ()
    categorical: bool = False
    aliases: tuple[tuple[str, ...], ...] = ()  # of each value, where the schema has any
    kind: str | None = None

    def spoken(self, index: int) -> tuple[str, ...]:
        """The plain forms under which a text may name value `index`."""
        names = (self.values[index], *(self.aliases[index] if self.aliases else ()))
        return tuple(dict.fromkeys(plain(name) for name in names))

    def canonical(self, said: str) -> str:
        """The slot's value that `said` names, in the schema's own writing; `said` where there is none."""
        known = _canonical(self) if self.values else {}
        return known.get(plain(said)) or known.get(loose(said)) or said

    @property
    def text(self) -> str:
        return f"{words(self.label)}: {self.description}"

    @property
    def choices(self) -> tuple[str, ...]:
        """Values to choose among; empty for free text."""
        return self.values if self.categorical and len(self.values) <= MAX_VALUES else ()


@lru_cache(maxsize=4096)
def _canonical(slot: SlotView) -> dict[str, str]:
    """Values by their plain forms, and by their loose ones; the first of two that sound alike."""
    found: dict[str, str] = {}
    for index, value in enumerate(slot.values):
        for form in slot.spoken(index):
            found.setdefault(form, value)
    for index, value in enumerate(slot.values):
        for form in slot.spoken(index):
            found.setdefault(loose(form), value)
    return found


@dataclass(frozen=True)
class IntentView:
    """One intent of a service."""

    name: str
    label: str
    description: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    results: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return f"{words(self.label)}: {self.description}"


@dataclass(frozen=True)
class ServiceView:
    """One service with its intents and slots; hashable, so that schema states are cached by it."""

    name: str
    label: str
    description: str
    intents: tuple[IntentView, ...]
    slots: tuple[SlotView, ...]

    @property
    def text(self) -> str:
        return f"{words(self.label)}: {self.description}"

    @property
    def rule_intents(self) -> tuple[Intent, ...]:
        """The intents as the rules read them."""
        return tuple(Intent(x.label, x.description, x.required, x.optional, x.results) for x in self.intents)

    @property
    def topic(self) -> str:
        """What the service is about, for choosing among many."""
        return ". ".join([self.text, *(intent.text for intent in self.intents)])

    def texts(self) -> list[str]:
        """Element texts in the order the network uses: the service, its intents, its slots."""
        return [self.text, *(intent.text for intent in self.intents), *(slot.text for slot in self.slots)]


def mixed(wordings: Sequence[ServiceView], dice: random.Random) -> ServiceView:
    """One service as none of its wordings has it: every label and every description is one wording's, by chance.

    The wordings list the same intents and slots in the same order.
    """
    slots = tuple(
        replace(dice.choice(some), label=dice.choice(some).label, description=dice.choice(some).description)
        for some in zip(*(view.slots for view in wordings), strict=True)
    )

    def renamed(view: ServiceView, names: Sequence[str]) -> tuple[str, ...]:
        label = {old.label: new.label for old, new in zip(view.slots, slots, strict=True)}
        return tuple(label.get(name, name) for name in names)

    intents = []
    for some in zip(*(view.intents for view in wordings), strict=True):
        label, described = dice.choice(some), dice.choice(some)
        required, optional = renamed(wordings[0], some[0].required), renamed(wordings[0], some[0].optional)
        results = renamed(wordings[0], some[0].results)
        intents.append(IntentView(some[0].name, label.label, described.description, required, optional, results))
    label, described = dice.choice(wordings), dice.choice(wordings)
    return ServiceView(wordings[0].name, label.label, described.description, tuple(intents), slots)


def value_text(slot: SlotView, value: str) -> str:
    """How a possible value is read: with its slot's words, because `True` alone says nothing."""
    spoken = {"true": "yes", "false": "no"}.get(value.lower(), value)
    return f"{words(slot.label)}: {spoken}"


@lru_cache(maxsize=256)
def views_of(schema: Schema) -> tuple[ServiceView, ...]:
    """A tenant's schema as the network sees it."""
    return tuple(
        ServiceView(
            service.name,
            service.name,
            service.description,
            tuple(
                IntentView(
                    intent.name, intent.name, intent.description, intent.required, intent.optional, intent.results
                )
                for intent in service.intents
            ),
            tuple(
                SlotView(
                    slot.name,
                    slot.name,
                    slot.description,
                    slot.value_names,
                    slot.categorical,
                    tuple(value.aliases for value in slot.values),
                    slot.kind,
                )
                for slot in service.slots
            ),
        )
        for service in schema.services
    )
