"""What the engine counts of itself: totals since the start and gauges of the moment."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EngineStats:
    """A snapshot. Times are seconds; `step_*` describe the last step, the rest totals since the start."""

    waiting: int
    rows: int
    capacity: int
    steps: int
    step_seconds: float
    step_rows: int
    prompt_tokens: int
    reused_tokens: int
    generated_tokens: int
    prefill_seconds: float
    decode_seconds: float
    finished: int
    cancelled: int
    failed: int
    queue_seconds: float
    backend: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Counters:
    """The engine thread's own running totals, from which snapshots are made."""

    steps: int = 0
    step_seconds: float = 0.0
    step_rows: int = 0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    generated_tokens: int = 0
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0
    finished: int = 0
    cancelled: int = 0
    failed: int = 0
    queue_seconds: float = 0.0

    def snapshot(self, waiting: int, rows: int, capacity: int, backend: dict[str, float]) -> EngineStats:
        """The totals with the gauges given."""
        return EngineStats(
            waiting=waiting,
            rows=rows,
            capacity=capacity,
            steps=self.steps,
            step_seconds=self.step_seconds,
            step_rows=self.step_rows,
            prompt_tokens=self.prompt_tokens,
            reused_tokens=self.reused_tokens,
            generated_tokens=self.generated_tokens,
            prefill_seconds=self.prefill_seconds,
            decode_seconds=self.decode_seconds,
            finished=self.finished,
            cancelled=self.cancelled,
            failed=self.failed,
            queue_seconds=self.queue_seconds,
            backend=backend,
        )
