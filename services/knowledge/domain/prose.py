"""Running text: its sentences and list items, by where they begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from services.common.passages import Span

_ITEM = re.compile(
    r"[ \t]{0,12}(?:(?:[-*+•‣▪◦–—·]|\(?\d{1,3}[.)]|[a-zA-Z]\))[ \t]{1,4}(?=\S)"
    r"|[(（]?(?:[一二三四五六七八九十]{1,3}|\d{1,3})[)）、][ \t\u3000]{0,4}(?=\S))"
)
_END = re.compile(r"[。！？；]{1,9}[”’」』）)]{0,2}|[.!?…]{1,9}[\"'”’)\]]{0,2}(?=\s)")
_NUMBERED = r"[ \t]{0,3}\d{0,4}[ \t]{0,3}[:.：)、][ \t]{0,3}(?=\S)"
ASKS = re.compile(rf"(?:q|question|frage|f|问|問|问题|問題){_NUMBERED}", re.IGNORECASE)
"""How a line begins that asks, in a list of questions and answers; ANSWERS: one that answers."""
ANSWERS = re.compile(rf"(?:a|answer|antwort|答|回答|答案){_NUMBERED}", re.IGNORECASE)
_TITLES = frozenset("mr mrs ms dr prof st e.g i.e z.b d.h u.a vs bzw".split(" "))
_SHORT = frozenset(  # these end no sentence before a number
    "no nr art abs ca approx tel fax str max min incl excl fig p pp vol sec ch par jan feb mar apr jun jul aug sep "
    "sept oct okt nov dec dez mon tue wed thu fri sat sun".split(" ")
)
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january januar jan janvier enero",
            "february februar feb février febrero",
            "march märz mar mrz mars marzo",
            "april apr avril abril",
            "may mai mayo",
            "june juni jun juin junio",
            "july juli jul juillet julio",
            "august aug août agosto",
            "september sep sept septembre septiembre",
            "october oktober oct okt octobre octubre",
            "november nov novembre noviembre",
            "december dezember dec dez décembre diciembre",
        ),
        start=1,
    )
    for name in names.split(" ")
}


def item_mark(line: str) -> str:
    """The mark, with indent and space, that the line begins with as an item of a list does; "" without."""
    match = _ITEM.match(line)
    return match[0] if match else ""


def spans_of(text: str, notes: Sequence[str] = (), row: bool = False) -> tuple[Span, ...]:
    """What can be quoted of a text by itself: sentences, items of lists (whole, without their marks), notes.

    A line break ends a sentence. Items of a list lean on the last sentence before the list in the same paragraph, a
    line that is one of `notes` on the sentence before it. The first line of a `row` is one span.
    """
    spans: list[Span] = []
    place, lead = 0, -1
    known = frozenset(notes)
    for line in text.split("\n"):
        end = place + len(line)
        mark = item_mark(line)
        if not line.strip():
            lead = -1
        elif row and not spans:
            spans.append(Span(place, end))
        elif line in known:
            spans.append(Span(place, end, 0 if row else len(spans) - 1))
        elif mark:
            spans.append(Span(place + len(mark), place + len(line.rstrip()), lead))
        else:
            spans += [Span(*ends) for ends in sentence_ends(text, place, end)]
            lead = len(spans) - 1
        place = end + 1
    return tuple(spans)


def flowing(text: str, notes: Sequence[str] = ()) -> str:
    """The text with line breaks between lines of one paragraph made spaces; items of lists, notes and code keep theirs.

    It stays as long as it is: places in it are the same.
    """
    lines = text.split("\n")
    kept = [not line.strip() or line in notes or bool(item_mark(line)) for line in lines]
    if any(line.startswith(("```", "~~~")) for line in lines):
        return text
    joined = lines[0]
    for before, after, line in zip(kept, kept[1:], lines[1:], strict=False):
        joined += ("\n" if before or after else " ") + line
    return joined


def sentence_ends(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(start, end) of the sentences between two places of a text that has no line break there.

    A full stop after an abbreviation, an initial, the number of an item or of a day in a month ends no sentence.
    """
    begin = start
    for match in _END.finditer(text, start, end):
        if match[0][0] in ".…" and _goes_on(text, begin, match, end):
            continue
        yield from _trimmed(text, begin, match.end())
        begin = match.end()
    yield from _trimmed(text, begin, end)


def _goes_on(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    following = text[stop.end() : min(end, stop.end() + 16)].split()
    if not following or following[0][0].islower():
        return bool(following)
    word = text[max(begin, stop.start() - 12) : stop.start()].rpartition(" ")[2].lstrip("(\"'“‘").casefold()
    if stop[0] != ".":
        return False
    if word.isdigit() and len(word) <= 2:
        numbers_item = not text[begin : stop.start()].strip()[: -len(word)]
        return numbers_item or following[0].rstrip(".,").casefold() in MONTHS
    if word in _SHORT:
        return following[0].lstrip("(")[:1].isdigit()
    return word in _TITLES or (len(word) == 1 and word.isalpha())


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
