"""Knowledge in MongoDB: sources, passages, vectors, facts and candidates, with one log of what changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.common.facts import FactRevision, outdated_values
from services.common.quoting import quoted
from services.common.store.connection import Connection
from services.common.store.knowledge.candidates import CandidateStore, Decision
from services.common.store.knowledge.documents import DocumentStore, Upload, document_id
from services.common.store.knowledge.erasing import ErasingStore
from services.common.store.knowledge.fact_documents import FactView, read_fact
from services.common.store.knowledge.facts import FactChange, FactStore, Statement
from services.common.store.knowledge.log import KNOWLEDGE_INDEXES, Change, Heads, KnowledgeLog
from services.common.store.knowledge.own_values import OwnValueStore
from services.common.store.knowledge.questions import Question, QuestionStore
from services.common.store.knowledge.uses import Use, UseStore

__all__ = [
    "KNOWLEDGE_INDEXES",
    "Change",
    "Decision",
    "FactChange",
    "FactView",
    "GroundingText",
    "Heads",
    "KnowledgeStore",
    "Question",
    "Statement",
    "Upload",
    "Use",
    "document_id",
    "read_fact",
]


@dataclass(frozen=True)
class GroundingText:
    """One piece of knowledge as it enters a prompt; `kind` is passage or fact, `id` and `revision` cite it.

    `outdated`: values that the fact had before; `since`: when the service was told of it.
    """

    kind: str
    id: str
    revision: int
    heading: str
    text: str
    uri: str = ""
    outdated: tuple[str, ...] = ()
    since: datetime | None = None


class KnowledgeStore(DocumentStore, FactStore, CandidateStore, QuestionStore, UseStore, ErasingStore, OwnValueStore):
    """Every store operation on knowledge, over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.log = KnowledgeLog(connection)
        DocumentStore.__init__(self, connection, self.log)
        CandidateStore.__init__(self, connection, self)

    def read_grounding(
        self, tenant: str, passages: Sequence[Mapping[str, Any]], facts: Sequence[Mapping[str, Any]]
    ) -> list[GroundingText]:
        """The texts of a turn's passages and facts ({id, revision, …} as the turn message has them), facts first.

        Order is kept; what was erased since is left out. The texts are `quoted`: they hold no template marks; those of
        passages have been so since they were read. Two reads by id at most.
        """
        texts: list[GroundingText] = []
        if facts:
            of_fact: dict[str, dict[int, FactRevision]] = defaultdict(dict)
            for revision in self.all_revisions(tenant, [one["id"] for one in facts]):
                of_fact[revision.id][revision.revision] = revision
            for one in facts:
                revisions = of_fact[one["id"]]
                fact = revisions.get(one["revision"])
                if fact is not None:
                    outdated = outdated_values(fact, revisions.values())
                    text = quoted(fact.prompt_text)
                    entity, since = quoted(fact.entity), fact.recorded_at
                    texts.append(GroundingText("fact", fact.id, fact.revision, entity, text, "", outdated, since))
        if passages:
            rows = self.read_passages(tenant, [one["id"] for one in passages])
            for one in passages:
                row = rows.get(one["id"])
                if row is not None:
                    heading, text, stored = row["heading"], row["text"], row.get("created_at")
                    if "structure" not in row:  # stored before passages were quoted when they are read
                        heading, text = quoted(heading), quoted(text)
                    texts.append(
                        GroundingText("passage", row["_id"], row["revision"], heading, text, row["uri"], (), stored)
                    )
        return texts
