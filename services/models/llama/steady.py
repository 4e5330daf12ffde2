"""Decoding at shapes that repeat, so that a GPU runs each pass as one recorded graph.

Eager decoding on a GPU waits for Python to launch some fifteen kernels a layer. Here the rows are filled up to a power
of two and the places looked at to a multiple of them; for each such shape the pass is recorded once as a CUDA graph
over buffers of its own and replayed from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from services.models.llama.plan import DecodePlan
from services.models.llama.slots import KeyValueSlots, Segment

log = logging.getLogger(__name__)
_SHORTEST = 256  # places; below it a shorter graph would save next to nothing

Pass = Callable[[Tensor, DecodePlan, KeyValueSlots], Tensor]
"""The decoder over inputs `[rows, hidden]`, answering normed outputs `[rows, hidden]`; reads and writes the slots."""


class SteadyDecoder:
    """The passes of one model over one memory, by their shapes."""

    def __init__(self, run: Pass, memory: KeyValueSlots) -> None:
        self._run = run
        self.memory = memory
        self._steps: dict[tuple[int, int, bool], _Step] = {}
        self._graphs = memory.keys.is_cuda
        self._pool: Any = None  # the graphs' memory: each may write over what the one before left

    def __call__(self, inputs: Tensor, segments: Sequence[Segment]) -> Tensor:
        """As `TorchLlama.hidden`, for segments of one token each of different slots."""
        memory, count = self.memory, len(segments)
        order = sorted(range(count), key=lambda at: segments[at].slot)
        whole = count == memory.slots  # every slot has a row: the caches are read where they lie
        rows = count if whole else bucket(count, 1)
        furthest = max(segment.start for segment in segments) + 1
        length = min(bucket(furthest, _SHORTEST), memory.length)
        padded = order + order[-1:] * (rows - count)  # the last again: it writes what it has written
        step = self._steps.get((rows, length, whole))
        if step is None:
            step = self._steps[rows, length, whole] = _Step(self._run, inputs, memory, rows, length, whole)
        step.load(inputs, [segments[at] for at in padded], padded)
        out = self._replayed(step) if self._graphs else step.compute()
        back = torch.tensor(sorted(range(count), key=order.__getitem__), device=out.device)
        return out.index_select(0, back)

    def _replayed(self, step: _Step) -> Tensor:
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        try:
            return step.replay(self._pool)
        except RuntimeError as reason:  # what a driver or library won't record still runs
            log.warning("decode passes are not recorded as graphs from now on: %s", reason)
            self._graphs = False
            return step.compute()


class _Step:
    """The pass at one shape, over buffers that stay where they are."""

    def __init__(self, run: Pass, like: Tensor, memory: KeyValueSlots, rows: int, length: int, whole: bool) -> None:
        self._run = run
        self._memory = memory
        self._length = length
        self._all = slice(0, rows) if whole else None
        self._inputs = like.new_zeros(rows, like.shape[1])
        self._where = torch.zeros(2, rows, dtype=torch.long, device=like.device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._out: Tensor | None = None

    def load(self, inputs: Tensor, segments: Sequence[Segment], order: Sequence[int]) -> None:
        """Put the rows `order` of `inputs`, and where the segments of those rows lie, into the buffers."""
        where = [[segment.slot for segment in segments], [segment.start for segment in segments], list(order)]
        found = torch.tensor(where).to(self._where.device)
        self._where.copy_(found[:2])
        torch.index_select(inputs, 0, found[2], out=self._inputs)

    def compute(self) -> Tensor:
        """The pass over the buffers, launched kernel by kernel."""
        slots, positions = self._where
        plan = DecodePlan(slots, positions, self._length, self._memory.window, self._all)
        return self._run(self._inputs, plan, self._memory)

    def replay(self, pool: Any) -> Tensor:
        """The same as one graph, recorded at the first call; recording writes to the slots what the pass writes."""
        if self._graph is None:
            here, aside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(here)
            with torch.cuda.stream(aside):
                self.compute()  # libraries set themselves up at their first call, which can't be recorded
            here.wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
                self._out = self.compute()
            self._graph = graph
            log.info("recorded the decoding of %d rows over %d places", len(self._inputs), self._length)
        self._graph.replay()
        assert self._out is not None
        return self._out


def bucket(count: int, least: int) -> int:
    """The least power of two times `least` that holds `count`."""
    found = least
    while found < count:
        found *= 2
    return found
