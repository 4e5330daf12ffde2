"""The generator put together: engine, queues, store; and its life from loading to draining."""

from __future__ import annotations

import json
import threading
from functools import partial

import structlog

from services.common import metrics
from services.common.bus import Bus, Consumer, Delivery, EventPublisher, start_all, topology
from services.common.bus.replay import replay_queue
from services.common.ids import new_id
from services.common.runtime import Runtime
from services.common.store import Store
from services.generator.prompt.builder import PromptBuilder
from services.generator.settings import GeneratorSettings
from services.generator.turns.active_draft import StepEvents
from services.generator.turns.composed import ReplyComposer
from services.generator.turns.correction_composer import CorrectionComposer
from services.generator.turns.corrections import CorrectionDesk
from services.generator.turns.draft_plan import DraftPlanner
from services.generator.turns.evidence_composer import EvidenceComposer, policy_of, reply_policy
from services.generator.turns.generate_step import GenerateStep
from services.generator.turns.lead_composer import LeadComposer
from services.generator.turns.loading import start_engine
from services.generator.turns.replay import ReplayStep
from services.generator.turns.revision_composer import RevisionComposer
from services.generator.turns.state_composer import StateComposer
from services.generator.turns.version_cache import VersionCache

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
        self._engine, loaded = start_engine(settings, self._worker, events.send)
        self._identity = loaded.identity
        self._counted_tokens = 0
        prompts = PromptBuilder(
            self._engine.codec,
            loaded.chat,
            self._engine.context_limit,
            settings.system_text,
            settings.note_sentences,
            tokenizer=self._identity["tokenizer_hash"],
            words_tools=settings.engine != "upstream",
        )
        self._versions = VersionCache(
            self._store,
            self._engine,
            self._identity["version_id"],
            settings.versions,
            loaded.loader,
            self._identity.get("fusion_head", ""),
        )
        self._desk = CorrectionDesk(self._store, loaded.scopes, settings)
        bundled = settings.engine != "upstream" and settings.model == type(settings).model_fields["model"].default
        default = "free" if settings.engine == "echo" else "quote" if bundled else "grounded"
        revisions = RevisionComposer(self._store, partial(policy_of, default=reply_policy(settings, default)))
        planner = DraftPlanner(
            settings,
            self._store,
            self._engine,
            prompts,
            self._versions,
            self._identity,
            fusion=loaded.fusion,
            soft_inputs=loaded.soft_inputs,
            corrections=self._desk,
            revisions=revisions,
        )
        evidence = EvidenceComposer(self._store, settings, default, planner.corrected)
        self._step = GenerateStep(
            settings,
            self._store,
            self._bus,
            self._publisher,
            self._engine,
            events,
            self._versions,
            planner,
            self._composers(planner, revisions, evidence),
            evidence.sources,
        )
        self._replay = ReplayStep(self._store, self._engine, self._versions, planner, self._publisher)

    def _composers(
        self, planner: DraftPlanner, revisions: RevisionComposer, evidence: EvidenceComposer
    ) -> list[ReplyComposer]:
        """What composes replies without the engine, in the order in which it is asked."""
        answering: list[ReplyComposer] = [
            CorrectionComposer(self._desk, self._settings, evidence.policy, planner.corrected),
            StateComposer(evidence.policy),
            evidence,
        ]
        return [LeadComposer(answering, evidence.policy), *answering, revisions]

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
        announcer = threading.Thread(target=self._announce, args=(runtime, ended), name="announce", daemon=True)
        self._versions.start()
        announcer.start()
        start_all(control, turns, replays)
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

    def _announce(self, runtime: Runtime, ended: threading.Event) -> None:
        while True:
            try:
                runtime.show_ready(self._engine.ready)
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
