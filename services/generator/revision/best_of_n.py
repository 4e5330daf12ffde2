"""Best of several drafts: a first one; where that fails, further ones, and the best of all by the feedback-aware score.

Before anything is written anew, the draft that the reader spoke of is changed no more than they asked: by rule where
rules do that (`amending`), else by sentences that the model writes into it (`infilling`). If one of these reads well,
it is the revision. What is written otherwise, `variants` says.

Masks, shape and head make a draft improbable, and how it was written does not tell how it reads. So each draft that is
not degenerate is read once by the model alone, without head and masks, in the conversation that its reader has: one
pass over its tokens, beside those of the other drafts.

Only the chosen draft is streamed, whole, when it is chosen. The drafts come from the same session, so that they share
their prompt in the engine's memory.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from services.common.constraints import check
from services.generator.engine import (
    DraftEngine,
    DraftListener,
    DraftRequest,
    DuplicateKey,
    EngineClosed,
    EngineFull,
    FinishedDraft,
    PromptTooLong,
    Timings,
    Usage,
)
from services.generator.revision.beam_draft import submit
from services.generator.revision.edit_plan import EditPlan
from services.generator.revision.policy import RevisionPolicy
from services.generator.revision.scoring import Score, score
from services.generator.revision.variants import Candidate, Variants, reading_of

_EMPTY = FinishedDraft("", (), "cancelled", Usage(0, 0, 0), Timings(0.0, 0.0, 0.0, 0.0))
_REFUSED = (EngineFull, EngineClosed, DuplicateKey, PromptTooLong)


class BestOfN:
    """The candidates for one draft, of which `listener` hears one."""

    def __init__(
        self, engine: DraftEngine, request: DraftRequest, listener: DraftListener, policy: RevisionPolicy
    ) -> None:
        self._engine = engine
        self._request = replace(request, settings=replace(request.settings, scored=True))
        self._listener = listener
        self._policy = policy
        self._variants = Variants(self._request, policy)
        self._changes: EditPlan | None = None
        if policy.reading and policy.context is not None and (policy.amending or policy.infilling):
            self._changes = EditPlan(self._request, policy, policy.context, engine.codec.encode)
        self._writing = False  # anew, that is, no longer changing the draft before
        self._reading: dict[str, tuple[str, FinishedDraft]] = {}
        self._lock = threading.Lock()
        self._open: set[str] = set()
        self._waiting: list[Candidate] = []
        self._judged: list[tuple[Score, FinishedDraft]] = []
        self._changed: list[tuple[Score, FinishedDraft]] = []  # of the judged those that keep the draft before
        self._cancelled = False
        self._told = False
        self.chosen: Score | None = None
        """How the draft that the listener heard was judged."""

    def submit(self) -> None:
        """Ask the engine for the first; raises what Engine.submit raises."""
        if not self._change():
            self._begin()

    def _change(self) -> bool:
        """Go on to the next way to change the draft before that there is. False: there is none, or no room for it."""
        if self._changes is None:
            return False
        while texts := self._changes.next_texts():
            readings = [reading for key, draft in texts if (reading := self._to_read(key, draft)) is not None]
            if readings:
                return self._start(readings)
        sentences = [Candidate(request) for request in self._changes.sentences()]
        return bool(sentences) and self._start(sentences)

    def _begin(self) -> None:
        self._writing = True
        self._submit(self._variants.first())

    def cancel(self) -> bool:
        """Stop all; the listener hears a cancelled draft. False: none is open."""
        self._cancelled = True
        return self._stop_open()

    def _submit(self, candidate: Candidate) -> None:
        with self._lock:
            self._open.add(candidate.key)
        try:
            submit(self._engine, candidate.request, _CandidateListener(self, candidate.key), candidate.beams)
        except BaseException:
            with self._lock:
                self._open.discard(candidate.key)
            raise

    def _start(self, candidates: Sequence[Candidate]) -> bool:
        """Ask for the first of the candidates; the engine's thread asks for the others, so that none of them can end
        before all are known."""
        self._waiting = list(candidates[1:])
        try:
            self._submit(candidates[0])
        except _REFUSED:
            self._waiting = []
            return False
        return True

    def _submit_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._submit_all([] if self._cancelled else waiting)

    def _submit_all(self, candidates: Sequence[Candidate]) -> bool:
        """Ask for as many of the candidates as there is room for; False: for none. On the engine's thread alone."""
        submitted = False
        for candidate in candidates:
            try:
                self._submit(candidate)
            except _REFUSED:
                break
            submitted = True
        if self._cancelled:
            self._stop_open()
        return submitted

    def _stop_open(self) -> bool:
        with self._lock:
            keys = list(self._open)
        stopped = [self._engine.cancel(key) for key in keys]
        return any(stopped)

    # -- on the engine's thread -----------------------------------------------------------------

    def on_progress(self) -> None:
        """A candidate advanced."""
        self._submit_waiting()
        if not self._told:
            self._listener.on_progress()

    def on_finish(self, key: str, draft: FinishedDraft) -> None:
        """A candidate ended, or was read: choose it, wait for the others, or draw others."""
        self._submit_waiting()
        left = self._close(key)
        if self._told:
            return
        sentence = self._changes is not None and self._changes.holds(key)
        if key in self._reading:
            likelihood = draft.log_likelihood if draft.finish_reason != "cancelled" else None
            self._compare(*self._reading.pop(key), likelihood, left)
        elif draft.finish_reason == "cancelled":
            if left == 0:
                self._tell_best(replace(draft, text="", token_ids=()) if sentence else draft)
        elif sentence and self._changes is not None:
            filled = self._changes.filled(key, draft)
            if filled is None or not self._read(f"{key}!", filled):
                self._changed_all(left)
        elif not self._read(key, draft):
            self._compare(key, draft, None, left)

    def on_error(self, key: str, error: Exception) -> None:
        """A candidate failed; the draft does only if there is no other."""
        self._submit_waiting()
        left = self._close(key)
        if self._told:
            return
        if key in self._reading:
            self._compare(*self._reading.pop(key), None, left)
        elif not self._writing:
            self._changed_all(left)
        elif left == 0:
            self._tell_best(error)

    def _compare(self, key: str, draft: FinishedDraft, likelihood: float | None, left: int) -> None:
        """Judge a draft that was read, or can't be, and go on by that."""
        judged = self._score(draft, likelihood)
        self._judged.append((judged, draft))
        if not self._writing:
            self._changed.append((judged, draft))
            self._changed_all(left)
        elif judged.perfect and not self._cancelled:
            self._tell(judged, draft)
            self._stop_open()
        elif key == self._request.key and not self._cancelled and self._submit_all(self._variants.further()):
            return
        elif left == 0:
            self._tell_best()

    def _changed_all(self, left: int) -> None:
        """One of the drafts that keep the one before is done: where it was the last one, the best of them is the
        revision if it is good, and it is changed otherwise, or others are written, if not."""
        if left:
            return
        good = [judged for judged in self._changed if judged[0].perfect]
        if good and not self._cancelled:
            self._tell(*max(good, key=lambda judged: judged[0].value))
        elif self._cancelled:
            self._tell_best(_EMPTY)
        elif not self._change():
            try:
                self._begin()
            except _REFUSED as error:
                self._tell_best(error)

    def _score(self, draft: FinishedDraft, read: float | None = None) -> Score:
        return score(draft, self._policy.constraints, self._policy.weight, self._policy.context, read)

    def _close(self, key: str) -> int:
        with self._lock:
            self._open.discard(key)
            return len(self._open)

    # -- reading and telling -----------------------------------------------------------------------

    def _to_read(self, key: str, draft: FinishedDraft) -> Candidate | None:
        """What has a draft read as the answer to the feedback; None where there is nothing to gain by that."""
        if not self._policy.reading or self._cancelled or not draft.token_ids:
            return None
        if self._score(draft).degenerate:
            return None
        reading = Candidate(reading_of(self._request, f"{key}~", draft.token_ids))
        self._reading[reading.key] = (key, draft)
        return reading

    def _read(self, key: str, draft: FinishedDraft) -> bool:
        """Have a draft read. False: there is no use or no room for that."""
        reading = self._to_read(key, draft)
        if reading is None:
            return False
        try:
            self._submit(reading)
        except _REFUSED:
            del self._reading[reading.key]
            return False
        return True

    def _tell_best(self, otherwise: FinishedDraft | Exception | None = None) -> None:
        """Tell the best draft there is, a draft that keeps the one before and does what was asked rather than written
        ones that read badly too; `otherwise` where none was judged."""
        kept = [judged for judged in self._changed if not judged[0].missed and not judged[0].degenerate]
        if self._judged:
            self._tell(*max(kept or self._judged, key=lambda judged: judged[0].value))
        elif isinstance(otherwise, FinishedDraft):
            self._tell(None, otherwise)
        elif otherwise is not None:
            self._told = True
            self._listener.on_error(otherwise)

    def _tell(self, judged: Score | None, draft: FinishedDraft) -> None:
        if judged is not None and not self._cancelled:
            judged, draft = self._at_least_kept(judged, draft)
        self._told, self.chosen = True, judged
        if draft.text:
            self._listener.on_delta(draft.text, list(draft.token_ids))
        self._listener.on_finish(replace(draft, finish_reason="cancelled") if self._cancelled else draft)

    def _at_least_kept(self, judged: Score, draft: FinishedDraft) -> tuple[Score, FinishedDraft]:
        """The draft, or the one before as far as rules change it, where that misses no more and this one is worse than
        nothing: it repeats itself, invents values, or does none of what the rules left undone."""
        context = self._policy.context
        if context is None or not context.kept or draft.text == context.kept:
            return judged, draft
        ids = tuple(self._engine.codec.encode(context.kept))
        kept = replace(draft, text=context.kept, token_ids=ids, finish_reason="stop")
        missed = sum(not check(constraint, context.kept) for constraint in self._policy.constraints)
        if not judged.degenerate and judged.missed < missed:
            return judged, draft
        return Score(judged.value, missed, False), kept


class _CandidateListener:
    """The engine's listener of one candidate."""

    def __init__(self, candidates: BestOfN, key: str) -> None:
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
