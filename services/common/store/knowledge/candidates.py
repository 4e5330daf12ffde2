"""What may become a fact: mined from feedback and talk, in quarantine until somebody decides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import FailedPrecondition, InvalidArgument, NotFound
from services.common.facts import fact_id
from services.common.ids import new_id
from services.common.names import key
from services.common.store.connection import Connection, Document
from services.common.store.knowledge.facts import FactChange, FactStore, Statement
from services.common.store.knowledge.log import DOWN, SCHEMA_VERSION
from services.common.store.requests import Request


@dataclass(frozen=True)
class Decision:
    """What became of a candidate: its document, and the fact it made (None when it was turned down)."""

    candidate: Document
    change: FactChange | None


class CandidateStore:
    """Candidates by status; each rests on a span of what somebody said."""

    def __init__(self, connection: Connection, facts: FactStore) -> None:
        self._connection = connection
        self._facts = facts

    def propose_fact(self, tenant: str, statement: Statement, question: str = "") -> tuple[Document, bool]:
        """Puts a statement into quarantine and returns (candidate, created). KEPT.

        `statement.text` is the span it rests on and must contain the value, else InvalidArgument. The same
        statement of the same provenance again finds the first candidate. `question` is what a reviewer is asked.
        """
        if not statement.text or key(statement.value) not in key(statement.text):
            raise InvalidArgument("text", "must be the words that the value was found in")
        return self._propose(tenant, statement, question, {"value": statement.value})

    def propose_retraction(self, tenant: str, statement: Statement, question: str = "") -> tuple[Document, bool]:
        """Puts into quarantine that a fact holds no more, as ``propose_fact`` does a fact: the candidate has no value,
        and the statement's is what would be taken back. KEPT. Raises InvalidArgument (no words it rests on)."""
        if not statement.text:
            raise InvalidArgument("text", "must be the words that deny the value")
        return self._propose(tenant, statement, question, {"value": "", "retracts": statement.value})

    def _propose(self, tenant: str, statement: Statement, question: str, what: Document) -> tuple[Document, bool]:
        parts = (statement.entity, statement.slot, *what.values(), sorted(statement.provenance.items()))
        origin = hashlib.sha256(repr(parts).encode()).hexdigest()
        candidates = self._connection.scoped("candidates", tenant)
        candidate: Document = {
            "_id": new_id("cand"),
            "schema_version": SCHEMA_VERSION,
            "origin": origin,
            "status": "waiting",
            "entity": statement.entity,
            "slot": statement.slot,
            **what,
            "text": statement.text,
            "multi": statement.multi,
            "authority": statement.authority,
            "author": statement.author,
            "provenance": statement.provenance,
            "question": question,
            "created_at": now(),
        }
        candidate |= self._connection.subscriptions.mark(tenant, candidate["created_at"])
        try:
            candidates.insert_one(candidate)
            return {**candidate, "tenant": tenant}, True
        except DuplicateKeyError:
            found = candidates.find_one({"origin": origin})
            return (found, False) if found else self._propose(tenant, statement, question, what)

    def read_claims(self, tenant: str, feedback: Sequence[str]) -> list[Document]:
        """The feedback records of these ids that hold claims."""
        rows = self._connection.scoped("feedback", tenant).find({"_id": {"$in": list(feedback)}})
        return [row for row in rows if row.get("claims")]

    def list_candidates(
        self, tenant: str, status: str = "waiting", before: str = "", limit: int = 100
    ) -> list[Document]:
        """Candidates of a status, the latest first, from below the id `before`."""
        query: Document = {"status": status}
        if before:
            query["_id"] = {"$lt": before}
        return list(self._connection.scoped("candidates", tenant).find(query).sort("_id", DOWN).limit(limit))

    def decide_candidate(
        self,
        tenant: str,
        candidate: str,
        *,
        reject: bool = False,
        entity: str = "",
        slot: str = "",
        value: str = "",
        author: str = "",
        authority: int = 0,
    ) -> Decision:
        """Makes a candidate a fact, with what the reviewer changed of it, or turns it down. KEPT.

        The same decision again gives the same answer, also after a crash between its two writes. Raises NotFound;
        FailedPrecondition (CANDIDATE_DECIDED) when it was decided otherwise before.
        """
        candidates = self._connection.scoped("candidates", tenant)
        found = candidates.find_one({"_id": candidate})
        if found is None:
            raise NotFound(f"no candidate {candidate}")
        final = {
            "entity": entity or found["entity"],
            "slot": slot or found["slot"],
            "value": value or found["value"],
        }
        status = "rejected" if reject else "confirmed"
        decided = candidates.find_one_and_update(
            {"_id": candidate, "status": "waiting"},
            {"$set": {**final, "status": status, "decided_by": author, "decided_at": now()}},
        )
        if decided is None:
            decided = candidates.find_one({"_id": candidate})
            if decided is None or decided["status"] != status or any(decided[k] != v for k, v in final.items()):
                raise FailedPrecondition("somebody decided otherwise before", reason="CANDIDATE_DECIDED")
        if reject:
            return Decision(decided, None)
        request = Request("ConfirmCandidate", candidate, "decided")
        if decided.get("retracts") and not final["value"]:
            return Decision(decided, self._retract(tenant, decided, final, author, request))
        statement = Statement(
            entity=final["entity"],
            slot=final["slot"],
            value=final["value"],
            text=decided["text"] if value in ("", found["value"]) else "",
            multi=decided["multi"],
            authority=max(authority, decided["authority"]),
            author=author or decided["author"],
            provenance={**decided["provenance"], "candidate": candidate, "said_by": decided["author"]},
        )
        return Decision(decided, self._facts.teach_fact(tenant, statement, request))

    def _retract(
        self, tenant: str, decided: Document, final: Document, author: str, request: Request
    ) -> FactChange | None:
        """Takes back what the candidate denies; None where it holds no more anyway."""
        fact, author = fact_id(final["entity"], final["slot"]), author or decided["author"]
        try:
            return self._facts.retract_fact(tenant, fact, value=decided["retracts"], author=author, request=request)
        except (NotFound, FailedPrecondition):
            return None
