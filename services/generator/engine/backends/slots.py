"""The slot engine: the own forward pass over sessions' slots, many sequences at a time."""

from __future__ import annotations

import itertools
from collections import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor

from services.generator.decoding.token_processor import TokenProcessor
from services.generator.decoding.words import Vocabulary
from services.generator.engine.backends.codec import TokenizerCodec
from services.generator.engine.backends.fusion_heads import FusionHeads
from services.generator.engine.backends.processors import forked_processors, sequence_processors
from services.generator.engine.backends.session_kv_cache import SessionKVCache, Slot
from services.generator.engine.backends.token_choice import choose, read, scored
from services.generator.engine.errors import UnknownVersion
from services.models.llama.native.forward import NativeLlama
from services.models.llama.native.pairs import PackedPairs
from services.models.llama.shape import LlamaShape
from services.models.llama.slots import KeyValueSlots, Segment, Window

if TYPE_CHECKING:
    from services.generator.engine.sequence import Sequence
    from services.models.adapter import Adapter
    from services.models.fusion import FusionHead

ForwardOf = Callable[["Adapter"], "LlamaForward"]


class LlamaForward(Protocol):
    """What the slot engine needs of a forward pass; `services.models.llama.forward` explains the tensors."""

    shape: LlamaShape
    kernel: str
    dtype: torch.dtype
    device: str

    def embed(self, ids: abc.Sequence[int]) -> Tensor: ...
    def hidden(self, inputs: Tensor, segments: abc.Sequence[Segment], memory: KeyValueSlots) -> Tensor: ...
    def logits(self, hidden: Tensor) -> Tensor: ...
    def greatest(self, logits: Tensor) -> list[int]: ...


class _Open:
    """What the backend keeps of an open sequence."""

    __slots__ = ("adapter", "processors", "slot")

    def __init__(self, slot: Slot, adapter: int, processors: list[TokenProcessor]) -> None:
        self.slot = slot
        self.adapter = adapter
        self.processors = processors


class SlotBackend:
    """Computes sequences over preallocated slots.

    A further model version is its low-rank pairs beside the base model's weights: sequences of several versions share
    one pass. Where the forward pass can't do that (torch's), it is one of its own over merged weights, made by
    `forward_of`; sequences then take a pass for each version, and each version costs a copy of the layers' weights.

    With a `window` (tokens; 0: none) a sequence sees the first tokens and the latest ones, block by block, and its
    positions grow on to `context_limit`; see `services.models.llama.slots.Window`."""

    def __init__(
        self,
        forward: LlamaForward,
        codec: TokenizerCodec,
        version: str,
        capacity: int,
        context_limit: int,
        memory_bytes: int,
        forward_of: ForwardOf | None = None,
        window: int = 0,
    ) -> None:
        self._forward = forward
        self._forward_of = forward_of
        self._forwards: dict[int, LlamaForward] = {0: forward}
        self._users: dict[int, int] = {}
        self._numbers = itertools.count(1)
        self._codec = codec
        seen = Window.of(window) if 0 < window < context_limit else None
        self._store = KeyValueSlots(forward.shape, capacity, context_limit, forward.dtype, forward.device, seen)
        self._memory = SessionKVCache(self._store, memory_bytes)
        self._capacity = capacity
        self._context_limit = context_limit
        self._versions = {version: 0}
        self._vocabulary: Vocabulary | None = None
        self._heads = FusionHeads(forward.device, forward if isinstance(forward, NativeLlama) else None)

    @property
    def codec(self) -> TokenizerCodec:
        """The base model's tokenizer."""
        return self._codec

    @property
    def capacity(self) -> int:
        """Sequences, one slot each."""
        return self._capacity

    @property
    def context_limit(self) -> int:
        """Tokens of prompt and reply."""
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
    def shape(self) -> LlamaShape:
        """The model's sizes."""
        return self._forward.shape

    @property
    def hidden_size(self) -> int:
        """Width of what a fusion head sees and a soft token is."""
        return self._forward.shape.hidden

    @property
    def proposes(self) -> bool:
        """There are logits."""
        return True

    def admit(self, sequence: Sequence) -> bool:
        """Find the sequence's slot and what of its prompt that already holds."""
        request = sequence.request
        if request.version not in self._versions:
            raise UnknownVersion(f"model version {request.version} is not loaded")
        self._heads.check(sequence)
        unread = sequence.ids[: sequence.unread] if request.read else sequence.ids  # what is read must be computed
        taken = self._memory.take((request.tenant, request.session, request.version), unread)
        if taken is None:
            return False
        slot, known = taken
        adapter = self._versions[request.version]
        self._users[adapter] = self._users.get(adapter, 0) + 1
        sequence.memory = _Open(slot, adapter, sequence_processors(sequence, self._words, self._codec.end_ids))
        sequence.known = sequence.reused = known
        self._heads.open(sequence)
        return True

    def prefill(self, sequences: abc.Sequence[Sequence], budget: int) -> int:
        """Compute the sequences' next prompt tokens in one pass."""
        segments: list[Segment] = []
        ids: list[int] = []
        advanced: list[tuple[Sequence, int]] = []
        read_of: list[tuple[int, int]] = []  # which segments of the sequence are of a reply that is read
        for sequence in sequences:
            count = min(sequence.missing, budget - len(ids))
            if count <= 0:
                break
            open_row: _Open = sequence.memory
            if self._store.window is not None:
                count = min(count, self._store.window.reach(sequence.known))
            end = sequence.known + count
            apart = (
                max(sequence.known, sequence.unread - 1) if sequence.request.read else end
            )  # a state for each id from here on
            if apart > sequence.known:
                segments.append(
                    Segment(open_row.slot.index, sequence.known, min(apart, end) - sequence.known, open_row.adapter)
                )
            segments += [Segment(open_row.slot.index, at, 1, open_row.adapter) for at in range(apart, end)]
            ids += sequence.ids[sequence.known : end]
            read_of.append((len(segments) - max(0, end - apart), len(segments)))
            advanced.append((sequence, count))
        if not ids:
            return 0
        inputs = self._inputs(ids, [sequence for sequence, count in advanced for _ in range(count)])
        states = self._hidden(inputs, segments)
        for (sequence, count), (first, last) in zip(advanced, read_of, strict=True):
            if last > first:
                read(sequence, self._forward.logits(states[first:last]), sequence.known + count)
            self._advance(sequence, count)
        return len(ids)

    def step(self, sequences: abc.Sequence[Sequence]) -> list[list[int]]:
        """Run each sequence's last token and choose its next."""
        segments = [
            Segment(sequence.memory.slot.index, sequence.known, 1, sequence.memory.adapter) for sequence in sequences
        ]
        inputs = self._inputs([sequence.ids[-1] for sequence in sequences], sequences)
        unfused = self._hidden(inputs, segments)
        hidden = self._heads.fuse(unfused, sequences)
        fused = [i for i, sequence in enumerate(sequences) if sequence.request.fusion is not None and scored(sequence)]
        own = dict(zip(fused, self._forward.logits(unfused[fused]), strict=True)) if fused else {}
        logits = self._forward.logits(hidden)
        greatest = self._forward.greatest
        chosen = choose(
            logits, sequences, lambda sequence: sequence.memory.processors, self._codec.end_ids, greatest, own
        )
        for sequence in sequences:
            self._advance(sequence, 1)
        return [[] if sequence.branches else [token] for sequence, token in zip(sequences, chosen, strict=True)]

    def fork(self, sequence: Sequence, other: Sequence) -> bool:
        """Copy the sequence's slot for another sequence, or over the one that it has."""
        self._heads.check(other)
        source: _Open = sequence.memory
        held: _Open | None = other.memory
        if held is not None:
            slot: Slot | None = held.slot
            self._memory.follow(source.slot, held.slot, sequence.known)
            self._heads.close(other)
        else:
            slot = self._memory.fork(source.slot, sequence.known)
        if slot is None:
            return False
        self._users[source.adapter] += held is None
        processors = forked_processors(sequence, other, source.processors, self._words, self._codec.end_ids)
        other.memory = _Open(slot, source.adapter, processors)
        other.known = other.reused = len(slot.ids)
        self._heads.open(other)
        return True

    def release(self, sequence: Sequence, keep: bool) -> None:
        """Give the slot back, with what it holds when `keep`."""
        open_row: _Open = sequence.memory
        sequence.memory = None
        self._users[open_row.adapter] -= 1
        self._heads.close(sequence)
        self._memory.give_back(open_row.slot, keep)

    def forget(self, tenant: str, session: str) -> None:
        """Erase the session's keys and values."""
        self._memory.forget(tenant, session)

    def prepare_version(self, adapter: Adapter) -> LlamaForward | PackedPairs:
        """What serves the version: its pairs beside the base model's weights where the forward pass computes
        them, else a forward pass of its own with the pairs merged into the weights."""
        if isinstance(self._forward, NativeLlama):
            return self._forward.pack_adapter(adapter.pairs, adapter.rank)
        if self._forward_of is None:
            raise UnknownVersion("this backend was made for the base model alone")
        return self._forward_of(adapter)

    def load_version(self, version: str, prepared: object) -> None:
        """Serve sequences of `version` by what `prepare_version` made."""
        if version in self._versions:
            return
        number = next(self._numbers)
        if isinstance(prepared, PackedPairs) and isinstance(self._forward, NativeLlama):
            self._forward.add_adapter(number, prepared)
            self._forwards[number] = self._forward
        else:
            self._forwards[number] = cast("LlamaForward", prepared)
        self._versions[version] = number

    def unload_version(self, version: str) -> bool:
        """Drop the version and what is remembered under it, unless a sequence is open on it."""
        number = self._versions.get(version)
        if number is not None:
            if number == 0 or self._users.get(number, 0):
                return False
            if self._forwards[number] is self._forward and isinstance(self._forward, NativeLlama):
                self._forward.remove_adapter(number)
            del self._versions[version], self._forwards[number]
            self._memory.forget_version(version)
        return True

    def load_head(self, name: str, head: FusionHead) -> None:
        """Serve sequences that name the head by it."""
        self._heads.load(name, head)

    def unload_head(self, name: str) -> bool:
        """Drop the head, unless a sequence is open on it."""
        return self._heads.unload(name)

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

    def _hidden(self, inputs: Tensor, segments: abc.Sequence[Segment]) -> Tensor:
        """One pass for each forward pass among the segments; the answer's sequences are in the segments' order."""
        if all(segment.adapter == segments[0].adapter for segment in segments):
            return self._forwards[segments[0].adapter].hidden(inputs, segments, self._store)
        starts = list(itertools.accumulate((segment.count for segment in segments), initial=0))
        groups: dict[int, list[int]] = {}  # segments of one adapter side by side: they share its loads
        for at in sorted(range(len(segments)), key=lambda at: segments[at].adapter):
            groups.setdefault(id(self._forwards[segments[at].adapter]), []).append(at)
        parts = []
        for mine in groups.values():
            forward = self._forwards[segments[mine[0]].adapter]
            tokens = [token for at in mine for token in range(starts[at], starts[at] + segments[at].count)]
            parts.append(forward.hidden(inputs[tokens], [segments[at] for at in mine], self._store))
        order = [at for mine in groups.values() for at in mine]
        return torch.cat(parts)[torch.tensor(order, device=inputs.device).argsort()]

    def _advance(self, sequence: Sequence, count: int) -> None:
        sequence.memory.slot.advance(sequence.ids[sequence.known : sequence.known + count])
        sequence.known += count

    def _inputs(self, ids: list[int], sequences: abc.Sequence[Sequence]) -> Tensor:
        inputs = self._forward.embed(ids)
        for at, (token, sequence) in enumerate(zip(ids, sequences, strict=True)):
            if (vector := sequence.request.soft.get(token)) is not None:
                inputs[at] = vector.to(inputs)
        return inputs

    def _words(self) -> Vocabulary:
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(self._codec)
        return self._vocabulary
