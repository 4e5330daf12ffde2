"""The slot engine: the own forward pass over sessions' slots, many rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from services.generator.backends.codec import TokenizerCodec
from services.generator.backends.sampling import choose
from services.generator.backends.session_memory import SessionMemory, Slot
from services.generator.backends.words import Vocabulary, row_processors
from services.generator.engine.errors import UnknownVersion
from services.generator.engine.request import TokenProcessor
from services.models.llama.shape import LlamaShape
from services.models.llama.slots import KeyValueSlots, Segment

if TYPE_CHECKING:
    from services.generator.engine.rows import Row

FusionHook = Callable[[Tensor, "Sequence[Row]"], Tensor]


class LlamaForward(Protocol):
    """What the slot engine needs of a forward pass; `services.models.llama.forward` explains the tensors."""

    shape: LlamaShape
    kernel: str
    dtype: torch.dtype
    device: str

    def embed(self, ids: Sequence[int]) -> Tensor: ...
    def hidden(self, inputs: Tensor, segments: Sequence[Segment], memory: KeyValueSlots) -> Tensor: ...
    def logits(self, hidden: Tensor) -> Tensor: ...


class _Open:
    """What the backend keeps of an open row."""

    __slots__ = ("adapter", "processors", "slot")

    def __init__(self, slot: Slot, adapter: int, processors: list[TokenProcessor]) -> None:
        self.slot = slot
        self.adapter = adapter
        self.processors = processors


class SlotBackend:
    """Computes rows over preallocated slots.

    `fusion` is the hook between decoder and output layer: it gets the normed output `[rows, hidden]` and the rows,
    and answers what the output layer sees; absent means identity, bit for bit.
    """

    def __init__(
        self,
        forward: LlamaForward,
        codec: TokenizerCodec,
        version: str,
        rows: int,
        context_limit: int,
        memory_bytes: int,
    ) -> None:
        self._forward = forward
        self._codec = codec
        self._store = KeyValueSlots(forward.shape, rows, context_limit, forward.dtype, forward.device)
        self._memory = SessionMemory(self._store, memory_bytes)
        self._rows = rows
        self._context_limit = context_limit
        self._versions = {version: 0}
        self._vocabulary: Vocabulary | None = None
        self.fusion: FusionHook | None = None

    @property
    def codec(self) -> TokenizerCodec:
        """The base model's tokenizer."""
        return self._codec

    @property
    def capacity(self) -> int:
        """Rows, one slot each."""
        return self._rows

    @property
    def context_limit(self) -> int:
        """Tokens a slot holds."""
        return self._context_limit

    @property
    def kernel(self) -> str:
        """The arithmetic, for manifests."""
        return self._forward.kernel

    @property
    def dtype(self) -> str:
        """Of keys and values, for manifests."""
        return str(self._forward.dtype).removeprefix("torch.")

    @property
    def hidden_size(self) -> int:
        """Width of what a fusion hook sees and a soft token is."""
        return self._forward.shape.hidden

    def admit(self, row: Row) -> bool:
        """Find the row's slot and what of its prompt that already holds."""
        request = row.request
        if request.version not in self._versions:
            raise UnknownVersion(f"model version {request.version} is not loaded")
        taken = self._memory.take((request.tenant, request.session, request.version), row.ids)
        if taken is None:
            return False
        slot, known = taken
        row.memory = _Open(slot, self._versions[request.version], row_processors(row, self._words, self._codec.end_ids))
        row.known = row.reused = known
        return True

    def prefill(self, rows: Sequence[Row], budget: int) -> int:
        """Compute the rows' next prompt tokens in one pass."""
        segments: list[Segment] = []
        ids: list[int] = []
        advanced: list[tuple[Row, int]] = []
        for row in rows:
            count = min(row.missing, budget - len(ids))
            if count <= 0:
                break
            open_row: _Open = row.memory
            segments.append(Segment(open_row.slot.index, row.known, count, open_row.adapter))
            ids += row.ids[row.known : row.known + count]
            advanced.append((row, count))
        if not ids:
            return 0
        inputs = self._inputs(ids, [row for row, count in advanced for _ in range(count)])
        self._forward.hidden(inputs, segments, self._store)
        for row, count in advanced:
            self._advance(row, count)
        return len(ids)

    def step(self, rows: Sequence[Row]) -> list[list[int]]:
        """Run each row's last token and choose its next."""
        segments = [Segment(row.memory.slot.index, row.known, 1, row.memory.adapter) for row in rows]
        inputs = self._inputs([row.ids[-1] for row in rows], rows)
        hidden = self._forward.hidden(inputs, segments, self._store)
        if self.fusion is not None:
            hidden = self.fusion(hidden, rows)
        logits = self._forward.logits(hidden)
        chosen = choose(logits, rows, lambda row: row.memory.processors, self._codec.end_ids)
        for row in rows:
            self._advance(row, 1)
        return [[token] for token in chosen]

    def release(self, row: Row, keep: bool) -> None:
        """Give the slot back, with what it holds when `keep`."""
        open_row: _Open = row.memory
        row.memory = None
        self._memory.give_back(open_row.slot, keep)

    def forget(self, tenant: str, session: str) -> None:
        """Erase the session's keys and values."""
        self._memory.forget(tenant, session)

    def figures(self) -> dict[str, float]:
        """Slots in work, sessions and bytes remembered, evictions so far."""
        return {
            "slots_open": float(self._memory.open_slots),
            "sessions_remembered": float(self._memory.remembered),
            "memory_bytes": float(self._memory.used_bytes),
            "evictions": float(self._memory.evictions),
        }

    def close(self) -> None:
        """Nothing outlives the object."""

    def _advance(self, row: Row, count: int) -> None:
        row.memory.slot.ids += row.ids[row.known : row.known + count]
        row.known += count

    def _inputs(self, ids: list[int], rows: Sequence[Row]) -> Tensor:
        inputs = self._forward.embed(ids)
        for at, (token, row) in enumerate(zip(ids, rows, strict=True)):
            if token < 0:
                inputs[at] = row.request.soft[token].to(inputs)
        return inputs

    def _words(self) -> Vocabulary:
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(self._codec)
        return self._vocabulary
