"""Training positions of a fusion head: cached hidden states beside what the reader says before each token."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import torch
from torch import Tensor

from services.common.constraints import Constraint
from services.finetune.fusing.base import FrozenBase
from services.finetune.fusing.rules import Example
from services.models.feedback_reader import FeedbackReader, Spelling, Step
from services.models.feedback_vectors import FeedbackVectors

AGAIN = "{comment}\nPlease write the answer again."
MOST_TOKENS = 112


@dataclass
class Positions:
    """One entry for each target token: `hidden: [N, H]` fp16, the token, whether the edit changed it, the reader's
    step, the example's number, and each example's comment `[examples, H]` and kind."""

    hidden: Tensor
    token: Tensor
    changed: Tensor
    steps: list[Step]
    example: Tensor
    comments: Tensor
    kinds: list[str] = field(default_factory=list)
    understood: list[bool] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.steps)


class Collector:
    """Turns examples into positions.

    Half of the examples are asked without the feedback in the prompt, so that the vector has to carry it; of the
    other half the prompt is the service's own, the draft and the feedback in it. In `unread` of the examples the
    reader gets no constraints, as where the grammar did not understand the comment.
    """

    def __init__(self, base: FrozenBase, codec: Spelling, vectors: FeedbackVectors, unread: float = 0.3) -> None:
        self._base = base
        self._codec = codec
        self._vectors = vectors
        self._unread = unread

    def collect(
        self,
        examples: Sequence[Example],
        seed: int,
        *,
        withheld: float = 0.5,
        known: Tensor | None = None,
        told: Callable[[int], None] | None = None,
    ) -> Positions:
        """Run the base model over all examples, those of one prompt one after the other; not where `known` has the
        hidden states that an earlier call with the same examples and seed made."""
        chance = random.Random(seed)
        hidden: list[Tensor] = []
        comments: list[Tensor] = []
        tokens: list[int] = []
        changed: list[bool] = []
        owner: list[int] = []
        made = Positions(torch.empty(0), torch.empty(0), torch.empty(0), [], torch.empty(0), torch.empty(0))
        plans = [(one, chance.random() < withheld, chance.random() >= self._unread) for one in examples]
        for one, alone, understood in sorted(plans, key=lambda plan: (plan[0].prompt, not plan[1], plan[0].draft)):
            target = self.target(one)
            reader = FeedbackReader(self._codec, one.comment, one.constraints if understood else ())
            if known is None:
                prompt = self._base.texts.prompt(one.prompt) if alone else self.prompt(one)
                hidden.append(self._base.states(prompt, target))
            made.steps += [reader.step(target[:at]) for at in range(len(target))]
            tokens += target
            changed += self.changed(one, target)
            owner += [len(comments)] * len(target)
            comments.append(self._vectors.comment(reader.comment_ids))
            made.kinds.append(one.kind)
            made.understood.append(understood and bool(one.constraints))
            if told is not None:
                told(len(comments))
        made.hidden = torch.cat(hidden) if known is None else known
        made.comments = torch.stack(comments)
        made.token, made.changed, made.example = torch.tensor(tokens), torch.tensor(changed), torch.tensor(owner)
        return made

    def target(self, one: Example) -> list[int]:
        """The target's ids with the end token, cut at the most that a reply may have."""
        texts = self._base.texts
        end = texts.encode("<|im_end|>")[:1]
        ids = texts.encode(one.target)
        return [*ids[:MOST_TOKENS], *(end if len(ids) <= MOST_TOKENS and end[0] in texts.end_ids else [])]

    def prompt(self, one: Example) -> tuple[int, ...]:
        """The prompt of a revision: message, draft, feedback."""
        return self._base.texts.revision(one.prompt, one.draft, AGAIN.format(comment=one.comment))

    def changed(self, one: Example, target: Sequence[int]) -> list[bool]:
        """Which target tokens the edit made: those that are not the unedited text's, the first after something was
        taken out, the end, and those of a phrase that was asked for."""
        plain = self._base.texts.encode(one.source)
        changed = [True] * len(target)
        if one.kind == "praise":
            return [False] * len(target)
        before = 0
        for match in SequenceMatcher(None, plain, list(target), autojunk=False).get_matching_blocks():
            for at in range(match.size):
                changed[match.b + at] = at == 0 and match.a != before
            before = match.a + match.size
        for phrase in (_wanted(c) for c in one.constraints):
            for way in (self._codec.encode(f" {phrase}"), self._codec.encode(phrase)) if phrase else ():
                for at in range(len(target) - len(way) + 1):
                    if list(target[at : at + len(way)]) == way:
                        changed[at : at + len(way)] = [True] * len(way)
        return changed


def _wanted(constraint: Constraint) -> str:
    return constraint.value if constraint.kind in ("must_include", "start", "end") else ""
