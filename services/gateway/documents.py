"""The document RPCs of KnowledgeService: uploads, their progress, their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Any

import structlog
from antiphon.v1 import knowledge_pb2 as pb

from services.common.bus import topology
from services.common.bus.jobs import Jobs
from services.common.errors import InvalidArgument, NotFound, ResourceExhausted, Unavailable
from services.common.media import MEDIA_TYPES, media_type
from services.common.store import Document, Store
from services.common.store.knowledge import Upload, document_id
from services.common.store.knowledge.documents import MAX_DOCUMENT_BYTES
from services.common.store.knowledge.ingesting import OPEN
from services.gateway import validation as check
from services.gateway.audit import note
from services.gateway.auth import caller
from services.gateway.mapping.knowledge import ingestion_message, passage_message
from services.gateway.quotas import Quotas
from services.gateway.settings import GatewaySettings
from services.gateway.threads import Threads

log = structlog.get_logger(__name__)
MAX_CHUNK = 2**20
MAX_TITLE = 500
MAX_PASSAGES = 100
WATCH_SECONDS = 0.2
INGEST = "knowledge.ingest"


class DocumentRpcs:
    """A mixin of KnowledgeService."""

    _settings: GatewaySettings
    _store: Store
    _threads: Threads
    _jobs: Jobs
    _quotas: Quotas

    async def IngestDocument(
        self, requests: AsyncIterator[pb.IngestDocumentRequest], context: Any
    ) -> pb.IngestDocumentResponse:
        header, content = await _receive(requests)
        tenant = caller().tenant
        note(document=document_id(header.name), bytes=len(content), access=_labels(header)[1:])
        upload = Upload(
            uri=header.name,
            content=content,
            media_type=media_type(header.name, header.media_type),
            title=header.title,
            labels=_labels(header),
            user=header.user_id,
            request_id=header.request_id,
        )
        source = await self._threads.run(self._ingest, tenant, upload)
        return pb.IngestDocumentResponse(ingestion=ingestion_message(source), watermark=source.get("watermark") or 0)

    def _ingest(self, tenant: str, upload: Upload) -> Document:
        self._quotas.document(tenant, upload.uri, len(upload.content))
        source, created = self._store.knowledge.accept_document(tenant, upload)
        if created:
            try:
                self._jobs.send(topology.INGEST_JOBS, INGEST, tenant=tenant, ingestion=source["_id"])
            except Unavailable as error:  # the document is its job's outbox; it is sent again
                log.warning("ingest_not_sent", ingestion=source["_id"], error=str(error))
        return source

    async def GetIngestion(self, request: pb.GetIngestionRequest, context: Any) -> pb.GetIngestionResponse:
        ingestion = check.identifier("ingestion_id", request.ingestion_id)
        source = await self._threads.run(self._ingestion, ingestion)
        return pb.GetIngestionResponse(ingestion=ingestion_message(source))

    def _ingestion(self, ingestion: str) -> Document:
        """An upload and how far it has come. Raises NotFound, also where the document's labels were not granted."""
        source: Document = self._store.knowledge.get_ingestion(caller().tenant, ingestion)
        if not _granted(source):
            raise NotFound(f"no ingestion {ingestion}")
        return source

    async def WatchIngestion(
        self, request: pb.WatchIngestionRequest, context: Any
    ) -> AsyncIterator[pb.WatchIngestionResponse]:
        ingestion = check.identifier("ingestion_id", request.ingestion_id)
        seen: pb.Ingestion | None = None
        while True:
            source = await self._threads.run(self._ingestion, ingestion)
            message = ingestion_message(source)
            if message != seen:
                seen = message
                yield pb.WatchIngestionResponse(ingestion=message)
            if source["status"] not in OPEN:
                return
            await asyncio.sleep(WATCH_SECONDS)

    async def ListDocuments(self, request: pb.ListDocumentsRequest, context: Any) -> pb.ListDocumentsResponse:
        size = check.page_size(request.page_size)
        after = check.words("page_token", request.page_token, check.MAX_NAME, needed=False)
        granted: list[Document] = []
        while len(granted) < size:
            sources = await self._threads.run(self._store.knowledge.list_sources, caller().tenant, after, size)
            granted += filter(_granted, sources)
            if len(sources) < size:
                break
            after = sources[-1]["uri"]
        following = granted[size - 1]["uri"] if len(granted) >= size else ""  # names no document that was not granted
        documents = [ingestion_message(source) for source in granted[:size]]
        return pb.ListDocumentsResponse(documents=documents, next_page_token=following)

    async def GetPassages(self, request: pb.GetPassagesRequest, context: Any) -> pb.GetPassagesResponse:
        check.between("passage_ids", len(request.passage_ids), 1, MAX_PASSAGES)
        ids = [check.identifier(f"passage_ids[{n}]", name) for n, name in enumerate(request.passage_ids)]
        passages = await self._threads.run(self._passages, caller().tenant, ids)
        return pb.GetPassagesResponse(passages=passages)

    def _passages(self, tenant: str, ids: list[str]) -> list[pb.Passage]:
        """Those that are there and whose document's labels were granted, in the order of the ids."""
        rows = self._store.knowledge.read_passages(tenant, ids)
        readable = self._readable(tenant, [row["source"] for row in rows.values()])
        return [passage_message(rows[name]) for name in ids if name in rows and rows[name]["source"] in readable]

    def _readable(self, tenant: str, documents: list[str]) -> set[str]:
        """Those of the documents of which the caller was granted every label that limits who finds them."""
        labels, who = self._store.knowledge.labels_of(tenant, documents), caller()

        def access(document: str) -> list[str]:
            words = labels.get(document, set())
            return [word.removeprefix(check.ACCESS) for word in words if word.startswith(check.ACCESS)]

        return {document for document in documents if who.granted(access(document))}

    async def ListPassages(self, request: pb.ListPassagesRequest, context: Any) -> pb.ListPassagesResponse:
        name = check.words("document_name", request.document_name, check.MAX_NAME)
        size = check.page_size(request.page_size)
        start = check.page_number("page_token", request.page_token)
        return await self._threads.run(self._contents, caller().tenant, document_id(name), start, size)

    def _contents(self, tenant: str, document: str, start: int, size: int) -> pb.ListPassagesResponse:
        """One page of a document. Raises NotFound, also where the document's labels were not granted."""
        if document not in self._readable(tenant, [document]):
            raise NotFound("there is no such document")
        source, names = self._store.knowledge.contents(tenant, document)
        page = names[start : start + size]
        rows = self._store.knowledge.read_passages(tenant, page)
        return pb.ListPassagesResponse(
            document=ingestion_message(source),
            passages=[passage_message(rows[name]) for name in page if name in rows],
            next_page_token=str(start + size) if start + size < len(names) else "",
        )

    async def DeleteDocument(self, request: pb.DeleteDocumentRequest, context: Any) -> pb.DeleteDocumentResponse:
        check.request_of("DeleteDocument", request)
        document = self._document(check.words("name", request.name, check.MAX_NAME))
        watermark, passages = await self._threads.run(self._delete, caller().tenant, document)
        return pb.DeleteDocumentResponse(watermark=watermark, passages=passages)

    def _delete(self, tenant: str, document: str) -> tuple[int, int]:
        """Raises NotFound, also where the document's labels were not granted."""
        if document not in self._readable(tenant, [document]):
            raise NotFound("there is no such document")
        found: tuple[int, int] = self._store.knowledge.delete_document(tenant, document)
        return found

    @staticmethod
    def _document(name: str) -> str:
        return document_id(name)


async def _receive(requests: AsyncIterator[pb.IngestDocumentRequest]) -> tuple[pb.DocumentHeader, bytes]:
    """The header and the whole content. Raises InvalidArgument, ResourceExhausted."""
    header: pb.DocumentHeader | None = None
    content = bytearray()
    async for request in requests:
        part = request.WhichOneof("part")
        if part == "header":
            if header is not None:
                raise InvalidArgument("header", "comes once, before the chunks")
            header = request.header
            _check_header(header)
        elif part == "chunk":
            if header is None:
                raise InvalidArgument("header", "comes first")
            if len(request.chunk) > MAX_CHUNK:
                raise InvalidArgument("chunk", f"has {len(request.chunk)} bytes, at most {MAX_CHUNK} are taken")
            content += request.chunk
            if len(content) > MAX_DOCUMENT_BYTES:
                raise ResourceExhausted(
                    f"the document has more than {MAX_DOCUMENT_BYTES} bytes", retry_after=3600, reason="TOO_LARGE"
                )
        else:
            raise InvalidArgument("part", "is empty: a header or a chunk")
    if header is None:
        raise InvalidArgument("header", "is needed")
    if not content.strip():
        raise InvalidArgument("chunk", "the document is empty")
    if media_type(header.name, header.media_type).startswith("text/"):
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            ending = PurePosixPath(header.name).suffix.lower()
            unknown = not header.media_type and ending not in MEDIA_TYPES
            kinds = f", and {ending or 'no ending'} tells no other kind: {', '.join(MEDIA_TYPES)}" if unknown else ""
            raise InvalidArgument("chunk", f"the document is no UTF-8 text (byte {error.start}){kinds}") from None
    return header, bytes(content)


def _check_header(header: pb.DocumentHeader) -> None:
    check.words("header.request_id", header.request_id, check.MAX_ID, needed=False)
    check.words("header.name", header.name, check.MAX_NAME)
    check.words("header.title", header.title, MAX_TITLE, needed=False)
    check.words("header.user_id", header.user_id, check.MAX_USER, needed=False)
    check.label_words("header.labels", header.labels)
    if header.media_type and media_type("", header.media_type) not in MEDIA_TYPES.values():
        known = " or ".join(sorted(set(MEDIA_TYPES.values())))
        raise InvalidArgument("header.media_type", f"{header.media_type!r} is not taken; {known}")


def _granted(source: Document) -> bool:
    """Whether the caller was granted every label that limits who finds the document."""
    access = ((source.get("labels") or {}).get("access") or "").split(",")
    return caller().granted(filter(None, access))


def _labels(header: pb.DocumentHeader) -> tuple[tuple[str, str], ...]:
    """The caller's words, and among them those that limit who finds the document (``access:NAME``)."""
    given = check.label_words("header.labels", header.labels)
    access = [one.removeprefix(check.ACCESS) for one in given if one.startswith(check.ACCESS)]
    pairs = (("words", "\n".join(given)), ("access", ",".join(access)))
    return tuple((name, value) for name, value in pairs if value)
