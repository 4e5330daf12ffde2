"""The requests that candidates of one draft differ by: what they read, what decoding holds, and chance.

Drafts differ in what they read. Those that go on from the feedback know what the reader meant, and a small model among
them repeats it; those that are written anew, from the message alone, keep to the subject and leave the feedback to
masks and shape. A fusion head is heard where the prompt has the feedback too: alone it pushes a draft into what the
model finds improbable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.common.constraints import Constraint
from services.generator.engine import DecodeSettings, DraftRequest
from services.generator.revision.beam_search import Beams
from services.generator.revision.policy import RevisionPolicy

_JSON = Constraint("format", "json", source="comment")
_ANSWER = Constraint("format", "json:answer", source="comment")


def enforced(constraints: Sequence[Constraint]) -> bool:
    """Whether decoding alone can hold every one of the constraints."""
    return bool(constraints) and all(
        constraint.kind in ("must_include", "must_not_include", "case", "punctuation", "start", "end")
        or (constraint.kind == "length" and constraint.value not in ("shorter", "longer"))
        or (
            constraint.kind == "format"
            and constraint.value.partition(":")[0] not in ("one_of", "table", "code", "placeholders")
        )
        for constraint in constraints
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """What asks the engine for one candidate, and the beams of its search; None: it is not searched for."""

    request: DraftRequest
    beams: Beams | None = None

    @property
    def key(self) -> str:
        """The engine's name of the draft."""
        return self.request.key


@dataclass(frozen=True, slots=True)
class Variants:
    """The candidates of one draft, as many as the policy has; where decoding can hold every constraint, one that is
    written anew comes first."""

    request: DraftRequest
    policy: RevisionPolicy

    @property
    def _anew_first(self) -> bool:
        several = self.policy.count > 1 or self.policy.beams is not None
        return self.policy.anew is not None and several and enforced(self.policy.constraints)

    def first(self) -> Candidate:
        """The first candidate, as likely as can be."""
        request = self._written_anew(self.request) if self._anew_first else self.request
        return Candidate(request, self.policy.beams)

    def further(self) -> list[Candidate]:
        """The others. The second is as likely as can be in the other prompt, the rest are drawn by chance from both in
        turn; every other one is left to find the wanted words by itself, since words that are pushed in please the
        check and not the reader. What is drawn by chance is not searched for: a search would find the same again."""
        candidates = []
        for number in range(1, self.policy.count):
            by_chance = number > 1 or self.policy.anew is None
            settings = self._drawn(number) if by_chance else self.request.settings
            request = replace(self.request, key=f"{self.request.key}#{number}", settings=settings)
            if (number % 2 == 0) == self._anew_first:
                request = self._written_anew(request)
            candidates.append(Candidate(request, None if by_chance else self.policy.beams))
        return candidates

    def _drawn(self, number: int) -> DecodeSettings:
        """The settings of a candidate that is drawn by chance."""
        settings = self.request.settings
        return replace(
            settings,
            include=() if number % 2 else settings.include,
            temperature=max(settings.temperature, self.policy.temperature),
            top_p=min(settings.top_p, 0.95),
            seed=settings.seed + number,
        )

    def _written_anew(self, request: DraftRequest) -> DraftRequest:
        """The request without the feedback, in its prompt or for a fusion head."""
        if self.policy.anew is None:
            return request
        constraints = tuple(
            _ANSWER if constraint == _JSON else constraint for constraint in request.settings.constraints
        )
        settings = replace(request.settings, constraints=constraints)
        return replace(request, tail=self.policy.anew, settings=settings, fusion=None)


def reading_of(request: DraftRequest, key: str, token_ids: Sequence[int]) -> DraftRequest:
    """What has the model alone, without head and masks, read a reply in the conversation that its reader has."""
    plain = DecodeSettings(max_new_tokens=1)
    tail = request.tail + tuple(token_ids)
    return replace(request, key=key, tail=tail, read=len(token_ids), settings=plain, fusion=None, observers=())
