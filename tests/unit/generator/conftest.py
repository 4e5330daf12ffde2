"""Listeners and small models for the engine's tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from services.generator.engine import DecodeSettings, DraftRequest, Engine, FinishedDraft


class Heard:
    """A listener that keeps what it heard and lets a test wait for the end."""

    def __init__(self) -> None:
        self.deltas: list[tuple[str, list[int]]] = []
        self.progress = 0
        self.draft: FinishedDraft | None = None
        self.error: Exception | None = None
        self.done = threading.Event()
        self.advanced = threading.Condition()

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        with self.advanced:
            self.deltas.append((text, token_ids))
            self.advanced.notify_all()

    def on_progress(self) -> None:
        with self.advanced:
            self.progress += 1
            self.advanced.notify_all()

    def on_finish(self, draft: FinishedDraft) -> None:
        self.draft = draft
        self.done.set()

    def on_error(self, error: Exception) -> None:
        self.error = error
        self.done.set()

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.deltas)

    def wait(self, seconds: float = 60.0) -> FinishedDraft:
        assert self.done.wait(seconds), "the draft did not end"
        if self.error is not None:
            raise self.error
        assert self.draft is not None
        return self.draft

    def wait_for_deltas(self, count: int, seconds: float = 60.0) -> None:
        with self.advanced:
            assert self.advanced.wait_for(lambda: len(self.deltas) >= count, seconds)


def ask(engine: Engine, key: str, text: str, tenant: str = "t", session: str = "", **settings: object) -> Heard:
    """Submit a user message to an engine without history."""
    heard = Heard()
    tail = engine.codec.encode(f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n")
    request = DraftRequest(
        key,
        tenant,
        session or key,
        "v",
        (),
        tuple(tail),
        DecodeSettings(**settings),  # type: ignore[arg-type]
    )
    engine.submit(request, heard)
    return heard


@pytest.fixture
def echo_engine() -> Iterator[Engine]:
    from services.generator.backends.echo import EchoBackend

    engine = Engine(EchoBackend(capacity=2))
    yield engine
    engine.close(drain=False)
