"""Where a dialogue state goes wrong and how it recovers: `python -m tests.eval.state_detail --data DIR --pred FILE`.

Reads a prediction file of `tests.eval.state` for SGD and reports, per frame and slot: deletions and "dontcare" apart
from other changes, and the turns after a wrong state (are their changes right? does the state become right?).
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from services.tracker.learned.catalog import plain
from services.tracker.learned.dialogues import read

Slots = dict[str, list[str]]


def right(gold: list[str] | None, predicted: str | None) -> bool:
    """Whether a predicted value is one of the acceptable ones, compared by plain words."""
    if gold is None or predicted is None:
        return gold is None and predicted is None
    return plain(predicted) in {plain(value) for value in gold}


def tally(gold: dict[str, Any], states: list[dict[str, Any]]) -> Counter[str]:
    """Counts over one dialogue's frames."""
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
            touched = {name for name in names if got.get(name) != old_got.get(name)}
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
            gone = {name for name in touched if name not in got}
            count["deletion_said"] += len(gone)
            count["deletion_said_right"] += sum(name not in wanted for name in gone)
            before_gold[service], before[service] = wanted, dict(got)
    return count


def _same(one: list[str] | None, other: list[str] | None) -> bool:
    return bool(one and other and set(one) & set(other))


def main() -> None:
    """Counts and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--pred", required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    predicted = {line["id"]: line["states"] for line in read(Path(options.pred))}
    count: Counter[str] = Counter()
    for dialogue in read(Path(options.data) / "sgd_dev.jsonl.gz"):
        if dialogue["id"] in predicted:
            count.update(tally(dialogue, predicted[dialogue["id"]]))
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
    if options.json:
        print(json.dumps({"percent": figures, "counts": count}, indent=1))
    else:
        for name, value in figures.items():
            base = name.removesuffix("_changes").removesuffix("_state")
            print(f"{name:22s} {value:5.1f} %  of {count[base]}")


if __name__ == "__main__":
    main()
