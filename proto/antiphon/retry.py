"""When a failed call is made again, where, and after how long: decisions without I/O, shared by both clients."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc

from antiphon.errors import CallError, call_error

C = TypeVar("C")

# A server that shuts down cancels what runs; whoever cancels locally never sees this code.
_REPEATABLE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
# What a stream may break with when a proxy or a worker thread dies; following on has no effect, so it is safe.
_RESUMABLE = _REPEATABLE | {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long the client tries by itself. Times are seconds.

    It gives up ``patience`` after the first failure in a row; 0 never retries. Waits double from ``first`` to
    ``longest`` with jitter and are never shorter than the delay that the server asks for. As long as there is
    an address that has not been tried, it is tried at once. ``limits``: whether to wait where a limit or a quota is
    reached; a program that calls for somebody else hands the delay on instead.
    """

    patience: float = 30.0
    first: float = 0.05
    longest: float = 2.0
    limits: bool = True


class Retries:
    """The failures of one call. ``timeout`` bounds the whole call, retries and waits included."""

    def __init__(
        self,
        policy: RetryPolicy,
        addresses: int = 1,
        timeout: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._policy = policy
        self._addresses = addresses
        self._clock = clock
        self._chance = chance
        self._deadline = None if timeout is None else clock() + timeout
        self._failures = 0
        self._failing_since = 0.0

    def remaining(self) -> float | None:
        """Seconds left of the timeout, None where there is none."""
        return None if self._deadline is None else max(0.0, self._deadline - self._clock())

    def progressed(self) -> None:
        """The call has moved on: patience starts anew."""
        self._failures = 0

    def wait_after(self, error: CallError, resuming: bool = False) -> float:
        """Seconds to wait before the next try. Raises ``error`` where there is no sense in another one.

        ``resuming``: the call only follows what the server has accepted.
        """
        if not self._transient(error, resuming):
            raise error
        now = self._clock()
        if self._failures == 0:
            self._failing_since = now
        self._failures += 1
        delay = self._delay(error)
        if now + delay > self._failing_since + self._policy.patience:
            raise error
        if self._deadline is not None and now + delay >= self._deadline:
            raise error
        return delay

    def _transient(self, error: CallError, resuming: bool) -> bool:
        if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return (
                self._policy.limits and error.retry_delay is not None
            )  # without a delay it is a message over gRPC's own limit
        return error.code in (_RESUMABLE if resuming else _REPEATABLE)

    def _delay(self, error: CallError) -> float:
        if error.retry_delay is None and self._failures < self._addresses:
            return 0.0
        rounds = min((self._failures - 1) // self._addresses, 16)
        backoff = min(self._policy.longest, self._policy.first * 2.0**rounds) * (0.5 + self._chance() / 2)
        return max(backoff, (error.retry_delay or 0.0) * (1.0 + self._chance() / 10))


def broken_stream() -> CallError:
    """The error of a stream that closed, or left something out, before its turn had ended."""
    return call_error(grpc.StatusCode.UNAVAILABLE, "the stream broke off before the turn had ended")


class Pool(Generic[C]):
    """One channel for each gateway, opened when first needed; the current one stays until it fails."""

    def __init__(self, addresses: str | Iterable[str], connect: Callable[[str], C]) -> None:
        given = addresses.split(",") if isinstance(addresses, str) else list(addresses)
        self.addresses = [address.strip() for address in given if address.strip()]
        if not self.addresses:
            raise ValueError("no gateway's address was given")
        self._connect = connect
        self._channels: dict[int, C] = {}
        self._current = 0
        self._lock = threading.Lock()

    def current(self) -> tuple[int, C]:
        """The channel to use, with the number by which ``failed`` knows it."""
        with self._lock:
            if self._current not in self._channels:
                self._channels[self._current] = self._connect(self.addresses[self._current])
            return self._current, self._channels[self._current]

    def failed(self, number: int) -> None:
        """Move on to the next gateway, unless another thread has done so."""
        with self._lock:
            if number == self._current:
                self._current = (number + 1) % len(self.addresses)

    def close(self) -> list[C]:
        """Forget the channels; the caller closes them."""
        with self._lock:
            channels = list(self._channels.values())
            self._channels.clear()
            return channels
