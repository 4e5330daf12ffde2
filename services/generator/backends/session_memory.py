"""Which slot holds what: sessions keep their keys and values between turns, within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.models.llama.slots import KeyValueSlots

if TYPE_CHECKING:
    from torch import Tensor

SessionKey = tuple[str, str, str]  # tenant, session, version
_COMPARE = 256


@dataclass(slots=True, eq=False)
class Slot:
    """A place in the batch. `ids` are the tokens whose keys and values it holds, `key` whose they are."""

    index: int
    key: SessionKey | None = None
    ids: list[int] = field(default_factory=list)
    busy: bool = False


@dataclass(frozen=True, slots=True)
class _Parked:
    ids: list[int]
    kept: Tensor


class SessionMemory:
    """Hands out slots and remembers what idle ones hold.

    A session's memory stays in its slot until someone else needs the slot, is then copied out ("parked") and
    dropped, oldest first, when idle slots and parked copies together exceed `budget` bytes. A dropped session
    is rebuilt from the token ids that its next request brings; nothing but time depends on what is remembered.
    """

    def __init__(self, store: KeyValueSlots, budget: int) -> None:
        self._store = store
        self._budget = budget
        self._slots = [Slot(i) for i in range(store.slots)]
        self._idle: OrderedDict[int, Slot] = OrderedDict((s.index, s) for s in self._slots)  # oldest first
        self._parked: OrderedDict[SessionKey, _Parked] = OrderedDict()
        self._used = 0  # bytes in idle slots and parked copies
        self.evictions = 0

    @property
    def used_bytes(self) -> int:
        """Bytes remembered of sessions that are not in work."""
        return self._used

    @property
    def open_slots(self) -> int:
        """Slots in work."""
        return len(self._slots) - len(self._idle)

    @property
    def remembered(self) -> int:
        """Sessions that hold memory while not in work."""
        return len(self._parked) + sum(1 for slot in self._idle.values() if slot.ids)

    def take(self, key: SessionKey, ids: Sequence[int]) -> tuple[Slot, int] | None:
        """A slot for `ids`, and how many of them it already holds (never the last one).

        The session's own idle slot serves best; else the oldest idle one, filled from the session's parked
        copy or from a slot in which the session works at this moment (a fork). None: all slots are in work.
        """
        if not self._idle:
            return None
        mine = next((s for s in self._idle.values() if s.key == key and s.ids), None)
        slot = mine or self._emptiest()
        del self._idle[slot.index]
        known = 0
        if mine is not None:
            self._used -= self._bytes(len(slot.ids))
            known = common_prefix(slot.ids, ids)
        else:
            if slot.ids:
                self._park(slot)
            known = self._fill(slot, key, ids)
        known = min(known, len(ids) - 1)
        slot.key, slot.busy = key, True
        slot.ids = list(ids[:known])
        self._shrink()
        return slot, known

    def fork(self, source: Slot, length: int) -> Slot | None:
        """Another slot in work with the first `length` tokens of `source`; None: all slots are in work."""
        if not self._idle:
            return None
        slot = self._emptiest()
        del self._idle[slot.index]
        if slot.ids:
            self._park(slot)
        self._store.copy(source.index, slot.index, length)
        slot.key, slot.busy, slot.ids = source.key, True, source.ids[:length]
        self._shrink()
        return slot

    def give_back(self, slot: Slot, keep: bool) -> None:
        """End a slot's work; `keep` what it holds for the session."""
        slot.busy = False
        known_elsewhere = any(s.key == slot.key and s.ids for s in self._idle.values())
        if not keep or not slot.ids or slot.key is None:
            slot.ids, slot.key = [], None
        elif known_elsewhere:  # of two drafts of one session the last to end is what the next turn starts from
            for other in self._idle.values():
                if other.key == slot.key:
                    self._empty(other)
        if slot.key is not None:
            self._drop_parked(slot.key)
        self._used += self._bytes(len(slot.ids))
        self._idle[slot.index] = slot
        self._shrink()

    def forget(self, tenant: str, session: str) -> None:
        """Drop what idle slots and parked copies hold of a session; its slots in work are not kept later."""
        for slot in self._slots:
            if slot.key is not None and slot.key[:2] == (tenant, session):
                if slot.busy:
                    slot.key = None
                else:
                    self._empty(slot)
        for key in [key for key in self._parked if key[:2] == (tenant, session)]:
            self._drop_parked(key)

    def forget_version(self, version: str) -> None:
        """Drop what is remembered under a model version."""
        for slot in self._idle.values():
            if slot.key is not None and slot.key[2] == version:
                self._empty(slot)
        for key in [key for key in self._parked if key[2] == version]:
            self._drop_parked(key)

    def _emptiest(self) -> Slot:
        empty = next((slot for slot in self._idle.values() if not slot.ids), None)
        return empty or next(iter(self._idle.values()))

    def _bytes(self, tokens: int) -> int:
        return tokens * self._store.token_bytes

    def _empty(self, slot: Slot) -> None:
        self._used -= self._bytes(len(slot.ids))
        slot.ids, slot.key = [], None

    def _park(self, slot: Slot) -> None:
        """Copy an idle slot out; its bytes stay counted."""
        assert slot.key is not None
        self._drop_parked(slot.key)
        if self._used > self._budget:
            self._empty(slot)
            self.evictions += 1
            return
        self._parked[slot.key] = _Parked(slot.ids, self._store.take_out(slot.index, len(slot.ids)))
        slot.ids, slot.key = [], None

    def _fill(self, slot: Slot, key: SessionKey, ids: Sequence[int]) -> int:
        parked = self._parked.get(key)
        if parked is not None:
            known = common_prefix(parked.ids, ids)
            self._store.put_back(slot.index, parked.kept, known)
            self._drop_parked(key)
            return known
        working = next((s for s in self._slots if s.busy and s.key == key), None)
        if working is None:
            return 0
        known = common_prefix(working.ids, ids)
        self._store.copy(working.index, slot.index, known)
        return known

    def _drop_parked(self, key: SessionKey) -> None:
        parked = self._parked.pop(key, None)
        if parked is not None:
            self._used -= self._bytes(len(parked.ids))

    def _shrink(self) -> None:
        while self._used > self._budget:
            if self._parked:
                self._drop_parked(next(iter(self._parked)))
            else:
                oldest = next((slot for slot in self._idle.values() if slot.ids), None)
                if oldest is None:
                    return
                self._empty(oldest)
            self.evictions += 1


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the longest common beginning."""
    length = min(len(one), len(other))
    at = 0
    while at < length and one[at : at + _COMPARE] == other[at : at + _COMPARE]:
        at += _COMPARE
    at = min(at, length)
    while at < length and one[at] == other[at]:
        at += 1
    return at
