"""The judge: what clients were told against what the database holds. It shares no code with the services' store."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pymongo import MongoClient

from services.verify.history import Asked, Finding, History

Document = dict[str, Any]
_SIGN = re.compile(r"~([0-9a-f]{3}\.\d+)")


@dataclass(frozen=True)
class Stored:
    """What the database holds of a tenant."""

    turns: list[Document] = field(default_factory=list)
    sessions: list[Document] = field(default_factory=list)
    facts: list[Document] = field(default_factory=list)
    feedback: list[Document] = field(default_factory=list)
    refused_lines: list[Document] = field(default_factory=list)

    @classmethod
    def read(cls, url: str, database: str, tenant: str) -> Stored:
        """Read it all."""
        with MongoClient[dict[str, Any]](url, tz_aware=True) as client:
            held = client[database]
            names = ("turns", "sessions", "facts", "feedback", "refused_lines")
            return cls(*(list(held[name].find({"tenant": tenant})) for name in names))


def judge(history: History, stored: Stored) -> list[Finding]:
    """Every broken promise."""
    turns = {turn["_id"]: turn for turn in stored.turns}
    findings = [*history.findings]
    for asked in history.asked:
        findings += asked.findings
        findings += [Finding(kind, f"{what} [{asked}]") for kind, what in _of_asked(asked, turns.get(asked.turn))]
    for rule in (_requests, _sessions, _cancels, _facts, _corrections, _imports):
        findings += [Finding(kind, what) for kind, what in rule(history, stored)]
    return findings


Found = Iterator[tuple[str, str]]


def _of_asked(asked: Asked, turn: Document | None) -> Found:
    if asked.gave_up:
        yield "lost", f"no answer: {asked.gave_up}"
    if not asked.turn:
        return
    if turn is None:
        yield "lost", "accepted and not stored"
        return
    if turn.get("open"):
        yield "lost", f"it is still {turn['status']}"
    if asked.kind != "revise" and turn["text"] != asked.words:
        yield "mixed", "the turn holds another message"
    if (turn["session"], turn["n"]) != (asked.session, asked.number):
        yield "mixed", "session or number differ"
    late = turn.get("ended_at") and turn.get("deadline_at") and (turn["ended_at"] - turn["deadline_at"]).total_seconds()
    if late and late > 5:
        yield "unexpected", f"it ended {late:.1f} s after its deadline"
    if asked.end:
        yield from _of_end(asked, turn)


def _of_end(asked: Asked, turn: Document) -> Found:
    draft = next((one for one in turn["drafts"] if one["round"] == asked.round), None)
    if draft is None:
        yield "lost", f"round {asked.round} was told and is not stored"
        return
    if draft["status"] != asked.end:
        yield "unexpected", f"told {asked.end}, stored {draft['status']}"
    if asked.end == "failed":
        yield "unexpected", f"it failed: {turn.get('failure')}"
    if asked.end != "completed":
        return
    text = draft.get("text") or ""
    if (draft["id"], text) != (asked.draft, asked.end_text):
        yield "mixed", f"told {asked.end_text[:60]!r}, stored {text[:60]!r}"
    signs = set(_SIGN.findall(text))
    if len(signs) > 1:
        yield "mixed", f"the draft is of several attempts: {sorted(signs)}"
    # The engine repeats what it is shown, which is the message behind what is known of the state.
    if signs and asked.round == 0 and asked.kind != "revise" and not _SIGN.sub("", text).endswith(asked.words):
        yield "mixed", f"{text[:60]!r} is no answer to {asked.words[:60]!r}"
    if asked.fact is not None:
        # A reply that quotes the fact has no prompt that would hold it: what was found for the turn counts.
        found = [
            *((turn.get("grounding") or {}).get("facts") or ()),
            *((draft.get("manifest") or {}).get("facts") or ()),
        ]
        known = {(fact["id"], fact["revision"]) for fact in found}
        if not any(name == asked.fact[0] and revision >= asked.fact[1] for name, revision in known):
            yield "stale", f"fact {asked.fact} was taught and is not among {sorted(known)}"


def _requests(history: History, stored: Stored) -> Found:
    """One request makes one turn or one round, and nobody else makes any."""
    made = Counter(turn["request"]["id"] for turn in stored.turns if turn.get("request"))
    made += Counter(draft["request"]["id"] for turn in stored.turns for draft in turn["drafts"] if draft.get("request"))
    known = {asked.request for asked in history.asked}
    for request, count in made.items():
        if count > 1:
            yield "duplicated", f"request {request} made {count}"
        if request not in known:
            yield "unexpected", f"request {request} is nobody's"


def _sessions(history: History, stored: Stored) -> Found:
    """Numbers without gaps, in the order of acceptance; each reply knows those before it."""
    by_session: dict[str, list[Document]] = {}
    for turn in sorted(stored.turns, key=lambda turn: turn["n"]):
        by_session.setdefault(turn["session"], []).append(turn)
    for session, turns in by_session.items():
        numbers = [turn["n"] for turn in turns]
        if len(set(numbers)) < len(numbers):
            yield "duplicated", f"session {session} has numbers {numbers}"
        elif numbers != list(range(1, len(numbers) + 1)):
            yield "lost", f"session {session} has numbers {numbers}"
        if sum(bool(turn.get("head")) for turn in turns) > 1:
            yield "duplicated", f"session {session} has two heads"
        yield from _history_of(session, turns)
        own = [asked for asked in history.asked if asked.session == session and asked.number and asked.kind != "revise"]
        for earlier in own:
            for later in own:
                if 0 < earlier.accepted < later.sent and earlier.number >= later.number:
                    yield "reordered", f"[{later}] has number {later.number}, the one before it {earlier.number}"


def _history_of(session: str, turns: list[Document]) -> Found:
    before: list[str] = []
    every = {draft["id"] for turn in turns for draft in turn["drafts"] if draft["status"] == "completed"}
    for turn in turns:
        for draft in turn["drafts"]:
            manifest = draft.get("manifest") or {}
            if draft["status"] != "completed" or "history_draft_ids" not in manifest:
                continue
            read = [name for name in manifest["history_draft_ids"] if name in every]
            if read != before:
                lost, more = set(before) - set(read), set(read) - set(before)
                kind = "lost" if lost else "mixed" if more else "reordered"
                yield kind, f"turn {turn['n']} of session {session} was written after {read}, not {before}"
        completed = [draft for draft in turn["drafts"] if draft["status"] == "completed"]
        if completed and not turn.get("excluded"):
            chosen = [draft["id"] for draft in completed if draft["round"] == turn.get("accepted_round")]
            before.append(chosen[0] if chosen else completed[-1]["id"])


def _cancels(history: History, stored: Stored) -> Found:
    turns = {turn["_id"]: turn for turn in stored.turns}
    for cancelled in history.cancelled:
        turn = turns.get(cancelled.turn)
        status = {"CANCELLED": "cancelled", "ALREADY_CANCELLED": "cancelled", "ALREADY_FAILED": "failed"}
        expected = status.get(cancelled.outcome, "completed")
        if turn is None or turn["status"] != expected:
            yield "unexpected", f"CancelTurn said {cancelled.outcome}, {cancelled.turn} is {turn and turn['status']}"
    for turn in stored.turns:
        if turn.get("cancel_reason") == "rolled_back" and not turn.get("excluded"):
            yield "unexpected", f"turn {turn['_id']} was rolled back and is still part of its session"
        replaced = turns.get(turn.get("replaces") or "")
        if replaced is not None and not replaced.get("excluded"):
            yield "unexpected", f"turn {replaced['_id']} was replaced and is still part of its session"


def _facts(history: History, stored: Stored) -> Found:
    revisions = Counter((fact["fact"], fact["revision"]) for fact in stored.facts)
    for taught in history.taught:
        count = revisions[taught.fact, taught.revision]
        if count != 1:
            yield ("duplicated" if count else "lost"), f"fact {taught.fact} revision {taught.revision}: {count} stored"
    told = Counter((taught.fact, taught.revision) for taught in history.taught)
    for fact, count in told.items():
        if count > 1:
            yield "mixed", f"{count} statements were told the same revision {fact}"


def _corrections(history: History, stored: Stored) -> Found:
    sessions = {session["_id"]: session for session in stored.sessions}
    for corrected in history.corrected:
        held = (sessions.get(corrected.session) or {}).get("corrections") or ()
        revisions = [one["revision"] for one in held if one["request"]["id"] == corrected.request]
        if revisions != [corrected.revision]:
            kind = "lost" if not revisions else "duplicated" if len(revisions) > 1 else "unexpected"
            yield kind, f"correction {corrected.request} of revision {corrected.revision}: {revisions} stored"


def _imports(history: History, stored: Stored) -> Found:
    for imported in history.imported:
        lines = Counter(one["line"] for one in stored.feedback if one.get("import") == imported.id)
        refused = Counter(one["line"] for one in stored.refused_lines if one["import"] == imported.id)
        for line in range(1, imported.lines + 1):
            kept, against = lines[line], refused[line]
            if kept + against != 1:
                kind = "lost" if kept + against == 0 else "duplicated"
                yield kind, f"line {line} of {imported.id}: {kept} stored, {against} refused"
            elif bool(against) != (line in imported.refused):
                yield "unexpected", f"line {line} of {imported.id} was told otherwise than it is stored"
        if imported.told != (sum(lines.values()), sum(refused.values())):
            yield "unexpected", f"GetImport said {imported.told} of {imported.id}"
