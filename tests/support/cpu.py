"""How much of the processor a piece of work takes."""

import gc
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
