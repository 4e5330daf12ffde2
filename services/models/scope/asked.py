"""What a question asks for in so many words: a place, a person, a time, a duration, an amount."""

from __future__ import annotations

import re

_VERBS = "is are was were do does did can could will would shall should may might must has have".split()
_ASKED = rf"(?='s\b|\s+(?:{'|'.join(_VERBS)})\b|\s?\?|\s?$)"
"""What follows a word that asks; a word that only joins clauses has a subject there ("when I lose my card")."""
_OPENS = r"(?:^|[,.;:?!]\s{0,3}|\b(?:to|for|from|with|by|of|and|or|me|know)\s)"
_LENGTHS = "minutes|hours|hrs|days|weeks|months|years|nights"
_PATTERNS = {
    "place": rf"\bwhere{_ASKED}|\b(?:what|which) address\b|哪里|哪儿|在哪|什么地方",
    "person": rf"{_OPENS}(?:who|whom|whose)\b|谁|哪位",
    "time": rf"\bwhen{_ASKED}|\b(?:what|which) (?:time|day|date)\b|什么时候|几点|何时|哪天",
    "duration": rf"\bhow (?:long|soon|quickly|fast)\b|\bhow many (?:{_LENGTHS})\b|多久|多长时间|几天",
    "amount": r"\bhow much\b(?! (?:time|longer|notice)\b)|\b(?:price|cost|fee|charge)s?\b|多少钱|价格|费用",
}
_KINDS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _PATTERNS.items()}
_PAIRS = (("place", "person"), ("place", "time"), ("place", "duration"), ("place", "amount"), ("person", "time"),
          ("person", "duration"), ("person", "amount"))  # fmt: skip
_APART = {pair for a, b in _PAIRS for pair in ((a, b), (b, a))}


def asked_kinds(text: str) -> frozenset[str]:
    """The kinds of answer that a message names; empty for most, such as questions of yes and no. Linear."""
    return frozenset(kind for kind, pattern in _KINDS.items() if pattern.search(text))


def asks_another_kind(message: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two messages ask for what cannot be one answer ("Where …?" and "How long …?"), by their `asked_kinds`;
    never where either names none, or both might mean one."""
    return bool(message and other) and all((mine, theirs) in _APART for mine in message for theirs in other)
