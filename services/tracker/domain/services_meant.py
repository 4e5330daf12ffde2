"""Which of a schema's services a message is about."""

from __future__ import annotations

import re
from dataclasses import replace

from services.common.schema import Service
from services.tracker.domain import acts
from services.tracker.domain.lexicon import Lexicon, ServiceRules
from services.tracker.domain.state import USER, SlotValue, State
from services.tracker.domain.words import tokens_of

_INFORMS = frozenset("find search get check look lookup see show know list query tell suggest recommend".split())
_INFORMS_HAN = re.compile("查|找|搜|询|推荐")


def without_mere_questions(lexicon: Lexicon, previous: State, user_text: str, after: State) -> State:
    """`after` without services that begin with a question for facts: who asks a price orders nothing yet.

    Services that are there to inform begin with questions, and are left.
    """
    begun = [n for n in after.services if n in lexicon.services and previous.service(n).intent is None]
    if not begun or not acts.only_asks(user_text):
        return after
    whatever = acts.only_asks_what(user_text)
    services = dict(after.services)
    for name in begun:
        if informs(lexicon.services[name].service) or not (whatever or not services[name].slots):
            continue
        if name in previous.services:
            services[name] = replace(previous.services[name], requested=services[name].requested)
        else:
            del services[name]
    return replace(after, services=services)


def informs(service: Service) -> bool:
    """Whether one of the service's intents is to find something out; so is a service without intents."""
    words = [w for intent in service.intents for w in tokens_of(intent.name)]
    return not words or any(w in _INFORMS or _INFORMS_HAN.search(w) for w in words)


_ASKED = 0.8
"""What a service that is under way counts for being asked about."""


def one_service(lexicon: Lexicon, previous: State, system_text: str, user_text: str, turn: int, after: State) -> State:
    """`after` without services that the message is not about, and what it says once in one service only."""
    names = [name for name in after.services if name in lexicon.services]
    if len(names) < 2:
        return after
    stems = acts.stems_of(user_text)
    about = {name: _named_by(lexicon.services[name], stems, user_text) for name in names}
    for name in names:
        if name in previous.services and system_text and acts.asked_slots(lexicon.services[name], system_text):
            about[name] += _ASKED
    fresh = {name: _said_now(after, name, turn) for name in names}
    kept = after
    for name in names:
        others = [other for other in names if other != name]
        for slot, value in fresh[name].items():
            rivals = [o for o in others for v in fresh[o].values() if value.span and v.span == value.span]
            if any((about[o], len(fresh[o]), o) > (about[name], len(fresh[name]), name) for o in rivals):
                kept = kept.with_slot(name, slot, previous.service(name).slots.get(slot))
        idle = name not in previous.services and not kept.service(name).slots
        if idle and about[name] <= max(about[o] for o in others):
            kept = replace(kept, services={k: v for k, v in kept.services.items() if k != name})
    return kept


def _named_by(rules: ServiceRules, stems: set[str], text: str) -> float:
    """How much the message's words speak of the service."""
    score = sum(weight for word, weight in rules.cues.items() if word in stems)
    score += 0.3 * max((sum(w for t, w in words.items() if t in stems) for _, words in rules.intents), default=0.0)
    return score + sum(1.0 for s in rules.slots if any(p.search(text) for p, _ in s.values_in(text)))


def _said_now(state: State, name: str, turn: int) -> dict[str, SlotValue]:
    slots = state.service(name).slots
    return {slot: value for slot, value in slots.items() if value.turn == turn and value.origin == USER}
