"""Negations that no rule has read: a wish that stands beside one is not obeyed.

A rule of the grammar takes the words that it understood out of the comment. Where a negation is among the words left
in a clause ("this could hardly be called | too short |", "who would want it | any longer |"), the wish that was read
there may be denied; nothing is better than its opposite. What was to be removed then stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.common.constraints import Constraint
from services.tracker.domain.feedback import denial_words as said

_CLAUSE = re.compile(
    r"[.;!?\n]+|,(?=\s)|:(?=\s)|\s[–—-]+\s|[()]"
    r"|\b(?:but|however|though|although|because|since|so|therefore|then|instead|please|yet)\b",
    re.I,
)
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|nowhere|neither|nor|cannot|cant|dont|wont|hardly|scarcely|barely|seldom"
    r"|rarely|refuse[sd]?|refrain|(?:i|we)(?:['’]d| would| do| really)? (?:hate|loathe|detest|regret|mind|dread)"
    r"|(?:god|heaven) forbid|fail(?:ed|s)? to (?:see|understand)|doubt|far from|last thing|spare (?:me|us)"
    r"|(?:who|why|what|where) (?:on earth |the (?:hell|heck) |in the world |exactly |actually )*(?:would|should|says?"
    r"|said|asked|told|wants?|needs?|cares?|made you|makes you|is the point|good)|since when|as if|anything but"
    r"|the (?:opposite|reverse|contrary)|waste of|pointless|needless|overkill|unnecessary|superfluous|redundant"
    r"|(?:a|an) (?:\w+ )?(?:mistake|shame|pity|error|blunder|crime|sin|bad idea)|(?:is|was|did|does"
    r"|has|have) (?:anyone|anybody|i|we)"
    r"|against|opposed to|oppose|object|wrong to|resist|impossible|rather than)\b|n['’]t\b",
    re.I,
)
_NO_NEGATION = re.compile(
    r"\b(?:not (?:only|just|bad|least)|no (?:problem|doubt|matter|longer|more|offen[cs]e|thanks)"
    r"|why (?:don['’]?t you|not)"
    r"|(?:you|it|the (?:reply|answer|text)) (?:did|ha[ds]|have)(?:n['’]t| not)(?! (?:to|need(?:ed)?|got to)\b)"
    r"|(?:can|could|would|will)(?:n['’]t| not) you|if not|or not|not sure (?:if|whether)|never ?mind|nothing else"
    r"|i (?:do not|don['’]t|didn['’]t|did not) (?:like|love|enjoy|appreciate|get|understand|follow|have)"
    r"|(?:can(?:not|['’]t)|could(?:n['’]t| not)) (?:read|stand|bear|follow|use|send|understand|stomach|take|believe)"
    r"|no ?(?:one|body) (?:reads?|will read|has time|wants to read|understands?|can (?:read|follow|understand))"
    r"|do(?:es)?(?:n['’]t| not) (?:help|work|fit|read well)|i hate (?:how|that|it|the way|when|such|long|short))\b",
    re.I,
)
"""What only looks like one, complains of what is then wished away ("I can't read such long texts"), or of what is
missing ("you didn't highlight anything")."""
_REMOVES = re.compile(rf"\b(?:{said.REMOVE}|{said.OMIT}|leav\w+|without|minus|get rid|goes?|cut)\b", re.I)
_FAULT = re.compile(r"\b(?:too|so|very|overly|such)\b", re.I)
_ORDER = re.compile(
    r"\b(?:(?:should|must|may|can|could|do|does|did|would|ought|need)(?:\s?n['’]?t| not)|cannot|never|not)"
    r"(?= (?:\w+ )?(?:be|get|become|sound|look|read|make|write|turn|have|use|seem|feel|come|go)\b|\s?\.|\W*$)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A constraint and the stretch of the comment that a rule read it from."""

    start: int
    end: int
    constraint: Constraint


def clauses(text: str) -> Iterator[tuple[int, int]]:
    """Where the clauses of a comment stand."""
    start = 0
    for match in _CLAUSE.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def denied(text: str, left: str, found: Sequence[Found]) -> tuple[list[Found], list[tuple[int, int]]]:
    """What was found in clauses that hold an unread negation and may be its opposite, and those clauses.

    `left` is the comment with full stops in the place of what was read.
    """
    wrong: list[Found] = []
    places: list[tuple[int, int]] = []
    at = 0
    for start, end in clauses(text):
        mine: list[Found] = []
        while at < len(found) and found[at].start < end:
            mine.append(found[at])
            at += 1
        rest = left[start:end]
        if not mine or not _negated(rest):
            continue
        opposite = [one for one in mine if _may_be_denied(one, text) and not _wished_away(one, text, rest)]
        if opposite:
            wrong += opposite
            places.append((start, end))
    return wrong, places


def _negated(left: str) -> bool:
    return _NEGATION.search(_NO_NEGATION.sub(" ", left)) is not None


def _wished_away(one: Found, text: str, left: str) -> bool:
    """Whether a fault was named that is not to be ("it must not sound | too long |")."""
    return _FAULT.search(text, one.start, one.end) is not None and not _negated(_ORDER.sub(" ", left))


def _may_be_denied(one: Found, text: str) -> bool:
    """Whether the rule that read this looks at no negation itself: amounts and words not to be said do."""
    constraint = one.constraint
    if constraint.kind == "length":
        return constraint.value in ("shorter", "longer")
    if constraint.kind == "must_not_include":
        return _REMOVES.search(text, one.start, one.end) is not None
    return constraint.kind in ("tone", "format", "language")
