"""Keeps a draft a call of a tool, its arguments valid by the tool's schema; or leaves it to speak, where it may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from services.generator.decoding.token_processor import TokenProcessor
from services.generator.decoding.words import BAN, ForbidWords, Vocabulary, only

if TYPE_CHECKING:
    from torch import Tensor

    from services.common.tools.grammar import Completions

_LATE = 64  # tokens before the limit from which on the way to the end is looked for
_SPARE = 16  # tokens beside twice the way to the end, so that what a token opens can still be closed
_BYTES = 6  # that the way to the end may have for each token that is left


@dataclass(frozen=True, slots=True)
class CallableTools:
    """The tools that a draft may call, each (name, parameters, strict) as for `services.common.tools.grammar`, and
    whether one must be called. `descriptions` are theirs, in that order, for a server that words its prompt itself."""

    tools: tuple[tuple[str, str, bool], ...]
    required: bool
    descriptions: tuple[str, ...] = field(default=(), compare=False)

    @property
    def grammar(self) -> str:
        """The grammar of a call."""
        return _grammar(self.tools)


@lru_cache(maxsize=64)
def _grammar(tools: tuple[tuple[str, str, bool], ...]) -> str:
    from services.common.tools.grammar import call_grammar

    return call_grammar([dict(zip(("name", "parameters", "strict"), tool, strict=True)) for tool in tools])


class ToolCallText:
    """Of the next tokens those that go on with the call are left; the call is brought to its end before the limit.

    Where no tool must be called, the first token decides: one that begins a call makes the draft one, after any other
    the `spoken` processors have it, and it begins none later.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        tools: CallableTools,
        end_ids: frozenset[int],
        limit: int,
        spoken: Sequence[TokenProcessor],
    ) -> None:
        self._vocabulary = vocabulary
        self._grammar = tools.grammar
        self._matcher = vocabulary.guide(self._grammar, min(end_ids))
        self._ends = list(end_ids)
        self._limit = limit
        self._spoken = list(spoken)
        self._no_call = ForbidWords(vocabulary, ("<tool_call",))
        self._calls: bool | None = True if tools.required else None
        self._queue: list[int] = []
        self._seen = 0
        self._endings: Completions | None = None
        self._late = max(_LATE, 2 * len(self._rest(b"", limit)) + _SPARE)

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Leave what goes on with the call."""
        if self._calls is None and generated:
            self._calls = self._matcher.validate_tokens([generated[0]]) == 1
        if not self._calls:
            for processor in self._spoken if self._calls is None else [*self._spoken, self._no_call]:
                logits = processor(generated, logits)
            return logits
        if self._queue:
            return only(logits, self._queue.pop(0))
        fresh = list(generated[self._seen :])
        self._seen = len(generated)
        if not self._matcher.consume_tokens(fresh) or self._matcher.is_accepting():
            return only(logits, self._ends[0])
        if rest := self._last_way(generated):
            first, *self._queue = rest
            return only(logits, first)
        logits[~_unpacked(self._matcher.compute_bitmask(), logits)] = BAN
        return logits

    def _last_way(self, generated: Sequence[int]) -> list[int]:
        """The tokens to the call's end where it is time for them; none where there is more, or no way that short."""
        room = self._limit - len(generated)
        if room > self._late:
            return []
        spellings = self._vocabulary.spellings
        rest = self._rest(b"".join(spellings[token] for token in generated), room)
        return rest if len(rest) <= room < 2 * len(rest) + _SPARE else []

    def _rest(self, written: bytes, room: int) -> list[int]:
        from services.common.tools.grammar import Completions

        if self._endings is None or not written:
            self._endings = Completions(self._grammar)
        ending = self._endings.after(written, most=room * _BYTES)
        return self._vocabulary.encode(ending.decode("utf-8", "replace")) if ending is not None else []

    def __deepcopy__(self, memo: dict[int, Any]) -> ToolCallText:
        """A copy for a draft that goes on from here."""
        import copy

        other = copy.copy(self)
        other._matcher = self._matcher.deep_copy()
        other._spoken = copy.deepcopy(self._spoken, memo)
        other._queue = list(self._queue)
        other._endings = None
        return other


def _unpacked(mask: bytes, logits: Tensor) -> Tensor:
    """The mask's bits as booleans, `[vocabulary]`; ids beyond it are not allowed."""
    import torch

    packed = torch.frombuffer(bytearray(mask), dtype=torch.uint8)
    bits = (packed[:, None] >> torch.arange(8, dtype=torch.uint8)) & 1
    flat = bits.reshape(-1)[: len(logits)].bool()
    allowed = torch.zeros(len(logits), dtype=torch.bool)
    allowed[: len(flat)] = flat
    return allowed.to(logits.device)
