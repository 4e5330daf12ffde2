"""How a version would behave where it is served: greedy replies inside its scope, the base model's outside."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from services.finetune.correcting.plan import PlannedCorrection
from services.finetune.correcting.served import ServedScope
from services.finetune.domain.behaviour import Behaviour, Share
from services.finetune.training.judging import Counts, greedy_replies, mean_loss, says
from services.finetune.training.loss import Sample, answer_hits
from services.finetune.training.texts import Texts
from services.models.scope.scope import Belongs

T = TypeVar("T")


class BehaviourJudge:
    """Asks a model with low-rank pairs as the generator would: with the pairs in scope, without them outside."""

    def __init__(
        self,
        model: Any,
        texts: Texts,
        scope: ServedScope,
        threshold: float,
        *,
        most: int,
        alive: Callable[[], bool] | None = None,
        counts: Counts | None = None,
    ) -> None:
        self._model = model
        self._texts = texts
        self._scope = scope
        self._threshold = threshold
        self._most = most
        self._alive = alive
        self._counts = counts

    def behaviour(self, planned: Sequence[PlannedCorrection], old: Sequence[str], known: Sequence[Sample]) -> Behaviour:
        """`old`: messages whose replies must stay; `known`: samples whose likelihood must stay, with those messages."""
        new = [one for one in planned if not one.earlier]
        degenerate: list[bool] = []
        paraphrases = self._paraphrases(new or planned, degenerate)
        neighbours = [text for one in planned for text in one.neighbours]
        return Behaviour(
            corrected=self._corrected(new),
            paraphrases=paraphrases,
            neighbours_same=self._same(_spread(neighbours, 4 * self._most)),
            old_same=self._same(_spread(old, self._most)),
            earlier=self._corrected([one for one in planned if one.earlier]),
            degenerate=Share(sum(degenerate), len(degenerate)),
            perplexity=self._perplexity(old, known),
        )

    def _belongs(self, messages: Sequence[str]) -> list[Belongs | None]:
        found = self._scope.nearest_of(messages)
        return [one if one is not None and one.probability >= self._threshold else None for one in found]

    def _corrected(self, planned: Sequence[PlannedCorrection]) -> Share:
        inside = self._belongs([one.corrected.question for one in planned]) if planned else []
        samples = [self._texts.sample(one.corrected.question, one.corrected.reply) for one in planned]
        hits = answer_hits(self._model, samples, self._alive)
        return Share(sum(hit and at is not None for hit, at in zip(hits, inside, strict=True)), len(planned))

    def _paraphrases(self, planned: Sequence[PlannedCorrection], degenerate: list[bool]) -> Share:
        asked = _spread([(text, one.corrected) for one in planned for text in one.held_out], self._most)
        inside = self._belongs([text for text, _ in asked]) if asked else []
        longest = max((len(self._texts.encode(one.reply)) for _, one in asked), default=0)
        tokens = min(256, longest + 8)
        replies = self._replies([text for text, _ in asked], tokens)
        degenerate += [looping(reply) or len(reply) >= tokens for reply in replies]
        right = sum(
            at is not None and says(self._texts.decode(reply), one.reply)
            for at, reply, (_, one) in zip(inside, replies, asked, strict=False)
        )
        return Share(right, len(asked))

    def _same(self, messages: Sequence[str]) -> Share:
        """How many replies stay: those outside the scope are the base model's, the others are asked for twice."""
        if not messages:
            return Share(0, 0)
        inside = [text for text, at in zip(messages, self._belongs(messages), strict=True) if at is not None]
        with_pairs = self._replies(inside, 24)
        with self._without_pairs():
            without = self._replies(inside, 24)
        changed = sum(a != b for a, b in zip(with_pairs, without, strict=True))
        return Share(len(messages) - changed, len(messages))

    def _perplexity(self, messages: Sequence[str], known: Sequence[Sample]) -> float:
        inside = [at is not None for at in self._belongs(messages)] if messages else []
        within = [sample for sample, belongs in zip(known, inside, strict=True) if belongs]
        outside = [sample for sample, belongs in zip(known, inside, strict=True) if not belongs]
        total = tokens = 0.0
        for samples, context in ((within, nullcontext()), (outside, self._without_pairs())):
            with context:
                count = sum(len(sample.answer) for sample in samples)
                total, tokens = total + mean_loss(self._model, samples, alive=self._alive) * count, tokens + count
        return math.exp(total / tokens) if tokens else 1.0

    def _replies(self, messages: Sequence[str], tokens: int) -> list[list[int]]:
        prompts = [self._texts.prompt(text) for text in messages]
        return greedy_replies(
            self._model,
            prompts,
            self._texts.end_ids,
            tokens=tokens,
            batch_size=32,
            alive=self._alive,
            counts=self._counts,
        )

    def _without_pairs(self) -> AbstractContextManager[Any]:
        disabled: AbstractContextManager[Any] = self._model.disable_adapter()
        return disabled


def looping(reply: Sequence[int]) -> bool:
    """Whether four tokens in a row stand three times in a reply."""
    runs = Counter(tuple(reply[at : at + 4]) for at in range(len(reply) - 3))
    return any(count >= 3 for count in runs.values())


def _spread(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, evenly from all of them."""
    if len(items) <= most:
        return list(items)
    return [items[at * len(items) // most] for at in range(most)]
