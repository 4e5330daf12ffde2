"""The sets that dialogue-state trackers are evaluated on: dialogues, and the schema each is read under."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from research.tracker.chinese_examples import CHOSEN, LEARNED, schema_of
from research.tracker.corpus import FOLD
from research.tracker.dialogues import multiwoz_views, read
from services.common.schema import Intent, Schema, Service, Slot, Value, parse_schema_document

LONGEST_NAME = 30  # characters of a gazetteer's value; longer ones are lists and sentences


@dataclass(frozen=True)
class EvaluationSet:
    """Dialogues with the schema each is read under, and how names are mapped back to the annotation's."""

    name: str
    task: str  # "sgd" or "mwoz"
    dialogues: list[dict[str, Any]]
    schema_of: Callable[[dict[str, Any]], Schema]
    original: dict[str, str]  # "service" and "service/slot" or "service/intent" of a paraphrase → original


def load_json(path: Path) -> Any:
    """A JSON file, gzip'd or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def sgd_set(data: Path, dialogues: list[dict[str, Any]], variant: str = "", portion: str = "dev") -> EvaluationSet:
    """SGD's dialogues under the published schema, or under one of SGD-X's paraphrases `v1` … `v5`."""
    if variant:
        services = load_json(data / f"sgdx_{portion}_schemas.json.gz")[variant]
    else:
        services = load_json(data / f"sgd_{portion}_schema.json")
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


def multiwoz_schema(data: Path, published: bool = False) -> Schema:
    """MultiWOZ's five services, with the values that the training states hold.

    `published`: with the values of the published schema alone, for trackers that have seen nothing of MultiWOZ.
    """
    services = load_json(data / "mwz22_schema.json")
    views = multiwoz_views(services, list(read(data / "mwz21_train.jsonl.gz")))
    listed = {slot["name"]: tuple(slot.get("possible_values") or ()) for one in services for slot in one["slots"]}
    return Schema(
        tuple(
            Service(
                view.name,
                view.description,
                tuple(Intent(x.name, x.description) for x in view.intents),
                tuple(
                    Slot(s.name, s.description, tuple(map(Value, listed.get(s.name, ()) if published else s.values)))
                    for s in view.slots
                ),
            )
            for view in views.values()
        ),
        "multiwoz",
    )


def crosswoz_schema(dialogues: Sequence[dict[str, Any]], gazetteer: bool) -> Schema:
    """CrossWOZ's services and slots as its states name them.

    `gazetteer`: with every value that a system reply of the set gives a slot, which stands for the knowledge base that
    the data does not come with.
    """
    slots: dict[str, dict[str, dict[str, None]]] = {}
    for dialogue in dialogues:
        for turn in dialogue["turns"]:
            for service, content in (turn.get("state") or {}).items():
                for slot in content["slots"]:
                    slots.setdefault(service, {}).setdefault(slot, {})
    for dialogue in dialogues if gazetteer else ():
        for turn in dialogue["turns"]:
            if turn["speaker"].upper() == "USER":
                continue
            for act, service, slot, value in turn.get("acts") or ():
                known = slots.get(service, {}).get(f"{service}-{slot}")
                if known is not None and act == "Inform" and 1 < len(value) <= LONGEST_NAME:
                    known[value] = None
    return Schema(
        tuple(
            Service(
                service,
                service,
                (),
                tuple(Slot(name, name.split("-", 1)[-1], tuple(map(Value, values))) for name, values in parts.items()),
            )
            for service, parts in slots.items()
        ),
        "crosswoz",
    )


def always(schema: Schema) -> Callable[[dict[str, Any]], Schema]:
    """The same schema for every dialogue."""
    return lambda _: schema


def sets(names: Sequence[str], data: Path, every: int = 1, start: int = 0) -> Iterator[EvaluationSet]:
    """The named sets, each with every `every`-th dialogue from `start` on."""
    for name in names:
        if name == "sgd" or name.startswith("sgdx_"):
            dialogues = list(read(data / "sgd_dev.jsonl.gz"))[start::every]
            yield sgd_set(data, dialogues, name.removeprefix("sgd").removeprefix("x_"))
        elif name == "fold":
            held_out = [d for d in read(data / "sgd_train.jsonl.gz") if set(d["services"]) & set(FOLD)]
            yield sgd_set(data, held_out[start::every], portion="train")
        elif name in ("mwz", "mwz_train", "mwz_zero"):
            schema = multiwoz_schema(data, name == "mwz_zero")
            portion = "train" if name == "mwz_train" else "dev"
            chosen = list(read(data / f"mwz21_{portion}.jsonl.gz"))[start::every]
            label = f"mwz21_{portion}" + ("_zero" if name == "mwz_zero" else "")
            yield EvaluationSet(label, "mwoz", chosen, always(schema), {})
        elif name in ("crosswoz", "crosswoz_bare"):
            every_one = list(read(data / "crosswoz_dev.jsonl.gz"))
            schema = crosswoz_schema(every_one, name == "crosswoz")
            yield EvaluationSet(f"{name}_dev", "mwoz", every_one[start::every], always(schema), {})
        elif name in ("crosswoz_choosing", "crosswoz_last"):  # what train_chinese chooses by; what it never reads
            every_one = list(read(data / "crosswoz_dev.jsonl.gz"))
            schema = schema_of(every_one, every_one[:LEARNED])
            part = every_one[LEARNED:CHOSEN] if name == "crosswoz_choosing" else every_one[CHOSEN:]
            yield EvaluationSet(name, "mwoz", part[start::every], always(schema), {})
        else:
            raise SystemExit(f"no such set: {name}")
