"""From a piece of feedback to what can be learned from it: an example, a preference, or a refusal with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.common.constraints import Constraint, replacement

Kind = Literal["correction", "approval"]
GOOD_RATING = 4
MAX_TEXT = 8_000
_FACT = re.compile(
    r"^(?P<entity>[^.?!\n]{2,80}?)\s+(?:is|are|costs?|opens at|closes at)\s+(?P<value>[^.?!\n]{1,80})[.!]?$", re.I
)


@dataclass(frozen=True)
class Lesson:
    """What one feedback record teaches.

    ``example`` is ``{prompt, answer, kind}`` for training; ``preference`` ``{prompt, better, worse}`` or a plain
    rating; ``claims`` are sentences that may hold a fact and wait for confirmation. Exactly when nothing at all can
    be learned, ``refusal`` says why.
    """

    example: dict[str, Any] | None = None
    preference: dict[str, Any] | None = None
    claims: tuple[str, ...] = ()
    refusal: str = ""


def lesson(record: Mapping[str, Any], prompt: str, reply: str) -> Lesson:
    """The lesson of a feedback record about ``reply``, which answered ``prompt`` (the user's message).

    An edit is a correction: its text is the answer to learn, and the reply it replaced the worse of a pair. A good
    rating approves the reply as it stands. A bad rating or a comment alone says that the reply was wrong and not
    what is right: it is kept as a preference signal.
    """
    prompt, reply = prompt.strip(), reply.strip()
    edited = str(record.get("edited_text") or "").strip()
    rating = record.get("rating")
    if not prompt:
        return Lesson(refusal="the message that was answered is not known")
    if len(prompt) > MAX_TEXT or len(edited or reply) > MAX_TEXT:
        return Lesson(refusal=f"longer than {MAX_TEXT} characters: too long to learn from")
    if edited:
        if edited == reply:
            return Lesson(example=_example(prompt, reply, "approval"))
        preference = {"prompt": prompt, "better": edited, "worse": reply} if reply else None
        return Lesson(_example(prompt, edited, "correction"), preference, _claims(record, edited, reply))
    if rating is not None and rating >= GOOD_RATING:
        if not reply:
            return Lesson(refusal="a good rating of a reply that is not known")
        return Lesson(example=_example(prompt, reply, "approval"))
    if rating is not None or record.get("comment") or record.get("constraints"):
        judged = {"prompt": prompt, "worse": reply, "rating": rating}
        return Lesson(preference=judged, claims=_claims(record, "", reply))
    return Lesson(refusal="it says neither what was wrong nor what is right")


def _example(prompt: str, answer: str, kind: Kind) -> dict[str, Any]:
    return {"prompt": prompt, "answer": answer, "kind": kind}


def _claims(record: Mapping[str, Any], edited: str, reply: str) -> tuple[str, ...]:
    """Sentences that state something new: of an edit those that the reply did not have, of a comment each."""
    claims: list[str] = []
    for text, known in ((edited, reply), (str(record.get("comment") or ""), "")):
        sentences = [sentence.strip() for sentence in re.split(r"(?<=[.!?。！？])\s+", text)]
        claims += [one for one in sentences if one and one not in known and _FACT.match(one)]
    for one in record.get("constraints") or ():
        constraint = Constraint.from_json(one)
        if constraint.kind == "replace" and _FACT.match(replacement(constraint)[1]):
            claims.append(replacement(constraint)[1])
    return tuple(dict.fromkeys(claims))
