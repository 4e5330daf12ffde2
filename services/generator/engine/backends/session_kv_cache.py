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
    """A place in the batch. `ids` are the tokens whose keys and values it holds, `key` whose they are; `written` is the
    most tokens it held since it was filled, which a window's ring remembers even if some were taken back."""

    index: int
    key: SessionKey | None = None
    ids: list[int] = field(default_factory=list)
    busy: bool = False
    written: int = 0

    def advance(self, ids: Sequence[int]) -> None:
        """Further tokens were computed."""
        self.ids += ids
        self.written = max(self.written, len(self.ids))


@dataclass(frozen=True, slots=True)
class _Parked:
    ids: list[int]
    written: int
    kept: Tensor


class SessionKVCache:
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
            known = self._usable(slot.ids, slot.written, ids)
        else:
            if slot.ids:
                self._park(slot)
            known = self._fill(slot, key, ids)
        slot.written = slot.written if known else 0
        slot.key, slot.busy = key, True
        slot.ids = list(ids[:known])
        self._shrink()
        return slot, known

    def fork(self, source: Slot, length: int) -> Slot | None:
        """Another slot in work with the first `length` tokens of `source` (none of them where the window has evicted
        what the next token would see); None: all slots are in work."""
        if not self._idle:
            return None
        length = self._usable(source.ids[:length], source.written, [*source.ids[:length], 0])
        slot = self._emptiest()
        del self._idle[slot.index]
        if slot.ids:
            self._park(slot)
        self._store.copy(source.index, slot.index, self._places(length, source.written))
        slot.key, slot.busy, slot.ids = source.key, True, source.ids[:length]
        slot.written = source.written if length else 0
        self._shrink()
        return slot

    def follow(self, source: Slot, slot: Slot, length: int) -> None:
        """Have a slot in work hold the first `length` tokens of `source` instead; what both hold is not copied."""
        known = self._usable(source.ids[:length], source.written, [*source.ids[:length], 0])
        whole = self._store.window is not None or known < length
        common = 0 if whole else common_prefix(slot.ids, source.ids[:length])
        self._store.copy(source.index, slot.index, self._places(known, source.written), common)
        slot.key, slot.ids, slot.written = source.key, source.ids[:known], source.written if known else 0

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
        return min(tokens, self._store.length) * self._store.token_bytes

    def _usable(self, held: Sequence[int], written: int, ids: Sequence[int]) -> int:
        """How many of `ids` memory that holds `held` saves: never the last one, and none where the window's ring has
        overwritten what the next token sees."""
        known = min(common_prefix(held, ids), len(ids) - 1)
        window = self._store.window
        return known if window is None or window.holds(written, known) else 0

    def _places(self, known: int, written: int) -> int:
        """Places to copy for the first `known` tokens: all that were written where a ring mixes them."""
        return min(written, self._store.length) if self._store.window is not None else known

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
        kept = self._store.take_out(slot.index, self._places(len(slot.ids), slot.written))
        self._parked[slot.key] = _Parked(slot.ids, slot.written, kept)
        slot.ids, slot.key = [], None

    def _fill(self, slot: Slot, key: SessionKey, ids: Sequence[int]) -> int:
        parked = self._parked.get(key)
        if parked is not None:
            known = self._usable(parked.ids, parked.written, ids)
            if known:
                self._store.put_back(slot.index, parked.kept, self._places(known, parked.written))
            slot.written = parked.written
            self._drop_parked(key)
            return known
        working = next((s for s in self._slots if s.busy and s.key == key), None)
        if working is None:
            return 0
        known = self._usable(working.ids, working.written, ids)
        if known:
            self._store.copy(working.index, slot.index, self._places(known, working.written))
        slot.written = working.written
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


def common_prefix(ids: Sequence[int], other: Sequence[int]) -> int:
    """Length of the longest common beginning."""
    length = min(len(ids), len(other))
    at = 0
    while at < length and ids[at : at + _COMPARE] == other[at : at + _COMPARE]:
        at += _COMPARE
    at = min(at, length)
    while at < length and ids[at] == other[at]:
        at += 1
    return at
