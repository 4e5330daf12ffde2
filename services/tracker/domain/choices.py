"""Replies that leave a choice ("Monday at nine or Tuesday at noon?"), and what of it the user picks."""

from __future__ import annotations

import re

from services.tracker.domain import acts
from services.tracker.domain.lexicon import ServiceRules
from services.tracker.domain.normalise import typed_mentions
from services.tracker.domain.standing import standing_of

CHOICE = re.compile(r"\bor\b|还是|或者")


def leaves_choice(clause: str) -> bool:
    """Whether a statement names two days or times to choose from, so that a mere "yes" takes neither."""
    if not CHOICE.search(clause):
        return False
    mentions = [mention for mention in typed_mentions(clause) if mention.kind in ("date", "time")]
    return any(
        one.kind == other.kind and CHOICE.search(clause[one.end : other.start])
        for place, one in enumerate(mentions)
        for other in mentions[place + 1 : place + 4]
    )


_PICKS = re.compile(
    r"\bthe (?P<which>first|second|third|last|former|latter|earlier|later)(?: (?:one|option|slot|time|date|day"
    r"|appointment|choice|suggestion))?(?=\W*(?:$|[,.!?]|\b(?:please|is|works?|would|suits?|sounds?|then|thanks)\b))",
    re.I,
)
_PLACES = {"first": 0, "former": 0, "earlier": 0, "second": 1, "later": 1, "third": 2, "last": -1, "latter": -1}


_PICKS_HAN = re.compile(
    r"^\W*(?:(?:我?(?:要|选|就要|就选)|就|还是)\W*)?(?P<which>第[一二三]|前面?|后面?|前者|后者|最后)"
    r"(?:[那一]{0,2}[个种款项样]|者)?的?(?:吧|好了|就行|就好|可以|谢谢|\W){0,4}$"
)
_PLACES_HAN = {
    "第一": 0,
    "第二": 1,
    "第三": 2,
    "前": 0,
    "前面": 0,
    "前者": 0,
    "后": 1,
    "后面": 1,
    "后者": 1,
    "最后": -1,
}


def picked(rules: ServiceRules, system_text: str, user_text: str) -> str:
    """The part of the reply that the user picks from a choice by its place ("the second one"); empty where none is."""
    pick = _PICKS.search(user_text) or _PICKS_HAN.match(user_text)
    if pick is None or acts.denies(user_text):
        return ""
    place = {**_PLACES, **_PLACES_HAN}[pick["which"].lower()]
    for _, clause in acts.clauses(system_text):
        if leaves_choice(clause):
            return _at(_options(clause), place)
    return _at(_choice_of(rules, system_text), place)


def _at(options: list[str], place: int) -> str:
    """The option at a place, -1 for the last; empty where there are not so many."""
    return options[place] if place < len(options) and options else ""


def _options(clause: str) -> list[str]:
    """The days or times that a clause leaves to choose from, with what is said of each."""
    return [part.rstrip("?？ ") for part in re.split(r",? \bor\b |, |还是|或者", clause) if typed_mentions(part)]


def named_option(system_text: str, user_text: str) -> str:
    """The one part of a choice that has the days and times that the user names ("noon is better"); empty where not
    exactly one has."""
    standing = standing_of(user_text)
    moments = [m for m in typed_mentions(user_text) if m.kind in ("date", "time")]
    moments = [m for m in moments if not standing.of(m.start, m.end).refused]
    if not moments or acts.denies(user_text):
        return ""
    for _, clause in acts.clauses(system_text):
        if leaves_choice(clause):
            options = [o for o in _options(clause) if all(m.text.casefold() in o.casefold() for m in moments)]
            return options[0] if len(options) == 1 else ""
    return ""


def _choice_of(rules: ServiceRules, system_text: str) -> list[str]:
    """The values, in their order, of the one slot of which the reply names several; none where no slot is that one."""
    choices = []
    for slot in rules.slots:
        if not slot.fillable or slot.kind in ("boolean", "number"):
            continue
        places = {value: match.start() for p, value in slot.values_in(system_text) if (match := p.search(system_text))}
        if len(places) > 1:
            choices.append(sorted(places, key=places.__getitem__))
    return choices[0] if len(choices) == 1 else []
