"""What a tenant's assistant did in a span of time, in figures: counted where the documents stand, nothing kept beside
them.

A reply is taken to satisfy where its draft was accepted, or the talk went on and accepted it so. It satisfies at once
where nothing was asked of it before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.common.ids import least_id
from services.common.store.connection import Concern, Connection, Document, Scoped

MOST_TURNS = 20_000
HOUR_MS = 3_600_000
# The bot's draft for a message as it came, which is what people wait for.
_AT_ONCE: Document = {
    "$and": [
        {"$eq": ["$$this.round", 0]},
        {"$eq": ["$$this.status", "completed"]},
        {"$eq": [{"$ifNull": ["$$this.author", "model"]}, "model"]},
    ]
}


@dataclass(frozen=True)
class Figures:
    """Counts of a span; times in seconds, None where nothing was timed. ``hours``: turns by hour from the start;
    ``ratings``: how often each of 1 to 5 was given. ``cut``: only the latest 20,000 turns are counted."""

    ends: Mapping[str, int] = field(default_factory=dict)
    satisfied_at_once: int = 0
    satisfied_revised: int = 0
    answered_by_person: int = 0
    first_words: tuple[float | None, float | None] = (None, None)
    whole_reply: tuple[float | None, float | None] = (None, None)
    unsupported_replies: int = 0
    unsupported_sentences: int = 0
    hours: Mapping[int, int] = field(default_factory=dict)
    takeovers: int = 0
    feedback: int = 0
    corrections: int = 0
    ratings: Mapping[int, int] = field(default_factory=dict)
    learned: int = 0
    cut: bool = False


class Activity:
    """Reads of the ``turns``, ``sessions``, ``feedback`` and ``examples`` collections."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str, name: str) -> Scoped:
        return self._connection.scoped(name, tenant, Concern.QUICK)

    def between(self, tenant: str, since: datetime, until: datetime) -> Figures:
        """The figures of turns accepted, sessions taken over, feedback given and trainings begun in that span."""
        span = {"$gte": since, "$lt": until}
        facets = next(self._of(tenant, "turns").aggregate(_turns(since, span)))
        sums = facets["sums"][0] if facets["sums"] else {}
        said = next(self._of(tenant, "feedback").aggregate(_feedback(since, until)))
        records = said["records"][0] if said["records"] else {}
        ends = Counter({group["_id"]: group["turns"] for group in facets["ends"]})
        return Figures(
            ends=ends,
            satisfied_at_once=sums.get("at_once", 0),
            satisfied_revised=sums.get("revised", 0),
            answered_by_person=sums.get("person", 0),
            first_words=_percentiles(sums.get("first_words", ())),
            whole_reply=_percentiles(sums.get("whole", ())),
            unsupported_replies=sums.get("unsupported_replies", 0),
            unsupported_sentences=sums.get("unsupported_sentences", 0),
            hours={int(group["_id"]): group["turns"] for group in facets["hours"]},
            takeovers=self._of(tenant, "sessions").count({"taken_over_at": span}),
            feedback=records.get("records", 0),
            corrections=records.get("corrections", 0),
            ratings={int(group["_id"]): group["ratings"] for group in said["ratings"]},
            learned=self._of(tenant, "examples").count({"trained": span}),
            cut=ends.total() >= MOST_TURNS,
        )


def _percentiles(seconds: Sequence[float]) -> tuple[float | None, float | None]:
    """The median and the 95th percentile, by the nearest rank."""
    if not seconds:
        return None, None
    ordered = sorted(seconds)
    return ordered[(len(ordered) - 1) // 2], ordered[min(len(ordered) - 1, (95 * len(ordered)) // 100)]


def _counted(condition: Any) -> Document:
    return {"$sum": {"$cond": [condition, 1, 0]}}


def _drafts(condition: Document) -> Document:
    return {"$filter": {"input": "$drafts", "as": "draft", "cond": condition}}


def _turns(since: datetime, span: Document) -> list[Document]:
    """Of each turn what the figures are made from, then their sums."""
    completed = _drafts({"$eq": ["$$draft.status", "completed"]})
    chosen = _drafts({"$eq": ["$$draft.round", "$chosen"]})
    asked = _drafts({"$and": [{"$gt": ["$$draft.feedback", None]}, {"$lte": ["$$draft.round", "$chosen"]}]})
    last: Document = {"$let": {"vars": {"last": {"$last": "$completed"}}, "in": "$$last.citations"}}
    sentences = {"$ifNull": [last, []]}
    unsupported = {"$size": {"$filter": {"input": sentences, "cond": {"$eq": ["$$this.supported", False]}}}}
    first: Document = {"$first": {"$filter": {"input": "$drafts", "cond": _AT_ONCE}}}
    whole = {"$divide": [{"$subtract": ["$first.completed_at", "$accepted_at"]}, 1000]}
    writing = {"$subtract": ["$first.usage.generation_seconds", "$first.usage.first_token_seconds"]}
    followed = {"$and": [{"$lt": ["$n", "$last_n"]}, {"$ne": ["$excluded", True]}]}
    return [
        {"$match": {"accepted_at": span, "request.id": {"$exists": True}}},
        {"$sort": {"accepted_at": -1}},
        {"$limit": MOST_TURNS},
        {
            "$setWindowFields": {
                "partitionBy": "$session",
                "output": {"last_n": {"$max": "$n"}},
            }
        },
        {"$set": {"completed": completed, "first": first}},
        {
            "$set": {
                "chosen": {"$ifNull": ["$accepted_round", {"$cond": [followed, {"$max": "$completed.round"}, None]}]}
            }
        },
        {
            "$project": {
                "status": 1,
                "hour": {"$floor": {"$divide": [{"$subtract": ["$accepted_at", since]}, HOUR_MS]}},
                "author": {"$ifNull": [{"$first": {"$map": {"input": chosen, "in": "$$this.author"}}}, "model"]},
                "chosen": 1,
                "asked": {"$size": asked},
                "unsupported": unsupported,
                "first_words": {"$subtract": [whole, writing]},
                "whole": whole,
            }
        },
        {
            "$facet": {
                "ends": [{"$group": {"_id": "$status", "turns": {"$sum": 1}}}],
                "hours": [{"$group": {"_id": "$hour", "turns": {"$sum": 1}}}],
                "sums": [_sums()],
            }
        },
    ]


def _sums() -> Document:
    by_model = {"$and": [{"$gt": ["$chosen", None]}, {"$eq": ["$author", "model"]}]}
    timed = [{"$gte": ["$first_words", 0]}, "$first_words", "$$REMOVE"]
    return {
        "$group": {
            "_id": None,
            "at_once": _counted({"$and": [by_model, {"$eq": ["$asked", 0]}]}),
            "revised": _counted({"$and": [by_model, {"$gt": ["$asked", 0]}]}),
            "person": _counted({"$eq": ["$author", "human"]}),
            "unsupported_replies": _counted({"$gt": ["$unsupported", 0]}),
            "unsupported_sentences": {"$sum": "$unsupported"},
            "first_words": {"$push": {"$cond": timed}},
            "whole": {"$push": {"$cond": [{"$gte": ["$whole", 0]}, "$whole", "$$REMOVE"]}},
        }
    }


def _feedback(since: datetime, until: datetime) -> list[Document]:
    """Records of the span, found by their ids, which sort by time."""
    return [
        {"$match": {"_id": {"$gte": least_id("feedback", since), "$lt": least_id("feedback", until)}}},
        {
            "$facet": {
                "records": [
                    {
                        "$group": {
                            "_id": None,
                            "records": {"$sum": 1},
                            "corrections": _counted({"$gt": ["$edited_text", None]}),
                        }
                    }
                ],
                "ratings": [
                    {"$match": {"rating": {"$ne": None}}},
                    {"$group": {"_id": "$rating", "ratings": {"$sum": 1}}},
                ],
            }
        },
    ]
