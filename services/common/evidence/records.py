"""What travels and is stored of evidence: ids, revisions, offsets and probabilities, never texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["fact", "comparison", "list", "yes_no", "chat", "statement"]
Verdict = Literal["answered", "unknown", "several", "none"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a passage or fact: characters `start` to `end` of its text and, of a table's row, the asked `cells`
    (none: all of it). `probability` is that it answers the question by itself."""

    kind: Literal["passage", "fact"]
    id: str
    revision: int
    start: int
    end: int
    cells: tuple[int, ...] = ()
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers one question, which stands at `start` to `end` in the message.

    `verdict`: "answered" by all of the pieces together; "several": by each of them under a condition that was not
    said; "unknown": by none; "none": nothing was asked. `probability` is that of being answered. `polarity` is "yes"
    or "no" where a question that wants one of them is answered beyond doubt. `first` is the piece that a comparison
    names first, -1 where none was computed; `relation` says how it differs ("less", "more", "equal").
    """

    kind: Kind
    verdict: Verdict
    probability: float
    pieces: tuple[Piece, ...] = ()
    start: int = 0
    end: int = 0
    polarity: str = ""
    relation: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The answers to a message's questions, in their order. `language` is the message's ("en", "zh", …)."""

    language: str
    answers: tuple[Answer, ...]

    def to_json(self) -> dict[str, Any]:
        """As messages and turn documents hold it."""
        record = asdict(self)
        for answer in record["answers"]:
            answer["probability"] = round(answer["probability"], 4)
            for piece in answer["pieces"]:
                piece["probability"] = round(piece["probability"], 4)
                piece["cells"] = list(piece["cells"])
            answer["pieces"] = list(answer["pieces"])
        record["answers"] = list(record["answers"])
        return record

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Evidence:
        """Reads `to_json`'s form; fields that a newer writer may add are ignored."""
        return cls(record["language"], tuple(_answer(one) for one in record["answers"]))


def _answer(record: Mapping[str, Any]) -> Answer:
    known = {name: record[name] for name in Answer.__slots__ if name in record and name != "pieces"}
    pieces = tuple(
        Piece(
            **{name: value for name, value in one.items() if name in Piece.__slots__} | {"cells": tuple(one["cells"])}
        )
        for one in record.get("pieces", ())
    )
    return Answer(**known, pieces=pieces)
