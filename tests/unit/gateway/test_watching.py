"""What a watcher has not been told yet is put together, bounded, and never silently lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from services.common.errors import ResourceExhausted
from services.common.store.changes import Change
from services.gateway import watching
from services.gateway.watching import Watcher, Watching


def _quiet(stopping: threading.Event) -> Iterator[Change | None]:
    stopping.wait()
    yield None


def test_however_many_end_users_watch_there_is_room_for_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_OF_TENANT", 8)
    store: Any = SimpleNamespace(changes=SimpleNamespace(follow=_quiet))

    async def story() -> None:
        feed = Watching(store)
        with ExitStack() as open_streams:
            for number in range(6):
                open_streams.enter_context(feed.watch("a", f"s{number}", end_user=True))
            with pytest.raises(ResourceExhausted):
                open_streams.enter_context(feed.watch("a", "s7", end_user=True))
            for _ in range(2):
                open_streams.enter_context(feed.watch("a"))
            with pytest.raises(ResourceExhausted):
                open_streams.enter_context(feed.watch("a"))
            open_streams.enter_context(feed.watch("b", "s1", end_user=True))

    asyncio.run(story())


def test_changes_of_a_session_come_together_and_a_text_gives_way_to_what_says_more() -> None:
    async def story() -> None:
        watcher = Watcher("a", "")
        watcher.take(Change("a", "s1", "t1", "one"))
        watcher.take(Change("a", "s1", "t1", "one two"))
        watcher.take(Change("a", "s2"))
        watcher.take(Change("a", "s2", "t2", "three"))
        seen = await watcher.next()
        assert (seen.anew, seen.changed, {name: one.text for name, one in seen.grown.items()}) == (
            False,
            {"s2"},
            {"s1": "one two"},
        )
        watcher.take(Change("a", "s1", "t1", "one two three"))
        watcher.take(Change("a", "s1"))
        seen = await watcher.next()
        assert (seen.changed, seen.grown) == ({"s1"}, {})

    asyncio.run(story())


def test_who_falls_behind_is_told_to_read_anew() -> None:
    async def story() -> None:
        watcher = Watcher("a", "")
        for number in range(3 * watching.MOST_WAITING):
            watcher.take(Change("a", f"s{number}"))
            assert len(watcher._seen) <= watching.MOST_WAITING
        assert (await watcher.next()).anew

    asyncio.run(story())


def test_a_quiet_time_ends_with_nothing_and_other_sessions_are_none_of_its_business() -> None:
    async def story() -> None:
        watcher = Watcher("a", "s1")
        watcher.take(Change("a", "s2"))
        pause, watching.QUIET_SECONDS = watching.QUIET_SECONDS, 0.01
        try:
            seen = await watcher.next()
        finally:
            watching.QUIET_SECONDS = pause
        assert not seen.anew
        assert len(seen) == 0

    asyncio.run(story())
