"""Keeps a draft a text of a grammar, and brings it to its end before the limit."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from services.generator.decoding.token_processor import TokenProcessor
from services.generator.decoding.words import BAN, Vocabulary, only

if TYPE_CHECKING:
    from torch import Tensor

    from services.common.tools.grammar import Completions

_LATE = 64  # tokens before the limit from which on the way to the end is looked for
_SPARE = 16  # tokens beside twice the way to the end, so that what a token opens can still be closed
_BYTES = 6  # that the way to the end may have for each token that is left
_STRIDE = 32  # tokens of the way to the end for each that is written until it is looked for again: linear in all


class GrammarText:
    """Of the next tokens those that go on with the grammar's text are left, and of these those that `within` leaves,
    where it leaves any. `on_cut` hears that the limit ends the text, not the model.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        grammar: str,
        end_ids: frozenset[int],
        limit: int,
        within: Sequence[TokenProcessor] = (),
        on_cut: Callable[[], None] = lambda: None,
    ) -> None:
        self._vocabulary = vocabulary
        self._grammar = grammar
        self._matcher = vocabulary.guide(grammar, min(end_ids))
        self._ends = list(end_ids)
        self._limit = limit
        self._within = list(within)
        self._on_cut = on_cut
        self._queue: list[int] = []
        self._seen = 0
        self._next_look = 0
        self._endings: Completions | None = None
        self._late = max(_LATE, 2 * self._shortest() + _SPARE)

    def begins(self, token: int) -> bool:
        """Whether a text of the grammar may begin with this token. To be asked before any is written."""
        return bool(self._matcher.validate_tokens([token]) == 1)

    def beginning(self, logits: Tensor) -> Tensor:
        """A copy with what may begin the text alone. To be asked before any is written."""
        return logits.masked_fill(~_unpacked(self._matcher.compute_bitmask(), logits), BAN)

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Leave what goes on with the text."""
        if self._queue:
            return only(logits, self._queue.pop(0))
        fresh = list(generated[self._seen :])
        self._seen = len(generated)
        if self._matcher.consume_tokens(fresh) and self._matcher.is_accepting():
            return only(logits, self._ends[0])
        if rest := self._last_way(generated):
            return self._cut(rest, logits)
        barred = ~_unpacked(self._matcher.compute_bitmask(), logits)
        if self._matcher.is_error():  # a grammar that is too large at this place
            return self._cut(self._rest(generated) or [], logits)
        plain = logits.clone() if self._within else logits
        for processor in self._within:
            logits = processor(generated, logits)
        logits[barred] = BAN
        if self._within and not logits.isfinite().any():
            logits = plain
            logits[barred] = BAN
        return logits

    def _cut(self, rest: Sequence[int], logits: Tensor) -> Tensor:
        """Leave the rest of the text alone, one token after the other."""
        self._on_cut()
        first, *self._queue = [*rest, self._ends[0]]
        return only(logits, first)

    def _last_way(self, generated: Sequence[int]) -> list[int]:
        """The tokens to the text's end where it is time for them; none where there is more, or no way that short."""
        written, room = len(generated), self._limit - len(generated)
        if room > self._late or written < self._next_look:
            return []
        rest = self._rest(generated)
        self._next_look = written + 1 + (len(rest) // _STRIDE if rest is not None else room // _SPARE)
        return rest if rest is not None and len(rest) <= room < 2 * len(rest) + _SPARE else []

    def _rest(self, generated: Sequence[int]) -> list[int] | None:
        """The tokens of the way to the text's end; None where no short one is found."""
        from services.common.tools.grammar import MOST_BYTES, Completions

        if self._endings is None:
            self._endings = Completions(self._grammar)
        spellings = self._vocabulary.spellings
        written = b"".join(spellings[token] for token in generated)
        most = min((self._limit - len(generated)) * _BYTES, MOST_BYTES)
        ending = self._endings.after(written, most=most)
        return self._vocabulary.encode(ending.decode("utf-8", "replace")) if ending is not None else None

    def _shortest(self) -> int:
        """How many tokens the plainest text has; 0 where none is found."""
        from services.common.tools.grammar import plainest

        return len(self._vocabulary.encode((plainest(self._grammar) or b"").decode("utf-8", "replace")))

    def __deepcopy__(self, memo: dict[int, Any]) -> GrammarText:
        """A copy for a draft that goes on from here."""
        other = copy.copy(self)
        other._matcher = self._matcher.deep_copy()
        other._within = copy.deepcopy(self._within, memo)
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
