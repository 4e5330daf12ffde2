"""Rules for classes of paraphrases: where a quoted phrase is to stand, and the looser ways to name a shape.

They run before all others, which would read only a part of such a wish ("say … at the end" as a phrase to mention).
"""

from __future__ import annotations

import re

from services.common.constraints import Constraint
from services.tracker.domain.feedback.grammar import SOURCE, Builder, Context, Rule, fixed, rule
from services.tracker.domain.feedback.phrases import AMOUNT, COUNT, MARK, amount, number
from services.tracker.domain.feedback.vocabulary import DONT

_AMOUNT = AMOUNT.pattern
GAP = r"(?:(?!\band\b|\bthen\b)[^.;!?\n⟦]){0,40}?"
_THING = r"(?:words?|sentences?|lines?|phrase|thing|remark|statement|text)"
_MUST = r"(?:must|should|shall|needs? to|has to|have to|ought to|is to|are to|can|could|may|will|would|to)"
_BE = rf"(?:{_MUST}\s+)?(?:be|read|is|are|say|stand|come|comes|go|goes|stay)"
_WITH = r"(?:with|by|on|in|like this|like so|using|saying|to be|as follows)"
_PUT = r"(?:say|write|put|add|place|state|use|set|insert|append|have|include|want|need|like|see|mention)"
_PHRASE = rf"(?P<phrase>{MARK})"
_SAID = rf"(?:{_WITH}[\s:,]+)+(?:saying\s+|writing\s+)?(?:the\s+)?(?:exact\s+)?(?:{_THING}\s+)?[:,]?\s*{_PHRASE}"
_LAST = rf"(?:very\s+)?(?:last|final|closing|ending)\s+{_THING}"
_FIRST = rf"(?:very\s+)?(?:first|opening|starting)\s+{_THING}"
_WHOLE = (
    r"(?:(?:the|your|this|it|that|all|of|whole|entire|complete|everything|answer|reply|response|output|text|message|"
    r"thing|you say|you write)\s*)+"
)
_QUOTES = r"(?:double\s+)?(?:quotation marks?|quotes?|quote marks|inverted commas|speech marks)"
_CAPITALS = r"(?:all[- ]caps|capital letters|capitals|upper[- ]?case(?: letters)?|caps|block letters)"
_PARTS = r"(?:parts?|phrases?|sections?|passages?|words?|spots?|places?|bits?|sentences?|things?|points?)"
_STARS = r"(?:asterisks?|\*[^*\n]{1,40}\*|stars?|italics)"


def _boundary(kind: str) -> Builder:
    def build(match: re.Match[str], context: Context) -> list[Constraint] | None:
        if refused(match) or re.search(r"\bparagraph|\bin (?:the|your|its) (?:first|last|final|opening)", match[0]):
            return None
        return [Constraint(kind, context.quotes.marked(match["phrase"])[0], source=SOURCE)]

    return build


def refused(match: re.Match[str]) -> bool:
    """Whether the clause before the match says the opposite ("please don't …")."""
    before = re.split(r"[.;!?\n]", match.string[: match.start()])[-1]
    before = re.sub(rf"\b{DONT} (?:forget|hesitate)\b", "", before, flags=re.I)
    return re.search(rf"\b(?:{DONT}|stop|avoid|without|instead of)\b[^,]{{0,20}}$", before, re.I) is not None


def _counted(kind: str, value: str) -> Builder:
    """At least as many as are named; a plain number is the least."""

    def build(match: re.Match[str], context: Context) -> list[Constraint] | None:
        said = match["amount"].strip()
        bounds = amount(said, match.groupdict().get("behind") or "")
        if bounds is None:
            return None
        low, high = bounds.min, bounds.max
        return [Constraint(kind, value, "", low, None if low is not None else high, SOURCE)]

    return build


def _at_least_capitals(match: re.Match[str], context: Context) -> list[Constraint] | None:
    bounds = amount(match["amount"].strip())
    return [Constraint("case", "capital_words", "", bounds.min, None, SOURCE)] if bounds and bounds.min else None


def _sections(match: re.Match[str], context: Context) -> list[Constraint] | None:
    bounds = amount(match["amount"]) if match["amount"] else None
    count = bounds.min if bounds is not None and bounds.min is not None else int(match["last"] or 0)
    return [Constraint("format", f"sections:{match['name']}", "", count, count, SOURCE)] if count > 1 else None


def _at_most(match: re.Match[str], context: Context) -> list[Constraint] | None:
    count = number(match["amount"])
    return [Constraint("length", "", match["unit"].lower(), None, count, SOURCE)] if count else None


def _options(match: re.Match[str], context: Context) -> list[Constraint] | None:
    options = context.quotes.marked(match["options"])
    return [Constraint("format", "one_of:" + "|".join(options), source=SOURCE)] if len(options) > 1 else None


_BEHIND = r"(?P<behind>\s*or (?:more|fewer|less)|\s*at (?:the )?(?:least|most))?"

RULES: list[Rule] = [
    # the reply's end and beginning
    rule(rf"\b(?:end|finish|close|conclude|sign|wrap|round|stop)(?:ing|s)?\b{GAP}{_SAID}", _boundary("end")),
    rule(rf"\b{_LAST}(?:\b{GAP}{_BE}\s*:?|\s*:)\s*{_PHRASE}", _boundary("end")),
    rule(rf"\b(?:the|your|its)\s+(?:ending|end|close)\s+{_BE}\s*:?\s*{_PHRASE}", _boundary("end")),
    rule(rf"(?:{_MUST}\s+|\b)(?:end|close|finish)\s+{_PHRASE}", _boundary("end")),
    rule(rf"{_PHRASE}\s+{_MUST}\s+(?:end|close|conclude|finish)\b[^.;!?\n⟦]*", _boundary("end")),
    rule(rf"\bat the (?:very )?(?:end|bottom)\b,?\s*{GAP}\b{_PUT}\s+{_PHRASE}", _boundary("end")),
    rule(rf"\bstop (?:right )?after\s+(?:saying\s+|writing\s+)?{_PHRASE}", _boundary("end")),
    rule(
        rf"(?:\b(?:{_PUT}|make|let)\s+)?{_PHRASE}\s*{GAP}(?:\bat (?:the|its|your) (?:very )?(?:end|bottom|close)\b"
        rf"|\b(?:{_BE}|as|for|make)\s+(?:the |your |its )?{_LAST}\b[^.;!?\n⟦]*|\b{_BE}\s+(?:very\s+)?last\b)",
        _boundary("end"),
    ),
    rule(
        rf"\b(?:start|begin|open|lead|kick|preface)(?:ing|s|ning)?\b(?:\s+(?:off|in|things))?{GAP}{_SAID}",
        _boundary("start"),
    ),
    rule(rf"\b{_FIRST}(?:\b{GAP}{_BE}\s*:?|\s*:)\s*{_PHRASE}", _boundary("start")),
    rule(rf"\b(?:the|your|its)\s+(?:beginning|start|opening)\s+{_BE}\s*:?\s*{_PHRASE}", _boundary("start")),
    rule(rf"(?:{_MUST}\s+|\b)(?:start|begin|open)\s+{_PHRASE}", _boundary("start")),
    rule(
        rf"{_PHRASE}\s+(?:{_MUST}\s+(?:start|begin|open)\b[^.;!?\n⟦]*|before (?:everything|anything|all)(?: else)?|"
        r"at (?:the|its) (?:very )?front)",
        _boundary("start"),
    ),
    rule(
        rf"\b(?:at the (?:very )?(?:beginning|start|top)|before anything(?: else)?|first(?: of all)?)\b,?\s*{GAP}"
        rf"\b{_PUT}\s+{_PHRASE}",
        _boundary("start"),
    ),
    rule(
        rf"(?:\b(?:{_PUT}|make|let)\s+)?{_PHRASE}\s*{GAP}(?:\bat (?:the|its|your) (?:very )?(?:beginning|start|top)\b"
        rf"|\b(?:{_BE}|as|for|make)\s+(?:the |your |its )?(?:{_FIRST}|opening|opener)\b[^.;!?\n⟦]*|\b{_BE}\s+first\b"
        r"|(?:(?<=⟧)|(?<=⟧ ))first\b)(?:,? (?:and )?then [^.;!?\n⟦]*)?",
        _boundary("start"),
    ),
    # the whole reply in quotation marks
    rule(
        rf"\b(?:add|have|want|need|use|put)?\s*{_QUOTES}\s+(?:(?:{_MUST})\s+)?(?:at both ends|at (?:the|its) (?:start|"
        rf"beginning) and (?:at )?(?:the )?end|surround(?:ing)?\s+{_WHOLE}|(?:a)?round\s+{_WHOLE})",
        fixed("format", "quotation"),
    ),
    rule(
        rf"\b(?:open|start|begin)s?\s+and\s+(?:close|end|finish)(?:es|s)?\s+{GAP}with\s+(?:an?\s+)?{_QUOTES}",
        fixed("format", "quotation"),
    ),
    rule(
        rf"(?:\b(?:give me|i want|i need|i['’]d like|put|set|wrap|enclose|have)\s+)?{_WHOLE}\s*(?:{_MUST}\s+)?(?:be\s+|"
        rf"stand\s+|belongs?\s+|go(?:es)?\s+|written\s+|placed\s+|put\s+)*(?:in|between|inside|within)\s+{_QUOTES}",
        fixed("format", "quotation"),
    ),
    rule(r"\bquote\s+(?:(?:the|your|this)\s+)?(?:whole|entire|complete|full)\s+\w+", fixed("format", "quotation")),
    # a title
    rule(
        r"\b(?:(?:should|must) be|want|need|lacks?|write|like|put|add|give it|use|see|carry|bear|has no|have|"
        r"start with|begin with|misses|"
        r"missing)\s+(?:an?\s+)?(?:title\b[^.;!?\n]*(?:<<|angular|angle|>>)[^;!?\n]*|<<[^>\n]*title[^>\n]*>>)",
        fixed("format", "title:<<>>"),
    ),
    # words in capitals before parts between asterisks, which name words too
    rule(
        rf"\b(?P<amount>{_AMOUNT}){_BEHIND}\s+(?:(?:\w+ly|all|whole)\s+)?(?:capitali[sz]ed|upper[- ]?case)\s+words?\b",
        _counted("case", "capital_words"),
    ),
    rule(
        rf"\b(?P<amount>{_AMOUNT}){_BEHIND}\s+words?\s+(?:{_MUST}\s+be\s+|be\s+|being\s+)?(?:(?:written|put|set|"
        rf"entirely|fully|completely|by writing them)\s+)*(?:in\s+|all\s+|with\s+|entirely\s+)*(?:capitali[sz]ed|"
        rf"{_CAPITALS})",
        _counted("case", "capital_words"),
    ),
    rule(
        rf"\b(?:capitali[sz]e|(?:use|put|write in)\s+{_CAPITALS}\s+for)\s+(?P<amount>{_AMOUNT}){_BEHIND}\s+words?\b"
        r"(?:\s+(?:entirely|fully|completely))?",
        _counted("case", "capital_words"),
    ),
    rule(
        rf"\b(?P<amount>{_AMOUNT})(?P<behind>)\s+words?\s+or more\s+(?:{_MUST}\s+be\s+)?(?:in|with)\s+(?:all\s+)?"
        rf"{_CAPITALS}",
        _at_least_capitals,
    ),
    rule(
        rf"\b(?P<amount>{_AMOUNT}){_BEHIND}\s+(?:all[- ]caps?|all[- ]capital|capital(?:ised|ized)?)\s+words?\b",
        _counted("case", "capital_words"),
    ),
    rule(
        rf"\b(?:shout|yell)\s+(?P<amount>{_AMOUNT}){_BEHIND}\s+(?:of the\s+)?words?\b",
        _counted("case", "capital_words"),
    ),
    # parts between asterisks
    rule(
        rf"\b(?P<amount>{_AMOUNT}){_BEHIND}\s+(?:\w+\s+)?{_PARTS}\s+(?:(?:{_MUST}\s+)?be\s+)?\*?(?:highlighted|"
        r"emphasi[sz]ed|bolded|bold|italici[sz]ed|starred)\b\*?[^.;!?\n]*",
        _counted("format", "highlights"),
    ),
    rule(
        rf"\b(?:use|put|set|place)\s+{_STARS}\s+(?:(?:a)?round|to (?:highlight|mark|stress|emphasi[sz]e))\s+(?P<amount>"
        rf"{_AMOUNT}){_BEHIND}\s+(?:\w+\s+)?{_PARTS}",
        _counted("format", "highlights"),
    ),
    rule(
        rf"\b(?P<amount>{_AMOUNT}){_BEHIND}\s+(?:\w+\s+)?{_PARTS}\s+(?:{_MUST}\s+be\s+)?(?:stand out\s+)?(?:set\s+|put"
        rf"\s+)?(?:in|between|with|inside|by|using|surrounded by)\s+(?:markdown\s+)?{_STARS}[^.;!?\n]*",
        _counted("format", "highlights"),
    ),
    rule(
        rf"\b(?P<amount>{_AMOUNT}){_BEHIND}\s+\*?(?:highlighted|emphasi[sz]ed|bolded|bold|italic)\*?\s+{_PARTS}\b"
        r"[^.;!?\n]*",
        _counted("format", "highlights"),
    ),
    # numbered parts by their names
    rule(
        rf"\b(?P<amount>{_AMOUNT})\s*(?:sections|parts)[.;]\s*(?:label|mark|name|call|head|"
        rf"title)[^\n]{{0,30}}?\b(?P<name>"
        r"[A-Z]\w+) 1\b(?P<last>)[^\n]*",
        _sections,
    ),
    rule(
        rf"(?:\b(?:in|into|use|write|make|have|want|need|of)?\s*(?P<amount>{_AMOUNT})\s*(?:sections|parts|chapters|"
        r"pieces)\b[^.;!?\n]*?|\b(?:as|into|in|with)\s+)\b(?P<name>[A-Z]\w+) 1\b(?:[^;!?\n]*?\b(?P=name) (?P<last>\d))*"
        r"[^;!?\n]*",
        _sections,
    ),
    # lists of a counted length
    rule(
        rf"\b(?:bullet(?:ed)?(?:[- ]point(?:ed)?)?|unordered)\s+list\s+(?:of|with|that has|having)\s+(?P<amount>"
        rf"{_AMOUNT})\s*(?:items|points|bullets|entries|bullet points|things)",
        lambda m, c: (
            [Constraint("format", "bullets", "", b.min, b.max, SOURCE)] if (b := amount(m["amount"])) else None
        ),
    ),
    # one of several answers
    rule(
        rf"\b(?:one of|pick|choose|select|decide|settle on|either|hear|only want|options?|choices?|commit to one|"
        rf"a clear|has to be|must be)\b[^⟦\n]{{0,60}}"
        rf"(?P<options>{MARK}(?:[\s,/;()]*(?:or|and)?[\s,/;()]*{MARK})+)",
        _options,
    ),
    # a limit that is said as a refusal
    rule(
        rf"\b{DONT}\s+(?:\w+\s+){{0,3}}?(?:more|longer) than (?P<amount>{COUNT})\s+(?P<unit>words|sentences|characters|"
        r"paragraphs)\b",
        _at_most,
    ),
    # case and commas
    rule(
        r"\b(?:no|without|don['’]?t use|do not use|avoid|not a single|drop the|never use)\s+(?:any\s+)?lower[- ]?case"
        r"(?:\s+letters?)?(?:\s+(?:are\s+)?allowed)?|\blower[- ]?case(?: letters?)? (?:is|are) (?:not (?:allowed|"
        r"wanted|ok)|"
        r"forbidden|banned|unwanted)|\bevery (?:single )?letter (?:be (?:a )?)?capital(?:i[sz]ed)?\b",
        fixed("case", "upper"),
    ),
    rule(
        r"\b(?:stop|quit|don['’]?t|do not|never|no|not|nothing (?:may|should|must|is to) be)\s+capitali[sz](?:e|ing|ed|"
        r"ation)(?:\s+(?:anything|things|words|letters|at all))?\b|\b(?:drop|skip|not a single|not one|lose|remove|"
        r"cut|get rid "
        r"of|(?:must|should|may|can) not be(?: any)?|(?:must|should) be no)\s+(?:the\s+|all\s+)?(?:capitals?|"
        r"upper[- ]?case)"
        r"(?: letters?)?\b|\b(?:capitals?|upper[- ]?case)(?: letters?)? (?:is|are) (?:not (?:allowed|wanted|ok)|"
        r"forbidden|"
        r"banned|unwanted)",
        fixed("case", "lower"),
    ),
    rule(
        r"\b(?:get rid of|take out|delete|strike|erase|strip|eliminate|remove|drop)\s+(?:(?:all|every|the|any|of|"
        r"out)\s+)*commas?\b|\b(?:should|must|may|can) (?:not be|be no|not contain|not have|have no|"
        r"never be)\s+(?:(?:any|a|"
        r"single)\s+)*commas?\b|\b(?:hate|can['’]?t stand|cannot stand|detest|dislike|can do without)\s+(?:\w+\s+)?"
        r"commas\b(?:,?\s*(?:drop|remove|cut|delete|skip) (?:them|these)(?: all)?)?|\b(?:leave|keep|take|"
        r"cut) (?:the |all |any )?commas out\b|\btoo many commas\b\W*"
        r"(?:please\s+)?(?:use none|drop (?:them|all)[^.;!?\n]*)",
        lambda m, c: [Constraint("punctuation", ",", "", None, 0, SOURCE)],
    ),
]
