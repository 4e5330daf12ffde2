"""A person's correction as a training example of the tracker."""

import json
import random
from pathlib import Path
from typing import Any

from research.tracker.corpus import Corpus, Sampler, prepare
from research.tracker.corrections import corrected_dialogue
from services.common.schema import parse_schema
from services.tracker.learned.inputs import Reader

SCHEMA = parse_schema(
    """
    services:
      Restaurants:
        description: find a table
        slots: {city: where it is, cuisine: kind of food}
      Hotels:
        description: find a room
        slots: {place: where it is}
    """
)


def _turn(n: int, text: str, reply: str, **cities: str) -> dict[str, Any]:
    slots = {slot: {"value": value, "origin": "user", "span": None, "turn": n} for slot, value in cities.items()}
    state = {"base_revision": 0, "services": {"Restaurants": {"intent": None, "requested": [], "slots": slots}}}
    return {
        "n": n,
        "text": text,
        "state": state,
        "status": "completed",
        "drafts": [{"round": 0, "status": "completed", "text": reply}],
    }


def _session(*corrections: tuple[int, str, str | None]) -> dict[str, Any]:
    return {
        "_id": "session_1",
        "corrections": [
            {"revision": number, "after_n": after, "service": "Restaurants", "slot": slot, "value": value}
            for number, (after, slot, value) in enumerate(corrections, 1)
        ],
    }


TURNS = [
    _turn(1, "Somewhere to eat in Oslo", "What kind of food?", city="Oslo in"),
    _turn(2, "Thai please", "There is one.", city="Oslo in", cuisine="Please"),
]


def _slots(line: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = line["state"]["Restaurants"]["slots"]
    return found


def test_a_correction_counts_from_the_turn_that_speaks_of_its_value() -> None:
    session = _session((2, "city", "Oslo"), (2, "cuisine", "Thai"))
    users = corrected_dialogue(session, TURNS, SCHEMA.to_json())["turns"][::2]
    assert _slots(users[0]) == {"city": ["Oslo"]}
    assert _slots(users[1]) == {"city": ["Oslo"], "cuisine": ["Thai"]}


def test_a_deletion_counts_from_where_the_tracker_set_the_slot() -> None:
    users = corrected_dialogue(_session((2, "cuisine", None)), TURNS, SCHEMA.to_json())["turns"][::2]
    assert _slots(users[0]) == {"city": ["Oslo in"]}
    assert _slots(users[1]) == {"city": ["Oslo in"]}


def test_a_corrected_session_is_trained_on(tmp_path: Path) -> None:
    session = _session((2, "city", "Oslo"), (2, "cuisine", "Thai"))
    path = tmp_path / "corrected.jsonl"
    path.write_text(json.dumps(corrected_dialogue(session, TURNS, SCHEMA.to_json())) + "\n")
    reader, corpus = Reader(), Corpus([], {}, {}, {})
    corpus.add_corrected(path)
    corpus.load_pieces(reader)
    chunk = Sampler(corpus, 1, 2, 0.0).draw(1)
    batch, targets, views, count = prepare(corpus, reader, chunk, 0.0, random.Random(1))
    assert count == batch.tokens.shape[0] == 2
    assert {view.name for view in views} == {"Restaurants", "Hotels"}
    changed = [gate for *_, gate in targets.gates if gate]
    assert len(changed) == 2
