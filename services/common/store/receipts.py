"""What became of a piece of feedback: the example it was made into, what learned that, and what it changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.last_words import GOOD_RATING, last_words, prompt_key
from services.common.privacy import Masker
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.examples import MARKS, WORDS, example_id

MOST_TRAININGS = 50
_USE = "drafts.manifest.correction.id"


@dataclass(frozen=True)
class Learned:
    """A training whose set held the example, the version it made and, where that was ever promoted, the log's entry."""

    run: Document
    version: Document | None
    promotion: Document | None


class Receipts:
    """Reads over ``examples``, ``training_sets``, ``training_runs``, ``versions``, ``promotions`` and ``turns``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str, name: str) -> Scoped:
        return self._connection.scoped(name, tenant, Concern.QUICK)

    def example(self, tenant: str, record: Mapping[str, Any], masker: Masker | None = None) -> Document | None:
        """What a record with its `prompt` and `reply` was made into; None where it approves of no answer, or was not
        processed yet. ``masker``: what masks personal data in examples."""
        answer = str(record.get("edited_text") or "").strip()
        if not answer and (record.get("accepted") or (record.get("rating") or 0) >= GOOD_RATING):
            answer = str(record.get("reply") or "").strip()
        prompt = str(record.get("prompt") or "").strip()
        if not answer or not prompt:
            return None
        prompts = {masker.mask(prompt): None, prompt: None} if masker is not None else {prompt: None}
        known = ({"_id": example_id(tenant, one, answer), "kind": {"$ne": "rejection"}} for one in prompts)
        found = (self._of(tenant, "examples").find_one(one) for one in known)
        return next((one for one in found if one is not None), None)

    def standing(self, tenant: str, example: Document, kind: str = "adapter") -> Document | None:
        """The example that is the last word about this one's prompt: itself, a later one, or None where the last word
        only spoke against."""
        rows = self._of(tenant, "examples").find({"kind": {"$ne": "rehearsal"}}, (*WORDS, "feedback", MARKS[kind]))
        key = prompt_key(example["prompt"])
        new, learned = last_words((one for one in rows if prompt_key(one["prompt"]) == key), MARKS[kind])
        return dict(next(iter([*new, *learned]), {})) or None

    def learned(self, tenant: str, example: str) -> list[Learned]:
        """The trainings whose set held the example, newest first."""
        sets = [one["_id"] for one in self._of(tenant, "training_sets").find({"examples": example}, ("_id",))]
        runs = list(self._of(tenant, "training_runs").find({"training_set": {"$in": sets}})) if sets else []
        found = []
        for run in sorted(runs, key=lambda one: str(one["_id"]), reverse=True)[:MOST_TRAININGS]:
            version = self._of(tenant, "versions").find_one({"training": run["_id"]})
            promoted = {"action": "promote", "version": version["version"]} if version else None
            promotion = self._of(tenant, "promotions").find_one(promoted, sort=[("_id", -1)]) if promoted else None
            found.append(Learned(run, version, promotion))
        return found

    def replies(self, tenant: str, example: str, limit: int) -> list[Document]:
        """The latest turns with a draft that was answered by the example or set it aside, newest first."""
        fields = ("session", "access", "drafts.round", "drafts.manifest.correction", "accepted_at")
        return list(self._of(tenant, "turns").find({_USE: example}, fields).sort("_id", -1).limit(limit))
