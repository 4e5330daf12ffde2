"""Positions: Vaswani's sinusoids, and the shift that lays Transformer-XL's relative ones along the keys."""

from __future__ import annotations

import torch
from torch import Tensor


def sinusoids(positions: Tensor, size: int) -> Tensor:
    """Sinusoidal encodings of `positions` (any real numbers, shape [n]): [n, size], float32.

    Vaswani et al. 2017, section 3.5: PE(p, 2i) = sin(p / 10000^(2i/size)), PE(p, 2i+1) = cos(same). The sines are
    laid before the cosines instead of between them, as Transformer-XL's own code does: a fixed permutation of
    the columns, which the learned projections after it absorb.
    """
    frequencies = 1.0 / (10000.0 ** (torch.arange(0, size, 2, device=positions.device).float() / size))
    angles = positions.float()[:, None] * frequencies[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def relative_sinusoids(keys: int, size: int, device: torch.device) -> Tensor:
    """R of Transformer-XL (Dai et al. 2019, section 3.3) for distances keys-1, ..., 1, 0: [keys, size]."""
    return sinusoids(torch.arange(keys - 1, -1, -1, device=device), size)


def relative_shift(scores: Tensor) -> Tensor:
    """Move each query's row so that column j holds the score of the distance from the query to key j.

    Transformer-XL, appendix B. `scores`: [..., queries, keys], row i multiplied with the encodings of distances
    keys-1 ... 0 in that order. The last query sits at the last key, so that row i must move left by
    queries-1-i; padding one column and reading the same numbers in rows one shorter does it for all rows at once,
    in O(queries x keys) instead of one encoding per pair. What comes in from the right (keys after the query)
    has no meaning and must be masked.
    """
    *batch, queries, keys = scores.shape
    padded = torch.cat([scores.new_zeros(*batch, queries, 1), scores], dim=-1)
    return padded.view(*batch, keys + 1, queries)[..., 1:, :].reshape(*batch, queries, keys)
