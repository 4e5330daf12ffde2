"""Beam search whose score has the feedback's terms at every step.

A hypothesis y that goes on is worth log P(y) / |y|^0.7 + λ Σ_c credit_c(y), a finished one log P(y) / |y|^0.7 +
λ (Σ_c check_c(y) − [cut off]); the length power is that of Wu et al. 2016 (section 7) in its simplest form. Places are
dealt out by how far the wanted phrases are (grid beam search, Hokamp & Liu 2017; with a fixed number of places, Post &
Vilar 2018), so that hypotheses with a phrase are not crowded out by likelier ones without, and the next token of each
owed phrase is always among what may follow. P is the distribution before masks, which decide what is proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.common.constraints import Constraint
from services.generator.engine import FinishReason, Proposals
from services.generator.revision.constraint_credit import Credit

LENGTH_POWER = 0.7


@dataclass(frozen=True, slots=True)
class Beams:
    """A search over `width` hypotheses; `weight` is what a met one of the `constraints` is worth beside the likelihood.
    Chance has no part in it."""

    width: int
    weight: float = 0.0
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A beginning of a draft, or a whole one: its ids (without the end's), log P of all that was chosen and that of the
    model without a fusion head, its text, what it is worth, and how it ended."""

    ids: tuple[int, ...] = ()
    likelihood: float = 0.0
    own: float = 0.0
    text: str = ""
    value: float = 0.0
    bank: int = 0
    ended: FinishReason | None = None
    raw: bytes = b""


class Search:
    """One draft's search. `bytes_of` are a token's, None where they depend on its neighbours: `text_of` then decodes
    all ids. `ways_of` are the token sequences that write a phrase."""

    def __init__(
        self,
        beams: Beams,
        limit: int,
        end_ids: frozenset[int],
        stop: Sequence[str],
        bytes_of: Callable[[int], bytes | None],
        text_of: Callable[[Sequence[int]], str],
        ways_of: Callable[[str], Sequence[Sequence[int]]],
    ) -> None:
        self.width = beams.width
        self._weight = beams.weight
        self._credit = Credit(beams.constraints)
        self._limit = limit
        self._end_ids = end_ids
        self._stop = stop
        self._bytes_of = bytes_of
        self._text_of = text_of
        self._ways_of = ways_of
        self.live: list[Hypothesis] = [Hypothesis()]
        self.finished: list[Hypothesis] = []
        self._complete = 0

    @property
    def done(self) -> bool:
        """Whether nothing better can come: no hypothesis goes on, as many as there are places are finished with all
        phrases, or the best finished one is worth what any other could come to."""
        if not self.live or self._complete >= self.width:
            return True
        if not self.finished:
            return False
        likelihood, worth = max(hypothesis.likelihood for hypothesis in self.live), self._weight * self._credit.most
        most: float = likelihood / self._limit**LENGTH_POWER + worth
        return max(hypothesis.value for hypothesis in self.finished) >= most

    def best(self) -> Hypothesis:
        """The best finished hypothesis; where there is none, the best of those that go on."""
        return max(self.finished or self.live, key=lambda hypothesis: hypothesis.value)

    def owed(self, at: int) -> list[int]:
        """The next tokens of the phrases that a hypothesis owes; `at` is its place in `live`."""
        ids, text = self.live[at].ids, self.live[at].text
        tokens = []
        for phrase in self._credit.owed(text):
            ways = [tuple(way) for way in self._ways_of(phrase) if way]
            at, way = max(((_overlap(ids, way), way) for way in ways), default=(0, ()))
            if not at and ways:
                way = ways[0 if text and not text[-1].isspace() else -1]
            tokens += [way[at]] if way else []
        return list(dict.fromkeys(tokens))

    def advance(self, proposed: Sequence[Proposals]) -> list[tuple[int, Hypothesis]]:
        """Take one step: `proposed` for each of `live`. Answers what goes on, each with its parent's place in `live`
        before."""
        children = [
            (at, self._child(parent, *proposal))
            for at, (parent, tokens) in enumerate(zip(self.live, proposed, strict=True))
            for proposal in self._apart(tokens)
        ]
        children.sort(key=lambda child: (-child[1].value, child[0], child[1].ids))
        ended = [hypothesis for _, hypothesis in dealt(children, self.width) if hypothesis.ended]
        self.finished += ended
        self._complete += sum(not self._credit.owed(hypothesis.text) for hypothesis in ended)
        going_on = dealt([child for child in children if not child[1].ended], self.width)
        self.live = [hypothesis for _, hypothesis in going_on]
        return going_on

    def _apart(self, tokens: Proposals) -> list[tuple[int, float, float]]:
        """The proposals with the likeliest end alone: all ends write the same."""
        ends = [proposal for proposal in tokens if proposal[0] in self._end_ids]
        end = max(ends, key=lambda proposal: proposal[1], default=None)
        return [proposal for proposal in tokens if proposal[0] not in self._end_ids or proposal is end]

    def _child(self, parent: Hypothesis, token: int, likelihood: float, own: float) -> Hypothesis:
        total, own = parent.likelihood + likelihood, parent.own + own
        if token in self._end_ids:
            return self._whole(parent.ids, total, own, parent.text, "stop")
        ids = (*parent.ids, token)
        added = self._bytes_of(token)
        raw = parent.raw + (added or b"")
        text = raw.decode("utf-8", "replace") if added is not None else self._text_of(ids)
        if any(stop in text for stop in self._stop):
            return self._whole(ids, total, own, min((text.split(stop)[0] for stop in self._stop), key=len), "stop")
        if len(ids) >= self._limit:
            return self._whole(ids, total, own, text, "length")
        value, bank = total / len(ids) ** LENGTH_POWER, 0
        if self._credit.most:
            value += self._weight * self._credit.so_far(text, self._limit - len(ids))
            bank = self._credit.bank(text)
        return Hypothesis(ids, total, own, text, value, bank, raw=raw)

    def _whole(self, ids: tuple[int, ...], total: float, own: float, text: str, ended: FinishReason) -> Hypothesis:
        met = self._credit.in_the_end(text) - (ended == "length")
        value = total / max(1, len(ids)) ** LENGTH_POWER + self._weight * met
        return Hypothesis(ids, total, own, text, value, self._credit.bank(text), ended)


def dealt(children: Sequence[tuple[int, Hypothesis]], places: int) -> list[tuple[int, Hypothesis]]:
    """Up to `places` of the hypotheses, which come best first: of each bank as many as of any other; what a bank leaves
    goes to the best of all. The furthest bank is served first, then the one with nothing, whose words are the model's
    own, then the others from the furthest on."""
    banks: dict[int, list[int]] = {}
    for at, (_, hypothesis) in enumerate(children):
        banks.setdefault(hypothesis.bank, []).append(at)
    order = sorted(banks, reverse=True)
    order = order[:1] + order[-1:] + order[1:-1] if len(order) > 1 else order
    chosen: list[int] = []
    for turn in range(max(1, places // max(1, len(order)))):
        for bank in order:
            if turn < len(banks[bank]) and len(chosen) < places:
                chosen.append(banks[bank][turn])
    chosen += [at for at in range(len(children)) if at not in chosen][: places - len(chosen)]
    return [children[at] for at in sorted(chosen)]


def _overlap(ids: Sequence[int], way: Sequence[int]) -> int:
    for count in range(min(len(way) - 1, len(ids)), 0, -1):
        if tuple(ids[-count:]) == tuple(way[:count]):
            return count
    return 0
