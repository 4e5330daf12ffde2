"""Fusion heads in serving: held by content hash, applied before the output layer to the rows that ask for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from services.generator.engine.errors import UnknownHead

if TYPE_CHECKING:
    from services.generator.engine.request import Follower
    from services.generator.engine.rows import Row

_TOGETHER = 32  # rows of one call


class FusionHead(Protocol):
    """What serving needs of a head; `services.models.fusion` has the trained ones."""

    def fuse(self, hidden: Tensor, vectors: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        """`hidden: [rows, H]` changed by `vectors: [rows, D]` of each source where `present: [rows]` says so."""
        ...


class _Call:
    """One head over as many rows as one call takes, the rest filled with copies of the first."""

    def __init__(self, head: FusionHead, at: Sequence[int], carried: Sequence[dict[str, Tensor]], device: str) -> None:
        self._head = head
        self._count = len(at)
        self.rows = torch.tensor([*at, *[at[0]] * (_TOGETHER - len(at))], device=device)
        self._vectors: dict[str, Tensor] = {}
        self._present: dict[str, Tensor] = {}
        for source, like in {name: vector for one in carried for name, vector in one.items()}.items():
            none = torch.zeros_like(like)
            rows = [one.get(source, none) for one in carried]
            rows += [none] * (_TOGETHER - len(rows))
            self._vectors[source] = torch.stack(rows).to(device)
            given = [source in one for one in carried] + [False] * (_TOGETHER - len(carried))
            self._present[source] = torch.tensor(given, device=device)

    def add(self, hidden: Tensor, out: Tensor) -> None:
        fused = self._head.fuse(hidden[self.rows].float(), self._vectors, self._present)
        out[self.rows[: self._count]] = fused[: self._count].to(out.dtype)


class FusionHeads:
    """The loaded heads and the rows that use them.

    Heads always see the same number of rows: products round by their size, and a reply must not depend on its company.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._heads: dict[str, FusionHead] = {}
        self._open: dict[Row, dict[str, Tensor]] = {}
        self._followers: dict[Row, Follower] = {}
        self._planned: tuple[Row, ...] = ()
        self._plan: list[_Call] = []

    def load(self, name: str, head: FusionHead) -> None:
        """Hold a head under its content hash."""
        self._heads.setdefault(name, head)

    def unload(self, name: str) -> bool:
        """Let a head go; False while an open row uses it."""
        if any(row.request.fusion is not None and row.request.fusion.head == name for row in self._open):
            return False
        self._heads.pop(name, None)
        return True

    def check(self, row: Row) -> None:
        """Raises:
        UnknownHead: the row names a head that is not loaded.
        """
        asked = row.request.fusion
        if asked is not None and asked.head not in self._heads:
            raise UnknownHead(f"fusion head {asked.head} is not loaded")

    def open(self, row: Row) -> None:
        """Fuse the row from now on, if it asks for that."""
        asked = row.request.fusion
        if asked is not None and asked.follow is not None:
            self._followers[row], self._open[row] = asked.follow(), {}
        elif asked is not None and asked.vectors:
            self._open[row] = {name: torch.as_tensor(v, dtype=torch.float32) for name, v in asked.vectors.items()}

    def close(self, row: Row) -> None:
        """The row has ended."""
        self._open.pop(row, None)
        self._followers.pop(row, None)
        self._planned, self._plan = (), []

    @torch.inference_mode()
    def fuse(self, hidden: Tensor, rows: Sequence[Row]) -> Tensor:
        """What the output layer sees instead of `hidden: [rows, H]`; the same object where no row asks for a head."""
        if not self._open:
            return hidden
        now = tuple(rows)
        followed = [row for row in now if row in self._followers]
        for row in followed:
            self._open[row] = dict(self._followers[row](row.generated))
        if followed or now != self._planned:
            self._planned, self._plan = now, self._calls(now)
        if not self._plan:
            return hidden
        with _one_thread() if self._device == "cpu" else nullcontext():
            out = hidden.clone()
            for call in self._plan:
                call.add(hidden, out)
            return out

    def _calls(self, rows: Sequence[Row]) -> list[_Call]:
        by_head: dict[str, list[int]] = {}
        for at, row in enumerate(rows):
            if self._open.get(row) and row.request.fusion is not None:
                by_head.setdefault(row.request.fusion.head, []).append(at)
        calls = []
        for name, places in by_head.items():
            for first in range(0, len(places), _TOGETHER):
                some = places[first : first + _TOGETHER]
                calls.append(_Call(self._heads[name], some, [self._open[rows[at]] for at in some], self._device))
        return calls


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch computes on this thread alone: to wake another takes longer than a head's products (1.1 ms, not 1.8)."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
