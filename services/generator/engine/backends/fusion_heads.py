"""Fusion heads in serving: held by content hash, applied before the output layer to the sequences that ask for one."""

from __future__ import annotations

from array import array
from collections import abc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from services.generator.engine.errors import UnknownHead
from services.models.fusion_serving import Kernels, ServedHead, TorchKernels

if TYPE_CHECKING:
    from services.generator.engine.request import Follower
    from services.generator.engine.sequence import Sequence
    from services.models.fusion import FusionHead

_TOGETHER = 32  # sequences of one product
_RECALLED = 16  # vectors of one sequence


class _Mixed:
    """What is kept of one open sequence: its head, what makes its vectors, and what these come to inside the head."""

    __slots__ = ("_come_to", "_looked", "follower", "head", "known", "late", "marks", "told", "vectors")

    def __init__(self, head: ServedHead, given: Mapping[str, Tensor], follower: Follower | None) -> None:
        self.head = head
        self.vectors = given
        self.follower = follower
        self.known: dict[str, Tensor] = {}
        self._looked: Mapping[str, Tensor] | None = None
        self._come_to: dict[int, tuple[Tensor, Tensor]] = {}
        self.late: abc.Sequence[float] = () if follower else head.late_of(given)
        self.told, self.marks = head.nothing()

    def changed(self) -> list[int]:
        """Sources whose vectors are new since they were asked for last; those that are gone no longer count."""
        if self.vectors is self._looked:
            return []
        changed = []
        self._looked = self.vectors
        for at, name in enumerate(self.head.names):
            vector = self.vectors.get(name)
            if vector is not self.known.get(name):
                if vector is None:
                    del self.known[name]
                    self.marks[at] = 0.0
                else:
                    self.known[name] = vector
                    changed.append(at)
        return changed

    def recall(self, source: int) -> bool:
        """Whether what the source's vector comes to is known from before, and is kept now."""
        held = self._come_to.get(id(self.known[self.head.names[source]]))
        if held is not None:
            self.head.keep(source, held[1], self.told, self.marks)
        return held is not None

    def learn(self, source: int, product: Tensor) -> None:
        """Keep what the source's vector comes to, now and for when it returns."""
        vector = self.known[self.head.names[source]]
        if len(self._come_to) == _RECALLED:
            self._come_to.clear()
        self._come_to[id(vector)] = (vector, product)
        self.head.keep(source, product, self.told, self.marks)


class _Call:
    """One head over the sequences that use it, with what is kept of them side by side."""

    def __init__(
        self, head: ServedHead, at: abc.Sequence[int], sequences: int, carried: abc.Sequence[_Mixed], device: str
    ) -> None:
        self._head = head
        self._carried = carried
        self._device = device
        self._at = torch.tensor(at, device=device)
        self._told = torch.stack([mixed.told for mixed in carried])
        self._marks = torch.stack([mixed.marks for mixed in carried])
        for mixed, told, marks in zip(carried, self._told, self._marks, strict=True):
            mixed.told, mixed.marks = told, marks  # views: what changes there changes here
        self._whole = list(at) == list(range(sequences))
        self._present: Tensor | None = None  # sequences that have a source; None: all
        self._stale = True

    def fused(self, hidden: Tensor) -> Tensor:
        """`hidden` with the sequences' states fused."""
        self._tell()
        states = (hidden if self._whole else hidden[self._at]).float()
        fused = self._head.fuse(states, self._late(), self._told, self._marks).to(hidden.dtype)
        if self._whole and self._present is None:
            return fused
        out = hidden.clone()
        if self._present is None:
            out[self._at] = fused
        else:
            out[self._at[self._present]] = fused[self._present]
        return out

    def _late(self) -> Tensor:
        """The sequences' late entries, `[sequences, late]`."""
        entries = array("f")
        for mixed in self._carried:
            entries.extend(mixed.late)
        flat = torch.frombuffer(entries, dtype=torch.float32) if entries else torch.zeros(0)
        return flat.view(len(self._carried), -1).to(self._device)

    def _tell(self) -> None:
        new: dict[int, list[_Mixed]] = {}
        stale = self._stale
        for mixed in self._carried:
            had = bool(mixed.known)
            for source in mixed.changed():
                if not mixed.recall(source):
                    new.setdefault(source, []).append(mixed)
            stale = stale or bool(mixed.known) != had
        for source, sequences in new.items():
            name = self._head.names[source]
            for mixed, product in zip(
                sequences, self._head.come_to(source, [mixed.known[name] for mixed in sequences]), strict=True
            ):
                mixed.learn(source, product)
        if stale:
            self._stale = False
            present = torch.tensor([bool(mixed.known) for mixed in self._carried], device=self._device)
            self._present = None if bool(present.all()) else present.nonzero()[:, 0]


class FusionHeads:
    """The loaded heads and the sequences that use them.

    A sequence's result does not depend on the others: `kernels` treat every sequence alike; without them torch's always
    see the same number of rows."""

    def __init__(self, device: str = "cpu", kernels: Kernels | None = None) -> None:
        self._device = device
        self._kernels = kernels or TorchKernels(_TOGETHER, device)
        self._heads: dict[str, ServedHead] = {}
        self._open: dict[Sequence, _Mixed] = {}
        self._planned: tuple[Sequence, ...] = ()
        self._followed: list[tuple[Sequence, _Mixed, Follower]] = []
        self._calls: list[_Call] = []

    def load(self, name: str, head: FusionHead) -> None:
        """Hold a head under its content hash."""
        if name not in self._heads:
            with torch.inference_mode():
                self._heads[name] = ServedHead(head, self._kernels, self._device)

    def unload(self, name: str) -> bool:
        """Let a head go; False while an open sequence uses it."""
        if any(sequence.request.fusion is not None and sequence.request.fusion.head == name for sequence in self._open):
            return False
        self._heads.pop(name, None)
        return True

    def check(self, sequence: Sequence) -> None:
        """Raises:
        UnknownHead: the sequence names a head that is not loaded.
        """
        fusion = sequence.request.fusion
        if fusion is not None and fusion.head not in self._heads:
            raise UnknownHead(f"fusion head {fusion.head} is not loaded")

    @torch.inference_mode()
    def open(self, sequence: Sequence) -> None:
        """Fuse the sequence from now on, if it asks for that."""
        fusion = sequence.request.fusion
        if fusion is None or not (fusion.follow or fusion.vectors):
            return
        vectors = {name: torch.as_tensor(v, dtype=torch.float32) for name, v in fusion.vectors.items()}
        follower = None if fusion.follow is None else fusion.follow()
        self._open[sequence] = _Mixed(self._heads[fusion.head], vectors, follower)

    def close(self, sequence: Sequence) -> None:
        """The sequence has ended."""
        if self._open.pop(sequence, None) is not None:
            self._planned, self._followed, self._calls = (), [], []

    @torch.inference_mode()
    def fuse(self, hidden: Tensor, sequences: abc.Sequence[Sequence]) -> Tensor:
        """What the output layer sees instead of `hidden: [sequences, H]`; the same object where no sequence asks for a
        head."""
        if not self._open:
            return hidden
        with _one_thread() if self._device == "cpu" else nullcontext():
            now = tuple(sequences)
            if now != self._planned:
                self._plan(now)
            if not self._calls:
                return hidden
            for sequence, mixed, follower in self._followed:
                mixed.vectors, mixed.late = follower(sequence.generated)
            for call in self._calls:
                hidden = call.fused(hidden)
            return hidden

    def _plan(self, sequences: tuple[Sequence, ...]) -> None:
        by_head: dict[ServedHead, list[int]] = {}
        self._followed = []
        for at, sequence in enumerate(sequences):
            mixed = self._open.get(sequence)
            if mixed is not None:
                by_head.setdefault(mixed.head, []).append(at)
                if mixed.follower is not None:
                    self._followed.append((sequence, mixed, mixed.follower))
        self._calls = [
            _Call(head, places, len(sequences), [self._open[sequences[at]] for at in places], self._device)
            for head, places in by_head.items()
        ]
        self._planned = sequences


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch computes on this thread alone: to wake another takes longer than a head's products (1.1 ms, not 1.8)."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
