"""Rules about the reply's words: which to use, which to avoid, how often."""

from __future__ import annotations

import re

from services.common.constraints import Constraint
from services.tracker.domain.feedback.facts import sentence_at
from services.tracker.domain.feedback.grammar import SOURCE, Context, Rule, rule
from services.tracker.domain.feedback.phrases import COUNT, MARK, Amount, amount, phrases
from services.tracker.domain.feedback.vocabulary import (
    DONT,
    END,
    LETTER,
    MODAL,
    REPLY,
    TARGET,
    USE,
    USED,
    USING,
    WORDING,
)


def _target_words(match: re.Match[str], context: Context, kind: str) -> list[Constraint] | None:
    if not context.quotes.marked(match["target"]) and re.match(
        r"\s*(?:it|this|that|them|me|everything|your \w+|the (?:answer|reply|response))\b(?!['’])",
        match["target"],
        re.I,
    ):
        return None  # "explain it in …", "say that again": the pronoun shows that no word is meant
    short, long = phrases(match["target"], context.quotes)
    if "markdown" in match["target"].lower() and not context.quotes.marked(match["target"]):
        return None
    if kind == "must_include":
        context.topics += long
        for text in long:
            short += [s for s in _sure_words(text) if s not in short]
        if long and not short:
            return []
    elif long:
        short += [p for p in (_shortest(text) for text in long) if p]
    if "word" not in match[0].lower() and not context.quotes.marked(match["target"]):
        generic = [p for p in short if p.lower().removesuffix("s") in _GENERIC]
        if generic and len(generic) == len(short):
            context.unparsed.append(context.quotes.plain(match[0]).strip())
            return []
    short = [
        p
        for p in short
        if not re.fullmatch(r"(?:no|not|fewer|less|more|longer|shorter|brief|lower ?case|upper ?case)\b.*", p, re.I)
    ]
    if not short:
        return None
    return [Constraint(kind, phrase, source=SOURCE) for phrase in short]


_GENERIC = frozenset(
    "example explanation detail link source introduction intro conclusion joke greeting summary reason context "
    "quote reference step"
    " question emoji analogy number figure fact opinion description sentence paragraph line comment disclaimer "
    "apology".split()
)
"""Things one can ask for that are not words to be found in the reply."""


def _sure_words(text: str) -> list[str]:
    """What a described fact must contain whatever its wording: its numbers, amounts and names."""
    found = re.findall(r"[$€£]?\d[\d,.:]*\d?%?|(?<=[a-z,] )[A-Z][\w'-]+(?: [A-Z][\w'-]+)*", text)
    return [f.strip(".,:") for f in found if f.strip(".,:")]


def _shortest(text: str) -> str:
    """The name or number in a long description of what to leave out, or nothing."""
    sure = _sure_words(text)
    return sure[0] if len(sure) == 1 else ""


def _exclude(match: re.Match[str], context: Context) -> list[Constraint] | None:
    sentence = sentence_at(match["target"], context)
    if sentence is not None:
        return [Constraint("must_not_include", sentence, source=SOURCE)] if sentence else None
    return _target_words(match, context, "must_not_include")


def _include(match: re.Match[str], context: Context) -> list[Constraint] | None:
    made = _target_words(match, context, "must_include")
    if made and not context.quotes.marked(match["target"]) and "word" not in match[0].lower():
        context.topics += [c.value for c in made]
    return made


def _frequency(match: re.Match[str], context: Context) -> list[Constraint] | None:
    groups = match.groupdict()
    times = groups["times"].lower().strip()
    bounds = amount(times)
    fixed = {"once": 1, "twice": 2, "thrice": 3}
    for word, n in fixed.items():
        if times.endswith(word):
            bounds = amount(times.removesuffix(word) + str(n))
    if bounds is None:
        return None
    if re.match(DONT, match[0], re.I) and bounds.min is not None:
        bounds = Amount(None, bounds.min - 1)
    letter = groups.get("letter")
    if letter:
        return [Constraint("must_include", letter.lower(), "characters", bounds.min, bounds.max, SOURCE)]
    short, _ = phrases(match["target"], context.quotes)
    made = []
    for phrase in short:
        if bounds.max == 0:
            made.append(Constraint("must_not_include", phrase, source=SOURCE))
        elif bounds.min is None and bounds.max is not None:
            made.append(Constraint("must_not_include", phrase, max=bounds.max, source=SOURCE))
        else:
            made.append(Constraint("must_include", phrase, min=bounds.min, max=bounds.max, source=SOURCE))
    return made or None


_TIMES = (
    r"(?P<times>(?:at least|at most|no more than|no fewer than|no less than|not more than|up to|less than|fewer "
    r"than|more than"
    rf"|exactly|around|about|only|a minimum of|a maximum of)?\s*(?:{COUNT}(?= times?\b)|once|twice|thrice))"
    r"(?:\s+times?)?"
)

FREQUENCY_RULES: list[Rule] = [
    rule(
        rf"(?:{REPLY}\s+{MODAL}\s+)?{LETTER}[^.;!?\n]*?(?:appear|occur|be used|show up|be present)?s?\s*{_TIMES}",
        _frequency,
    ),
    rule(rf"(?:{USE}\s+){LETTER}\s*{_TIMES}", _frequency),
    rule(
        rf"(?:(?:make sure|ensure|please)\s+(?:that\s+)?)?{WORDING}(?P<target>{MARK}|\w+)\s+(?:{MODAL}\s+)?"
        rf"(?:to\s+)?(?:appears?|occurs?|shows? up|(?:be|is)\s+{USED}|comes? up)\s*(?:in {REPLY}\s*)?{_TIMES}",
        _frequency,
    ),
    rule(
        rf"(?:{DONT}\s+)?(?:{USE}|repeat)\s+{WORDING}(?P<target>{MARK}|\w+)(?:\s+in {REPLY})?\s+{_TIMES}",
        _frequency,
    ),
]


def _letter_out(match: re.Match[str], context: Context) -> list[Constraint]:
    return [Constraint("must_not_include", match["letter"].lower(), "characters", source=SOURCE)]


_WORDS = (
    rf"(?P<target>{MARK}(?:\s*(?:,\s*and|,\s*or|,|and|or|&)\s*{MARK})*|[\w'-]+(?:\s*,\s*[\w'-]+)*(?:\s+(?:and|"
    r"or)\s+[\w'-]+)?)"
)

EXCLUDE_RULES: list[Rule] = [
    rule(
        rf"(?:forbidden|banned|prohibited|excluded|disallowed|taboo|unwanted)\s+(?:key)?(?:words?|terms?|phrases?)"
        rf"\s*(?::|\bis\b|\bare\b|-)\s*{_WORDS}",
        _exclude,
    ),
    rule(
        rf"\byou\s+(?:used|said|mentioned|wrote|included)\s+{WORDING}(?P<target>{MARK}|[\w'-]+)\s*[,;.:\-]*\s*"
        r"(?:and\s+|but\s+|please\s+)*(?:don['’]?t|do not|stop|remove it|take it out|you should not|shouldn['’]?t)\b",
        _exclude,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}|[\w'-]+)\s+never\s+(?:shows? up|appears?|occurs?|comes? up|gets? (?:used|"
        r"said|mentioned))",
        _exclude,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}|[\w'-]+)\s+{DONT}\s+be\s+(?:in (?:there|it|here)|anywhere)",
        _exclude,
    ),
    rule(
        rf"(?:left|leave|leaving|keep|kept|cut)\s+{WORDING}(?P<target>{MARK}|[\w'-]+)\s+out\b(?:\s+of\s+(?:it|"
        rf"{REPLY}))?",
        _exclude,
    ),
    rule(
        rf"(?:{DONT}|without|avoid|no|never)\s+(?:{USE}|{USING})?\s*(?:any\s+)?(?:words? (?:with|"
        rf"containing)\s+)?{LETTER}(?:\s+(?:in|anywhere|at all)[^.;!?\n]*)?",
        _letter_out,
    ),
    rule(
        rf"(?:(?:please|{REPLY}|make sure|be sure|ensure|take care|try|remember|i['’]?d (?:like|want) you|i "
        rf"want you|you)\s+)*(?:to\s+|that\s+(?:you\s+|it\s+)?)?{DONT}\s+(?:to\s+)?(?:ever\s+|again\s+|even\s+|"
        rf"explicitly\s+)?{USE}\s+{TARGET}{END}",
        _exclude,
    ),
    rule(rf"(?:make sure|ensure|be careful)\s+(?:that\s+)?{REPLY}\s+{DONT}\s+{USE}\s+{TARGET}{END}", _exclude),
    rule(
        r"(?:avoid|refrain from|abstain from|without|stop|no|quit|skip|resist|steer clear of)\s+"
        rf"(?:ever\s+)?{USING}\s+{TARGET}{END}",
        _exclude,
    ),
    rule(
        r"(?:exclude|eliminate|strip|purge|leave out|omit|remove|drop|get rid of|take out|delete|skip|cut out|cut"
        r"|steer clear of|ban|"
        rf"scrap|erase|lose)\s+(?:any\s+|all\s+)?{TARGET}{END}",
        _exclude,
    ),
    rule(rf"(?:leave|keep|cut|take|get)\s+{TARGET}\s+(?:out|away)(?:\s+of\s+{REPLY})?{END}", _exclude),
    rule(
        rf"(?:(?:make sure|ensure|see to it)\s+(?:that\s+)?)?{WORDING}(?P<target>{MARK}(?:\s*(?:,|and|"
        rf"or)\s*{MARK})*|[\w'-]+(?: [\w'-]+)?)\s+(?:{DONT}|must never|should never|is not|are not|isn['’]?t|"
        rf"aren['’]?t|is never)\s*(?:to\s+)?(?:be\s+)?(?:{USED}|appear|occur|show up|come up|allowed|permitted|"
        rf"be there)(?:\s+(?:anywhere|at all))?(?:\s*in\s+{REPLY})?",
        _exclude,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:is|are)\s+(?:forbidden|banned|prohibited|off[- ]limits|taboo"
        r"|unnecessary|not needed|excluded|to be avoided)",
        _exclude,
    ),
    rule(
        r"(?:i (?:do not|don['’]?t) want (?:to see|to read|to hear)?|i (?:do not|don['’]?t) (?:like|need)|you "
        r"should(?: not|n['’]?t) have (?:mentioned|used|included|said)|there should be no|no more|no need (?:to "
        rf"mention|for)|i['’]?d rather not (?:see|read|hear))\s+(?:about\s+)?{TARGET}{END}",
        _exclude,
    ),
    rule(rf"(?:avoid|without|free of|free from)\s+{WORDING}{TARGET}{END}", _exclude),
    rule(
        r"(?:find|use|pick|choose|try)\s+(?:another|a different|some other|a better)\s+(?:word|term|phrase|"
        rf"expression)\s+(?:for|than|instead of)\s+{TARGET}{END}",
        _exclude,
    ),
    rule(
        rf"(?:replace|swap)\s+{TARGET}\s+(?:with|by|for)\s+(?:something else|another (?:word|term)|a "
        rf"(?:different|synonym)[^.;!?\n]*|a synonym){END}",
        _exclude,
    ),
    rule(rf"\bno\s+(?:mention|use|reference)s?\s+(?:of|to)\s+{TARGET}{END}", _exclude),
]

INCLUDE_RULES: list[Rule] = [
    rule(
        rf"(?:(?:required|mandatory|necessary|needed|obligatory)\s+(?:key)?(?:words?|terms?|phrases?)"
        r"|(?:key)?(?:words?|terms?|phrases?)\s+(?:to (?:include|use|mention)|required|needed))\s*(?::|\bis\b|"
        rf"\bare\b|-)\s*{_WORDS}",
        _include,
    ),
    rule(
        rf"(?:work|fit|weave|squeeze|slip|sneak|build|get|put|place|throw|drop|bring)\s+(?:in\s+)?{WORDING}"
        rf"(?P<target>{MARK}|(?<=word )[\w'-]+|(?<=term )[\w'-]+|(?<=phrase )[\w' -]+?)(?:\s+(?:in(?:to)?(?:\s+"
        rf"(?:it|there|{REPLY}))?|somewhere))?{END}",
        _include,
    ),
    rule(
        rf"\blet\s+{WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:appear|occur|show up|be {USED}|come up)(?:\s+"
        rf"(?:somewhere\s+)?in\s+{REPLY})?",
        _include,
    ),
    rule(
        r"(?:expect(?:ing|ed)?|hop(?:ing|ed)|want(?:ing|ed)?|wait(?:ing|ed)|look(?:ing|ed))\s+(?:to\s+|for\s+)?"
        r"(?:see|read|find|hear)?\s*"
        rf"(?:the\s+)(?:words?|terms?|phrases?|keywords?)\s+(?P<target>{MARK}|[\w'-]+)",
        _include,
    ),
    rule(
        r"(?:you\s+)?(?:forgot|forget|failed|neglected|missed|did not|didn['’]?t|have not|haven['’]?t)\s+"
        rf"(?:to\s+)?(?:{USE}|mentioned|included|used|said|{USING})\s+{TARGET}{END}",
        _include,
    ),
    rule(rf"(?:you\s+)?(?:forgot|left out|missed|omitted|skipped|overlooked)\s+(?:about\s+)?{TARGET}{END}", _include),
    rule(
        r"(?:why (?:did(?: not|n['’]?t) you|is there no)|there (?:is|was) no|there['’]?s no|no)\s+(?:mention"
        rf"(?:ed)?(?: of)?|include|talk(?:ing)? about|word about)\s+{TARGET}{END}",
        _include,
    ),
    rule(
        rf"(?:(?:make sure|ensure|see to it|be sure|check)\s+(?:that\s+)?){WORDING}(?P<target>{MARK}(?:\s*(?:,|"
        rf"and|or)\s*{MARK})*|[\w'-]+(?: [\w'-]+)?)\s+(?:is|are|be|gets?|must be|should be)?\s*(?:{USED}|"
        rf"appears?|occurs?|shows? up|comes? up)(?:\s*(?:somewhere\s*)?in\s+{REPLY})?",
        _include,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}(?:\s*(?:,|and|or)\s*{MARK})*|[\w'-]+(?: [\w'-]+)?)\s+{MODAL}\s+"
        rf"(?:also\s+)?(?:be\s+{USED}|appear|occur|show up|come up|be there|be in there)(?:\s*"
        rf"(?:somewhere\s*)?in\s+{REPLY})?",
        _include,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:is|are|was|were)\s+(?:missing|absent|not (?:{USED}))(?:\s*"
        rf"(?:in|from)\s+{REPLY})?",
        _include,
    ),
    rule(
        rf"(?:{REPLY}\s+{MODAL}\s+|please\s+|(?:make sure|be sure|remember|try|want you|like you|need you|"
        r"don['’]?t forget|do not forget)\s+(?:to\s+|that (?:you|it)\s+)?|(?:can|could|would|will) you\s+"
        rf"(?:please\s+)?|also\s+|and\s+|then\s+)*(?:{USE})s?\s+(?:also\s+)?{TARGET}{END}",
        _include,
    ),
    rule(
        r"(?:with|using|including|containing|that (?:includes?|mentions?|contains?|uses?))\s+(?:the\s+)?"
        rf"(?:exact\s+)?(?:words?|keywords?|terms?|phrases?|names?|expressions?)\s*[:\-]?\s*{TARGET}{END}",
        _include,
    ),
    rule(
        r"(?:i(?:['’]?d| would)? (?:like|want|love|need)(?: to)? (?:see|read|hear|find)|i(?:['’]?m| am) missing|"
        r"i miss|more (?:about|on)|what about|tell me (?:more )?about|explain|elaborate on|expand on|go "
        rf"into)\s+{TARGET}{END}",
        _include,
    ),
]

RULES: list[Rule] = [*EXCLUDE_RULES, *INCLUDE_RULES]
