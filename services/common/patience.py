"""How long somebody waits for a long read: reads that may take long look up now and then, and end when nobody does."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from services.common.errors import ResourceExhausted

T = TypeVar("T")


@dataclass
class Patience:
    """``until``: on the monotonic clock; ``gone``: whoever asked has left."""

    until: float
    gone: bool = False

    def check(self) -> None:
        """Raises ResourceExhausted (TOO_LONG) once the time is over, or nobody waits any more."""
        if self.gone or time.monotonic() > self.until:
            why = "whoever asked has gone" if self.gone else "the read takes too long; ask for less of it"
            raise ResourceExhausted(why, retry_after=1.0, reason="TOO_LONG")


_FOR_EVER = Patience(float("inf"))
_patience: contextvars.ContextVar[Patience] = contextvars.ContextVar("patience", default=_FOR_EVER)


@contextmanager
def patient_for(seconds: float) -> Iterator[Patience]:
    """Within it ``waited`` and ``patience`` know how long the caller waits; contexts that are copied from it, too."""
    patience = Patience(time.monotonic() + seconds)
    token = _patience.set(patience)
    try:
        yield patience
    except BaseException:
        patience.gone = True
        raise
    finally:
        _patience.reset(token)


def patience() -> Patience:
    """Of the call that is being answered; endless where nobody has said."""
    return _patience.get()


def waited(items: Iterable[T]) -> Iterator[T]:
    """The items, as long as somebody waits for them."""
    patience = _patience.get()
    for item in items:
        patience.check()
        yield item
