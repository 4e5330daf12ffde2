"""A run with several workers gives what shares a stack, or a file's fixtures, to one of them."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.spreading import group, pytest_xdist_make_scheduler

E2E, FAULTS, UNIT = "tests/e2e/test_http.py", "tests/faults/test_cancel.py", "tests/unit/cli/test_render.py"


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (f"{UNIT}::test_a", f"{UNIT}::test_b[x/y::z]", True),
        (f"{UNIT}::test_a", "tests/unit/cli/test_pages.py::test_a", False),
        (f"{UNIT}::test_a[redis]", f"{UNIT}::test_a[rabbitmq]", True),
        (f"{E2E}::test_a", "tests/e2e/test_talking.py::test_b", True),
        (
            "tests/integration/finetune/test_scope.py::test_a",
            "tests/integration/finetune/test_last_word.py::test_b",
            True,
        ),
        (f"{FAULTS}::test_a[redis]", f"{FAULTS}::test_b[redis-again]", True),
        (f"{FAULTS}::test_a[redis]", f"{FAULTS}::test_a[rabbitmq]", False),
    ],
)
def test_what_shares_is_one_group(one: str, other: str, together: bool) -> None:
    assert (group(one) == group(other)) is together


class Worker:
    """What a scheduling asks of a worker."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.shutting_down = False
        self.given: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def test_workers_get_whole_groups() -> None:
    tests = [f"{path}::test_{n}[redis]" for n in range(4) for path in (E2E, FAULTS, UNIT, "tests/e2e/test_openai.py")]
    options = {"dist": "loadgroup", "tx": ["2*popen"]}
    config: Any = SimpleNamespace(getvalue=options.get, option=SimpleNamespace(loadscopereorder=False))
    scheduling: Any = pytest_xdist_make_scheduler(config, None)
    workers = [Worker("a"), Worker("b")]
    for worker in workers:
        scheduling.add_node(worker)
        scheduling.add_node_collection(worker, tests)
    scheduling.schedule()
    places: dict[str, set[int]] = {}
    while any(worker.given for worker in workers):
        number = max((0, 1), key=lambda number: len(workers[number].given))
        index = workers[number].given.pop(0)
        places.setdefault(group(tests[index]), set()).add(number)
        scheduling.mark_test_complete(workers[number], index)
    assert sorted(map(len, places.values())) == [1, 1, 1]
    assert scheduling.tests_finished
