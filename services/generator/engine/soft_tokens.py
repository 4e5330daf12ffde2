"""Soft tokens: input embeddings that stand in a prompt where a token id would."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def soft_tokens(version: str, vectors: Tensor) -> tuple[tuple[int, ...], dict[int, Tensor]]:
    """Ids for `vectors: [n, hidden_size]`, to be put into a tail, and the mapping that `DraftRequest.soft` wants.

    The ids are negative and made from the version's and the vector's hash: the same vector has the same id, and a
    session's memory that was computed with another one never matches.
    """
    vector_of: dict[int, Tensor] = {}
    ids = []
    for vector in vectors.detach().float().cpu():
        digest = hashlib.sha256(version.encode() + b"\0" + vector.numpy().tobytes()).digest()
        ids.append(-1 - int.from_bytes(digest[:7], "little"))
        vector_of[ids[-1]] = vector
    return tuple(ids), vector_of
