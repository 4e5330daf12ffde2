"""Proper names and short answers in a text: what could fill a slot whose values no schema lists."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.tracker.domain.words import STOP

_NAME = re.compile(
    r"(?<![\w@])(?:[A-Z][\w'’&.\-]*|\d+(?=\s[A-Z]))"
    r"(?:(?:,? (?:of the|of|the|and|&|de la|de|la|in the|at the|on|for|to|y|with|vs\.?|VS|v\.)|[,:]? ?&|,(?= "
    r"[A-Z]{2}\b)|:| -)? ?(?:[A-Z][\w'’&.\-]*|\d+(?![\w:])))*"
)
_QUOTED = re.compile(r"[\"“]([^\"“”]{2,60})[\"”]|‘([^’]{2,60})’|《([^》]{1,40})》|「([^」]{1,40})」")
_PREPOSITION = re.compile(
    r"\b(in|at|to|from|near|around|by|of|for|on|with|called|named|towards|into|leaving|visit|is)(?: the| a)?\s+$", re.I
)
_NOT_NAMES = frozenset(
    "i i'm i'd i'll i've ok okay yes no yeah yep sure thanks thank hi hello hey please can could would will do "
    "does did what where when which who"
    " how is are was the a an and but so also great good nice perfect awesome alright well actually right that "
    "that's this it it's my me we they there"
    " he she you your oh wow cool find show book make get give let lets let's need want looking look any some "
    "one two three four five six seven shall"
    " eight nine ten january february march april may june july august september october november december "
    "monday tuesday"
    " wednesday thursday friday saturday sunday am pm a.m p.m not just maybe sorry wait hmm um if at in on to "
    "for from with of by or as"
    " after before since"
    " correct fine exactly sounds search reserve buy play tell help add check set change fantastic wonderful "
    "excellent definitely".split()
)
_LEAD = re.compile(
    r"^\W*(?:(?:and|ok(?:ay)?|so|also|great|thanks|please|well|sure|yes|yeah|alright|no|hmm|um|maybe|actually|"
    r"oh)\b[\s,.!]*)*"
    r"(?:(?:i(?:['’]d| would| am|['’]m| will|['’]ll)?|we(?:['’]d| would)?|let['’]?s|it(?:['’]s| is| should be)?|"
    r"that(?:['’]s| is| would be)?|make it|how about|what about|can you|could you|please|my|the)\b\s*)*"
    r"(?:(?:(?:really|usually|also|just)\s)?(?:like|love|prefer|want|need|looking|searching|going|be|find|search|"
    r"try|go|do|see|get|thinking|choose|take|interested|leaving|coming|traveling|travelling|living|in the "
    r"mood)\b\s*(?:to (?:be|go|see|eat|find|get|hear|listen to|watch|have|visit|leave|travel|fly))?\s*)*"
    r"(?:(?:for|to|from|in|at|of|with|on|by|is|be|some|a|an|the|any|around|near|something|out|kind of|called|"
    r"named|maybe|like)\b\s*)*",
    re.I,
)
_TAIL = re.compile(
    r"(?:\s+(?:please|thanks|thank you|would be (?:good|great|nice|fine)|is (?:good|fine|great)|sounds (?:good|"
    r"great)|for me|will (?:do|work)|too|if possible|instead|works))*\W*$",
    re.I,
)

_LEAD_WINDOW = 40
"""Characters before a name in which the word that leads to it is looked for."""


@dataclass(frozen=True, slots=True)
class Name:
    """A possible name: its text and place, and the word that leads to it ("in", "to", "by", "" for none)."""

    text: str
    start: int
    end: int
    lead: str


def names(text: str, taken: list[tuple[int, int]]) -> list[Name]:
    """Quoted texts and runs of capitalised words, outside of the `taken` spans; common sentence openers are
    none."""
    found: list[Name] = []
    for match in _QUOTED.finditer(text):
        group = next(i for i in range(1, 5) if match[i] is not None)
        found.append(_name(text, *match.span(group)))
    spans = taken + [(n.start, n.end) for n in found]
    for match in _NAME.finditer(text):
        start, end = _trim(text, *match.span())
        for a, b in _outside(start, end, spans):
            a, b = _trim(text, a, b)
            if b - a > 1 and re.search(r"[A-Za-z]", text[a:b]):
                found += _journey(text, a, b)
    return sorted(found, key=lambda n: n.start)


def _journey(text: str, start: int, end: int) -> list[Name]:
    """ "from Oslo to Bergen" is two places, while "How to Train Your Dragon" is one title."""
    whole = _name(text, start, end)
    parts = re.split(r"( to | on | for )", whole.text)
    if whole.lead not in ("from", "in", "at", "to", "leaving", "near") or len(parts) == 1:
        return [whole]
    found, at = [], start
    for part in parts:
        if part[:1] != " ":
            found.append(_name(text, *_trim(text, at, at + len(part))))
        at += len(part)
    return [name for name in found if len(name.text) > 1]


def _name(text: str, start: int, end: int) -> Name:
    first = max(0, start - _LEAD_WINDOW)
    before = start - 1 if text[start - 1 : start] in ('"', "“", "‘") else start
    lead = _PREPOSITION.search(text, first, before)
    return Name(text[start:end], start, end, lead[1].lower() if lead else "")


def _outside(start: int, end: int, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of start..end that no span covers."""
    parts = [(start, end)]
    for a, b in spans:
        parts = [p for s, e in parts for p in ((s, min(e, a)), (max(s, b), e)) if p[0] < p[1]]
    return parts


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Without openers ("Yes", "I", "Can") at either end, closing punctuation and dangling connectives."""
    while start < end:
        first = re.match(r"[\s,.;:!?&\-]*([^\s]+)?", text[start:end])
        assert first is not None
        word = (first[1] or "").strip(".,!?;:").lower().replace("’", "'")
        if first[1] is None:
            return end, end
        if word in _NOT_NAMES or re.fullmatch(r"\W*", word):
            start += first.end()
            continue
        start += first.start(1)
        break
    while start < end:
        piece = text[start:end].rstrip(" ,;:!?-&")
        if not piece.endswith((".", "'s")) or re.search(r"\b(?:[A-Z]\.|St\.|Dr\.|Jr\.|Inc\.|\w's)$", piece):
            last = piece.rsplit(None, 1)[-1].lower() if piece.split() else ""
        else:
            piece = piece.rstrip(".")
            last = piece.rsplit(None, 1)[-1].lower() if piece.split() else ""
        if last in _NOT_NAMES and len(piece.split()) > 1 and last not in ("one", "two", "three", "may"):
            end = start + len(piece) - len(last)
            continue
        end = start + len(piece)
        break
    return start, end


def short_answer(text: str, limit: int = 6) -> Name | None:
    """What remains of a short reply once its courtesies are off ("I'd like some jazz, please" → "jazz")."""
    for match in re.finditer(r"[^.!?;，。！？；]+", text):
        clause, at = match.group(), match.start()
        lead = _LEAD.match(clause)
        start = lead.end() if lead else 0
        tail = _TAIL.search(clause, start)
        end = tail.start() if tail else len(clause)
        comma = re.search(r",\s|\s(?:and|but|on|at|for|with|that|which|in|from|to|please)\s", clause[start:end])
        if comma:
            end = start + comma.start()
        piece = clause[start:end].strip().rstrip(",:")
        words = piece.split()
        if not words or len(words) > limit or all(w.lower().strip(",.'") in STOP | _NOT_NAMES for w in words):
            continue
        start += len(clause[start:end]) - len(clause[start:end].lstrip())
        return Name(piece, at + start, at + start + len(piece), "")
    return None
