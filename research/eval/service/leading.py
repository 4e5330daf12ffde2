"""Whether an assistant asks for what an intent still needs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from research.eval.service.product import Record
from research.eval.service.sets import ServiceSet
from services.cli.evaluation.matching import normal
from services.common.schema import Slot, parse_schema

_FREQUENT = frozenset("the a an of for in to and or on at which what whether how who where is be shall that it".split())


def asked_for_missing(subject: ServiceSet, records: Iterable[Record]) -> Counter[str]:
    """Turns after which an intent of the user's misses a required slot, and those whose reply asks for one.

    Turns in which the user asks something are left out: they want an answer first. A reply asks for a slot where it has
    a question with a word of the slot's name, description or values.
    """
    tally: Counter[str] = Counter()
    if not subject.schema:
        return tally
    services = {service.name: service for service in parse_schema(subject.schema).services}
    dialogues = {item["id"]: item for item in subject.dialogues}
    for record in records:
        for turn, answer in zip(dialogues[record["id"]]["turns"], record["turns"], strict=True):
            missing: list[Slot] = []
            for name, service in services.items():
                wanted = turn["state"].get(f"{name}.intent")
                required = {slot for intent in service.intents if intent.name == wanted for slot in intent.required}
                missing += [
                    slot
                    for slot in service.slots
                    if slot.name in required and f"{name}.{slot.name}" not in turn["state"]
                ]
            if missing and not re.search(r"[?？]", turn["user"]):
                tally["missing"] += 1
                tally["asked"] += any(_asks(answer["reply"], slot) for slot in missing)
    return tally


def _asks(reply: str, slot: Slot) -> bool:
    """Whether a question of the reply has a word of the slot."""
    questions = normal(" ".join(re.findall(r"[^.!?。！？]*[?？]", reply)))
    told = normal(" ".join([slot.name.replace("_", " "), slot.description, *(value.value for value in slot.values)]))
    words = set(re.findall(r"[a-z0-9]{3,}", told)) - _FREQUENT
    words |= {run[start : start + 2] for run in re.findall(r"[\u3400-\u9fff]+", told) for start in range(len(run) - 1)}
    return any(word in questions for word in words)
