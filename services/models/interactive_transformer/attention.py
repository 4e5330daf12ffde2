"""Self-attention over memory and segment, with relative positions and an optional window."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.cache_utils import Cache

from services.models.interactive_transformer.config import InteractiveTransformerConfig
from services.models.interactive_transformer.memory import SegmentMemory
from services.models.interactive_transformer.positions import relative_shift


class SegmentAttention(nn.Module):
    """h~ = SelfAttention(h_{s,<=t}, h_{s-1,<=m}): queries from the segment, keys from memory and segment.

    Transformer-XL (Dai et al. 2019), section 3.2 for the memory and section 3.3 for the relative scores

        A_ij = q_i.k_j + q_i.r_{i-j} + u.k_j + w.r_{i-j},   q = W_q h, k = W_kE [SG(m); h], r = W_kR R,

    with u and w (the paper's u and v) learned per head; with absolute positions only q_i.k_j remains (Vaswani
    et al. 2017, equation 1). Scores are divided by sqrt(head_size).
    """

    def __init__(self, config: InteractiveTransformerConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.head_size = config.hidden_size // config.num_attention_heads
        self.scale = 1.0 / math.sqrt(self.head_size)
        self.dropout = config.dropout
        self.query = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.key_value = nn.Linear(config.hidden_size, 2 * config.hidden_size, bias=False)
        self.output = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.relative = config.positions == "relative"
        if self.relative:
            self.distance = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
            self.content_bias = nn.Parameter(torch.zeros(self.heads, 1, self.head_size))
            self.distance_bias = nn.Parameter(torch.zeros(self.heads, 1, self.head_size))

    def forward(
        self, hidden: Tensor, mask: Tensor, distances: Tensor | None, memory: Cache | None, depth: int
    ) -> Tensor:
        """hidden [batch, segment, hidden] -> the same shape.

        mask: [batch or 1, 1, segment, keys], added to the scores (0 or the dtype's minimum). distances: sinusoids
        of the distances keys-1 ... 0, [keys, hidden], with relative positions. memory: what layer `depth` keeps
        of earlier segments; it is extended by this one.
        """
        queries = self._split(self.query(hidden))
        keys, values = self._remember(hidden, memory, depth, mask.shape[-1])
        if distances is None:
            scores = queries @ keys.transpose(-1, -2)
        else:
            by_distance = self._split(self.distance(distances)[None])
            scores = (queries + self.content_bias) @ keys.transpose(-1, -2)
            scores = scores + relative_shift((queries + self.distance_bias) @ by_distance.transpose(-1, -2))
        weights = torch.softmax(scores * self.scale + mask, dim=-1)
        weights = functional.dropout(weights, self.dropout, self.training)
        batch, segment, size = hidden.shape
        return torch.as_tensor(self.output((weights @ values).transpose(1, 2).reshape(batch, segment, size)))

    def _remember(self, hidden: Tensor, memory: Cache | None, depth: int, keys: int) -> tuple[Tensor, Tensor]:
        """Keys and values of memory and segment, [batch, heads, keys, head_size] each."""
        if isinstance(memory, SegmentMemory) and memory.keep == "states":
            hidden = memory.by_depth[depth].extend(hidden)
        key, value = (self._split(part) for part in self.key_value(hidden).chunk(2, dim=-1))
        if memory is not None and not (isinstance(memory, SegmentMemory) and memory.keep == "states"):
            key, value = memory.update(key, value, depth)
        return key[..., :keys, :], value[..., :keys, :]  # a preallocated cache returns rows not yet written, too

    def _split(self, states: Tensor) -> Tensor:
        """[batch, length, hidden] -> [batch, heads, length, head_size]."""
        batch, length, _ = states.shape
        return states.view(batch, length, self.heads, self.head_size).transpose(1, 2)


def segment_mask(
    segment: int, keys: int, window: int, given: Tensor | None, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """What each token of a segment may look at: [batch or 1, 1, segment, keys], 0 where it may.

    The segment's tokens are the last `segment` of the `keys`; each sees itself, all keys before it, and with
    `window` > 0 only the last `window` of those. given: the caller's padding mask [batch, tokens] (1: real), of
    which the last `keys` columns count (missing ones on the left are memory, hence real), or a mask
    [batch, 1, segment, keys], bool or additive.
    """
    distance = (torch.arange(segment, device=device)[:, None] + keys - segment) - torch.arange(keys, device=device)
    allowed = distance >= 0
    if window:
        allowed &= distance < window
    allowed = allowed[None, None]
    least = torch.finfo(dtype).min
    if given is not None and given.ndim == 4:
        given = given[..., :keys]  # a preallocated cache's mask goes on past the last key written
        seen = given if given.dtype == torch.bool else given >= 0
        allowed = allowed & seen
    elif given is not None:
        real = functional.pad(given[:, -keys:].bool(), (max(keys - given.shape[1], 0), 0), value=True)
        allowed = allowed & real[:, None, None, :]
    # A padded query sees nothing; letting it see itself keeps its softmax finite without touching any real token.
    allowed = allowed | (distance == 0)[None, None]
    return torch.zeros(allowed.shape, dtype=dtype, device=device).masked_fill_(~allowed, least)
