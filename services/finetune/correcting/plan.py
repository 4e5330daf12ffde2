"""What a training learns corrections by, and what it is judged by: other wordings and neighbours of each message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.common.store import Document
from services.finetune.correcting.served import ServedScope
from services.finetune.domain.wordings import core, neighbours, other_wordings
from services.finetune.training.judging import Counts, greedy_replies
from services.finetune.training.texts import Texts
from services.models.scope.scope import THRESHOLD, Corrected, ScopeJudge

LEARNED_WORDINGS = 3
HELD_OUT_WORDINGS = 2
_REWRITTEN_TOKENS = 40
_REWRITES = ("Say this in other words: {}", "Rephrase this: {}", "Ask the same differently: {}")
_HIGHEST = 0.9


@dataclass
class PlannedCorrection:
    """A correction with the messages that are made up around it."""

    corrected: Corrected
    earlier: bool  # a training before this one has learned it
    learned: list[str] = field(default_factory=list)  # wordings to learn it by
    held_out: list[str] = field(default_factory=list)  # wordings to judge by, which no training sees
    neighbours: list[str] = field(default_factory=list)  # messages that ask something else

    @property
    def messages(self) -> list[str]:
        """What its answer is learned for, the corrected message first."""
        return [self.corrected.question, *self.learned]


def plan_corrections(new: Sequence[Document], earlier: Sequence[Document]) -> list[PlannedCorrection]:
    """Examples as corrections with wordings and neighbours made by rule."""
    planned: list[PlannedCorrection] = []
    questions = [str(example["prompt"]) for example in (*new, *earlier)]
    for at, example in enumerate((*new, *earlier)):
        corrected = Corrected(example["_id"], questions[at], str(example["answer"]))
        wordings = other_wordings(corrected.question)
        planned.append(
            PlannedCorrection(
                corrected,
                at >= len(new),
                wordings[:LEARNED_WORDINGS],
                wordings[LEARNED_WORDINGS : LEARNED_WORDINGS + HELD_OUT_WORDINGS],
                [text for text in neighbours(corrected.question) if text not in questions],
            )
        )
    return planned


def rewrite(
    planned: Sequence[PlannedCorrection],
    model: object,
    texts: Texts,
    judge: ScopeJudge,
    *,
    most: int,
    alive: Callable[[], bool] | None = None,
    counts: Counts | None = None,
) -> int:
    """Have the model put each message in other words, and keep at most `most` of a message that the scope's judge takes
    for the same question; answers how many were kept."""
    kept = 0
    chosen = [one for one in planned if not one.earlier and len(one.corrected.question) <= 300]
    for instruction in _REWRITES[:most]:
        prompts = [texts.prompt(instruction.format(core(one.corrected.question)[1])) for one in chosen]
        replies = greedy_replies(
            model, prompts, texts.end_ids, tokens=_REWRITTEN_TOKENS, batch_size=32, alive=alive, counts=counts
        )
        for one, reply in zip(chosen, replies, strict=False):
            opening, asked = core(one.corrected.question)
            said = texts.decode(reply).strip().strip('"').splitlines()
            text = said[0].strip().strip('"') if said else ""
            if len(reply) >= _REWRITTEN_TOKENS or not text or text.casefold() == asked.casefold():
                continue
            question, answer, message = judge.reader.read([one.corrected.question, one.corrected.reply, opening + text])
            if (
                judge.head.probabilities([(message, question, answer)])[0] >= THRESHOLD
                and opening + text not in one.messages
            ):
                one.learned.append(opening + text)
                kept += 1
    return kept


def calibrated(
    scope: ServedScope, planned: Sequence[PlannedCorrection], general: Sequence[str] = (), allowed: float = 0.02
) -> float:
    """The least probability, between the trained threshold and .9, at which none of the general messages and at most
    this share of the made-up neighbours belongs to a correction."""
    made = [text for one in planned for text in one.neighbours][:600]
    least = max(_least(scope, made, allowed), _least(scope, general, 0.0))
    return min(max(THRESHOLD, least), _HIGHEST)


def _least(scope: ServedScope, messages: Sequence[str], allowed: float) -> float:
    """The least probability that at most this share of the messages reaches."""
    probable = sorted((found.probability if found else 0.0 for found in scope.nearest_of(messages)), reverse=True)
    spare = int(allowed * len(probable))
    return probable[spare] + 0.01 if spare < len(probable) else 0.0
