"""Corrections that hold: of each message that reviewers corrected, the reply that was given last.

They are examples; what is read here is which of them count now, and whose word they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.common.last_words import reviewers_word
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.examples import Examples

MOST = 5_000


@dataclass(frozen=True)
class Correction:
    """A correction that holds. `reviewed`: a reviewer gave it, in an import or on somebody's draft, or let it count;
    one that a user gave on a reply of theirs is learned, but is not quoted to others."""

    id: str
    question: str
    reply: str
    reviewed: bool
    said: datetime


class Corrections:
    """Reads of the ``examples`` collection."""

    def __init__(self, connection: Connection, examples: Examples) -> None:
        self._connection = connection
        self._examples = examples

    def _of(self, tenant: str, name: str = "examples") -> Scoped:
        return self._connection.scoped(name, tenant, Concern.QUICK)

    def stamp(self, tenant: str) -> tuple[Any, ...]:
        """Changes whenever an example comes or goes, or a word is said for or against one."""
        latest = self._of(tenant).find({"changed": {"$exists": True}}, ("changed",)).sort("changed", -1).limit(1)
        return (self._of(tenant).count({}, limit=1_000_000), next((word["changed"] for word in latest), None))

    def current(self, tenant: str) -> list[Correction]:
        """What holds now, the latest 5,000."""
        known = [*self._examples.trained(tenant), *self._examples.untrained(tenant)]
        kept = [example for example in known if example.get("kind") == "correction"][-MOST:]
        records = [example["feedback"] for example in kept if example.get("feedback")]
        # examples of releases that did not keep a reviewer's words apart
        found = self._of(tenant, "feedback").find({"_id": {"$in": records}, "import": {"$exists": True}}, ("_id",))
        imported = {record["_id"] for record in found}
        return [
            _correction(example, reviewers_word(example) or example.get("feedback") in imported) for example in kept
        ]

    def read(self, tenant: str, correction: str) -> Correction | None:
        """One correction, whether it still holds or not; None where it was erased."""
        example = self._of(tenant).find_one({"_id": correction})
        return _correction(example, reviewed=True) if example is not None else None


def _correction(example: Document, reviewed: bool) -> Correction:
    said = str(example.get("said") or "").partition("|")[0]
    moment = datetime.fromisoformat(said) if said else example["created_at"]
    return Correction(example["_id"], example["prompt"], example["answer"], reviewed, moment)
