"""What is told to webhooks, from where it happened to what is to be sent.

The document that an event is about is its outbox: the write that makes the event, or the one that accepts its turn,
marks the document, where anybody hears of it. Every gateway turns marks into deliveries and takes the mark away then.
The id of a delivery is made of the webhook and the event, so that doing it twice, anywhere, makes one.

Order: events are read of one snapshot, up to a moment shortly before now, and go in the order of their times, which are
the database's. So a session's event that is read later than another one happened later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from services.common.clock import now
from services.common.store.connection import Concern, Connection, Document
from services.common.store.webhooks import Webhooks

TURN, FEEDBACK = "turn.completed", "feedback.received"
CANDIDATE, VERSION, HANDOFF = "candidate.waiting", "version.offered", "handoff.asked"
EVENTS = (TURN, FEEDBACK, CANDIDATE, VERSION, HANDOFF)
# Events of these collections are marked with their time.
_MARKED = {"feedback": FEEDBACK, "sessions": HANDOFF, "candidates": CANDIDATE, "versions": VERSION}
# Writes of the last half second may not be there yet in the order of their times.
MARGIN = timedelta(seconds=0.5)
BATCH = 500
_TOO_FRESH = 246  # SnapshotUnavailable: a collection or an index was made a moment ago


@dataclass(frozen=True)
class Event:
    """Something that happened. ``key`` names it in its tenant; ``stream``: what it keeps its order with."""

    tenant: str
    type: str
    key: str
    at: datetime
    stream: str
    data: Document
    place: int = 0


class Outbox:
    """Makes deliveries of what happened."""

    def __init__(self, connection: Connection, webhooks: Webhooks) -> None:
        self._connection = connection
        self._webhooks = webhooks

    def announce(self) -> int:
        """Write down what is to be sent of all that has happened (KEPT) and take the marks away; answers how many
        events there were. May be called by any process at any time."""
        until = now() - MARGIN
        try:
            with self._connection.client.start_session(snapshot=True) as snapshot:
                marked = {name: self._marked(name, until, snapshot) for name in _MARKED}
                turns = self._turns(until, snapshot)
                completed, silent = self._drafts([feedback for _, feedback in marked["feedback"]], snapshot)
        except OperationFailure as error:
            if error.code != _TOO_FRESH:
                raise
            return 0
        full = [documents[-1][0] for documents in (*marked.values(), turns) if len(documents) >= BATCH]
        horizon = min([until, *full])
        silent -= {place for place in silent if any(at <= horizon and turn["_id"] == place[0] for at, turn in turns)}
        events: list[Event] = []
        clears: list[tuple[str, Document]] = []
        for name, documents in marked.items():
            for at, document in documents:
                place = (document.get("turn", ""), document.get("round", 0))
                if at <= horizon and not (name == "feedback" and place in silent):
                    events.append(_event(_MARKED[name], max(at, completed.get(place, at)), document))
                    clears.append((name, document))
        for at, turn in turns:
            if at <= horizon:
                events += _completed(turn)
                clears.append(("turns", turn))
        self._write(events)
        for name, document in clears:
            self._clear(name, document)
        return len(events)

    def _marked(self, name: str, until: datetime, snapshot: ClientSession) -> list[tuple[datetime, Document]]:
        every = self._connection.every_tenant(name)
        found = every.find({"outbox": {"$lte": until}}, session=snapshot).sort("outbox", 1).limit(BATCH)
        return [(document["outbox"], document) for document in found]

    def _turns(self, until: datetime, snapshot: ClientSession) -> list[tuple[datetime, Document]]:
        """Turns that have ended, and those that are open again whose earlier rounds nobody was told of yet."""
        every = self._connection.every_tenant("turns")
        reopened: Document = {"outbox": True, "ended_at": None, "open": True, "round": {"$gt": 0}}
        again = every.find(reopened, session=snapshot).limit(BATCH)
        told = [(max(event.at for event in events), turn) for turn in again if (events := list(_completed(turn)))]
        ended = every.find({"outbox": True, "ended_at": {"$lte": until}}, session=snapshot)
        told += [(turn["ended_at"], turn) for turn in ended.sort("ended_at", 1).limit(BATCH)]
        return sorted(told, key=lambda pair: pair[0])

    def _drafts(
        self, feedback: list[Document], snapshot: ClientSession
    ) -> tuple[dict[tuple[str, int], datetime], set[tuple[str, int]]]:
        """(when the drafts that feedback is about were completed, those of them that nobody was told of yet).

        A process's clock may be behind the database's, but nobody speaks of a draft before it is there; and a turn that
        was revised has ended later than the feedback on its earlier draft was given.
        """
        ids = sorted({one["turn"] for one in feedback if one.get("turn")})
        completed: dict[tuple[str, int], datetime] = {}
        silent: set[tuple[str, int]] = set()
        if not ids:
            return completed, silent
        every = self._connection.every_tenant("turns")
        fields = (
            "drafts.round",
            "drafts.status",
            "drafts.completed_at",
            "round",
            "ended_at",
            "outbox",
            "announced_round",
        )
        for turn in every.find({"_id": {"$in": ids}}, fields, session=snapshot):
            for draft in turn["drafts"]:
                if draft["status"] == "completed" and draft.get("completed_at"):
                    place = (turn["_id"], draft["round"])
                    last = draft["round"] == turn["round"] and turn.get("ended_at")
                    completed[place] = (turn["ended_at"] if last else draft["completed_at"]) + timedelta(milliseconds=1)
                    if turn.get("outbox") and draft["round"] > turn.get("announced_round", -1):
                        silent.add(place)
        return completed, silent

    def _write(self, events: Iterable[Event]) -> None:
        hooks = self._webhooks.switched_on()
        by_tenant: dict[str, list[Document]] = {}
        for event in sorted(events, key=lambda event: (event.at, event.place)):
            for hook in hooks.get(event.tenant, ()):
                if not hook["events"] or event.type in hook["events"]:
                    by_tenant.setdefault(event.tenant, []).append(_delivery(hook, event))
        for tenant, deliveries in by_tenant.items():
            rows = (({"_id": one["_id"]}, {"$setOnInsert": one}) for one in deliveries)
            self._connection.scoped("deliveries", tenant, Concern.KEPT).upsert_many(rows, ordered=True)

    def _clear(self, name: str, document: Document) -> None:
        """Take a mark away (QUICK; one that comes back finds its deliveries there), unless it marks something new."""
        documents = self._connection.scoped(name, document["tenant"], Concern.QUICK)
        if name == "turns" and document.get("open"):
            same = {"_id": document["_id"], "round": document["round"]}
            documents.update_one(same, {"$max": {"announced_round": document["round"] - 1}})
        elif name == "turns":
            same = {"_id": document["_id"], "round": document["round"], "ended_at": document["ended_at"]}
            documents.update_one(same, {"$unset": {"outbox": ""}, "$set": {"announced_round": document["round"]}})
        else:
            same = {"_id": document["_id"], "outbox": document["outbox"]}
            documents.update_one(same, {"$unset": {"outbox": ""}})


def _completed(turn: Document) -> Iterator[Event]:
    """The rounds of a turn that were completed since it was last announced."""
    for draft in turn["drafts"]:
        if draft["status"] != "completed" or draft["round"] <= turn.get("announced_round", -1):
            continue
        data: Document = {
            "turn_id": turn["_id"],
            "round": draft["round"],
            "draft_id": draft["id"],
            "version_id": (draft.get("manifest") or {}).get("version_id") or "",
            "handoff": bool(draft.get("handoff")),
        }
        key = f"{turn['_id']}:{draft['round']}"
        # the end's time is the database's, a person's reply has its gateway's
        last = draft["round"] == turn["round"] and turn.get("ended_at")
        at = turn["ended_at"] if last else draft["completed_at"]
        place = turn["n"] * 1_000 + draft["round"]
        yield Event(turn["tenant"], TURN, key, at, turn["session"], {"session_id": turn["session"], **data}, place)


def _event(type: str, at: datetime, document: Document) -> Event:
    id = document["_id"]
    data: dict[str, Any]
    if type == FEEDBACK:
        data = {"session_id": document.get("session", ""), "turn_id": document.get("turn", "")}
        data["round"] = document.get("round", 0)
        return Event(document["tenant"], type, id, at, data["session_id"] or type, {**data, "feedback_id": id})
    if type == HANDOFF:
        return Event(document["tenant"], type, f"{id}:{at.isoformat()}", at, id, {"session_id": id})
    data = {"candidate_id": id} if type == CANDIDATE else {"version_id": document["version"]}
    return Event(document["tenant"], type, id, at, type, data)


def _delivery(hook: Document, event: Event) -> Document:
    digest = hashlib.sha256(f"{hook['_id']}\0{event.type}\0{event.key}".encode()).hexdigest()
    return {
        "_id": f"msg_{digest[:40]}",
        "hook": hook["_id"],
        "stream": event.stream,
        "at": event.at,
        "place": event.place,
        "type": event.type,
        "data": {"tenant_id": event.tenant, **event.data},
        "open": True,
        "tries": 0,
        "created_at": now(),
        "next_at": now(),
    }
