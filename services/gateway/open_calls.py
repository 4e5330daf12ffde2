"""Calls that last: each ends soon after its key does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import structlog

from services.common.errors import AntiphonError, PermissionDenied, Unauthenticated
from services.common.store import DATABASE_AWAY, Credential, Store
from services.gateway.threads import Threads

log = structlog.get_logger(__name__)
EVERY_SECONDS = 2.0  # a revoked key's streams end within five


@dataclass(eq=False)
class _Call:
    task: asyncio.Task[object]
    credential: Credential
    error: AntiphonError | None = None


class OpenCalls:
    """The streams of this gateway. One query every two seconds asks whether their keys and tenants are still good.

    While the database is away they go on. A token's streams end with its tenant alone: nobody can take a token back.
    """

    def __init__(self, store: Store, threads: Threads, every_seconds: float = EVERY_SECONDS) -> None:
        self._store = store
        self._threads = threads
        self._every = every_seconds
        self._calls: set[_Call] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look; on the loop."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @contextmanager
    def hold(self, credential: Credential) -> Iterator[None]:
        """Around a call that lasts, in its own task.

        Raises Unauthenticated or PermissionDenied out of whatever the call waits for, once its credential is good no
        more.
        """
        task = asyncio.current_task()
        assert task is not None, "a call runs in a task"
        call = _Call(task, credential)
        self._calls.add(call)
        try:
            yield
        except asyncio.CancelledError:
            if call.error is None:
                raise
            task.uncancel()
            raise call.error from None
        finally:
            self._calls.discard(call)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.look()
            except DATABASE_AWAY as error:
                log.warning("open_calls_not_checked", error=repr(error))
            except Exception:
                log.exception("open_calls_not_checked")

    async def look(self) -> None:
        """End the calls whose key or tenant is good no more."""
        calls = [call for call in self._calls if call.error is None]
        if not calls:
            return
        keys = {call.credential.key for call in calls if not call.credential.key.startswith("jwt:")}
        tenants = {call.credential.tenant for call in calls}
        ended = await self._threads.run(self._store.keys.ended_among, keys)
        disabled = await self._threads.run(self._store.tenants.disabled_among, tenants)
        for call in calls:
            if call.credential.tenant in disabled:
                call.error = PermissionDenied("the tenant is switched off", reason="TENANT_DISABLED")
            elif call.credential.key in ended:
                call.error = Unauthenticated("the API key is revoked or has expired")
            if call.error is not None and call in self._calls:
                call.task.cancel()
