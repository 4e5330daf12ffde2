"""Where the tokens of one pass lie and what they see, for the forward pass in torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from services.models.llama.slots import KeyValueSlots, Segment, Window


class Plan:
    """Computed once for all layers of a pass."""

    last: Tensor | slice

    def __init__(self, segments: Sequence[Segment], memory: KeyValueSlots, device: str) -> None:
        self._segments = segments
        self._window = window = memory.window
        self._length = memory.length
        starts = [segment.start for segment in segments]
        self._single = all(segment.count == 1 for segment in segments)
        if self._single:
            slots = [segment.slot for segment in segments]
            self.slots = torch.tensor(slots, device=device)
            self.positions = torch.tensor(starts, device=device)
            self.last = slice(None)
            self._near = slice(0, min(max(starts) + 1, memory.length))
            self._mask = self._seen(self.positions, self._near.stop)[:, None, None]
            low, high = min(slots), max(slots) + 1
            self._run = slice(low, high) if slots == list(range(low, high)) else None
        else:
            self.slots = torch.cat([torch.full((s.count,), s.slot, device=device) for s in segments])
            self.positions = torch.cat([torch.arange(s.start, s.start + s.count, device=device) for s in segments])
            self.last = (torch.tensor([s.count for s in segments]).cumsum(0) - 1).to(device)
        self.places = self.positions if window is None else self._places(self.positions, window)

    def attend(self, query: Tensor, keys: Tensor, values: Tensor, group: int) -> Tensor:
        """`query: [tokens, heads, dim]` over one layer's caches; answers the same shape."""
        return self._decode(query, keys, values, group) if self._single else self._prefill(query, keys, values, group)

    @staticmethod
    def _places(positions: Tensor, window: Window) -> Tensor:
        return torch.where(positions < window.sinks, positions, window.sinks + (positions - window.sinks) % window.ring)

    def _seen(self, positions: Tensor, length: int) -> Tensor:
        """Which of the first `length` places each of `positions` sees: `[tokens, length]`."""
        places = torch.arange(length, device=positions.device)[None]
        now, window = positions[:, None], self._window
        if window is None:
            return places <= now
        # What a place of the ring holds is the latest position up to `now` that falls on it.
        held = now - (now - places) % window.ring
        evicted = torch.where(now < window.limit, 0, ((now - window.limit) // window.block + 1) * window.block)
        in_ring = (held >= window.sinks + evicted) & (places >= window.sinks)
        return in_ring | ((places < window.sinks) & (places <= now))

    def _decode(self, query: Tensor, keys: Tensor, values: Tensor, group: int) -> Tensor:
        # The heads that share a key stand as queries of one head: keys are read once and never repeated.
        rows, heads, dim = query.shape
        near = self._near
        if self._run is not None:
            key, value = keys[self._run][:, :, near], values[self._run][:, :, near]
        else:
            key, value = (cache[:, :, near].index_select(0, self.slots) for cache in (keys, values))
        grouped = query.view(rows, heads // group, group, dim)
        return F.scaled_dot_product_attention(grouped, key, value, attn_mask=self._mask).reshape(rows, heads, dim)

    def _prefill(self, query: Tensor, keys: Tensor, values: Tensor, group: int) -> Tensor:
        out = torch.empty_like(query)
        at = 0
        for s in self._segments:
            end = min(s.start + s.count, self._length)
            part = query[at : at + s.count].transpose(0, 1)  # [heads, count, dim]
            grouped = part.reshape(1, -1, group * s.count, part.shape[-1])
            seen = self._seen(self.positions[at : at + s.count], end).repeat(group, 1)
            key, value = keys[s.slot : s.slot + 1, :, :end], values[s.slot : s.slot + 1, :, :end]
            done = F.scaled_dot_product_attention(grouped, key, value, attn_mask=seen)
            out[at : at + s.count] = done.view(-1, s.count, part.shape[-1]).transpose(0, 1)
            at += s.count
        return out
