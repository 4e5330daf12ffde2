"""How much of the processor a piece of work takes."""

import gc
import itertools
import time
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object], enough: float = 0.0, times: int = 3) -> float:
    """
    Run the work up to `times` times and return the least CPU time of this thread that a run took, in seconds.

    It ends early when a run took at most `enough`. Collections of garbage, whose time grows with all that the process
    has alive, are put off meanwhile.
    """
    best = float("inf")
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(times):
            begun = time.thread_time()
            work()
            best = min(best, time.thread_time() - begun)
            if best <= enough:
                break
    finally:
        if collects:
            gc.enable()
    return best


def assert_grows_within(
    work: Callable[[str], object], short: str, long: str, times: float, room: float = 0.0, least: float = 0.0
) -> None:
    """
    Assert that the work on the long text takes at most `times` the CPU time of the work on the short one and `room`
    seconds, or `least` seconds.

    A run of the long text that is quick enough is its last: only a slow one, which a busy machine may explain, is
    repeated. Each run has blanks of its own behind its text, so that nothing of an earlier one is remembered.
    """
    blanks = itertools.count()
    before = cpu_seconds(lambda: work(short + " " * next(blanks)), times=2)
    most = max(times * before + room, least)
    after = cpu_seconds(lambda: work(long + " " * next(blanks)), enough=most)
    assert after <= most, f"{before:.3f} s for {len(short)} characters, then {after:.3f} s for {len(long)}"
