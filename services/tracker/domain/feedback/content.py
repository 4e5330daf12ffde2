"""Rules about what the reply says: words to use and to avoid, how often, facts to keep and to replace."""

from __future__ import annotations

import re

from services.common.constraint import replacing
from services.common.constraints import Constraint
from services.common.text_measures import count_phrase, sentences
from services.tracker.domain.feedback.grammar import SOURCE, Context, Rule, rule
from services.tracker.domain.feedback.phrases import COUNT, MARK, Amount, amount, phrases
from services.tracker.domain.normalise import typed_mentions

_END = r"(?=\s*(?:$|[.;!?\n]|,\s*(?:but|and|please|then|also|so)\b|\b(?:but|and then|and also|so that|because|since|as it)\b|\band (?:(?:please )?(?:do not|don'?t|make|keep|use|write|mention|include|avoid|add|remove|exclude|start|end|finish|be|put|give|say|it|the (?:answer|reply|response))\b)))"
_TARGET = rf"(?P<target>{MARK}(?:\s*(?:,\s*and|,\s*or|,|and|or|nor|&)\s*{MARK})*|[^.;!?\n]+?)"
_WORDING = r"(?:(?:the|this|that|these|those|a|any)\s+)?(?:(?:exact|following|specific)\s+)?(?:words?|keywords?|key ?words?|terms?|phrases?|names?|expressions?)?\s*[:\-]?\s*"
_USE = r"(?:include|mention|use|contain|say|write|incorporate|feature|work in|bring up|refer to|talk about|speak about|discuss|reference|name|cover|address|add|insert|put in|have|employ|state|display|touch on)"
_USING = r"(?:including|mentioning|using|containing|saying|writing|incorporating|featuring|referring to|talking about|speaking about|discussing|referencing|naming|bringing up|adding|employing|the use of|use of|any use of|any mention of|mention of|any reference to|reference to)"
_USED = r"(?:included|mentioned|used|contained|present|incorporated|featured|written|named|referenced|found|seen|part of (?:it|the \w+|your \w+)|there)"
_REPLY = r"(?:(?:your|the|this|that|its?)\s+(?:(?:whole|entire|next|new|final)\s+)?(?:answer|reply|response|output|text|message|draft|version|result|essay|story|poem|email|summary|explanation|description|paragraph|it)|it|you|the assistant|there)"
_MODAL = r"(?:must|should|shall|needs? to|has to|have to|ought to|is to|are to|can|may|will|would|do|does)"
_NOT = r"(?:not|n['’]t|never)"
_DONT = rf"(?:do(?:es)? not|do(?:es)?n['’]?t|never|must not|mustn['’]?t|should not|shouldn['’]?t|may not|cannot|can not|can['’]?t|could not|need not|not to|is not to|are not to|won['’]?t|will not|to not|not)"


def _target_words(match: re.Match[str], context: Context, kind: str) -> list[Constraint] | None:
    short, long = phrases(match["target"], context.quotes)
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
    "example explanation detail link source introduction intro conclusion joke greeting summary reason context quote reference step"
    " question emoji analogy number figure fact opinion description sentence paragraph line comment disclaimer apology".split()
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
    sentence = _sentence_at(match["target"], context)
    if sentence is not None:
        return [Constraint("must_not_include", sentence, source=SOURCE)] if sentence else None
    return _target_words(match, context, "must_not_include")


def _include(match: re.Match[str], context: Context) -> list[Constraint] | None:
    made = _target_words(match, context, "must_include")
    if made and not context.quotes.marked(match["target"]) and "word" not in match[0].lower():
        context.topics += [c.value for c in made]
    return made


# --------------------------------------------------------------------------------------------- frequency


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
    if re.match(_DONT, match[0], re.I) and bounds.min is not None:
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
    rf"(?P<times>(?:at least|at most|no more than|no fewer than|no less than|not more than|up to|less than|fewer than|more than"
    rf"|exactly|around|about|only|a minimum of|a maximum of)?\s*(?:{COUNT}(?= times?\b)|once|twice|thrice))(?:\s+times?)?"
)
_LETTER = r"the letter\s+[\"'“⟦]?(?P<letter>[A-Za-z#!?])\b[\"'”]?"

FREQUENCY_RULES: list[Rule] = [
    rule(
        rf"(?:{_REPLY}\s+{_MODAL}\s+)?{_LETTER}[^.;!?\n]*?(?:appear|occur|be used|show up|be present)?s?\s*{_TIMES}",
        _frequency,
    ),
    rule(rf"(?:{_USE}\s+){_LETTER}\s*{_TIMES}", _frequency),
    rule(
        rf"(?:(?:make sure|ensure|please)\s+(?:that\s+)?)?{_WORDING}(?P<target>{MARK}|\w+)\s+(?:{_MODAL}\s+)?"
        rf"(?:to\s+)?(?:appears?|occurs?|shows? up|(?:be|is)\s+{_USED}|comes? up)\s*(?:in {_REPLY}\s*)?{_TIMES}",
        _frequency,
    ),
    rule(
        rf"(?:{_DONT}\s+)?(?:{_USE}|repeat)\s+{_WORDING}(?P<target>{MARK}|\w+)(?:\s+in {_REPLY})?\s+{_TIMES}",
        _frequency,
    ),
]

# ---------------------------------------------------------------------------------------- replace and keep

_VALUE = r"(?:⟦\d+⟧|[^,.;!?\n⟦⟧]{1,60}?(?:\.\d+)?)"
_COPULA = r"(?:is|are|was|were|it['’]?s|it is|that['’]?s|they['’]?re|should be|should say|should read|must be|ought to be|costs?|means)"
_STATED = r"^(?:(?:no|sorry|actually|wait|well|hey|but|and|please|also|in fact|oh)\b[\s,]*)*"
_NO_FACT = re.compile(
    r"\b(?:long|short|formal|casual|good|enough|clear|sure|what|that|too|so|very|much|as|like this|helpful|right|need|needed|necessary"
    r"|necessarily|bullets?|sentences?|words|paragraphs?|lower ?case|json|answer|question|only|just|me|you|do|use|write|include|mention)\b",
    re.I,
)


def _fact(text: str, context: Context) -> str:
    quoted = context.quotes.marked(text)
    if quoted:
        return quoted[0]
    text = re.sub(
        r"^(?:(?:the|an?|on|at|in|for|from|to|by|be|say|it|it['’]s|is|that|really|actually|opens?|closes?|starts?|ends?|costs?|cost|the (?:word|phrase))\s+)+(?=\S)",
        "",
        text.strip(),
        flags=re.I,
    )
    return text.strip(" ,.;:!?\"'")


def _replace(match: re.Match[str], context: Context) -> list[Constraint] | None:
    new, old = _fact(match["new"], context), _fact(match["old"], context)
    new, old = _same_kind(new, old)
    if not new or not old or new.lower() == old.lower() or len(new.split()) > 8 or len(old.split()) > 8:
        return None
    if not context.quotes.marked(match["old"]) and not context.quotes.marked(match["new"]):
        in_draft = count_phrase(old, context.draft) > 0
        if not in_draft and (_NO_FACT.search(new) or _NO_FACT.search(old)):
            return None
    subject = match.groupdict().get("subject")
    if subject:
        context.topics.append(_fact(subject, context))
    context.topics.append(new)
    return [replacing(old, new, SOURCE)]


def _same_kind(new: str, old: str) -> tuple[str, str]:
    """ "The store opens at 10 am, not 9 am": of two facts the moments, amounts or numbers alone, if each has one."""
    ours, theirs = typed_mentions(new), typed_mentions(old)
    if len(ours) == len(theirs) == 1 and ours[0].kind == theirs[0].kind:
        return ours[0].text, theirs[0].text
    return new, old


def _moment(match: re.Match[str], context: Context) -> list[Constraint] | None:
    """ "It should be Tuesday", "actually it's $30": it takes the place of the draft's only fact of its kind."""
    new = typed_mentions(match["new"])
    if len(new) != 1 or new[0].kind == "number" or len(match["new"].split()) > len(new[0].text.split()) + 2:
        return None
    stood = {m.text for m in typed_mentions(context.draft) if m.kind == new[0].kind}
    context.topics.append(new[0].text)
    if len(stood) == 1 and new[0].text.lower() not in {s.lower() for s in stood}:
        return [replacing(stood.pop(), new[0].text, SOURCE)]
    return [Constraint("must_include", new[0].text, source=SOURCE)]


def _should_be(match: re.Match[str], context: Context) -> list[Constraint] | None:
    """ "Monday is wrong, it should be Tuesday"; "the price should be $30": what the draft says gives way."""
    new, old = _fact(match["new"], context), _fact(match["old"], context)
    if not new or len(new.split()) > 8 or _NO_FACT.search(new) or not old or not count_phrase(old, context.draft):
        return None
    context.topics.append(f"{old}: {new}")
    if _like(old, new):
        return [replacing(old, new, SOURCE)]
    said = next((s for s in sentences(context.draft) if count_phrase(old, s)), "")
    alike = [m[0].strip(".,") for m in re.finditer(r"[$€£]?\d[\d,.:]*%?|\b[A-Z][a-z]+\b", said)]
    stood = [a for a in alike if _like(a, new) and a.lower() != old.lower()]
    if len(stood) == 1:
        return [replacing(stood[0], new, SOURCE)]
    return [Constraint("must_include", new, source=SOURCE)]


def _like(old: str, new: str) -> bool:
    """Whether one can stand where the other stood: both amounts, both numbers, both names, or both plain words."""

    def shape(text: str) -> str:
        if re.search(r"[$€£%]", text):
            return "amount"
        if re.search(r"\d", text):
            return "number"
        return "name" if text[:1].isupper() else "word"

    return shape(old) == shape(new)


_ORDINALS = {"first": 0, "opening": 0, "second": 1, "third": 2, "fourth": 3, "last": -1, "final": -1, "closing": -1}


def _letter_out(match: re.Match[str], context: Context) -> list[Constraint]:
    return [Constraint("must_not_include", match["letter"].lower(), "characters", source=SOURCE)]


def _sentence_at(target: str, context: Context) -> str | None:
    """The sentence of the draft that "the last sentence" points at; None for other targets, "" if it has none."""
    place = re.search(rf"\b(?P<which>{'|'.join(_ORDINALS)})\s+(?:sentence|line)\b", target, re.I)
    if not place:
        return None
    parts, index = sentences(context.draft), _ORDINALS[place["which"].lower()]
    return parts[index] if parts and -len(parts) <= index < len(parts) else ""


def _keep(match: re.Match[str], context: Context) -> list[Constraint] | None:
    target = match["target"]
    sentence = _sentence_at(target, context)
    if sentence is not None:
        return [Constraint("keep", sentence, source=SOURCE)] if sentence else None
    short, _ = phrases(
        re.sub(
            r"^(?:the )?(?:part|bit|sentence|line|mention)s? (?:about|with|on|of|that says)\s+", "", target, flags=re.I
        ),
        context.quotes,
    )
    known = [p for p in short if context.quotes.marked(target) or count_phrase(p, context.draft)]
    return [Constraint("keep", p, source=SOURCE) for p in known] or None


REPLACE_RULES: list[Rule] = [
    rule(
        rf"(?:replace|swap|substitute|exchange)\s+(?P<old>{_VALUE})\s+(?:with|by|for)\s+(?P<new>{_VALUE}){_END}",
        _replace,
    ),
    rule(rf"(?:change|correct|rename|fix)\s+(?P<old>{_VALUE})\s+(?:to|into)\s+(?P<new>{_VALUE}){_END}", _replace),
    rule(
        rf"(?:say|use|write|put|call it|make it|mention)\s+(?P<new>{_VALUE})\s*,?\s*(?:instead of|rather than|and not|not)\s+(?P<old>{_VALUE}){_END}",
        _replace,
    ),
    rule(
        rf"instead of\s+(?P<old>{_VALUE}),?\s+(?:say|use|write|put|it should (?:be|say)|call it)\s+(?P<new>{_VALUE}){_END}",
        _replace,
    ),
    rule(
        rf"(?P<old>{_VALUE})\s+(?:is|are|was)\s+(?:wrong|incorrect|not (?:right|correct|true))[\s,.;:\-]*(?:and\s+)?(?:it|that|they)?['’]?\s*(?:s|is|are|should (?:be|say)|must be)\s+(?P<new>{_VALUE}){_END}",
        _should_be,
    ),
    rule(
        rf"(?:it|that|this|they|we|the \w+)\s*(?:is|was|are|['’]s|['’]re)\s*(?:not|n['’]t)\s+(?P<old>{_VALUE})\s*[,;.\-–—]*\s*(?:but|it['’]?s|it is|it was|they['’]?re|they are|that['’]?s|rather|it should be)\s+(?P<new>{_VALUE}){_END}",
        _replace,
    ),
    rule(rf"\bnot\s+(?P<old>{_VALUE}),?\s+but\s+(?P<new>{_VALUE}){_END}", _replace),
    rule(
        rf"{_STATED}(?:(?P<subject>[^,.;!?\n]{{1,40}}?)\s+)?{_COPULA}\s+(?P<new>{_VALUE})\s*(?:,|\band\b|–|—|-)?\s*(?:and )?not\s+(?P<old>{_VALUE}){_END}",
        _replace,
    ),
    rule(
        rf"(?:you|it|the \w+)\s+(?:said|says|wrote|claim(?:ed|s)?|stated?|mentioned|put)\s+(?:that\s+)?(?:it\s+|they\s+)?"
        rf"(?P<old>{_VALUE})\s*,?\s+but\s+(?:it['’]?s|it is|it was|the \w+ is|that['’]?s|they are|they['’]?re|it costs?)\s+"
        rf"(?:actually\s+|really\s+)?(?P<new>{_VALUE}){_END}",
        _replace,
    ),
    rule(
        rf"(?:i|we) (?:said|asked for|meant|wanted|ordered|booked|mean|told you)\s+(?P<new>{_VALUE})\s*,?\s*(?:and )?not\s+(?P<old>{_VALUE}){_END}",
        _replace,
    ),
    rule(rf"(?:^|(?<=[.;!?\n]))\s*(?P<new>{_VALUE})\s*,\s*not\s+(?P<old>{_VALUE}){_END}", _replace),
    rule(
        rf"(?:it|that|this|they)\s*(?:should (?:be|say|read)|is|['’]s|must be|ought to be|starts?|opens?|closes?|costs?)"
        rf"\s+(?:actually\s+|really\s+|at\s+|on\s+)*(?P<new>{_VALUE}){_END}",
        _moment,
    ),
    rule(rf"(?P<old>{_VALUE})\s+should (?:be|say|read)\s+(?P<new>{_VALUE}){_END}", _should_be),
]

KNOWN_REPLACE_RULES: list[Rule] = [
    rule(
        rf"(?P<new>[^\s,.;!?\n]+(?:\.\d+)?(?:\s[^\s,.;!?\n]+){{0,2}}?)\s*,?\s*(?:and\s+)?not\s+(?:on\s+|at\s+|in\s+|for\s+|the\s+)*(?P<old>{_VALUE}){_END}",
        lambda m, c: _replace(m, c) if count_phrase(_fact(m["old"], c), c.draft) else None,
    ),
]

KEEP_RULES: list[Rule] = [
    rule(rf"(?:do not|don['’]?t|never)\s+(?:change|touch|alter|remove|drop|delete|lose|edit)\s+{_TARGET}{_END}", _keep),
    rule(
        rf"(?:keep|retain|preserve|leave|stick (?:with|to))\s+{_TARGET}(?:\s+(?:as (?:it|they) (?:is|are|was|were)|as is|in(?: there| place)?|unchanged|untouched|the same|intact|exactly as is|though))?{_END}",
        _keep,
    ),
    rule(
        rf"(?:i (?:like|liked|love|loved)|good job on)\s+(?P<target>the (?:\w+\s+)?(?:sentence|line|part about [^,.;!?\n]+)){_END}",
        _keep,
    ),
]

# ------------------------------------------------------------------------------------- exclude and include

EXCLUDE_RULES: list[Rule] = [
    rule(
        rf"(?:{_DONT}|without|avoid|no|never)\s+(?:{_USE}|{_USING})?\s*(?:any\s+)?(?:words? (?:with|containing)\s+)?{_LETTER}(?:\s+(?:in|anywhere|at all)[^.;!?\n]*)?",
        _letter_out,
    ),
    rule(
        rf"(?:(?:please|{_REPLY}|make sure|be sure|ensure|take care|try|remember|i['’]?d (?:like|want) you|i want you|you)\s+)*(?:to\s+|that\s+(?:you\s+|it\s+)?)?{_DONT}\s+(?:to\s+)?(?:ever\s+|again\s+|even\s+|explicitly\s+)?{_USE}\s+{_TARGET}{_END}",
        _exclude,
    ),
    rule(rf"(?:make sure|ensure|be careful)\s+(?:that\s+)?{_REPLY}\s+{_DONT}\s+{_USE}\s+{_TARGET}{_END}", _exclude),
    rule(
        rf"(?:avoid|refrain from|abstain from|without|stop|no|quit|skip|resist|steer clear of)\s+(?:ever\s+)?{_USING}\s+{_TARGET}{_END}",
        _exclude,
    ),
    rule(
        rf"(?:exclude|leave out|omit|remove|drop|get rid of|take out|delete|skip|cut out|cut|steer clear of|ban|scrap|erase|lose)\s+(?:any\s+|all\s+)?{_TARGET}{_END}",
        _exclude,
    ),
    rule(rf"(?:leave|keep|cut|take|get)\s+{_TARGET}\s+(?:out|away)(?:\s+of\s+{_REPLY})?{_END}", _exclude),
    rule(
        rf"(?:(?:make sure|ensure|see to it)\s+(?:that\s+)?)?{_WORDING}(?P<target>{MARK}(?:\s*(?:,|and|or)\s*{MARK})*|[\w'-]+(?: [\w'-]+)?)\s+(?:{_DONT}|must never|should never|is not|are not|isn['’]?t|aren['’]?t|is never)\s*(?:to\s+)?(?:be\s+)?(?:{_USED}|appear|occur|show up|come up|allowed|permitted|be there)(?:\s+(?:anywhere|at all))?(?:\s*in\s+{_REPLY})?",
        _exclude,
    ),
    rule(
        rf"{_WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:is|are)\s+(?:forbidden|banned|prohibited|off[- ]limits|taboo|unnecessary|not needed|excluded|to be avoided)",
        _exclude,
    ),
    rule(
        rf"(?:i (?:do not|don['’]?t) want (?:to see|to read|to hear)?|i (?:do not|don['’]?t) (?:like|need)|you should(?: not|n['’]?t) have (?:mentioned|used|included|said)|there should be no|no more|no need (?:to mention|for)|i['’]?d rather not (?:see|read|hear))\s+(?:about\s+)?{_TARGET}{_END}",
        _exclude,
    ),
    rule(rf"(?:avoid|without|free of|free from)\s+{_WORDING}{_TARGET}{_END}", _exclude),
    rule(
        rf"(?:find|use|pick|choose|try)\s+(?:another|a different|some other|a better)\s+(?:word|term|phrase|expression)\s+(?:for|than|instead of)\s+{_TARGET}{_END}",
        _exclude,
    ),
    rule(
        rf"(?:replace|swap)\s+{_TARGET}\s+(?:with|by|for)\s+(?:something else|another (?:word|term)|a (?:different|synonym)[^.;!?\n]*|a synonym){_END}",
        _exclude,
    ),
    rule(rf"\bno\s+(?:mention|use|reference)s?\s+(?:of|to)\s+{_TARGET}{_END}", _exclude),
]

INCLUDE_RULES: list[Rule] = [
    rule(
        rf"(?:you\s+)?(?:forgot|forget|failed|neglected|missed|did not|didn['’]?t|have not|haven['’]?t)\s+(?:to\s+)?(?:{_USE}|mentioned|included|used|said|{_USING})\s+{_TARGET}{_END}",
        _include,
    ),
    rule(rf"(?:you\s+)?(?:forgot|left out|missed|omitted|skipped|overlooked)\s+(?:about\s+)?{_TARGET}{_END}", _include),
    rule(
        rf"(?:why (?:did(?: not|n['’]?t) you|is there no)|there (?:is|was) no|there['’]?s no|no)\s+(?:mention(?:ed)?(?: of)?|include|talk(?:ing)? about|word about)\s+{_TARGET}{_END}",
        _include,
    ),
    rule(
        rf"(?:(?:make sure|ensure|see to it|be sure|check)\s+(?:that\s+)?){_WORDING}(?P<target>{MARK}(?:\s*(?:,|and|or)\s*{MARK})*|[\w'-]+(?: [\w'-]+)?)\s+(?:is|are|be|gets?|must be|should be)?\s*(?:{_USED}|appears?|occurs?|shows? up|comes? up)(?:\s*(?:somewhere\s*)?in\s+{_REPLY})?",
        _include,
    ),
    rule(
        rf"{_WORDING}(?P<target>{MARK}(?:\s*(?:,|and|or)\s*{MARK})*|[\w'-]+(?: [\w'-]+)?)\s+{_MODAL}\s+(?:also\s+)?(?:be\s+{_USED}|appear|occur|show up|come up|be there|be in there)(?:\s*(?:somewhere\s*)?in\s+{_REPLY})?",
        _include,
    ),
    rule(
        rf"{_WORDING}(?P<target>{MARK}|[\w'-]+)\s+(?:is|are|was|were)\s+(?:missing|absent|not (?:{_USED}))(?:\s*(?:in|from)\s+{_REPLY})?",
        _include,
    ),
    rule(
        rf"(?:{_REPLY}\s+{_MODAL}\s+|please\s+|(?:make sure|be sure|remember|try|want you|like you|need you|don['’]?t forget|do not forget)\s+(?:to\s+|that (?:you|it)\s+)?|(?:can|could|would|will) you\s+(?:please\s+)?|also\s+|and\s+|then\s+)*(?:{_USE})s?\s+(?:also\s+)?{_TARGET}{_END}",
        _include,
    ),
    rule(
        rf"(?:with|using|including|containing|that (?:includes?|mentions?|contains?|uses?))\s+(?:the\s+)?(?:exact\s+)?(?:words?|keywords?|terms?|phrases?|names?|expressions?)\s*[:\-]?\s*{_TARGET}{_END}",
        _include,
    ),
    rule(
        rf"(?:i(?:['’]?d| would)? (?:like|want|love|need)(?: to)? (?:see|read|hear|find)|i(?:['’]?m| am) missing|i miss|more (?:about|on)|what about|tell me (?:more )?about|explain|elaborate on|expand on|go into)\s+{_TARGET}{_END}",
        _include,
    ),
]

RULES: list[Rule] = [*REPLACE_RULES, *KEEP_RULES, *KNOWN_REPLACE_RULES, *EXCLUDE_RULES, *INCLUDE_RULES]
