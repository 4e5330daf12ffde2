"""Imports of feedback: every line judged by itself, what is refused named by its number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.v1 import feedback_pb2 as pb
from google.protobuf.json_format import Parse, ParseError

from services.common.errors import InvalidArgument
from services.common.store import Document, Store
from services.common.store.imports import RefusedLine
from services.gateway import validation as check

MAX_ITEMS = 1_000
MAX_LINE = 2**20  # code points; clients cut a longer line right behind them, so that it is refused and not their chunk
_BLANK = " \t\r\n\f\v\ufeff\u00a0"


@dataclass(frozen=True)
class Judged:
    """A chunk's lines: fields to store by line number, and what was refused."""

    items: list[tuple[int, Document]]
    refused: list[RefusedLine]


def judge(store: Store, tenant: str, first_line: int, items: Sequence[pb.ImportItem], max_text: int) -> Judged:
    """Look at every line of a chunk, blank lines aside; one read for all turns they name."""
    parsed: list[tuple[int, pb.FeedbackItem | pb.FeedbackRecord]] = []
    refused: list[RefusedLine] = []
    for line, item in enumerate(items, first_line):
        if item.WhichOneof("content") == "json" and not item.json.strip(_BLANK):
            continue
        try:
            parsed.append((line, _parsed(item)))
        except InvalidArgument as error:
            refused.append(RefusedLine(line, error.field, error.violation))
    turns = {
        turn["_id"]: turn for turn in store.turns.read(tenant, sorted({p.turn_id for _, p in parsed if p.turn_id}))
    }
    stored: list[tuple[int, Document]] = []
    for line, one in parsed:
        try:
            stored.append((line, _fields(one, turns, max_text)))
        except InvalidArgument as error:
            refused.append(RefusedLine(line, error.field, error.violation))
    return Judged(stored, sorted(refused, key=lambda one: one.line))


def _parsed(item: pb.ImportItem) -> pb.FeedbackItem | pb.FeedbackRecord:
    """The item, or the record of an export."""
    if item.WhichOneof("content") == "item":
        return item.item
    if len(item.json) > MAX_LINE:
        raise InvalidArgument("", f"the line has more than {MAX_LINE} characters")
    try:
        return Parse(item.json, pb.FeedbackItem())
    except ParseError as error:
        try:
            return Parse(item.json, pb.FeedbackRecord())
        except ParseError:
            raise InvalidArgument("", _unquoted(str(error))) from None


_WORDS = re.compile(r"""["'][^"']*["']""")


def _unquoted(why: str) -> str:
    """Why a line is no item, without its words: a refusal outlives an erasure."""
    known = {f'"{name}"' for message in (pb.FeedbackItem, pb.Feedback) for name in message.DESCRIPTOR.fields_by_name}
    told = _WORDS.sub(lambda found: found[0] if found[0].replace("'", '"') in known else "…", why)
    return f"the line is not the JSON of a feedback item or record: {told[:200]}"


def _fields(item: pb.FeedbackItem | pb.FeedbackRecord, turns: dict[str, Document], max_text: int) -> dict[str, Any]:
    """What is stored of a line. A record of an export is about its turn where that is known here, else about the prompt
    and the reply that it was exported with."""
    said = check.feedback(item.feedback, max_text)
    if isinstance(item, pb.FeedbackRecord) and item.accepted:
        said["accepted"] = True
    user = check.words("user_id", item.user_id, check.MAX_USER, needed=False)
    turn = turns.get(item.turn_id)
    if not item.turn_id or (turn is None and item.prompt):
        prompt = check.words("prompt", item.prompt, max_text)
        reply = check.words("reply", item.reply, max_text, needed=said["edited_text"] is None)
        return {**said, "prompt": prompt, "reply": reply, "user": user}
    if turn is None:
        raise InvalidArgument("turn_id", f"no turn {item.turn_id[:64]}")
    drafts = [draft["round"] for draft in turn["drafts"] if draft.get("text")]
    named = isinstance(item, pb.FeedbackRecord) or item.HasField("round")
    chosen = item.round if named else max(drafts, default=-1)
    if chosen not in drafts:
        raise InvalidArgument("round", "the turn has no such draft")
    return {
        **said,
        "turn": item.turn_id,
        "session": turn["session"],
        "round": chosen,
        "user": user or turn.get("user", ""),
    }
