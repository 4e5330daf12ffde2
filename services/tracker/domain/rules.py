"""RuleTracker: follows a dialogue by string matching, typed mentions and a few rules about how people answer.

No training and no knowledge of any data set's domains: everything is read off the schema. It is the tracker
of a fresh installation and the last layer of a learned one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from services.common.schema import Schema
from services.tracker.domain import acts
from services.tracker.domain.actions import referred_back, split_verb, wished_intents, wished_services
from services.tracker.domain.faults import holds_fault, tells_broken, things_of
from services.tracker.domain.filling import certain, fill
from services.tracker.domain.findings import Filling, words_after
from services.tracker.domain.han_items import item_weight
from services.tracker.domain.lexicon import Lexicon, ServiceRules, SlotRules, compile_schema
from services.tracker.domain.normalise import MAX_MENTIONS, typed_mentions
from services.tracker.domain.offers import accepted, offers_in
from services.tracker.domain.review import reviewed, with_agreement
from services.tracker.domain.standing import standing_of
from services.tracker.domain.state import (
    CORRECTION,
    DONTCARE,
    MAX_ENTITIES,
    SYSTEM,
    Entity,
    ServiceState,
    SlotValue,
    State,
)
from services.tracker.domain.tracker import TrackRequest
from services.tracker.domain.words import HAN, stem, tokens_of

_STAYS = 0.8
"""What a service counts for being the current one."""
_OPTIONAL = 0.6
"""What a listed value counts for a service that can do without it."""
_PHRASE = 0.3
"""What a listed value of several words counts more than one of a single word."""
_WISHED = 2.0
"""What a wish for its action counts for a service or an intent: more than the thing that the wish is about."""
_LEAST_INTENT = 0.3
"""What the words must say of an intent, where none is known, so that one is."""


class RuleTracker:
    """The `Tracker` that needs no training; stateless and safe to share between threads."""

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        """See `Tracker.track`."""
        lexicon = compile_schema(schema)
        state = _known(lexicon, previous)
        active = _active(lexicon, state, system_text, user_text)
        open_offers = [o for o in previous.offers if o.service in lexicon.services]
        current = _current(lexicon, state)
        if system_text:
            speaking = current if current is not None else (active[0] if active else None)
            if speaking is not None:
                open_offers = offers_in(lexicon.services[speaking], state, system_text, open_offers)
        entities: list[Entity] = []
        for name in active:
            rules = lexicon.services[name]
            said = system_text if name == current or current is None else ""
            # Who turns to another service speaks of that one; the current one only gets their agreement.
            leaving = name == current and len(active) > 1
            filling = Filling(standing_of(user_text)) if leaving else fill(rules, state, said, user_text, open_offers)
            taken = accepted(rules, open_offers, system_text, user_text, filling)
            state = _apply(state, name, filling, taken, turn)
            settled = taken.keys() | filling.values.keys()
            open_offers = [o for o in open_offers if o.service != name or o.slot not in settled]
            state = _intent(state, rules, system_text, user_text, filling, bool(taken))
            entities += filling.entities
        state = with_agreement(lexicon, previous, system_text, user_text, turn, state)
        state = reviewed(lexicon, previous, system_text, user_text, turn, state)
        return replace(state, entities=_distinct(entities), offers=tuple(open_offers))

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        """See `Tracker.track_many`."""
        return [self.track(r.schema, r.previous, r.system_text, r.user_text, r.turn) for r in requests]


def _known(lexicon: Lexicon, previous: State) -> State:
    """`previous` without what the schema does not have, nothing requested yet."""
    services = {}
    for name, content in previous.services.items():
        rules = lexicon.services.get(name)
        if rules is not None:
            slots = {k: v for k, v in content.slots.items() if rules.service.has_slot(k)}
            services[name] = ServiceState(content.intent, (), slots)
    return State(services)


def _current(lexicon: Lexicon, state: State) -> str | None:
    """The service the dialogue was about: the state keeps its services in the order of their last
    activity."""
    names = [name for name in state.services if name in lexicon.services]
    return names[-1] if names else None


def _active(lexicon: Lexicon, state: State, system_text: str, user_text: str) -> list[str]:
    """The services this turn is about, the current one first unless the user turned to another."""
    if len(lexicon.services) == 1:
        return list(lexicon.services)
    stems = acts.stems_of(user_text)
    current = _current(lexicon, state)
    scores: dict[str, float] = {}
    wished = _wished(lexicon, user_text, current)
    wished |= referred_back(tuple(lexicon.services[n].service for n in state.services), user_text)
    for name, rules in lexicon.services.items():
        score = sum(weight for word, weight in rules.cues.items() if word in stems)
        score += 0.3 * max((sum(w for t, w in words.items() if t in stems) for _, words in rules.intents), default=0)
        listed = [s for s in rules.slots if _lists(s, user_text)]
        score += sum(_listed_weight(lexicon, rules, s, user_text) for s in listed)
        score += _told_weight(lexicon, rules, state, user_text) + (_WISHED if name in wished else 0.0)
        score += item_weight(rules, user_text) + (1.0 if split_verb(rules.service, user_text) else 0.0)
        scores[name] = score + (_STAYS if name == current else 0.0)
    if current is not None and _answers(lexicon.services[current], system_text, user_text):
        scores[current] += 1.0
    best = max(scores, key=lambda name: scores[name])
    if current is None:
        return [best]
    others = [name for name in scores if name in state.services and name != current]
    if others and scores[current] <= _STAYS:
        back = max(others, key=lambda name: scores[name])
        if scores[back] >= _OPTIONAL:
            return [back]  # the message has nothing for the current service and goes back to one that is open
    if best == current or scores[best] < scores[current] + 0.1 or scores[best] < 0.8:
        return [current]
    # An agreement to the current service's offer may come in the same breath as the next wish.
    return [current, best] if acts.affirms(user_text) else [best]


def _lists(slot: SlotRules, text: str) -> bool:
    """Whether the text has a value that the slot lists, and not only where it tells what somebody else has."""
    standing = standing_of(text)
    matches = (match for p, _ in slot.values_in(text) for match in islice(p.finditer(text), MAX_MENTIONS))
    return any(not standing.of_others(match.start()) for match in matches)


def _counts(slot: SlotRules, text: str) -> bool:
    """Whether a number stands directly before the slot's own name ("2 pieces")."""
    if slot.kind != "number" or HAN.search(slot.slot.name):
        return False
    own = {stem(word) for word in tokens_of(slot.slot.name)}
    numbers = (m for m in typed_mentions(text) if m.kind == "number")
    return any({stem(word) for word in tokens_of(" ".join(words_after(text, m.end, 1)))} & own for m in numbers)


def _answers(rules: ServiceRules, system_text: str, user_text: str) -> bool:
    """Whether the message gives the day, time or number that the reply asked for."""
    asked = acts.asked_slots(rules, system_text) if system_text else {}
    kinds = {slot.kind for slot in rules.slots if asked.get(slot.slot.name, 0.0) >= 1.0} & {"date", "time"}
    return bool(kinds) and any(mention.kind in kinds for mention in typed_mentions(user_text))


def _wished(lexicon: Lexicon, text: str, current: str | None) -> frozenset[str]:
    """The services whose action a Chinese message wishes."""
    if not HAN.search(text):
        return frozenset()
    return wished_services(tuple(rules.service for rules in lexicon.services.values()), text, current)


def _listed_weight(lexicon: Lexicon, rules: ServiceRules, slot: SlotRules, text: str) -> float:
    """What a listed value in the text says for the service: less where others list it, or nothing needs it."""
    if _shared(lexicon, rules.service.name, slot, text):
        return 0.5
    required = {name for intent in rules.service.intents for name in intent.required}
    weight = 1.0 if not required or slot.slot.name in required else _OPTIONAL
    return weight + (_PHRASE if _has_phrase(slot, text) else 0.0)


def _has_phrase(slot: SlotRules, text: str) -> bool:
    """Whether the text has a value of the slot that takes several words ("flat tyre")."""
    return any((match := p.search(text)) is not None and " " in match[0] for p, _ in slot.values_in(text))


def _told_weight(lexicon: Lexicon, rules: ServiceRules, state: State, text: str) -> float:
    """What values that show by their form, and slots called by their whole name, say for the service."""
    found = certain(rules, state, text, {}).values
    told = {name for name, value in found.items() if value.span is not None and value.value != DONTCARE}
    score = sum(1.2 if holds_fault(s.slot) else 0.8 for s in rules.slots if s.slot.name in told)
    if any(holds_fault(s.slot) for s in rules.slots) and tells_broken(text, things_of(rules.service)):
        score += 1.2
    score += sum(1.0 for slot in rules.slots if _counts(slot, text))
    words = f" {' '.join(tokens_of(text))} "
    for slot in rules.slots:
        own = tokens_of(slot.slot.name)
        owners = sum(service.service.has_slot(slot.slot.name) for service in lexicon.services.values())
        if len(own) > 1 and owners == 1 and f" {' '.join(own)} " in words:
            score += 0.8
    return score


def _shared(lexicon: Lexicon, name: str, slot: SlotRules, text: str) -> bool:
    """Whether another service lists the value that the text has of this slot, or it is a mere yes or number."""
    if slot.kind in ("boolean", "number"):
        return True
    own = {value for pattern, value in slot.values_in(text) if pattern.search(text)}
    others = (s for other, rules in lexicon.services.items() if other != name for s in rules.slots)
    return any(own & set(other.slot.value_names) for other in others)


def _apply(state: State, name: str, filling: Filling, taken: dict[str, str], turn: int) -> State:
    """The state with this turn's findings, the service moved to the end: it was active last."""
    service = state.service(name)
    slots = dict(service.slots)
    # What the system said before a person corrected it must not come back by the user's agreement.
    found = {
        slot: SlotValue(text, SYSTEM, None, turn)
        for slot, text in taken.items()
        if slot not in slots or slots[slot].origin != CORRECTION
    }
    found |= {slot: SlotValue(f.value, f.origin, f.span, turn) for slot, f in filling.values.items()}
    for slot, value in found.items():
        # Said again is no news: the value keeps where it came from.
        if slot not in slots or slots[slot].value.casefold() != value.value.casefold():
            slots[slot] = value
    for slot in filling.deleted:
        slots.pop(slot, None)
    changed = replace(service, slots=slots, requested=tuple(filling.requested))
    others = {k: v for k, v in state.services.items() if k != name}
    return replace(state, services={**others, name: changed})


def _intent(state: State, rules: ServiceRules, system_text: str, user_text: str, filling: Filling, took: bool) -> State:
    """The intent whose words the user used, or the system offered and the user agreed to; else the one
    before."""
    if not rules.intents:
        return state
    service = state.service(rules.service.name)
    stems = acts.stems_of(user_text)
    if acts.affirms(user_text) and system_text:
        asked = [clause for _, clause in acts.clauses(system_text) if clause.rstrip().endswith("?")]
        stems = stems | acts.stems_of(" ".join(asked))
    scores = {name: sum(w for t, w in words.items() if t in stems) for name, words in rules.intents}
    filled = set(service.slots) | set(filling.values)
    for intent in rules.service.intents:
        known = filled & {*intent.required, *intent.optional}
        fresh = len(known & set(filling.values)) * (0.1 if service.intent else 0.3)
        scores[intent.name] += fresh + (0.4 if intent.name == service.intent else 0)
    for name in wished_intents(rules.service, user_text) if HAN.search(user_text) else ():
        scores[name] += _WISHED
    best = max(scores, key=lambda name: scores[name])
    if service.intent is None and scores[best] < _LEAST_INTENT:
        return state
    intent_name = best if scores[best] >= 0.8 or service.intent is None else service.intent
    return state.with_service(rules.service.name, replace(service, intent=intent_name))


def _distinct(entities: list[Entity]) -> tuple[Entity, ...]:
    """Two services of a turn may both have seen an entity."""
    return tuple({(e.span, e.kind): e for e in entities}.values())[:MAX_ENTITIES]
