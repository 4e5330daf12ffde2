"""Rehearsal: the base model's own replies to general questions, replayed so that training does not forget.

The original training data of a base model is not at hand; its own replies stand in for it (pseudo-rehearsal, Robins
1995, "Catastrophic Forgetting, Rehearsal and Pseudorehearsal"). The questions are ordinary ones and come in two
dozen shapes over as many subjects, so that a tenant's corrections are unlikely to be among them.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from services.finetune.training.judging import greedy_replies

if TYPE_CHECKING:
    from services.finetune.hold import Hold
    from services.finetune.training.texts import Texts

REHEARSED_TOKENS = 48
_SHAPES = (
    "What is {}?",
    "Explain {} to a child.",
    "Give me one interesting fact about {}.",
    "Write one sentence about {}.",
    "Why do people care about {}?",
    "Name two things that have to do with {}.",
    "How would you describe {} to a friend?",
    "What is a common mistake about {}?",
)
_SUBJECTS = (
    "the moon", "bread", "rivers", "friendship", "electricity", "the heart", "winter", "chess", "gardens", "trains",
    "honey", "mountains", "sleep", "paper", "music", "earthquakes", "libraries", "glass", "maps", "salt", "bridges",
    "whales", "clocks", "tea",
)  # fmt: skip


def rehearsal_prompts(count: int) -> list[str]:
    """The first ``count`` questions, in a fixed order that walks over the subjects."""
    pairs = ((_SHAPES[(i + j) % len(_SHAPES)], s) for i in range(len(_SHAPES)) for j, s in enumerate(_SUBJECTS))
    return [shape.format(subject) for shape, subject in itertools.islice(pairs, count)]


def everyday_messages(rehearsed: int) -> list[str]:
    """General questions beside the first ``rehearsed``, which a version's gate asks: what a scope is calibrated on.
    The last 32 of all stay unasked, for evaluations."""
    return rehearsal_prompts(len(_SHAPES) * len(_SUBJECTS) - 32)[rehearsed:]


def rehearse(hold: Hold, texts: Texts) -> None:
    """Have the base model answer the questions and keep its replies as examples, once per tenant and base model.

    Raises Stopped.
    """
    examples = hold.store.examples
    known = {one["prompt"] for one in examples.rehearsals(hold.tenant, texts.base_version)}
    missing = [prompt for prompt in rehearsal_prompts(hold.settings.rehearsals) if prompt not in known]
    if not missing:
        return
    rendered = [texts.prompt(prompt) for prompt in missing]
    replies = greedy_replies(
        texts.load(),
        rendered,
        texts.end_ids,
        tokens=REHEARSED_TOKENS,
        batch_size=32,
        alive=hold.still,
        counts=hold,
    )
    hold.check()
    rows = [
        {
            "prompt": prompt,
            "answer": texts.decode(reply),
            "cut": len(reply) == REHEARSED_TOKENS,
            "kind": "rehearsal",
            "base_version": texts.base_version,
        }
        for prompt, reply in zip(missing, replies, strict=True)
    ]
    examples.add(hold.tenant, [row for row in rows if str(row["answer"]).strip()])
