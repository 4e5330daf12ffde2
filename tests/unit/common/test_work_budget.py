"""Work that computes too long is stopped, in its own thread, and nothing else is."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.common.work_budget import OverBudget, WorkBudget
from tests.support.waiting import wait_until


def spin(seconds: float) -> str:
    """Compute for so long."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return "done"


def swallow_errors(seconds: float) -> str:
    """Compute for so long and take every error for one's own."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        try:
            int("no number")
        except Exception:
            continue
    return "done"


@pytest.mark.parametrize(
    "endless", [lambda: spin(600), lambda: swallow_errors(600), lambda: [spin(0.01) for _ in iter(int, 1)]]
)
def test_what_does_not_end_is_stopped_and_the_thread_works_on(endless: object) -> None:
    budget = WorkBudget(0.2)
    begun = time.thread_time()
    with pytest.raises(OverBudget):
        budget.run(endless)  # type: ignore[arg-type]
    assert time.thread_time() - begun < 60
    assert budget.run(lambda: "goes on") == "goes on"


def test_waiting_takes_nothing_from_the_budget() -> None:
    budget = WorkBudget(0.05)
    assert budget.run(lambda: threading.Event().wait(0.3)) is False


def test_what_is_done_once_for_all_is_at_nobodys_expense() -> None:
    budget = WorkBudget(0.2)

    def load_and_read() -> str:
        with budget.paused():
            spin(0.5)
        return spin(0.01)

    assert budget.run(load_and_read) == "done"
    with pytest.raises(OverBudget):
        budget.run(lambda: (load_and_read(), spin(600)))


def test_errors_and_results_are_the_works_own() -> None:
    budget = WorkBudget(5)
    with pytest.raises(ZeroDivisionError):
        budget.run(lambda: 1 // 0)
    assert budget.run(lambda: None) is None


def test_only_the_thread_that_computes_too_long_is_stopped() -> None:
    budget = WorkBudget(0.2)
    with ThreadPoolExecutor(4) as pool:
        long = [pool.submit(budget.run, lambda: spin(600)) for _ in range(2)]
        short = [pool.submit(budget.run, lambda: spin(0.001)) for _ in range(200)]
        assert all(one.result() == "done" for one in short)
        for one in long:
            with pytest.raises(OverBudget):
                one.result()
        # nothing is left over that would stop what the same threads do next
        assert [one.result() for one in [pool.submit(spin, 0.1) for _ in range(8)]] == ["done"] * 8


HANGS = """
import re, threading
from services.common.work_budget import end_when_hung
end_when_hung(threading.Event(), 1.0)
print("begun", flush=True)
re.match("(a|aa)+$", "a" * 200 + "b")
"""


def test_a_process_that_hangs_outside_the_interpreter_is_ended() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "begun\n"
    assert done.returncode != 0
    assert "Timeout" in done.stderr


def test_it_watches_again_after_a_time_without_work() -> None:
    budget = WorkBudget(0.1)
    budget.run(lambda: None)
    wait_until(lambda: not budget.watching)
    with pytest.raises(OverBudget):
        budget.run(lambda: spin(600))
