"""Rules about the reply's voice: language, tone, how it starts and ends."""

from __future__ import annotations

import re

from services.common.constraints import Constraint
from services.tracker.domain.feedback.grammar import SOURCE, Builder, Context, Rule, rule
from services.tracker.domain.feedback.phrases import COUNT, MARK, number
from services.tracker.domain.feedback.voice_words import LANGUAGES, OPPOSITES, TONES

_LANGUAGE = rf"(?P<language>{'|'.join(LANGUAGES)})"
_TONE = rf"(?P<tone>{'|'.join(sorted(map(re.escape, TONES), key=len, reverse=True))})"
_TOO = r"(?P<tone>" + "|".join(sorted(map(re.escape, {*TONES, *OPPOSITES}), key=len, reverse=True)) + ")"
_CHARACTERS = r"(?:answer|reply|response|output|text|message|it|story|essay|poem|email|letter|everything)"


def _language(match: re.Match[str], context: Context) -> list[Constraint]:
    return [Constraint("language", LANGUAGES[match["language"].lower()], source=SOURCE)]


def _tone(match: re.Match[str], context: Context) -> list[Constraint]:
    return [Constraint("tone", TONES[match["tone"].lower()], source=SOURCE)]


def _less(match: re.Match[str], context: Context) -> list[Constraint] | None:
    word = match["tone"].lower()
    opposite = OPPOSITES.get(TONES.get(word, word))
    return [Constraint("tone", opposite, source=SOURCE)] if opposite else None


def _boundary(kind: str) -> Builder:
    def build(match: re.Match[str], context: Context) -> list[Constraint] | None:
        quoted = context.quotes.marked(match["phrase"])
        phrase = quoted[0] if quoted else match["phrase"].strip(" :,-\"'“”")
        if not quoted:
            phrase = re.sub(
                r"^(?:the (?:exact )?(?:words?|phrase|sentence|text|question|line)|a|an)\s+", "", phrase, flags=re.I
            )
            # "End with a question": a kind of text, not the text itself.
            if re.match(
                r"(?:a|an|the|your|some|something|that|this|it|no|one|two|question|summary|greeting|title|call)\b",
                match["phrase"].strip(),
                re.I,
            ) and not re.match(r"the (?:exact )?(?:words?|phrase|sentence|text|line)\b", match["phrase"].strip(), re.I):
                return None
        if not phrase or len(phrase.split()) > 40:
            return None
        return [Constraint(kind, phrase, source=SOURCE)]

    return build


def _not_boundary(match: re.Match[str], context: Context) -> list[Constraint]:
    """ "Don't start with 'Sure'": the phrase is forbidden; a described start is left to the model."""
    quoted = context.quotes.marked(match["phrase"])
    if quoted:
        return [Constraint("must_not_include", quoted[0], source=SOURCE)]
    context.unparsed.append(context.quotes.plain(match[0]).strip())
    return []


def _mark_end(match: re.Match[str], context: Context) -> list[Constraint]:
    return [Constraint("end", "?" if "question" in match[0].lower() else "!", source=SOURCE)]


def _repeat(match: re.Match[str], context: Context) -> list[Constraint] | None:
    return [Constraint("start", context.prompt.strip(), source=SOURCE)] if context.prompt.strip() else None


_NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "last": 0}


def _paragraph(match: re.Match[str], context: Context) -> list[Constraint] | None:
    k = (
        _NTH.get(match["k"].lower())
        if match["k"].lower() in _NTH
        else number(re.sub(r"(?:st|nd|rd|th)$", "", match["k"]))
    )
    quoted = context.quotes.marked(match["phrase"])
    word = quoted[0] if quoted else match["phrase"].strip(" .")
    return [Constraint("start", word, "paragraphs", k, k, SOURCE)] if k and word else None


_REPLY = rf"(?:(?:your|the|this|that|its)\s+(?:(?:whole|entire|next|new)\s+)?(?:{_CHARACTERS}|answer)|it|everything)"
_PHRASE = (
    r"(?:the\s+)?(?:(?:exact|exactly|following|same|this|these|that)\s+)*(?:the\s+)?(?:words?|phrase|sentence|text|"
    rf"line|statement|question)?\s*[:\-,]?\s*(?P<phrase>{MARK}|[^.;!?\n]+[!?]?)"
)
_NOTHING_AFTER = (
    r"(?:[\s.,;]*(?:and\s+)?(?:no|nothing|with no|without any)\s+(?:other\s+)?(?:words?|text|else)?\s*(?:should|must"
    r"|may|can|shall)?\s*(?:follow|come after|after|following)[^.;!?\n]*)?"
)

RULES: list[Rule] = [
    rule(
        r"(?:first\s+)?repeat (?:the|my|this) (?:request|question|prompt|message|query|sentence|"
        r"instruction)[^\n]*?(?:word for word|without (?:any )?changes?|verbatim|exactly|unchanged|as (?:it "
        r")?is)(?:[^\n]*(?:then|before)[^\n]*?answer[^.\n]*)?",
        _repeat,
    ),
    rule(
        rf"(?:(?:the\s+)?(?P<k>(?:\d+(?:st|nd|rd|th)|{'|'.join(_NTH)})) paragraph)\s+(?:must|should|has to|needs "
        rf"to)?\s*(?:start|begin|open)s?\s+with\s+(?:the\s+)?(?:word\s+)?(?P<phrase>{MARK}|[\w'-]+)",
        _paragraph,
    ),
    rule(
        rf"(?:start|begin)\s+the\s+(?P<k>\w+) paragraph\s+with\s+(?:the\s+)?(?:word\s+)?(?P<phrase>{MARK}|[\w'-]+)",
        _paragraph,
    ),
    rule(
        rf"paragraph\s+(?P<k>{COUNT})\s+(?:must|should|has to|needs to)?\s*(?:start|begin)s?\s+with\s+(?:the\s+)?"
        rf"(?:word\s+)?(?P<phrase>{MARK}|[\w'-]+)",
        _paragraph,
    ),
    # language
    rule(
        rf"(?:(?:translate|put|convert)\s+(?:{_REPLY}|this|that|them)?\s*(?:in)?to|(?:answer|reply|respond|write|"
        rf"say|speak|rewrite|output|give|explain|be)\b[^,.;!?\n]{{0,30}}?\b(?:in|using)|(?:switch|change)\s+"
        r"(?:it\s+)?to|in|use|using|only|into|auf|en|in het|på|speak|entirely in|completely in|用)\s+(?:the\s+|"
        rf"fluent\s+|proper\s+|plain\s+|simple\s+|only\s+|good\s+)*{_LANGUAGE}\b(?:\s+language)?(?:\s+(?:only|"
        r"please|throughout))?(?:,?\s*(?:and\s+)?no other languages?(?: is| are)? allowed[^.;!?\n]*)?(?!,? and "
        r"in (?:all )?(?:lower|capital|upper))",
        lambda m, c: None if re.search(r"\b(?:plain|simple) english", m[0], re.I) else _language(m, c),
    ),
    rule(r"用(?P<language>中文)", _language),
    rule(rf"\b{_LANGUAGE}(?:,? please\b|\s+only\b|\s+language\b)", _language),
    rule(
        rf"(?:(?:the\s+)?(?:answer|reply|response|output)\s+(?:must|should)\s+be\s+)(?:in\s+)?{_LANGUAGE}\b", _language
    ),
    # tone
    rule(
        r"\b(?:is|was|does|did|sounds?|reads?|seems?)(?:n['’]t| not)\s+(?:sound|seem|look|feel|read|come across as)?\s*"
        rf"(?:very |really |particularly |quite |exactly )*{_TONE}\b(?!\s+enough)",
        _tone,
    ),
    rule(rf"(?:\bnot|n['’]t)\s+(?:nearly |quite |really )?{_TONE}\s+enough\b", _tone),
    rule(
        r"(?:less|not so|not too|not as|too|so|very|overly|way too|a bit too|a little too|don['’]?t be (?:so |"
        rf"too )?|sounds? (?:too |so )?|stop being (?:so )?)\s*{_TOO}\b(?!\s+(?:to|of|detail))",
        _less,
    ),
    rule(
        r"(?:(?:be|sound|make (?:it|this|that|the \w+|your \w+)|write|say it|rewrite (?:it|this)|in|use|using|"
        r"with|speak|keep (?:it|the tone)|adopt|a|an|the tone (?:should|must) be|tone:|more|much|phrase it|put "
        r"it|try)\s+)+(?:(?:a|an|more|much|very|bit|little|slightly|somewhat|far|way|lot|sound|sounding|really|"
        rf"most|in|even)\s+)*{_TONE}\b(?:\s+(?:tone|voice|style|language|words?|english|manner|way|register|terms"
        r"|fashion))?",
        _tone,
    ),
    rule(r"\b(?P<tone>friendlier|kinder|nicer|politer|warmer|simpler|plainer|easier|funnier|calmer)\b(?! than)", _tone),
    rule(rf"\b{_TONE}\s+(?:tone|voice|style|register|language|words|english|terms)\b", _tone),
    rule(
        r"(?:like|as if|so that|for)\s+(?:i(?:['’]m| am| were)\s+)?(?:a\s+)?(?:five|5|ten|10|six|6|a child|child|"
        r"kid|kids|children|beginner|beginners|layman|lay ?people|non-experts?|dummies|grandma)\b(?:[- ]year[- "
        r"]olds?)?(?:\s+(?:could|can|would)\s+understand)?|\bELI5\b|layman['’]?s terms|without jargon|no jargon|"
        r"avoid jargon|(?:hard|difficult) to understand",
        lambda m, c: [Constraint("tone", "simple", source=SOURCE)],
    ),
    # start and end
    rule(
        r"(?:do not|don['’]?t|never|stop|must not|should not|shouldn['’]?t|avoid|not to|may not)\s+(?:start|"
        rf"begin|open|end|finish|close|conclude)(?:ing)?\s+(?:{_REPLY}\s+|every \w+\s+|each \w+\s+)?(?:with|"
        rf"by)\s+{_PHRASE}",
        _not_boundary,
    ),
    rule(
        rf"make\s+(?P<phrase>{MARK})\s+(?:the|your)\s+(?:very\s+)?(?:first|opening)\s+(?:words?|sentence|line|phrase)",
        _boundary("start"),
    ),
    rule(
        rf"make\s+(?P<phrase>{MARK})\s+(?:the|your)\s+(?:very\s+)?(?:last|final|closing)\s+(?:words?|sentence|"
        r"line|phrase)",
        _boundary("end"),
    ),
    rule(
        r"(?:(?:make sure|please|also)\s+(?:to\s+|that\s+)?)*(?:(?:start|begin|open|preface)(?:ing|s)?\s+"
        rf"(?:{_REPLY}\s+|off\s+)?(?:with|by saying|by):?|{_REPLY}\s+(?:must|should|has to|needs to)\s+(?:start|"
        rf"begin|open)\s+with|(?:the\s+)?first words?\s+(?:of {_REPLY}\s+)?(?:must|should|has to|needs "
        rf"to)\s+be)\s+{_PHRASE}",
        _boundary("start"),
    ),
    rule(
        r"(?:(?:make sure|please|also)\s+(?:to\s+|that\s+)?)*(?:(?:end|finish|close|conclude|sign off|wrap up)"
        rf"(?:ing|s)?\s+(?:{_REPLY}\s+)?(?:with|by saying):?|{_REPLY}\s+(?:must|should|has to|needs to)\s+(?:end|"
        r"finish|close|conclude)\s+with:?|(?:(?:the|your|its)\s+)?(?:very\s+)?(?:(?:last|final|closing) (?:words?|"
        r"sentence|line|phrase)|end)\s+"
        rf"(?:of {_REPLY}\s+)?(?:must|should|has to|needs to)\s+(?:be|read|say))\s+{_PHRASE}{_NOTHING_AFTER}",
        _boundary("end"),
    ),
    rule(
        r"(?:end|finish|close|conclude)\s+(?:it\s+|your \w+\s+|the \w+\s+)?with\s+(?:a|an)\s+(?:question|"
        r"exclamation)(?: mark| point)?\b",
        _mark_end,
    ),
]
