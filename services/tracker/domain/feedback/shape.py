"""Rules about the reply's shape: length, lists and other formats, case, punctuation."""

from __future__ import annotations

import re

from services.common.constraints import Constraint
from services.common.text_measures import count_words
from services.tracker.domain.feedback.grammar import SOURCE, Builder, Context, Rule, rule
from services.tracker.domain.feedback.phrases import AMOUNT, COUNT, amount

_AMOUNT = AMOUNT.pattern
_ADJECTIVE = r"(?:\s+(?:short|long|brief|simple|complete|full|concise|separate|different|small|bulleted|main|key|distinct|total))*"
_UNIT = r"(?P<unit>words?|sentences?|lines?|characters?|letters?|chars?|paragraphs?)\b"
_BEHIND = r"(?P<behind>\s*(?:or (?:less|fewer|more|under|shorter|longer)|at (?:the )?(?:most|least)|max(?:imum)?|min(?:imum)?|tops))?"
_UNITS = {
    "word": "words",
    "sentence": "sentences",
    "line": "sentences",
    "character": "characters",
    "letter": "characters",
    "char": "characters",
    "paragraph": "paragraphs",
}


def _length(match: re.Match[str], context: Context) -> list[Constraint] | None:
    bounds = amount(match["amount"], match["behind"] or "")
    if bounds is None or bounds.max == 0:
        return None
    unit = _UNITS[match["unit"].lower().rstrip("s")]
    divider = re.search(r"(?:separated|divided)[^.;!?\n]*?(\*\*\*)|divider:?\s*(\*\*\*)", match.string)
    value = (
        "***"
        if unit == "paragraphs" and (divider or "⟦" in match[0] and "***" in context.quotes.plain(match[0]))
        else ""
    )
    return [Constraint("length", value, unit, bounds.min, bounds.max, SOURCE)]


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


def _counted(value: str, minimum: bool = False) -> Builder:
    """A format with the items counted where the comment says how many."""

    def build(match: re.Match[str], context: Context) -> list[Constraint]:
        said = match.groupdict().get("amount") or ""
        bounds = amount(said, match.groupdict().get("behind") or "") if said.strip() else None
        if (
            bounds is None
            or (bounds.min, bounds.max) == (1, 1)
            and re.match(r"\s*(?:in |as |of |with )?an?\b", said, re.I)
        ):
            return [Constraint("format", value, source=SOURCE)]
        upper = None if minimum and bounds.min is not None else bounds.max
        return [Constraint("format", value, "", bounds.min, upper, SOURCE)]

    return build


def _plain(kind: str, value: str) -> Builder:
    return lambda match, context: [Constraint(kind, value, source=SOURCE)]


def _title(match: re.Match[str], context: Context) -> list[Constraint]:
    angular = re.search(r"<<|angular|angle", context.quotes.plain(match.string), re.I)
    return [Constraint("format", "title:<<>>" if angular else "title", source=SOURCE)]


def _sections(match: re.Match[str], context: Context) -> list[Constraint] | None:
    bounds = amount(match["amount"])
    word = re.search(
        r"(?:with|as|labell?ed|marked|called|mark[^.;\n]*?with)\s+(?:the word\s+)?(?:⟦\d+⟧|(SECTION|PARAGRAPH|PART|Section|Part|Day|Step))",
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


def _highlights(match: re.Match[str], context: Context) -> list[Constraint]:
    bounds = amount(match["amount"]) if match["amount"] else None
    return [Constraint("format", "highlights", "", bounds.min if bounds else 1, None, SOURCE)]


_IN = r"(?:in|as|asked for|i wanted|i want|i need|i'd like|like|into|with|using|use|via|give me|make it|make|write|format(?:ted)? (?:it |this |that |your \w+ )?(?:as|in|into|with)|put (?:it|this|that|everything|them)? ?(?:in(?:to)?|as)|present(?:ed)? (?:it )?(?:as|in)|turn (?:it|this|that) into|have|contain|include|convert (?:it|this) (?:in)?to|provide|break (?:it|this|that)? ?(?:down )?(?:in(?:to)?|up into)|list (?:it|them|these|this)? ?(?:as|in)|answer (?:in|as|with))"
_CAPITALS = r"(?:all[- ]caps|capital letters|capitals|upper[- ]?case|uppercase letters|caps|block letters)"
_ALL_OF_IT = r"(?:(?:your|the|this|whole|entire|complete|all of (?:it|your|the)|it|everything|answer|reply|response|output|text|message)\s*)"

FIRST_RULES: list[Rule] = [
    # Frequencies of capitals and counted formats come before the rules that would read only their last words.
    rule(
        rf"(?:words?\s+(?:with|in|written in)\s+(?:all\s+)?(?:{_CAPITALS})[^.;!?\n]*?(?:appear|be used|occur|show up)?[^.;!?\n]*?)(?P<amount>(?:at least|at most|less than|fewer than|more than|no more than|around|exactly)\s+{COUNT})(?:\s+times)?",
        _capital_words,
    ),
    rule(
        rf"(?:(?:use|include|have|with|write|contain|put)\s+)?(?P<amount>(?:at least|at most|less than|fewer than|more than|no more than|around|exactly)?\s*{COUNT})\s+words?\s+(?:with|in|written in|of)\s+(?:all\s+)?{_CAPITALS}",
        _capital_words,
    ),
    rule(
        rf"(?:(?:must|should)\s+)?{_IN}?\s*(?P<amount>{_AMOUNT})?{_ADJECTIVE}\s*(?:sections?|parts)\b(?=[^\n]*?(?:mark|label|section|with))(?:[^.;!?\n]*)",
        lambda m, c: (
            _sections(m, c)
            if m["amount"]
            and re.search(r"section|mark|label", m[0], re.I)
            and not re.search(r"highlight", m.string, re.I)
            else None
        ),
    ),
    rule(rf"highlight\s+(?P<amount>{_AMOUNT})?[^.;!?\n]*(?:\.e\.?|⟦\d+⟧|[^.;!?\n])*", _highlights),
    rule(
        rf"(?:include|use|have|contain|leave|with|add|put|insert)?\s*(?P<amount>{_AMOUNT})?{_ADJECTIVE}\s*placeholders?\b[^.;!?\n]*",
        _counted("placeholders", minimum=True),
    ),
    rule(
        r"(?:at the end[^.;!?\n]*?,?\s*)?(?:please\s+)?(?:(?:explicitly\s+)?(?:add|include|append|put|write|end with|finish with|with)\s+)?(?:an?\s+)?(?:postscript|(?<![A-Z.])P\.\s?P\.\s?S\b\.?|(?<![A-Z.])P\.\s?S\b\.?)(?:[^.;!?\n]*?(?:starting|beginning|begins|starts)\s+with\s+(?:⟦\d+⟧|P\.?\s?(?:P\.?\s?)?S\.?))?(?:[^.;!?\n]*)",
        _postscript,
    ),
    rule(
        r"(?:give|provide|write|show|offer)?\s*(?:me\s+)?(?:exactly\s+)?(?:two|2)\s+(?:different|alternative|separate)\s+(?:responses|answers|replies|versions)[^\n]*",
        lambda m, c: [Constraint("format", "separator:******", "", 2, None, SOURCE)],
    ),
    rule(
        r"(?:answer|reply|respond)\s+(?:only\s+)?with\s+(?:exactly\s+)?one of (?:the )?(?:following|these)(?:\s+(?:options|phrases|answers|choices))?\s*[:\-]?\s*(?P<options>[^;!?\n]+)",
        _one_of,
    ),
    rule(
        r"(?:just\s+|only\s+|simply\s+)*(?:answer|reply|respond|say)\s+(?:only\s+|just\s+|simply\s+|me\s+|with\s+|a\s+|simple\s+)*"
        r"(?P<options>yes or no|true or false)(?:\s+only)?",
        _one_of,
    ),
    rule(
        r"(?:your\s+)?(?:answer|reply|response)\s+(?:must|should)\s+(?:be|contain)\s+(?:exactly\s+)?(?:one of )(?:the )?(?:following|these)?[^:⟦\n]*[:\-]?\s*(?P<options>[^;!?\n]+)",
        _one_of,
    ),
    rule(
        rf"(?:(?:must|should)\s+(?:contain|have|include|use)\s+|{_IN}\s*)?(?P<amount>{_AMOUNT}){_ADJECTIVE}\s*(?:bullet(?:ed)?(?:[- ]?points?)?s?|bullets|dot points)\b{_BEHIND}",
        _counted("bullets"),
    ),
    rule(
        rf"(?:{_IN}\s*)?(?:an?\s+)?numbered (?:list|points|steps|items)(?:\s+(?:of|with)\s+(?P<amount>{_AMOUNT})\s*(?:items|points|steps|entries)?)?",
        _counted("numbered"),
    ),
    rule(
        rf"(?:{_IN}\s*)?(?:an?\s+)?(?:bullet(?:ed)?(?:[- ]point(?:ed)?)?|unordered)\s+list(?:\s+(?:of|with)\s+(?P<amount>{_AMOUNT})\s*(?:items|points|bullets|entries)?)?",
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
        r"(?:you can |you may |please )?(?:use|using)\s+(?:the\s+)?markdown\s+(?:ticks|bullet|syntax|format)[^\n]*|paragraphs\s+(?:are|should be|must be)\s+separated\s+(?:with|by)[^\n]*|mark\s+(?:the\s+)?(?:beginning|start)\s+of\s+each\s+section[^\n]*|responses and only responses[^\n]*|\bsuch as:?\s*(?:\*|⟦|\[|section)[^\n]*",
        lambda m, c: [],
    ),
    # lists, and their opposite
    rule(
        r"(?:(?:do not|don['’]?t|no|without|avoid|stop|not|rather than|instead of)\s+(?:use|using|write|make|want)?\s*(?:any\s+|as\s+|in\s+|an?\s+|the\s+)*(?:bullet(?:ed)?(?:[- ]?points?)?s?(?:\s+list)?|bullets|lists?|numbered lists?|bullet lists?)\b)|(?:in|as|write)\s+(?:plain\s+|flowing\s+|continuous\s+|normal\s+)*prose\b|(?:as|in) (?:a )?flowing (?:text|paragraphs?)",
        _plain("format", "prose"),
    ),
    rule(
        rf"(?:{_IN}\s+|some\s+)?(?:bullet(?:ed)?(?:[- ]?points?)|bullets|dot points)\b(?:\s+list)?",
        _plain("format", "bullets"),
    ),
    rule(
        r"\bnumber (?:the|your|each|them|all)\s*(?:points?|items?|steps?|answers?|lines?)?\b|(?:as|in) (?:numbered )?steps\b",
        _plain("format", "numbered"),
    ),
    rule(
        r"(?:as|in|into|make it|give me|use)\s+(?:the form of\s+)?a (?:simple |short )?list\b(?! of)",
        _plain("format", "list"),
    ),
    rule(
        rf"(?:(?:{_ALL_OF_IT})*(?:must|should)\s+(?:be\s+)?)?(?:wrap(?:ped)?\s+)?(?:the\s+)?(?:(?:entire|whole)\s+)?(?:output\s+)?(?:{_IN}|be)?\s*(?:(?:a|an|valid|proper|raw|pure|plain|the)\s+)*JSON\b(?:\s+(?:format|object|only|output|array|document|block|form))?(?:[^.;!?\n]*(?:markdown ticks|ticks|```)[^.;!?\n]*)?",
        _plain("format", "json"),
    ),
    rule(
        rf"(?:{_IN}\s+)(?:a\s+|the form of a\s+)?(?:markdown\s+|small\s+|simple\s+)?table\b|\btabular (?:form|format)\b|\btabulate\b",
        _plain("format", "table"),
    ),
    rule(
        r"(?:(?:must|should|please|also|and)\s+)*(?:(?:contain|include|have|add|give|with|put|needs?|start with|begin with|provide|missing|insert|has)\s+(?:it\s+|me\s+|your \w+\s+|the \w+\s+)?)(?:an?\s+|the\s+)?(?:short\s+|good\s+|catchy\s+|fitting\s+|suitable\s+)?(?:title|headline)\b(?! case)[^.;!?\n]*(?:⟦\d+⟧|<<[^>\n]*>>)?|\btitle it\b|(?:there(?:['’]s| is) )?no title\b|title is missing",
        _title,
    ),
    rule(
        rf"(?:wrap|enclose|surround|put|place|encase)\s+(?:{_ALL_OF_IT})*(?:with|in|inside|within|by)\s+(?:double\s+)?(?:quotation marks|quotation|quotes|quote marks|inverted commas)|(?:in|inside|within|with)\s+(?:double\s+)(?:quotation marks|quotes)|(?:should|must) be (?:in|inside|wrapped in|within|enclosed in|surrounded by) (?:double )?(?:quotation marks|quotes)|quote (?:your |the )?(?:entire|whole) (?:answer|reply|response)",
        _plain("format", "quotation"),
    ),
    rule(r"(?:in|as|with|use|inside|put (?:it )?in) (?:a )?code (?:block|fence)s?\b", _plain("format", "code")),
    rule(
        r"(?:with|use|add|include|have|under) (?:some |clear |markdown )?(?:sub)?head(?:ing|er)s?\b",
        _plain("format", "heading"),
    ),
    rule(
        r"(?:no|without|do not use|don['’]?t use|avoid|remove|drop|skip)\s+(?:any\s+|the\s+)?(?:markdown|formatting|bold)\b|(?:in|as) plain text\b|plain text(?: only| please)?",
        _plain("format", "plain"),
    ),
    # case
    rule(
        rf"(?:no|without|do not use|don['’]?t use|avoid|never use|not|refrain from(?: using)?)\s+(?:any\s+|using\s+)?(?:{_CAPITALS}|capitalized letters|capital(?:ization)?)(?:\s+(?:letters?|are|is|should be|allowed)\b)*",
        lambda m, c: [
            Constraint("case", "sentence" if re.search("all[- ]caps|caps$", m[0], re.I) else "lower", source=SOURCE)
        ],
    ),
    rule(
        r"(?:(?:in|use|using|with|only|all|as|to|be|into|entirely)\s+)*(?:english,?\s+and\s+)?(?:in\s+)?(?:all\s+|only\s+|just\s+)*(?:lower[- ]?case(?:d)?(?: letters| only| text)?|small letters)\b(?:[^.;!?\n]*no capital letters are allowed)?(?:\s+only)?|no capital letters(?: are allowed)?|un-?capitali[sz]ed",
        _plain("case", "lower"),
    ),
    rule(
        r"(?:(?:in|use|using|with|as|make)\s+)?title case\b|capitali[sz]e (?:the first letter of )?(?:each|every) word",
        _plain("case", "title"),
    ),
    rule(
        r"(?:stop|quit|no need (?:to|for)|do not|don['’]?t|without) (?:shout|yell|scream)(?:ing)?\b|(?:in|use) (?:normal|regular|sentence|proper|standard|usual) (?:case|capitali[sz]ation)",
        _plain("case", "sentence"),
    ),
    rule(
        rf"(?:(?:in|use|using|with|as|to|be|into|entirely|make (?:it|this|that))\s+)*(?:english,?\s+and\s+)?(?:in\s+)?(?:all\s+|only\s+|just\s+)*{_CAPITALS}(?:\s+only|\s+letters)?\b|capitali[sz]e (?:everything|all(?: of it)?|every letter|the (?:whole|entire) \w+|your (?:whole |entire )?\w+)|shout (?:it|at me)|(?:write|say) it loud",
        _plain("case", "upper"),
    ),
    # punctuation
    rule(
        rf"(?:do not|don['’]?t|never|no|without|avoid|refrain from|remove|drop|stop|not|get rid of|leave out|omit|skip|zero|free of|exclude|cut)\s+(?:(?:to\s+)?(?:use|using|include|including|any|the use of|use of|all|of|have|having|put|putting|contain|containing|the|a|an|single)\s+)*(?P<marks>(?:{_MARK_NAMES})s?\b(?:\s*(?:,|and|or|nor|/)\s*(?:any\s+)?(?:{_MARK_NAMES})s?\b)*)(?:\s+(?:in|anywhere|at all|whatsoever)[^.;!?\n,]*)?",
        _no_marks,
    ),
    rule(
        rf"(?P<marks>(?:{_MARK_NAMES})s?)\s+(?:are|is)\s+(?:not allowed|forbidden|banned|prohibited|not permitted|not to be used)",
        _no_marks,
    ),
    rule(rf"(?:too many|fewer|less|reduce the|cut down on(?: the)?)\s+(?P<mark>{_MARK_NAMES})s?\b", _fewer_marks),
    rule(
        rf"(?:use|add|include|with|put|have|contain|insert|end with)\s+(?:in\s+)?(?P<amount>{_AMOUNT}|some|any|more|a few|lots of|many|the)?\s*(?P<mark>{_MARK_NAMES})s?\b",
        _some_marks,
    ),
    # length
    rule(
        rf"(?P<amount>{_AMOUNT}){_ADJECTIVE}[\s-]*{_UNIT}{_BEHIND}(?:\s+(?:long|in (?:length|total)|total|each time))?",
        _length,
    ),
    rule(
        rf"(?P<unit>word|sentence|character|paragraph)\s+(?:count|limit|maximum|minimum)\s*(?:of|:|is|should be|must be|to|at)?\s*(?P<amount>{_AMOUNT})(?P<behind>)",
        lambda m, c: _length_limit(m),
    ),
    rule(
        r"(?:(?:make|keep) (?:it|this|that|your \w+|the \w+) )?(?:(?:much|a lot|far|way|a bit|a little|slightly|somewhat|considerably|significantly)\s+)?(?:shorter|briefer|more concise(?:ly)?|more compact|more succinct(?:ly)?|terser|tighter)\b(?! than)|(?:too|so|very|overly)\s+(?:long|wordy|verbose|lengthy|long[- ]?winded|much text|many words|rambling)\b(?:-winded)?|\b(?:shorten|condense|trim|compress|abridge|cut (?:it|this|that) (?:down|short)|cut down|tighten|boil (?:it|this|that) down|pare (?:it|this)? ?down)\b(?:\s+(?:it|this|that|your \w+|the \w+)(?: down)?)?|(?:be|keep it|make it|stay)\s+(?:more\s+|very\s+|as\s+)*(?:brief|concise|short|succinct|terse|to the point|snappy)\b|(?:keep|make) (?:your (?:answer|reply|response)|this|that|the (?:answer|reply|response)) (?:brief|short|concise)|\btl;?dr\b|(?:get|come|cut) (?:straight |right )?to the (?:point|chase)|half (?:as long|the length|the size)|(?:less|fewer) (?:words|text|detail|details|wordy|verbose)\b|\bstop rambling\b|\b(?:in short|short version|summari[sz]e(?: it| this| that)?|give me (?:a|the) summary)\b|\bbriefly\b|\bconcisely\b",
        _relative("shorter", 0.65, 60),
    ),
    rule(
        r"(?:(?:make|write) (?:it|this|that|your \w+|the \w+) )?(?:(?:much|a lot|far|way|a bit|a little|slightly|somewhat|considerably|significantly)\s+)?(?:longer|lengthier|more detailed|more elaborate|more thorough|more comprehensive|more in[- ]depth)\b(?! than)|(?:too|so|very)\s+(?:short|brief|terse|concise)\b|(?:give|add|provide|need|want|include|with|go into|some)?\s*(?:me\s+)?(?:some |much |a lot )?more (?:details?|depth|information|text|explanation|context)\b(?! (?:on|about|of))|\b(?:elaborate|expand|flesh (?:it|this|that) out|go deeper|say more|in more detail|in greater detail|in detail)\b(?! (?:on|upon|about))|(?:twice|double) (?:as long|the length)",
        _relative("longer", 1.3, 80),
    ),
    rule(
        r"(?:in|as|to|into|just|use|with|make it|only) (?:just |only )?(?:a|one) (?:single )?(?P<unit>sentence|paragraph|line|word)\b",
        lambda m, c: [Constraint("length", "", _UNITS[m["unit"].lower()], 1, 1, SOURCE)],
    ),
]


def _length_limit(match: re.Match[str]) -> list[Constraint] | None:
    bounds = amount(match["amount"])
    if bounds is None:
        return None
    low, high = bounds.min, bounds.max
    if low == high:
        low, high = (low, None) if "minimum" in match[0].lower() else (None, high)
    return [Constraint("length", "", _UNITS[match["unit"].lower()], low, high, SOURCE)]
