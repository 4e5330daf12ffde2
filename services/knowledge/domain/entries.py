"""What an index takes in, what it keeps of it and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.facts import FactRevision
from services.knowledge.domain.vectors import Vectors


@dataclass(frozen=True)
class Entry:
    """A passage as the index takes it; `heading` is the path of headings, led by the document's title.

    `known` is the share of the text's WordPieces that the encoder knows.
    """

    id: str
    revision: int
    document: str
    text: str
    heading: str = ""
    known: float = 1.0
    access: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """A passage in the index; `words` are the search terms it was added with."""

    id: str
    revision: int
    document: str
    access: frozenset[str]
    known: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class PassageHit:
    """A passage found; `score` is comparable within one answer only."""

    id: str
    revision: int
    document: str
    score: float


@dataclass(frozen=True)
class Found:
    """What a search found, best first, and the watermark it covers."""

    passages: tuple[PassageHit, ...]
    facts: tuple[tuple[FactRevision, float], ...]
    watermark: int


@dataclass
class IndexParts:
    """What a snapshot keeps of an index. A row: number, id, revision, document, access, known, words."""

    applied: int
    pending: dict[str, int]
    rows: list[tuple[int, str, int, str, frozenset[str], float, tuple[str, ...]]]
    titles: dict[str, tuple[str, ...]]
    vector_rows: list[int]
    vectors: Vectors
    graph: bytes | None
