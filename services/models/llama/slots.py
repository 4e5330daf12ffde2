"""Preallocated keys and values of many sequences, each in its slot with a length of its own."""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass

import torch
from torch import Tensor

from services.models.llama.shape import LlamaShape

BLOCK = 16  # positions that are copied together


@dataclass(frozen=True, slots=True)
class Segment:
    """`count` consecutive tokens of one sequence, the first at position `start` of `slot`."""

    slot: int
    start: int
    count: int
    adapter: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """What a sequence longer than its slot still sees; all four in tokens, multiples of 16.

    Up to `limit` tokens it sees all of them. Past that, the oldest `block` behind the first `sinks` (Xiao et al. 2023,
    "Efficient Streaming Language Models with Attention Sinks") is evicted each time there is no room for the next
    token; positions grow on. What is seen is thus a function of the position alone. What lies behind the sinks is
    written in a ring of `ring` places, which overwrites a block only some time after its eviction, so that the latest
    tokens can be taken back.
    """

    sinks: int
    limit: int
    block: int
    ring: int

    @staticmethod
    def of(tokens: int) -> Window:
        """See at most `tokens` (at least 64), and let at least as many again, up to 1024, be taken back."""
        limit = max(tokens // BLOCK, 4) * BLOCK
        block = max(limit // (8 * BLOCK), 1) * BLOCK
        return Window(BLOCK, limit, block, limit - BLOCK + min(limit, 1024))

    @property
    def places(self) -> int:
        """Tokens that a slot holds."""
        return self.sinks + self.ring

    def evicted(self, position: int) -> int:
        """Tokens behind the sinks that the token at `position` does not see."""
        return 0 if position < self.limit else ((position - self.limit) // self.block + 1) * self.block

    def place(self, position: int) -> int:
        """Where in its slot a token lies."""
        return position if position < self.sinks else self.sinks + (position - self.sinks) % self.ring

    def reach(self, position: int) -> int:
        """Most tokens from `position` on that one pass may write before the first of them looks back."""
        return self.sinks + self.evicted(position) + self.ring - position

    def holds(self, written: int, position: int) -> bool:
        """Whether all that the token at `position` sees is still there when `written` tokens were once written."""
        return self.sinks + self.evicted(position) + self.ring >= written


class KeyValueSlots:
    """`keys` and `values`: `[layers, slots, kv_heads, length, head_dim]`, `length` rounded up to blocks of 16.

    A forward pass may order the values inside a block of 16 positions as it likes; copies move whole blocks. The
    memory is reserved at once; on a CPU the system backs it with pages as they are first written.
    """

    def __init__(
        self,
        shape: LlamaShape,
        slots: int,
        length: int,
        dtype: torch.dtype,
        device: str = "cpu",
        window: Window | None = None,
    ) -> None:
        self.slots = slots
        self.window = window
        self.length = length = _blocks(length if window is None else window.places)
        self.dtype = dtype
        size = (shape.layers, slots, shape.kv_heads, length, shape.head_dim)
        self.keys = _zeros(size, dtype, device)
        self.values = _zeros(size, dtype, device)
        self.token_bytes = 2 * shape.layers * shape.kv_heads * shape.head_dim * dtype.itemsize

    def copy(self, source: int, target: int, length: int, start: int = 0) -> None:
        """Copy the first `length` places of one slot to another, those before `start` left as they are there."""
        if source == target:
            return
        places = slice(start // BLOCK * BLOCK, _blocks(length))
        for cache in (self.keys, self.values):
            cache[:, target, :, places] = cache[:, source, :, places]

    def take_out(self, slot: int, length: int) -> Tensor:
        """A copy of a slot's first `length` places: `[2, layers, kv_heads, blocks, head_dim]`."""
        length = _blocks(length)
        return torch.stack([self.keys[:, slot, :, :length], self.values[:, slot, :, :length]])

    def put_back(self, slot: int, kept: Tensor, length: int) -> None:
        """Write the first `length` places of what `take_out` answered into a slot."""
        length = _blocks(length)
        self.keys[:, slot, :, :length] = kept[0, :, :, :length]
        self.values[:, slot, :, :length] = kept[1, :, :, :length]


def _blocks(length: int) -> int:
    return -(-length // BLOCK) * BLOCK


def _zeros(size: tuple[int, ...], dtype: torch.dtype, device: str) -> Tensor:
    """Zeros (what is masked away must still be finite); on a CPU as pages that cost nothing until written.

    Mapped here and not by numpy, which asks for huge pages: a session of few tokens would then hold two megabytes
    for each layer and head.
    """
    if device != "cpu":
        return torch.zeros(size, dtype=dtype, device=device)
    pages = mmap.mmap(-1, math.prod(size) * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=dtype).view(size)
