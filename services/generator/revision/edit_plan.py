"""The ways to change the draft before no more than its reader asked, one after the other: by rule, by rule and shorter,
by sentences written into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from services.generator.engine import DraftRequest, FinishedDraft, Timings, Usage
from services.generator.revision.infilling import Gap, gaps, infilled, sentence_request
from services.generator.revision.policy import RevisionPolicy
from services.generator.revision.rule_edits import amended, shortened
from services.generator.revision.scoring import RevisionContext


class EditPlan:
    """What can be made of the draft that `context` is about, for the reply that `request` asks for; `encode` makes the
    token ids of a text."""

    def __init__(
        self,
        request: DraftRequest,
        policy: RevisionPolicy,
        context: RevisionContext,
        encode: Callable[[str], Sequence[int]],
    ) -> None:
        self._request = request
        self._constraints = policy.constraints
        self._context = context
        self._encode = encode
        self._ways = [*([amended, shortened] if policy.amending else [])]
        self._fills = policy.infilling
        self._texts: list[str] = []
        self._gaps: dict[str, Gap] = {}

    def next_texts(self) -> list[tuple[str, FinishedDraft]]:
        """Keys and drafts that the next rule makes, without those that are known; none where there is no rule left."""
        while self._ways:
            way = self._ways.pop(0)
            if way is shortened and not self._texts:
                continue  # no rule does what was asked, of a shorter draft neither
            texts = way(self._context.draft, self._constraints, self._context.message, self._fits)
            new = [text for text in texts if text not in self._texts]
            first = len(self._texts)
            self._texts += new
            if new:
                return [(f"{self._request.key}!{first + at}", self.draft(text)) for at, text in enumerate(new)]
        return []

    def sentences(self) -> list[DraftRequest]:
        """What asks the engine for a sentence in each gap of the draft; once."""
        if not self._fills:
            return []
        self._fills = False
        places = gaps(self._context.draft, self._constraints)
        self._gaps = {f"{self._request.key}+{number}": gap for number, gap in enumerate(places)}
        return [
            sentence_request(self._request, key, gap, self._constraints, self._encode)
            for key, gap in self._gaps.items()
        ]

    def holds(self, key: str) -> bool:
        """Whether the key is that of a sentence."""
        return key in self._gaps

    def filled(self, key: str, sentence: FinishedDraft) -> FinishedDraft | None:
        """The draft with the sentence in its gap; None where it does not do what was asked."""
        text = infilled(self._gaps[key], sentence.text, self._constraints, self._context.message, self._fits)
        return None if text is None else replace(self.draft(text), timings=sentence.timings)

    def draft(self, text: str) -> FinishedDraft:
        """A text as the draft that it would be."""
        ids = tuple(self._encode(text)) if text else ()
        prompt = len(self._request.history) + len(self._request.tail)
        return FinishedDraft(text, ids, "stop", Usage(prompt, 0, len(ids)), Timings(0.0, 0.0, 0.0, 0.0))

    def _fits(self, text: str) -> bool:
        return len(self._encode(text)) < self._request.settings.max_new_tokens
