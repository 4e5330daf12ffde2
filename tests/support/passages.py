"""Documents as their passages, without a worker: what the limited process does, in this one."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.media import media_type
from services.knowledge.domain.passages import Passage, cut
from services.knowledge.domain.reading import LINES, Document, read


def pieces(texts: Sequence[str]) -> list[int]:
    """WordPieces, roughly: one for four letters, one for each ideograph."""
    return [len(text) // 4 + 1 + sum("一" <= letter <= "鿿" for letter in text) for text in texts]


def document(content: str | bytes, name: str, title: str = "") -> Document:
    """The document of this content, of the kind that its name's ending tells."""
    data = content.encode() if isinstance(content, str) else content
    return read(data, media_type(name), title, name)


def passages(content: str | bytes, name: str, title: str = "") -> list[Passage]:
    """Its passages."""
    found = document(content, name, title)
    flows = media_type(name) in LINES
    return cut("doc", found.sections, pieces, title=found.title, effective=found.edition.said, flows=flows)


def shown(content: str | bytes, name: str, title: str = "") -> list[tuple[str, str]]:
    """(heading, text) of its passages."""
    return [(passage.heading, passage.text) for passage in passages(content, name, title)]


def spans(passage: Passage) -> list[str]:
    """What of the passage can be quoted by itself."""
    return [passage.text[span.start : span.end] for span in passage.structure.spans]
