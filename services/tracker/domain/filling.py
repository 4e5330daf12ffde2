"""What one user turn says about one service: values, deletions, requests, entities."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice

from services.common.schema import Slot
from services.tracker.domain import acts
from services.tracker.domain.counting import fill_numbers
from services.tracker.domain.details import PERSON, details, form_of
from services.tracker.domain.faults import fault_in, holds_fault, things_of
from services.tracker.domain.findings import Filling, stems_near
from services.tracker.domain.free_text import answers, bare_name, headed, named_things, offered_again, places, titles
from services.tracker.domain.han_items import fill_han_items
from services.tracker.domain.han_places import fill_han_places
from services.tracker.domain.labelled import labelled
from services.tracker.domain.lexicon import ServiceRules, SlotRules
from services.tracker.domain.moments import bare_range, fill_moments
from services.tracker.domain.names import names
from services.tracker.domain.normalise import MAX_MENTIONS, typed_mentions
from services.tracker.domain.question_words import asked_after
from services.tracker.domain.standing import Stand, standing_of
from services.tracker.domain.standing_words import HARMLESS
from services.tracker.domain.state import DONTCARE, Entity, Offer, State
from services.tracker.domain.things import fill_things
from services.tracker.domain.words import HAN, stem


def fill(rules: ServiceRules, state: State, system_text: str, user_text: str, offers: list[Offer]) -> Filling:
    """What the user's turn says about the service, given the state before it and the system's reply."""
    asked = acts.asked_slots(rules, system_text) if system_text else {}
    filling = certain(rules, state, user_text, asked)
    held = {name: value.value for name, value in state.service(rules.service.name).slots.items()}
    _dontcare(rules, user_text, asked, {}, filling)
    _listed_values(rules, state, user_text, asked, filling)
    fill_han_places(rules, user_text, asked, filling)
    _booleans(rules, user_text, asked, filling)
    fill_han_items(rules, held, user_text, filling)
    mentions = [m for m in typed_mentions(user_text) if filling.free(m.start, m.end)]
    fill_moments(rules, state, user_text, asked, mentions, filling)
    fill_numbers(rules, state, user_text, asked, mentions, filling)
    spans = filling.taken + [(m.start, m.end) for m in mentions if m.kind != "number"]
    offered_again(rules, user_text, offers, filling)
    found = [name for name in names(user_text, spans) if not _no_title(rules, name.text)]
    places(rules, state, user_text, asked, found, filling)
    named_things(rules, user_text, found, filling)
    titles(rules, user_text, asked, found, filling)
    headed(rules, user_text, filling)
    fill_things(rules, held, user_text, filling)
    bare_name(rules, state, user_text, filling)
    answers(rules, user_text, asked, filling)
    _requests(rules, user_text, filling)
    filling.entities += [Entity(m.text, m.kind, (m.start, m.end)) for m in mentions]
    filling.entities += [Entity(n.text, "name", (n.start, n.end)) for n in found]
    return filling


def certain(rules: ServiceRules, state: State, user_text: str, asked: dict[str, float]) -> Filling:
    """What the words alone settle: details by their form, slots named as open or as taken back."""
    kinds = [s.kind for s in rules.slots if s.fillable]
    single = frozenset(kind for kind in ("date", "time") if kinds.count(kind) == 1)
    filling = Filling(standing_of(user_text), asked, single)
    held = {name: value.value for name, value in state.service(rules.service.name).slots.items()}
    slots = {s.slot.name: s.slot for s in rules.slots if s.fillable}
    by_name = {s.slot.name: s for s in rules.slots}
    for detail in details(slots, user_text, asked, held):
        if filling.standing.of(detail.start, detail.end) is not Stand.EXCEPTED:
            filling.put(by_name[detail.slot], detail.value, (detail.start, detail.end))
    _told(rules, user_text, held, filling)
    span_of_time = bare_range(rules, user_text, asked)
    if span_of_time is not None:
        slot, mention = span_of_time
        filling.put(slot, mention.text, (mention.start, mention.end))
    _deletions(rules, state, user_text, filling)
    _dontcare(rules, user_text, {}, held, filling)
    return filling


def _told(rules: ServiceRules, text: str, held: dict[str, str], filling: Filling) -> None:
    """Values that a slot's own name leads to, and what is wrong, in the clause that tells it."""
    free = [s for s in rules.slots if s.fillable and s.slot.name not in filling.values]
    several = sum(s.slot.name in held and s.kind in ("name", "text") and not s.values for s in free) > 1
    for slot in free:
        name = slot.slot.name
        span = labelled(slot.slot, text, held.get(name), several=several)
        if span is None and name not in held and holds_fault(slot.slot):
            span = fault_in(text, things_of(rules.service))
        if span is not None and filling.free(*span):
            filling.put(slot, text[slice(*span)], span)


def _deletions(rules: ServiceRules, state: State, text: str, filling: Filling) -> None:
    """ "Never mind the price range", "forget Italian": the slot that its words or value name is emptied."""
    service = state.service(rules.service.name)
    for _, clause in acts.clauses(text):
        if not acts.forgets(clause) and not acts.leaves_open(clause):
            continue
        if acts.forgets(clause) and not HAN.search(clause):  # what stands behind the comma gives the reason
            clause = next((part for part in clause.split(", ") if acts.forgets(part)), clause)
        stems = acts.stems_of(clause)
        for slot in rules.slots:
            held = service.slots.get(slot.slot.name)
            if held and (
                _names_slot(slot, clause) or acts.cue_score(slot, stems) >= 1.2 or held.value.lower() in clause.lower()
            ):
                filling.deleted.append(slot.slot.name)


def _dontcare(rules: ServiceRules, text: str, asked: dict[str, float], held: dict[str, str], filling: Filling) -> None:
    for start, clause in acts.clauses(text):
        if not acts.DONTCARE.search(clause):
            continue
        part = _open_part(rules, clause)
        stems = acts.stems_of(part)
        open_kind = "date" if _ANY_DAY.search(clause) else "time" if _ANY_TIME.search(clause) else ""
        named = [s for s in rules.slots if s.fillable and acts.cue_score(s, stems) >= 1.2]
        named = [s for s in named if s.kind == open_kind] or named if open_kind else named
        if not open_kind and named and re.search(r"\btimes?\b", part, re.I):
            named = _times(rules, named, asked)
        named = named or [s for s in rules.slots if open_kind and s.kind == open_kind][:1]
        named = named or [s for s in rules.slots if open_kind == "time" and s.values and _PART_OF_DAY.search(_words(s))]
        named = named or [s for s in rules.slots if s.values and s.fillable and _leaves_open(s, clause)]
        named = named or asked_after(rules, clause)
        named = named or [s for s in rules.slots if s.fillable and held.get(s.slot.name) and _has_held(s, held, clause)]
        if not named and asked:
            best = max(asked.values())
            named = [s for s in rules.slots if asked.get(s.slot.name, 0) == best][:1]
        excepted = _excepted_kinds(filling, text, start, start + len(clause)) | _preferred_kinds(filling, text, start)
        for slot in named:
            if slot.kind in excepted:
                continue
            filling.put(slot, DONTCARE, None)
            if slot.slot.name in filling.deleted:
                filling.deleted.remove(slot.slot.name)


def _times(rules: ServiceRules, named: list[SlotRules], asked: dict[str, float]) -> list[SlotRules]:
    """The slots for times that a sentence about a time means: those it names, those asked about, or the one there is;
    "the departure time" is no departure."""
    times = [s for s in rules.slots if s.kind == "time" and s.fillable]
    return (
        [s for s in times if s in named]
        or [s for s in times if s.slot.name in asked]
        or (times if len(times) == 1 else [])
    )


def _open_part(rules: ServiceRules, clause: str) -> str:
    """What of the sentence says that something is open: the part between commas, where that says what or the sentence
    names a value besides; else the whole."""
    part = next((part for part in re.split(r"\s?[,，]\s?", clause) if acts.DONTCARE.search(part)), clause)
    stems = acts.stems_of(part)
    if part == clause or any(s.fillable and acts.cue_score(s, stems) >= 1.2 for s in rules.slots):
        return part
    listed = (s for s in rules.slots if s.values and s.kind not in ("boolean", "number"))
    return part if any(p.search(clause) for s in listed for p, _ in s.values_in(clause)) else clause


def _excepted_kinds(filling: Filling, text: str, start: int, end: int) -> set[str]:
    """Kinds of moments of which the sentence refuses one ("any day except Sunday"): they are not open altogether."""
    moments = (m for m in typed_mentions(text) if m.kind in ("date", "time") and start <= m.start < end)
    return {m.kind for m in moments if filling.standing.of(m.start, m.end).refused}


_POINTS = frozenset("her his their our your my hers mine yours theirs name names number card".split())


def _no_title(rules: ServiceRules, text: str) -> bool:
    """Whether what is written like a name is a value that the schema lists, or only points ("Her card")."""
    lower = text.casefold()
    return lower in _POINTS or any(lower in _listed(slot.slot) for slot in rules.slots)


@lru_cache(maxsize=4096)
def _listed(slot: Slot) -> frozenset[str]:
    """What the values of a slot are called, in small letters."""
    return frozenset(word.casefold() for value in slot.values for word in (value.value, *value.aliases))


def _preferred_kinds(filling: Filling, text: str, start: int) -> set[str]:
    """Kinds of moments of which one is preferred from `start` on ("any day next week, ideally Tuesday")."""
    if not _PREFERS.search(text, start, start + _PREFERRED_WITHIN):
        return set()
    found = set()
    for mention in typed_mentions(text):
        if mention.kind not in ("date", "time") or not start <= mention.start < start + _PREFERRED_WITHIN:
            continue
        before = _PREFERS.search(text[max(start, mention.start - 25) : mention.start])
        behind = _PREFERRED.match(text[mention.end : mention.end + 30])
        if (before or behind) and not filling.standing.of(mention.start, mention.end).refused:
            found.add(mention.kind)
    return found


_PREFERRED_WITHIN = 120
_PREFERS = re.compile(r"\b(?:ideally|preferably|best|better|prefer|favou?rite)\b|最好|更好|优先|最合适|首选", re.I)
_PREFERRED = re.compile(
    r"^ (?:(?:is|would be|works|suits (?:me|us)) )?(?:the )?(?:best|better|ideal|preferred|perfect)\b"
    r"|^[上下]?午?(?:的话)?(?:最好|更好|优先|最合适)",
    re.I,
)
_PART_OF_DAY = re.compile("时段|时间段|什么时候|什么时间")


def _words(slot: SlotRules) -> str:
    return f"{slot.slot.name} {slot.slot.description}"


def _has_held(slot: SlotRules, held: dict[str, str], clause: str) -> bool:
    """Whether the clause names the value that the slot has ("Forget Boris, anyone will do")."""
    value = held[slot.slot.name]
    leaving = acts.DONTCARE.search(clause)
    if not slot.values or leaving is None:
        return False
    return any(known == value and p.search(clause, 0, leaving.start()) for p, known in slot.values_in(clause))


_ANY_DAY = re.compile(r"\bany (?:day|date)\b|哪天|哪一天|什么日子|几号都|周几都|星期几都", re.I)
_HAN_OPEN = "(?:都|无所谓|随便|随你|不限|不要紧)"
_ANY_TIME = re.compile(
    rf"\bany ?time\b(?! of year)|几点[\u4e00-\u9fff]{{0,4}}?{_HAN_OPEN}|什么时间|什么时候|哪个时间", re.I
)


def _leaves_open(slot: SlotRules, clause: str) -> bool:
    """Whether the clause names two of the slot's values and cares for neither."""
    return len({value for pattern, value in slot.values_in(clause) if pattern.search(clause)}) > 1


def _listed_values(rules: ServiceRules, state: State, text: str, asked: dict[str, float], filling: Filling) -> None:
    """Values that the schema lists, their inflections and aliases."""
    hits: dict[tuple[int, int], list[tuple[SlotRules, str]]] = {}
    for slot in rules.slots:
        if not slot.fillable:
            continue
        covered: list[tuple[int, int]] = []
        for pattern, value in slot.values_in(text):
            for match in islice(pattern.finditer(text), MAX_MENTIONS):
                start, end = match.span()
                if not any(a < end and start < b for a, b in covered):
                    covered.append((start, end))
                    hits.setdefault((start, end), []).append((slot, value))
    hits = {span: options for span, options in hits.items() if not _left_open(text, span)}
    named = [f.span for name, f in filling.values.items() if f.span and name in _people_slots(rules)]
    hits = {span: options for span, options in hits.items() if not any(_within(span, other) for other in named)}
    hits = _after_contrast(text, hits)
    longest = [span for span in hits if not any(a <= span[0] and span[1] <= b and (a, b) != span for a, b in hits)]
    # What the message wishes goes before what it only tells ("I had Basic, now I want Family").
    wished = any(filling.standing.of(*span) is Stand.WISHED for span in longest)
    for start, end in sorted(longest, key=lambda span: (filling.standing.of(*span) is Stand.ELSEWHERE, span)):
        if acts.is_factual_question(text, start) or (filling.standing.of_others(start) and not wished):
            continue
        near = stems_near(text, start, end)

        def fits(option: tuple[SlotRules, str], near: set[str] = near) -> float:
            name = option[0].slot.name
            known = 0.5 if name in filling.values else 0.0
            return acts.cue_score(option[0], near) + asked.get(name, 0.0) - known

        slot, value = max(hits[start, end], key=fits)
        name = slot.slot.name
        if slot.kind == "boolean" and value == slot.true_value and acts.denied_in_han(text, start):
            filling.put(slot, slot.false_value, (start, end))
            continue
        if not filling.meant(slot, start, end):
            asked_about = filling.standing.of(start, end) is Stand.ASKED
            if state.value(rules.service.name, name) == value and name not in filling.values and not asked_about:
                filling.deleted.append(name)
            continue
        filling.put(slot, value, (start, end))
        if name in filling.deleted:
            filling.deleted.remove(name)


def _people_slots(rules: ServiceRules) -> set[str]:
    return {s.slot.name for s in rules.slots if form_of(s.slot) == PERSON}


def _within(span: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a value is but a part of a longer name ("in the name of Plus Gardens")."""
    return other[0] <= span[0] and span[1] <= other[1] and span != other


def _left_open(text: str, span: tuple[int, int]) -> bool:
    """Whether a value is only a word of "the day doesn't matter"."""
    return _NO_MATTER.match(text, span[1]) is not None


_NO_MATTER = re.compile(
    r"(?: \w{1,12}){0,2} (?:does(?:n['’]t| not)|do(?:n['’]t| not)|is(?:n['’]t| not)) (?:matter|important)", re.I
)


def _after_contrast(
    text: str, hits: dict[tuple[int, int], list[tuple[SlotRules, str]]]
) -> dict[tuple[int, int], list[tuple[SlotRules, str]]]:
    """Without the values of others: "my boss takes the suite, but I only need the cabin"."""
    match = _BUT_I.search(text)
    if match is None:
        return hits
    mine = {slot.slot.name for span, options in hits.items() if span[0] >= match.end() for slot, _ in options}
    return {
        span: options
        for span, options in hits.items()
        if span[0] >= match.start() or not any(slot.slot.name in mine for slot, _ in options)
    }


_BUT_I = re.compile(r"\bbut (?:i|we|for me|for us|mine)\b", re.I)


def _booleans(rules: ServiceRules, text: str, asked: dict[str, float], filling: Filling) -> None:
    """Yes/no slots: named by the user in a wish, or asked by the system and answered."""
    for slot in rules.slots:
        if slot.kind != "boolean" or not slot.fillable or slot.slot.name in filling.values:
            continue
        for start, clause in acts.clauses(text):
            _wish(slot, text, start, clause, filling)
        name = slot.slot.name
        if name not in filling.values and asked.get(name, 0) >= max([*asked.values(), 1.0]) * 0.8:
            if acts.affirms(text):
                filling.put(slot, slot.true_value, None)
            elif acts.denies(text):
                filling.put(slot, slot.false_value, None)


def _wish(slot: SlotRules, text: str, start: int, clause: str, filling: Filling) -> None:
    """A clause that names what the yes/no slot is about ("with wifi", "no pets")."""
    if HAN.search(slot.slot.name):
        _wish_in_han(slot, start, clause, filling)
        return
    own = {w for w, weight in slot.cues.items() if weight >= 0.5}
    strong = {w for w in own if slot.cues[w] >= 0.9}
    hits = [(m.start(), m.end(), stem(m[0])) for m in re.finditer(r"[^\W_]+", clause) if stem(m[0]) in own]
    score = sum(slot.cues[w] for w in {w for *_, w in hits})
    needed = 1.5 if len(strong) > 1 else 0.5
    if not hits or score < needed or acts.is_factual_question(text, start + hits[0][0]):
        return
    if acts.DONTCARE.search(clause):
        filling.put(slot, DONTCARE, None)
        return
    no = acts.negated(clause, hits[0][0])
    span = (start + hits[0][0], start + hits[0][1])
    filling.put(slot, slot.false_value if no else slot.true_value, span)


def _wish_in_han(slot: SlotRules, start: int, clause: str, filling: Filling) -> None:
    """The same in Chinese, where the slot's name, or its rarest part, stands inside the clause."""
    name = re.sub("^(?:是否|要不要|需要|有没有|是不是)", "", slot.slot.name)
    cores = [name, *(cue for cue, weight in slot.cues.items() if weight >= 1.9 and cue in name)]
    at = next((clause.find(core) for core in cores if core in clause), -1)
    if at < 0 or re.search(r"吗|(?<![什怎那这多要])么|是不是|能不能|可不可以", clause):
        return
    if acts.DONTCARE.search(clause):
        filling.put(slot, DONTCARE, None)
        return
    no = re.search(r"不|没|无需|别|免", HARMLESS.sub(" ", clause[max(0, at - 8) : at])) is not None
    no = no or re.match(r".{0,6}?(?:不用|不要|不需要|就不|没有)", clause[at:]) is not None
    filling.put(slot, slot.false_value if no else slot.true_value, (start + at, start + at + len(cores[0])))


def _names_slot(slot: SlotRules, clause: str) -> bool:
    """Whether a Chinese clause has the slot's name, or counts people where the slot does."""
    core = re.sub("^(?:是否|需要)|(?:数量|日期|时间|方式)$", "", slot.slot.name)
    return HAN.search(core) is not None and (core in clause or (slot.counts_people and "人数" in clause))


def _requests(rules: ServiceRules, text: str, filling: Filling) -> None:
    """Slots the user asks about, by the words of their names."""
    when = {"date": r"\bwhen\b", "time": r"\bwhat time\b|\bwhen\b"}
    for _, clause in acts.clauses(text):
        if not acts.asks(clause):
            continue
        stems = acts.stems_of(clause)
        how_much = re.search(r"\bhow (?:much|expensive)\b", clause, re.I) is not None
        for slot in rules.slots:
            name = slot.slot.name
            score = acts.cue_score(slot, stems)
            if slot.kind in when and re.search(when[slot.kind], clause, re.I):
                score += 1.0
            if how_much and slot.cues.keys() & {"pric", "cost"}:
                score += 1.2
            if score >= 1.5 and name not in filling.values and name not in filling.requested:
                filling.requested.append(name)
