"""Dialogue-state accuracy: `python -m tests.eval.state --data DIR --out OUT [--scorer PATH] [--json]`.

`--data` holds dialogue_state's files (sgd_dev, mwz21_dev, their schemas, the training files the MultiWOZ schema
takes its values from). Every tracker runs on its own predictions, turn after turn. For each set a prediction
file is written that the scorer reads; floors (nothing predicted, rules alone) stand beside every figure.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from services.common.schema import Intent, Schema, Service, Slot, Value, parse_schema_document
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State
from services.tracker.domain.tracker import Tracker, TrackRequest
from services.tracker.learned import artifact
from services.tracker.learned.corpus import FOLD
from services.tracker.learned.dialogues import multiwoz_views, read
from services.tracker.learned.tracker import LearnedTracker

MIX = (0.254, 0.746)  # seen and unseen services in SGD's test portion
WIDTH = 64  # dialogues tracked side by side


@dataclass(frozen=True)
class EvaluationSet:
    """Dialogues with the schema each is read under, and how names are mapped back to the annotation's."""

    name: str
    task: str  # "sgd" or "mwoz"
    dialogues: list[dict[str, Any]]
    schema_of: Callable[[dict[str, Any]], Schema]
    original: dict[str, str]  # "service" and "service/slot" or "service/intent" of a paraphrase → original


class EmptyTracker:
    """The floor: says that nothing was said."""

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        return State()

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        return [State() for _ in requests]


def _json(path: Path) -> Any:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def sgd_set(data: Path, dialogues: list[dict[str, Any]], variant: str = "", portion: str = "dev") -> EvaluationSet:
    """SGD's dialogues under the published schema, or under one of SGD-X's paraphrases `v1` … `v5`."""
    if variant:
        services = _json(data / f"sgdx_{portion}_schemas.json.gz")[variant]
    else:
        services = _json(data / f"sgd_{portion}_schema.json")
    schema = parse_schema_document(services)
    original, paraphrase = {}, {}
    for service in services:
        name, known = service["service_name"], service.get("orig", service["service_name"])
        original[name] = known
        paraphrase[known] = name
        for part in (*service["slots"], *service["intents"]):
            original[f"{name}/{part['name']}"] = part.get("orig", part["name"])
    cache: dict[frozenset[str], Schema] = {}

    def schema_of(dialogue: dict[str, Any]) -> Schema:
        names = frozenset(paraphrase[name] for name in dialogue["services"])
        if names not in cache:
            cache[names] = schema.only(names)
        return cache[names]

    name = f"sgdx_{variant}_{portion}" if variant else f"sgd_{portion}"
    return EvaluationSet(name, "sgd", dialogues, schema_of, original)


def multiwoz_schema(data: Path) -> Schema:
    """MultiWOZ's five services, with the values that the training states hold."""
    views = multiwoz_views(_json(data / "mwz22_schema.json"), list(read(data / "mwz21_train.jsonl.gz")))
    return Schema(
        tuple(
            Service(
                view.name,
                view.description,
                tuple(Intent(x.name, x.description) for x in view.intents),
                tuple(Slot(s.name, s.description, tuple(Value(value) for value in s.values)) for s in view.slots),
            )
            for view in views.values()
        ),
        "multiwoz",
    )


def follow(tracker: Tracker, chosen: EvaluationSet) -> dict[str, list[dict[str, Any]]]:
    """The tracker's states after every user turn, by dialogue, in the scorer's form."""
    found: dict[str, list[dict[str, Any]]] = {dialogue["id"]: [] for dialogue in chosen.dialogues}
    waiting = list(reversed(chosen.dialogues))
    running: list[tuple[dict[str, Any], list[tuple[str, str]], State]] = []
    while waiting or running:
        while waiting and len(running) < WIDTH:
            dialogue = waiting.pop()
            running.append((dialogue, list(reversed(exchanges(dialogue))), State()))
        requests = []
        for dialogue, left, state in running:
            system, user = left.pop()
            number = len(found[dialogue["id"]]) + 1
            requests.append(TrackRequest(chosen.schema_of(dialogue), state, system, user, number))
        states = tracker.track_many(requests)
        after = []
        for (dialogue, left, _), state in zip(running, states, strict=True):
            found[dialogue["id"]].append(scored_form(state, chosen.original))
            if left:
                after.append((dialogue, left, state))
        running = after
    return found


def exchanges(dialogue: dict[str, Any]) -> list[tuple[str, str]]:
    """(last system reply, user text) of every user turn."""
    found, system = [], ""
    for turn in dialogue["turns"]:
        if turn["speaker"].upper() == "USER":
            found.append((system, turn["text"]))
        else:
            system = turn["text"]
    return found


def scored_form(state: State, original: dict[str, str]) -> dict[str, Any]:
    """A state as the scorer reads it, names mapped back."""
    return {
        original.get(name, name): {
            "intent": original.get(f"{name}/{content.intent}", content.intent or "NONE"),
            "requested": [original.get(f"{name}/{slot}", slot) for slot in content.requested],
            "slots": {original.get(f"{name}/{k}", k): v.value for k, v in content.slots.items()},
        }
        for name, content in state.services.items()
    }


def load_scorer(path: Path) -> ModuleType:
    """The scorer file as a module."""
    spec = importlib.util.spec_from_file_location("dialogue_state_scorer", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def score(scorer: ModuleType, data: Path, chosen: EvaluationSet, predicted: dict[str, Any]) -> dict[str, float]:
    """Figures of one set: SGD's fuzzy joint goal accuracy by seen and unseen services, MultiWOZ's normalised."""
    if chosen.task == "sgd":
        portion = chosen.name.rsplit("_", 1)[1]
        seen = {service["service_name"] for service in _json(data / "sgd_train_schema.json")}
        if portion == "train":  # model selection: the held-out services count as unseen
            seen -= set(FOLD)
        schema = _json(data / f"sgd_{portion}_schema.json")
        out, _ = scorer.score_sgd(chosen.dialogues, predicted, schema, seen)
        figures = {}
        for key, label in (("ALL", "all"), ("SEEN", "seen"), ("UNSEEN", "unseen")):
            if key in out:
                figures |= {
                    f"{label}_{k}": out[key].get(k, 0.0) for k in ("JGA", "slot_F1", "intent_acc", "requested_F1")
                }
        if "SEEN" in out and "UNSEEN" in out:
            figures["mix_JGA"] = MIX[0] * out["SEEN"]["JGA"] + MIX[1] * out["UNSEEN"]["JGA"]
        return figures
    figures = {}
    for mode in ("exact", "norm"):
        summary = scorer.summ(scorer.score_mwoz(chosen.dialogues, predicted, mode))
        figures |= {f"{mode}_{k}": summary[k] for k in ("JGA", "slot_F1", "turn_delta_acc")}
    return figures


def evaluate(options: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """Runs the chosen trackers over the chosen sets; returns figures by set and tracker."""
    data, out = Path(options.data), Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    trackers: dict[str, Tracker] = {}
    names = options.trackers or ("empty,rules,learned" if Path(options.weights).exists() else "empty,rules")
    for name in names.split(","):
        if name == "empty":
            trackers[name] = EmptyTracker()
        elif name == "rules":
            trackers[name] = RuleTracker()
        else:
            trackers[name] = LearnedTracker.load(Path(options.weights))
    scorer = load_scorer(Path(options.scorer)) if options.scorer else None
    results: dict[str, dict[str, dict[str, float]]] = {}
    for chosen in _sets(options, data):
        for name, tracker in trackers.items():
            begun = time.monotonic()
            predicted = follow(tracker, chosen)
            seconds = time.monotonic() - begun
            path = out / (f"{chosen.name}.jsonl" if name == "learned" else f"{chosen.name}.{name}.jsonl")
            with path.open("w", encoding="utf-8") as file:
                for key, states in predicted.items():
                    file.write(json.dumps({"id": key, "states": states}, ensure_ascii=False) + "\n")
            figures = score(scorer, data, chosen, predicted) if scorer else {}
            turns = sum(map(len, predicted.values()))
            figures |= {"turns": turns, "turns_per_second": turns / max(seconds, 1e-9)}
            results.setdefault(chosen.name, {})[name] = figures
            if not options.json:
                shown = "  ".join(f"{k} {v:.1f}" for k, v in figures.items())
                print(f"{chosen.name:14s} {name:8s} {shown}", flush=True)
    return results


def _sets(options: argparse.Namespace, data: Path) -> Iterable[EvaluationSet]:
    wanted = options.sets.split(",")
    dialogues = list(read(data / "sgd_dev.jsonl.gz"))[:: options.every]
    for name in wanted:
        if name == "sgd":
            yield sgd_set(data, dialogues)
        elif name.startswith("sgdx_"):
            yield sgd_set(data, dialogues, name.removeprefix("sgdx_"))
        elif name == "fold":
            held_out = [d for d in read(data / "sgd_train.jsonl.gz") if set(d["services"]) & set(FOLD)]
            yield sgd_set(data, held_out[:: 20 * options.every], portion="train")
        elif name == "mwz_train":
            schema = multiwoz_schema(data)
            chosen = list(read(data / "mwz21_train.jsonl.gz"))[:: 80 * options.every]
            yield EvaluationSet("mwz21_train", "mwoz", chosen, lambda _, known=schema: known, {})
        elif name == "mwz":
            schema = multiwoz_schema(data)
            chosen = list(read(data / "mwz21_dev.jsonl.gz"))[:: options.every]
            yield EvaluationSet("mwz21_dev", "mwoz", chosen, lambda _, known=schema: known, {})
        else:
            raise SystemExit(f"no such set: {name}")


def main() -> None:
    """Parses the command line, evaluates and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--scorer", default="")
    parser.add_argument("--sets", default="sgd,mwz")
    parser.add_argument("--trackers", default="", help="of empty, rules, learned; all there are if unset")
    parser.add_argument("--weights", default=str(artifact.DEFAULT))
    parser.add_argument("--every", type=int, default=1, help="take every n-th dialogue")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results = evaluate(options)
    if options.json:
        json.dump(results, sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
