"""The engine as a benchmarked program: sessions whose prompts are remembered, then decoded together."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from bench.heads import FEEDBACK, random_head, random_vectors, shipped_head
from bench.workers import Stopwatch, prompt_ids, serve
from services.generator.engine import DecodeSettings, DraftRequest, Engine, FinishedDraft, FusionInput
from services.generator.engine.backends.build import build_backend
from services.generator.engine.backends.slots import SlotBackend
from services.generator.settings import GeneratorSettings
from services.models.language_model import content_hash, find_model

_engines: dict[str, tuple[Engine, SlotBackend, str]] = {}
_runs = itertools.count()


class Waiting:
    """A listener that counts ends."""

    def __init__(self) -> None:
        self.drafts: list[FinishedDraft] = []
        self.errors: list[Exception] = []
        self._changed = threading.Condition()

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        pass

    def on_progress(self) -> None:
        pass

    def on_finish(self, draft: FinishedDraft) -> None:
        with self._changed:
            self.drafts.append(draft)
            self._changed.notify()

    def on_error(self, error: Exception) -> None:
        with self._changed:
            self.errors.append(error)
            self._changed.notify()

    def wait(self, count: int) -> list[FinishedDraft]:
        """All `count` drafts; raises the first error."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.drafts) + len(self.errors) >= count)
        if self.errors:
            raise self.errors[0]
        return self.drafts


def engine(kernel: str, **settings: Any) -> tuple[Engine, SlotBackend, str]:
    """The engine of a kernel setting, kept from question to question, its backend and its version."""
    key = f"{kernel} {settings}"
    if key not in _engines:
        for other, _, _ in _engines.values():
            other.close(drain=False)
        _engines.clear()
        chosen = GeneratorSettings(kernel=kernel, waiting_drafts=1000, **settings)  # type: ignore[arg-type]
        backend = build_backend(chosen)
        assert isinstance(backend, SlotBackend)
        version = content_hash(find_model(chosen.model, chosen.cache_dir), chosen.cache_dir)
        _engines[key] = (Engine(backend, waiting_limit=1000), backend, version)
    return _engines[key]


def measure(
    kernel: str,
    sessions: int,
    prompt: int,
    new: int,
    threads: int,
    fusion: bool = False,
    adapters: int = 0,
    followed: bool = False,
) -> dict[str, Any]:
    """Prefill the sessions' prompts (one token each), then continue all of them by `new` tokens; with `followed` each
    with the shipped head, whose vectors follow the draft token by token."""
    running, backend, version = engine(kernel, max_batch_size=32, context_limit=2048, compute_threads=threads)
    run = next(_runs)
    versions = [version]
    if adapters:
        from bench.adapters import load_random_adapters

        versions = load_random_adapters(running, backend, version, adapters)
    if fusion:
        running.apply(lambda b: b.load_head("bench", random_head(backend.hidden_size))).result()
    shipped = shipped_head(running, version) if followed else None
    prompts = [tuple(ids) for ids in prompt_ids(sessions, prompt)]
    laps: dict[str, float] = {}
    for phase, count in (("prefill", 1), ("decode", new)):
        waiting = Waiting()
        settings = DecodeSettings(max_new_tokens=count, min_new_tokens=count)
        watch = Stopwatch()
        for n, ids in enumerate(prompts):
            key = f"{run}-{phase}-{n}"
            chosen = versions[n % len(versions)]
            fused = FusionInput("bench", random_vectors(n)) if fusion else None
            fused = shipped.of(*FEEDBACK) if shipped else fused
            request = DraftRequest(key, "bench", f"{run}-{n}", chosen, ids, (), settings, fusion=fused)
            running.submit(request, waiting)
        drafts = waiting.wait(sessions)
        laps |= watch.lap(phase)
    reused = sum(draft.usage.reused for draft in drafts)
    assert reused >= sessions * (prompt - 1), "the sessions' memory was not used"
    return laps | {"kernel": backend.kernel}


if __name__ == "__main__":
    serve(measure)
