"""The seam between turns and whatever writes their drafts: this generator's own engine, or a server elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, get_args

from services.generator.decoding.settings import DecodeSettings
from services.generator.engine.request import DraftListener, DraftRequest
from services.generator.engine.stats import EngineStats

if TYPE_CHECKING:
    from services.generator.engine.backend import Codec
    from services.models.adapter import Adapter
    from services.models.fusion import FusionHead

T = TypeVar("T")

Ability = Literal[
    "beams", "fusion", "json", "likelihoods", "masks", "partial_replies", "sampling", "scores", "seeds", "soft_tokens",
    "tools", "versions",
]  # fmt: skip
"""What an engine may be able to do beside writing a reply to a prompt. `json`: its reply is an object by a JSON Schema
where that is asked. `likelihoods`: it reads a finished text and answers how likely it is. `masks`: constraints hold
token by token. `partial_replies`: it goes on from a reply that is begun. `sampling`: it takes top_k, min_p and a
repetition penalty beside temperature and top_p. `scores`: it answers how likely what it writes is. `seeds`: a seed
makes a draw repeatable. `tools`: it calls a tool where one must be called. `versions`: it serves trained versions."""
ALL_ABILITIES: frozenset[Ability] = frozenset(get_args(Ability))


@dataclass(frozen=True, slots=True)
class VersionParts:
    """What an engine holds of a version: layers under `name`, which is None where the version changes none, and a head
    under its content hash."""

    name: str | None = None
    adapter: Adapter | None = None
    head_name: str | None = None
    head: FusionHead | None = None


class DraftEngine(Protocol):
    """Writes drafts. Every method may be called from any thread; listeners hear on the engine's one thread."""

    @property
    def codec(self) -> Codec:
        """Text to the ids of prompts and back."""
        ...

    @property
    def capacity(self) -> int:
        """Drafts written together at most."""
        ...

    @property
    def context_limit(self) -> int:
        """Most ids of prompt and reply together."""
        ...

    @property
    def proposes(self) -> bool:
        """Whether drafts may branch."""
        ...

    @property
    def abilities(self) -> frozenset[Ability]:
        """What this engine can do; the rest is withheld from drafts, and the manifest says so."""
        ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """Fields of the manifest that only the engine knows; empty where there are none."""
        ...

    @property
    def ready(self) -> bool:
        """Whether a draft submitted now is likely to be written."""
        ...

    def submit(self, request: DraftRequest, listener: DraftListener) -> None:
        """Take a draft in work. Raises EngineFull, EngineClosed, DuplicateKey, PromptTooLong, ValueError."""
        ...

    def cancel(self, key: str) -> bool:
        """End a draft, begun or not; its listener hears `on_finish` with `cancelled`. False: it is not open."""
        ...

    def fork(
        self, key: str, other: str, listener: DraftListener, settings: DecodeSettings | None = None
    ) -> Future[bool]:
        """Open another draft that goes on from an open one. False: that is not to be had."""
        ...

    def remember(self, tenant: str, session: str, version: str, history: tuple[int, ...]) -> None:
        """Compute an accepted history in idle time, where that is possible; a hint."""
        ...

    def forget(self, tenant: str, session: str) -> Future[None]:
        """Erase what is remembered of a session."""
        ...

    def between_steps(self, call: Callable[[], T]) -> Future[T]:
        """Run `call` on the engine's thread. Raises EngineClosed."""
        ...

    def hold(self, parts: VersionParts) -> None:
        """Serve a version from now on; returns when it is served. Raises UnknownVersion: this engine can't."""
        ...

    def release(self, parts: VersionParts) -> bool:
        """Let the named layers and the named head go. False: an open draft still uses the layers, or the head where
        only a head is named."""
        ...

    def stats(self) -> EngineStats:
        """Totals and gauges."""
        ...

    def close(self, drain: bool = True, timeout: float | None = None) -> bool:
        """Take no more drafts and end; answers whether all open ones ended by themselves."""
        ...
