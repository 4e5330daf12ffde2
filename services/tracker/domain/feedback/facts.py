"""Rules about facts: what to keep of the draft, what to say in place of what it says."""

from __future__ import annotations

import re

from services.common.constraints import Constraint, replacing
from services.common.text_measures import count_phrase, sentences
from services.tracker.domain.feedback.grammar import SOURCE, Context, Rule, rule
from services.tracker.domain.feedback.phrases import phrases
from services.tracker.domain.feedback.vocabulary import END, TARGET
from services.tracker.domain.normalise import typed_mentions

_VALUE = r"(?:⟦\d+⟧|[^,.;!?\n⟦⟧]{1,60}?(?:\.\d+)?)"
_COPULA = (
    r"(?:is|are|was|were|it['’]?s|it is|that['’]?s|they['’]?re|should be|should say|should read|must be|ought to be|"
    r"costs?|means)"
)
_STATED = r"^(?:(?:no|sorry|actually|wait|well|hey|but|and|please|also|in fact|oh)\b[\s,]*)*"
_NO_FACT = re.compile(
    r"\b(?:long|short|formal|casual|good|enough|clear|sure|what|that|too|so|very|much|as|like this|helpful|right|"
    r"need|needed|necessary"
    r"|necessarily|bullets?|sentences?|words|paragraphs?|lower ?case|json|answer|question|only|just|me|you|do|use"
    r"|write|include|mention)\b",
    re.I,
)


def _fact(text: str, context: Context) -> str:
    quoted = context.quotes.marked(text)
    if quoted:
        return quoted[0]
    text = re.sub(
        r"^(?:(?:the|an?|on|at|in|for|from|to|by|be|say|it|it['’]s|is|that|really|actually|opens?|closes?|starts?"
        r"|ends?|costs?|called|named|known as|the (?:word|phrase))\s+)+(?=\S)",
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
        # A fact the draft does not state can be meant only where both are of one telling kind.
        if not in_draft and (
            _shape(new) == "word"
            or _NO_FACT.search(new)
            or _NO_FACT.search(old)
            or not _like(old, new)
            or len(f"{old} {new}".split()) > 4
        ):
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

    return _shape(old) == _shape(new)


def _shape(text: str) -> str:
    if re.search(r"[$€£%]", text):
        return "amount"
    if re.search(r"\d", text):
        return "number"
    return "name" if text[:1].isupper() else "word"


_ORDINALS = {"first": 0, "opening": 0, "second": 1, "third": 2, "fourth": 3, "last": -1, "final": -1, "closing": -1}


def sentence_at(target: str, context: Context) -> str | None:
    """The sentence of the draft that "the last sentence" points at; None for other targets, "" if it has none."""
    place = re.search(rf"\b(?P<which>{'|'.join(_ORDINALS)})\s+(?:sentence|line)\b", target, re.I)
    if not place:
        return None
    parts, index = sentences(context.draft), _ORDINALS[place["which"].lower()]
    return parts[index] if parts and -len(parts) <= index < len(parts) else ""


def _keep(match: re.Match[str], context: Context) -> list[Constraint] | None:
    target = match["target"]
    if re.search(r"\b(?:out|away)\b", target) or re.match(r"\s*(?:out\b|away\b)", match.string[match.end() :]):
        return None  # "keep it out of your reply"
    sentence = sentence_at(target, context)
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
        rf"(?:do not|don['’]?t|never)\s+(?:say|use|write|call it|put)\s+(?P<old>{_VALUE})\s*[,;.]\s*(?:but\s+|"
        r"rather\s+|instead\s+)?"
        rf"(?:say|use|write|call it|put)\s+(?P<new>{_VALUE}){END}",
        _replace,
    ),
    rule(
        rf"(?:replace|swap|substitute|exchange)\s+(?P<old>{_VALUE})\s+(?:with|by|for)\s+(?P<new>{_VALUE}){END}",
        _replace,
    ),
    rule(rf"(?:change|correct|rename|fix)\s+(?P<old>{_VALUE})\s+(?:to|into)\s+(?P<new>{_VALUE}){END}", _replace),
    rule(
        rf"(?:say|use|write|put|call it|make it|mention)\s+(?P<new>{_VALUE})\s*,?\s*(?:instead of|rather than|"
        rf"and not|not)\s+(?P<old>{_VALUE}){END}",
        _replace,
    ),
    rule(
        rf"instead of\s+(?P<old>{_VALUE}),?\s+(?:say|use|write|put|it should (?:be|say)|call it)\s+"
        rf"(?P<new>{_VALUE}){END}",
        _replace,
    ),
    rule(
        rf"(?P<old>{_VALUE})\s+(?:is|are|was)\s+(?:wrong|incorrect|not (?:right|correct|true))[\s,.;:\-]*"
        rf"(?:and\s+)?(?:it|that|they)?['’]?\s*(?:s|is|are|should (?:be|say)|must be)\s+(?P<new>{_VALUE}){END}",
        _should_be,
    ),
    rule(
        r"(?:it|that|this|they|we|the \w+)\s*(?:is|was|are|['’]s|['’]re)\s*(?:not|n['’]t)\s+"
        rf"(?P<old>{_VALUE})\s*[,;.\-–—]*\s*(?:but|it['’]?s|it is|it was|they['’]?re|they are|that['’]?s|rather|"
        rf"it should be)\s+(?P<new>{_VALUE}){END}",
        _replace,
    ),
    rule(rf"\bnot\s+(?P<old>{_VALUE}),?\s+but\s+(?P<new>{_VALUE}){END}", _replace),
    rule(
        rf"{_STATED}(?:(?P<subject>[^,.;!?\n]{{1,40}}?)\s+)?{_COPULA}\s+(?P<new>{_VALUE})\s*(?:,|\band\b|–|—|"
        rf"-)?\s*(?:and )?not\s+(?P<old>{_VALUE}){END}",
        _replace,
    ),
    rule(
        r"(?:you|it|the \w+)\s+(?:said|says|wrote|claim(?:ed|s)?|stated?|mentioned|put)\s+(?:that\s+)?(?:it\s+|"
        r"they\s+)?"
        rf"(?P<old>{_VALUE})\s*,?\s+but\s+(?:it['’]?s|it is|it was|the \w+ is|that['’]?s|they are|they['’]?re|it "
        r"costs?)\s+"
        rf"(?:actually\s+|really\s+)?(?P<new>{_VALUE}){END}",
        _replace,
    ),
    rule(
        rf"(?:i|we) (?:said|asked for|meant|wanted|ordered|booked|mean|told you)\s+(?P<new>{_VALUE})\s*,?\s*"
        rf"(?:and )?not\s+(?P<old>{_VALUE}){END}",
        _replace,
    ),
    rule(rf"(?:^|(?<=[.;!?\n]))\s*(?P<new>{_VALUE})\s*,\s*not\s+(?P<old>{_VALUE}){END}", _replace),
    rule(
        r"(?:it|that|this|they|(?:the )?\w+(?: \w+)?(?=\s(?:is|are|should|opens?|closes?|costs?|starts?)\b))\s*"
        r"(?:should (?:be|say|read)|is|['’]s|must be|ought to be|starts?|opens?|closes?|"
        r"costs?)"
        rf"\s+(?:actually\s+|really\s+|at\s+|on\s+)*(?P<new>{_VALUE}){END}",
        _moment,
    ),
    rule(rf"(?P<old>{_VALUE})\s+should (?:be|say|read)\s+(?P<new>{_VALUE}){END}", _should_be),
]

KNOWN_REPLACE_RULES: list[Rule] = [
    rule(
        rf"(?P<new>[^\s,.;!?\n]+(?:\.\d+)?(?:\s[^\s,.;!?\n]+){{0,2}}?)\s*,?\s*(?:and\s+)?not\s+(?:on\s+|at\s+|"
        rf"in\s+|for\s+|the\s+)*(?P<old>{_VALUE}){END}",
        lambda m, c: _replace(m, c) if count_phrase(_fact(m["old"], c), c.draft) else None,
    ),
]

KEEP_RULES: list[Rule] = [
    rule(rf"(?:do not|don['’]?t|never)\s+(?:change|touch|alter|remove|drop|delete|lose|edit)\s+{TARGET}{END}", _keep),
    rule(
        rf"(?:keep|retain|preserve|leave|stick (?:with|to))\s+{TARGET}(?:\s+(?:as (?:it|they) (?:is|are|was|"
        rf"were)|as is|in(?: there| place)?|unchanged|untouched|the same|intact|exactly as is|though))?{END}",
        _keep,
    ),
    rule(
        r"(?:i (?:like|liked|love|loved)|good job on)\s+(?P<target>the (?:\w+\s+)?(?:sentence|line|part about "
        rf"[^,.;!?\n]+)){END}",
        _keep,
    ),
]

RULES: list[Rule] = [*REPLACE_RULES, *KEEP_RULES, *KNOWN_REPLACE_RULES]
