"""What the network should have said about a turn, and the loss against what it did say."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from research.tracker.dialogues import Example
from services.tracker.domain.state import MAX_ENTITIES
from services.tracker.learned.catalog import ServiceView, loose, plain
from services.tracker.learned.inputs import Layout, Turn, layout, user_offset
from services.tracker.learned.network import COPY, DELETE, DONTCARE, KEEP, RULE, SYSTEM, USER, Scores
from services.tracker.learned.proposals import Key, propose
from services.tracker.learned.wordpieces import Pieces

Row = tuple[int, ...]


@dataclass
class Targets:
    """Sparse targets: each row begins with the turn's index in the batch."""

    gates: list[Row] = field(default_factory=list)  # turn, position, gate
    mention: list[Row] = field(default_factory=list)  # turn, position, 0 or 1
    requested: list[Row] = field(default_factory=list)
    active: list[Row] = field(default_factory=list)
    intent: list[tuple[int, list[int], int]] = field(default_factory=list)  # turn, group, target in group
    user_span: list[Row] = field(default_factory=list)  # turn, position, first, last
    system_span: list[Row] = field(default_factory=list)
    value_user: list[Row] = field(default_factory=list)  # turn, first value, end of values, target
    value_system: list[Row] = field(default_factory=list)
    copy: list[tuple[int, int, list[int]]] = field(default_factory=list)  # turn, position, right sources


def spoil(example: Example, rate: float, dice: random.Random) -> tuple[dict[Key, str], dict[Key, str]]:
    """The previous values and mentions as a tracker might have had them: some lost, wrong or swapped."""
    previous = {key: dice.choice(values) for key, values in example.previous.items()}
    mentions = dict(example.mentions)
    if dice.random() < rate and previous:
        key = dice.choice(sorted(previous))
        fate = dice.random()
        if fate < 0.5:
            del previous[key]
        elif fate < 0.7:
            previous[key] = dice.choice(sorted(previous.values()))
        elif fate < 0.85 and (free := sorted(mentions.keys() - previous.keys())):
            other = dice.choice(free)  # taken up although nobody did
            previous[other] = mentions[other]
        else:
            mentions[key] = previous.pop(key)
    if dice.random() < rate and mentions:
        del mentions[dice.choice(sorted(mentions))]
    return previous, dict(list(open_mentions(previous, mentions).items())[-MAX_ENTITIES:])


def open_mentions(previous: dict[Key, str], mentions: dict[Key, str]) -> dict[Key, str]:
    """What replies mentioned and the state does not already hold."""
    return {key: value for key, value in mentions.items() if plain(value) != plain(previous.get(key, ""))}


def turn_of(
    example: Example,
    pieces: tuple[Pieces, Pieces],
    services: tuple[ServiceView, ...],
    previous: dict[Key, str],
    mentions: dict[Key, str],
) -> Turn:
    """The network's input for an example under given views and a given previous state."""
    system, user = pieces
    return Turn(
        example.system_text,
        example.user_text,
        system,
        user,
        services,
        previous,
        mentions,
        example.intents,
        example.recent,
        propose(
            services,
            previous,
            mentions,
            example.intents,
            example.recent,
            example.system_text,
            example.user_text,
        ),
    )


def aim(targets: Targets, row: int, example: Example, turn: Turn) -> None:
    """Adds an example's targets; what the previous state lost is not asked for unless the turn shows it."""
    plan = layout(turn.services)
    known = turn.mentions | {key: value for key, (value, _) in example.said.items()}
    for key, position in plan.slots.items():
        service, slot = key
        said = example.said.get(key)
        if said is not None:
            targets.mention.append((row, position, 1))
            _aim_mention(targets, row, position, said, plan, turn)
        elif example.said_known:
            targets.mention.append((row, position, 0))
        frame = example.frames.get(service)
        if frame is not None and example.source == "sgd":
            targets.requested.append((row, position, int(slot in frame[1])))
        _aim_gate(targets, row, key, position, example, turn, plan, known)
    for view in turn.services:
        if not view.intents:
            continue
        frame = example.frames.get(view.name)
        start = plan.names.index((view.name, ""))
        targets.active.append((row, start, int(frame is not None)))
        if frame is not None:
            group = [start, *(plan.intents[(view.name, intent.name)] for intent in view.intents)]
            wanted = plan.intents.get((view.name, frame[0] or ""), start)
            targets.intent.append((row, group, group.index(wanted)))


def _aim_mention(
    targets: Targets, row: int, position: int, said: tuple[str, tuple[int, int] | None], plan: Layout, turn: Turn
) -> None:
    value, span = said
    first, end = plan.value_ranges[position]
    if end > first:
        canonical = plan.slot_views[position].canonical(value)
        for index in range(first, end):
            if plan.values[index][1] == canonical:
                targets.value_system.append((row, first, end, index))
                return
    elif span is not None and (where := turn.system.locate(*span)):
        targets.system_span.append((row, position, 1 + where[0], 1 + where[1]))


def _aim_gate(
    targets: Targets,
    row: int,
    key: Key,
    position: int,
    example: Example,
    turn: Turn,
    plan: Layout,
    known: dict[Key, str],
) -> None:
    update = example.updates.get(key)
    proposal = turn.proposals.changes.get(key)
    if update is None:
        targets.gates.append((row, position, KEEP))
        return
    if not update.values:
        targets.gates.append((row, position, DELETE if key in turn.previous else KEEP))
        return
    offset = user_offset(turn)
    spoken = {plain(value) for value in update.values}
    right = proposal is not None and proposal.value is not None and plain(proposal.value) in spoken
    if update.values[0] == "dontcare":
        targets.gates.append((row, position, RULE if right else DONTCARE))
        return
    first, end = plan.value_ranges[position]
    wanted = next((i for i in range(first, end) if plan.values[i][1] == update.values[0]), -1)
    in_user = any(value in plain(turn.user_text) for value in spoken)
    gate = KEEP
    if end > first and in_user and wanted >= 0:
        gate = USER
        targets.value_user.append((row, first, end, wanted))
    elif end == first and update.span is not None:
        if where := turn.user.locate(*update.span):
            gate = USER
            targets.user_span.append((row, position, offset + where[0], offset + where[1]))
    elif _alike(known.get(key), update.values):
        gate = SYSTEM
    else:
        boolean = end - first == 2 and not any(char.isdigit() for char in update.values[0])
        sources = [] if boolean else _sources(key, update.values, plan, turn)
        if sources:
            gate = COPY
            targets.copy.append((row, position, sources))
        elif wanted >= 0:
            gate = USER
            targets.value_user.append((row, first, end, wanted))
    if right:
        targets.gates.append((row, position, RULE))
    elif gate != KEEP:  # where the turn does not show the value there is nothing to learn
        targets.gates.append((row, position, gate))


def _sources(key: Key, values: Sequence[str], plan: Layout, turn: Turn) -> list[int]:
    """Positions of other slots that hold (or, when empty, were mentioned with) one of the values."""
    found = []
    for other, position in plan.slots.items():
        if other != key and _alike(turn.previous.get(other) or turn.mentions.get(other), values):
            found.append(position)
    return found


def _alike(held: str | None, values: Sequence[str]) -> bool:
    """Whether `held` is one of `values`, however it is spelled."""
    return bool(held) and loose(held or "") in {loose(value) for value in values}


TRUST = 0.5
"""How far a teacher's word counts where there is one; the rest is the annotation's."""


def loss(scores: Scores, targets: Targets, turns: int, taught: Scores | None = None) -> tuple[Tensor, dict[str, float]]:
    """Negative log-likelihood per turn, summed over its parts; also each part's share, for the log.

    With a teacher's scores of the same batch, what they say is `TRUST` of every target (Hinton et al. 2015, at
    temperature 1), at the places where the annotation says something.
    """
    parts: dict[str, Tensor] = {}

    def pick(name: str, *where: Tensor) -> tuple[Tensor, Tensor | None]:
        return getattr(scores, name)[where], None if taught is None else getattr(taught, name)[where]

    row, position, gate = _columns(targets.gates)
    parts["gate"] = _choice(*pick("gate", row, position), gate)
    for name, rows in (("mention", targets.mention), ("requested", targets.requested), ("active", targets.active)):
        if rows:
            row, position, wanted = _columns(rows)
            logits, other = pick(name, row, position)
            aimed = wanted.float() if other is None else torch.lerp(wanted.float(), other.sigmoid(), TRUST)
            parts[name] = functional.binary_cross_entropy_with_logits(logits, aimed, reduction="sum")
    for name, spans in (("user", targets.user_span), ("system", targets.system_span)):
        if spans:
            row, position, first, last = _columns(spans)
            parts[f"{name}_span"] = sum(
                (_choice(*pick(f"{name}_{side}", row, position), at) for side, at in (("start", first), ("end", last))),
                start=scores.gate.new_zeros(()),
            )
    for name, choices in (("value_user", targets.value_user), ("value_system", targets.value_system)):
        if choices:
            row, first, end, wanted = _columns(choices)
            logits, other = pick(name, row)
            at = torch.arange(logits.shape[1])
            inside = (at >= first[:, None]) & (at < end[:, None])
            parts[name] = _choice(logits, other, wanted, inside)
    if targets.copy:
        row, position = (torch.tensor([x[i] for x in targets.copy]) for i in (0, 1))
        right = torch.zeros(len(targets.copy), scores.copy.shape[-1], dtype=torch.bool)
        for index, (_, _, sources) in enumerate(targets.copy):
            right[index, sources] = True
        logits = scores.copy[row, position].log_softmax(-1)
        parts["copy"] = -torch.logsumexp(logits.masked_fill(~right, -1e4), -1).sum()
    if targets.intent:
        width = max(len(group) for _, group, _ in targets.intent)
        members = torch.zeros(len(targets.intent), width, dtype=torch.long)
        there = torch.zeros(len(targets.intent), width, dtype=torch.bool)
        for number, (_, group, _) in enumerate(targets.intent):
            members[number, : len(group)] = torch.tensor(group)
            there[number, : len(group)] = True
        row = torch.tensor([x[0] for x in targets.intent])
        wanted = torch.tensor([x[2] for x in targets.intent])
        parts["intent"] = _choice(*pick("intent", row.unsqueeze(1), members), wanted, there)
    weights = {"mention": 0.5, "requested": 0.5, "active": 0.3, "intent": 0.5}
    total = torch.stack([part * weights.get(name, 1.0) for name, part in parts.items()]).sum() / turns
    return total, {name: float(part.detach()) / turns for name, part in parts.items()}


def _choice(logits: Tensor, taught: Tensor | None, wanted: Tensor, inside: Tensor | None = None) -> Tensor:
    """Cross-entropy of one choice a row, summed; `inside`: where the choices are, everywhere if not said."""
    if inside is not None:
        logits = logits.masked_fill(~inside, -1e4)
        taught = None if taught is None else taught.masked_fill(~inside, -1e4)
    hard = functional.cross_entropy(logits, wanted, reduction="sum")
    if taught is None:
        return hard
    return torch.lerp(hard, functional.cross_entropy(logits, taught.softmax(-1), reduction="sum"), TRUST)


def _columns(rows: Sequence[Row]) -> tuple[Tensor, ...]:
    return tuple(torch.tensor(rows, dtype=torch.long).unbind(1))
