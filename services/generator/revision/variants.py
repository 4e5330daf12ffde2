"""The requests that candidates of one draft differ by: what they read, what decoding holds, and chance.

Drafts differ in what they read. Those that go on from the feedback know what the reader meant, and a small model among
them repeats it; those that are written anew, from the message alone, keep to the subject and leave the feedback to
masks and shape. A fusion head is heard where the prompt has the feedback too: alone it pushes a draft into what the
model finds improbable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.common.constraints import Constraint
from services.generator.engine import DecodeSettings, DraftRequest

_JSON = Constraint("format", "json", source="comment")
_ANSWER = Constraint("format", "json:answer", source="comment")


def enforced(constraints: Sequence[Constraint]) -> bool:
    """Whether decoding alone can hold every one of the constraints."""
    return bool(constraints) and all(
        one.kind in ("must_include", "must_not_include", "case", "punctuation", "start", "end")
        or (one.kind == "length" and one.value not in ("shorter", "longer"))
        or (one.kind == "format" and one.value.partition(":")[0] not in ("one_of", "table", "code", "placeholders"))
        for one in constraints
    )


@dataclass(frozen=True, slots=True)
class Variants:
    """Up to `count` requests for one draft. `anew` is the prompt's tail without the feedback (None: no draft is
    written anew); where decoding can hold every constraint, a draft written anew comes first."""

    request: DraftRequest
    constraints: Sequence[Constraint]
    count: int
    temperature: float
    anew: tuple[int, ...] | None = None

    @property
    def _anew_first(self) -> bool:
        several = self.count > 1 or self.request.settings.beams is not None
        return self.anew is not None and several and enforced(self.constraints)

    def first(self) -> DraftRequest:
        """The first request, as likely as can be."""
        return self._written_anew(self.request) if self._anew_first else self.request

    def further(self) -> list[DraftRequest]:
        """The others. The second is as likely as can be in the other prompt, the rest are drawn by chance from both in
        turn; every other one is left to find the wanted words by itself, since words that are pushed in please the
        check and not the reader."""
        asked = self.request.settings
        made = []
        for number in range(1, self.count):
            changes: dict[str, Any] = {"include": ()} if number % 2 else {}
            if number > 1 or self.anew is None:
                changes["temperature"] = max(asked.temperature, self.temperature)
                changes["top_p"] = min(asked.top_p, 0.95)
                changes["seed"] = asked.seed + number
                changes["beams"] = None  # a search leaves nothing to chance: it would find the same again
            else:
                changes = {}
            one = replace(self.request, key=f"{self.request.key}#{number}", settings=replace(asked, **changes))
            made.append(self._written_anew(one) if (number % 2 == 0) == self._anew_first else one)
        return made

    def _written_anew(self, request: DraftRequest) -> DraftRequest:
        """The request without the feedback, in its prompt or for a fusion head."""
        if self.anew is None:
            return request
        constraints = tuple(_ANSWER if one == _JSON else one for one in request.settings.constraints)
        settings = replace(request.settings, constraints=constraints)
        return replace(request, tail=self.anew, settings=settings, fusion=None)


def reading_of(request: DraftRequest, key: str, token_ids: Sequence[int]) -> DraftRequest:
    """What has the model alone, without head and masks, read a reply in the conversation that its reader has."""
    plain = DecodeSettings(max_new_tokens=1)
    tail = request.tail + tuple(token_ids)
    return replace(request, key=key, tail=tail, read=len(token_ids), settings=plain, fusion=None)
