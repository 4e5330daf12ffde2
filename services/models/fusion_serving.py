"""A fusion head as it is served: what a row's sources come to is kept from token to token, and all sources take part in
two products.

A source's W_s v_s changes only when its vector does, which is seldom; a vector's late entries, those that change with
every token, stand beside n(h) as further inputs of the first product. Gates are applied before U, so that the second
product sums the sources::

    h' = h + [m_1 γ_1 tanh(z_1), m_2 γ_2 tanh(z_2), …] · [U_1, U_2, …]ᵀ
    z_s = W_s^h n(h) + W_s^late l + (W_s v_s + b_s)

The same numbers as `FusionHead.fuse` but for the order of sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from services.models.fusion import FusionHead

Product = Callable[[Tensor], Tensor]
"""`[n, k]` fp32 to `[n, m]`."""
Gated = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""`h': [n, H]` of `h: [n, H]`, `late: [n, L]`, `told: [n, inner + marks]` and `marks: [n, marks]`, all fp32."""
LANES = 32
"""Widths are multiples of this, so that elementwise operations treat every row alike, too."""


class Kernels(Protocol):
    """What computes heads. Every row is computed by the same operations whatever stands beside it."""

    def product(self, weight: Tensor) -> Product:
        """The product with a weight `[m, k]`; k and m are multiples of 32."""
        ...

    def gated(self, first: Tensor, back: Tensor, owners: Tensor) -> Gated:
        """The gated formula with the weights `first: [inner + marks, inputs]`, whose last rows are the gates', and
        `back: [H, inner]` (both padded); `owners: [inner]` is each inner channel's gate."""
        ...


class ServedHead:
    """One head's products. `width` is the size of what is kept of a row's sources, `marks` that of what says which of
    them are present, `late` how many late entries its sources have together."""

    def __init__(self, head: FusionHead, kernels: Kernels, device: str = "cpu") -> None:
        self._literal = head.config.mode == "literal"
        hidden, sources = head.config.hidden_size, head.config.sources
        self.hidden = hidden
        self._lates = [(one.name, head.late[one.name]) for one in sources if head.late.get(one.name)]
        self.late = sum(count for _, count in self._lates)
        self.names = tuple(one.name for one in sources)
        self._inner = _padded(sum(one.inner if not self._literal else hidden for one in sources))
        self.marks = _padded(len(sources))
        self.width = self._inner + self.marks
        first = torch.zeros(self.width, _padded(hidden + self.late))
        back = torch.zeros(_padded(hidden), self._inner)
        bias = torch.zeros(self.width)
        self._spans: list[slice] = []
        self._sizes = [_padded(one.size) for one in sources]
        self._told: list[Product] = []
        begin, late_at = 0, hidden
        for n, one in enumerate(sources):
            part = head.sources[one.name]
            state, vector = cast(nn.Linear, part.state), cast(nn.Linear, part.vector)
            span = slice(begin, begin := begin + state.out_features)
            self._spans.append(span)
            first[span, :hidden], bias[span] = state.weight, state.bias
            rows = [vector.weight]
            if not self._literal:
                gate = cast(nn.Linear, part.gate)
                first[self._inner + n, :hidden], bias[self._inner + n] = gate.weight[0, :hidden], gate.bias[0]
                rows.append(gate.weight[:, hidden:])
                back[:hidden, span] = cast(nn.Linear, part.back).weight
            weight = torch.cat(rows)
            if late := head.late.get(one.name, 0):
                first[span, late_at : late_at + late] = weight[: state.out_features, -late:]
                if not self._literal:
                    first[self._inner + n, late_at : late_at + late] = weight[-1, -late:]
                weight = torch.cat([weight[:, :-late], torch.zeros(len(weight), late)], 1)
                late_at += late
            shape = (0, self._sizes[n] - one.size, 0, _padded(len(weight)) - len(weight))
            self._told.append(kernels.product(F.pad(weight, shape)))
        self._device, self._bias = device, bias.to(device)
        if self._literal:
            self._mixed = _literal(kernels.product(first), hidden)
        else:
            owners = torch.zeros(self._inner, dtype=torch.long)
            for at, span in enumerate(self._spans):
                owners[span] = at
            self._mixed = kernels.gated(first, back, owners)

    def nothing(self) -> tuple[Tensor, Tensor]:
        """What is kept of a row without sources: (`[width]`, `[marks]`)."""
        return self._bias.clone(), torch.zeros(self.marks, device=self._device)

    def late_of(self, vectors: Mapping[str, Tensor]) -> list[float]:
        """The late entries of vectors `[D]` that are whole."""
        return [
            entry
            for name, count in self._lates
            for entry in (vectors[name][-count:].tolist() if name in vectors else [0.0] * count)
        ]

    def come_to(self, source: int, vectors: Sequence[Tensor]) -> Tensor:
        """What a source's vectors `[D]` come to inside the head, `[n, …]`; entries that come late count for nothing."""
        given = torch.zeros(len(vectors), self._sizes[source])
        for row, vector in zip(given, vectors, strict=True):
            row[: len(vector)] = vector
        return self._told[source](given.to(self._device))

    def keep(self, source: int, found: Tensor, told: Tensor, marks: Tensor) -> None:
        """Bring what is kept of a row up to a source's new vector, which came to `found`."""
        span, at = self._spans[source], self._inner + source
        size = span.stop - span.start
        torch.add(found[:size], self._bias[span], out=told[span])
        if not self._literal:
            told[at] = found[size] + self._bias[at]
        marks[source] = 1.0

    def fuse(self, hidden: Tensor, late: Tensor, told: Tensor, marks: Tensor) -> Tensor:
        """What the output layer sees of `hidden: [n, H]` fp32, with the rows' late entries `[n, late]` and what is kept
        of them, `told: [n, width]` and `marks: [n, marks]`."""
        return self._mixed(hidden, late, told, marks)


def _literal(first: Product, size: int) -> Gated:
    """tanh(W_h h + W_f v + b) where the one source is present."""

    def fuse(hidden: Tensor, late: Tensor, told: Tensor, marks: Tensor) -> Tensor:
        inputs = F.pad(torch.cat([hidden, late], 1), (0, -(size + late.shape[1]) % LANES))
        mixed = torch.tanh((first(inputs) + told)[:, :size])
        return torch.where(marks[:, :1] > 0, mixed, hidden)

    return fuse


def _padded(size: int) -> int:
    return -(-size // LANES) * LANES


class TorchKernels:
    """Torch's products, which round by their size: always of the same number of rows."""

    def __init__(self, rows: int, device: str = "cpu") -> None:
        self._rows = rows
        self._device = device

    def product(self, weight: Tensor) -> Product:
        """As `Kernels` says."""
        turned = weight.float().t().contiguous().to(self._device)

        def product(x: Tensor) -> Tensor:
            if len(x) == self._rows:
                return x @ turned
            blocks = torch.split(F.pad(x, (0, 0, 0, -len(x) % self._rows)), self._rows)
            return torch.cat([block @ turned for block in blocks])[: len(x)]

        return product

    def gated(self, first: Tensor, back: Tensor, owners: Tensor) -> Gated:
        """As `Kernels` says."""
        mix, unmix, size = self.product(first), self.product(back), back.shape[1]
        owned = owners.to(self._device)

        def fuse(hidden: Tensor, late: Tensor, told: Tensor, marks: Tensor) -> Tensor:
            width = hidden.shape[1]
            normed = torch.cat([F.rms_norm(hidden, (width,)), late], 1)
            mixed = mix(F.pad(normed, (0, first.shape[1] - normed.shape[1]))) + told
            gates = mixed[:, size:].sigmoid() * marks
            return hidden + unmix(mixed[:, :size].tanh() * gates[:, owned])[:, :width]

        return fuse
