"""The sequences in work: what the engine thread does with them in one pass."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from services.generator.decoding.settings import DecodeSettings
from services.generator.engine.batch import prefill_batch, step_batch
from services.generator.engine.branches import Branches
from services.generator.engine.detokenizer import Detokenizer
from services.generator.engine.errors import DuplicateKey
from services.generator.engine.output import OutputProcessor
from services.generator.engine.prefill_budget import PrefillBudget
from services.generator.engine.request import DraftListener
from services.generator.engine.request_queue import RequestQueue
from services.generator.engine.sequence import Sequence
from services.generator.engine.stats import Counters

if TYPE_CHECKING:
    from services.generator.engine.backend import Backend

log = logging.getLogger(__name__)
COMFORT_SECONDS = 0.25


class Scheduler:
    """All open drafts by key, those of them that have a row, and the line of those that wait for one.

    Only the engine thread calls the methods; `open` and `queue` are shared with other threads under `lock`.
    """

    def __init__(self, backend: Backend, lock: threading.Condition, waiting_limit: int, budget: PrefillBudget) -> None:
        self._backend = backend
        self._lock = lock
        self._budget = budget
        self._comforted = 0.0
        self.queue = RequestQueue(waiting_limit)
        self.running: list[Sequence] = []
        self.open: dict[str, Sequence] = {}
        self._branching: dict[Sequence, Branches] = {}  # by the draft's own row
        self.counters = Counters()
        self.output = OutputProcessor(backend, self.counters, self._leave)

    def advance(self) -> None:
        """One pass: let cancelled drafts end, admit waiting ones, compute a chunk of prompts, take a step."""
        self.output.spoke = False
        self._drop_cancelled()
        self._admit()
        self._prefill()
        self._step()
        self._comfort()

    def fork(self, key: str, other: str, listener: DraftListener, settings: DecodeSettings | None) -> bool:
        """Open `other` beside the open draft `key`; see `Engine.fork`."""
        source = self.open.get(key)
        if other in self.open:
            raise DuplicateKey(f"draft {other} is open already")
        if source is None or source not in self.running or source.branches or not self._free():
            return False
        request = replace(source.request, key=other, settings=settings or source.request.settings)
        sequence = Sequence(request, listener, Detokenizer(self._backend.codec, request.settings.stop))
        sequence.ids, sequence.prompt_length = list(source.ids), source.prompt_length
        sequence.log_likelihood = source.log_likelihood
        if not self._backend.fork(source, sequence):
            return False
        sequence.admitted_at = sequence.submitted_at
        with self._lock:
            self.open[other] = sequence
            self.running.append(sequence)
        self.output.show(sequence, "".join(sequence.text.push(token) for token in sequence.generated))
        return True

    def _drop_cancelled(self) -> None:
        with self._lock:
            dropped = self.queue.remove(lambda sequence: sequence.cancelled)
        for sequence in dropped:
            self.output.finish(sequence, "cancelled")
        for lead in [lead for lead in self._branching if lead.cancelled]:
            self.output.finish(lead, "cancelled")
        for sequence in [sequence for sequence in self.running if sequence.cancelled]:
            self.output.finish(sequence, "cancelled")

    def _free(self) -> int:
        """Sequences that nobody has or may come to need."""
        reserved = sum(branches.reserved for branches in self._branching.values())
        return self._backend.capacity - len(self.running) - reserved

    def _needs(self, sequence: Sequence) -> int:
        branching = sequence.request.branching
        return branching.width if branching is not None else 1

    def _admit(self) -> None:
        working = Counter(sequence.request.tenant for sequence in self.running)
        while free := self._free():
            failed: list[tuple[Sequence, Exception]] = []
            large: list[Sequence] = []  # whose turn it is, and who waits for more rows: nobody passes them

            def admit(sequence: Sequence) -> bool:
                if large or self._needs(sequence) > free:  # noqa: B023  (used within this pass only)
                    large.append(sequence)  # noqa: B023
                    return False
                try:
                    return self._backend.admit(sequence)
                except Exception as error:
                    failed.append((sequence, error))  # noqa: B023
                    return True

            with self._lock:
                taken = self.queue.take(admit, working)
            for sequence, error in failed:
                self.output.fail(sequence, error)
            if taken is None:
                return
            if failed:
                continue
            taken.admitted_at = time.monotonic()
            self.counters.queue_seconds += taken.admitted_at - taken.submitted_at
            self.counters.prompt_tokens += taken.prompt_length
            self.counters.reused_tokens += taken.reused
            self.running.append(taken)
            if taken.request.branching is not None:
                self._branching[taken] = Branches(taken, self._backend)
            working[taken.request.tenant] += 1

    def _prefill(self) -> None:
        sequences = [sequence for sequence in self.running if not sequence.ready]
        if not sequences:
            return
        sequences.sort(key=lambda sequence: sequence.missing)  # the shortest first: most replies start soonest
        started = time.monotonic()
        budget = self._budget.tokens(alone=len(sequences) == len(self.running))
        before = [sequence.known for sequence in sequences]
        done = prefill_batch(self._backend, sequences, budget, self._fail)
        seconds = time.monotonic() - started
        self._budget.learn(done, seconds)
        self.counters.prefill_seconds += seconds
        for sequence, known in zip(sequences, before, strict=True):
            if sequence.known > known:
                self.output.tell(sequence, sequence.listener.on_progress)

    def _step(self) -> None:
        sequences = [sequence for sequence in self.running if sequence.ready and not sequence.cancelled]
        if not sequences:
            return
        started = time.monotonic()
        for sequence in sequences:
            sequence.ready_at = sequence.ready_at or started
        answers = step_batch(self._backend, sequences, self._fail)
        seconds = time.monotonic() - started
        self.counters.steps += 1
        self.counters.step_rows = len(sequences)
        self.counters.step_seconds = seconds
        self.counters.decode_seconds += seconds
        for sequence, ids in answers:
            if sequence.branches is None:
                self.output.emit(sequence, ids)
        for branches in [branches for branches in self._branching.values() if branches.lead.ready]:
            self._branch(branches)

    def _branch(self, branches: Branches) -> None:
        """Have a draft that branches take its step; end it where nothing goes on."""
        lead = branches.lead
        lead.first_at = lead.first_at or time.monotonic()
        before = branches.working
        try:
            goes_on = branches.advance()
        except Exception as error:
            log.exception("a draft that branches failed")
            self._fail(lead, error)
            return
        with self._lock:
            self.running = [sequence for sequence in self.running if sequence not in before] + branches.working
        self.counters.generated_tokens += 1
        self.output.tell(lead, lead.listener.on_progress)
        if not goes_on:
            self.output.finish(lead, "stop")

    def _fail(self, sequence: Sequence, error: Exception) -> None:
        lead = sequence if sequence.branches is None else sequence.branches.lead
        if self.open.get(lead.request.key) is lead:
            self.output.fail(lead, error)

    def _comfort(self) -> None:
        """Say to those who wait for a row or for their prompt's turn that the engine moves: it comes to them.

        Their leases would end otherwise, and five times so in a long line would be a failure without a fault.
        """
        now = time.monotonic()
        if not self.running or now - self._comforted < COMFORT_SECONDS:
            return
        self._comforted = now
        with self._lock:
            waiting = self.queue.waiting()
        for sequence in [*waiting, *(sequence for sequence in self.running if not sequence.ready)]:
            self.output.tell(sequence, sequence.listener.on_progress)

    def _leave(self, sequence: Sequence, keep: bool) -> None:
        branches = self._branching.pop(sequence, None)
        gone = [sequence] if branches is None and sequence in self.running else []
        for member in gone:
            self._backend.release(member, keep)
        gone += branches.release(keep) if branches is not None else []
        with self._lock:
            self.running = [member for member in self.running if member not in gone]
            self.open.pop(sequence.request.key, None)
