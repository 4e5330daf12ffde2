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
    r"|\b(?:but|however|though|although|because|bc|cos|coz|cuz|since|therefore|then|instead|please|yet"
    r"|so(?! (?:\w+ly )?(?:long|short|formal|much|many|little|few|wordy|stiff|detailed|brief|technical"
    r"|complicated|verbose"
    r"|lengthy|cold|casual|rude|vague|dry|friendly)\b)"
    r"|as (?=(?:i|he|she|they|we)\b)|or (?:else |otherwise )?(?=(?:i|we|he|she|they|it|you|no ?(?:one|body)|nobody"
    r"|people|customers|clients|readers|the \w+|my \w+|our \w+) (?:\w+ )?(?:wo|ca|do|does|would|could|will|is|are)"
    r"(?:n['’]t| not)|(?:no ?(?:one|body)|nobody)\b)|and (?=(?:please )?(?:do(?:n['’]t| not)|never|not|no)\b))",
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
    r"\b(?:not (?:only|just|bad|least|(?:over|above|under|below|beyond|(?:more|less|fewer) than|(?:so|too"
    r"|as) many))|what would"
    r" (?:it|this|that) (?:look|sound|read|be) like|(?:no|never) (?:more|less|fewer) than|no (?:problem|doubt"
    r"|matter|longer|more|offen[cs]e|thanks)"
    r"|why (?:don['’]?t you|not)|(?:with|and) no (?!one\b|body\b|longer\b|more\b)\w+(?: \w+)?(?=\W*$)"
    r"|(?:can|could|would|will)(?:n['’]t| not) you|(?:ca|wo)n['’]t you|if not|or not|not sure (?:if|whether)"
    r"|never ?mind"
    r"|nothing else|i (?:do not|don['’]t|didn['’]t|did not) (?:get|understand|follow|have)"
    r"|(?:can(?:not|['’]t)|could(?:n['’]t| not)) (?:read|follow|use|send|understand|take|believe)"
    r"|no ?(?:one|body) (?:reads?|will read|has time|wants to read|understands?|can (?:read|follow|understand))"
    r"|do(?:es)?(?:n['’]t| not) (?:help|work|fit|read well))\b",
    re.I,
)
"""What only looks like one, or complains of what is then wished away ("I can't read such long texts")."""
_MISSED = re.compile(
    r"\b(?:you|it|the (?:reply|answer|text))(?: still| again| yet)? (?:did|ha[ds]|have)(?:n['’]t| not)(?! (?:to"
    r"|need(?:ed)?|got to)\b)",
    re.I,
)
"""What complains of something missing ("you didn't highlight anything"), and denies a fault."""
_DISLIKE = re.compile(
    r"\b(?:(?:do|does|did|would|will|could)(?:n['’]t| not) (?:like|love|enjoy|appreciate|want|read|accept"
    r"|approve|print)"
    r"|(?:can(?:not|['’]t)|could(?:n['’]t| not)) (?:stand|bear|stomach)|(?:i|we)(?: really)? (?:hate|loathe"
    r"|detest|dislike)"
    r"|not (?:\w+ )?(?:happy|pleased|satisfied|comfortable|impressed|thrilled)"
    r"|(?:wish|rather|if only|hoped?|prefer)(?: that| if)? (?:you|it|this|that|the \w+) (?:were|was|is|had|would|did)"
    r"(?:n['’]t| not)(?: been| be)?|(?:should|must)(?:n['’]t| not) have|had (?:it|this) not been|no (?:room|time"
    r"|space) for"
    r"|can (?:hardly|barely|scarcely) (?:read|follow|use|bear|take))\b",
    re.I,
)
"""What is said of a fault that is then wished away, and of a wish that denies it."""
_STATES_FAULT = re.compile(
    r"^\W*(?:(?:i|we) (?:think|find|fear)(?: that)? )?(?:it|this|that|(?:the|your) \w+)(?:['’]s| is| was| seems| sounds"
    r"| looks| reads| feels)(?: (?:just|simply|really|still|a bit|a little|way|far|much|all))*\W*$",
    re.I,
)
_GOES_ON = re.compile(r"\W*(?:for|to|and no|and nobody|that|which|when|if|given)\b", re.I)
_REMOVES = re.compile(rf"\b(?:{said.REMOVE}|{said.OMIT}|leav\w+|without|minus|get rid|goes?|cut)\b", re.I)
_FAULT = re.compile(r"\b(?:too|so|very|overly|such)\b", re.I)
_ORDER = re.compile(
    r"\b(?:(?:should|must|may|can|could|do|does|would|ought|need)(?:\s?n['’]?t| not)|cannot"
    r"|(?<!did )(?<!has )(?<!had )(?<!have )(?<!is )(?<!was )(?:never|not))"
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
        opposite = [one for one in mine if _may_be_denied(one, text) and not _meant(one, text, left, (start, end))]
        if opposite:
            wrong += opposite
            places.append((start, end))
    return wrong, places


def _negated(left: str) -> bool:
    return _NEGATION.search(_NO_NEGATION.sub(" ", left)) is not None


def _meant(one: Found, text: str, left: str, clause: tuple[int, int]) -> bool:
    """Whether the negation belongs to an amount ("not | over 9 bullet points |") or says that the wish is missing, or a
    fault was named that is not to be ("it must not sound | too long |"), that is disliked, or that is stated before the
    negation ("it is | too long | for anyone to read and no one will")."""
    start, end = clause
    if _FAULT.search(text, one.start, one.end) is None:
        before = left[start : one.start]
        if _BOUND.match(text, one.start, one.end):
            before = _NOT_BEFORE.sub("", before)
        return not _negated(_MISSED.sub(" ", before + left[one.start : end]))
    if _STATES_FAULT.match(text[start : one.start]) and _GOES_ON.match(text[one.end : end]):
        return True
    return not _negated(_DISLIKE.sub(" ", _ORDER.sub(" ", left[start:end])))


_BOUND = re.compile(r"\W*(?:over|above|under|below|beyond|(?:more|less|fewer) than)\b", re.I)
_NOT_BEFORE = re.compile(r"\b(?:not|no|never|n['’]t)\s*$", re.I)


def _may_be_denied(one: Found, text: str) -> bool:
    """Whether the rule that read this looks at no negation itself: amounts and words not to be said do."""
    constraint = one.constraint
    if constraint.kind == "length":
        return constraint.value in ("shorter", "longer")
    if constraint.kind == "must_not_include":
        return _REMOVES.search(text, one.start, one.end) is not None
    return constraint.kind in ("tone", "format", "language")
