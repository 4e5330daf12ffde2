"""The sequences of one draft that branches: which of them go on is its listener's choice, step by step."""

from __future__ import annotations

from collections import abc
from typing import TYPE_CHECKING, cast

from services.generator.engine.request import Branch, BranchListener, Proposals
from services.generator.engine.sequence import Sequence

if TYPE_CHECKING:
    from services.generator.engine.backend import Backend


class Branches:
    """As many sequences as the draft may have, of which those that go on are in work. The first is the draft's own,
    which reads the prompt and speaks to the listener in the end; a sequence that ends is taken over by another's copy.
    """

    def __init__(self, lead: Sequence, backend: Backend) -> None:
        branching = lead.request.branching
        assert branching is not None
        self.lead = lead
        self.width = branching.width
        self._backend = backend
        others = [Sequence(lead.request, lead.listener, lead.text) for _ in range(branching.width - 1)]
        self._all = [lead, *others]
        self.working = [lead]  # in the order of the listener's last answer
        for sequence in self._all:
            sequence.branches = self
        lead.weigh = branching.weigh

    @property
    def reserved(self) -> int:
        """Sequences that are not in work now and may be any moment."""
        return len(self._all) - len(self.working)

    def advance(self) -> bool:
        """Ask the listener what goes on and have that go on, by forks where a sequence has several followers.

        False: nothing goes on, the draft has ended.
        """
        proposals: list[Proposals] = [sequence.proposed for sequence in self.working]
        answer = cast(BranchListener, self.lead.listener).on_proposals(proposals)
        if answer:
            self._go_on(answer)
        return bool(answer)

    def _go_on(self, answer: abc.Sequence[Branch]) -> None:
        parents = self.working
        holders: dict[int, Sequence] = {}  # by place in the answer
        stays: set[int] = set()
        for place, branch in enumerate(answer):
            if branch.source not in stays:
                stays.add(branch.source)
                holders[place] = parents[branch.source]
        dead = [sequence for at, sequence in enumerate(parents) if at not in stays]
        free = [
            *dead,
            *(sequence for sequence in self._all if sequence not in parents),
        ]  # to write over a memory is to copy less
        for place, branch in enumerate(answer):
            if place not in holders:
                holders[place] = free.pop(0)
                self._copy(parents[branch.source], holders[place])
        for sequence in dead:
            if sequence in free:
                self._backend.release(sequence, False)
        for place, branch in enumerate(answer):
            holders[place].ids.append(branch.token)
            holders[place].weigh = branch.weigh
        self.working = [holders[place] for place in range(len(answer))]

    def _copy(self, source: Sequence, sequence: Sequence) -> None:
        sequence.ids, sequence.prompt_length = list(source.ids), source.prompt_length
        if not self._backend.fork(source, sequence):
            raise RuntimeError("a draft that branches has fewer rows than were kept for it")

    def release(self, keep: bool) -> abc.Sequence[Sequence]:
        """Take the memory of all sequences back, one of them kept; answers them."""
        for at, sequence in enumerate(self.working):
            self._backend.release(sequence, keep and at == 0)
        gone, self.working = self.working, []
        return gone
