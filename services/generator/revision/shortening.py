"""Shorter versions of a reply that are whole sentences: sentences and clauses left out, the asked value never."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.common.text_measures import pieces, words

_MONEY = re.compile(
    r"[€$£¥]\s?\d[\d.,]*|\d[\d.,]*\s?(?:€|eur\b|usd\b|gbp\b|euros?\b|pounds?\b|dollars?\b|元)|\bfree\b", re.I
)
_TIME = re.compile(
    r"\d{1,2}[:.]\d{2}|\d\s?(?:am|pm|uhr|[点时])\b|\bnoon\b|\bmidnight\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b",
    re.I,
)
_ANY = re.compile(r"\d|\S@\S|\b(?:two|three|four|five|six|seven|eight|nine|ten|yes|no|not)\b", re.I)
_ASKED = (
    (
        re.compile(
            r"\bhow much\b|\bcosts?\b|\bpric\w+|\bfees?\b|\bpay\b|"
            r"\bkost\w*|\bpreis\w*|\bcombien\b|\bcu[aá]nto|多少钱|价格|费",
            re.I,
        ),
        _MONEY,
    ),
    (
        re.compile(r"\bwhen\b|\bwhat time\b|\bhours\b|\bopen\w*|\bwann\b|\bquand\b|\bcu[aá]ndo\b|几点|什么时候", re.I),
        _TIME,
    ),
)
_ASIDE = re.compile(r",\s+(?:which|who|where|die|der|das|qui|que)\s[^,.;!?]{2,120},(?=\s)|\s\([^()\n]{1,120}\)")
_OR = re.compile(r"\s+or\s+[€$£]?\d[^,.;!?]{0,60}(?=[,.;!?]|$)")
_CLAUSE = re.compile(
    r"(\s*[,;，；]\s*(?:(?:and|but|so|which|und|aber|et|mais|y|pero)\s+)?|\s+(?:and|but|und|aber|et|mais|y|pero)\s+"
    r"(?=(?:it|they|we|you|the|he|she|es|sie|wir|il|elle)\b)|\s+[–—]\s+)"
)
_SUBJECT = re.compile(
    r"^(?:yes|no|ja|nein|oui|non|sí)?[,.]?\s*(?P<name>\S.{1,48}?)\s+(?:is|are|costs?|has|have|was|were|can|comes?|includes?)\b",
    re.I,
)
_PRONOUN = re.compile(r"^(?:it|they|he|she)\b(?=\s+\w)", re.I)
_VALUE = re.compile(
    r"(?:(?:for|from|until|by|at|within|after|before|on)\s+(?:the\s+|about\s+)?)?(?:[€$£¥]\s?\d[\d.,]*\d|[€$£¥]\s?\d|"
    r"\d+(?:[.,:]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty)\b)"
    r"(?:\s*[–-]\s*\d+(?:[.,:]\d+)*)?"
    r"(?:\s+(?:(?:working|business|square)\s+)?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|nights?|people|"
    r"persons?|metres?|km|kg|gb|mb|%|percent|pounds?|euros?|items?))?"
    r"(?:\s+(?:a|per|each)\s+(?:month|day|week|night|year|person|hour|minute|piece|bottle|call))?",
    re.I,
)
_CLAUSES = 10


def asked_value(question: str) -> re.Pattern[str]:
    """What the values look like that the question asks for."""
    return next((values for asks, values in _ASKED if asks.search(question)), _ANY)


def shorter_versions(text: str, question: str) -> Iterator[str]:
    """Shorter versions of the text, the fullest first; each has the first asked value, where the text has one."""
    asked = asked_value(question)
    if asked.search(text) is None:
        asked = _ANY
    needed = asked.search(text) is not None
    seen = {text}
    for version in _versions(text, asked):
        version = version.strip()
        if version and version not in seen and (not needed or asked.search(version) is not None):
            seen.add(version)
            yield version


def _versions(text: str, asked: re.Pattern[str]) -> Iterator[str]:
    parts = pieces(text)
    plain = _ASIDE.sub("", text)
    yield plain
    yield _OR.sub("", plain)
    order = sorted(range(len(parts)), key=lambda at: (asked.search(parts[at]) is None, at))
    for count in range(len(parts) - 1, 0, -1):  # whole sentences: those with the value, then the first ones
        kept = sorted(order[:count])
        yield "".join(parts[at] for at in kept)
    best = parts[order[0]] if parts else ""
    yield from _of_sentence(best, asked)
    body = _OR.sub("", _ASIDE.sub("", best))
    if body != best:
        yield body
        yield from _of_sentence(body, asked)
    value = next((match for match in _VALUE.finditer(best) if asked.search(match[0]) or asked is _ANY), None)
    if value is not None:
        yield f"{value[0][:1].upper()}{value[0][1:]}."


def _of_sentence(sentence: str, asked: re.Pattern[str]) -> Iterator[str]:
    """A sentence with ever fewer of its clauses, the one with the value last of all."""
    body = sentence.strip()
    stop = body[-1:] if body[-1:] in ".!?。！？" else "."
    split = _CLAUSE.split(body.rstrip(".!?。！？"))
    clauses, joints = split[::2][:_CLAUSES], ["", *split[1::2]]
    if len(clauses) < 2:
        return
    subject = _SUBJECT.match(clauses[0])
    best = next((at for at, clause in enumerate(clauses) if asked.search(clause)), 0)
    for count in range(len(clauses) - 1, 0, -1):
        first = min(best, 0 if count > best else best)
        kept = list(range(first, len(clauses)))[:count]
        if best not in kept:
            kept = [best]
        opening = clauses[kept[0]].strip()
        if kept[0] and subject is not None:
            opening = _PRONOUN.sub(subject["name"], opening)
        if kept[0] and len(words(opening)) < 2:
            continue
        rest = "".join(joints[at] + clauses[at] for at in kept[1:])
        yield f"{opening[:1].upper()}{opening[1:]}{rest}".strip(" ,;，；") + stop
