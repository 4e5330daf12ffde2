"""Examples: what feedback was made into, one document each, to be learned from or judged by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.common.clock import CLOCK, now
from services.common.last_words import answer_key, last_words, moment, prompt_key
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.turns import SCHEMA_VERSION


def example_id(tenant: str, prompt: str, answer: str, base_version: str = "") -> str:
    """The same correction gives the same example, however often it was sent; a base model's own reply is another."""
    words = (tenant, prompt_key(prompt), answer_key(answer), base_version)
    return "example_" + hashlib.sha256(repr(words).encode()).hexdigest()[:26]


MARKS = {"adapter": "trained", "fusion_head": "fused"}
REVIEWERS = {"said": "reviewed", "unsaid": "overruled"}
"""By the moment of the last word that of a reviewer's last one."""
WORDS = ("prompt", "kind", "said", "unsaid", "reviewed", "overruled", "created_at")


class Examples:
    """Operations on the ``examples`` collection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str) -> Scoped:
        return self._connection.scoped("examples", tenant, Concern.KEPT)

    def add(self, tenant: str, examples: Sequence[dict[str, Any]]) -> int:
        """Store examples (KEPT), each ``{prompt, answer, kind, feedback, user, …}``; answers how many are new.

        ``about: {reply, comment, constraints}``, where there, is the reply that the answer betters and what was said of
        it; ``said`` is the moment of the word for it, else this one; ``reviewed`` whether a reviewer gave it. A known
        one keeps everything but that moment.
        """
        said = moment(now(), "")
        return self._of(tenant).upsert_many(
            _word(tenant, {"said": said, **example}, "said", "rejection") for example in examples
        )

    def reject(self, tenant: str, words: Sequence[dict[str, Any]]) -> None:
        """Store words against replies (KEPT), each ``{prompt, answer, unsaid, feedback, user, turn}``, ``reviewed`` as
        in `add`. They are kept too where nobody has approved of the reply yet: words are stored in any order."""
        self._of(tenant).upsert_many(_word(tenant, {**word, "kind": "rejection"}, "unsaid") for word in words)

    def untrained(self, tenant: str, kind: str = "adapter", limit: int = 10_000) -> list[Document]:
        """Examples that are the last word about their prompt and that the last completed training of this kind on it
        has not learned, oldest first. A fusion head learns from those that are ``about`` a reply and what was said of
        it."""
        return self._read(tenant, self._last_words(tenant, kind)[0], kind)[:limit]

    def trained(self, tenant: str, kind: str = "adapter", limit: int = 10_000) -> list[Document]:
        """Examples that a completed training of this kind has learned from and that are still the last word about
        their prompt, newest first: what replay draws on."""
        return self._read(tenant, self._last_words(tenant, kind)[1], kind)[: -limit - 1 : -1]

    def _last_words(self, tenant: str, kind: str) -> tuple[list[str], list[str]]:
        stored = self._of(tenant).find({"kind": {"$ne": "rehearsal"}}, (*WORDS, MARKS[kind]))
        new, learned = last_words(stored, MARKS[kind])
        return [example["_id"] for example in new], [example["_id"] for example in learned]

    def _read(self, tenant: str, ids: list[str], kind: str) -> list[Document]:
        examples = self.read(tenant, ids)
        if kind == "fusion_head":
            return [example for example in examples if "about" in example]
        return [example for example in examples if not example.get("refusal")]

    def refuse(self, tenant: str, ids: list[str], reason: str) -> None:
        """Say why an adapter cannot learn these (KEPT); they are no longer among the untrained ones."""
        self._of(tenant).update_many({"_id": {"$in": ids}}, {"$set": {"refusal": reason}})

    def rehearsals(self, tenant: str, base_version: str) -> list[Document]:
        """The base model's own replies to general questions, made once and replayed in every training."""
        return list(self._of(tenant).find({"kind": "rehearsal", "base_version": base_version}).sort("_id", 1))

    def mark_learned(self, tenant: str, ids: list[str], kind: str, at: datetime) -> None:
        """Say that a training of this kind that began at ``at`` has learned from these (KEPT; repeatable)."""
        self._of(tenant).update_many({"_id": {"$in": ids}}, {"$max": {MARKS[kind]: at}})

    def read(self, tenant: str, ids: list[str]) -> list[Document]:
        """These examples in this order; what was erased since is left out."""
        found = {one["_id"]: one for one in self._of(tenant).find({"_id": {"$in": ids}})}
        return [found[one] for one in ids if one in found]

    def of_feedback(self, tenant: str, ids: list[str]) -> dict[str, str]:
        """By record of feedback the example that it was made into."""
        query = {"feedback": {"$in": ids}, "kind": {"$ne": "rejection"}}
        return {one["feedback"]: one["_id"] for one in self._of(tenant).find(query, ("feedback",))}

    def erase(self, tenant: str, query: Document) -> list[str]:
        """Delete examples (KEPT) and answer their ids."""
        ids = [one["_id"] for one in self._of(tenant).find(query, ("_id",))]
        self._of(tenant).delete_many({"_id": {"$in": ids}})
        return ids


def _word(tenant: str, example: dict[str, Any], which: str, over: str = "") -> tuple[Document, list[Document]]:
    """One word for or against an example, as filter and update: the later moment ``which`` stays; the other fields are
    set where the example is new or of the kind ``over``."""
    fields = {
        "schema_version": SCHEMA_VERSION,
        "created_at": now(),
        **{name: value for name, value in example.items() if name not in (which, "reviewed")},
    }
    keep: Document = {"$not": [{"$in": [{"$ifNull": ["$kind", ""]}, ["", over]]}]}
    assigned: Document = {
        name: {"$cond": [keep, {"$ifNull": [f"${name}", "$$REMOVE"]}, {"$literal": value}]}
        for name, value in fields.items()
    }
    assigned["changed"] = CLOCK.now().isoformat(timespec="microseconds")  # words are not stored in the order of `said`
    for name in (which, REVIEWERS[which]) if example.get("reviewed") else (which,):
        assigned[name] = {"$max": [f"${name}", {"$literal": example[which]}]}
    identity = example_id(tenant, example["prompt"], example["answer"], example.get("base_version", ""))
    return {"_id": identity}, [{"$set": assigned}]
