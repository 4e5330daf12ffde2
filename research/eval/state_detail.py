"""Where a dialogue state goes wrong and how it recovers: `python -m research.eval.state_detail --data DIR --pred FILE`.

Reads a prediction file of `research.eval.state` for SGD and reports, per frame and slot: deletions and "dontcare" apart
from other changes, the turns after a wrong or corrected state (are their changes right? does the state become right?),
and the entities found.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from research.tracker.dialogues import read
from services.tracker.learned.catalog import plain

Slots = dict[str, list[str]]


def right(gold: list[str] | None, predicted: str | None) -> bool:
    """Whether a predicted value is one of the acceptable ones, compared by plain words."""
    if gold is None or predicted is None:
        return gold is None and predicted is None
    return plain(predicted) in {plain(value) for value in gold}


def tally(gold: dict[str, Any], states: list[dict[str, Any]], corrected: bool = False) -> Counter[str]:
    """Counts over one dialogue's frames.

    `corrected`: what was wrong in a state had been put right before the next turn (`research.eval.state --corrected`),
    so that changes are counted from the true state.
    """
    count: Counter[str] = Counter()
    before_gold: dict[str, Slots] = {}
    before: dict[str, dict[str, str]] = {}
    users = [turn for turn in gold["turns"] if turn["speaker"].upper() == "USER"]
    for turn, state in zip(users, states, strict=True):
        for service, frame in (turn.get("state") or {}).items():
            wanted: Slots = frame["slots"]
            got: dict[str, str] = (state.get(service) or {}).get("slots", {})
            old, old_got = before_gold.get(service, {}), before.get(service, {})
            names = wanted.keys() | got.keys() | old.keys() | old_got.keys()
            was_right = all(right(old.get(name), old_got.get(name)) for name in names)
            is_right = all(right(wanted.get(name), got.get(name)) for name in names)
            changed = {
                name
                for name in names
                if wanted.get(name) != old.get(name) and not _same(wanted.get(name), old.get(name))
            }
            if corrected:
                touched = {name for name in names if not right(old.get(name), got.get(name))}
                gone = {name for name in touched if name in old and name not in got}
            else:
                touched = {name for name in names if got.get(name) != old_got.get(name)}
                gone = {name for name in touched if name not in got}
            kind = "right" if was_right else "wrong"
            count[f"after_{kind}"] += 1
            count[f"after_{kind}_state_right"] += is_right
            changes_right = all(right(wanted.get(name), got.get(name)) for name in changed) and touched <= changed
            count[f"after_{kind}_changes_right"] += changes_right
            for name in changed:
                what = "deletion" if name not in wanted else "dontcare" if wanted[name][0] == "dontcare" else "value"
                what = f"replaced_{what}" if what == "value" and name in old else what
                count[what] += 1
                count[f"{what}_right"] += right(wanted.get(name), got.get(name))
            said = {name for name in touched if got.get(name) == "dontcare"}
            count["dontcare_said"] += len(said)
            count["dontcare_said_right"] += sum((wanted.get(name) or [""])[0] == "dontcare" for name in said)
            count["deletion_said"] += len(gone)
            count["deletion_said_right"] += sum(name not in wanted for name in gone)
            before_gold[service], before[service] = wanted, dict(got)
    return count


def tally_entities(gold: dict[str, Any], entities: list[list[Any]], choices: set[str]) -> Counter[str]:
    """Counts of the values that the users' texts name, by exact place; `_typed` also by their slot.

    The annotation marks values of free text only: what is found and names one of the `choices` of a categorical slot
    is neither right nor wrong.
    """
    count: Counter[str] = Counter()
    users = [turn for turn in gold["turns"] if turn["speaker"].upper() == "USER"]
    for turn, found in zip(users, entities, strict=True):
        marked = {(start, end): slot for _, slot, start, end in turn.get("spans") or ()}
        places = {(start, end) for _, _, start, end in found}
        typed = {(start, end) for _, kind, start, end in found if marked.get((start, end)) == kind}
        extra = [(a, b) for a, b in places - marked.keys() if plain(turn["text"][a:b]) not in choices]
        count["entity"] += len(marked)
        count["entity_right"] += len(places & marked.keys())
        count["entity_typed_right"] += len(typed)
        count["entity_said"] += len(places & marked.keys()) + len(extra)
    return count


def _same(one: list[str] | None, other: list[str] | None) -> bool:
    return bool(one and other and set(one) & set(other))


def main() -> None:
    """Counts and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--pred", required=True)
    parser.add_argument("--corrected", action="store_true", help="the file was made with --corrected")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    predicted = {line["id"]: line for line in read(Path(options.pred))}
    services = json.loads((Path(options.data) / "sgd_dev_schema.json").read_text())
    slots = [slot for service in services for slot in service["slots"] if slot["is_categorical"]]
    choices = {plain(value) for slot in slots for value in slot["possible_values"]}
    count: Counter[str] = Counter()
    for dialogue in read(Path(options.data) / "sgd_dev.jsonl.gz"):
        if (line := predicted.get(dialogue["id"])) is not None:
            count.update(tally(dialogue, line["states"], options.corrected))
            count.update(tally_entities(dialogue, line.get("entities", []), choices) if "entities" in line else {})
    figures = {
        name: round(100 * count[f"{name}{part}_right"] / max(1, count[name]), 1)
        for name, part in (
            ("value", ""), ("replaced_value", ""), ("dontcare", ""), ("dontcare_said", ""), ("deletion", ""),
            ("deletion_said", ""),
        )
    } | {
        f"{name}{part}": round(100 * count[f"{name}{part}_right"] / max(1, count[name]), 1)
        for name in ("after_right", "after_wrong")
        for part in ("_changes", "_state")
    }  # fmt: skip
    for name in ("entity", "entity_typed"):
        figures[f"{name}_F1"] = round(200 * count[f"{name}_right"] / max(1, count["entity"] + count["entity_said"]), 1)
    if options.json:
        print(json.dumps({"percent": figures, "counts": count}, indent=1))
    else:
        for name, value in figures.items():
            base = name.removesuffix("_changes").removesuffix("_state").removesuffix("_typed_F1").removesuffix("_F1")
            print(f"{name:22s} {value:5.1f} %  of {count[base]}")


if __name__ == "__main__":
    main()
