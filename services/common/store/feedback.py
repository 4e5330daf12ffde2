"""Feedback as it was given: stored first, read later by whoever learns from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import AlreadyExists, NotFound
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.requests import Request
from services.common.store.turns import SCHEMA_VERSION


class FeedbackStore:
    """Operations on the ``feedback`` collection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str) -> Scoped:
        return self._connection.scoped("feedback", tenant, Concern.KEPT)

    def submit(self, tenant: str, request: Request, fields: dict[str, Any]) -> tuple[Document, bool]:
        """Store one piece of feedback on a draft (KEPT), once per request id; tells whether it is new.

        Raises AlreadyExists.
        """
        feedback: Document = {
            "_id": new_id("feedback"),
            "schema_version": SCHEMA_VERSION,
            "request": request.document(),
            "status": "stored",
            "created_at": now(),
            **fields,
        }
        feedback |= self._connection.subscriptions.mark(tenant, feedback["created_at"])
        try:
            self._of(tenant).insert_one(feedback)
        except DuplicateKeyError:
            known = self._of(tenant).find_one({"request.method": request.method, "request.id": request.id})
            if known is None:
                raise
            if known["request"]["hash"] != request.hash:
                raise AlreadyExists(f"request_id {request.id} was used with another payload") from None
            return known, False
        return {**feedback, "tenant": tenant}, True

    def of_revision(self, tenant: str, request: Request, turn: Document, said: Document) -> None:
        """Store what a revision was asked for with, about the draft before it (KEPT); once per request id. Nobody is
        woken by it: batches look for what is stored."""
        mine = next((one for one in turn["drafts"] if (one.get("request") or {}).get("id") == request.id), None)
        before = [one["round"] for one in turn["drafts"] if one.get("text") and one is not mine]
        if mine is not None:
            before = [one for one in before if one < mine["round"]]
        if before:
            self.submit(tenant, request, {**said, **_about(turn, max(before))})

    def of_acceptance(self, tenant: str, turn: Document) -> None:
        """Store that a revised draft was accepted, with what it was revised by (KEPT); once per draft."""
        chosen = turn["accepted_round"]
        draft: Document = next((one for one in turn["drafts"] if one["round"] == chosen), {})
        if draft.get("feedback"):
            request = Request("AcceptDraft", f"{turn['_id']}:{chosen}", "")
            self.submit(
                tenant, request, {**draft["feedback"], "rating": None, **_about(turn, chosen), "accepted": True}
            )

    def of_reply(self, turn: Document, by: str, role: str) -> Document | None:
        """Store what a person's reply says of the latest shadow draft of the turn (KEPT), once per reply: another text
        is its correction, the same one its acceptance. ``by``: whose credential sent it, of that ``role``. None where
        the turn has no shadow draft, or no reply."""
        shadows = [draft for draft in turn["drafts"] if draft["status"] == "shadow" and draft.get("text")]
        sent = next((draft for draft in turn["drafts"] if draft["round"] == turn.get("accepted_round")), None)
        if not shadows or sent is None:
            return None
        suggested = shadows[-1]
        same = suggested["text"].strip() == sent["text"].strip()
        said: Document = {"accepted": True} if same else {"edited_text": sent["text"]}
        lineage = {"by": by, "role": role, "draft": suggested["id"], "sent": sent["id"]}
        request = Request("PostReply", f"{turn['_id']}:{sent['round']}", "")
        return self.submit(turn["tenant"], request, {**said, **lineage, **_about(turn, suggested["round"])})[0]

    def get(self, tenant: str, feedback: str) -> Document:
        """One record. Raises NotFound."""
        found = self._of(tenant).find_one({"_id": feedback})
        if found is None:
            raise NotFound(f"no feedback {feedback}")
        return found

    def of_turn(self, tenant: str, turn: str) -> list[Document]:
        """All feedback on a turn, oldest first."""
        return list(self._of(tenant).find({"turn": turn}).sort("_id", 1))

    def delete_session(self, tenant: str, session: str) -> int:
        """Delete all feedback on a session's turns (KEPT); returns how many."""
        return self._of(tenant).delete_many({"session": session}).deleted_count

    # -- what the finetune service does with it ---------------------------------------------------

    def waiting(self, limit: int = 256) -> list[Document]:
        """Feedback of all tenants that nobody has processed yet, oldest first."""
        every = self._connection.every_tenant("feedback")
        return list(every.find({"status": "stored"}).sort("_id", 1).limit(limit))

    def processed(self, tenant: str, outcomes: dict[str, str]) -> None:
        """Mark feedback as processed (QUICK; processing again gives the same); a text says why it was refused."""
        feedback = self._connection.scoped("feedback", tenant, Concern.QUICK)
        done = [one for one, refusal in outcomes.items() if not refusal]
        feedback.update_many({"_id": {"$in": done}, "status": "stored"}, {"$set": {"status": "processed"}})
        reasons: dict[str, list[str]] = {}
        for one, refusal in outcomes.items():
            if refusal:
                reasons.setdefault(refusal, []).append(one)
        for refusal, ids in reasons.items():
            feedback.update_many(
                {"_id": {"$in": ids}, "status": "stored"}, {"$set": {"status": "refused", "refusal": refusal}}
            )

    def review(self, tenant: str, ids: list[str], by: str, refusal: str = "") -> int:
        """Let held feedback count (KEPT), or refuse it with the text ``refusal``; answers how many were held."""
        counts: Document = {"status": "stored", "reviewed": True}
        fields: Document = {"status": "refused", "refusal": refusal} if refusal else counts
        held = {"_id": {"$in": ids}, "status": "held"}
        return self._of(tenant).update_many(held, {"$set": {**fields, "reviewed_by": by}}).modified_count

    def refuse(self, tenant: str, ids: list[str], reason: str) -> None:
        """Mark processed feedback as refused after all (KEPT): what was made of it cannot be learned."""
        done = {"_id": {"$in": ids}, "status": {"$ne": "refused"}}
        self._of(tenant).update_many(done, {"$set": {"status": "refused", "refusal": reason}})

    def keep_signals(self, tenant: str, preferences: dict[str, Document], claims: dict[str, tuple[str, ...]]) -> None:
        """Keep what records prefer and the sentences that may hold facts, by record id (QUICK; repeatable)."""
        feedback = self._connection.scoped("feedback", tenant, Concern.QUICK)
        for one in {*preferences, *claims}:
            fields: Document = {}
            if one in preferences:
                fields["preference"] = preferences[one]
            if one in claims:
                fields["claims"] = list(claims[one])
            feedback.update_one({"_id": one}, {"$set": fields})

    def export(self, tenant: str, query: Document, after: str = "", batch: int = 500) -> Iterator[Document]:
        """Stored feedback by id from behind ``after``; a broken reader goes on with the last id it saw."""
        bound = {"$gt": after} if after else {"$exists": True}
        yield from self._of(tenant).find({**query, "_id": bound}).sort("_id", 1).batch_size(batch)

    def erase(self, tenant: str, query: Document) -> list[str]:
        """Delete feedback (KEPT) and answer the ids."""
        ids = [str(one["_id"]) for one in self._of(tenant).find(query, ("_id",))]
        self._of(tenant).delete_many({"_id": {"$in": ids}})
        return ids


def _about(turn: Document, round_number: int) -> Document:
    return {
        "turn": turn["_id"],
        "session": turn["session"],
        "round": round_number,
        "user": turn.get("user", ""),
        "status": "stored",
    }
