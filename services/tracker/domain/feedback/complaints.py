"""Complaints and questions whose negation asks for something, put as the plain wish before anything reads the comment.

"You have not written it in German", "I can't use it unless it's shorter", "it wouldn't hurt to be friendlier" and "I
don't like how long it is" hold a negation, but deny nothing: what stands beside it is lacking, is the condition, or is
the fault. What is quoted stays as it is.
"""

from __future__ import annotations

import re

from services.tracker.domain.feedback import denial_words as said
from services.tracker.domain.feedback.voice_words import LANGUAGES

_STARTS = r"(?P<starts>^\W*|[.;!?\n]\s*|,\s+(?:and |but |so )?|\b(?:but|although|though|because|since) )"
_SELF = (
    r"(?:it|this|that|(?:the|your) (?:whole |entire |last |new )?(?:reply|answer|text|response|draft|message|version))"
)
_STILL = (
    r"(?: (?:still|again|yet|even|really|actually|clearly|obviously|sadly|unfortunately|simply|once|now|all|quite|very"
    r"|properly|exactly|particularly|particular|at all))*"
)
_NOT = r"(?:n['’]?t| not)"
_LANGUAGE = rf"(?:{'|'.join(name for name in LANGUAGES if name.isascii())})"
_FORM = (
    r"(?:(?:numbered |bulleted |bullet |dotted )?lists?|bullets?(?:[- ]?points?)?|titles?|tables?|headings?|headlines?"
    r"|sections?|json|postscript|p\.?\s?s\.?)"
)
_ANY = r"(?: (?:an?|any|the|one|some|single))*"
_WROTE = (
    r"(?:writ(?:e|ten)|wrote|answer(?:ed)?|repl(?:y|ied)|respond(?:ed)?|put|translated?|phrased?|sa(?:y|id)|sen[dt]"
    r"|come|been|done|do|give[n]?|gave|ma[dk]e|format(?:ted)?|list(?:ed)?|present(?:ed)?|used?|set|laid|turn(?:ed)?"
    r"|structured?|organi[sz]ed?|add(?:ed)?|included?|provided?|got|contain(?:ed)?|have|had)"
)
_OBJECT = (
    r"(?: (?:it|this|that|me|them|us|things|anything|everything|to me|out|up|down|a (?:single )?(?:word|thing)"
    r"|the (?:reply|answer|text|response|draft|message|whole thing)))*"
)
_LACKS = (
    rf"(?:you{_STILL} (?:did|have|had){_NOT}|{_SELF}{_STILL} (?:did|does|has|had){_NOT}"
    rf"|(?:you|{_SELF}){_STILL} never(?: ever)?)"
)
_PRAISES = r"(?![^.;!?\n]{0,80}\b(?:good|great|fine|glad|nice|perfect|thank|love|happy|but)\b)"
_IS = r"(?:is|was|are|were)"
_ENDS = r"(?=\s*(?:$|[.;!?,\n]|\b(?:yet|at all|as|though|although|here|anywhere|even|which|again|and i)\b))"
_FAULTY = (
    r"(?:long|short|lengthy|wordy|verbose|brief|formal|informal|casual|stiff|cold|technical|complicated|detailed|dry"
    r"|rude|harsh|impersonal|vague|boring|robotic|chatty|friendly|serious|distant|pushy)"
)
_BE = r"(?:be|being|become|get|sound|look|read)"
_NO_MATTER = r"(?:mind|cares?|matters?|object|problem|worry|fine|hurt|complain|bother|better|prefer\w*|worse|miss)"
_DENIES = r"(?:n['’]t|\b(?:not|cannot|no|nobody|never|neither)\b)"
_BAD_WORD = (
    r"(?:useless|hard|bad|badly|unfinished|incomplete|confus\w+|lost|angry|sad|disappoint\w+|upset|unhappy|unreadable"
    r"|reject\w*|fails?|messy|difficult|impossible|worthless|wrong)"
)
_BAD = (
    r"\b(?:(?:ca|wo|do|does|would|could|did|is)(?:n['’]?t| not)|cannot|can not|will not|nobody|no one|never"
    rf"|of no use|no (?:use|good|help)|not|{_BAD_WORD})\b"
)
_PLAIN_WORDS = rf"(?:(?!{_DENIES}|\b(?:{_NO_MATTER}|{_BAD_WORD})\b)[^.;!?,\n])"
"""Letters of words that neither deny nor judge."""
_CLAUSE_STARTS = r"(?:(?<=^)|(?<=[.;!?\n] )|(?<=, )|(?<=\bbut ))"
_IF_NOT = rf"(?:if|when) (?:{_SELF}(?: {_IS}{_NOT}|['’]s not)|(?:you|it) do(?:es)?{_NOT})"
_USED = rf"(?: (?:use|in|as|have|include|mention|say))*{_ANY}"
_WORDS_NAMED = r"(?:(?:the )?(?:words?|phrases?|terms?)\b[^.;!?,\n]{1,60}|[\"“'][^\"”'\n]{1,60}[\"”'])"
_WHAT = rf"(?P<what>{_FORM}|{_WORDS_NAMED})"
_COMPLAINS = (
    r"(?:do|does|did)(?:\s?n['’]?t| not)(?: (?:really|quite|particularly|exactly))? (?:like|love|enjoy|appreciate)"
    r"|not (?:\w+ )?(?:happy|pleased|satisfied|comfortable|impressed|thrilled) (?:with|about|by)"
    r"|not (?:a (?:\w+ )?)?fan of"
    r"|unhappy (?:with|about)|hates?|dislikes?|can(?:['’]?t|not) stand|(?:annoyed|disappointed|irritated|put off"
    r"|bothered) (?:by|at|with)|(?:bothers|annoys|irritates) me(?: is)?"
)
_THEY = r"(?:i|we|he|she|they|it|you|no ?(?:one|body)|nobody|people|customers|clients|readers|my \w+|our \w+|the \w+)"


def _rules(*pairs: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.I), wish) for pattern, wish in pairs)


_PLAIN = _rules(
    # what is lacking
    (rf"{_STARTS}{_LACKS}{_STILL} {_WROTE}{_OBJECT}{_STILL} (?:in|into|to) (?P<what>{_LANGUAGE})\b",
     r"\g<starts>answer in \g<what>"),
    (rf"{_STARTS}{_LACKS}{_STILL} {_WROTE}{_OBJECT}(?: (?:in|into|as|to|with|in the form of))?{_ANY} (?P<what>{_FORM})"
     r"(?!\w)" + _PRAISES, r"\g<starts>use \g<what>"),
    (rf"{_STARTS}(?:{_SELF}{_STILL}(?:['’]s| {_IS}){_NOT}|(?:nothing|none of (?:it|this)){_STILL} {_IS}){_STILL}"
     rf"(?: {_WROTE})? (?:in|as){_ANY} (?P<what>{_FORM}){_ENDS}{_PRAISES}", r"\g<starts>use \g<what>"),
    (rf"{_STARTS}(?:why )?(?:{_SELF}{_STILL}(?:['’]s| {_IS}){_NOT}|{_IS}{_NOT} {_SELF}){_STILL}(?: {_WROTE})? in"
     rf" (?P<what>{_LANGUAGE}){_ENDS}{_PRAISES}", r"\g<starts>answer in \g<what>"),
    (rf"{_STARTS}(?:there(?:['’]s| {_IS})(?: (?:still|just|simply))?(?: no|{_NOT}(?: (?:any|an?))?)|{_SELF} (?:has|had"
     rf"|contains?) no|(?:i|we) (?:can )?(?:see|find|found|saw) no) (?P<what>{_FORM})(?!\w)"
     r"(?! (?:to|that|about|of|on|necessary|needed))" + _PRAISES, r"\g<starts>use \g<what>"),
    # questions that suggest
    (r",?\s*\bif (?:it|that)(?:['’]s| is)(?:n['’]t| not) (?:too much (?:trouble|to ask|work|of a bother)"
     r"|asking too much"
     r"|a problem|any trouble),?|,?\s*\bif (?:you|nobody) (?:do(?:es)?(?:n['’]t| not) )?minds?,?(?! if)", ","),
    (rf"\bwhy not(?: (?:an?|as|in|some|use))* (?P<what>{_FORM})(?!\w)", r"use \g<what>"),
    (rf"\bwhy {_IS}{_NOT} {_SELF}(?: (?:in|as))?{_ANY} (?P<what>{_FORM})(?!\w)", r"use \g<what>"),
    (r"\b(?:ca|could|wo|would|should)n['’]?t (?:you|we) (?:please |just |maybe )?(?!be (?:able|allowed)|see|read"
     r"|find|say"
     r"|agree|think|tell)(?=(?:(?!n['’]t|\bnot\b|\bnever\b|\bno\b)[^.;!?\n]){1,120}\?)", "please "),
    (rf"\b(?:ca|could|should|must){_NOT} {_SELF} (?:please |just |maybe |at least )?{_BE}"
     r"(?=(?:(?!n['’]t|\bnot\b|\bnever\b|\bno\b|\bany\b)[^.;!?\n]){1,120}\?)", "please make it"),
    (rf"{_STARTS}{_IS}{_NOT} {_SELF} (?:all |just |perhaps |maybe )?(?=(?:far |way |much )?(?:too|a bit|a little"
     rf"|rather)"
     r"\b[^.;!?\n]{1,80}\?)", r"\g<starts>it is "),
    (rf"{_STARTS}(?:still |why )?no (?P<what>{_FORM})\?", r"\g<starts>use \g<what>"),
    (rf"\b(?:is|are|was|should){_NOT} there (?:\w+ ){{0,3}}?(?:an?|any|the"
     rf"|some) (?P<what>{_FORM})(?!\w)", r"use \g<what>"),
    # what two negations ask for
    (rf"\b(?:{_THEY} (?:would|will)(?:n['’]?t| not)|['’]d not|wo(?:n['’]?t)|nobody (?:would|will)"
     rf"|no one (?:would|will)) mind"
     rf"(?: it)?(?: if (?:{_SELF}|you|there) (?:were|was|is|made|used|could be|could|put|wrote|added|had))?"
     rf"(?= [^.;!?\n]{{0,40}}(?:{said.COMPARATIVE}|{_FORM}|in {_LANGUAGE})(?!\w))", "please make it"),
    (r"\b(?:it|that|there|this|you|we) (?:(?:wo|would|could|ca)(?:n['’]?t)|(?:would|could|will|can) not"
     r"|cannot) (?:really "
     r"|exactly )?(?:hurt|harm|do any harm|go wrong)(?: (?:to|if (?:it|you|this|the \w+)(?: (?:were|was|is"
     r"|could))?|with"
     r"|by|in))?\b", "please"),
    (r"\b(?:there(?:['’]s| is| would be|['’]d be)|i (?:can )?see|it (?:does|would do)) (?:no|not any"
     r"|nothing) (?:harm|wrong"
     r"|shame) (?:in|with|if you)\b", "please"),
    (r"\b(?:i|we|they|he|she)(?:['’]d| would)(?:n['’]?t| not| never) (?:say no to|turn down|refuse|reject)"
     rf"(?=(?: (?:an?|some|any|the|a few))? (?:{_FORM}|{said.COMPARATIVE})(?!\w))", "please use"),
    (r"\b(?:do(?:\s?n['’]?t| not)|never|no need to) (?:hesitate|be (?:too )?(?:afraid|shy|scared|reluctant)"
     r"|shy away|hold back)(?: (?P<of>of|from|about|with)| to)?\b", "please"),
    (r"\b(?:there(?:['’]s| is)|i (?:can )?see) no (?:good )?(?:reason|point in|excuse for"
     r"|harm) (?:for )?not (?:to )?(?:use|using|have"
     r"|having|add)?\b", "please use"),
    (r"\b(?:it(?:['’]s| is| would be|['’]d be) )?(?:a|such a) (?:\w+ )?(?:shame|pity|mistake|waste) not to"
     r" (?:have|use|make|do|write|put|give)?\b", "please use"),
    # conditions
    (rf"{_CLAUSE_STARTS}{_PLAIN_WORDS}{{0,80}}?{_BAD}{_PLAIN_WORDS}{{0,60}}? unless (?=\w)",
     "please have it so that "),
    (rf"{_CLAUSE_STARTS}{_PLAIN_WORDS}{{0,80}}?{_BAD}{_PLAIN_WORDS}{{0,60}}? {_IF_NOT}{_USED} {_WHAT}",
     r"please use \g<what>"),
    (rf"\b{_IF_NOT}{_USED} {_WHAT},? {_PLAIN_WORDS}{{0,40}}?{_BAD}{_PLAIN_WORDS}{{0,60}}(?=[.;!?,\n]|$)",
     r"please use \g<what>"),
    (rf"{_CLAUSE_STARTS}{_PLAIN_WORDS}{{0,80}}?{_BAD}{_PLAIN_WORDS}{{0,40}}? without{_ANY} {_WHAT}",
     r"please use \g<what>"),
    (rf"\bwithout{_ANY} {_WHAT},? {_THEY}\b{_PLAIN_WORDS}{{0,40}}?{_BAD}{_PLAIN_WORDS}{{0,60}}(?=[.;!?,\n]|$)",
     r"please use \g<what>"),
    (rf"\b(?:{_SELF}|an? (?:reply|answer|text|message)) (?:that|which) (?:says|mentions|has|uses) neither"
     rf" (?P<one>[^.;!?,\n]{{1,40}}?) nor (?P<two>[^.;!?,\n]{{1,40}}?) {_PLAIN_WORDS}{{0,40}}?{_BAD}"
     rf"{_PLAIN_WORDS}{{0,60}}(?=[.;!?,\n]|$)", r"please mention \g<one> and \g<two>"),
    # faults
    (rf"(?:\b(?:i|we)(?:['’]m| am|['’]re| are|['’]d| would)?(?: (?:really|rather|somewhat|quite"
     rf"|just))* )?(?:{_COMPLAINS}) how"
     rf" (?:\w+ly )?(?:too )?(?P<what>{_FAULTY}) (?:{_SELF}|your \w+|the \w+|you)(?: [\w'’]+){{0,3}}?(?=\s*(?:$"
     rf"|[.;!?,\n]"
     r"|\b(?:and|but|so|please)\b))", r"it is too \g<what>"),
    (rf"(?P<before>(?:n['’]t|\bnot|\bnever|\bnobody|\bno one|\bhardly (?:any|no) ?(?:one|body)) (?:[\w'’]+ ){{0,6}}?)"
     rf"(?:this|that|quite so|as|such an?) (?P<what>{_FAULTY})\b(?! as)", r"\g<before>so \g<what>"),
    (rf"{_CLAUSE_STARTS}(?:[\w'’]+ ){{1,3}}?(?:(?:do|does|did|will|would|can|could){_NOT}|never"
     rf"|rather not)(?: ever| really)?"
     r" (?:like|love|enjoy|appreciate|want|read|need|have|see|accept|approve|use|print|publish|have time for)"
     rf" (?:[\w'’]+ ){{0,4}}?so (?P<what>{_FAULTY})\b", r"it is too \g<what>"),
    (rf"{_CLAUSE_STARTS}(?:nobody|no one) (?:\w+ )?(?:reads?|likes?|wants?|needs?|has time for)(?: [\w'’]+){{0,4}}? so"
     rf" (?P<what>{_FAULTY})\b", r"it is too \g<what>"),
    (rf"{_STARTS}(?:you|{_SELF}) (?:were|was|have been|has been)(?:{_NOT})(?: (?:very|really|exactly"
     rf"|particularly|at all"
     r"|especially|that|quite))* (?P<what>brief|concise|short|polite|friendly|formal|kind|professional|detailed)\b"
     r"(?! enough)", r"\g<starts>be more \g<what>"),
)  # fmt: skip


_ONE = re.compile(
    r"\buse (?:(?=(?:numbered |bulleted |bullet |dotted )?(?:list|table|section)\b)"
    r"|(?P<added>(?=(?:title|heading|headline|postscript|p\.?\s?s)\b)))",
    re.I,
)


def _with_article(match: re.Match[str]) -> str:
    return "make it a " if match["added"] is None else "add a "


def plainly(comment: str) -> str:
    """The comment with such complaints and questions put as wishes."""
    for pattern, wish in _PLAIN:
        quoted = [match.span() for match in said.QUOTED.finditer(comment)]

        def put(match: re.Match[str], spans: list[tuple[int, int]] = quoted, wish: str = wish) -> str:
            if any(start < match.start() < end for start, end in spans):
                return match[0]
            return _ONE.sub(_with_article, match.expand(wish))

        comment = pattern.sub(put, comment)
    return comment
