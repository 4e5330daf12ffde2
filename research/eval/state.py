"""Dialogue-state accuracy: `python -m research.eval.state --data DIR --out OUT [--scorer PATH] [--json]`.

`--data` holds dialogue_state's files (sgd_dev, mwz21_dev, their schemas, the training files the MultiWOZ schema
takes its values from). Every tracker runs on its own predictions, turn after turn. For each set a prediction
file is written that the scorer reads; floors (nothing predicted, rules alone) stand beside every figure.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from research.eval.state_detail import right
from research.eval.state_sets import EvaluationSet, load_json, sets
from research.tracker.corpus import FOLD
from research.tracker.dialogues import read
from services.common.schema import Schema
from services.tracker.chinese.tracker import ChineseTracker
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import CORRECTION, SlotValue, State
from services.tracker.domain.tracker import Tracker, TrackRequest
from services.tracker.learned import artifact
from services.tracker.learned.decode import Leanings
from services.tracker.learned.tracker import LearnedTracker

MIX = (0.254, 0.746)  # seen and unseen services in SGD's test portion
WIDTH = 64  # dialogues tracked side by side


class EmptyTracker:
    """The floor: says that nothing was said."""

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        return State()

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        return [State() for _ in requests]


class TimedTracker:
    """A tracker that keeps how much computing each of its calls took, in milliseconds."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self.milliseconds: list[float] = []

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        begun = time.process_time()
        states = self._tracker.track_many(requests)
        self.milliseconds.append(1000 * (time.process_time() - begun))
        return states

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        return self.track_many([TrackRequest(schema, previous, system_text, user_text, turn)])[0]


@dataclass
class Followed:
    """What a tracker made of one dialogue, turn after turn."""

    states: list[dict[str, Any]] = field(default_factory=list)  # in the scorer's form
    entities: list[list[Any]] = field(default_factory=list)  # [text, kind, first character, end]


def follow(tracker: Tracker, chosen: EvaluationSet, corrected: bool = False, width: int = WIDTH) -> dict[str, Followed]:
    """The tracker's states after every user turn, by dialogue; `width` dialogues side by side.

    `corrected`: after every turn a person puts right what is wrong, so that the next turn starts from the true state.
    """
    found = {dialogue["id"]: Followed() for dialogue in chosen.dialogues}
    waiting = list(reversed(chosen.dialogues))
    running: list[tuple[dict[str, Any], list[tuple[str, str]], State]] = []
    while waiting or running:
        while waiting and len(running) < width:
            dialogue = waiting.pop()
            running.append((dialogue, list(reversed(exchanges(dialogue))), State()))
        requests = []
        for dialogue, left, state in running:
            system, user = left.pop()
            number = len(found[dialogue["id"]].states) + 1
            requests.append(TrackRequest(chosen.schema_of(dialogue), state, system, user, number))
        states = tracker.track_many(requests)
        after = []
        for (dialogue, left, _), state in zip(running, states, strict=True):
            followed = found[dialogue["id"]]
            followed.states.append(scored_form(state, chosen.original))
            followed.entities.append([[e.text, e.kind, *e.span] for e in state.entities])
            if corrected:
                state = correct(state, true_slots(dialogue, len(followed.states)))
            if left:
                after.append((dialogue, left, state))
        running = after
    return found


def tracked_before(path: Path) -> dict[str, Followed]:
    """What a prediction file of an earlier call holds, by dialogue; nothing where there is none."""
    if not path.exists():
        return {}
    return {line["id"]: Followed(line["states"], line["entities"]) for line in read(path)}


def true_slots(dialogue: dict[str, Any], count: int) -> dict[str, dict[str, list[str]]]:
    """The annotated slots of each service after `count` user turns; a turn names only the services it is about."""
    found: dict[str, dict[str, list[str]]] = {}
    users = [turn for turn in dialogue["turns"] if turn["speaker"].upper() == "USER"]
    for turn in users[:count]:
        found |= {service: frame["slots"] for service, frame in (turn.get("state") or {}).items()}
    return found


def correct(state: State, wanted: dict[str, dict[str, list[str]]]) -> State:
    """`state` with what is wrong put right, as CorrectState would."""
    for service, slots in wanted.items():
        held = state.service(service).slots
        for slot in {*held, *slots}:
            old = held.get(slot)
            if not right(slots.get(slot), old.value if old else None):
                new = SlotValue(slots[slot][0], CORRECTION) if slot in slots else None
                state = state.with_slot(service, slot, new)
    return state


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
        seen = {service["service_name"] for service in load_json(data / "sgd_train_schema.json")}
        if portion == "train":  # model selection: the held-out services count as unseen
            seen -= set(FOLD)
        schema = load_json(data / f"sgd_{portion}_schema.json")
        out, _ = scorer.score_sgd(chosen.dialogues, predicted, schema, seen)
        figures: dict[str, float] = {}
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
        elif name == "chinese":
            trackers[name] = ChineseTracker.load()
        else:
            network, about = artifact.load(Path(options.weights))
            leanings = Leanings(**(about.get("leanings", {}) | json.loads(options.leanings)))
            trackers[name] = LearnedTracker(network, leanings, shallow=bool(about.get("shallow")))
    scorer = load_scorer(Path(options.scorer)) if options.scorer else None
    results: dict[str, dict[str, dict[str, float]]] = {}
    for chosen in sets(options.sets.split(","), data, options.every, options.start):
        for name, tracker in trackers.items():
            begun = time.monotonic()
            path = out / (f"{chosen.name}.jsonl" if name == "learned" else f"{chosen.name}.{name}.jsonl")
            kept = tracked_before(path) if options.resume else {}
            left = [dialogue for dialogue in chosen.dialogues if dialogue["id"] not in kept]
            timed = TimedTracker(tracker)
            fresh = follow(timed, replace(chosen, dialogues=left), options.corrected, 1 if options.alone else WIDTH)
            seconds = time.monotonic() - begun
            followed = kept | fresh
            with path.open("w", encoding="utf-8") as file:
                for key, one in followed.items():
                    file.write(json.dumps({"id": key} | asdict(one), ensure_ascii=False) + "\n")
            predicted = {dialogue["id"]: followed[dialogue["id"]].states for dialogue in chosen.dialogues}
            figures = score(scorer, data, chosen, predicted) if scorer else {}
            turns = sum(len(one.states) for one in fresh.values())
            figures |= {"turns": sum(map(len, predicted.values())), "turns_per_second": turns / max(seconds, 1e-9)}
            if options.alone and turns:
                shares = np.percentile(timed.milliseconds, (50, 95))
                figures |= {"cpu_ms_p50": float(shares[0]), "cpu_ms_p95": float(shares[1])}
            results.setdefault(chosen.name, {})[name] = figures
            if not options.json:
                shown = "  ".join(f"{k} {v:.1f}" for k, v in figures.items())
                print(f"{chosen.name:14s} {name:8s} {shown}", flush=True)
    return results


def main() -> None:
    """Parses the command line, evaluates and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--scorer", default="")
    parser.add_argument("--sets", default="sgd,mwz")
    parser.add_argument(
        "--trackers",
        default="",
        help="of empty, rules, learned, chinese; the first three, as far as they are there, if unset",
    )
    parser.add_argument("--weights", default=str(artifact.DEFAULT))
    parser.add_argument("--leanings", default="{}", help="JSON over the artifact's own, see decode.Leanings")
    parser.add_argument("--corrected", action="store_true", help="put every state right before the next turn")
    parser.add_argument(
        "--alone", action="store_true", help="a turn at a time, as one user's come, and what each takes"
    )
    parser.add_argument("--start", type=int, default=0, help="first dialogue taken")
    parser.add_argument("--every", type=int, default=1, help="take every n-th dialogue")
    parser.add_argument("--resume", action="store_true", help="track only dialogues that --out's files don't hold yet")
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
