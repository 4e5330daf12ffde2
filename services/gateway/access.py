"""Who may call what, and on whose sessions: one table over the contract's RPCs, which ``docs/access.md`` shows.

``python -m services.gateway.access --update docs/access.md`` puts it there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from antiphon.v1 import admin_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, model_pb2, state_pb2, webhook_pb2

from services.common.store import Document
from services.common.store.keys import ALL_SESSIONS, ROLES, Credential

CONTRACT = (conversation_pb2, state_pb2, feedback_pb2, knowledge_pb2, model_pb2, admin_pb2, webhook_pb2)
EVERY_AGENT = "*"
BEGIN, END = "<!-- access -->", "<!-- /access -->"


class Whose(Enum):
    """On whose sessions a role may make a call; calls about no session are about the tenant's documents."""

    NONE = "—"
    OWN = "own"  # an end user's: those of its user; a caller's: those it made, with `sessions:all` every one
    HANDED = "handed"  # those whose label `agent` names the credential or every agent
    ALL = "all"


Row = Mapping[str, Whose]


def _row(end_user: Whose, agent: Whose, caller: Whose, reviewer: Whose = Whose.ALL) -> Row:
    return dict(zip(ROLES, (end_user, agent, caller, reviewer, Whose.ALL), strict=True))


_NONE, _OWN, _HANDED, _ALL = Whose.NONE, Whose.OWN, Whose.HANDED, Whose.ALL
_TALK = _row(_OWN, _NONE, _OWN)  # to speak as the user
_FOLLOW = _row(_OWN, _HANDED, _OWN)  # to read a session and to judge its drafts
_ANSWER = _row(_NONE, _HANDED, _OWN)  # to speak as the assistant
_CORRECT = _row(_NONE, _HANDED, _NONE)
_ASK = _row(_ALL, _ALL, _ALL)
_STAFF = _row(_NONE, _ALL, _ALL)
_REVIEW = _row(_NONE, _NONE, _NONE)
_OPERATE = _row(_NONE, _NONE, _NONE, _NONE)

# What is not named here is a reviewer's in the services below, an operator's elsewhere.
_REVIEWED = frozenset({"ConversationService", "StateService", "FeedbackService", "KnowledgeService"})
_NAMED: dict[str, Row] = {
    **dict.fromkeys(("CreateSession", "SendTurn", "EditTurn", "RetryTurn", "EraseSession"), _TALK),
    **dict.fromkeys(("GetSession", "ListSessions", "UpdateSession", "EndSession", "GetTurn", "ListTurns"), _FOLLOW),
    **dict.fromkeys(
        ("ReviseTurn", "AttachTurn", "CancelTurn", "AcceptDraft", "GetState", "SubmitFeedback", "GetReceipt"), _FOLLOW
    ),
    **dict.fromkeys(("PostReply", "Takeover", "Return"), _ANSWER),
    **dict.fromkeys(("Handoff", "WatchTenant"), _FOLLOW),
    "CorrectState": _CORRECT,
    **dict.fromkeys(("GetSchema", "ListSchemas", "Search"), _ASK),
    **dict.fromkeys(("GetIngestion", "WatchIngestion", "ListFacts", "FactHistory"), _STAFF),
}


def row(method: str) -> Row:
    """What each role may do with ``/antiphon.v1.StateService/GetState``."""
    service, _, name = method.rpartition("/")
    rest = _REVIEW if service.rpartition(".")[2] in _REVIEWED else _OPERATE
    return _NAMED.get(name, rest)


def whose(method: str, credential: Credential) -> Whose:
    """On whose sessions this credential may make the call."""
    allowed = row(method)[credential.role]
    wide = credential.role == "caller" and ALL_SESSIONS in credential.scopes
    return Whose.ALL if wide and allowed is Whose.OWN else allowed


def may_see(session: Document, credential: Credential, allowed: Whose) -> bool:
    """Whether a session is among those that ``allowed`` means for this credential, and finds nothing beyond the labels
    that the credential was granted."""
    if not credential.granted(session.get("access") or ()):
        return False
    if allowed is Whose.OWN and credential.role == "end_user":
        return bool(credential.user) and session.get("user") == credential.user
    if allowed is Whose.OWN:
        return session.get("owner") == credential.key
    if allowed is Whose.HANDED:
        return session.get("agent") in (credential.key, EVERY_AGENT)
    return allowed is Whose.ALL


def selection(credential: Credential, allowed: Whose) -> Document:
    """The query on ``sessions`` that finds what ``may_see`` lets through."""
    query: Document = {}
    if credential.labels is not None:
        query["access"] = {"$not": {"$elemMatch": {"$nin": sorted(credential.labels)}}}
    if allowed is Whose.OWN:
        end_user = credential.role == "end_user"
        # an end user's credential always names one: without it there is nobody, and nobody's sessions are not its own
        query |= {"user": credential.user or None} if end_user else {"owner": credential.key}
    elif allowed is Whose.HANDED:
        query["agent"] = {"$in": [credential.key, EVERY_AGENT]}
    elif allowed is Whose.NONE:
        query["_id"] = {"$in": []}
    return query


def reviews(credential: Credential) -> bool:
    """Whether the credential may speak for others: what it says of their drafts counts as theirs."""
    return ROLES.index(credential.role) >= ROLES.index("reviewer")


def methods() -> Iterator[tuple[str, Any]]:
    """``/antiphon.v1.Service/Method`` and the descriptor of every RPC, in the contract's order."""
    for module in CONTRACT:
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                yield f"/{service.full_name}/{method.name}", method


def table() -> str:
    """The table as Markdown."""
    lines = ["| RPC | " + " | ".join(f"`{role}`" for role in ROLES) + " |", "|---|" + "---|" * len(ROLES)]
    for method, _ in methods():
        cells = [row(method)[role].value for role in ROLES]
        lines.append(f"| {method.rpartition('.')[2].replace('/', '.')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """A document's text with the table between its marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    """Print the table, or put it into a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", type=Path, help="a file with the marks of the table")
    file = parser.parse_args().update
    if file is None:
        print(table())
    else:
        file.write_text(with_table(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
