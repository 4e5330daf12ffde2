"""Rules about length: counted, or relative to the draft."""

from __future__ import annotations

import re

from services.common.constraints import Constraint
from services.common.text_measures import count_words
from services.tracker.domain.feedback.grammar import SOURCE, Builder, Context, Rule, rule
from services.tracker.domain.feedback.phrases import AMOUNT, amount

_AMOUNT = AMOUNT.pattern
_ADJECTIVE = (
    r"(?:\s+(?:short|long|brief|simple|complete|full|concise|separate|different|small|bulleted|main|key|distinct|"
    r"total))*"
)
_UNIT = r"(?P<unit>words?|sentences?|lines?|characters?|letters?|chars?|paragraphs?)\b"
_BEHIND = (
    r"(?P<behind>\s*(?:or (?:less|fewer|more|under|shorter|longer)|at (?:the )?(?:most|least)|max(?:imum)?|min"
    r"(?:imum)?|tops))?"
)
_UNITS = {
    "word": "words",
    "sentence": "sentences",
    "line": "sentences",
    "character": "characters",
    "letter": "characters",
    "char": "characters",
    "paragraph": "paragraphs",
}

_CUT = re.compile(r"\b(?:limit|shorten|cut|trim|reduce|restrict|condense|confine)\b[^.;!?\n]{0,40}$", re.I)
_ENOUGH = re.compile(
    r"\s*(?:are|is|will be|would be|should be)\s+(?:quite\s+|more than\s+)?(?:enough|plenty|sufficient)", re.I
)

_ABOVE = re.compile(r"\s*(?:more than|over|above)\b", re.I)
_NEVER = re.compile(
    r"\b(?:no|nobody|nothing|no one|never|not|n['’]t|dont|cannot|without|avoid)\b[^.;!?\n]{0,30}$", re.I
)
_EXCESS = re.compile(
    r"\s*(?:is|are|would be|gets?)\s+(?:just |simply |way |far )?(?:too|excessive|unacceptable)\b", re.I
)


def _refuses(before: str, behind: str) -> bool:
    return _NEVER.search(before) is not None or _EXCESS.match(behind) is not None


def _too_long(match: re.Match[str], context: Context, unit: str, most: int | None) -> bool:
    """Whether a plain number of words is a limit: the draft has more, and nobody said "exactly"."""
    said = re.search(r"\b(?:exactly|precisely)\b", match["amount"], re.I)
    return unit == "words" and not said and most is not None and count_words(context.draft)[1] > most


def _length(match: re.Match[str], context: Context) -> list[Constraint] | None:
    if match["amount"].strip().lower() in ("a", "an"):
        return None  # "not a word about it"
    bounds = amount(match["amount"], match["behind"] or "")
    if bounds is None or bounds.max == 0:
        return None
    low, high = bounds.min, bounds.max
    unit = _UNITS[match["unit"].lower().rstrip("s")]
    before, behind = match.string[: match.start()], match.string[match.end() :]
    if low == high and (_CUT.search(before) or _ENOUGH.match(behind) or _too_long(match, context, unit, high)):
        low = None  # "shorten it to 30 words", "30 words are enough", "in 30 words" of a draft that has more
    elif low is not None and high is None and _ABOVE.match(match["amount"]) and _refuses(before, behind):
        high, low = low - 1, None  # "nobody reads more than 30 words", "over 30 words is too much"
    divider = re.search(r"(?:separated|divided)[^.;!?\n]*?(\*\*\*)|divider:?\s*(\*\*\*)", match.string)
    value = (
        "***"
        if unit == "paragraphs" and (divider or ("⟦" in match[0] and "***" in context.quotes.plain(match[0])))
        else ""
    )
    return [Constraint("length", value, unit, low, high, SOURCE)]


def _relative(direction: str, share: float, fallback: int) -> Builder:
    def build(match: re.Match[str], context: Context) -> list[Constraint] | None:
        """The draft's length times `share`; without a draft a plain bound."""
        factor = share
        if re.search(r"\bmuch\b|\ba lot\b|way too|\bfar\b|half|significantly|considerably", match[0], re.I):
            factor = 0.5 if direction == "shorter" else 1.6
        if re.search(r"\b(?:twice|double)\b", match[0], re.I):
            factor = 1.9
        if re.search(r"\b(?:a (?:bit|little)|slightly|somewhat)\b", match[0], re.I):
            factor = 0.85 if direction == "shorter" else 1.15
        words = count_words(context.draft)[1]
        bound = round(words * factor) if words else fallback
        if direction == "shorter":
            return [Constraint("length", direction, "words", None, max(1, bound), SOURCE)]
        return [Constraint("length", direction, "words", max(1, bound), None, SOURCE)]

    return build


def _length_limit(match: re.Match[str]) -> list[Constraint] | None:
    bounds = amount(match["amount"])
    if bounds is None:
        return None
    low, high = bounds.min, bounds.max
    if low == high:
        low, high = (low, None) if "minimum" in match[0].lower() else (None, high)
    return [Constraint("length", "", _UNITS[match["unit"].lower()], low, high, SOURCE)]


RULES: list[Rule] = [
    rule(
        rf"(?P<amount>{_AMOUNT}){_ADJECTIVE}[\s-]*{_UNIT}{_BEHIND}(?:\s+(?:long|in (?:length|total)|total|each time))?",
        _length,
    ),
    rule(
        r"(?P<unit>word|sentence|character|paragraph)\s+(?:count|limit|maximum|minimum)\s*(?:of|:|is|should be|"
        rf"must be|to|at)?\s*(?P<amount>{_AMOUNT})(?P<behind>)",
        lambda m, c: _length_limit(m),
    ),
    rule(
        r"(?:(?:make|keep) (?:it|this|that|your \w+|the \w+) )?(?:(?:much|a lot|far|way|a bit|a little|slightly|"
        r"somewhat|considerably|significantly)\s+)?(?:shorter|briefer|more concise(?:ly)?|more compact|more "
        r"succinct(?:ly)?|terser|tighter)\b(?! than)|(?:too|so|very|overly|a bit|a little|rather|quite|pretty"
        r"|somewhat)\s+(?:long|wordy|verbose|lengthy|"
        r"long[- ]?winded|much text|many words|rambling)\b(?:-winded)?|\b(?:shorten|condense|trim|compress|"
        r"abridge|cut (?:it|this|that) (?:down|short)|cut down(?! on\b)|tighten|boil (?:it|this|that) down|pare (?:it|"
        r"this)? ?down)\b(?:\s+(?:it|this|that|your \w+|the \w+)(?: down)?)?|(?:be|keep it|make it|stay)\s+"
        r"(?:more\s+|very\s+|as\s+)*(?:brief|concise|short|succinct|terse|to the point|snappy)\b|(?:keep|make) "
        r"(?:your (?:answer|reply|response)|this|that|the (?:answer|reply|response)) (?:brief|short|concise)|"
        r"\btl;?dr\b|(?:get|come|cut) (?:straight |right )?to the (?:point|chase)|\b(?:cut|chop|slash) (?:it|this"
        r"|that) (?:in|by) half|(?:n['’]t|not)\s+(?:nearly |quite |really )?(?:short|brief|concise) enough\b"
        r"|half (?:as long|the length|the "
        r"size)|(?:less|fewer) (?:words|text|detail|details|wordy|verbose)\b|\bstop rambling\b|\b(?:in short|"
        r"short version|summari[sz]e(?: it| this| that)?|give me (?:a|the) summary)\b|\bbriefly\b|\bconcisely\b",
        _relative("shorter", 0.65, 60),
    ),
    rule(
        r"(?:(?:make|write) (?:it|this|that|your \w+|the \w+) )?(?:(?:much|a lot|far|way|a bit|a little|slightly|"
        r"somewhat|considerably|significantly)\s+)?(?:longer|lengthier|more detailed|more elaborate|more thorough"
        r"|more comprehensive|more in[- ]depth)\b(?! than)|(?:too|so|very|a bit|a little|rather|quite|pretty"
        r"|somewhat)\s+(?:short|brief|terse|concise)\b|"
        r"(?:n['’]t|not)\s+(?:nearly |quite |really )?(?:long|detailed|thorough|comprehensive|elaborate) enough\b|"
        r"(?:give|add|provide|need|want|include|with|go into|some)?\s*(?:me\s+)?(?:some |much |a lot )?more "
        r"(?:details?|depth|information|text|explanation|context)\b(?! (?:on|about|of))|\b(?:elaborate|expand|"
        r"flesh (?:it|this|that) out|go deeper|say more|in more detail|in greater detail|in detail)\b(?! (?:on|"
        r"upon|about))|(?:twice|double) (?:as long|the length)",
        _relative("longer", 1.3, 80),
    ),
    rule(
        r"(?:in|as|to|into|just|use|with|make it|only) (?:just |only )?(?:a|one) (?:single )?(?P<unit>sentence|"
        r"paragraph|line|word)\b",
        lambda m, c: [Constraint("length", "", _UNITS[m["unit"].lower()], 1, 1, SOURCE)],
    ),
]
