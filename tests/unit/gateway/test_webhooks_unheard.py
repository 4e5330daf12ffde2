"""Where nobody asks to be told, what happens is not looked through every second; whoever asks is heard at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.common.store import Store
from services.gateway.settings import GatewaySettings
from services.gateway.webhooks import delivering
from services.gateway.webhooks.delivering import ANYWAY_SECONDS, MARKS_SECONDS, Delivering


class Clock:
    """A monotonic clock that is set by hand."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(delivering, "time", clock)
    return clock


@pytest.fixture
def hooks() -> dict[str, bool]:
    return {"on": False}


@pytest.fixture
def sends(clock: Clock, hooks: dict[str, bool]) -> Delivering:
    store: Any = SimpleNamespace(webhooks=SimpleNamespace(any_on=lambda: hooks["on"]))
    return Delivering(cast(Store, store), GatewaySettings())


def looks(sends: Delivering, clock: Clock, seconds: int) -> int:
    """How many of so many looks, one a second, go through everything."""
    count = 0
    for _ in range(seconds):
        clock.now += 1
        count += sends.wanted()
    return count


def test_without_a_webhook_all_is_looked_at_once_a_minute(sends: Delivering, clock: Clock) -> None:
    looks(sends, clock, int(MARKS_SECONDS))  # one that was on when the process before this one ended
    assert looks(sends, clock, 600) <= 600 / ANYWAY_SECONDS


def test_a_webhook_is_heard_in_the_look_after_it_was_made_and_its_last_marks_after_it_was_switched_off(
    sends: Delivering, clock: Clock, hooks: dict[str, bool]
) -> None:
    looks(sends, clock, 100)
    hooks["on"] = True
    assert looks(sends, clock, 20) == 20
    hooks["on"] = False
    assert looks(sends, clock, int(MARKS_SECONDS) - 1) == MARKS_SECONDS - 1
    assert looks(sends, clock, 30) <= 1
