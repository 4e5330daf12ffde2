"""The rows of one searched draft: each holds a hypothesis, and is taken over by another's copy where it dies."""

from __future__ import annotations

from collections import abc
from typing import TYPE_CHECKING

from services.generator.engine.detokenizer import Detokenizer
from services.generator.engine.search import Hypothesis, Search
from services.generator.engine.sequence import Sequence

if TYPE_CHECKING:
    from services.generator.engine.backend import Backend


class Lanes:
    """As many rows as the search has places, of which those with a hypothesis are in work; the first is the draft's
    own, which reads the prompt and speaks to the listener in the end."""

    def __init__(self, lead: Sequence, backend: Backend) -> None:
        settings, codec = lead.request.settings, backend.codec
        assert settings.beams is not None
        limit = min(settings.max_new_tokens, backend.context_limit - lead.prompt_length)
        self.search = Search(
            settings.beams,
            max(1, limit),
            codec.end_ids,
            settings.stop,
            codec.token_bytes,
            codec.decode,
            lambda phrase: (codec.encode(" " + phrase), codec.encode(phrase)),
        )
        self.lead = lead
        self._backend = backend
        others = [Sequence(lead.request, lead.listener, lead.text) for _ in range(settings.beams.width - 1)]
        self._all = [lead, *others]
        self.working = [lead]  # in the order of the search's hypotheses
        for row in self._all:
            row.search = self

    @property
    def reserved(self) -> int:
        """Rows that are not in work now and may be any moment."""
        return len(self._all) - len(self.working)

    def owed(self, row: Sequence) -> list[int]:
        """Tokens that are looked at beside the likeliest."""
        return self.search.owed(self.working.index(row))

    def advance(self) -> None:
        """Choose among what the rows proposed; those whose hypothesis died are given up or taken over."""
        chosen = self.search.advance([row.proposed for row in self.working])
        parents = self.working
        stays: dict[int, Hypothesis] = {}
        copies: list[tuple[int, Hypothesis]] = []
        for at, one in chosen:
            if at in stays:
                copies.append((at, one))
            else:
                stays[at] = one
        dead = [row for at, row in enumerate(parents) if at not in stays]
        free = [*dead, *(row for row in self._all if row not in parents)]  # to write over a memory is to copy less
        holds: list[tuple[Sequence, Hypothesis]] = [(parents[at], one) for at, one in stays.items()]
        for at, one in copies:
            row = free.pop(0)
            self._copy(parents[at], row)
            holds.append((row, one))
        for row in dead:
            if row in free:
                self._backend.release(row, False)
        for row, one in holds:
            row.ids.append(one.ids[-1])
        place = {id(one): at for at, one in enumerate(self.search.live)}
        self.working = [row for row, _ in sorted(holds, key=lambda held: place[id(held[1])])]

    def _copy(self, source: Sequence, row: Sequence) -> None:
        row.ids, row.prompt_length = list(source.ids), source.prompt_length
        if not self._backend.fork(source, row):
            raise RuntimeError("a search has fewer rows than were kept for it")

    def told(self) -> str:
        """Give the draft's own row the best hypothesis; answers its text as far as it may be shown."""
        best = self.search.best()
        lead = self.lead
        lead.ids = [*lead.ids[: lead.prompt_length], *best.ids]
        lead.log_likelihood = best.own
        lead.text = Detokenizer(self._backend.codec, lead.request.settings.stop)
        return "".join(lead.text.push(token) for token in best.ids)

    def release(self, keep: bool) -> abc.Sequence[Sequence]:
        """Take the memory of all rows back, one of them kept; answers them."""
        for at, row in enumerate(self.working):
            self._backend.release(row, keep and at == 0)
        gone, self.working = self.working, []
        return gone
