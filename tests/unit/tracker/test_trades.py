"""Dialogues of trades that no tracker was trained on, in English and Chinese: values right, invented, states right."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from services.common.schema import parse_schema
from services.tracker.domain.state import State
from tests.unit.tracker.test_what_is_meant import tracker

TRADES = Path(__file__).parent / "trades"


def plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def flat(state: State) -> dict[str, str]:
    values = {f"{service}.{slot}": plain(value.value) for service, slot, value in state.filled()}
    return values | {f"{name}.intent": plain(held.intent) for name, held in state.services.items() if held.intent}


def states(name: str, trade: str) -> list[tuple[dict[str, Any], dict[str, Any], dict[str, str]]]:
    """(dialogue, gold state, state) of every turn of a trade's dialogues; only the user's side is given."""
    schema = parse_schema((TRADES / trade / "schema.yaml").read_text())
    found = []
    for line in (TRADES / trade / "dialogues.jsonl").read_text().splitlines():
        dialogue, state = json.loads(line), State()
        for number, turn in enumerate(dialogue["turns"], 1):
            state = tracker(name).track(schema, state, "", turn["user"], number)
            found.append((dialogue, turn["state"], flat(state)))
    return found


def right(dialogue: dict[str, Any], key: str, wanted: str, held: str | None) -> bool:
    accepted = dialogue.get("accept", {}).get(key, {}).get(wanted, [])
    return held in [plain(value) for value in (wanted, *accepted)]


@pytest.mark.parametrize("trade", sorted(path.name for path in TRADES.iterdir() if path.is_dir()))
@pytest.mark.parametrize("name", ["rules"])
def test_the_state_of_an_unseen_trade_is_right(name: str, trade: str) -> None:
    turns = states(name, trade)
    wanted = sum(len(gold) for _, gold, _ in turns)
    values = sum(right(dialogue, key, gold[key], held.get(key)) for dialogue, gold, held in turns for key in gold)
    invented = sum(len(held.keys() - gold.keys()) for _, gold, held in turns)
    whole = sum(
        held.keys() == gold.keys() and all(right(dialogue, key, gold[key], held[key]) for key in gold)
        for dialogue, gold, held in turns
    )
    assert values / wanted >= 0.9
    assert invented / wanted <= 0.05
    assert whole / len(turns) >= 0.7
