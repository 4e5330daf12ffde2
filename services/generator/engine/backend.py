"""The contract between the engine and whatever computes tokens."""

from __future__ import annotations

from collections import abc
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.generator.engine.sequence import Sequence
    from services.models.adapter import Adapter
    from services.models.fusion import FusionHead


class Codec(Protocol):
    """Text to token ids and back, for one base model."""

    @property
    def end_ids(self) -> frozenset[int]:
        """Ids that end a reply (the template's end of message, the end of text)."""
        ...

    @property
    def digest(self) -> str:
        """A content hash of tokenizer and template, for manifests."""
        ...

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`; the template's markers in it become their special ids, nothing is added."""
        ...

    def decode(self, ids: abc.Sequence[int]) -> str:
        """Text of `ids`, special ids left out, broken code points as U+FFFD."""
        ...

    def token_bytes(self, token: int) -> bytes | None:
        """UTF-8 bytes the token adds wherever it stands (empty for special ids); None if that depends on
        its neighbours, which makes the engine decode with context."""
        ...


class Backend(Protocol):
    """Computes tokens for sequences. Only the engine thread calls it; nothing here is thread-safe.

    The engine admits a sequence, calls `prefill` until the sequence is ready, then `step` until the draft ends, then
    `release`. `tests/unit/generator/engine/test_backend_contract.py` holds what every backend must keep:
    a sequence's tokens don't depend on its company, on how its prompt was chunked, or on what was remembered.
    """

    @property
    def codec(self) -> Codec:
        """The base model's codec."""
        ...

    @property
    def capacity(self) -> int:
        """Rows that can be open at the same time."""
        ...

    @property
    def context_limit(self) -> int:
        """Most tokens of prompt and reply together."""
        ...

    @property
    def proposes(self) -> bool:
        """Whether a draft may branch: the sequences of one that does say what may follow."""
        ...

    def admit(self, sequence: Sequence) -> bool:
        """Give the sequence memory, setting its `known` and `reused` to the prompt tokens already computed (at most
        all but the last). False: no memory is free just now.

        Raises:
            UnknownVersion: the sequence's version is not loaded.
            UnknownHead: the sequence's fusion head is not loaded.
        """
        ...

    def prefill(self, sequences: abc.Sequence[Sequence], budget: int) -> int:
        """Compute at most `budget` further prompt tokens, sharing them over `sequences` (none ready yet) and
        raising their `known`; answers how many. The prompt's last token is left to `step`."""
        ...

    def step(self, sequences: abc.Sequence[Sequence]) -> list[list[int]]:
        """Compute what stands after each sequence's last id and sample the next: one or more new ids a sequence, in
        order. The engine appends them. All sequences are ready. A sequence of a draft that branches gets no ids but
        `proposed`."""
        ...

    def fork(self, sequence: Sequence, other: Sequence) -> bool:
        """Give `other`, a sequence of the same version whose ids begin with what `sequence` has computed, a copy of the
        memory of `sequence`, in place of its own where it has one, setting its `known` and `reused`. Under the same
        settings its processors go on where those of `sequence` are. False: no memory is free just now.

        Raises:
            UnknownHead: the other sequence's fusion head is not loaded.
        """
        ...

    def release(self, sequence: Sequence, keep: bool) -> None:
        """Take the sequence's memory back; `keep`: remember it for the session's next turn."""
        ...

    def forget(self, tenant: str, session: str) -> None:
        """Erase what is remembered of the session, in all versions."""
        ...

    def prepare_version(self, adapter: Adapter) -> object:
        """Compute what `load_version` needs of a model version. The slow part, and the one method that any thread
        may call while the engine works."""
        ...

    def load_version(self, version: str, prepared: object) -> None:
        """Hold another model version: sequences that name it are computed with it from then on."""
        ...

    def unload_version(self, version: str) -> bool:
        """Let a version go with what is remembered under it; False while an open sequence still uses it."""
        ...

    def load_head(self, name: str, head: FusionHead) -> None:
        """Hold a fusion head under its content hash: sequences that name it are fused by it from then on."""
        ...

    def unload_head(self, name: str) -> bool:
        """Let a fusion head go; False while an open sequence still uses it."""
        ...

    def figures(self) -> dict[str, float]:
        """Gauges of the backend: memory in use, sessions remembered, evictions."""
        ...

    def close(self) -> None:
        """Free everything."""
        ...
