"""Who is let in, by figures that are a moment old and by what was let in since."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from services.common.errors import ResourceExhausted
from services.common.store import Request
from services.common.store.turn_reads import OpenTurns
from services.gateway import load as module
from services.gateway.load import Admitted, Load
from services.gateway.settings import GatewaySettings
from services.gateway.threads import Threads

_numbers = itertools.count()


class Line(Threads):
    """Threads in whose lines the first call has waited as long as a test says."""

    seconds: Mapping[str, float] = {}

    def waited(self, tenant: str) -> float:
        return self.seconds.get(tenant, 0.0)


@pytest.fixture
def line() -> Line:
    return Line(1)


@pytest.fixture
def load(line: Line) -> Load:
    settings = GatewaySettings(open_turns_per_tenant=10, open_turns=100, open_turns_least=8, turn_wait_seconds=1.0)
    made = Load(settings, None, line)  # type: ignore[arg-type]  # these tests look for themselves
    for tenant in ("loud", "other", "other-one", "t1"):
        made.allow(tenant, 10)
    return made


def admit(load: Load, tenant: str = "loud", name: str = "") -> Admitted:
    """A turn that was let in and stored."""
    request = Request("SendTurn", name or f"r{next(_numbers)}", "")
    admitted = load.admit(tenant, request)
    admitted.answered(created=True)
    return admitted


def look(load: Load, by_tenant: dict[str, int], waits: float = 0.0, *, generator_up: bool = True) -> None:
    """The figures as they stand now."""
    load.begin_look()
    load.take(OpenTurns(by_tenant, waits), generator_up)


def let_in(load: Load, tenant: str, most: int = 200) -> int:
    """How many turns of a tenant are let in before it is told to wait."""
    for number in range(most):
        try:
            admit(load, tenant)
        except ResourceExhausted:
            return number
    return most


def test_a_tenant_has_so_many_turns_and_its_quota_counts_instead(load: Load) -> None:
    assert let_in(load, "loud") == 10
    assert not load.allow("other", 3)
    assert let_in(load, "other") == 3
    load.ended("other")
    assert let_in(load, "other") == 1


def test_a_quota_that_was_raised_is_heard_of(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=lambda: 100.0)
    monkeypatch.setattr(module, "time", clock)
    load.allow("loud", 2)
    assert let_in(load, "loud") == 2
    clock.monotonic = lambda: 101.5
    assert let_in(load, "loud") == 1, "one asks the database"
    load.allow("loud", 5)
    assert let_in(load, "loud") == 2


def test_near_the_limit_the_database_counts(load: Load) -> None:
    assert [admit(load).near for _ in range(7)] == [False] * 5 + [True] * 2


def test_what_was_refused_or_known_before_leaves_no_trace(load: Load) -> None:
    for number in range(50):
        load.admit("loud", Request("SendTurn", f"x{number}", "")).answered(created=False)
    assert load.open_of("loud") == 0
    assert let_in(load, "loud") == 10


def test_a_repeated_request_is_let_in_at_the_limit(load: Load) -> None:
    admit(load, name="first")
    assert let_in(load, "loud") == 9
    load.admit("loud", Request("SendTurn", "first", "")).answered(created=False)
    with pytest.raises(ResourceExhausted):
        load.admit("loud", Request("SendTurn", "second", ""))


def test_a_look_counts_what_came_while_it_was_made_once(load: Load) -> None:
    admit(load)
    load.begin_look()
    admit(load)
    load.take(OpenTurns({"loud": 4}, 0.0), generator_up=True)
    assert load.open_of("loud") == 5, "four were read, one came since"


def test_turns_that_wait_long_for_a_generator_lower_the_limit_step_by_step(load: Load) -> None:
    open_turns = {f"t{number}": 9 for number in range(10)}
    for _ in range(30):
        look(load, open_turns, waits=3.0)
    with pytest.raises(ResourceExhausted) as refused:
        admit(load, "t1")
    assert refused.value.reason == "OVERLOADED"
    assert let_in(load, "quiet", most=1) == 1, "who has less than its share is let in"
    for _ in range(30):
        look(load, {"t1": 5})
    assert let_in(load, "t1") == 3, "eight are always let in"
    for total in (8, 9, 10, 20, 40, 80):
        look(load, {"t1": 5, "t2": total - 5}, waits=0.1)
    assert let_in(load, "t1") == 5, "the tenant's own limit is the only one again"


def test_without_a_generator_turns_wait_and_nobody_is_refused_for_it(load: Load) -> None:
    for _ in range(30):
        look(load, {"loud": 9, "other": 40}, waits=900.0, generator_up=False)
    assert let_in(load, "other-one") == 10


def test_a_line_that_stands_takes_no_more_of_who_stands_in_it(load: Load, line: Line) -> None:
    load.admit("loud", Request("SendTurn", "waits", ""))
    line.seconds = {"loud": 0.2}
    load.admit("loud", Request("SendTurn", "waits too", ""))
    line.seconds = {"loud": 0.3}
    with pytest.raises(ResourceExhausted) as refused:
        load.admit("loud", Request("SendTurn", "too many", ""))
    assert refused.value.reason == "OVERLOADED"
    load.admit("quiet", Request("SendTurn", "first", ""))


def test_all_turns_of_everybody_have_a_limit(load: Load) -> None:
    look(load, {f"t{number}": 10 for number in range(10)})
    with pytest.raises(ResourceExhausted):
        admit(load, "nobody yet")
