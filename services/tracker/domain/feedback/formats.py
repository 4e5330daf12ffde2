"""Rules about formats: lists, tables, JSON, titles, sections and the like."""

from __future__ import annotations

import re

from services.common.constraints import Constraint
from services.tracker.domain.feedback.grammar import SOURCE, Builder, Context, Rule, fixed, rule
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
_IN = (
    r"(?:in|as|asked for|i wanted|i want|i need|i'd like|like|into|with|using|use|via|give me|make it|make|write|"
    r"format(?:ted)? (?:it |this |that |your \w+ )?(?:as|in|into|with)|put (?:it|this|that|everything|them)? ?(?:in"
    r"(?:to)?|as)|present(?:ed)? (?:it )?(?:as|in)|turn (?:it|this|that) into|have|contain|include|convert (?:it|"
    r"this) (?:in)?to|provide|break (?:it|this|that)? ?(?:down )?(?:in(?:to)?|up into)|list (?:it|them|these|this)? ?"
    r"(?:as|in)|answer (?:in|as|with))"
)
_CAPITALS = r"(?:all[- ]caps|capital letters|capitals|upper[- ]?case|uppercase letters|caps|block letters)"
_ALL_OF_IT = (
    r"(?:(?:your|the|this|whole|entire|complete|all of (?:it|your|the)|it|everything|answer|reply|response|output|"
    r"text|message)\s*)"
)


def _counted(value: str, minimum: bool = False) -> Builder:
    """A format with the items counted where the comment says how many."""

    def build(match: re.Match[str], context: Context) -> list[Constraint]:
        said = match.groupdict().get("amount") or ""
        bounds = amount(said, match.groupdict().get("behind") or "") if said.strip() else None
        if bounds is None or (
            (bounds.min, bounds.max) == (1, 1) and re.match(r"\s*(?:in |as |of |with )?an?\b", said, re.I)
        ):
            return [Constraint("format", value, source=SOURCE)]
        upper = None if minimum and bounds.min is not None else bounds.max
        return [Constraint("format", value, "", bounds.min, upper, SOURCE)]

    return build


def _title(match: re.Match[str], context: Context) -> list[Constraint]:
    angular = re.search(r"<<|angular|angle", context.quotes.plain(match.string), re.I)
    return [Constraint("format", "title:<<>>" if angular else "title", source=SOURCE)]


def _sections(match: re.Match[str], context: Context) -> list[Constraint] | None:
    bounds = amount(match["amount"])
    word = re.search(
        r"(?:with|as|labell?ed|marked|called|mark[^.;\n]*?with)\s+(?:the word\s+)?(?:⟦\d+⟧|(SECTION|PARAGRAPH|"
        r"PART|Section|Part|Day|Step))",
        match.string,
    )
    quoted = context.quotes.marked(word[0]) if word else []
    name = (quoted[0] if quoted else (word[1] if word and word[1] else "Section")).split()[0]
    return [
        Constraint(
            "format", f"sections:{name}", "", bounds.min if bounds else 1, bounds.max if bounds else None, SOURCE
        )
    ]


def _postscript(match: re.Match[str], context: Context) -> list[Constraint]:
    marker = re.search(r"P\.?\s?P\.?\s?S\.?|P\.?\s?S\.?", context.quotes.plain(match[0]))
    return [Constraint("format", f"postscript:{marker[0].strip() if marker else 'P.S.'}", source=SOURCE)]


def _one_of(match: re.Match[str], context: Context) -> list[Constraint] | None:
    options = context.quotes.marked(match["options"])
    if not options:
        options = [
            o.strip(" '\"().") for o in re.split(r"\s*,\s*(?:or\s+)?|\s+or\s+", match["options"]) if o.strip(" '\"().")
        ]
    return [Constraint("format", "one_of:" + "|".join(options), source=SOURCE)] if len(options) > 1 else None


def _highlights(match: re.Match[str], context: Context) -> list[Constraint]:
    bounds = amount(match["amount"]) if match["amount"] else None
    return [Constraint("format", "highlights", "", bounds.min if bounds else 1, None, SOURCE)]


FIRST_RULES: list[Rule] = [
    rule(
        r"(?:put|place|wrap|set|write) [^.;!?\n,]{1,40} (?:between|in|inside) (?:double )?(?:quotation marks|"
        r"quotes)|(?:put\s+|use\s+)?(?:double\s+)?(?:quotation marks|quotes) around (?:it|the|your|everything|"
        r"all)[^.;!?\n,]*|(?:start|begin) and"
        r" (?:end|finish|close) (?:it |your \w+ |the \w+ )?with (?:a )?(?:double )?(?:quotation marks?|quotes?|a "
        r"quotation mark)",
        fixed("format", "quotation"),
    ),
    # counted formats come before the rules that would read only their last words
    rule(
        rf"(?:(?:must|should)\s+)?{_IN}?\s*(?P<amount>{_AMOUNT})?{_ADJECTIVE}\s*(?:sections?|parts)\b(?=[^\n]*?"
        r"(?:mark|label|section|with))(?:[^.;!?\n]*)",
        lambda m, c: (
            _sections(m, c)
            if m["amount"]
            and re.search(r"section|mark|label", m[0], re.I)
            and not re.search(r"highlight", m.string, re.I)
            else None
        ),
    ),
    rule(
        rf"(?:highlight|bold|italici[sz]e|emphasi[sz]e)\s+(?P<amount>{_AMOUNT})?[^.;!?\n]*(?:\.e\.?|⟦\d+⟧|[^.;!?\n])*",
        _highlights,
    ),
    rule(
        r"(?:include|use|have|contain|leave|with|add|put|insert)?\s*"
        rf"(?P<amount>{_AMOUNT})?{_ADJECTIVE}\s*placeholders?\b[^.;!?\n]*",
        _counted("placeholders", minimum=True),
    ),
    rule(
        r"(?:at the end[^.;!?\n]*?,?\s*)?(?:please\s+)?(?:(?:explicitly\s+)?(?:add|include|append|put|write|end "
        r"with|finish with|with)\s+)?(?:an?\s+)?(?:postscript|(?<![A-Z.])P\.\s?P\.\s?S\b\.?|"
        r"(?<![A-Z.])P\.\s?S\b\.?)(?:[^.;!?\n]*?(?:starting|beginning|begins|starts)\s+with\s+(?:⟦\d+⟧|P\.?\s?"
        r"(?:P\.?\s?)?S\.?))?(?:[^.;!?\n]*)",
        _postscript,
    ),
    rule(
        r"(?:give|provide|write|show|offer)?\s*(?:me\s+)?(?:exactly\s+)?(?:two|2)\s+(?:different|alternative|"
        r"separate)\s+(?:responses|answers|replies|versions)[^\n]*",
        lambda m, c: [Constraint("format", "separator:******", "", 2, None, SOURCE)],
    ),
    rule(
        r"(?:(?:just|only|simply)\s+)?(?:answer|reply|respond|say|choose|pick|select|use)\s*(?:only\s+|just\s+|"
        r"exactly\s+|with\s+|one\s+"
        r"|of\s*|from\s+|either\s+|the following\s*|these\s*|(?:answers|options|choices|replies|phrases)\s*|:\s*)*"
        r"(?P<options>⟦\d+⟧(?:\s*(?:,\s*or|,|or)?\s*⟦\d+⟧)+)",
        lambda m, c: _one_of(m, c) if re.search(r"\bor\b|one of", m[0], re.I) else None,
    ),
    rule(
        r"(?:answer|reply|respond)\s+(?:only\s+)?with\s+(?:exactly\s+)?one of (?:the )?(?:following|these)(?:\s+"
        r"(?:options|phrases|answers|choices))?\s*[:\-]?\s*(?P<options>[^;!?\n]+)",
        _one_of,
    ),
    rule(
        r"(?:just\s+|only\s+|simply\s+)*(?:answer|reply|respond|say)\s+(?:only\s+|just\s+|simply\s+|me\s+|with\s+"
        r"|a\s+|simple\s+)*"
        r"(?P<options>yes or no|true or false)(?:\s+only)?",
        _one_of,
    ),
    rule(
        r"(?:your\s+)?(?:answer|reply|response)\s+(?:must|should)\s+(?:be|contain)\s+(?:exactly\s+)?(?:one of )"
        r"(?:the )?(?:following|these)?[^:⟦\n]*[:\-]?\s*(?P<options>[^;!?\n]+)",
        _one_of,
    ),
    rule(
        rf"(?:(?:must|should)\s+(?:contain|have|include|use)\s+|{_IN}\s*)?(?P<amount>{_AMOUNT}){_ADJECTIVE}\s*"
        rf"(?:bullet(?:ed)?(?:[- ]?points?)?s?|bullets|dot points)\b{_BEHIND}",
        _counted("bullets"),
    ),
    rule(
        rf"(?:{_IN}\s*)?(?:an?\s+)?numbered (?:list|points|steps|items)(?:\s+(?:of|with)\s+"
        rf"(?P<amount>{_AMOUNT})\s*(?:items|points|steps|entries)?)?",
        _counted("numbered"),
    ),
    rule(
        rf"(?:{_IN}\s*)?(?:an?\s+)?(?:bullet(?:ed)?(?:[- ]point(?:ed)?)?|unordered)\s+list(?:\s+(?:of|with)\s+"
        rf"(?P<amount>{_AMOUNT})\s*(?:items|points|bullets|entries)?)?",
        _counted("bullets"),
    ),
    rule(
        rf"(?:{_IN}\s*)?(?P<amount>{_AMOUNT}){_ADJECTIVE}\s*numbered\s+(?:points?|items?|steps?){_BEHIND}",
        _counted("numbered"),
    ),
    rule(
        rf"(?:{_IN}\s+)(?:a\s+)?list\s+(?:of|with)\s+(?P<amount>{_AMOUNT})\s*(?:items|points|entries|things)",
        _counted("list"),
    ),
]


RULES: list[Rule] = [
    # sentences that only explain a format asked for in the one before
    rule(
        r"(?:you can |you may |please )?(?:use|using)\s+(?:the\s+)?markdown\s+(?:ticks|bullet|syntax|"
        r"format)[^\n]*|paragraphs\s+(?:are|should be|must be)\s+separated\s+(?:with|by)[^\n]*|mark\s+(?:the\s+)?"
        r"(?:beginning|start)\s+of\s+each\s+section[^\n]*|responses and only responses[^\n]*|\bsuch as:?\s*(?:\*|"
        r"⟦|\[|section)[^\n]*",
        lambda m, c: [],
    ),
    # lists, and their opposite
    rule(
        r"(?:(?:do not|don['’]?t|no|without|avoid|stop|not|rather than|instead of)\s+(?:use|using|write|make|"
        r"want)?\s*(?:any\s+|as\s+|in\s+|an?\s+|the\s+)*(?:bullet(?:ed)?(?:[- ]?points?)?s?(?:\s+list)?|bullets|"
        r"lists?|numbered lists?|bullet lists?)\b)|(?:in|as|write)\s+(?:plain\s+|flowing\s+|continuous\s+|"
        r"normal\s+)*prose\b|\bprose (?:over|rather than|instead of|not)[^.;!?\n,]*|(?:as|in) (?:a )?flowing "
        r"(?:text|paragraphs?)",
        fixed("format", "prose"),
    ),
    rule(
        rf"(?:{_IN}\s+|some\s+)?(?:bullet(?:ed)?(?:[- ]?points?)|bullets|dot points)\b(?:\s+list)?",
        fixed("format", "bullets"),
    ),
    rule(
        r"(?:in|as) (?:bullet|bulleted|point|bullet[- ]point) (?:form|format|style)\b|\bbullet (?:this|it|that|"
        r"these|them|the \w+|your \w+)\b",
        fixed("format", "bullets"),
    ),
    rule(
        r"\bnumber (?:the|your|each|them|all)\s*(?:points?|items?|steps?|answers?|lines?)?\b|(?:as|in) "
        r"(?:numbered )?steps\b",
        fixed("format", "numbered"),
    ),
    rule(
        r"(?:as|in|into|make it|give me|use)\s+(?:the form of\s+)?a (?:simple |short )?list\b(?! of)",
        fixed("format", "list"),
    ),
    rule(
        rf"(?:(?:{_ALL_OF_IT})*(?:must|should)\s+(?:be\s+)?)?(?:wrap(?:ped)?\s+)?(?:the\s+)?(?:(?:entire|"
        rf"whole)\s+)?(?:output\s+)?(?:{_IN}|be)?\s*(?:(?:a|an|valid|proper|raw|pure|plain|the)\s+)*JSON\b(?:\s+"
        r"(?:format|object|only|output|array|document|block|form))?(?:[^.;!?\n]*(?:markdown ticks|ticks|"
        r"```)[^.;!?\n]*)?",
        fixed("format", "json"),
    ),
    rule(
        rf"(?:{_IN}\s+)(?:a\s+|the form of a\s+)?(?:markdown\s+|small\s+|simple\s+)?table\b|\btabular (?:form|"
        r"format)\b|\btabulate\b",
        fixed("format", "table"),
    ),
    rule(
        r"(?:(?:must|should|please|also|and)\s+)*(?:(?:contain|include|have|add|give|with|put|needs?|start with|"
        r"begin with|provide|missing|insert|has)\s+(?:it\s+|me\s+|your \w+\s+|the \w+\s+)?)(?:an?\s+|the\s+)?"
        r"(?:short\s+|good\s+|catchy\s+|fitting\s+|suitable\s+)?(?:title|headline|heading(?=[^.;!?\n]*(?:angle|"
        r"angular|<<)))\b(?! case)[^.;!?\n]*(?:⟦\d+⟧|"
        r"<<[^>\n]*>>)?|\btitle it\b|(?:there(?:['’]s| is) )?no title\b|title is missing|where(?:['’]s| is) the title",
        _title,
    ),
    rule(
        rf"(?:wrap|enclose|surround|put|place|encase)\s+(?:{_ALL_OF_IT})*(?:with|in|inside|within|by)\s+"
        r"(?:double\s+)?(?:quotation marks|quotation|quotes|quote marks|inverted commas)|(?:in|inside|within|"
        r"with)\s+(?:double\s+)(?:quotation marks|quotes)|(?:should|must|needs? to|has to|ought to) be (?:in|"
        r"inside|wrapped in|within|"
        r"enclosed in|surrounded by) (?:double )?(?:quotation marks|quotes)|quote (?:your |the )?(?:entire|"
        r"whole) (?:answer|reply|response)",
        fixed("format", "quotation"),
    ),
    rule(r"(?:in|as|with|use|inside|put (?:it )?in) (?:a )?code (?:block|fence)s?\b", fixed("format", "code")),
    rule(
        r"(?:with|use|add|include|have|under) (?:some |clear |markdown )?(?:sub)?head(?:ing|er)s?\b",
        fixed("format", "heading"),
    ),
    rule(
        r"(?:no|without|do not use|don['’]?t use|avoid|remove|drop|skip)\s+(?:any\s+|the\s+)?(?:markdown|"
        r"formatting|bold)\b|(?:in|as) plain text\b|plain text(?: only| please)?",
        fixed("format", "plain"),
    ),
]
