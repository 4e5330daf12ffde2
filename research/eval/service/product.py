"""Asks the product what a set's people ask, over gRPC as any client does."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from antiphon.client import AntiphonError, Client, document
from antiphon.v1 import conversation_pb2, feedback_pb2, knowledge_pb2, state_pb2
from antiphon.v1.common_pb2 import REPLY_POLICY_FREE, DecodingSettings
from pymongo import MongoClient

from research.eval.service.sets import Item, ServiceSet
from research.eval.service.stack import wait_until
from services.common.media import MEDIA_TYPES
from services.common.settings import CommonSettings

SCHEMA = "service"
FREE = DecodingSettings(reply_policy=REPLY_POLICY_FREE)
"""The model's own words on the passages that are found, held against nothing."""
INGEST_S = 600.0
Record = dict[str, Any]


@dataclass
class Reply:
    """A draft as a client got it. `first_token_s` is None where no text came before the end."""

    text: str
    turn_id: str
    first_token_s: float | None
    seconds: float
    supported: bool | None = None
    probability: float | None = None
    handoff: bool = False
    events: list[str] = field(default_factory=list)

    def record(self) -> Record:
        """For the raw records."""
        return {
            "reply": self.text,
            "turn": self.turn_id,
            "first_token_s": self.first_token_s,
            "seconds": round(self.seconds, 3),
            "supported": self.supported,
            "probability": self.probability,
            "handoff": self.handoff,
            "events": self.events,
        }


class Product:
    """One tenant's assistant that knows the documents of one set."""

    def __init__(self, client: Client, name: str, mongo_url: str) -> None:
        self._client = client
        self._name = name
        self._mongo_url = mongo_url
        self._watermark = 0
        self._has_schema = False
        self._users = 0

    def prepare(self, subject: ServiceSet) -> list[str]:
        """Load schema and documents and wait until they can be searched; what the product did not take, with why."""
        if subject.schema:
            self._client.states.PutSchema(state_pb2.PutSchemaRequest(name=SCHEMA, definition=subject.schema))
            self._has_schema = True
        refused: list[str] = []
        ingestions = []
        for name, file in subject.documents.items():
            if file.suffix.lower() not in MEDIA_TYPES:
                refused.append(f"{name}: no such kind of document is read")
                continue
            try:
                parts = document(name, file.read_bytes(), user_id="evaluation")
                ingestions.append(self._client.knowledge.IngestDocument(parts).ingestion)
            except AntiphonError as error:
                refused.append(f"{name}: {error}")
        for ingestion in ingestions:
            ingestion = self._until_read(ingestion)
            if ingestion.status == knowledge_pb2.INGESTION_STATUS_FAILED:
                refused.append(f"{ingestion.name}: {ingestion.error}")
            self._watermark = max(self._watermark, ingestion.watermark)
        return refused

    def _until_read(self, ingestion: knowledge_pb2.Ingestion) -> knowledge_pb2.Ingestion:
        request = knowledge_pb2.GetIngestionRequest(ingestion_id=ingestion.id)
        newest = [ingestion]

        def is_read() -> bool:
            newest[0] = self._client.knowledge.GetIngestion(request).ingestion
            return newest[0].status != knowledge_pb2.INGESTION_STATUS_ACCEPTED

        wait_until(is_read, INGEST_S, f"reading {ingestion.name}")
        return newest[0]

    def search(self, question: str, limit: int) -> list[str]:
        """Passages that the product finds, with their document and headings, the best first."""
        hits = self._client.knowledge.Search(knowledge_pb2.SearchRequest(query=question, limit=limit)).hits
        return [
            " › ".join([hit.passage.document_name, *hit.passage.headings]) + "\n" + hit.passage.text
            for hit in hits
            if hit.WhichOneof("item") == "passage"
        ]

    def session(self) -> str:
        """A new user's new session."""
        self._users += 1
        request = conversation_pb2.CreateSessionRequest(
            user_id=f"{self._name}-{self._users}", schema_name=SCHEMA if self._has_schema else ""
        )
        return self._client.conversations.CreateSession(request).session.id

    def ask(self, question: str, session: str | None = None, settings: DecodingSettings | None = None) -> Reply:
        """Send a message, in a session of its own unless one is given."""
        session = session or self.session()
        stream = self._client.send(session, question, settings=settings, min_watermark=self._watermark)
        return self._follow(stream)

    def revise(self, turn_id: str, comment: str) -> Reply:
        """Comment on the turn's latest draft."""
        return self._follow(self._client.revise(turn_id, comment, min_watermark=self._watermark))

    def _follow(self, stream: Any) -> Reply:
        started = time.monotonic()
        first: float | None = None
        draft: conversation_pb2.Draft | None = None
        events: list[str] = []
        with stream:
            for event in stream:
                kind = event.WhichOneof("event") or ""
                if kind == "delta" and first is None:
                    first = time.monotonic() - started
                if kind not in events:
                    events.append(kind)
                if kind == "completed":
                    draft = event.completed.draft
        seconds = time.monotonic() - started
        if draft is None:
            return Reply("", stream.turn_id, first, seconds, events=events)
        cited = [citation.supported for citation in draft.citations]
        return Reply(
            draft.text,
            stream.turn_id,
            first,
            seconds,
            supported=all(cited) if cited else None,
            probability=_probability(draft),
            handoff=draft.handoff,
            events=events,
        )

    def put_reply(self, turn_id: str, text: str) -> None:
        """Put a given reply in the place of the turn's draft, as if the model had written it.

        No call does that: what a person posts or a history brings counts as accepted and is not revised. The comment
        is to be read with this reply before it, so that it is written where drafts are kept.
        """
        mongo: MongoClient[dict[str, Any]]
        with MongoClient(self._mongo_url) as mongo:
            turns: Any = mongo[CommonSettings().mongo_database]["turns"]
            answer = turns.update_one({"_id": turn_id}, {"$set": {"drafts.0.text": text}})
            if not answer.matched_count:
                raise RuntimeError(f"no turn {turn_id} in the store")

    def state(self, session: str) -> dict[str, str]:
        """The session's state, flat: `service.slot` and `service.intent` to value."""
        request = state_pb2.GetStateRequest(session_id=session)
        state = self._client.states.GetState(request).snapshot.state
        flat: dict[str, str] = {}
        for service, part in state.services.items():
            if part.intent:
                flat[f"{service}.intent"] = part.intent
            flat.update({f"{service}.{slot}": value.value for slot, value in part.slots.items() if value.value})
        return flat

    def import_corrections(self, corrections: tuple[Item, ...]) -> None:
        """Import them as a reviewer's file and wait until they are processed."""
        import json

        lines = [
            json.dumps(
                {"prompt": item["question"], "reply": item["wrong"], "feedback": {"editedText": item["corrected"]}}
            )
            for item in corrections
        ]
        items = [feedback_pb2.ImportItem(json=line) for line in lines]
        opened = getattr(self._client.feedback.OpenImport(feedback_pb2.OpenImportRequest(name="corrections")), "import")
        append = feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=1, items=items)
        refused = self._client.feedback.AppendImport(append).refused
        if refused:
            raise RuntimeError(f"line {refused[0].line} of the corrections: {refused[0].reason}")
        self._client.feedback.CloseImport(feedback_pb2.CloseImportRequest(import_id=opened.id, total_lines=len(lines)))

        def is_done() -> bool:
            answer = self._client.feedback.GetImport(feedback_pb2.GetImportRequest(import_id=opened.id))
            return bool(getattr(answer, "import").status == feedback_pb2.IMPORT_STATUS_DONE)

        wait_until(is_done, INGEST_S, "the import of corrections")


def _probability(draft: conversation_pb2.Draft) -> float | None:
    """The probability that the reply answers all that was asked; None where nothing was weighed."""
    answers = [answer.probability for answer in draft.manifest.evidence.answers if answer.verdict != "none"]
    return min(answers) if answers else None
