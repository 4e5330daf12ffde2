"""The words by which a comment denies a wish, as patterns for `denial`."""

from __future__ import annotations

import re

from services.tracker.domain.feedback.phrases import NUMBER
from services.tracker.domain.feedback.voice_words import OPPOSITES, TONES

QUOTED = re.compile(
    r"\"[^\"\n]{0,400}\"|“[^”\n]{0,400}”|„[^“”\n]{0,400}[“”]|«[^»\n]{0,400}»|(?<!\w)'[^'\n]{1,400}'(?!\w)"
)
ORDER = (
    r"(?:make|mention|add|include|remove|keep|say|use|write|give|tell|start|begin|end|put|leave|drop|explain|shorten|"
    r"focus|tighten|extend|expand|lengthen|condense|trim|elaborate|delete|replace|use|answer|reply|translate|list"
    r"|state|avoid|be|i (?:want|need|would|just|only)|i['’]d|it should|you should)\b"
)
SENTENCE = re.compile(r"[.;!?]+(?=\s|$)|\n+|\s+[–—]\s+|,?\s+(?<!anything )(?<!nothing )(?:but|however|though)\b,?")
CLAUSE = re.compile(
    rf"{SENTENCE.pattern}|,\s*(?:and\s+)?(?:please\s+)?(?=(?:just|only|rather|instead|also|then|{ORDER}))"
    rf"|\s+and\s+(?:please\s+)?(?={ORDER})",
    re.I,
)
NEVER = (
    r"(?:do(?:es)?\s?n['’]?t|do(?:es)? not|never|must(?:n['’]?t| not)|should(?:n['’]?t| not)|may not|can(?:['’]?t"
    r"|not| not)|"
    r"need not|not to|please not|wo(?:n['’]?t)|will not|without|avoid|refrain from|stop|did(?:n['’]?t| not)"
    r"|would(?:n['’]?t| not))"
)
SO = re.compile(r"\b(?:so|this|that|quite so|as)\s+(?:\w+ly\s+)?\w+", re.I)
FAULT = "|".join(
    sorted(
        {*OPPOSITES, "long", "lengthy", "wordy", "verbose", "long-winded", "boring", "confusing", "rambling", "curt",
         "unfriendly", "impolite", "vague", "bad", "unclear", "unhelpful", "repetitive"}
        - {"friendly", "simple", "formal", "professional", "casual", "enthusiastic", "humorous", "serious"},
        key=len, reverse=True,
    )
)  # fmt: skip
NOT = (
    r"(?:n['’]?t| not| never| hardly| by no means| in no way| far from(?: being)?| nowhere near| anything but"
    r"|(?: quite)? the (?:very )?(?:opposite|reverse|contrary) of| not at all)"
)
DEGREE = r"(?:(?:at all|really|actually|exactly|all that|even|in any way|in the least|particularly|especially)\s+)*"
MORE_TEXT = (
    r"(?:(?:any|some|a lot|much)\s+)?(?:more|further|additional|extra)\s+(?:details?|information|info|text"
    r"|explanations?|context|depth|words|sentences)"
)
FORM = (
    r"(?:(?:any|a|an|the|it as an?|it in)\s+){0,3}(?:bullets?|bullet[- ]?points?|(?:numbered |bulleted |bullet )?lists?"
    r"|titles?|"
    r"tables?|headings?|headlines?|sections?|json|markdown|emojis?|postscript|p\.?s\.?|quotation marks|capitals?|"
    r"capital letters)"
)
UNNEEDED = re.compile(
    r"\bno (?:need|reason|cause|point|call|use|sense|occasion|necessity|justification|excuse|room) (?:to|for|of|in)\b"
    r"|\b(?:do|does|did)(?:\s?n['’]?t| not) (?:\w+ly |even )?(?:have|need) to\b"
    r"|\bneed(?:n['’]?t| not)\b"
    r"|(?:\b(?:is|are|was)(?:n['’]?t| not)|['’]s not|['’]re not) (?:\w+ly )?(?:necessary|needed|required|essential"
    r"|a must)\b"
    r"|\b(?:ca|do)(?:\s?n['’]?t| not) (?:see|understand|know|imagine|think of a reason) why (?:it|this|that|we|you|i"
    r"|there|the \w+|your \w+) (?:should|must|ought|would|shall|(?:has|have|needs?) to)\b|\bcannot see why\b"
    r"|\bno (?:need|reason|cause) (?:why|that)\b"
    r"|\bun(?:necessary|needed) to\b|\bnot (?:required|obliged|necessary) to\b"
    r"|^\W*(?:please )?(?:forget|ignore|disregard|never ?mind) (?:what i said|that i said|my (?:last|previous"
    r"|earlier))\b"
    r"|\bi (?:take|took) (?:it |that )?back\b"
    r"|^\W*(?:but |and |so )?why (?:is|are|was|were|did|do|does|have|has|must) (?:you|it|this|that|the \w+"
    r"|your \w+|there)"
    rf" (?!not\b)(?:\w+ ){{0,5}}?(?:in |as )?{FORM}\b"
    r"|\b(?:nobody|no one|none of \w+) (?:really |actually )?(?:needs?|wants?|cares?|has|have)(?: to| about)?\b"
    r"|^\W*(?:do|does) (?:we|you|i|they|it|this|that|anyone|anybody|the \w+) (?:really |actually |even )?(?:need"
    r"|have to)\b"
    r"|\b(?:do|does)(?:\s?n['’]?t| not) (?:bother|require)\b|\bnothing against\b|\bno objections? to\b"
    rf"|\b{FORM} (?:is|are|was|were)(?:\s?n['’]?t| not) (?:\w+ly )?(?:needed|necessary|required|called for)\b"
    rf"|\b(?:do|does)(?:\s?n['’]?t| not) (?:\w+ly |even )?need (?:{MORE_TEXT}|{FORM}|(?:it "
    rf"|this )?(?:to be )?(?:longer|shorter))\b",
    re.I,
)
IT = r"(?:it|this|that|things|your \w+|the \w+|them)"
MANNERS = "|".join(sorted(map(re.escape, TONES), key=len, reverse=True))
COMPARATIVE = (
    r"(?:longer|shorter|briefer|lengthier|wordier|terser|(?:more|less) [\w-]{3,20}|(?!other\b|answer\b|letter\b"
    r"|number\b"
    r"|paper\b|offer\b|order\b|better\b|never\b|ever\b)[a-z]{3,12}(?:i|[a-z])er)"
)
IS = r"(?:is|['’]s|was|are|were|['’]re|looks?|seems?|feels?|sounds?|reads?|came out|turned out)"
ENDS_IN_BE = re.compile(rf"\b\w*(?:{IS}|be|been|do|does|did|could|would|should|must|may|might|will|can)\s*$", re.I)
"""What a negation that follows belongs to: then it is no contrast."""
PRAISED_FORM = re.compile(
    rf"^\W*(?:i think )?(?:the|these|those|your) (?:[\w-]+ )?{FORM}\s+(?:(?:is|are|was|were|looks?|works?|worked)"
    r" (?:\w+ )?(?:a |an )?(?:very |really |quite |so )?(?:good|great|nice|neat|lovely|perfect|fine|helpful|useful"
    r"|excellent|brilliant|wonderful|clever|well)\b(?! if)|helped\b)",
    re.I,
)
"""A form that the reply has and that is liked."""
CONTRASTED = re.compile(
    r"\s+(?:rather than|instead of|as opposed to|not)\s+(?:in\s+|as\s+)?"
    r"(?:plain text|prose|plain sentences|running text)(?=\W*$)"
    r"|[\s,;:(–-]+(?:and |but )?(?:not|rather than|instead of|as opposed to|never|by no means)"
    rf"\s+(?:(?:any|even|too|so|to make it|making it|to be|being)\s+)*(?:{COMPARATIVE}|{FAULT}|{MANNERS}"
    r"|in\s+[A-Z][a-z]+)\)?(?=\W*$|,|\s+and\b)",
    re.I,
)
BEST_AS_IT_IS = re.compile(
    rf"\bcould(?:\s?n['’]?t| not| hardly| barely| scarcely)(?: really)? (?:be|get|become)(?: any| much"
    rf"| more)* {COMPARATIVE}"
    r"|(?:\b(?:is|was)(?:\s?n['’]?t| not)|['’]s not|^\W*not) (?:that|as if|as though|like) (?:it|this"
    r"|the \w+)(?:['’]s| is"
    r"| was| were)\b"
    rf"|\bneither\s+(?:too\s+)?[\w-]+\s+nor\b|\bif (?:it|this|the \w+) (?:were|was|had been|would be) too\s+[\w-]+"
    rf"|\b(?:afraid|worried|feared|thought|expected|assumed|guessed)\b[^,;:]{{0,20}}\b(?:would|might|could"
    rf"|was going to)"
    rf" be\s+(?:too\s+[\w-]+|(?:{FAULT})\b)",
    re.I,
)
NOT_ASKED = re.compile(
    r"\b(?:i|we|nobody|no one|who|they)\s+(?:(?:did|do|have|had)(?:\s?n['’]?t| not)|never)?\s*(?:ever\s+|really\s+)?"
    r"(?:asked|ask|request|requested|ordered)\s+(?:you\s+)?(?:for|to)\b",
    re.I,
)
NOT_MORE_OF = re.compile(
    rf"\b{NEVER}\s+(?:\w+ly )?(?:make|making|get|getting|be|become|sound|write|turn)\s+(?:{IT}\s+)?(?:any |even "
    rf"|still "
    rf"|much )*(?:more|less)\s+[\w-]+",
    re.I,
)
PRAISED = re.compile(
    rf"(?:\b(?:the|its|your) (?:length|size|tone|style|form|format|layout"
    rf"|wording) )?\b\w*{IS}{NOT}\s+{DEGREE}(?:(?:too|overly|excessively|unduly)\s+[\w-]+|(?:{FAULT})\b(?!\s+enough)"
    r"|(?:an?|the|my|our|any) (?:\w+ )?(?:issue|problem|trouble|concern|point|matter|worry)\b|what bothers \w+)"
    rf"|\b(?:do|does|did)(?:\s?n['’]?t| not) (?:look|sound|seem|feel|read|strike me as"
    rf"|come across as)\s+{DEGREE}(?:(?:too|overly)\s+[\w-]+"
    rf"|(?:{FAULT})\b)"
    r"|^\W*(?:hardly|scarcely|by no means|in no way|far from(?: being)?|nowhere near)\s+too\s+[\w-]+"
    r"|^\W*not\s+too\s+[\w-]+\s+at all\b"
    r"|\btoo\s+[\w-]+\b.{0,40}(?:,| but)\s+i (?:do(?:\s?n['’]?t| not)|disagree)(?: think so| agree)?\W*$",
    re.I,
)
UNSAID = re.compile(
    r"\b(?:do(?:\s?n['’]?t| not)|would(?:\s?n['’]?t| not)|did(?:\s?n['’]?t| not)|can(?:['’]?t|not| not)"
    r"|could(?:\s?n['’]?t| not)|never|nobody|no one|not|who"
    r"|isn['’]?t)\s+"
    r"(?:\w+ly |ever |that |would |could |can |will )*(?:think|say|said|saying|find|found|feel|felt|mean|meant"
    r"|complain\w*|claim\w*|believe|call|consider|describe|deem|suggest\w*|asking|ask|i (?:want|need))\b[^,;:]{0,40}?"
    rf"\b(?:(?:too|overly)\s+[\w-]+|shorter|longer|briefer|{MORE_TEXT}|(?:{FAULT})\b)"
    r"|\b(?:i|we) (?:did(?:\s?n['’]?t| not)|never) (?:mean|meant|say|said|imply|implied|suggest|suggested|claim"
    r"|claimed)"
    r" (?:that\b|you|it|this|the|your)",
    re.I,
)
ALLOWED = re.compile(
    r"\b(?:it['’]?s|it is|that['’]?s|that is|would be|i['’]?m|i am)\s+(?:perfectly |totally |quite "
    r"|absolutely )?(?:fine|ok|"
    r"okay|all right|alright|no problem|acceptable|happy)\s+(?:with me |by me )?(?:to|if|for|with)\b|\bi (?:do not"
    r"|don['’]?t) mind\b|\b(?:can|may|could|should) (?:it|this) (?:stay|remain)\b",
    re.I,
)
ANY = r"(?:any |even |much |a lot |a bit |a little |significantly |considerably |become |get |be |grow )*"
NOT_LONGER = re.compile(
    rf"\b{NEVER}\s+(?:\w+ly )?(?:(?:make|making|want|let|get|getting|have|need|write|be"
    rf"|become)\s+(?:{IT}\s+)?(?:to\s+)?{ANY}"
    r"(?:longer|lengthier|bigger|more detailed|wordier|more verbose)\b(?!\s+than)"
    rf"|(?:lengthen|expand|extend|elaborat|pad|inflat)(?:e|ing)?\b(?:\s+(?:on\s+)?{IT})?"
    r"|(?:say|add|write|give me|saying|adding)\s+(?:any\s+)?(?:more(?:\s+(?:text|words|details?|sentences))?"
    r"|anything else)\s*$)",
    re.I,
)
NOT_SHORTER = re.compile(
    rf"\b{NEVER}\s+(?:\w+ly )?(?:(?:make|making|want|let|get|getting|have|need|write|be"
    rf"|become)\s+(?:{IT}\s+)?(?:to\s+)?{ANY}"
    r"(?:shorter|briefer|more concise|terser|smaller)\b(?!\s+than)"
    rf"|(?:shorten|condens|trim|abridg|compress|summari[sz])(?:e|ing)?\b(?:\s+{IT})?(?:\s+down)?"
    rf"|(?:cut|cutting)\s+(?:it|this|that|the (?:reply|answer|text|response))(?:\s+(?:down|short))?\s*$)",
    re.I,
)
NOT_BARELY_LONGER, NOT_BARELY_SHORTER = (
    re.compile(rf"^\W*(?:please\W+)?(?:just )?not (?:any |even )*(?:{words})\b(?! than \w*\d)", re.I)
    for words in ("longer|lengthier|wordier", "shorter|briefer|terser")
)
REMOVE = (
    r"(?:remov(?:e|ing)|delet(?:e|ing)|drop(?:ping)?|cut(?:ting)?(?: out)?|eras(?:e|ing)|los(?:e|ing)"
    r"|strip(?:ping)?(?: out)?|"
    r"tak(?:e|ing) out|get(?:ting)? rid of|throw(?:ing)? out|scrap(?:ping)?|kill|discard(?:ing)?)"
)
CHANGE = (
    r"(?:replac(?:e|ing)|swap(?:ping)?(?: out)?|substitut(?:e|ing)|exchang(?:e|ing)|renam(?:e|ing)|alter(?:ing)?"
    r"|tamper(?:ing)? with|mess(?:ing)? with|touch(?:ing)?|chang(?:e|ing)|modify(?:ing)?)"
)
OMIT = r"(?:exclud(?:e|ing)|omit(?:ting)?|leav(?:e|ing) out|skip(?:ping)?|overlook(?:ing)?|neglect(?:ing)?)"
UNWANTED = re.compile(
    rf"\b(?:(?:do|does|did)(?:\s?n['’]?t| not) (?:want|like|use|do|write|make|give me|turn (?:it|this) into|put (?:it"
    rf"|this) in(?:to)?|"
    rf"answer (?:in|with|as))|never (?:use|write)|not (?:as|in)|without|instead of"
    rf"|rather than|rather (?:not|you did(?:n['’]?t| not))(?: (?:have|use|get|see|make|write))?|stop using|no more"
    rf"|stop making|refrain from(?: using)?)\s+(?P<form>{FORM})\b",
    re.I,
)
TO_WANT = r"(?:(?:want|wish|need|expect|ask|asked|tell|told)\s+(?:you\s+|it\s+)?(?:to\s+)?)?"
KEPT = re.compile(rf"\b{NEVER}\s+(?:\w+ly )?{TO_WANT}(?P<verb>{REMOVE}|{OMIT})\s+(?P<target>[^.;!?\n]{{1,120}})", re.I)
UNCHANGED = re.compile(
    rf"\b{NEVER}\s+(?:\w+ly )?{TO_WANT}(?P<verb>{CHANGE})\s+(?!it\b|this\b|that\b|anything\b"
    rf"|the (?:reply|answer|text)\b)"
    r"(?P<target>[^.;!?\n]{1,80}?)(?=\s+(?:for|with|by|to|into|as|at all|please)\b|\W*$)",
    re.I,
)
KEPT_APART = re.compile(
    rf"\b{NEVER}\s+(?:\w+ly )?(?:leave|take|cut|keep)\s+(?P<target>[^.;!?\n,]{{1,60}}?)\s+(?P<verb>out|away)\b", re.I
)
MISSED = re.compile(
    r"\b(?P<verb>without)\s+(?P<target>[^.;!?\n,]{1,60}?),?\s+(?:it|this|that|the (?:reply|answer"
    r"|text))(?:\s+(?:would|is|looks"
    r"|seems|feels|makes|has|does)|['’]s)\b",
    re.I,
)
BAD_IDEA = re.compile(
    rf"\b(?P<verb>{REMOVE}|{OMIT})\s+(?P<target>[^.;!?\n]{{1,80}}?)\s+(?:would be|is|was|would have been|seems)\s+"
    r"(?:\w+ )?(?:a (?:big |bad |huge |grave )?(?:mistake|shame|pity|error|blunder|bad idea)|an error|wrong|bad|foolish"
    r"|unwise|no option|no good|not (?:an option|a good idea|ok(?:ay)?|wanted|acceptable|right|allowed))\b",
    re.I,
)
"""That it would be wrong to leave something out."""
NO_MORE = re.compile(
    r"^\W*(?:(?:please|and|now|but)\W+)*no (?:more|further|additional|extra) (?:details?|text|words|information|info"
    r"|explanations?|sentences|context)\b(?! than)"
    r"|\b(?:that|this|it)(?:['’]s| is) (?:quite |more than )?enough (?:details?|text|words|information|info|explanation"
    r"|context)\b"
    rf"|^\W*{MORE_TEXT} (?:would be|is|are|would|will be) (?:\w+ )?(?:too much|overkill|superfluous|unnecessary"
    rf"|unneeded"
    r"|confus\w+|bor\w+|pointless|useless|unwanted|overwhelm\w*|a mistake)\b",
    re.I,
)
ALL_BUT = re.compile(
    rf"\b(?P<verb>{REMOVE}|{OMIT})\s+(?:everything|all(?: of it)?|anything)\s+(?:else\s+)?(?:except|but|besides|save"
    r"|apart from|other than)(?:\s+for)?\s+(?P<target>[^.;!?\n]{1,120})",
    re.I,
)
ABOUT = re.compile(
    r"^(?:the\s+)?(?:parts?|bits?|sentences?|lines?|mentions?|sections?)\s+(?:about|with|on|of|that says?)\s+", re.I
)
EVERYTHING = re.compile(
    r"^(?:anything|everything|a thing|it|this|that|them|any(?: of)?\b.*|too much|much|more|words?)$", re.I
)


_GOES = (
    r"(?:go|vanish|disappear|fall away|be (?:removed|dropped|cut|deleted|lost|left out|missing|omitted|taken out|struck"
    r"|thrown out|skipped|gone))"
)
_NO_WAY = (
    r"(?:under no circumstances(?: whatsoever)?|on no account|in no (?:case|event)|at no point|not under any"
    r" circumstances|no matter what(?: you do)?|by no means|in no way|for (?:heaven|god"
    r"|goodness)['’]?s sake,? do(?:\s?n['’]?t"
    r"| not))"
)
MUST_NOT_GO = re.compile(
    rf"\b(?:{_NO_WAY}|never|(?:i|we)(?:['’]d| would) (?:hate|be (?:sad|sorry|cross"
    rf"|upset))(?: it)?(?: for| to see| if)?)\s+"
    rf"(?:(?:should|must|may|can|could|shall|is|are)\s+)?(?P<what>(?!you\b|we\b|it\b|to\b)[^.;!?\n,]{{1,60}}?)\s+"
    rf"(?:(?:to|were to|should|must|may|would)\s+)?(?:{_GOES}|removed|gone|dropped|deleted|go)\b",
    re.I,
)
"""That something may never go: its name is what must stay."""
ABSOLUTE = re.compile(
    rf"\b{_NO_WAY}\b,?\s*(?:please\s+)?(?:(?:should|must|may|can|do|are|would|will|ought)\s+(?:you"
    rf"|we)\s+(?:to\s+)?(?:ever\s+)?"
    r"|(?:should|must|may|can|is|will|would)\s+(?:it|this|the (?:reply|answer|text))\s+(?:to\s+)?)?"
    r"(?=(?!too\b|should\b|is\b|the\b|a\b|any\b)[a-z])",
    re.I,
)
"""An order that begins by forbidding: "under no circumstances (should you) …"."""
DREADED = re.compile(
    r"\b(?:i|we)(?:['’]d| would) (?:really |absolutely )?(?:hate|loathe|dread|be (?:sad|sorry|cross"
    r"|upset)|not like|rather you did"
    r" not)(?: it)?(?: for you)? to\s+(?=[a-z])|\b(?:i|we) (?:beg|urge|implore|warn|forbid) you (?:not )?to\s+(?=[a-z])"
    r"|(?:(?<=^)|(?<=[.;!?\n] )|(?<=, ))(?:please )?(?:refuse|decline|resist the (?:urge|temptation)) to\s+(?=[a-z])",
    re.I,
)
WHATEVER = re.compile(
    r"\b(?:whatever you do|whatever happens|no matter what(?: you do)?|at all costs|above all|for the love of \w+)"
    r"\b[,:;\s–—-]*(?=(?:please\s+)?(?:do\s?n['’]?t|do not|never|keep|avoid)\b)",
    re.I,
)
GO_DOING = re.compile(
    r"\b(?P<not>do\s?n['’]?t|do not|never|please not)\s+(?:(?:you\s+)?(?:dare(?: to)?|even think (?:of|about)"
    r"|go(?: and)?|you (?:ever|dare)|start|try to|think (?:of|about)|attempt to|bother)\s+)+(?=[a-z]{3,})",
    re.I,
)


SUGGESTS = re.compile(
    r"\bwhy (?:do(?:\s?n['’]?t| not) (?:you|we)|did(?:\s?n['’]?t| not) (?:you|we)|not)\s+(?=[a-z]+\b)(?!only\b)", re.I
)
BETTER = re.compile(
    r"\b(?:would|might)(?:\s?n['’]?t| not) (?P<wish>[^.;!?\n]{1,60}?) be (?:better|nicer|clearer|good|nice"
    r"|more \w+)\b",
    re.I,
)
BOTH = re.compile(r"\bnot only (?P<one>[^.;!?\n]{1,60}?),? but (?:also )?", re.I)
NEITHER = re.compile(rf"\b(?P<verb>{REMOVE}|{OMIT}) neither (?P<one>[^.;!?\n]{{1,60}}?),? nor\b", re.I)
NOT_TO = re.compile(
    r"\b(?:(?:do )?(?:try|remember|take care|be careful|make sure|be sure|see to it|ensure|do your best)(?: hard)?"
    r"|(?:i|we)(?:['’]d| would) (?:ask|like|prefer|urge|advise) (?:you )?) ?not to\b"
    r"|\b(?:you|it|this|the (?:reply|answer|text))(?: are| is| was| were|['’]re|['’]s)?(?:\s?n['’]t| not)"
    r" (?:supposed|meant|allowed) to\b"
    r"|\b(?:it|this|that|the \w+)(?:['’]s| is| was)(?:n['’]t| not) (?:something|anything|a \w+|one|the \w+) to\b",
    re.I,
)
"""How an order not to do something begins."""
OTHER_EDGE = re.compile(
    r"\b(?P<verb>start|begin|open|end|finish|close)(?:s|ing)?(?: off)? with (?:anything|something|everything)"
    r" (?:but|except|besides|other than|else than|else but)\b",
    re.I,
)
LACKS = re.compile(
    r"(?P<before>^\W*|[.;!?\n]\s*|,\s*(?:and |but )?|\bbut )(?:unfortunately,? |sadly,? )?(?:(?:it|this|that|you"
    r"|the (?:reply|answer"
    r"|text|response|draft|message)|your (?:reply|answer|text|response|draft|message))(?: still)? (?:do(?:es)?|did"
    r"|have|has)"
    r"(?:\s?n['’]?t| not) (?:even |yet )?(?:mention|say|state|include|contain|name|list|cover|explain"
    r"|address)(?:e?d)?(?! (?:it|this|that|them|anything|enough|which|what|why|how|whether|if|when|where|who)\b)"
    r"|(?:there(?:['’]s| is| was)|(?:i|we) (?:see|find|can see|found)|(?:it|this|the (?:reply|answer|text)) (?:has"
    r"|contains"
    r"|makes)) (?:no|not a|not one)"
    r" (?:single )?(?:mention|word|reference|hint|sentence|line)s? (?:of|about|on|to|regarding)) ",
    re.I,
)
"""What the reply is told to lack."""
TAKEN_BACK = re.compile(
    r"[^.;!?\n]{1,200}[.;!?\n]\s*(?:please |but |and |now )*(?:ignore|forget|disregard|scrap|scratch) (?:that|it"
    r"|this)\b",
    re.I,
)
"""A wish that the next words take back."""
GONE = re.compile(
    r"\b(?:i|we) (?:do(?:\s?n['’]?t| not)|never) want (?P<what>[^.;!?\n,]{1,60}?) to (?:disappear|vanish|go"
    r"|be (?:removed|dropped"
    r"|cut|deleted|lost|left out|missing))\b",
    re.I,
)
DENIED_FAULT = re.compile(
    rf"\b(?:(?:too|so)\s+[\w-]+|{COMPARATIVE}|{MORE_TEXT})\?\s*(?:not|no|never|hardly|nope)\b(?: (?:at all|really"
    rf"|for me))?",
    re.I,
)
OTHER_AMOUNT = re.compile(
    rf"(?:,\s*|\s+)(?:and )?(?:not|instead of|rather than)\s+{NUMBER}(?:\s+(?:words?|sentences?|lines?|characters?"
    r"|paragraphs?))?(?=\W*$)",
    re.I,
)
QUESTIONED = re.compile(
    rf"\b(?P<form>{FORM})(?:\?\s*(?:no|never|nope|please no(?:t)?)\b(?! (?:problem|need))"
    r"| (?:is|are) (?:the last thing|(?:a|an absolute) no-?go|out of the question|(?:exactly |just )?what (?:i"
    r"|we) (?:do"
    r"(?:\s?n['’]?t| not) want|hate))\b[^.,;!?\n]*)",
    re.I,
)
