"""Which tests go to the same worker of a run that has several: those that share what takes long to start.

pytest-xdist's own groups come to nothing with pytest 9.2: it writes them into ids that pytest does not read any more.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

SHARES = 2  # of the fault stories on a broker
# Folders whose files share a running stack.
TOGETHER = ("tests/e2e/", "tests/integration/finetune/")


def group(nodeid: str) -> str:
    """
    Return the group of a test: its file.

    The tests of a folder that shares a stack are one group. The fault stories on a broker are two, which keep their
    stacks.
    """
    path, _, test = nodeid.partition("::")
    shared = next((folder for folder in TOGETHER if path.startswith(folder)), "")
    if shared:
        return shared
    folder, _, file = path.removeprefix("tests/").partition("/")
    broker = next((broker for broker in ("rabbitmq", "redis") if broker in test.partition("[")[2]), "")
    if folder == "faults" and broker:
        return f"{folder}-{broker}-{sum(file.encode()) % SHARES}"
    return path


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a whole group to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> GroupScheduling | None:
    """Spread by these groups where the run asks for groups."""
    return GroupScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None
