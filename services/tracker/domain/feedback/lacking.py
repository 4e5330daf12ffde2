"""Rules for classes of paraphrases: that a quoted phrase, or "the word …", is lacking or is not wanted.

`FIRST_RULES` run before all others, which would read the opposite ("you did not say …" as an order); `RULES` read what
the others left.
"""

from __future__ import annotations

import re

from services.common.constraints import Constraint
from services.tracker.domain.feedback.broad import GAP as _GAP
from services.tracker.domain.feedback.broad import refused
from services.tracker.domain.feedback.grammar import Builder, Context, Rule, rule
from services.tracker.domain.feedback.phrases import MARK
from services.tracker.domain.feedback.targets import target_words
from services.tracker.domain.feedback.vocabulary import DONT

_TARGET = (
    rf"(?P<target>(?:(?:the\s+)?(?:word|term|phrase)s?\s+)?{MARK}(?:\s*(?:,\s*and|,\s*or|,|and|or|&)\s*{MARK})*|"
    r"(?:the\s+)?(?:word|term|phrase)s?\s+[\w'-]+)"
)


def _words(kind: str) -> Builder:
    def build(match: re.Match[str], context: Context) -> list[Constraint] | None:
        other = {"must_include": "must_not_include", "must_not_include": "must_include"}[kind]
        meant = other if refused(match) else kind
        return target_words(match, context, meant)

    return build


def _lacking(match: re.Match[str], context: Context) -> list[Constraint] | None:
    """A phrase that the reader finds lacking."""
    rather = re.search(r"\b(?:rather|prefer|better|wish|like it)\b[^.;!?\n]*$", match.string[: match.start()], re.I)
    return None if rather else target_words(match, context, "must_include")


def _listed(match: re.Match[str], context: Context) -> list[Constraint] | None:
    """Words behind a colon that something is to be done with."""
    wanted = re.search(
        r"\b(?:in|into|use|include|mention|occur|appear|contain|needed|required|keywords?)\b", match[0], re.I
    )
    return _lacking(match, context) if wanted else None


def _complained(match: re.Match[str], context: Context) -> list[Constraint] | None:
    """The same, but for what is ordered: "make sure that it does not contain …"."""
    clause = re.split(r"[.;!?\n]", match.string[: match.start()])[-1]
    ordered = re.search(
        r"\b(?:sure|ensure|so that|see (?:to it )?that|take care|certain|must|should|so|(?:re)?write|rephrase|redo|"
        r"try)\b",
        clause,
        re.I,
    )
    return None if ordered else _lacking(match, context)


FIRST_RULES: list[Rule] = [
    # what reads like its opposite
    rule(
        rf"\b(?:{DONT}\s+(?:leave out|forget|omit|skip|drop)|not (?:a|one) (?:single )?word (?:about|on|of)|keywords?:"
        r"|(?:you )?(?:did(?: not|n['’]?t) (?:say|mention|use|include)|never (?:said|mentioned|used|included))"
        rf"|why (?:is|are))\s+{_TARGET}[^.;!?\n⟦]*",
        _lacking,
    ),
    rule(rf"{_TARGET}\s+(?:is|are) not (?:there|in (?:it|there)) yet", _lacking),
    rule(
        rf"{_TARGET}\s+(?:(?:is|was|are|were)(?: not|n['’]?t)\s+(?:mentioned|included|used|said|named|there|"
        rf"in (?:it|there))"
        r"|did(?: not|n['’]?t)\s+(?:come up|appear|occur|show up|feature))\b[^.;!?\n⟦]*",
        _complained,
    ),
    rule(
        rf"\b(?:reply|answer|response|text|it|you|this)\s+(?:did(?: not|n['’]?t)|do(?:es)?(?: not|n['’]?t)|"
        rf"fail(?:s|ed)? to)\s+"
        rf"(?:contain|mention|include|use|have|say|bring up)\s+{_TARGET}[^.;!?\n⟦]*",
        _complained,
    ),
    rule(rf"\bnothing (?:about|on|of)\s+{_TARGET},? please", lambda m, c: target_words(m, c, "must_not_include")),
    rule(rf"\b(?:need|want|expect)\s+{_TARGET} to (?:appear|be|occur|come up|show up)\b[^.;!?\n⟦]*", _lacking),
]

RULES: list[Rule] = [
    # not wanted
    rule(
        rf"{_TARGET}\s+(?:{DONT}\s+belongs?\b|(?:has|have) no (?:place|business)\b|(?:must|should|has to|needs to|can|"
        r"may)\s+(?:go\b|disappear|vanish|be (?:removed|dropped|cut|gone|avoided|left out|deleted))|(?:is|be) (?:gone|"
        r"out|unwanted))[^.;!?\n⟦]*",
        _words("must_not_include"),
    ),
    rule(
        rf"\b(?:strike|stay away from|keep away from|spare me|tired of|sick of|hate|can['’]?t stand|dislike|refrain "
        rf"from|no more|there (?:must|should|may|can) be no|{DONT}\s+(?:want|need|like)(?: to (?:see|read|hear))?|"
        rf"never (?:want to |wish to )?(?:see|read|hear)|other words (?:for|than)|another word for|instead of|"
        rf"anything but|"
        rf"rather not (?:see|read|have)|get along without|do without)\s+(?:the use of\s+)?{_TARGET}[^.;!?\n⟦]*",
        _words("must_not_include"),
    ),
    rule(rf"(?:^|[.;!?,\n]\s*|\bi said\s+)(?:please,?\s+)?(?:no|not)\s+{_TARGET}", _words("must_not_include")),
    rule(rf"{_TARGET}\s+is not (?:something|what) (?:that )?i (?:want|like)[^.;!?\n⟦]*", _words("must_not_include")),
    rule(rf"\bleave\s+{_TARGET}\s+(?:unmentioned|unsaid|aside|away)", _words("must_not_include")),
    # lacking
    rule(
        rf"\b(?:where (?:is|are|was|did)|lacks?|lacking|misses|missing|there (?:is|was) (?:no|nothing)\b{_GAP}|need|"
        rf"needs|expected|hop(?:ed|ing)|counted on|waiting for|wanted|require[sd]?|demand|could use|make room for|find "
        rf"(?:a |some )?(?:place|room|space) for|{DONT}\s+(?:see|find|hear|read|lose)|"
        rf"did(?: not|n['’]?t)\s+(?:see|find|hear|say|mention|write|use)|never\s+(?:said|mentioned|used|wrote)|not a "
        rf"word (?:about|on|of)|nothing (?:about|on)|left|ignored|asked for|appreciate|good to|surely|"
        rf"this time with|again,? with|want|wish for|keywords?:|see that|so that|why (?:is|are)|could|can|let|"
        rf"may)\s+"
        rf"(?:(?:to\s+)?(?:see|read|find|hear|have|out|for|on|about|of)\s+)*{_TARGET}[^.;!?\n⟦]*",
        _words("must_include"),
    ),
    rule(
        rf"{_TARGET}\s+(?:belongs?|(?:must|should|has to|have to|needs? to|ought to|is to|could|can)\s+(?:also\s+)?(?:"
        r"be|appear|come|stand|occur|feature|figure|go)\b|deserves?|merits?|(?:is|are) (?:what i|not (?:there|in)|"
        r"nowhere|absent|needed|"
        r"required|"
        r"necessary|missing))[^.;!?\n⟦]*",
        _words("must_include"),
    ),
    rule(
        r"\b(?:following|these|words?|keywords?|terms?)\b[^.;!?\n⟦:]{0,40}:\s*(?P<target>[\w'-]+(?:\s*,\s*[\w'-]+)*)\s*"
        r"(?=$|[.;!?\n])",
        _listed,
    ),
    rule(r"\b(?:want|need|expect)\s+(?P<target>[\w'-]+) in (?:your|the|this) (?:answer|reply|response|text)", _lacking),
    rule(
        r"(?:^|[.;!?\n]\s*)(?P<target>[\w'-]+)\s+(?:should|must|has to|ought to) be in (?:your|the|this) (?:answer|"
        r"reply|"
        r"response|text)",
        _lacking,
    ),
]
