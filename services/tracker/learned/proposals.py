"""What the rules would do with a turn, service by service: input to the network, which decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from services.common.schema import KINDS, Schema, Service, Slot, Value
from services.tracker.domain import acts
from services.tracker.domain.lexicon import compile_schema
from services.tracker.domain.offers import confirms
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import SYSTEM, Entity, Offer, ServiceState, SlotValue, State
from services.tracker.learned.catalog import ServiceView, plain, words

Key = tuple[str, str]  # service and slot
CUES = 11 + len(KINDS)
"""Per slot: how surely the reply asks about it, the reply and the user speak of it; an offer is open, a slot of a like
name in another service holds a value, the rules would fill it, it is a place; one for each kind of slot; how surely the
user's words name its service, and another one; how many values the rules find for its service, and for another one."""
MANNERS = 8
"""Per turn: the user agrees, denies, wants another, commits, asks; the reply reads back, ends on a question; there is
none."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change the rules propose for a slot; `value` None deletes it.

    `whole` is whether they also do so when they choose among all services themselves; `sure` is whether, besides, the
    user named a value that the slot lists together with the slot ("the Family plan") or said nothing else ("Family,
    please").
    """

    value: str | None
    system: bool
    span: tuple[int, int] | None
    whole: bool = False
    sure: bool = False


@dataclass(frozen=True)
class Proposals:
    """What the rules make of a turn; `active` are the services they take it to be about."""

    changes: dict[Key, Proposal] = field(default_factory=dict)
    requested: frozenset[Key] = frozenset()
    intents: frozenset[Key] = frozenset()
    active: frozenset[str] = frozenset()
    offers: dict[Key, str] = field(default_factory=dict)  # open after the reply, as the rules read it
    cues: dict[Key, tuple[float, ...]] = field(default_factory=dict)  # CUES per slot
    manner: tuple[float, ...] = (0.0,) * MANNERS
    entities: tuple[Entity, ...] = ()


_RULES = RuleTracker()
_WORD = re.compile(r"[^\W_]+")
_COURTESY = frozenset(
    "a an the one it s is i ll d like take want have would please thanks thank you yes ok okay sure".split()
)


@lru_cache(maxsize=4096)
def _service(view: ServiceView) -> Service:
    slots = tuple(
        Slot(
            slot.label,
            slot.description,
            tuple(Value(value, slot.aliases[index] if slot.aliases else ()) for index, value in enumerate(slot.values)),
            slot.kind,
        )
        for slot in view.slots
    )
    return Service(view.name, view.description, view.rule_intents, slots)


@lru_cache(maxsize=4096)
def _schema(services: tuple[ServiceView, ...]) -> Schema:
    return Schema(tuple(map(_service, services)))


def propose(
    services: tuple[ServiceView, ...],
    previous: Mapping[Key, str],
    mentions: Mapping[Key, str],
    intents: Mapping[str, str],
    recent: str | None,
    system_text: str,
    user_text: str,
) -> Proposals:
    """Runs the rules on each service as if the turn were about it, and once on all of them.

    `recent` is the service the dialogue was last about.
    """
    befores = {view.name: _before(view, previous, mentions, intents) for view in services}
    changes: dict[Key, Proposal] = {}
    requested: set[Key] = set()
    wanted: set[Key] = set()
    opened: dict[Key, str] = {}
    cues: dict[Key, tuple[float, ...]] = {}
    system_stems, user_stems = acts.stems_of(system_text), acts.stems_of(user_text)
    manner = _manner(system_text, user_text)
    for view in services:
        before, offers = befores[view.name]
        known = State({view.name: before} if before.slots or before.intent else {}, (), offers)
        tracked = _RULES.track(_schema((view,)), known, system_text, user_text, 1)
        after = tracked.service(view.name)
        names = {slot.label: slot.name for slot in view.slots}
        for label, value in _changes(before, after).items():
            changes[(view.name, names[label])] = value
        requested.update((view.name, names[label]) for label in after.requested)
        opened.update({(view.name, names[offer.slot]): offer.value for offer in tracked.offers})
        cues.update(_cues(view, system_text, system_stems, user_stems, opened, previous))
        wanted.update((view.name, x.name) for x in view.intents if x.label == after.intent)
    _compare(services, user_stems, user_text, changes, cues)
    if len(services) == 1:
        agreed = {key: _agreed(services[0], key[1], p, user_text) for key, p in changes.items()}
        only = frozenset({services[0].name})
        named = tracked.entities
        return Proposals(agreed, frozenset(requested), frozenset(wanted), only, opened, cues, manner, named)
    states = {view.name: befores[view.name][0] for view in services}
    found = _whole(services, befores, recent, system_text, user_text)
    opened = _offers(services, found)
    active = set(list(found.services)[-1:])
    for view in services:
        names = {slot.label: slot.name for slot in view.slots}
        after = found.service(view.name)
        if after != states[view.name]:
            active.add(view.name)
        for label, value in _changes(states[view.name], after).items():
            key = (view.name, names[label])
            changes[key] = _agreed(view, key[1], value, user_text)
    return Proposals(
        changes, frozenset(requested), frozenset(wanted), frozenset(active), opened, cues, manner, found.entities
    )


def _agreed(view: ServiceView, name: str, proposal: Proposal, user_text: str) -> Proposal:
    """`proposal` as one of the whole schema, with how sure it is."""
    slot = next(slot for slot in view.slots if slot.name == name)
    listed = proposal.value in slot.values and re.search(r"[^\W\d_]{3}", proposal.value or "") is not None
    sure = False
    if listed and proposal.span is not None and slot.kind != "boolean":
        start, end = proposal.span
        before, after = _words_of(user_text[:start]), _words_of(user_text[end:])
        own = acts.stems_of(words(slot.label))
        beside = acts.stems_of(" ".join((*before[-2:], *after[:1])))
        sure = (bool(own) and own <= beside) or not {*before, *after} - _COURTESY
    return Proposal(proposal.value, proposal.system, proposal.span, True, sure)


def _words_of(text: str) -> list[str]:
    """The lower-cased words of `text`."""
    return _WORD.findall(text.lower())


def _compare(
    services: tuple[ServiceView, ...],
    user_stems: set[str],
    user_text: str,
    changes: Mapping[Key, Proposal],
    cues: dict[Key, tuple[float, ...]],
) -> None:
    """Adds to each slot's cues how its service compares with the others."""
    lexicon = compile_schema(_schema(services))
    named, found = {}, {}
    for view in services:
        rules = lexicon.services[view.name]
        named[view.name] = (
            sum(weight for word, weight in rules.cues.items() if word in user_stems)
            + 0.3 * max((sum(w for t, w in own.items() if t in user_stems) for _, own in rules.intents), default=0.0)
            + 0.5 * sum(1 for slot in rules.slots if any(p.search(user_text) for p, _ in slot.values_in(user_text)))
        )
        found[view.name] = sum(key[0] == view.name and p.value is not None for key, p in changes.items())
    for (service, slot), own in cues.items():
        others = [view.name for view in services if view.name != service]
        cues[(service, slot)] = (
            *own,
            min(named[service], 3.0),
            min(max((named[name] for name in others), default=0.0), 3.0),
            min(found[service], 4) / 2,
            min(max((found[name] for name in others), default=0), 4) / 2,
        )


def open_offers(
    services: tuple[ServiceView, ...],
    previous: Mapping[Key, str],
    mentions: Mapping[Key, str],
    intents: Mapping[str, str],
    recent: str | None,
    system_text: str,
    user_text: str,
) -> dict[Key, str]:
    """The offers the rules leave open after the turn: the mentions of the next one."""
    befores = {view.name: _before(view, previous, mentions, intents) for view in services}
    return _offers(services, _whole(services, befores, recent, system_text, user_text))


def _whole(
    services: tuple[ServiceView, ...],
    befores: Mapping[str, tuple[ServiceState, tuple[Offer, ...]]],
    recent: str | None,
    system_text: str,
    user_text: str,
) -> State:
    order = sorted((view.name for view in services), key=lambda name: name == recent)
    states = {name: befores[name][0] for name in order}
    known = State(
        {name: state for name, state in states.items() if state.slots or state.intent or name == recent},
        (),
        tuple(offer for view in services for offer in befores[view.name][1]),
    )
    return _RULES.track(_schema(services), known, system_text, user_text, 2)


def _offers(services: tuple[ServiceView, ...], state: State) -> dict[Key, str]:
    names = {(view.name, slot.label): slot.name for view in services for slot in view.slots}
    return {
        (offer.service, names[(offer.service, offer.slot)]): offer.value
        for offer in state.offers
        if (offer.service, offer.slot) in names
    }


def _manner(system_text: str, user_text: str) -> tuple[float, ...]:
    return (
        float(acts.affirms(user_text)),
        float(acts.denies(user_text)),
        float(acts.wants_alternative(user_text)),
        float(acts.commits(user_text)),
        float(any(acts.asks(clause) for _, clause in acts.clauses(user_text))),
        float(confirms(system_text)),
        float(system_text.rstrip().endswith("?")),
        float(not system_text),
    )


@lru_cache(maxsize=1 << 15)
def _stems(label: str) -> frozenset[str]:
    return frozenset(acts.stems_of(words(label)))


def _cues(
    view: ServiceView,
    system_text: str,
    system_stems: set[str],
    user_stems: set[str],
    opened: Mapping[Key, str],
    previous: Mapping[Key, str],
) -> dict[Key, tuple[float, ...]]:
    rules = compile_schema(_schema((view,))).services[view.name]
    asked = acts.asked_slots(rules, system_text) if system_text else {}
    elsewhere = [_stems(slot) for service, slot in previous if service != view.name]
    found = {}
    for slot, own in zip(view.slots, rules.slots, strict=True):
        stems = _stems(slot.name)
        alike = max((len(stems & other) / max(1, len(stems | other)) for other in elsewhere), default=0.0)
        found[(view.name, slot.name)] = (
            min(asked.get(slot.label, 0.0), 1.5),
            min(acts.cue_score(own, system_stems), 1.5),
            min(acts.cue_score(own, user_stems), 1.5),
            float((view.name, slot.name) in opened),
            alike,
            float(own.fillable),
            float(own.place),
            *(float(own.kind == kind) for kind in KINDS),
        )
    return found


def _before(
    view: ServiceView, previous: Mapping[Key, str], mentions: Mapping[Key, str], intents: Mapping[str, str]
) -> tuple[ServiceState, tuple[Offer, ...]]:
    labels = {slot.name: slot.label for slot in view.slots}
    held = {
        labels[slot]: SlotValue(value)
        for (service, slot), value in previous.items()
        if service == view.name and slot in labels
    }
    offers = tuple(
        Offer(view.name, labels[slot], value)
        for (service, slot), value in mentions.items()
        if service == view.name and slot in labels
    )
    intent = {intent.name: intent.label for intent in view.intents}.get(intents.get(view.name, ""))
    return ServiceState(intent, (), held), offers


def _changes(before: ServiceState, after: ServiceState) -> dict[str, Proposal]:
    """Changes by slot label."""
    found = {}
    for label, value in after.slots.items():
        old = before.slots.get(label)
        if old is None or plain(old.value) != plain(value.value):
            found[label] = Proposal(value.value, value.origin == SYSTEM, value.span)
    for label in before.slots.keys() - after.slots.keys():
        found[label] = Proposal(None, False, None)
    return found
