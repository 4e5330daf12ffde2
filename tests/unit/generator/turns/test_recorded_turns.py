"""Turns that were written once and recorded: the same prompts, replies and manifests come out again.

``recorded_turns.json`` holds turns as the store keeps them, what stood before them, and what the bundled model wrote by
torch's fp32 arithmetic. `WRITE=1 python -m tests.unit.generator.turns.test_recorded_turns` records them anew: that is
right only where a change of replies was meant.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.common.store.knowledge import GroundingText
from services.generator.engine import Engine
from services.generator.prompt.builder import PromptBuilder
from services.generator.settings import GeneratorSettings
from services.generator.turns.draft_plan import DraftPlanner
from services.generator.turns.loading import load_model
from services.generator.turns.version_cache import VersionCache
from tests.unit.generator.conftest import Heard

RECORD = Path(__file__).with_name("recorded_turns.json")
TURNS: list[dict[str, Any]] = json.loads(RECORD.read_text())
GONE = ("contrast", "knowledge_head")  # fields of recorded manifests and settings that were taken out since


class Shelf:
    """What a planner reads of the store: the session's earlier turns and the notes of one turn."""

    def __init__(self) -> None:
        self.turns = self.knowledge = self
        self.earlier: list[dict[str, Any]] = []
        self.notes: list[GroundingText] = []

    def history(self, tenant: str, session: str, before: int) -> list[dict[str, Any]]:
        return self.earlier

    def read_grounding(self, tenant: str, passages: Sequence[Any], facts: Sequence[Any]) -> list[GroundingText]:
        return self.notes


class Recorder:
    """The bundled model behind a planner and an engine, without queues and database."""

    def __init__(self) -> None:
        settings = GeneratorSettings(kernel="torch-fp32", max_batch_size=6, context_limit=1024, reply_tokens=12)
        loaded = load_model(settings, "recorder")
        self.engine = Engine(loaded.backend)
        prompts = PromptBuilder(self.engine.codec, loaded.chat, self.engine.context_limit, settings.system_text)
        self._shelf: Any = Shelf()
        base = loaded.identity["version_id"]
        versions = VersionCache(self._shelf, self.engine, base, settings.versions)
        self._planner = DraftPlanner(settings, self._shelf, self.engine, prompts, versions, loaded.identity)

    def write(self, recorded: dict[str, Any]) -> dict[str, Any]:
        """What the model writes for a recorded turn, as the record has it."""
        self._shelf.earlier = recorded["earlier"]
        self._shelf.notes = [GroundingText(**note) for note in recorded["notes"]]
        for note in self._shelf.notes:
            object.__setattr__(note, "outdated", tuple(note.outdated))
        plan = self._planner.plan(recorded["turn"])
        heard = Heard()
        self._planner.writer(plan, heard).submit()
        draft = heard.wait(300)
        return {
            "text": draft.text,
            "token_ids": list(draft.token_ids),
            "finish_reason": draft.finish_reason,
            "manifest": json.loads(json.dumps(plan.manifest)),
        }


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.engine.close(drain=False)


def recorded_fields(written: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """What is written of the fields that the record has."""
    return {name: written[name] for name in expected if name not in GONE}


@pytest.mark.parametrize("recorded", TURNS, ids=[recorded["name"] for recorded in TURNS])
def test_a_recorded_turn_is_written_as_it_was(recorder: Recorder, recorded: dict[str, Any]) -> None:
    written = recorder.write(recorded)
    expected = recorded["written"]
    manifest = {name: value for name, value in expected["manifest"].items() if name not in GONE}
    settings = {name: value for name, value in manifest.pop("settings").items() if name not in GONE}
    assert recorded_fields(written["manifest"], manifest) == manifest
    assert recorded_fields(written["manifest"]["settings"], settings) == settings
    assert written["text"] == expected["text"]
    assert written["token_ids"] == expected["token_ids"]
    assert written["finish_reason"] == expected["finish_reason"]


if __name__ == "__main__" and os.environ.get("WRITE"):
    writer = Recorder()
    for recorded_turn in TURNS:
        recorded_turn["written"] = writer.write(recorded_turn)
        print(recorded_turn["name"], repr(recorded_turn["written"]["text"]))
    RECORD.write_text(json.dumps(TURNS, indent=1, ensure_ascii=False) + "\n")
    writer.engine.close(drain=False)
