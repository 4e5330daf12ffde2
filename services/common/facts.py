"""Which facts hold: a pure function of the recorded revisions, whatever order they arrived in.

A fact is what fills one slot of one entity. Every statement about it is an immutable revision: `assert`, `retract`
(the value, or whatever holds) or `undo` (makes one revision as if never said). Nothing is ever overwritten, so
which value holds, which one was superseded by which, and what held at another time are all computed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from services.common.clock import now
from services.common.names import key
from services.common.text_measures import HAN_CHARACTER

Operation = Literal["assert", "retract", "undo"]
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

_ACCESS = "access:"


def fact_id(entity: str, slot: str) -> str:
    """The id of what (entity, slot) is about; the same for every way of writing the two."""
    return "fact_" + hashlib.sha256(f"{key(entity)}\x00{key(slot)}".encode()).hexdigest()[:26]


@dataclass(frozen=True)
class FactRevision:
    """One statement about one slot of one entity. Times are UTC; `valid_to` None means open.

    `dated`: whoever said it also said from when it holds. Any other statement holds from when it was recorded.
    """

    id: str
    revision: int
    entity: str
    slot: str
    value: str
    operation: Operation = "assert"
    multi: bool = False
    authority: int = 0
    author: str = ""
    valid_from: datetime = BEGINNING
    dated: bool = False
    valid_to: datetime | None = None
    recorded_at: datetime = BEGINNING
    span: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)
    depends_on: tuple[tuple[str, int], ...] = ()
    undoes: int = 0

    @property
    def access(self) -> frozenset[str]:
        """Access labels that an asker must have to find it: what follows `access:` in its labels."""
        labels = self.provenance.get("labels") or ()
        return frozenset(one.removeprefix(_ACCESS) for one in labels if one.startswith(_ACCESS))

    @property
    def sentence(self) -> str:
        """The fact as the indexes and the generator read it."""
        return f"{self.entity} — {self.slot}: {self.value}"

    @property
    def prompt_text(self) -> str:
        """The sentence that enters the prompt: the one it was taught in, else one made of the three parts.

        Where the slot is named in Chinese, so is the sentence.
        """
        if self.span:
            return self.span
        if HAN_CHARACTER.search(self.slot):
            return f"{self.entity}的{self.slot}是{self.value}。"
        return f"The {self.slot} of {self.entity} is {self.value}."

    @property
    def order(self) -> tuple[int, datetime, int]:
        """Who wins: authority, then the time it holds from, then what was recorded last."""
        return (self.authority, self.valid_from, self.revision)


@dataclass(frozen=True)
class Resolution:
    """What holds of one fact: `current` (several only where multi-valued) and why the others do not."""

    current: tuple[FactRevision, ...]
    superseded_by: dict[int, int]  # revision -> the revision that put it out of force


def undone(revisions: Iterable[FactRevision]) -> dict[int, int]:
    """Revisions that an undo in force takes back, with that undo; an undone undo takes nothing back."""
    gone: dict[int, int] = {}
    for revision in sorted(revisions, key=lambda one: -one.revision):
        if revision.operation == "undo" and revision.revision not in gone:
            gone.setdefault(revision.undoes, revision.revision)
    return gone


def outdated_values(fact: FactRevision, revisions: Iterable[FactRevision]) -> tuple[str, ...]:
    """Values that earlier revisions of a single-valued fact gave it and this one does not; the earliest first."""
    if fact.multi:
        return ()
    earlier = sorted((one for one in revisions if one.revision < fact.revision), key=lambda one: one.revision)
    said = [one.value for one in earlier if one.operation == "assert" and key(one.value) != key(fact.value)]
    return tuple(dict.fromkeys(said))


def resolve(
    revisions: Sequence[FactRevision], at: datetime | None = None, known_at: datetime | None = None
) -> Resolution:
    """What holds at the time `at` (default: now) by what was recorded up to `known_at` (default: everything).

    Single-valued: the assertion that wins by authority, then time; a retraction of at least its authority that
    comes after it leaves nothing (an older value never comes back by a retraction, only by an undo). Multi-valued:
    the same for every value on its own.
    """
    present = at is None
    at = at or now()
    known = [one for one in revisions if known_at is None or one.recorded_at <= known_at]
    gone = undone(known)
    superseded = dict(gone)
    said = [one for one in known if one.operation != "undo" and one.revision not in gone]
    # What was recorded holds at present, by whichever process's clock it was.
    begun = [one for one in said if one.valid_from <= at or (present and not one.dated)]
    holding = [one for one in begun if (one.valid_to is None or at < one.valid_to)]
    asserted = [one for one in holding if one.operation == "assert"]
    retracted = [one for one in holding if one.operation == "retract"]
    if not asserted:
        return Resolution((), superseded)
    multi = max(said, key=lambda one: one.revision).multi
    groups: dict[str, list[FactRevision]] = {}
    for one in asserted:
        groups.setdefault(key(one.value) if multi else "", []).append(one)
    current = []
    for group in groups.values():
        winner = max(group, key=lambda one: one.order)
        superseded.update({one.revision: winner.revision for one in group if one is not winner})
        against = [one for one in retracted if _retracts(one, winner)]
        if against:
            superseded[winner.revision] = max(against, key=lambda one: one.order).revision
        else:
            current.append(winner)
    return Resolution(tuple(sorted(current, key=lambda one: one.revision)), superseded)


def _retracts(retraction: FactRevision, assertion: FactRevision) -> bool:
    if retraction.value and key(retraction.value) != key(assertion.value):
        return False
    return retraction.authority >= assertion.authority and (retraction.valid_from, retraction.revision) > (
        assertion.valid_from,
        assertion.revision,
    )


def is_stale(fact: FactRevision, current: Callable[[str], Sequence[FactRevision]]) -> bool:
    """True when something the fact was derived from, at whatever remove, no longer holds.

    `current` gives what holds of a fact by its id. Of many facts, ask one `Staleness`.
    """
    return Staleness(current).of(fact)


class Staleness:
    """Which of many facts are stale; what was found out about one serves the others, so that all of them together take
    time that grows with the number of facts and of what they were derived from."""

    def __init__(self, current: Callable[[str], Sequence[FactRevision]]) -> None:
        self._current = current
        self._known: dict[tuple[str, int], bool] = {}

    def of(self, fact: FactRevision) -> bool:
        """Whether this one is. A fact that is derived from itself, at whatever remove, says nothing about itself."""
        if not fact.depends_on:
            return False
        root = (fact.id, fact.revision)
        if root not in self._known:
            self._known[root] = self._search(fact)
        return self._known[root]

    def _search(self, root: FactRevision) -> bool:
        """Walk what the fact rests on, depth first, each revision once, until something is found that does not hold."""
        path = [(root, iter(root.depends_on))]
        seen = {(root.id, root.revision)}
        skipped = False
        while path:
            edge = next(path[-1][1], None)
            if edge is None:
                path.pop()
                continue
            fact, revision = edge
            if fact == root.id:
                skipped = True
                continue
            known = self._known.get(edge)
            held = None if known else next((one for one in self._current(fact) if one.revision == revision), None)
            if held is None:
                self._known.update({(one.id, one.revision): True for one, _ in path})
                return True
            if known is None and edge not in seen:
                seen.add(edge)
                path.append((held, iter(held.depends_on)))
        if not skipped:
            self._known.update(dict.fromkeys(seen, False))
        return False
