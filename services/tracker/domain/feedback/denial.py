"""Clauses of a comment that deny a wish: they are taken out before anything else reads the comment.

"It is not too long", "no need for bullet points" and "it's fine to mention parking" ask for nothing; "don't make it
longer" sets a bound at the draft's length; "don't remove the price" asks to keep it. Read as the wishes whose words
they hold, all of them would make a revision do the opposite. A clause that asks for nothing is reported as not
understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from services.common.constraints import Constraint
from services.common.text_measures import count_phrase, count_words, words
from services.tracker.domain.feedback import denial_words as said
from services.tracker.domain.feedback.complaints import plainly
from services.tracker.domain.feedback.grammar import SOURCE
from services.tracker.domain.feedback.phrases import COUNT, Quotes, phrases
from services.tracker.domain.words import STOP


@dataclass(slots=True)
class Denials:
    """What the denying clauses ask for, those that ask for nothing, and the comment without all of them."""

    constraints: list[Constraint] = field(default_factory=list)
    unparsed: list[str] = field(default_factory=list)
    rest: str = ""


def take_denials(comment: str, draft: str) -> Denials:
    """Reads the clauses that deny a wish and takes them out of the comment."""
    denials = Denials(rest=_as_wishes(comment))
    for split, readers in ((said.SENTENCE, _WHOLE_SENTENCES), (said.CLAUSE, _CLAUSES)):
        text = denials.rest
        masked = said.QUOTED.sub(lambda match: match[0][0] + "q" * (len(match[0]) - 2) + match[0][-1], text)
        kept: list[str] = []
        at = 0
        for start, end in _clauses(masked, split):
            clause, shown = masked[start:end], text[start:end]
            taken = _taken(clause, shown, draft, readers)
            if taken is None:
                continue
            first, constraints = taken
            denials.constraints += constraints or []
            if constraints == []:
                denials.unparsed.append(" ".join(shown.split())[:200])
            kept.append(text[at : start + first])
            at = end
        denials.rest = "".join([*kept, text[at:]])
    if not re.search(r"\w\w", denials.rest):
        denials.rest = ""
    return denials


def _as_wishes(comment: str) -> str:
    """The comment with negations that only sound like denials put plainly: "why don't you mention X", "not only X but
    also Y", "wouldn't a list be better?", "bullet points? No."."""
    comment = re.sub(r" ?\n[ \n]*", "\n", re.sub(r"[^\S\n]+", " ", comment))  # runs of it would make patterns slow
    comment = plainly(said.WHATEVER.sub("", comment))
    comment = said.MUST_NOT_GO.sub(lambda match: f"don't remove {match['what']}", comment)
    comment = said.ABSOLUTE.sub("don't ", comment)
    comment = said.DREADED.sub("don't ", comment)
    comment = said.GO_DOING.sub("don't ", comment)
    comment = said.SUGGESTS.sub("please ", comment)
    comment = said.TAKEN_BACK.sub("", comment)
    comment = said.NOT_TO.sub("don't", comment)
    comment = said.GONE.sub(lambda match: f"don't remove {match['what']}", comment)
    comment = said.OTHER_EDGE.sub(lambda match: f"don't {match['verb']} with", comment)
    comment = said.NEITHER.sub(lambda match: f"don't {match['verb']} {match['one']} or", comment)
    comment = said.LACKS.sub(lambda match: f"{match['before']}mention ", comment)
    comment = said.BETTER.sub(lambda match: f"use {match['wish']}", comment)
    comment = said.DENIED_FAULT.sub("", comment)
    comment = said.OTHER_AMOUNT.sub("", comment)
    comment = said.BOTH.sub(lambda match: f"{match['one']} and ", comment)
    return said.QUESTIONED.sub(lambda match: f"no {match['form']}", comment)


def _clauses(masked: str, split: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for match in split.finditer(masked):
        yield start, match.start()
        start = match.end()
    yield start, len(masked)


_Denial = tuple[int, list[Constraint] | None]
"""Where a denial begins and what it asks for; None where it only repeats another wish of its clause."""
_Reader = Callable[[str, str, str], "_Denial | None"]
"""From a clause with its quotes hidden, the clause as it stands and the draft to its denial."""


def _taken(clause: str, shown: str, draft: str, readers: tuple[_Reader, ...]) -> _Denial | None:
    for read in readers:
        if (taken := read(clause, shown, draft)) is not None:
            return taken
    return None


def _unneeded(clause: str, shown: str, draft: str) -> _Denial | None:
    """A wish that need not be granted; "it doesn't have to be so long" is a complaint, and "no need for the word
    cheap" names a word to leave out."""
    match = said.UNNEEDED.search(clause)
    if match is None or said.SO.search(clause, match.end()):
        return None
    names_word = shown != clause or re.search(r"\b(?:word|phrase|term)\b", clause[match.end() :], re.I)
    if names_word and match[0].lower().startswith("no "):
        return None
    return match.start(), []


def _praised(clause: str, shown: str, draft: str) -> _Denial | None:
    match = (
        said.PRAISED_FORM.search(clause)
        or said.PRAISED.search(clause)
        or said.UNSAID.search(clause)
        or said.BEST_AS_IT_IS.search(clause)
    )
    if match is None or re.search(rf"\bthan\s+{COUNT}\b", clause[match.start() :], re.I):
        return None
    return match.start(), []


def _unasked(clause: str, shown: str, draft: str) -> _Denial | None:
    """What nobody asked for is no wish; of "I didn't ask for so much text" the complaint stays, and of a list prose."""
    match = said.NOT_ASKED.search(clause)
    if match is None or not re.search(r"n['’]?t\b|\bnot\b|never|nobody|no one|\bwho\b", match[0], re.I):
        return None
    if said.SO.search(clause, match.end()):
        return None
    is_list = re.match(rf"\s*(?:{said.FORM})\b", clause[match.end() :], re.I) and re.search(
        r"bullet|list", clause, re.I
    )
    return match.start(), [Constraint("format", "prose", source=SOURCE)] if is_list else []


def _contrasted(clause: str, shown: str, draft: str) -> _Denial | None:
    """What a wish is set against ("longer, not shorter"): it says no more than the wish does."""
    match = said.CONTRASTED.search(clause)
    if (
        match is None
        or not re.search(r"\w", clause[: match.start()])
        or said.ENDS_IN_BE.search(clause[: match.start()])
    ):
        return None
    return match.start(), None


def _no_more(clause: str, shown: str, draft: str) -> _Denial | None:
    """Enough said: the reply may not grow."""
    if said.NO_MORE.search(clause) is None:
        return None
    most = count_words(draft)[1]
    return 0, [Constraint("length", "", "words", None, most, SOURCE)] if most else []


def _neither_more_nor_less(clause: str, shown: str, draft: str) -> _Denial | None:
    """A manner that is to stay as it is ("don't make it more formal")."""
    match = said.NOT_MORE_OF.search(clause)
    return (match.start(), []) if match else None


def _allowed(clause: str, shown: str, draft: str) -> _Denial | None:
    match = said.ALLOWED.search(clause)
    return (match.start(), []) if match else None


def _not_longer(clause: str, shown: str, draft: str) -> _Denial | None:
    match = said.NOT_LONGER.search(clause) or said.NOT_BARELY_LONGER.match(clause)
    if match is None or said.SO.search(match[0]) or _names_amount(clause, match):
        return None
    most = count_words(draft)[1]
    return match.start(), [Constraint("length", "", "words", None, most, SOURCE)] if most else []


def _not_shorter(clause: str, shown: str, draft: str) -> _Denial | None:
    match = said.NOT_SHORTER.search(clause) or said.NOT_BARELY_SHORTER.match(clause)
    if match is None or _names_amount(clause, match):
        return None
    fewest = count_words(draft)[0]
    return match.start(), [Constraint("length", "", "words", fewest, None, SOURCE)] if fewest else []


def _names_amount(clause: str, match: re.Match[str]) -> bool:
    return (
        re.search(
            rf"\b(?:than|to|below|under"
            rf"|beyond)\s+(?:\w+ )?{COUNT}\b",
            clause[match.end() :],
            re.I,
        )
        is not None
    )


def _unwanted(clause: str, shown: str, draft: str) -> _Denial | None:
    """A form that is refused: instead of a list comes prose, instead of others nothing."""
    match = said.UNWANTED.search(clause)
    if match is None or re.search(r"capital|markdown|emoji|quotation|p\.?s", match["form"], re.I):
        return None
    is_list = re.search(r"bullet|list", match["form"], re.I)
    return match.start(), [Constraint("format", "prose", source=SOURCE)] if is_list else []


def _kept(clause: str, shown: str, draft: str) -> _Denial | None:
    """What must not be left out: it stays as the draft has it, or comes in."""
    match = (
        said.KEPT.search(clause)
        or said.UNCHANGED.search(clause)
        or said.KEPT_APART.search(clause)
        or said.ALL_BUT.search(clause)
        or said.MISSED.search(clause)
        or said.BAD_IDEA.search(clause)
    )
    if match is None:
        return None
    target = shown[match.start("target") : match.end("target")]
    quotes = Quotes(said.ABOUT.sub("", target.strip()))
    if said.EVERYTHING.match(quotes.text.strip()):
        return match.start(), []
    named, _ = phrases(quotes.text, quotes)
    omitted = re.match(said.OMIT, match["verb"], re.I) is not None or match["verb"].lower() in (
        "out",
        "away",
        "without",
    )
    constraints: list[Constraint] = []
    for phrase in named:
        constraints += held(phrase, draft, omitted)
    return match.start(), constraints


def held(phrase: str, draft: str, omitted: bool) -> list[Constraint]:
    """The phrase, or those of its words that the draft has; where it has none and they were only to be mentioned, the
    phrase is to come in."""
    if count_phrase(phrase, draft):
        return [Constraint("keep", phrase, source=SOURCE)]
    said = {word.lower(): word for word in words(draft)}
    alike = [said[word.lower()] for word in words(phrase) if word.lower() in said and word.lower() not in STOP]
    if not alike:
        alike = [value for names, shape in _SHAPES if names.search(phrase) for value in shape.findall(draft)[:3]]
    if alike:
        return [Constraint("keep", word, source=SOURCE) for word in dict.fromkeys(alike)]
    return [Constraint("must_include", phrase, source=SOURCE)] if omitted else []


_SHAPES = (
    (
        re.compile(r"\b(?:prices?|costs?|fees?|rates?|charges?|amounts?|deposit|fare)\b", re.I),
        re.compile(
            r"[€$£¥]\s?\d[\d.,]*\d|[€$£¥]\s?\d|\d[\d.,]*\s?(?:euros?|dollars?|pounds?|cents?|francs?|yuan|[€$£¥元])",
            re.I,
        ),
    ),
    (re.compile(r"\be-?mail\b", re.I), re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,63}\w")),
    (re.compile(r"\b(?:phone|telephone|number|hotline)\b", re.I), re.compile(r"\+?\d[\d /-]{5,20}\d")),
    (
        re.compile(r"\b(?:links?|urls?|website|web ?page)\b", re.I),
        re.compile(r"https?://[^\s,;]{1,200}|www\.[^\s,;]{1,200}"),
    ),
)
"""What a kind of value is called, and what it looks like: "the price" of a draft that says "7 euros"."""
_WHOLE_SENTENCES: tuple[_Reader, ...] = (_unneeded, _unasked, _allowed)
_CLAUSES: tuple[_Reader, ...] = (
    _unwanted,
    _contrasted,
    _praised,
    _not_longer,
    _not_shorter,
    _no_more,
    _neither_more_nor_less,
    _kept,
)
