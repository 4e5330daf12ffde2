"""Rules about case and punctuation."""

from __future__ import annotations

import re

from services.common.constraints import Constraint
from services.tracker.domain.feedback.grammar import SOURCE, Context, Rule, fixed, rule
from services.tracker.domain.feedback.phrases import AMOUNT, COUNT, amount

_AMOUNT = AMOUNT.pattern
_CAPITALS = r"(?:all[- ]caps|capital letters|capitals|upper[- ]?case|uppercase letters|caps|block letters)"

_MARKS = {
    "comma": ",",
    "exclamation mark": "!",
    "exclamation point": "!",
    "question mark": "?",
    "semicolon": ";",
    "semi-colon": ";",
    "colon": ":",
    "period": ".",
    "full stop": ".",
    "dash": "—",
    "dashe": "—",
    "em dash": "—",
    "em-dash": "—",
    "em dashe": "—",
    "hyphen": "-",
    "parenthese": "(",
    "parenthesis": "(",
    "bracket": "[",
    "emoji": "emoji",
    "emoticon": "emoji",
    "smiley": "emoji",
    "asterisk": "*",
    "hashtag": "#",
    "quotation mark": '"',
    "quote mark": '"',
    "ellipse": "...",
    "ellipsis": "...",
    "apostrophe": "'",
    "slash": "/",
    "ampersand": "&",
}
_MARK_NAMES = "|".join(sorted((re.escape(m) for m in _MARKS), key=len, reverse=True))


def _no_marks(match: re.Match[str], context: Context) -> list[Constraint]:
    names = re.findall(_MARK_NAMES, match["marks"].lower())
    return [Constraint("punctuation", _MARKS[n], "", None, 0, SOURCE) for n in dict.fromkeys(names)]


def _some_marks(match: re.Match[str], context: Context) -> list[Constraint] | None:
    name = match["mark"].lower().removesuffix("s")
    bounds = amount(match["amount"]) if match["amount"] and match["amount"].strip() else None
    mark = _MARKS.get(name) or _MARKS.get(match["mark"].lower())
    if mark is None:
        return None
    if bounds is not None and bounds.max == 0:
        return [Constraint("punctuation", mark, "", None, 0, SOURCE)]
    return [Constraint("punctuation", mark, "", bounds.min if bounds else 1, bounds.max if bounds else None, SOURCE)]


def _fewer_marks(match: re.Match[str], context: Context) -> list[Constraint] | None:
    name = match["mark"].lower().removesuffix("s")
    mark = _MARKS.get(name) or _MARKS.get(match["mark"].lower())
    if mark is None:
        return None
    return [Constraint("punctuation", mark, "", None, context.draft.count(mark) // 2, SOURCE)]


def _capital_words(match: re.Match[str], context: Context) -> list[Constraint] | None:
    said = match["amount"].strip()
    bounds = amount(said)
    if bounds is None:
        return None
    upper = None if re.fullmatch(COUNT, said, re.I) else bounds.max
    return [Constraint("case", "capital_words", "", bounds.min, upper, SOURCE)]


FIRST_RULES: list[Rule] = [
    rule(
        r"(?P<amount>(?:at least|at most|less than|fewer than|more than|no more than|around|"
        rf"exactly)?\s*{COUNT})\s+words?\s+"
        r"(?:must|should|need to|have to|has to|ought to)?\s*(?:be|appear)?\s*(?:written\s+)?(?:in|with|all)\s+"
        rf"(?:all\s+)?{_CAPITALS}",
        _capital_words,
    ),
    rule(
        rf"(?:words?\s+(?:with|in|written in)\s+(?:all\s+)?(?:{_CAPITALS})[^.;!?\n]*?(?:appear|be used|occur|"
        r"show up)?[^.;!?\n]*?)(?P<amount>(?:at least|at most|less than|fewer than|more than|no more than|around"
        rf"|exactly)\s+{COUNT})(?:\s+times)?",
        _capital_words,
    ),
    rule(
        r"(?:(?:use|include|have|with|write|contain|put)\s+)?(?P<amount>(?:at least|at most|less than|fewer than"
        rf"|more than|no more than|around|exactly)?\s*{COUNT})\s+words?\s+(?:with|in|written in|of)\s+"
        rf"(?:all\s+)?{_CAPITALS}",
        _capital_words,
    ),
]

RULES: list[Rule] = [
    # case
    rule(
        r"(?:no|without|do not use|don['’]?t use|avoid|never use|not|refrain from(?: using)?)\s+(?:any\s+|"
        rf"using\s+)?(?:{_CAPITALS}|capitalized letters|capital(?:ization)?)(?:\s+(?:letters?|are|is|should be|"
        r"allowed)\b)*",
        lambda m, c: [
            Constraint("case", "sentence" if re.search("all[- ]caps|caps$", m[0], re.I) else "lower", source=SOURCE)
        ],
    ),
    rule(
        r"(?:(?:in|use|using|with|only|all|as|to|be|into|entirely)\s+)*(?:english,?\s+and\s+)?(?:in\s+)?(?:all\s+"
        r"|only\s+|just\s+)*(?:lower[- ]?case(?:d)?(?: letters| only| text)?|small letters)\b(?:[^.;!?\n]*no "
        r"capital letters are allowed)?(?:\s+only)?|no capital letters(?: are allowed)?|un-?capitali[sz]ed",
        fixed("case", "lower"),
    ),
    rule(
        r"(?:(?:in|use|using|with|as|make)\s+)?title case\b|capitali[sz]e (?:the first letter of )?(?:each|every) word",
        fixed("case", "title"),
    ),
    rule(
        r"(?:stop|quit|no need (?:to|for)|do not|don['’]?t|without) (?:shout|yell|scream)(?:ing)?\b|(?:in|use) "
        r"(?:normal|regular|sentence|proper|standard|usual) (?:case|capitali[sz]ation)",
        fixed("case", "sentence"),
    ),
    rule(
        r"(?:(?:in|use|using|with|as|to|be|into|entirely|make (?:it|this|that))\s+)*(?:english,?\s+and\s+)?"
        rf"(?:in\s+)?(?:all\s+|only\s+|just\s+)*{_CAPITALS}(?:\s+only|\s+letters)?\b|capitali[sz]e (?:everything|"
        r"all(?: of it)?|every letter|the (?:whole|entire) \w+|your (?:whole |entire )?\w+)|shout (?:it|at me)|"
        r"every letter (?:should|must) be (?:a )?capital(?:i[sz]ed)?|"
        r"(?:write|say) it loud",
        fixed("case", "upper"),
    ),
    # punctuation
    rule(rf"\b(?P<marks>{_MARK_NAMES})[- ]free\b", _no_marks),
    rule(
        r"(?:(?:do not|don['’]?t) (?:want|like|need)(?: to see)?|do not|don['’]?t|never|no|without|avoid|refrain "
        r"from|remove|drop|stop|not|get rid of|leave out|omit"
        r"|skip|zero|free of|exclude|cut|lay off|hold|go easy on|ease up on)\s+(?:(?:to\s+)?(?:use|using|include|"
        r"including|any|the use of|use of|"
        rf"all|of|have|having|put|putting|contain|containing|the|a|an|single)\s+)*(?P<marks>(?:{_MARK_NAMES})s?\b"
        rf"(?:\s*(?:,|and|or|nor|/)\s*(?:any\s+)?(?:{_MARK_NAMES})s?\b)*)(?:\s+(?:in|anywhere|at all|"
        r"whatsoever)[^.;!?\n,]*)?",
        _no_marks,
    ),
    rule(
        rf"(?P<marks>(?:{_MARK_NAMES})s?)\s+(?:are|is)\s+(?:not allowed|forbidden|banned|prohibited|not permitted"
        r"|not to be used)",
        _no_marks,
    ),
    rule(rf"(?:too many|fewer|less|reduce the|cut down on(?: the)?)\s+(?P<mark>{_MARK_NAMES})s?\b", _fewer_marks),
    rule(
        rf"(?:use|add|include|with|put|have|contain|insert|end with)\s+(?:in\s+)?(?P<amount>{_AMOUNT}|some|any|"
        rf"more|a few|lots of|many|the)?\s*(?P<mark>{_MARK_NAMES})s?\b",
        _some_marks,
    ),
]
