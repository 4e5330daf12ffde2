"""Where the tokens of one pass lie and what they see, for the forward pass in torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from services.models.llama.slots import KeyValueSlots, Segment, Window


class DecodePlan:
    """One token of each row; computed once for all layers of a pass, from tensors alone.

    `slots` and `positions`: `[rows]`; `length`: places of a slot that are looked at; `run`: the slots, where the rows
    stand in their order and without gaps (their caches are then read where they lie), else None.
    """

    def __init__(
        self, slots: Tensor, positions: Tensor, length: int, window: Window | None, run: slice | None = None
    ) -> None:
        self.slots = slots
        self.positions = positions
        self.places = _places(positions, window)
        self.last = slice(None)
        self._near = slice(0, length)
        self._run = run
        self._mask = _seen(positions, length, window)[:, None, None]

    @staticmethod
    def of(segments: Sequence[Segment], memory: KeyValueSlots, device: str) -> DecodePlan:
        """For segments of one token each."""
        slots = [segment.slot for segment in segments]
        starts = [segment.start for segment in segments]
        low, high = min(slots), max(slots) + 1
        return DecodePlan(
            torch.tensor(slots, device=device),
            torch.tensor(starts, device=device),
            min(max(starts) + 1, memory.length),
            memory.window,
            slice(low, high) if slots == list(range(low, high)) else None,
        )

    def attend(self, query: Tensor, keys: Tensor, values: Tensor, group: int) -> Tensor:
        """`query: [rows, heads, dim]` over one layer's caches; answers the same shape."""
        # The heads that share a key stand as queries of one head: keys are read once and never repeated.
        rows, heads, dim = query.shape
        near = self._near
        if self._run is not None:
            key, value = keys[self._run][:, :, near], values[self._run][:, :, near]
        else:
            key, value = (cache[:, :, near].index_select(0, self.slots) for cache in (keys, values))
        grouped = query.view(rows, heads // group, group, dim)
        return F.scaled_dot_product_attention(grouped, key, value, attn_mask=self._mask).reshape(rows, heads, dim)


class PrefillPlan:
    """Several tokens of each sequence, one sequence after the other."""

    def __init__(self, segments: Sequence[Segment], memory: KeyValueSlots, device: str) -> None:
        self._segments = segments
        self._window = memory.window
        self._length = memory.length
        self.slots = torch.cat([torch.full((s.count,), s.slot, device=device) for s in segments])
        self.positions = torch.cat([torch.arange(s.start, s.start + s.count, device=device) for s in segments])
        self.places = _places(self.positions, memory.window)
        self.last = (torch.tensor([s.count for s in segments]).cumsum(0) - 1).to(device)

    def attend(self, query: Tensor, keys: Tensor, values: Tensor, group: int) -> Tensor:
        """`query: [tokens, heads, dim]` over one layer's caches; answers the same shape."""
        out = torch.empty_like(query)
        at = 0
        for s in self._segments:
            end = min(s.start + s.count, self._length)
            part = query[at : at + s.count].transpose(0, 1)  # [heads, count, dim]
            grouped = part.reshape(1, -1, group * s.count, part.shape[-1])
            seen = _seen(self.positions[at : at + s.count], end, self._window).repeat(group, 1)
            key, value = keys[s.slot : s.slot + 1, :, :end], values[s.slot : s.slot + 1, :, :end]
            done = F.scaled_dot_product_attention(grouped, key, value, attn_mask=seen)
            out[at : at + s.count] = done.view(-1, s.count, part.shape[-1]).transpose(0, 1)
            at += s.count
        return out


def _places(positions: Tensor, window: Window | None) -> Tensor:
    """Where in their slots `positions: [tokens]` lie."""
    if window is None:
        return positions
    return torch.where(positions < window.sinks, positions, window.sinks + (positions - window.sinks) % window.ring)


def _seen(positions: Tensor, length: int, window: Window | None) -> Tensor:
    """Which of the first `length` places each of `positions` sees: `[tokens, length]`."""
    places = torch.arange(length, device=positions.device)[None]
    now = positions[:, None]
    if window is None:
        return places <= now
    # What a place of the ring holds is the latest position up to `now` that falls on it.
    held = now - (now - places) % window.ring
    evicted = torch.where(now < window.limit, 0, ((now - window.limit) // window.block + 1) * window.block)
    in_ring = (held >= window.sinks + evicted) & (places >= window.sinks)
    return in_ring | ((places < window.sinks) & (places <= now))
