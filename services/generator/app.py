"""The generator put together: engine, queues, store; and its life from loading to draining."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from services.common import metrics
from services.common.bus import Bus, Consumer, Delivery, EventPublisher, topology
from services.common.bus.replay import replay_queue
from services.common.ids import new_id
from services.common.runtime import Runtime
from services.common.store import Document, Store
from services.generator.backends.base import Backend
from services.generator.backends.build import build_backend
from services.generator.drafting import StepEvents
from services.generator.engine import Engine
from services.generator.prompt import PromptBuilder
from services.generator.replaying import ReplayStep
from services.generator.settings import GeneratorSettings
from services.generator.soft_inputs import SoftInputs
from services.generator.steps import GenerateStep
from services.generator.versions import Versions
from services.models.chat import CHATML, ChatFormat, chat_format

if TYPE_CHECKING:
    from services.generator.fusion import FeedbackFusion, FusionLoader

log = structlog.get_logger(__name__)
ANNOUNCE_SECONDS = 3.0
SPARE_PREFETCH = 4  # messages beyond the rows, so that a freed row finds its next turn at once


def main() -> None:
    """Run a generator until SIGTERM, then let the drafts in work end."""
    settings = GeneratorSettings()
    with Runtime(settings, "generator") as runtime:
        Generator(settings).run(runtime)


class Generator:
    """One generator process."""

    def __init__(self, settings: GeneratorSettings) -> None:
        self._settings = settings
        self._worker = f"{settings.worker_name}-{new_id('w')[-8:]}"
        self._store = Store(settings, name="generator")
        self._store.prepare()
        self._bus = Bus(settings.broker_url, declares=settings.broker_declares)
        self._bus.declare([replay_queue(redis=self._bus.redis)])
        self._publisher = EventPublisher(self._bus)
        events = StepEvents(self._publisher)
        chat, identity, backend, fusion, loader, soft_inputs = self._model()
        self._engine = Engine(
            backend,
            waiting_limit=settings.waiting_drafts,
            prefill_ms=settings.prefill_ms,
            on_step_end=events.send,
        )
        self._identity = identity
        self._counted_tokens = 0
        prompts = PromptBuilder(
            self._engine.codec, chat, self._engine.context_limit, settings.system_text, settings.revision_wording
        )
        self._versions = Versions(
            self._store,
            self._engine,
            backend,
            identity["version_id"],
            settings.versions,
            loader,
            identity.get("fusion_head", ""),
        )
        self._step = GenerateStep(
            settings,
            self._store,
            self._bus,
            self._publisher,
            self._engine,
            prompts,
            events,
            self._versions,
            identity,
            fusion,
            soft_inputs,
        )
        self._replay = ReplayStep(self._store, self._engine, self._versions, self._step, self._publisher)

    def _model(
        self,
    ) -> tuple[ChatFormat, Document, Backend, FeedbackFusion | None, FusionLoader | None, SoftInputs]:
        """The chat format, the manifest's fields that don't change between turns, the loaded backend, the fusion head
        of revisions whose version has none, what loads versions' heads, and what makes soft tokens."""
        settings = self._settings
        backend = build_backend(settings, _log_progress)
        identity: Document = {
            "engine": settings.engine,
            "worker": self._worker,
            "tokenizer_hash": backend.codec.digest,
        }
        fusion: FeedbackFusion | None = None
        loader: FusionLoader | None = None
        soft_inputs = SoftInputs()
        if settings.engine == "echo":
            chat = CHATML
            identity |= {"version_id": "echo", "base_model": "echo", "dtype": "none", "kernels": "none"}
        else:
            from services.generator.fusion import FusionLoader
            from services.models.language_model import content_hash, find_model

            folder = find_model(settings.model, settings.cache_dir)
            chat = chat_format(folder)
            identity |= {
                "version_id": content_hash(folder, settings.cache_dir),
                "base_model": settings.model,
                "dtype": getattr(backend, "dtype", ""),
                "kernels": getattr(backend, "kernel", settings.kernel),
            }
            loader = FusionLoader(folder, identity["version_id"], backend.codec)
            if settings.fusion_head:
                fusion = loader.load(Path(settings.fusion_head), backend)
            identity["fusion_head"] = fusion.head if fusion else ""
            soft_inputs = SoftInputs.load(settings, identity["version_id"])
        template = json.dumps([chat.head_open, chat.head_close, chat.reply_open, chat.next_open])
        identity["template_hash"] = hashlib.sha256(template.encode()).hexdigest()[:16]
        return chat, identity, backend, fusion, loader, soft_inputs

    def run(self, runtime: Runtime) -> None:
        """Serve until the runtime is asked to stop, then drain."""
        redis = self._bus.redis
        rows = self._engine.capacity
        turns = Consumer(
            self._bus,
            topology.turn_queue(topology.GENERATE, redis=redis),
            self._step.handle,
            threads=8,
            prefetch=rows + SPARE_PREFETCH,
        )
        replays = Consumer(self._bus, replay_queue(redis=redis), self._replay.handle, threads=1, prefetch=1)
        control = Consumer(
            self._bus,
            topology.control_queue(f"control.{self._worker}"),
            self._control,
            threads=0,
            prefetch=0,
            acknowledge=False,
        )
        ended = threading.Event()
        announcer = threading.Thread(target=self._announce, args=(ended,), name="announce", daemon=True)
        control.start()
        self._versions.start()
        announcer.start()
        turns.start()
        replays.start()
        turns.connected.wait(30)
        runtime.ready()
        runtime.wait()
        self._step.drain()
        self._replay.drain()
        self._versions.stop()
        ended.set()
        self._versions.changed.set()
        announcer.join(5)
        self._store.serving.withdraw(self._worker)
        replays.stop(self._settings.drain_seconds)
        turns.stop(self._settings.drain_seconds)
        self._engine.close(drain=True, timeout=self._settings.drain_seconds)
        self._step.close()
        control.stop(1)
        self._publisher.close()
        self._bus.close()
        self._store.close()

    def _measure(self, generated_tokens: int) -> None:
        busy = min(self._step.in_work, self._engine.capacity)
        metrics.ROWS.labels("busy").set(busy)
        metrics.ROWS.labels("free").set(self._engine.capacity - busy)
        metrics.GENERATED_TOKENS.inc(generated_tokens - self._counted_tokens)
        self._counted_tokens = generated_tokens
        metrics.VERSION_SERVED.clear()
        served = {str(version) for one in self._versions.report() for version in one["versions"]}
        for version in {self._identity["version_id"], *served}:
            metrics.VERSION_SERVED.labels(version).set(1)

    def _control(self, delivery: Delivery) -> None:
        try:
            command = json.loads(delivery.body)
            self._step.control(command)
        finally:
            delivery.ack()

    def _announce(self, ended: threading.Event) -> None:
        while True:
            try:
                stats = self._engine.stats()
                self._measure(stats.generated_tokens)
                self._store.serving.announce(
                    self._worker,
                    {
                        "versions": [self._identity["version_id"]],
                        "tenants": self._versions.report(),
                        "base_model": self._identity["base_model"],
                        "rows": self._engine.capacity,
                        "busy": self._step.in_work,
                        "generated_tokens": stats.generated_tokens,
                    },
                )
            except Exception as error:
                log.warning("not_announced", error=repr(error))
            if self._versions.changed.wait(ANNOUNCE_SECONDS):  # a version was loaded: say so at once
                self._versions.changed.clear()
            if ended.is_set():
                return


def _log_progress(what: str, share: float) -> None:
    log.info("loading", what=what, share=round(share, 2))
