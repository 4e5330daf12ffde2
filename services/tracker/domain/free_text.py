"""Values that no schema lists: places, titles, kinds named before their noun, whole short answers."""

from __future__ import annotations

import re

from services.tracker.domain import acts
from services.tracker.domain.details import ADDRESS, PERSON, form_of
from services.tracker.domain.findings import Filling, stems_near
from services.tracker.domain.lexicon import ServiceRules, SlotRules
from services.tracker.domain.names import Name, short_answer
from services.tracker.domain.standing_words import CORRECTS
from services.tracker.domain.state import COPIED, DONTCARE, Offer, State
from services.tracker.domain.things import MAX_WORDS, names_thing
from services.tracker.domain.words import HAN, stem, tokens_of

_THERE = re.compile(
    r"\b(?:there|over there|(?:that|same) (?:city|area|place|town)|nearby|close by|in the area)\b", re.I
)
_PLAIN = frozenset(
    "good nice great some any the a an another other different more that this my our your new best what which"
    " these those no fun cool few all many popular local specific favorite nearby of for to in find me and or"
    " buy play see watch hear like type kind certain live recent latest get is are one two three four there"
    " such own only book eat".split()
)
_PLACE_LEADS = {
    "from": ("from", "leaving"),
    "to": ("to", "for", "towards", "into", "visit"),
    "in": ("in", "at", "near", "around", "of"),
}


def offered_again(rules: ServiceRules, text: str, offers: list[Offer], filling: Filling) -> None:
    """What the system offered and the user now calls by name."""
    lower = text.lower()
    for offer in sorted(offers, key=lambda o: -len(o.value)):
        at = lower.find(offer.value.lower())
        if offer.service != rules.service.name or at < 0 or len(offer.value) < 3:
            continue
        slot = next((s for s in rules.slots if s.slot.name == offer.slot), None)
        end = at + len(offer.value)
        if slot is None or not slot.fillable or slot.values or not filling.free(at, end):
            continue
        if filling.meant(slot, at, end):
            filling.put(slot, text[at:end], (at, end))


def places(
    rules: ServiceRules,
    state: State,
    text: str,
    asked: dict[str, float],
    found: list[Name],
    filling: Filling,
) -> None:
    """Names of places by the preposition before them: "from X to Y", "in X"."""
    slots = [s for s in rules.slots if s.place and s.fillable and not s.values and form_of(s.slot) is None]
    for name in found:
        span = name.start, name.end
        free = [s for s in slots if filling.open(s, span) and filling.meant(s, *span)]
        if not free or not filling.free(*span) or _orders(text, name):
            continue
        near = stems_near(text, *span)

        def fits(slot: SlotRules, name: Name = name, near: set[str] = near) -> float:
            score = 1.2 * min(asked.get(slot.slot.name, 0.0), 1.5) + 0.5 * acts.cue_score(slot, near)
            if name.lead in _PLACE_LEADS["from"]:
                score += {"from": 2.0, "to": -2.0}.get(slot.direction, 0.4)
            elif name.lead in _PLACE_LEADS["to"]:
                score += {"from": -2.0, "to": 2.0}.get(slot.direction, 1.0)
            elif name.lead in _PLACE_LEADS["in"]:
                score += {"from": 0.4, "to": 0.6}.get(slot.direction, 1.5)
            return score

        slot = max(free, key=fits)
        if fits(slot) >= 1.0:
            filling.put(slot, name.text, (name.start, name.end))
    if slots and not any(s.slot.name in filling.values for s in slots):
        _same_place(rules, slots, state, text, filling)


def _same_place(rules: ServiceRules, slots: list[SlotRules], state: State, text: str, filling: Filling) -> None:
    """ "A hotel there": the place of the service talked about before."""
    if state.service(rules.service.name).slots or not _THERE.search(text):
        return
    target = next((s for s in slots if s.direction != "from"), slots[0])
    for _, slot, value in reversed(list(state.filled())):
        words = set(tokens_of(slot))
        named = words & {"city", "location", "destination", "area", "town", "to"}
        if named and "from" not in words and value.value != DONTCARE:
            filling.put(target, value.value, None, COPIED)
            return


def titles(rules: ServiceRules, text: str, asked: dict[str, float], found: list[Name], filling: Filling) -> None:
    """Other names, to the slot asked for or whose words stand beside them ("the movie X", "by X")."""
    slots = [s for s in rules.slots if s.kind in ("name", "text") and s.fillable and not s.place and not s.values]
    slots = [s for s in slots if form_of(s.slot) in (None, PERSON) or s.slot.name in asked]
    for name in found:
        span = name.start, name.end
        free = [s for s in slots if filling.open(s, span) and filling.meant(s, *span)]
        if acts.asks(text):  # a question names things without wishing for them
            free = [s for s in free if not names_thing(s.slot)]
        if not free or not filling.free(*span) or acts.is_factual_question(text, name.start) or _orders(text, name):
            continue
        near = stems_near(text, name.start, name.end, 3)

        def fits(slot: SlotRules, name: Name = name, near: set[str] = near) -> float:
            score = acts.cue_score(slot, near) + 1.5 * min(asked.get(slot.slot.name, 0.0), 1.5)
            score += 1.0 if name.lead == "by" and slot.cues.get("by") else 0.0
            return score + (0.2 if slot.kind == "name" else 0.0)

        slot = max(free, key=fits)
        if fits(slot) >= 0.9:
            filling.put(slot, name.text, (name.start, name.end))


def _orders(text: str, name: Name) -> bool:
    """Whether the "name" is the verb that a sentence begins with ("Write to me", "Call us")."""
    opens = name.start == 0 or re.search(r"[.!?]\s+$", text[max(0, name.start - 5) : name.start]) is not None
    return opens and " " not in name.text and _OBJECT.match(text[name.end : name.end + 12]) is not None


_OBJECT = re.compile(r"\s+(?:to )?(?:me|us|him|her|them|it|my|our|the)\b", re.I)


def headed(rules: ServiceRules, text: str, filling: Filling) -> None:
    """Kinds named before their noun: "Mexican food", "a comedy movie", "some jazz songs"."""
    for slot in rules.slots:
        if slot.kind != "text" or slot.place or slot.values or not slot.fillable or form_of(slot.slot):
            continue
        if names_thing(slot.slot):  # its noun belongs to it: "flatbed trailer"
            continue
        heads = {w for w, weight in slot.cues.items() if weight >= 0.5}
        for match in re.finditer(r"(?=\b([A-Za-z][\w\-']+)\s+([A-Za-z]+)\b)", text):
            word = match[1]
            if slot.slot.name in filling.values:
                break
            if stem(match[2]) not in heads or word.lower() in _PLAIN or stem(word) in heads:
                continue
            if filling.free(*match.span(1)) and not acts.negated(text, match.start(1)):
                filling.put(slot, word, match.span(1))


_BARE_NAME = re.compile(
    r"^\W*(?P<name>[A-ZÀ-Þ][\w'’-]{1,30}(?: (?:van|von|de|der|la|da|del|bin|al))*(?: [A-ZÀ-Þ][\w'’-]{1,30}){1,2})\W*$"
)


_TITLE_SLOT = re.compile(
    r"\b(?:title|book|film|movie|record|album|song|game|novel|item|product|article)\b|书名|片名|标题", re.I
)


def named_things(rules: ServiceRules, text: str, found: list[Name], filling: Filling) -> None:
    """The name that an order is about ("put Blue Train aside for me"), and the one behind "by" for who made it."""
    if acts.only_asks(text):
        return
    free = [s for s in rules.slots if s.fillable and not s.values and s.slot.name not in filling.values]
    makers = [s for s in free if s.cues.keys() & {"artist", "author", "by", "director", "writer", "maker", "singer"}]
    things = [s for s in free if s.kind in (None, "name", "text") and not s.place and s not in makers]
    things = [s for s in things if form_of(s.slot) is None and _is_title(s)]
    for name in found:
        if not filling.free(name.start, name.end) or _orders(text, name):
            continue
        takers = makers if name.lead == "by" else things if len(things) == 1 and name.lead in _TITLE_LEADS else []
        slot = takers[0] if takers else None
        if slot and slot.slot.name not in filling.values and filling.meant(slot, name.start, name.end):
            filling.put(slot, name.text, (name.start, name.end))


_TITLE_LEADS = ("", "called", "named", "of", "for", "is")


def _is_title(slot: SlotRules) -> bool:
    return _TITLE_SLOT.search(f"{slot.slot.name.replace('_', ' ')} {slot.slot.description}") is not None


def bare_name(rules: ServiceRules, state: State, text: str, filling: Filling) -> None:
    """A message that is a person's name and nothing else, where one empty slot alone takes one."""
    match = _BARE_NAME.match(text[:100])
    if match is None or filling.values or filling.taken or filling.asked:
        return
    held = state.service(rules.service.name).slots
    empty = [s for s in rules.slots if s.fillable and s.slot.name not in held and form_of(s.slot) == PERSON]
    if len(empty) == 1 and not acts.COURTESY.match(text):
        filling.put(empty[0], match["name"], match.span("name"))


def answers(rules: ServiceRules, text: str, asked: dict[str, float], filling: Filling) -> None:
    """The whole of a short reply, where the system asked for free text and nothing better was found."""
    wanted = [
        s
        for s in rules.slots
        if s.kind in ("name", "text") and s.fillable and not s.values and asked.get(s.slot.name, 0) >= 1.0
    ]
    if not wanted or any(name in filling.values for name in asked) or acts.DONTCARE.search(text):
        return
    corrects = HAN.search(text) is not None and CORRECTS.search(text) is not None
    if acts.asks(text) or acts.denies(text) or acts.COURTESY.match(text) or corrects:
        return
    if any(acts.leaves_open(clause) or acts.forgets(clause) for _, clause in acts.clauses(text)):
        return
    if filling.taken and max(asked.values()) >= acts.SURE:
        return  # the assistant asked for one thing and got another
    answer = short_answer(text)
    if answer is not None and HAN.search(answer.text) and acts.answers_nothing(text, answer.start, answer.end):
        return
    if answer is not None and filling.free(answer.start, answer.end):
        best = max(wanted, key=lambda s: asked[s.slot.name])
        if names_thing(best.slot) and len(answer.text.split()) > MAX_WORDS:
            return
        if form_of(best.slot) == ADDRESS and not re.search(r"\d|[\u3400-\u9fff]", answer.text):
            return
        filling.put(best, answer.text, (answer.start, answer.end))
