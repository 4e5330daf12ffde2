"""Rules about the reply's words: which to use, which to avoid, how often."""

from __future__ import annotations

import re

from services.common.constraints import Constraint
from services.tracker.domain.feedback.grammar import SOURCE, Context, Rule, rule
from services.tracker.domain.feedback.phrases import COUNT, MARK
from services.tracker.domain.feedback.targets import exclude, frequency, include, target_words
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

_TIMES = (
    r"(?P<times>(?:at least|at most|no more than|no fewer than|no less than|not more than|up to|less than|fewer "
    r"than|more than"
    rf"|exactly|around|about|only|a minimum of|a maximum of)?\s*(?:{COUNT}(?= times?\b)|once|twice|thrice))"
    r"(?:\s+times?)?"
)

FREQUENCY_RULES: list[Rule] = [
    rule(
        rf"(?:{REPLY}\s+{MODAL}\s+)?{LETTER}[^.;!?\n]*?(?:appear|occur|be used|show up|be present)?s?\s*{_TIMES}",
        frequency,
    ),
    rule(rf"(?:{USE}\s+){LETTER}\s*{_TIMES}", frequency),
    rule(
        rf"(?:(?:make sure|ensure|please)\s+(?:that\s+)?)?{WORDING}(?P<target>{MARK}|\w+)\s+(?:{MODAL}\s+)?"
        rf"(?:to\s+)?(?:appears?|occurs?|shows? up|(?:be|is)\s+{USED}|comes? up)\s*(?:in {REPLY}\s*)?{_TIMES}",
        frequency,
    ),
    rule(
        rf"(?:{DONT}\s+)?(?:{USE}|repeat)\s+{WORDING}(?P<target>{MARK}|\w+)(?:\s+in {REPLY})?\s+{_TIMES}",
        frequency,
    ),
]


def _letter_out(match: re.Match[str], context: Context) -> list[Constraint]:
    return [Constraint("must_not_include", match["letter"].lower(), "characters", source=SOURCE)]


_WORDS = (
    rf"(?P<target>{MARK}(?:\s*(?:,\s*and|,\s*or|,|and|or|&)\s*{MARK})*|[\w'-]+(?:\s*,\s*[\w'-]+)*(?:\s+(?:and|"
    r"or)\s+[\w'-]+)?)"
)

EXCLUDE_RULES: list[Rule] = [
    rule(rf"(?:told|asked|want(?:ed)?|like|prefer|need) (?:you )?not to\s+{USE}\s+{TARGET}{END}", exclude),
    rule(
        rf"{DONT}\s+let\s+{WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:appear|occur|show up|be {USED}|come up|slip in)",
        exclude,
    ),
    rule(rf"\bnot (?:a|one|another|a single) (?:word|mention|line) (?:about|of|on)\s+{TARGET}{END}", exclude),
    rule(
        rf"\b(?:minus|sans|leave off|lay off|hold)\s+(?:the\s+)?{WORDING}(?P<target>{MARK}|[\w'-]+)(?:\s+in "
        r"(?:the|your) next \w+)?",
        exclude,
    ),
    rule(
        rf"(?:words? (?:like|such as)\s+)?{_WORDS}\s+(?:is|are)\s+(?:not welcome|unwelcome|unwanted|undesired|"
        r"not wanted|not ok(?:ay)?|a no-?go)",
        exclude,
    ),
    rule(
        rf"(?:forbidden|banned|prohibited|excluded|disallowed|taboo|unwanted)\s+(?:key)?(?:words?|terms?|phrases?)"
        rf"\s*(?::|\bis\b|\bare\b|-)\s*{_WORDS}",
        exclude,
    ),
    rule(
        rf"\byou\s+(?:used|said|mentioned|wrote|included)\s+{WORDING}(?P<target>{MARK}|[\w'-]+)\s*[,;.:\-]*\s*"
        r"(?:and\s+|but\s+|please\s+)*(?:don['’]?t|do not|stop|remove it|take it out|you should not|shouldn['’]?t)\b",
        exclude,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}|[\w'-]+)\s+never\s+(?:shows? up|appears?|occurs?|comes? up|gets? (?:used|"
        r"said|mentioned))",
        exclude,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}|[\w'-]+)\s+{DONT}\s+be\s+(?:in (?:there|it|here)|anywhere)",
        exclude,
    ),
    rule(
        rf"(?:left|leave|leaving|keep|kept|cut)\s+{WORDING}(?P<target>{MARK}|[\w'-]+)\s+out\b(?:\s+of\s+(?:it|"
        rf"{REPLY}))?",
        exclude,
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
        exclude,
    ),
    rule(rf"(?:make sure|ensure|be careful)\s+(?:that\s+)?{REPLY}\s+{DONT}\s+{USE}\s+{TARGET}{END}", exclude),
    rule(
        r"(?:avoid|refrain from|abstain from|without|stop|no|quit|skip|resist|steer clear of)\s+"
        rf"(?:ever\s+)?{USING}\s+{TARGET}{END}",
        exclude,
    ),
    rule(
        r"(?:exclude|(?:omit|remov|exclud|delet|avoid|eliminat|skipp|dropp|ommitt|omitt)ing|leaving out|taking "
        r"out|eliminate|strip|purge|leave out|omit|remove|drop|get rid of|take out|delete|skip|cut out|cut"
        r"|steer clear of|ban|"
        rf"scrap|erase|lose)\s+(?:any\s+|all\s+)?{TARGET}{END}",
        exclude,
    ),
    rule(rf"(?:leave|keep|cut|take|get)\s+{TARGET}\s+(?:out|away)(?:\s+of\s+{REPLY})?{END}", exclude),
    rule(
        rf"(?:(?:make sure|ensure|see to it)\s+(?:that\s+)?)?{WORDING}(?P<target>{MARK}(?:\s*(?:,|and|"
        rf"or)\s*{MARK})*|[\w'-]+(?: [\w'-]+)?)\s+(?:{DONT}|must never|should never|is not|are not|isn['’]?t|"
        rf"aren['’]?t|is never)\s*(?:to\s+)?(?:be\s+)?(?:{USED}|appear|occur|show up|come up|allowed|permitted|"
        rf"be there)(?:\s+(?:anywhere|at all))?(?:\s*in\s+{REPLY})?",
        exclude,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:is|are)\s+(?:forbidden|banned|prohibited|off[- ]limits|taboo"
        r"|unnecessary|not needed|excluded|to be avoided)",
        exclude,
    ),
    rule(
        r"(?:i (?:do not|don['’]?t) want (?:to see|to read|to hear)?|i (?:do not|don['’]?t) (?:like|need)|you "
        r"should(?: not|n['’]?t) have (?:mentioned|used|included|said)|there should be no|no more|no need (?:to "
        rf"mention|for)|i['’]?d rather not (?:see|read|hear))\s+(?:about\s+)?{TARGET}{END}",
        exclude,
    ),
    rule(rf"(?:avoid|without|free of|free from)\s+{WORDING}{TARGET}{END}", exclude),
    rule(
        r"(?:find|use|pick|choose|try)\s+(?:a synonym|synonyms|an alternative|(?:another|a different|some other|"
        r"a better)\s+(?:word|term|phrase|"
        rf"expression))\s+(?:for|to|than|instead of)\s+{TARGET}{END}",
        exclude,
    ),
    rule(
        rf"(?:replace|swap)\s+{TARGET}\s+(?:with|by|for)\s+(?:something else|another (?:word|term)|a "
        rf"(?:different|synonym)[^.;!?\n]*|a synonym){END}",
        exclude,
    ),
    rule(rf"\bno\s+(?:mention|use|reference)s?\s+(?:of|to)\s+{TARGET}{END}", exclude),
]

FIRST_RULES: list[Rule] = [
    rule(
        r"(?:incomplete|not complete|not the same|nothing|wrong|missing something|can['’]?t do|cannot do|makes "
        rf"no sense)\s+without\s+{TARGET}{END}",
        lambda m, c: target_words(m, c, "must_include"),
    ),
    rule(
        rf"(?:how come|why(?: is| are|['’]s)?)\s+(?:is\s+|are\s+)?{WORDING}(?P<target>{MARK}|[\w'-]+)\s+"
        r"(?:isn['’]?t|is not|not|aren['’]?t|missing)"
        rf"(?:\s+{USED})?(?:\s+(?:in|from)\s+{REPLY})?",
        lambda m, c: target_words(m, c, "must_include"),
    ),
]

INCLUDE_RULES: list[Rule] = [
    rule(
        rf"(?:with|have|having)\s+{WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:{USED}|in it|in there|somewhere)",
        include,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}(?:\s*(?:,|and|or)\s*{MARK})*)\s+{MODAL}\s+(?:both|all|each)\s+(?:appear|be "
        rf"{USED}|occur|show up)",
        include,
    ),
    rule(
        r"(?:lacks?|is lacking|misses|is missing|does not have|doesn['’]?t have|where(?:['’]s| is))\s+"
        rf"(?:the\s+)?(?:words?|terms?|phrases?|keywords?)\s+(?P<target>{MARK}|[\w'-]+)",
        include,
    ),
    rule(rf"(?:would you mind|how about|consider|try|i suggest|i['’]d suggest)\s+{USING}\s+{TARGET}{END}", include),
    rule(
        rf"(?:sprinkle|sneak|drop|toss|throw)\s+(?:in\s+)?{WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:in(?:to)?)\s*"
        rf"(?:there|it|{REPLY})?",
        include,
    ),
    rule(
        rf"(?:(?:required|mandatory|necessary|needed|obligatory)\s+(?:key)?(?:words?|terms?|phrases?)"
        r"|(?:key)?(?:words?|terms?|phrases?)\s+(?:to (?:include|use|mention)|required|needed))\s*(?::|\bis\b|"
        rf"\bare\b|-)\s*{_WORDS}",
        include,
    ),
    rule(
        rf"(?:work|fit|weave|squeeze|slip|sneak|build|get|put|place|throw|drop|bring)\s+(?:in\s+)?{WORDING}"
        rf"(?P<target>{MARK}|(?<=word )[\w'-]+|(?<=term )[\w'-]+|(?<=phrase )[\w' -]+?)(?:\s+(?:in(?:to)?(?:\s+"
        rf"(?:it|there|{REPLY}))?|somewhere))?{END}",
        include,
    ),
    rule(
        rf"\blet\s+{WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:appear|occur|show up|be {USED}|come up)(?:\s+"
        rf"(?:somewhere\s+)?in\s+{REPLY})?",
        include,
    ),
    rule(
        r"(?:expect(?:ing|ed)?|hop(?:ing|ed)|want(?:ing|ed)?|wait(?:ing|ed)|look(?:ing|ed))\s+(?:to\s+|for\s+)?"
        r"(?:see|read|find|hear)?\s*"
        rf"(?:the\s+)(?:words?|terms?|phrases?|keywords?)\s+(?P<target>{MARK}|[\w'-]+)",
        include,
    ),
    rule(
        r"(?:you\s+)?(?:forgot|forget|failed|neglected|missed|did not|didn['’]?t|have not|haven['’]?t)\s+"
        rf"(?:to\s+)?(?:{USE}|mentioned|included|used|said|{USING})\s+{TARGET}{END}",
        include,
    ),
    rule(rf"(?:you\s+)?(?:forgot|left out|missed|omitted|skipped|overlooked)\s+(?:about\s+)?{TARGET}{END}", include),
    rule(
        r"(?:why (?:did(?: not|n['’]?t) you|is there no)|there (?:is|was) no|there['’]?s no|no)\s+(?:mention"
        rf"(?:ed)?(?: of)?|include|talk(?:ing)? about|word about)\s+{TARGET}{END}",
        include,
    ),
    rule(
        rf"(?:(?:make sure|ensure|see to it|be sure|check)\s+(?:that\s+)?){WORDING}(?P<target>{MARK}(?:\s*(?:,|"
        rf"and|or)\s*{MARK})*|[\w'-]+(?: (?!is\b|are\b|gets?\b|be\b)[\w'-]+)?)\s+(?:is|are|be|gets?|must be|"
        rf"should be)?\s*(?:{USED}|"
        rf"appears?|occurs?|shows? up|comes? up)(?:\s*(?:somewhere\s*)?in\s+{REPLY})?",
        include,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}(?:\s*(?:,|and|or)\s*{MARK})*|[\w'-]+(?: [\w'-]+)?)\s+{MODAL}\s+"
        rf"(?:also\s+)?(?:be\s+{USED}|appear|occur|show up|come up|be there|be in there)(?:\s*"
        rf"(?:somewhere\s*)?in\s+{REPLY})?",
        include,
    ),
    rule(
        rf"{WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:is|are|was|were)\s+(?:missing|absent|not (?:{USED}))(?:\s*"
        rf"(?:in|from)\s+{REPLY})?",
        include,
    ),
    rule(
        rf"(?:{REPLY}\s+{MODAL}\s+|please\s+|(?:make sure|be sure|remember|try|want you|like you|need you|"
        r"don['’]?t forget|do not forget)\s+(?:to\s+|that (?:you|it)\s+)?|(?:can|could|would|will) you\s+"
        rf"(?:please\s+)?|also\s+|and\s+|then\s+)*(?:{USE})s?\s+(?:also\s+)?{TARGET}{END}",
        include,
    ),
    rule(
        r"(?:with|using|including|containing|that (?:includes?|mentions?|contains?|uses?))\s+(?:the\s+)?"
        rf"(?:exact\s+)?(?:words?|keywords?|terms?|phrases?|names?|expressions?)\s*[:\-]?\s*{TARGET}{END}",
        include,
    ),
    rule(
        r"(?:i(?:['’]?d| would)? (?:like|want|love|need)(?: to)? (?:see|read|hear|find)|i(?:['’]?m| am) missing|"
        r"i miss|more (?:about|on)|what about|tell me (?:more )?about|explain|elaborate on|expand on|go "
        rf"into)\s+{TARGET}{END}",
        include,
    ),
]

RULES: list[Rule] = [*FIRST_RULES, *EXCLUDE_RULES, *INCLUDE_RULES]
