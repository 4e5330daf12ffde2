"""Nearest vectors behind one interface: exact below a size, a usearch graph above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from usearch.index import Index

Vectors = npt.NDArray[np.float32]


class VectorIndex(Protocol):
    """Unit vectors by row number. One writer; searches under the same lock as the writes."""

    def __len__(self) -> int: ...

    def __contains__(self, row: int) -> bool: ...

    def add(self, rows: list[int], vectors: Vectors) -> None:
        """Adds unit vectors [len(rows), dimensions]; a row is added once."""

    def remove(self, row: int) -> None:
        """Takes a row out; unknown rows are passed over."""

    def similar(self, rows: Sequence[int], vector: Vectors) -> dict[int, float]:
        """The cosine of those rows that have a vector."""

    def search(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """The nearest rows with their cosine, best first."""


class ExactVectors:
    """Every vector in one block, compared with every query. Exact, and fast enough to about 100,000."""

    def __init__(self, dimensions: int) -> None:
        self._block: Vectors = np.zeros((256, dimensions), np.float32)
        self._rows: npt.NDArray[np.int64] = np.zeros(256, np.int64)
        self._place: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._place)

    def __contains__(self, row: int) -> bool:
        return row in self._place

    def add(self, rows: list[int], vectors: Vectors) -> None:
        count = len(self._place)
        needed = count + len(rows)
        if needed > len(self._block):
            size = max(needed, 2 * len(self._block))
            block = np.zeros((size, self._block.shape[1]), np.float32)
            block[:count] = self._block[:count]
            self._block = block
            self._rows = np.concatenate([self._rows, np.zeros(size - len(self._rows), np.int64)])
        for row, vector in zip(rows, vectors, strict=True):
            place = len(self._place)
            self._block[place] = vector
            self._rows[place] = row
            self._place[row] = place

    def remove(self, row: int) -> None:
        place = self._place.pop(row, None)
        if place is None:
            return
        last = len(self._place)
        if place != last:
            self._block[place] = self._block[last]
            self._rows[place] = self._rows[last]
            self._place[int(self._rows[place])] = place

    def similar(self, rows: Sequence[int], vector: Vectors) -> dict[int, float]:
        known = [row for row in rows if row in self._place]
        cosines = self._block[[self._place[row] for row in known]] @ vector
        return {row: float(cosine) for row, cosine in zip(known, cosines, strict=True)}

    def search(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        count = len(self._place)
        if not count:
            return []
        import torch  # here: an index without vectors needs none

        # torch keeps to the process's number of threads; a product of numpy would wake every core for each query
        similar = torch.mv(torch.from_numpy(self._block[:count]), torch.from_numpy(vector)).numpy()
        limit = min(limit, count)
        places = np.argpartition(-similar, limit - 1)[:limit]
        places = places[np.argsort(-similar[places], kind="stable")]
        return [(int(self._rows[place]), float(similar[place])) for place in places]

    def items(self) -> tuple[list[int], Vectors]:
        """All rows with their vectors [rows, dimensions]."""
        count = len(self._place)
        return [int(row) for row in self._rows[:count]], self._block[:count]


class GraphVectors:
    """A usearch HNSW graph in half precision. One writer: concurrent adds strand nodes (usearch #772)."""

    def __init__(self, dimensions: int, expansion: int = 160) -> None:
        self._index = Index(
            ndim=dimensions, metric="cos", dtype="f16", connectivity=16, expansion_add=128, expansion_search=expansion
        )

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, row: int) -> bool:
        return row in self._index

    def add(self, rows: list[int], vectors: Vectors) -> None:
        self._index.add(np.asarray(rows, np.uint64), vectors, threads=1)

    def remove(self, row: int) -> None:
        if row in self._index:
            self._index.remove(row)

    def similar(self, rows: Sequence[int], vector: Vectors) -> dict[int, float]:
        known = [row for row in rows if row in self._index]
        if not known:
            return {}
        block = np.asarray(self._index.get(np.asarray(known, np.uint64)), np.float32)
        return {row: float(cosine) for row, cosine in zip(known, block @ vector, strict=True)}

    def search(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        if not len(self._index):
            return []
        found = self._index.search(vector, limit, threads=1)
        return [(int(key), 1.0 - float(distance)) for key, distance in zip(found.keys, found.distances, strict=True)]

    def dump(self) -> bytes:
        """The graph as bytes."""
        return bytes(self._index.save() or b"")

    @classmethod
    def of_dump(cls, dimensions: int, data: bytes) -> GraphVectors:
        """The graph that was dumped."""
        made = cls(dimensions)
        made._index.load(data)
        return made
