"""From the network's scores to a state: which slots change, to which value, and what is kept for later."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from services.tracker.learned.catalog import ServiceView, plain
from services.tracker.learned.inputs import Layout, Turn, layout, user_offset
from services.tracker.learned.network import COPY, DELETE, DONTCARE, KEEP, RULE, SYSTEM, USER, Scores
from services.tracker.learned.proposals import Key

LONGEST = 14  # WordPieces of a value


@dataclass
class Change:
    """One slot's change: the new value (None: deleted), its origin and where the user says it."""

    value: str | None
    origin: str
    span: tuple[int, int] | None = None
    confidence: float = 1.0


@dataclass
class Reading:
    """What the network understood of one turn."""

    changes: dict[Key, Change] = field(default_factory=dict)
    mentions: dict[Key, str] = field(default_factory=dict)
    intents: dict[str, str | None] = field(default_factory=dict)
    requested: dict[str, list[str]] = field(default_factory=dict)
    active: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Leanings:
    """Offsets on the gate's logits, chosen on held-out services.

    Above zero `keep` makes every change rarer and `rule` takes what the rules would do on the whole schema more often
    (a large one always does), `sure` where they are sure besides. `intent` favours the intents that take what the turn
    changed, or where it changed nothing what it names, over those that do not, and twice as much over the one held if
    that takes nothing of what changed and the rules read another in the user's words. The others make their gate rarer.
    """

    keep: float = 0.0
    rule: float = 0.0
    sure: float = 3.0
    intent: float = 3.0
    user: float = 0.0
    system: float = 0.0
    copy: float = 0.0
    mention: float = 0.0
    active: float = 0.0
    value: float = -1e9  # least score of a value said by the user


def read(scores: Scores, row: int, turn: Turn, leanings: Leanings) -> Reading:
    """Decodes row `row` of `scores`."""
    plan = layout(turn.services)
    found = Reading()
    gate = scores.gate[row].float().clone()
    gate[:, KEEP] += leanings.keep
    gate[:, USER] -= leanings.user
    gate[:, SYSTEM] -= leanings.system
    gate[:, COPY] -= leanings.copy
    for key, proposal in turn.proposals.changes.items():
        gate[plan.slots[key], RULE] += leanings.rule * proposal.whole + leanings.sure * proposal.sure
    chosen, changing = _gates(gate)
    mentioned = (scores.mention[row] > leanings.mention).tolist()
    for key, position in plan.slots.items():
        if mentioned[position]:
            value = _system_value(scores, row, position, turn, plan)
            if value:
                found.mentions[key] = plan.slot_views[position].canonical(value)
    known = turn.mentions | found.mentions
    about = (scores.active[row].sigmoid() >= leanings.active).tolist()
    for key, position in plan.slots.items():
        change = None
        if not about[plan.service[position]]:
            continue
        match chosen[position]:
            case gates if gates == KEEP:
                continue
            case gates if gates == USER:
                ruled = turn.proposals.changes.get(key)
                first, end = plan.value_ranges[position]
                if ruled is not None and ruled.value == "dontcare" and first == end:
                    # "I don't care about the day": free text that is no day
                    change = _proposed(key, turn)
                else:
                    change = _user_value(scores, row, position, turn, plan, leanings)
            case gates if gates == SYSTEM:
                value = known.get(key) or _system_value(scores, row, position, turn, plan)
                change = Change(value, "system") if value else None
            case gates if gates == COPY:
                change = _copied(scores, row, position, turn, plan)
            case gates if gates == DONTCARE:
                change = Change("dontcare", "user")
            case gates if gates == DELETE:
                change = Change(None, "user") if key in turn.previous else None
            case gates if gates == RULE:
                change = _proposed(key, turn)
        if change is not None:
            change.confidence = changing[position]
            if change.value is not None:
                change.value = plan.slot_views[position].canonical(change.value)
            found.changes[key] = change
    _services(found, scores, row, turn, plan, leanings.intent)
    return found


def _gates(gate: Tensor) -> tuple[list[int], list[float]]:
    """The gate of each slot and how surely it changes: first whether it does at all, then how.

    The ways to change share what speaks for a change: each alone may be less likely than none.
    """
    changing = 1.0 - gate.softmax(-1)[:, KEEP]
    ways = gate.clone()
    ways[:, KEEP] = -1e9
    return torch.where(changing > 0.5, ways.argmax(-1), KEEP).tolist(), changing.tolist()


def _services(found: Reading, scores: Scores, row: int, turn: Turn, plan: Layout, favour: float) -> None:
    asked = (scores.requested[row] > 0).tolist()
    for view in turn.services:
        start = plan.names.index((view.name, ""))
        found.active[view.name] = float(scores.active[row, start].sigmoid())
        if view.intents:
            group = [start, *(plan.intents[(view.name, intent.name)] for intent in view.intents)]
            changed = {slot for service, slot in found.changes if service == view.name}
            about = changed or _named(view, turn, plan)
            takes = torch.tensor([False, *(bool(about & {*one.required, *one.optional}) for one in view.intents)])
            held = [False, *(bool(changed) and turn.intents.get(view.name) == one.name for one in view.intents)]
            worded = [False, *((view.name, intent.name) in turn.proposals.intents for intent in view.intents)]
            left = torch.tensor(held) & ~takes & (takes & torch.tensor(worded)).any()
            likely = scores.intent[row, torch.tensor(group)].float()
            best = group[int((likely + favour * (takes.float() - left.float())).argmax())]
            found.intents[view.name] = plan.names[best][1] or None
        found.requested[view.name] = [slot.name for slot in view.slots if asked[plan.slots[(view.name, slot.name)]]]


def _named(view: ServiceView, turn: Turn, plan: Layout) -> set[str]:
    """Slots of which the user's words hold a listed value, though that changes nothing ("What is the Family plan?")."""
    said = plain(turn.user_text)
    found = set()
    for slot in view.slots:
        first, end = plan.value_ranges[plan.slots[(view.name, slot.name)]]
        if any(form in said for _, _, forms in plan.values[first:end] for form in forms):
            found.add(slot.name)
    return found


def _proposed(key: Key, turn: Turn) -> Change | None:
    proposal = turn.proposals.changes.get(key)
    if proposal is None:
        return None
    return Change(proposal.value, "system" if proposal.system else "user", proposal.span)


def _choice(scores: Tensor, first: int, end: int) -> int:
    return first + int(scores[first:end].argmax())


def _user_value(scores: Scores, row: int, position: int, turn: Turn, plan: Layout, leanings: Leanings) -> Change | None:
    first, end = plan.value_ranges[position]
    if end > first:
        index = _choice(scores.value_user[row], first, end)
        if float(scores.value_user[row, index]) < leanings.value:
            return None
        span = _find(turn.user_text, plan.values[index][1])
        return Change(plan.values[index][1], "user", span)
    offset = user_offset(turn)
    where = _span(scores.user_start[row, position], scores.user_end[row, position], offset, len(turn.user.ids))
    if where is None:
        return None
    left = turn.user.offsets[where[0] - offset][0]
    right = turn.user.offsets[where[1] - offset][1]
    return Change(turn.user_text[left:right], "user", (left, right))


def _system_value(scores: Scores, row: int, position: int, turn: Turn, plan: Layout) -> str | None:
    first, end = plan.value_ranges[position]
    if end > first:
        return plan.values[_choice(scores.value_system[row], first, end)][1]
    where = _span(scores.system_start[row, position], scores.system_end[row, position], 1, len(turn.system.ids))
    if where is None:
        return None
    return turn.system_text[turn.system.offsets[where[0] - 1][0] : turn.system.offsets[where[1] - 1][1]]


def _copied(scores: Scores, row: int, position: int, turn: Turn, plan: Layout) -> Change | None:
    best = int(scores.copy[row, position].argmax())
    if scores.copy[row, position, best] <= -1e3:
        return None
    key = plan.names[best]
    value = turn.previous.get(key) or turn.mentions.get(key)
    if not value:
        return None
    first, end = plan.value_ranges[position]
    if end > first:
        spoken = plain(value)
        for index in range(first, end):
            if spoken in plan.values[index][2]:
                return Change(plan.values[index][1], "copied")
        return None
    return Change(value, "copied")


def _span(start: Tensor, end: Tensor, offset: int, length: int) -> tuple[int, int] | None:
    """The likeliest span of at most `LONGEST` pieces inside `[offset, offset + length)`."""
    if not length:
        return None
    pairs = start[offset : offset + length, None] + end[None, offset : offset + length]
    steps = torch.arange(length)
    distance = steps[None, :] - steps[:, None]
    pairs = pairs.masked_fill((distance < 0) | (distance >= LONGEST), -1e9)
    best = int(pairs.argmax())
    if float(pairs.flatten()[best]) < -1e3:
        return None
    return offset + best // length, offset + best % length


def _find(text: str, value: str) -> tuple[int, int] | None:
    at = text.lower().find(value.lower())
    return (at, at + len(value)) if at >= 0 and value else None
