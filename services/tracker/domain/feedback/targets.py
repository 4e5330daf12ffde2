"""From the stretch of a comment that names words to the constraints it means; builders of the content rules."""

from __future__ import annotations

import re

from services.common.constraints import Constraint
from services.tracker.domain.feedback.facts import sentence_at
from services.tracker.domain.feedback.grammar import SOURCE, Context
from services.tracker.domain.feedback.phrases import Amount, amount, phrases
from services.tracker.domain.feedback.vocabulary import DONT


def target_words(match: re.Match[str], context: Context, kind: str) -> list[Constraint] | None:
    if not context.quotes.marked(match["target"]) and re.match(
        r"\s*(?:it|this|that|them|me|everything|your \w+|the (?:answer|reply|response))\b(?!['’])",
        match["target"],
        re.I,
    ):
        return None  # "explain it in …", "say that again": the pronoun shows that no word is meant
    verb = _GENERIC_VERB.search(match.string[match.start() : match.start("target")])
    if verb and not context.quotes.marked(match["target"]):
        named = re.match(
            r"\s*(?:something|anything)?\s*(?:words?|terms?|phrases?|about|keywords?)\b", match["target"], re.I
        )
        if not named and (kind == "must_include" or verb["verb"].lower() in ("have", "need", "state", "display")):
            return None  # "I have two kids", "write like a poet": no word is named
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


_GENERIC_VERB = re.compile(
    r"\b(?P<verb>write|say|have|state|name|display|get in|fit in|need)\s+(?:also\s+)?(?:the|a|an|any|that|this)?\s*$",
    re.I,
)
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


def exclude(match: re.Match[str], context: Context) -> list[Constraint] | None:
    sentence = sentence_at(match["target"], context)
    if sentence is not None:
        return [Constraint("must_not_include", sentence, source=SOURCE)] if sentence else None
    return target_words(match, context, "must_not_include")


def include(match: re.Match[str], context: Context) -> list[Constraint] | None:
    # "I'd rather you didn't use the word plan", "do not, under any circumstances, use …": never read as its opposite
    before = re.split(r"[.;!?\n]", match.string[: match.start()])[-1]
    complaint = re.match(r"(?:you\s+)?did(?: not|n['’]?t)\b", match[0], re.I)
    if complaint and re.search(r"\b(?:rather|prefer|prefer it if|better if|like it if|wish)\s*$", before, re.I):
        return exclude(match, context)
    before = re.sub(r"(?:do not|don['’]?t|never) forget\b", "", before, flags=re.I)
    reminded = re.match(r"(?:you\s+)?(?:forg[eo]t|fail|neglect|miss|omit|skip|overlook)", match[0], re.I)
    if not reminded and re.search(
        rf"\b(?:{DONT}|didn['’]?t|did not|without|isn['’]?t|is not|aren['’]?t)\b", before, re.I
    ):
        return exclude(match, context)
    made = target_words(match, context, "must_include")
    if made and not context.quotes.marked(match["target"]) and "word" not in match[0].lower():
        context.topics += [c.value for c in made]
    return made


def frequency(match: re.Match[str], context: Context) -> list[Constraint] | None:
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
