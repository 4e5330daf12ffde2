"""Reads service sets: a company's documents, and what people ask, say and correct."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from research.eval.service.documents import Passage, passages

Item = dict[str, Any]


@dataclass(frozen=True)
class ServiceSet:
    """One invented company. `documents` maps a name to its file."""

    name: str
    documents: dict[str, Path]
    schema: str
    questions: tuple[Item, ...]
    dialogues: tuple[Item, ...]
    feedback: tuple[Item, ...]
    corrections: tuple[Item, ...]

    def passages(self) -> list[Passage]:
        """The documents' paragraphs, items and rows, as any program can read them."""
        return [passage for name, file in self.documents.items() for passage in passages(name, file)]

    def limited(self, most: int) -> ServiceSet:
        """This set with at most so many items of each kind, spread over it; 0: all of them."""
        if not most:
            return self

        def spread(items: tuple[Item, ...]) -> tuple[Item, ...]:
            return items[:: max(1, -(-len(items) // most))]

        return ServiceSet(
            self.name,
            self.documents,
            self.schema,
            spread(self.questions),
            spread(self.dialogues),
            spread(self.feedback),
            spread(self.corrections),
        )


def find_sets(folder: Path) -> list[ServiceSet]:
    """The set in this folder, or those in its subfolders by name. Raises ValueError where there is none."""
    if (folder / "questions.jsonl").is_file():
        return [_read(folder)]
    found = [_read(below) for below in sorted(folder.iterdir()) if (below / "questions.jsonl").is_file()]
    if not found:
        raise ValueError(f"no questions.jsonl in {folder} or right below it")
    return found


def _read(folder: Path) -> ServiceSet:
    documents = {
        file.relative_to(folder / "docs").as_posix(): file
        for file in sorted((folder / "docs").rglob("*"))
        if file.is_file()
    }
    schema = folder / "schema.yaml"
    return ServiceSet(
        folder.name,
        documents,
        schema.read_text(encoding="utf-8") if schema.is_file() else "",
        _items(folder / "questions.jsonl"),
        _items(folder / "dialogues.jsonl"),
        _items(folder / "feedback.jsonl"),
        _items(folder / "corrections-gold.jsonl"),
    )


def _items(file: Path) -> tuple[Item, ...]:
    if not file.is_file():
        return ()
    return tuple(json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
