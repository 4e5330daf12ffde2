"""Keeps a draft a call of a tool, its arguments valid by the tool's schema; or leaves it to speak, where it may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from services.generator.decoding.grammar_text import GrammarText
from services.generator.decoding.token_processor import TokenProcessor
from services.generator.decoding.words import ForbidWords, Vocabulary

if TYPE_CHECKING:
    from torch import Tensor


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
    the `spoken` processors have it, or `form` where there is one, and it begins none later.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        tools: CallableTools,
        end_ids: frozenset[int],
        limit: int,
        spoken: Sequence[TokenProcessor],
        form: GrammarText | None = None,
    ) -> None:
        self._call = GrammarText(vocabulary, tools.grammar, end_ids, limit)
        self._spoken = list(spoken)
        self._form = form
        self._no_call = ForbidWords(vocabulary, ("<tool_call",))
        self._calls: bool | None = True if tools.required else None

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Leave what goes on with the call."""
        if self._calls is None and generated:
            self._calls = self._call.begins(generated[0])
        if self._calls:
            return self._call(generated, logits)
        if self._form is not None:
            call = self._call.beginning(logits) if self._calls is None else None
            logits = self._form(generated, logits)
            return logits if call is None else logits.maximum(call)
        for processor in self._spoken if self._calls is None else [*self._spoken, self._no_call]:
            logits = processor(generated, logits)
        return logits
