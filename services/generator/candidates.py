"""Best of several drafts: a first one; where that fails, further ones, and the best of all by the feedback-aware score.

Drafts differ in what they read. Those that go on from the feedback know what the reader meant, and a small model among
them repeats it; those that are written anew, from the message alone, keep to the subject and leave the feedback to
masks and shape. Where these can hold every constraint, a draft written anew comes first. A fusion head is heard where
the prompt has the feedback too: alone it pushes a draft into what the model finds improbable.

Masks, shape and head make a draft improbable, and how it was written does not tell how it reads. So each draft that is
not degenerate is read once by the model alone, without head and masks, in the conversation that its reader has: one
pass over its tokens, beside those of the other drafts.

Before anything is written, the draft that the reader spoke of is amended by rule where rules can do what was asked, and
read; if it reads well, it is the revision.

Only the chosen draft is streamed, whole, when it is chosen. The drafts come from the same session, so that they share
their prompt in the engine's memory.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.common.constraints import Constraint
from services.generator.amending import amended
from services.generator.engine import (
    DecodeSettings,
    DraftListener,
    DraftRequest,
    DuplicateKey,
    Engine,
    EngineClosed,
    EngineFull,
    FinishedDraft,
    PromptTooLong,
    Timings,
    Usage,
)
from services.generator.scoring import Asked, Score, score

_AMENDED = "!"
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


class Candidates:
    """Up to `count` candidates for one draft, of which `listener` hears one.

    `anew` is the prompt's tail without the feedback (None: no draft is written anew), `asked` what drafts are held
    against, `reading` whether drafts are read before they are compared, `amending` whether the draft before may be
    amended (for which it must be read).
    """

    def __init__(
        self,
        engine: Engine,
        request: DraftRequest,
        listener: DraftListener,
        constraints: Sequence[Constraint],
        *,
        count: int,
        weight: float,
        temperature: float,
        anew: tuple[int, ...] | None = None,
        asked: Asked | None = None,
        reading: bool = False,
        amending: bool = False,
    ) -> None:
        self._engine = engine
        self._request = replace(request, settings=replace(request.settings, scored=True))
        self._listener = listener
        self._constraints = constraints
        self._count = count
        self._weight = weight
        self._temperature = temperature
        self._asked = asked
        self._reads = reading
        self._amends = amending and reading and asked is not None
        self._reading: dict[str, tuple[str, FinishedDraft]] = {}
        self._anew = anew if count > 1 else None
        self._anew_first = self._anew is not None and enforced(constraints)
        self._lock = threading.Lock()
        self._open: set[str] = set()
        self._judged: list[tuple[Score, FinishedDraft]] = []
        self._fallback: FinishedDraft | None = None  # an amended draft, rather than others that read badly too
        self._cancelled = False
        self._told = False

    def submit(self) -> None:
        """Ask the engine for the first; raises what Engine.submit raises."""
        changed = self._amended() if self._amends else None
        if changed is None or not self._read(self._request.key + _AMENDED, changed):
            self._begin()

    def _begin(self) -> None:
        self._submit(self._written_anew(self._request) if self._anew_first else self._request)

    def cancel(self) -> bool:
        """Stop all; the listener hears a cancelled draft. False: none is open."""
        self._cancelled = True
        return self._stop_open()

    def _submit(self, request: DraftRequest) -> None:
        with self._lock:
            self._open.add(request.key)
        try:
            self._engine.submit(request, _Candidate(self, request.key))
        except BaseException:
            with self._lock:
                self._open.discard(request.key)
            raise

    def _stop_open(self) -> bool:
        with self._lock:
            keys = list(self._open)
        stopped = [self._engine.cancel(key) for key in keys]
        return any(stopped)

    # -- on the engine's thread -----------------------------------------------------------------

    def on_progress(self) -> None:
        """A candidate advanced."""
        if not self._told:
            self._listener.on_progress()

    def on_finish(self, key: str, draft: FinishedDraft) -> None:
        """A candidate ended, or was read: choose it, wait for the others, or draw others."""
        left = self._close(key)
        if self._told:
            return
        if key in self._reading:
            likelihood = draft.log_likelihood if draft.finish_reason != "cancelled" else None
            key, draft = self._reading.pop(key)
        elif draft.finish_reason == "cancelled":
            if left == 0:
                self._tell(self._best() or draft, cancelled=True)
            return
        else:
            likelihood = None
            if self._read(key, draft):
                return
        self._compare(key, draft, likelihood, left)

    def _compare(self, key: str, draft: FinishedDraft, likelihood: float | None, left: int) -> None:
        judged = score(draft, self._constraints, self._weight, self._asked, likelihood)
        self._judged.append((judged, draft))
        if key.endswith(_AMENDED) and not judged.missed and not judged.degenerate:
            self._fallback = draft
        first, unwritten = key == self._request.key, key.endswith(_AMENDED)
        if judged.perfect and not self._cancelled:
            self._tell(draft)
            self._stop_open()
        elif not self._cancelled and ((unwritten and self._begun()) or (first and self._draw())):
            return
        elif left == 0:
            self._tell(self._best() or draft, cancelled=self._cancelled)

    def on_error(self, key: str, error: Exception) -> None:
        """A candidate failed; the draft does only if there is no other."""
        left = self._close(key)
        if not self._told and key in self._reading:
            self._compare(*self._reading.pop(key), None, left)
            return
        if self._told or left:
            return
        best = self._best()
        if best is None:
            self._told = True
            self._listener.on_error(error)
        else:
            self._tell(best, cancelled=self._cancelled)

    def _begun(self) -> bool:
        try:
            self._begin()
        except (EngineFull, EngineClosed, DuplicateKey):
            return False
        return True

    def _amended(self) -> FinishedDraft | None:
        """The draft before as the constraints want it; None where rules don't do."""
        assert self._asked is not None
        encode, most = self._engine.codec.encode, self._request.settings.max_new_tokens
        text = amended(self._asked.draft, self._constraints, self._asked.message, lambda text: len(encode(text)) < most)
        if text is None:
            return None
        ids = tuple(encode(text))
        prompt = len(self._request.history) + len(self._request.tail)
        return FinishedDraft(text, ids, "stop", Usage(prompt, 0, len(ids)), Timings(0.0, 0.0, 0.0, 0.0))

    def _close(self, key: str) -> int:
        with self._lock:
            self._open.discard(key)
            return len(self._open)

    def _draw(self) -> bool:
        """Ask for the further candidates. The second is as likely as can be in the other prompt, the rest are drawn by
        chance from both in turn; every other one is left to find the wanted words by itself, since words that are
        pushed in please the check and not the reader."""
        asked = self._request.settings
        drawn = 0
        for number in range(1, self._count):
            changes: dict[str, Any] = {"include": ()} if number % 2 else {}
            if number > 1 or self._anew is None:
                changes["temperature"] = max(asked.temperature, self._temperature)
                changes["top_p"] = min(asked.top_p, 0.95)
                changes["seed"] = asked.seed + number
            else:
                changes = {}
            request = replace(self._request, key=f"{self._request.key}#{number}", settings=replace(asked, **changes))
            if self._anew is not None and (number % 2 == 0) == self._anew_first:
                request = self._written_anew(request)
            try:
                self._submit(request)
            except (EngineFull, EngineClosed, DuplicateKey):
                break
            drawn += 1
        if self._cancelled:
            self._stop_open()
        return drawn > 0

    def _read(self, key: str, draft: FinishedDraft) -> bool:
        """Have the engine read the draft as the answer to the feedback. False: there is nothing to gain by that, or no
        room for it."""
        if not self._reads or self._cancelled or not draft.token_ids:
            return False
        if score(draft, self._constraints, self._weight, self._asked).degenerate:
            return False
        tail, count = self._request.tail + draft.token_ids, len(draft.token_ids)
        plain = DecodeSettings(max_new_tokens=1)
        request = replace(self._request, key=f"{key}~", tail=tail, read=count, settings=plain, fusion=None)
        self._reading[request.key] = (key, draft)
        try:
            self._submit(request)
        except (EngineFull, EngineClosed, DuplicateKey, PromptTooLong):
            del self._reading[request.key]
            return False
        return True

    def _written_anew(self, request: DraftRequest) -> DraftRequest:
        """The request without the feedback, in its prompt or for a fusion head."""
        assert self._anew is not None
        constraints = tuple(_ANSWER if one == _JSON else one for one in request.settings.constraints)
        settings = replace(request.settings, constraints=constraints)
        return replace(request, tail=self._anew, settings=settings, fusion=None)

    def _best(self) -> FinishedDraft | None:
        if self._fallback is not None:
            return self._fallback
        return max(self._judged, key=lambda one: one[0].value)[1] if self._judged else None

    def _tell(self, draft: FinishedDraft, cancelled: bool = False) -> None:
        self._told = True
        if draft.text:
            self._listener.on_delta(draft.text, list(draft.token_ids))
        self._listener.on_finish(replace(draft, finish_reason="cancelled") if cancelled else draft)


class _Candidate:
    """The engine's listener of one candidate."""

    def __init__(self, candidates: Candidates, key: str) -> None:
        self._candidates = candidates
        self._key = key

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        """Held back until one is chosen."""

    def on_progress(self) -> None:
        self._candidates.on_progress()

    def on_finish(self, draft: FinishedDraft) -> None:
        self._candidates.on_finish(self._key, draft)

    def on_error(self, error: Exception) -> None:
        self._candidates.on_error(self._key, error)
