"""Whether a reply's sentences are borne out by the notes they cite: rules over numbers, names, words and negation.

A mark such as `[2]` in a reply says that note 2 stands behind the sentence. A model can write any mark, so each is
held against its note's text; sentences without a mark are held against every note, and the one that says the same
is named as theirs. Rules find what was changed or made up (another number, another name, a "not" too many); they
do not understand, so that a sentence put in wholly other words counts as not borne out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from services.common.text_measures import sentences

_MARK = re.compile(r"\[\s*(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\s*\]")
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff]")
_NOT = re.compile(r"\b(?:not|no|never|none|neither|nor|without|cannot)\b|n['’]t\b|[不没无未]", re.IGNORECASE)
_CITED_SHARE = 0.5  # of a sentence's words that its note must have
_FOUND_SHARE = 0.7  # the same where the reply does not say which note it is from
_STEM = 5  # letters by which two forms of a word are told to be one
_EMPTY = frozenset(
    "a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it "
    "its may me my of on one or our she so some such than that the their them then there these they this those to too "
    "us was we were what when where which who why will with would you your note notes according also please thank "
    "yes".split()
)


@dataclass(frozen=True)
class Citation:
    """A sentence of a reply, from `start` to `end` in code points, and the note it rests on.

    `number` is the note's, from 1; `marked` says whether the reply cites it itself, `supported` whether the note bears
    the sentence out. A mark of a note that does not exist has support from none.
    """

    number: int
    start: int
    end: int
    marked: bool
    supported: bool


def cite(reply: str, notes: Sequence[str]) -> list[Citation]:
    """The citations of a reply whose prompt had these notes, in order: every mark, verified, and for sentences that
    have none the note that bears them out, where one does."""
    found: list[Citation] = []
    for start, end in _spans(reply):
        sentence = reply[start:end]
        claim = _MARK.sub(" ", sentence)
        if not _content(claim) and not _NUMBER.search(claim):
            continue
        marks = list(dict.fromkeys(number for match in _MARK.finditer(sentence) for number in _numbers(match[1])))
        for number in marks:
            known = 1 <= number <= len(notes)
            supported = known and support(claim, notes[number - 1]) >= _CITED_SHARE
            found.append(Citation(number, start, end, marked=True, supported=supported))
        if not marks and notes:
            shares = [support(claim, note) for note in notes]
            best = max(range(len(notes)), key=lambda place: shares[place])
            if shares[best] >= _FOUND_SHARE:
                found.append(Citation(best + 1, start, end, marked=False, supported=True))
    return found


def support(claim: str, note: str) -> float:
    """The share of the claim's words that the note has; 0 where a number or a name of it is missing there, or where
    one of the two denies what the other says."""
    claim, note = _folded(claim), _folded(note)
    if not set(_NUMBER.findall(claim)) <= set(_NUMBER.findall(note)):
        return 0.0
    words, known = _content(claim), _content(note)
    if not words:
        return 1.0 if _NUMBER.search(claim) else 0.0
    if not _names(claim) <= known:
        return 0.0
    nearest = max(sentences(note) or [note], key=lambda one: len(words & _content(one)))
    if bool(_NOT.search(claim)) != bool(_NOT.search(nearest)):
        return 0.0
    return len(words & known) / len(words)


def _spans(reply: str) -> list[tuple[int, int]]:
    """Where the sentences stand; a mark behind a full stop belongs to the sentence before it."""
    spans: list[tuple[int, int]] = []
    place = 0
    for sentence in sentences(reply):
        start = reply.find(sentence, place)
        if start < 0:
            continue
        behind = re.match(rf"(?:\s*{_MARK.pattern})+", sentence)
        if behind and spans and "\n" not in reply[spans[-1][1] : start]:
            spans[-1] = (spans[-1][0], start + behind.end())
            start += behind.end()
        place = max(start, reply.find(sentence, place) + len(sentence))
        start += len(reply[start:place]) - len(reply[start:place].lstrip())
        if start < place:
            spans.append((start, place))
    return [(start, _with_marks(reply, end)) for start, end in spans]


def _with_marks(reply: str, end: int) -> int:
    """The end with the marks that follow it on its line."""
    behind = re.match(rf"(?:[ \t]*{_MARK.pattern})+", reply[end:])
    return end + behind.end() if behind else end


def _numbers(marked: str) -> list[int]:
    """The numbers of one mark: "1", "1, 3" or "2-4"."""
    numbers: list[int] = []
    for part in re.split(r"[,;]", marked):
        first, _, last = re.sub(r"\s*[–-]\s*", "-", part.strip()).partition("-")
        numbers += range(int(first), min(int(last or first), int(first) + 20) + 1)
    return numbers


def _folded(text: str) -> str:
    return _GROUPED.sub("", unicodedata.normalize("NFKC", text))


def _content(text: str) -> set[str]:
    """Words that say something, in the form in which they are compared; ideographs in pairs."""
    found = set()
    for word in _WORD.findall(text):
        if _IDEOGRAPH.search(word):
            found |= {word[at : at + 2] for at in range(max(len(word) - 1, 1))}
            continue
        plain = re.sub(r"['’].*$", "", word).casefold()
        if plain and plain not in _EMPTY and not _NOT.fullmatch(word):
            found.add(plain[:_STEM])
    return found


def _names(text: str) -> set[str]:
    """Capitalised words that do not begin the sentence, as `_content` has them."""
    words = _WORD.findall(text)[1:]
    return _content(" ".join(word for word in words if word[0].isupper() and word != "I"))
