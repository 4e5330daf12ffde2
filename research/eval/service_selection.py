"""Choosing among many services: `python -m research.eval.service_selection --data DIR [--weights FILE] [--every N]`.

Every SGD dialogue is read as if its tenant had all services of the train and dev schemas at once. Reported: in how
many of the turns that change a slot all services of these changes are among those the tracker looks at (with the true
state before the turn), the slots left to look at, and what the choice takes.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from research.eval.state_sets import load_json
from research.tracker.dialogues import examples, read, schema_views
from services.common.schema import parse_schema_document
from services.tracker.domain.state import ServiceState, SlotValue, State
from services.tracker.domain.tracker import TrackRequest
from services.tracker.learned import artifact
from services.tracker.learned.network import Network
from services.tracker.learned.tracker import LearnedTracker


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--weights", default=str(artifact.DEFAULT), help="of no account for the choice if missing")
    parser.add_argument("--every", type=int, default=1, help="take every n-th dialogue")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    documents = {}
    for portion in ("train", "dev"):
        for service in load_json(options.data / f"sgd_{portion}_schema.json"):
            documents[service["service_name"]] = service
    schema = parse_schema_document(list(documents.values()))
    views = schema_views(documents.values())
    if Path(options.weights).exists():
        tracker = LearnedTracker.load(Path(options.weights))
    else:
        network = Network()
        network.start()
        tracker = LearnedTracker(network)
    turns = whole = 0
    slots: list[int] = []
    taken: list[float] = []
    tracker.select(TrackRequest(schema, State(), "", "hello", 1))  # reads the schema, once
    for dialogue in list(read(options.data / "sgd_dev.jsonl.gz"))[:: options.every]:
        last: list[str] = []
        for example in examples(dialogue, views, "sgd"):
            before = _state(example.previous, last)
            request = TrackRequest(schema, before, example.system_text, example.user_text, example.number + 1)
            begun = time.perf_counter()
            chosen = {view.name for view in tracker.select(request)}
            taken.append(1000 * (time.perf_counter() - begun))
            wanted = {service for service, _ in example.updates}
            turns += bool(wanted)
            whole += bool(wanted) and wanted <= chosen
            slots.append(sum(len(service.slots) for service in schema.services if service.name in chosen))
            last = [name for name in last if name not in example.frames] + list(example.frames)
    figures = {
        "services": len(schema.services),
        "slots": schema.slot_count,
        "turns": turns,
        "turns_with_all_their_services_percent": round(100 * whole / max(1, turns), 1),
        "mean_slots_looked_at": round(sum(slots) / len(slots), 1),
        "median_ms": round(sorted(taken)[len(taken) // 2], 1),
    }
    if options.json:
        print(json.dumps(figures, indent=1))
    else:
        for name, value in figures.items():
            print(f"{name:40s} {value}")


def _state(previous: dict[tuple[str, str], list[str]], order: list[str]) -> State:
    """The true state before a turn, services in the order of their last activity."""
    found = {name: ServiceState() for name in order}
    for (service, slot), values in previous.items():
        known = found.get(service, ServiceState())
        found[service] = known.with_slot(slot, SlotValue(values[0]))
    return State(found)


if __name__ == "__main__":
    main()
