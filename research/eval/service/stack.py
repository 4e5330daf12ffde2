"""A whole product for one evaluation: the embedded stack in a temporary home, and what CPU time it takes."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from antiphon.client import Client
from antiphon.v1 import admin_pb2

from deploy.local.home import Home
from services.cli.stack import start, stop, wait_ready


class RunningStack:
    """The embedded stack while an evaluation runs."""

    def __init__(self, home: Home, address: str, key: str, mongo_url: str, supervisor: int) -> None:
        self.home = home
        self.address = address
        self.mongo_url = mongo_url
        self._key = key
        self._supervisor = supervisor

    def cpu_seconds(self) -> float:
        """Processor seconds that all of the stack's processes have taken so far."""
        supervisor = psutil.Process(self._supervisor)
        total = 0.0
        for process in [supervisor, *supervisor.children(recursive=True)]:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return total

    @contextmanager
    def tenant(self, name: str) -> Iterator[Client]:
        """A client with an operator's key of a new tenant of this name."""
        with Client(self.address, self._key) as owner:
            owner.admin.CreateTenant(admin_pb2.CreateTenantRequest(tenant_id=name, display_name=name))
            request = admin_pb2.CreateKeyRequest(tenant_id=name, role=admin_pb2.KEY_ROLE_OPERATOR)
            secret = owner.admin.CreateKey(request).secret
        with Client(self.address, secret, timeout=120.0) as client:
            yield client


@contextmanager
def running_stack(settings: Sequence[str]) -> Iterator[RunningStack]:
    """Start the stack with these ANTIPHON_ settings ("NAME=VALUE"), and end and erase it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="antiphon-eval-"))
    home = Home(folder)
    try:
        supervisor = start(home, settings=settings)
        wait_ready(home, supervisor, quiet=True)
        status = home.status()
        assert status is not None, "a stack that became ready has a status"
        endpoint = status["endpoint"]
        key = home.api_key() or ""
        yield RunningStack(home, endpoint["address"], key, endpoint["mongo"], status["supervisor"])
        stop(home)
    except BaseException:
        stop(home)
        raise
    else:
        shutil.rmtree(folder, ignore_errors=True)


def wait_until(condition: object, timeout_s: float, what: str) -> None:
    """Call the condition until it is true. Raises TimeoutError naming `what`."""
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took longer than {timeout_s:.0f} s")
        time.sleep(0.1)
