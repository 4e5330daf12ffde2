"""The count of threads follows what the machine allows."""

from __future__ import annotations

import pytest

from services.models.llama.native import threads
from services.models.llama.native.threads import ThreadChoice


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


def test_fewer_threads_while_others_need_the_cores_and_all_again_after(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(threads, "time", clock)
    choice = ThreadChoice(2)

    def passes(count: int, seconds: dict[int, float]) -> list[int]:
        chosen = []
        for _ in range(count):
            with choice.timed(8) as used:
                clock.now += seconds[used]
            chosen.append(used)
        return chosen

    assert passes(40, {1: 2.0, 2: 1.0})[-10:].count(2) >= 9
    assert passes(60, {1: 2.0, 2: 9.0})[-10:].count(1) >= 9
    assert passes(300, {1: 2.0, 2: 1.0})[-10:].count(2) >= 9
