"""Text for pre-training: files read in order, cut into lanes whose segments follow one another."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from research.pretraining.vocabulary import END_OF_MESSAGE, ROLES

SUFFIXES = {".txt", ".md", ".rst", ".pod", ".py", ".c", ".h", ".html", ".jsonl", ""}


@dataclass(frozen=True)
class Document:
    """One file's text; `kind` is its suffix without the dot, to report losses by kind of text."""

    name: str
    kind: str
    text: str


def read_documents(paths: Sequence[Path]) -> Iterator[Document]:
    """Every readable text file under `paths` (files or folders, .gz unpacked), sorted by path.

    Files that are no UTF-8 or Latin-1 text are passed over; so are test folders of source trees and suffixes
    outside SUFFIXES. Raises FileNotFoundError for a path that is not there.
    """
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"no text at {path}")
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            inner = file.with_suffix("") if file.suffix == ".gz" else file
            if path.is_dir() and (inner.suffix not in SUFFIXES or "test" in file.parts or "tests" in file.parts):
                continue
            data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
            if b"\0" in data[:4096]:
                continue
            try:
                text = data.decode()
            except UnicodeDecodeError:
                text = data.decode("latin-1")
            if text.strip():
                yield Document(str(file), inner.suffix.lstrip(".") or "txt", text)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON-lines file, .gz or not."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.decode().splitlines()]


def read_turns(path: Path) -> list[list[str]]:
    """What was said in each dialogue of a JSON-lines file of {turns: [{text}]}, turn by turn."""
    return [[turn["text"] for turn in dialogue["turns"]] for dialogue in read_lines(path)]


def read_dialogues(path: Path) -> Iterator[Document]:
    """Dialogues of a JSON-lines file (.gz or not) of {id, turns: [{speaker, text}]}, written as chats.

    USER turns become user messages, all others the assistant's; the text is in the vocabulary's chat form.
    """
    for dialogue in read_lines(path):
        turns = [
            (ROLES["user" if turn["speaker"] == "USER" else "assistant"], turn["text"]) for turn in dialogue["turns"]
        ]
        text = "".join(f"{role}{said}{END_OF_MESSAGE}" for role, said in turns)
        yield Document(str(dialogue["id"]), "dialogue", text)


def split_documents(
    documents: Iterable[Document], held_out: int = 20, whole: int = 1_000_000
) -> tuple[list[Document], list[Document]]:
    """(training, held out): every `held_out`-th document of a kind; of one longer than `whole` characters its end.

    A book is one document: its last 1/held_out is held back instead, so that it is text by a known author about
    a known matter, but never read.
    """
    train: list[Document] = []
    held: list[Document] = []
    counts: dict[str, int] = {}
    for document in documents:
        counts[document.kind] = counts.get(document.kind, 0) + 1
        if len(document.text) > whole:
            cut = len(document.text) - len(document.text) // held_out
            train.append(Document(document.name, document.kind, document.text[:cut]))
            held.append(Document(document.name, document.kind, document.text[cut:]))
        elif counts[document.kind] % held_out == 0:
            held.append(document)
        else:
            train.append(document)
    return train, held


def token_stream(tokenizer: Any, documents: Iterable[Document]) -> NDArray[np.int32]:
    """All documents as one row of token ids, each closed by the end-of-text token."""
    parts = [
        np.asarray([*tokenizer.encode(document.text, add_special_tokens=False), tokenizer.eos_token_id], np.int32)
        for document in documents
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


class SegmentStream:
    """A text as `batch` lanes read side by side, segment after segment: what recurrence needs.

    Lane b is the b-th part of the text; call i gives its tokens [i*segment, (i+1)*segment), so that a memory
    carried from one call to the next always holds the tokens just before. At the end it starts again; `position`
    (in segments) is all there is to its state.
    """

    def __init__(self, ids: NDArray[np.int32], batch: int, segment: int) -> None:
        length = (len(ids) - 1) // batch
        if length < segment:
            raise ValueError(f"{len(ids)} tokens do not fill {batch} lanes of {segment}")
        self.inputs = ids[: batch * length].reshape(batch, length)
        self.targets = ids[1 : batch * length + 1].reshape(batch, length)
        self.segment = segment
        self.position = 0

    @property
    def segments(self) -> int:
        """Whole segments in a lane."""
        return int(self.inputs.shape[1] // self.segment)

    def next(self) -> tuple[Tensor, Tensor, bool]:
        """(inputs, targets, starts): [batch, segment] each, int64; `starts` says that the lanes begin here."""
        index = self.position % self.segments
        self.position += 1
        part = slice(index * self.segment, (index + 1) * self.segment)
        inputs, targets = (torch.from_numpy(a[:, part].astype(np.int64)) for a in (self.inputs, self.targets))
        return inputs, targets, index == 0
