"""When a call is made again and after how long, told on a clock that the test moves."""

import grpc
import pytest
from antiphon.errors import CallError, call_error
from antiphon.retry import Pool, Retries, RetryPolicy
from antiphon.status_details import StatusDetails, decode

DOWN = call_error(grpc.StatusCode.UNAVAILABLE, "down")
POLICY = RetryPolicy(patience=10.0, first=0.1, longest=1.0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def retries(clock: Clock, addresses: int = 1, timeout: float | None = None) -> Retries:
    return Retries(POLICY, addresses, timeout, clock, chance=lambda: 1.0)


def full(delay: float | None) -> CallError:
    return call_error(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", StatusDetails(retry_delay=delay))


def test_waits_double_up_to_the_longest(clock: Clock) -> None:
    going = retries(clock)
    assert [going.wait_after(DOWN) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_waits_vary(clock: Clock) -> None:
    shortest = Retries(POLICY, clock=clock, chance=lambda: 0.0)
    assert shortest.wait_after(DOWN) == 0.05


def test_every_address_is_tried_before_the_first_wait(clock: Clock) -> None:
    going = retries(clock, addresses=3)
    assert [going.wait_after(DOWN) for _ in range(7)] == [0.0, 0.0, 0.1, 0.2, 0.2, 0.2, 0.4]


def test_the_servers_delay_is_never_undercut(clock: Clock) -> None:
    assert retries(clock, addresses=3).wait_after(full(3.0)) >= 3.0


def test_patience_is_counted_from_the_first_failure_in_a_row(clock: Clock) -> None:
    going = retries(clock)
    going.wait_after(DOWN)
    clock.now += 9.0
    going.wait_after(DOWN)
    going.progressed()
    clock.now += 9.0
    assert going.wait_after(DOWN) == 0.1
    clock.now += 11.0
    with pytest.raises(CallError):
        going.wait_after(DOWN)


def test_no_wait_goes_beyond_the_timeout(clock: Clock) -> None:
    going = retries(clock, timeout=2.0)
    assert going.remaining() == 2.0
    going.wait_after(DOWN)
    clock.now += 1.5
    assert going.remaining() == 0.5
    with pytest.raises(CallError):
        going.wait_after(full(1.0))


def test_an_exhausted_resource_without_a_delay_is_final(clock: Clock) -> None:
    with pytest.raises(CallError):
        retries(clock).wait_after(full(None))


def test_an_internal_error_is_final_unless_a_turn_is_only_followed(clock: Clock) -> None:
    internal = call_error(grpc.StatusCode.INTERNAL, "bug")
    assert retries(clock).wait_after(internal, resuming=True) == 0.1
    with pytest.raises(CallError):
        retries(clock).wait_after(internal)


def test_the_pool_stays_with_what_works_and_moves_once_for_each_failure() -> None:
    pool = Pool("a:1, b:2", connect=str.upper)
    number, channel = pool.current()
    assert channel == "A:1"
    pool.failed(number)
    pool.failed(number)  # another thread saw the same failure
    assert pool.current()[1] == "B:2"
    pool.failed(pool.current()[0])
    assert pool.current() == (number, channel)


@pytest.mark.parametrize("trailer", [b"", b"\xff\xff\xff", b"\x1a\x05\x0a\x03abc"])
def test_a_broken_trailer_says_nothing(trailer: bytes) -> None:
    assert decode(trailer) == StatusDetails()
