"""Runs the grammar over a free comment: rules in order, each taking what it understood out of the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from services.common.constraints import Constraint
from services.tracker.domain.feedback import broad, content, facts, formats, lacking, length, style, voice
from services.tracker.domain.feedback.grammar import Context, Rule
from services.tracker.domain.feedback.phrases import Quotes
from services.tracker.domain.feedback.unread_negation import Found, denied
from services.tracker.domain.words import STOP


@dataclass(slots=True)
class Parsed:
    """What a comment asks for; see `Understanding` for the fields.

    `denied` are wishes that stand beside a negation that no rule read, `denying` the clauses that hold them.
    """

    constraints: list[Constraint] = field(default_factory=list)
    unparsed: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    denied: list[Constraint] = field(default_factory=list)
    denying: list[str] = field(default_factory=list)


_MAX_CLAUSE = 400  # code points; a longer clause is prose and no wish, and no rule may search it for long

_RULES: list[Rule] = [
    *broad.RULES,
    *lacking.FIRST_RULES,
    *style.FIRST_RULES,
    *formats.FIRST_RULES,
    *voice.RULES,
    *content.FREQUENCY_RULES,
    *formats.RULES,
    *style.RULES,
    *length.RULES,
    *facts.RULES,
    *content.RULES,
    *lacking.RULES,
]
_FILLER = frozenset(
    "please thanks thank good nice great ok okay but also then just really very too now again try redo rewrite "
    "revise change make"
    " answer reply response text message draft version better bit little instead keep entire whole entirely "
    "completely only"
    " everything write output ensure sure must should using use way request say said tell content format "
    "additionally word words phrase term contain have give explain keep entire answers put following here".split()
)


def parse_comment(comment: str, draft_text: str, prompt: str = "") -> Parsed:
    """The constraints of a comment in its order, what nothing understood, and topics to know more about.

    A rule's match is taken out of the text, so that no second rule reads it; a rule that finds nothing to say
    about its match (None) leaves it for the others.
    """
    quotes = Quotes(re.sub(r"[^\S\n]+", " ", re.sub(r"\s*\n\s*", "\n", comment)))
    context = Context(draft_text, prompt, quotes)
    text, skipped = _short_clauses(quotes.text)
    whole = text
    found: list[Found] = []
    for pattern, build in _RULES:
        position = 0
        while match := pattern.search(text, position):
            made = build(match, context)
            if made is None or match.end() == match.start():
                position = _next_word(text, match.start())
                continue
            found += [Found(match.start(), match.end(), constraint) for constraint in made]
            # The hole keeps the text's length and ends the clause: nothing may match across it. Full stops, since
            # long runs of white space would make the patterns slow.
            text = text[: match.start()] + "." * (match.end() - match.start()) + text[match.end() :]
            position = match.end()
    found.sort(key=lambda one: one.start)
    wrong, places = denied(whole, text, found)
    for start, end in places:
        text = text[:start] + "." * (end - start) + text[end:]
    constraints = list(dict.fromkeys(one.constraint for one in found if one not in wrong))
    unparsed = (
        context.unparsed + _rest(text, quotes) + [" ".join(quotes.plain(clause).split())[:200] for clause in skipped]
    )
    topics = list(dict.fromkeys(context.topics + [piece for piece in unparsed if _is_topic(piece)]))
    denying = [" ".join(quotes.plain(whole[start:end]).split())[:200] for start, end in places]
    return Parsed(constraints, unparsed, topics, [one.constraint for one in wrong], denying)


def _next_word(text: str, at: int) -> int:
    """Where a rule may look next: never inside the word it has just passed over."""
    word = re.compile(r"\w*").match(text, at)
    return max(at + 1, word.end() if word else at + 1)


def _short_clauses(text: str) -> tuple[str, list[str]]:
    """The text without its overlong clauses, and those."""
    skipped: list[str] = []

    def blank(match: re.Match[str]) -> str:
        skipped.append(match[0].strip())
        return "." * len(match[0])

    return re.sub(rf"[^.;!?\n]{{{_MAX_CLAUSE},}}", blank, text), skipped


def _rest(text: str, quotes: Quotes) -> list[str]:
    """The pieces left that say something."""
    pieces = []
    for piece in re.split(r"[\n.;!?。！？；]+|,(?=\s)", text):
        words = re.findall(r"[^\W\d_]+(?:'\w+)?|\d+", quotes.plain(piece))
        if any((w.lower() not in STOP and w.lower() not in _FILLER and len(w) > 1) or w.isdigit() for w in words):
            pieces.append(" ".join(quotes.plain(piece).split()).strip(" ,:-"))
    return [piece for piece in pieces if piece]


_ASKS_CONTENT = re.compile(
    r"\b(?:wrong|incorrect|not (?:true|right|correct)|mistake|error|missing|forgot|left out|what about|how about|"
    r"actually"
    r"|should be|didn'?t|doesn'?t|isn'?t|outdated|explain|tell me|more about|which|when|where|who|why|how)\b|\d",
    re.I,
)


def _is_topic(piece: str) -> bool:
    return _ASKS_CONTENT.search(piece) is not None
