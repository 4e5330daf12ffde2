"""Latency of one turn on one core: `python -m bench.tracker [--turns N] [--json]`.

Schemas of 10, 30 and 100 slots (services of ten slots each, a third of them with listed values), schema states
warm, a dialogue of long turns (about 90 WordPieces with the reply before). The peer in the same run is the rules alone.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import time
from pathlib import Path

import torch

from services.common.schema import Intent, Schema, Service, Slot, Value
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State
from services.tracker.domain.tracker import Tracker
from services.tracker.learned import artifact
from services.tracker.learned.network import Network
from services.tracker.learned.tracker import LearnedTracker

THINGS = ("hotel", "restaurant", "train", "flight", "doctor", "museum", "car", "concert", "apartment", "salon")
PARTS = (
    ("name", "what it is called", ()),
    ("city", "city it is in", ()),
    ("date", "day it is wanted", ()),
    ("time", "time of day it is wanted", ()),
    ("people", "how many take part", ("1", "2", "3", "4", "5", "6")),
    ("price range", "how expensive it may be", ("cheap", "moderate", "expensive")),
    ("parking", "whether there is parking", ("True", "False")),
    ("phone", "number to call", ()),
    ("address", "street and number", ()),
    ("rating", "how good others find it", ()),
)
TALK = (
    ("", "I am looking for a cheap place to stay in San Jose for four people from next Friday, with parking please."),
    (
        "I found the Fairmont in San Jose, a moderate hotel at 170 South Market Street with parking, and the Hotel "
        "De Anza on West Santa Clara Street, which is cheaper. Shall I book one of them for four people from Friday?",
        "The second one sounds good, but make it two people and from Saturday the 9th; what is their phone number?",
    ),
    (
        "Their number is 408-286-1000. Please confirm: Hotel De Anza in San Jose from Saturday the 9th, two people, "
        "one room, with parking. Should I go ahead with the booking or do you want to change anything before that?",
        "Yes, go ahead. And I need a table near there at half past seven in the evening, the price does not matter.",
    ),
)  # fmt: skip


def schema_of(slots: int) -> Schema:
    """A schema of `slots` slots in services of ten."""
    services = []
    for number in range(slots // 10):
        thing = THINGS[number % len(THINGS)]
        services.append(
            Service(
                f"{thing}_{number}",
                f"find and book a {thing}",
                (
                    Intent(f"Find{thing}", f"search for a {thing}"),
                    Intent(f"Book{thing}", f"reserve a {thing}"),
                ),
                tuple(
                    Slot(name.replace(" ", "_"), f"{text} ({thing})", tuple(Value(v) for v in values))
                    for name, text, values in PARTS
                ),
            )
        )
    return Schema(tuple(services), f"bench{slots}")


def measure(tracker: Tracker, schema: Schema, turns: int, dice: random.Random) -> list[float]:
    """Milliseconds of each of `turns` turns, in dialogues that keep their state."""
    found: list[float] = []
    while len(found) < turns:
        state = State()
        for number, (system, user) in enumerate(TALK, 1):
            said = f"{user} It is for {dice.randint(2, 9)} days."  # no two turns alike: nothing comes from a cache
            begun = time.perf_counter()
            state = tracker.track(schema, state, system, said, number)
            found.append(1000 * (time.perf_counter() - begun))
    return found[:turns]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weights", default="", help="the committed weights if unset; an untrained network if none")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    weights = Path(options.weights) if options.weights else artifact.DEFAULT
    if weights.exists():
        learned = LearnedTracker.load(weights, options.bf16)
    else:  # the time does not depend on what the weights have learned
        network = Network()
        network.start()
        learned = LearnedTracker(network, bf16=options.bf16)
    trackers: dict[str, Tracker] = {"learned": learned, "rules": RuleTracker()}
    results: dict[str, float] = {}
    for slots in (10, 30, 100):
        schema = schema_of(slots)
        for name, tracker in trackers.items():
            measure(tracker, schema, 12, random.Random(0))
            times = measure(tracker, schema, options.turns, random.Random(options.seed))
            suffix = "" if name == "learned" else f"_{name}"
            results[f"p50_ms_{slots}{suffix}"] = statistics.median(times)
            results[f"p95_ms_{slots}{suffix}"] = statistics.quantiles(times, n=20)[-1]
    if options.json:
        about = {
            "seed": options.seed,
            "turns": options.turns,
            "torch": torch.__version__,
            "machine": platform.processor(),
        }
        print(json.dumps(results | about, indent=1))
    else:
        print("slots   learned p50 / p95 ms   rules p50 / p95 ms")
        for slots in (10, 30, 100):
            row = [results[f"{p}_ms_{slots}{s}"] for s in ("", "_rules") for p in ("p50", "p95")]
            print(f"{slots:5d}   {row[0]:8.1f} / {row[1]:6.1f}     {row[2]:8.1f} / {row[3]:6.1f}")


if __name__ == "__main__":
    main()
