"""Whether a message asks something that wants an answer of its own, beside what it tells for a form."""

from __future__ import annotations

import re

from services.tracker.domain import acts

_INFORMS = re.compile(
    r"^\W*(?:(?:hi|hello|hey|and|so|ok|okay)\b\W*)*"
    r"(?:is|are|was|were|does|do|did|how (?:much|many|long|often|far|late|early)|what(?:['’]s)?|which|when|where|who"
    r"|why)\b"
    r"(?!\s+(?:it (?:possible|okay|ok)|you (?:mind|able)|there (?:any|a) (?:chance|way)|about|if)\b)",
    re.I,
)
"""Begins a question that wants to be told something: "Is a visit free of charge?", not "Can I book a visit?"."""
_WANTS_TO_KNOW = re.compile(
    r"\b(?:what(?! about\b)(?:['’]?s)?|wat time|how (?:much|many|long|often|far|late|early|old|big|soon|fast|do|does"
    r"|can|is|are)|h[uo]?w (?:much|many|long|do|does)|(?:un)?til when|from when)\b.{0,200}[?？]"
    r"|\b(?:which|when|where|whos?e?|why)\b(?=\W+(?:\w+\W+){0,2}?(?:is|are|was|were|do|does|did|can|could|will|would"
    r"|should|have|has)\b).{0,200}[?？]|\b(?:which|when|where|who|why)\b[^?？]{0,40}[?？]|[?？]{2}"
    r"|^\W*(?:\w+\W+){0,6}?(?:what(?:['’]?s| is| are| do| does| time)|whos|who['’]s|wats|wat time|hw (?:much|many|long)"
    r"|how (?:much|many|long|often|late|early) (?:is|are|do|does|can|for)|(?:un)?til when)\b"
    r"|^\W*(?:\w+\W+){0,2}?how (?:much|many|long)\b",
    re.I,
)
"""A question that wants to be told something, wherever it stands in its sentence."""
_ASKS_POLITELY = re.compile(
    r"\b(?:tell|quote|inform) (?:me|us)\b|\blike to know\b|\bplease list\b"
    r"|\b(?:price|cost|rate|fees?|charge|hours|hrs|(?<!my )(?<!our )(?<!new )(?<!delivery )address)\b[^?]{0,60}\?",
    re.I,
)
_WANTS_A_YES = re.compile(
    r"(?:^|[,;:.] )(?:is|are|was|were|does|do|did|will|has|have|had)\b(?! (?:you (?:mind|able)|it (?:possible|ok|okay)"
    r"|that (?:possible|ok|okay)|there (?:a|any) (?:chance|way)))[^?]{3,200}\?",
    re.I,
)
_WISHES = re.compile(
    r"\b(?:i|we)(?:['’]d| would)? (?:like|love|want|wish|prefer|need) (?:to|a|an|the|it|one|two|some)\b"
    r"|\bplease (?:book|reserve|order|cancel|send|put|make|change|move)\b|\b(?:i|we)(?:['’]ll| will) take\b",
    re.I,
)
_MAY_I = re.compile(
    r"(?:^|[,;:.] |\bplease )\W*(?:can|could|may|might) (?:i|we|you) (?:please )?(?:book|reserve|order|have|get|cancel"
    r"|change|move|reschedule|send|come|make)\b",
    re.I,
)
"""What asks by a question for a thing to be done: it begins its sentence, other than in "Until when can I have it?"."""
_ASKS_BLUNTLY = re.compile(
    r"^\W*(?:(?:hi|hello|hey|and|so|ok|okay|k|wait|sorry|but|also|btw)\b\W*)*"
    r"(?:what|whats|which|when|where|who|why|how)\b(?=(?:[^\w'’-]+[\w'’-]+){2,14}\W*$)",
    re.I,
)
"""A question that was typed without its mark: "which proof did u say"."""
_NEEDS = re.compile(r"\b(?:i|we)(?:['’]?d| would)? (?:like|want|need|prefer) (?!to know\b)", re.I)
_ASKS_ANYWHERE = re.compile(
    r"\b(?:what(?:['’]?s)?|wh?ats?|wich|hw|hou|(?:un)?till? wh?en|at wh?en|by wh?en|wh?en\W*$"
    r"|(?<!, )(?:which|whom|who(?:['’]?s)?|where(?:['’]?s)?|how(?! about)))\b(?! (?:i|we|you|he|she|it|they)\b)",
    re.I,
)
"""A word that asks, spelled rightly or not, wherever it stands; "what I need" and "my aunt, who" ask nothing."""
_IS_IT_ALLOWED = re.compile(
    r"^\W*(?:(?:hi|hello|hey|and|so|ok|okay)\b\W*)*(?:can|could|may|might|must|should)\s+(?:[\w'’-]+\s+){1,8}?"
    r"(?:bring|use|wear|eat|drink|smoke|park|swim|enter|leave|see|watch|touch|keep|take part|go|stay|wait|play|do|be"
    r"|live|work|open|close|fit|carry|hold|reach|run|buy|pay|claim|drive|ride|walk|cook|lend|share|take any)\b[^?]*\?",
    re.I,
)
"""Asks whether something is allowed or possible, and orders nothing."""


def asks_too(text: str, *, news: bool) -> bool:
    """Whether the message asks something that wants an answer of its own; `news` says that it changed the state."""
    return any(_asks(text, start, clause, news=news) for start, clause in acts.clauses(text))


def wishes(text: str) -> bool:
    """Whether the message says in so many words that something is wanted."""
    patterns = (_WISHES, _NEEDS, _MAY_I)
    return any(pattern.search(clause) for pattern in patterns for _, clause in acts.clauses(text))


def asks_before_a_form(text: str) -> bool:
    """Whether a message asks something and wishes for nothing: then it begins no form, whatever it names."""
    if wishes(text):
        return False
    clauses = [clause for _, clause in acts.clauses(text)]
    return any(_ASKS_ANYWHERE.search(clause) or _IS_IT_ALLOWED.match(clause) for clause in clauses)


def _asks(text: str, start: int, clause: str, *, news: bool) -> bool:
    orders = _MAY_I.search(clause) is not None
    if _ASKS_POLITELY.search(clause) and not orders:
        return True
    orders = orders or _WISHES.search(clause) is not None
    if not orders and any(pattern.search(clause) for pattern in (_WANTS_TO_KNOW, _WANTS_A_YES)):
        return True
    if clause.rstrip().endswith(("?", "？")):
        return not news or acts.is_factual_question(text, start) or _INFORMS.match(clause) is not None
    return not news and _ASKS_BLUNTLY.match(clause) is not None
