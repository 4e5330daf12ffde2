"""The memory: what segment-level recurrence carries from one segment to the next, as a transformers cache."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

Keep = Literal["projections", "states"]


class MemoryLayer(CacheLayerMixin):
    """One layer's memory: at most `length` past tokens, without gradient.

    Either the layer's inputs `states` [batch, held, hidden] (Transformer-XL's form, from which keys and values are
    projected anew, so that those projections learn from the memory too), or the projected `keys` and `values`
    [batch, heads, held, head_size] (the same numbers, cheaper while the weights stand still). Positions are
    relative to the query, so what is kept never has to be recomputed when the text moves on.
    """

    is_compileable = False
    is_croppable = True
    is_sliding = False

    def __init__(self, length: int, needed: int | None = None) -> None:
        """needed: tokens a next segment can look at (None: all that is kept)."""
        super().__init__()
        self.length = length
        self.needed = needed
        self.seen = 0
        self.states: Tensor | None = None

    @property
    def held(self) -> int:
        """Tokens kept at the moment."""
        kept = self.states if self.states is not None else self.keys
        return 0 if kept is None else int(kept.shape[-2])

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Part of the cache interface; the first update sets everything there is to set."""
        self.dtype, self.device, self.is_initialized = key_states.dtype, key_states.device, True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Memory and segment as one: [batch, heads, held + segment, head_size] each; keeps the last `length`."""
        self.lazy_initialization(key_states, value_states)
        self.seen += key_states.shape[-2]
        if self.keys is not None and self.values is not None:
            key_states = torch.cat([self.keys, key_states], dim=-2)
            value_states = torch.cat([self.values, value_states], dim=-2)
        first = max(key_states.shape[-2] - self.length, 0)
        self.keys, self.values = key_states[..., first:, :].detach(), value_states[..., first:, :].detach()
        return key_states, value_states

    def extend(self, hidden: Tensor) -> Tensor:
        """[SG(memory) ; hidden] of Transformer-XL, section 3.2, first equation: [batch, held + segment, hidden].

        SG is stop-gradient. Keeps the last `length` states of it for the next segment.
        """
        self.seen += hidden.shape[1]
        context = hidden if self.states is None else torch.cat([self.states, hidden], dim=1)
        self.states = context[:, max(context.shape[1] - self.length, 0) :].detach()
        return context

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """(keys the next update will return, absolute position of the first of them)."""
        return self.held + query_length, self.seen - self.held

    def get_seq_length(self) -> int:
        """Tokens seen so far, also those no longer held."""
        return self.seen

    def get_max_length(self) -> int:
        """No maximum: text of any length may pass through."""
        return -1

    def reset(self) -> None:
        """Forget everything."""
        self.keys = self.values = self.states = None
        self.seen, self.is_initialized = 0, False

    def crop(self, tokens_to_remove: int) -> None:
        """Take back the last |tokens_to_remove| tokens.

        Raises ValueError where they have pushed out of the memory what the tokens before them looked at: going
        on from there would give other results than reading the shortened text.
        """
        count = abs(tokens_to_remove)
        complete = self.seen == self.held or (self.needed is not None and self.held - count >= self.needed)
        if count > self.held or not complete:
            raise ValueError(f"cannot take back {count} of {self.seen} tokens: {self.held} are held")
        end = self.held - count
        self.seen -= count
        self._each(lambda kept: kept[..., :end, :])

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Rows in the order of `beam_idx` [rows]: beam search, or a batch put together anew."""
        self._each(lambda kept: kept.index_select(0, beam_idx.to(kept.device)))

    batch_select_indices = reorder_cache

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Each row `repeats` times."""
        self._each(lambda kept: kept.repeat_interleave(repeats, dim=0))

    def _each(self, change: Any) -> None:
        for name in ("keys", "values", "states"):
            if (kept := getattr(self, name)) is not None:
                setattr(self, name, change(kept))


class SegmentMemory(Cache):
    """m states per layer from the segments before (Transformer-XL, section 3.2), carried as `past_key_values`.

    keep: "states" for training, the paper's form; "projections" (default) for evaluation and generation, the same
    results with each token projected once. One memory belongs to one batch of texts read in order.
    """

    def __init__(self, layers: int, length: int, keep: Keep = "projections", needed: int | None = None) -> None:
        """`length` tokens are kept, of which a next segment can look at `needed` (None: at all)."""
        self.by_depth = [MemoryLayer(length, needed) for _ in range(layers)]
        super().__init__(layers=[*self.by_depth])
        self.keep: Keep = keep

    @property
    def held(self) -> int:
        """Tokens kept at the moment, the same in every layer."""
        return int(self.by_depth[0].held)

    @property
    def bytes(self) -> int:
        """Memory that the kept tensors take, in bytes."""
        kept = (t for layer in self.by_depth for t in (layer.keys, layer.values, layer.states) if t is not None)
        return sum(t.numel() * t.element_size() for t in kept)

    def shorten(self, length: int) -> None:
        """Keep `length` tokens from now on (evaluation at another memory length than training's)."""
        for layer in self.by_depth:
            layer.length = length
            if layer.held > length:
                first = layer.held - length
                layer._each(lambda kept, first=first: kept[..., first:, :])
