"""A tenant's index in one file, so that a restart reads what changed and not everything.

The file is an npz archive of plain arrays (never pickled objects), written under another name and renamed: a crash
leaves the old one or none. Facts are not in it, they are few and read anew. It holds the words of passages, so it has
to go as soon as one of them is taken out: `Indexes` sees to that.
"""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from services.knowledge.domain.entries import IndexParts
from services.knowledge.domain.index import TenantIndex

FORMAT = 1


def save(index: TenantIndex, path: Path, encoder: str) -> int:
    """Writes the index's passages to `path` and returns the log number they cover."""
    parts = index.parts()
    numbers: dict[str, int] = {}
    flat = np.fromiter(
        (numbers.setdefault(word, len(numbers)) for row in parts.rows for word in row[6]),
        np.int32,
        sum(len(row[6]) for row in parts.rows),
    )
    meta = {
        "format": FORMAT,
        "encoder": encoder,
        "applied": parts.applied,
        "pending": parts.pending,
        "titles": {document: list(words) for document, words in parts.titles.items()},
        "rows": [[*row[:4], sorted(row[4]), row[5], len(row[6])] for row in parts.rows],
        "graph": parts.graph is not None,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    with draft.open("wb") as file:
        np.savez(
            file,
            meta=_text(meta),
            vocabulary=_text(list(numbers)),
            words=flat,
            vector_rows=np.asarray(parts.vector_rows, np.int64),
            vectors=parts.vectors.astype(np.float16),
            graph=np.frombuffer(parts.graph or b"", np.uint8),
        )
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return parts.applied


def discard(path: Path) -> None:
    """Deletes the snapshot and what a crash left of one that was being written."""
    path.unlink(missing_ok=True)
    tidy(path)


def tidy(path: Path) -> None:
    """Deletes the drafts of this process and of dead ones; the caller does not write this snapshot meanwhile."""
    for draft in path.parent.glob(f"{path.name}.*.draft"):
        process = draft.suffixes[-2].lstrip(".")
        if not process.isdigit() or int(process) == os.getpid() or not _alive(int(process)):
            draft.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def load(path: Path, encoder: str, dimensions: int, exact_limit: int) -> TenantIndex | None:
    """The index that was saved; None when there is none, it is torn, or another encoder or format made it."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            meta = json.loads(file["meta"].tobytes())
            if (meta["format"], meta["encoder"]) != (FORMAT, encoder):
                return None
            vocabulary = json.loads(file["vocabulary"].tobytes())
            words = file["words"]
            parts = IndexParts(
                applied=meta["applied"],
                pending=meta["pending"],
                rows=[],
                titles={document: tuple(title) for document, title in meta["titles"].items()},
                vector_rows=[int(row) for row in file["vector_rows"]],
                vectors=file["vectors"].astype(np.float32),
                graph=file["graph"].tobytes() if meta["graph"] else None,
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    start = 0
    for row in meta["rows"]:
        own = tuple(vocabulary[number] for number in words[start : start + row[6]])
        start += row[6]
        parts.rows.append((row[0], row[1], row[2], row[3], frozenset(row[4]), row[5], own))
    return TenantIndex.of_parts(parts, dimensions, exact_limit)


def _text(value: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(json.dumps(value, ensure_ascii=False).encode(), np.uint8)
