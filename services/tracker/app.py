"""The tracker put together: a tracker, the track step, its queue; and its life from loading to draining."""

from __future__ import annotations

import structlog

from services.common.bus import Bus, Consumer, EventPublisher, topology
from services.common.runtime import Runtime
from services.common.store import Store
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.tracker import Tracker
from services.tracker.settings import TrackerSettings
from services.tracker.steps import TrackStep

log = structlog.get_logger(__name__)


def main() -> None:
    """Run a tracker until SIGTERM, then finish the turns in hand."""
    settings = TrackerSettings()
    with Runtime(settings, "tracker") as runtime:
        tracker = build_tracker(settings)
        store = Store(settings, name="tracker", pool=settings.track_threads + 2)
        store.prepare()
        bus = Bus(settings.broker_url)
        bus.declare()
        events = EventPublisher(bus)
        step = TrackStep(store, bus, events, tracker)
        consumer = Consumer(
            bus,
            topology.turn_queue(topology.TRACK, redis=bus.redis),
            step.take_turn,
            threads=settings.track_threads,
            prefetch=settings.track_threads * 2,
        )
        consumer.start()
        consumer.connected.wait(30)
        runtime.ready()
        runtime.wait()
        consumer.stop(settings.drain_seconds)
        events.close()
        bus.close()
        store.close()


def build_tracker(settings: TrackerSettings) -> Tracker:
    """The tracker that the settings name."""
    return RuleTracker()
