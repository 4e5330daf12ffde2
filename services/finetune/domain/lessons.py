"""From a piece of feedback to what can be learned from it: an example, a preference, or a refusal with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from services.common.constraints import Constraint, replacement
from services.common.last_words import GOOD_RATING
from services.common.privacy import Masker, has_mark
from services.common.privacy.policy import mask_record

Kind = Literal["correction", "approval"]
MAX_TEXT = 8_000
PERSONAL = (
    "the answer holds personal data, which is not learned; what is the tenant's own stands in its documents or is kept "
    "by `antiphon admin privacy masked --keep VALUE`"
)
_FACT = re.compile(
    r"^(?P<entity>[^.?!\n]{2,80}?)\s+(?:is|are|costs?|opens at|closes at)\s+(?P<value>[^.?!\n]{1,80})[.!]?$", re.I
)
_NEGATION = (
    r"(?:n['’]t|\b(?:not|never|no longer|cannot|used to|instead of|rather than|untrue|wrong|false|has no|have no))\b"
)
_DENIAL = re.compile(
    rf"^(?!(?:please|do|don['’]?t|never|not|no)\b)[^?\n]{{2,200}}?{_NEGATION}[^?\n]{{1,200}}$|"
    r"^it(?:['’]s| is) (?:not|untrue|wrong|false|no)\b[^?\n]{4,300}$|^that [^?\n]{4,300} is (?:untrue|wrong|false)\b",
    re.I,
)


@dataclass(frozen=True)
class Lesson:
    """What one feedback record teaches.

    ``example`` is ``{prompt, answer, kind}`` for training, with ``about: {reply, comment, constraints}`` where
    something was said of a reply that the answer betters; ``preference`` ``{prompt, better, worse}`` or a plain
    rating; ``claims`` are sentences that may hold a fact and wait for confirmation. Exactly when nothing at all can
    be learned, ``refusal`` says why.
    """

    example: dict[str, Any] | None = None
    preference: dict[str, Any] | None = None
    claims: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def rejected(self) -> dict[str, str] | None:
        """``{prompt, answer}`` of the reply that the record speaks against: earlier approvals of it hold no more."""
        if not self.preference or not self.preference["worse"]:
            return None
        return {"prompt": self.preference["prompt"], "answer": self.preference["worse"]}


def lesson(record: Mapping[str, Any], prompt: str, reply: str, revised: Mapping[str, Any] | None = None) -> Lesson:
    """The lesson of a feedback record about ``reply``, which answered ``prompt`` (the user's message). ``revised``:
    what the reply betters and what was said of that, ``{reply, comment, constraints}``; None for a first draft.

    An edit is a correction: its text is the answer to learn, and the reply it replaced the worse of a pair. A good
    rating, or the acceptance of a revised draft, approves the reply as it stands. A bad rating or a comment alone says
    that the reply was wrong and not what is right: it is kept as a preference signal.
    """
    prompt, reply = prompt.strip(), reply.strip()
    edited = str(record.get("edited_text") or "").strip()
    rating = record.get("rating")
    if not prompt:
        return Lesson(refusal="the message that was answered is not known")
    if len(prompt) > MAX_TEXT or len(edited or reply) > MAX_TEXT:
        return Lesson(refusal=f"longer than {MAX_TEXT} characters: too long to learn from")
    accepted = bool(record.get("accepted"))
    if edited and not accepted:
        if edited == reply:
            return Lesson(example=_example(prompt, reply, "approval", revised))
        preference = {"prompt": prompt, "better": edited, "worse": reply} if reply else None
        example = _example(prompt, edited, "correction", {**record, "reply": reply})
        return Lesson(example, preference, _claims(record, edited, reply))
    if accepted or (rating is not None and rating >= GOOD_RATING):
        if not reply:
            return Lesson(refusal="a reply that was approved of is not known")
        return Lesson(example=_example(prompt, reply, "approval", revised))
    if rating is not None or record.get("comment") or record.get("constraints"):
        judged = {"prompt": prompt, "worse": reply, "rating": rating}
        return Lesson(preference=judged, claims=_claims(record, "", reply))
    return Lesson(refusal="it says neither what was wrong nor what is right")


def masked_lesson(
    masker: Masker | None,
    record: Mapping[str, Any],
    prompt: str,
    reply: str,
    revised: Mapping[str, Any] | None = None,
) -> Lesson:
    """As `lesson`, of the texts with personal data masked; ``masker`` None: of the texts as they are.

    An answer with a mark teaches no answer: it would be said to others. Its ``refusal`` says so, also where a
    preference or claims are left; claims with a mark are none.
    """
    if masker is None:
        return lesson(record, prompt, reply, revised)
    prompt = masker.mask(prompt)
    if revised is not None:
        revised = mask_record(masker, revised)
    reply = masker.mask(reply)
    learned = lesson(mask_record(masker, record), prompt, reply, revised)
    claims = tuple(one for one in learned.claims if not has_mark(one))
    example = learned.example
    if example is not None and has_mark(example["answer"]):
        return Lesson(None, learned.preference, claims, PERSONAL)
    return replace(learned, claims=claims)


def _example(prompt: str, answer: str, kind: Kind, said: Mapping[str, Any] | None) -> dict[str, Any]:
    example: dict[str, Any] = {"prompt": prompt, "answer": answer, "kind": kind}
    if said is not None and said["reply"] and said["reply"].strip() != answer:
        comment, constraints = str(said.get("comment") or "").strip(), list(said.get("constraints") or ())
        if comment or constraints:
            example["about"] = {"reply": said["reply"].strip(), "comment": comment, "constraints": constraints}
    return example


def _claims(record: Mapping[str, Any], edited: str, reply: str) -> tuple[str, ...]:
    """Sentences that state something new: of an edit those that the reply did not have, of a comment each."""
    claims: list[str] = []
    for text, known in ((edited, reply), (str(record.get("comment") or ""), "")):
        sentences = [sentence.strip() for sentence in re.split(r"(?<=[.!?。！？])\s+", text)]
        claims += [one for one in sentences if one and one not in known and _claim(one)]
    for one in record.get("constraints") or ():
        constraint = Constraint.from_json(one)
        if constraint.kind == "replace" and _claim(replacement(constraint)[1]):
            claims.append(replacement(constraint)[1])
    return tuple(dict.fromkeys(claims))


def _claim(sentence: str) -> bool:
    """Whether a sentence may state a fact or deny one; the knowledge service reads it and knows what holds."""
    return bool(_FACT.match(sentence) or _DENIAL.match(sentence))
