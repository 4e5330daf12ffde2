"""Comments on a draft with what may be understood of them: `comment => no length 'shorter'; words max 5; …`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from antiphon.v1 import conversation_pb2, feedback_pb2
from antiphon.v1.common_pb2 import DecodingSettings

from research.eval.cases.check import Check, Desk, lines_of
from services.common.text_measures import sentences, words
from services.gateway.mapping.feedbacks import constraint_json

DRAFT = "The harbour office is open from nine to five. Parking costs 3 euros an hour."
PHRASES = ("must_include", "must_not_include", "start", "end", "keep", "replace")
_UNITS = ("characters", "words", "sentences", "paragraphs")
_BOUND = re.compile(r"^(characters|words|sentences|paragraphs)((?: (?:min|max) (?:\d+|\(.*\)))+)$")
_KIND = re.compile(
    r"^(no|never)? ?(length|keep|must_include|must_not_include|format|tone|start|end|language|case"
    r"|replace|punctuation)\b ?(.*)$"
)


def check_comments(desk: Desk, file: Path) -> list[Check]:
    """Each comment, on the draft that the file's first line or the common one gives."""
    lines = lines_of(file)
    header = "`=>`"
    quoted = re.search(r"on the draft \"(.+?)\"", lines[0]) if lines else None
    draft = quoted[1] if quoted else DRAFT
    checks = []
    for line in (line for line in lines if header not in line):
        comment, arrow, expected = line.rpartition("=>")
        understood = understood_of(desk, draft, (comment if arrow else line).strip())
        right = meets(understood, expected, draft) if arrow else plausible(understood, line)
        checks.append(Check(line, right, str(understood)))
    return checks


def understood_of(desk: Desk, draft: str, comment: str) -> list[dict[str, Any]]:
    """The constraints that a revision of the draft by this comment is made for."""
    client = desk.client
    session = client.conversations.CreateSession(conversation_pb2.CreateSessionRequest(user_id="case")).session.id
    with client.send(session, "Tell me about the office.", settings=DecodingSettings(max_tokens=4)) as asked:
        asked.result()
    # what a person posts counts as accepted and is not revised, so the draft is written where drafts are kept
    turns = desk.store.connection.scoped("turns", desk.tenant)
    turns.update_one({"_id": asked.turn_id}, {"$set": {"drafts.0.text": draft, "drafts.0.token_ids": []}})
    found: list[dict[str, Any]] = []
    short = DecodingSettings(max_tokens=4)
    with client.revise(asked.turn_id, feedback_pb2.Feedback(comment=comment), settings=short) as revised:
        for event in revised:
            if event.WhichOneof("event") == "understood":
                found = [constraint_json(one) for one in event.understood.constraints]
    return found


def meets(found: list[dict[str, Any]], expected: str, draft: str) -> bool:
    """Whether every clause of an expectation holds of what was understood."""
    plain = re.sub(r"\s*\((?!draft)[^)]*\)", "", expected).strip()
    return all(_clause(found, clause.strip(), draft) for clause in re.split(r"[;,]", plain) if clause.strip())


def _clause(found: list[dict[str, Any]], clause: str, draft: str) -> bool:
    if clause == "nothing else":
        return len(found) == 1
    if clause == "nothing":
        return not found
    if clause == "no minimum":
        return not any(_longer(one, draft) for one in found)
    if clause == "at most the draft's length":
        return not any(_longer(one, draft) for one in found)
    if refused := re.fullmatch(r"not (min|max) (\d+)", clause):
        return not any(one[refused[1]] == int(refused[2]) for one in found)
    if " or " in clause:
        return any(_clause(found, part.strip(), draft) for part in clause.split(" or "))
    if clause in ("longer", "shorter"):
        return any((_longer if clause == "longer" else _shorter)(one, draft) for one in found)
    if bound := _BOUND.match(clause):
        return any(_bounded(one, bound[1], bound[2], draft) for one in found)
    if kind := _KIND.match(clause):
        value = kind[3].strip(" '\"")
        matching = [one for one in found if one["kind"] == kind[2] and _has_value(one, value, draft)]
        return not matching if kind[1] else bool(matching)
    raise ValueError(f"an expectation that this adapter does not read: {clause!r}")


def _has_value(one: dict[str, Any], value: str, draft: str) -> bool:
    if one["kind"] == "length" and value in ("longer", "shorter"):
        return (_longer if value == "longer" else _shorter)(one, draft)
    return not value or value.casefold() in str(one["value"]).casefold()


def _count(unit: str, text: str) -> int:
    return {"characters": len(text), "words": len(words(text)), "sentences": len(sentences(text))}.get(unit, 1)


def _longer(one: dict[str, Any], draft: str) -> bool:
    if one["kind"] != "length":
        return False
    return one["value"] == "longer" or (one["min"] or 0) > _count(one["unit"], draft)


def _shorter(one: dict[str, Any], draft: str) -> bool:
    if one["kind"] != "length":
        return False
    return one["value"] == "shorter" or (one["max"] is not None and one["max"] < _count(one["unit"], draft))


def _bounded(one: dict[str, Any], unit: str, bounds: str, draft: str) -> bool:
    wanted: dict[str, int | None] = {"min": None, "max": None}
    for name, amount in re.findall(r"(min|max) (\d+|\(.*?\))", bounds):
        less = re.search(r"- (\d+)", amount)
        wanted[name] = max(1, _count(unit, draft) - int(less[1])) if less else int(amount)
    if one["kind"] != "length" or one["unit"] != unit:
        return False
    least = one["min"] if wanted["min"] is not None or (one["min"] or 0) > 1 else None
    return least == wanted["min"] and one["max"] == wanted["max"]


def plausible(found: list[dict[str, Any]], comment: str) -> bool:
    """Of a comment without an expectation, in whatever language: nothing was understood, or a wish for length, form,
    tone or language, or a phrase of the comment that can be a noun (a word of five letters or more, not its first)."""
    for one in found:
        if one["kind"] in PHRASES:
            rest = comment.split(maxsplit=1)[1].casefold() if " " in comment else ""
            longest = max(re.findall(r"\w+", str(one["value"])), key=len, default="")
            if len(longest) < 5 or str(one["value"]).casefold() not in rest:
                return False
    return True
