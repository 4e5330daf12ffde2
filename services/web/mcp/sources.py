"""The passages and facts that a reply rests on, with their words as far as the caller's role may read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
from antiphon.errors import CallError
from antiphon.v1.common_pb2 import EvidencePiece, FactRef, PassageRef
from antiphon.v1.conversation_pb2 import Citation, Draft
from antiphon.v1.knowledge_pb2 import Fact, FactHistoryRequest, GetPassagesRequest, Passage

from services.web.gateways import Gateways, Metadata

MAX_SOURCES = 12
MAX_TEXT = 2_000
MAX_REVISIONS = 20
_WITHHELD = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND)


def cut(text: str) -> str:
    """A text of bounded length."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def passage_shown(passage: Passage) -> dict[str, Any]:
    """A passage as tools show it."""
    return {
        "kind": "passage",
        "id": passage.id,
        "revision": passage.revision,
        "document": cut(passage.document_name),
        "headings": [cut(heading) for heading in passage.headings[:8]],
        "text": cut(passage.text),
    }


def fact_shown(fact: Fact) -> dict[str, Any]:
    """A fact as tools show it."""
    words = {"entity": fact.entity, "slot": fact.slot, "value": fact.value, "text": cut(fact.text)}
    return {"kind": "fact", "id": fact.id, "revision": fact.revision, **words}


class Sources:
    """Reads sources with one caller's credentials."""

    def __init__(self, gateways: Gateways, metadata: Metadata) -> None:
        self._knowledge = gateways.knowledge
        self._metadata = metadata

    async def of(self, draft: Draft) -> list[dict[str, Any]]:
        """What a draft cites and what answered its question, each once, the cited first.

        A source that the caller may not read, or that is gone, has no ``text``. Raises CallError.
        """
        refs = _refs(draft)
        passages = await self._passages([id for kind, id, _ in refs if kind == "passage"])
        told = []
        for kind, id, revision in refs:
            words = passages.get(id, {}) if kind == "passage" else await self._fact(id, revision)
            told.append({**words, "kind": kind, "id": id, "revision": revision})
        return told

    async def _passages(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        if not ids:
            return {}
        try:
            answer = await self._knowledge.GetPassages(GetPassagesRequest(passage_ids=ids), metadata=self._metadata)
        except CallError as error:
            if error.code in _WITHHELD:
                return {}
            raise
        return {passage.id: passage_shown(passage) for passage in answer.passages}

    async def _fact(self, id: str, revision: int) -> dict[str, Any]:
        request = FactHistoryRequest(fact_id=id, page_size=MAX_REVISIONS)
        try:
            answer = await self._knowledge.FactHistory(request, metadata=self._metadata)
        except CallError as error:
            if error.code in _WITHHELD:
                return {}
            raise
        return next((fact_shown(fact) for fact in answer.revisions if fact.revision == revision), {})


def _refs(draft: Draft) -> list[tuple[str, str, int]]:
    """Kind, id and revision of each source, without repetitions."""
    cited: Iterable[Citation | EvidencePiece] = draft.citations
    pieces = [piece for answer in draft.manifest.evidence.answers for piece in answer.pieces]
    refs: dict[tuple[str, str, int], None] = {}
    for holder in (*cited, *pieces):
        kind = holder.WhichOneof("source")
        if kind:
            source: PassageRef | FactRef = getattr(holder, kind)
            refs[kind, source.id, source.revision] = None
    return list(refs)[:MAX_SOURCES]
