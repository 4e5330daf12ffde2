"""How an English comment is read: denials first, amounts stated in full, then the reader, the grammar and likeness."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.common.constraints import Constraint
from services.tracker.domain.feedback.amounts import read_amounts
from services.tracker.domain.feedback.comments import Parsed, parse_comment
from services.tracker.domain.feedback.denial import held, take_denials
from services.tracker.domain.feedback.fallback import Fallback
from services.tracker.domain.feedback.joining import beside, join


@dataclass(frozen=True, slots=True)
class EnglishReading:
    """What was read of a comment, the part of it that may hold more wishes, and whether a rule is sure of it."""

    parsed: Parsed
    open_part: str
    sure: bool


def read_english(comment: str, draft_text: str, prompt: str, fallback: Fallback | None) -> EnglishReading:
    """All that a comment asks of the draft; without a `fallback` what the grammar reads."""
    denials = take_denials(comment, draft_text)
    rest = denials.rest
    amounts = read_amounts(_TOLD.sub(lambda match: "." * len(match[0]), rest), draft_text)
    if not amounts.units:
        amounts.rest = rest
    parsed = parse_comment(amounts.rest, draft_text, prompt)
    told_apart = _TOLD.sub("mention it", rest)
    tells_length = told_apart == rest or _LENGTH_WORDS.search(told_apart) is not None
    told = fallback.told(rest, draft_text) if fallback is not None and rest else None
    if told == [] and _said_plainly(amounts.rest, parsed):
        told = None  # the reader overhears at times what a plain order says
    if told is not None:
        told = [_as_said(constraint, rest) for constraint in told if not amounts.settles(constraint)]
        told = [constraint for constraint in told if not (amounts.alone and _miscounts(constraint, rest))]
        told = [constraint for constraint in told if not any(_same_wish(constraint, one) for one in parsed.denied)]
        parsed.constraints = join(parsed.constraints, told)
        parsed.unparsed = [piece for piece in parsed.unparsed if not _names_any(piece, told)]
    sure = any(constraint.kind not in ("must_include", "must_not_include") for constraint in parsed.constraints)
    if fallback is not None and parsed.unparsed:
        _add_likened(parsed, fallback, told, draft_text)
    parsed.constraints = [constraint for constraint in parsed.constraints if not amounts.settles(constraint)]
    if not tells_length:
        parsed.constraints = [constraint for constraint in parsed.constraints if constraint.kind != "length"]
    parsed.constraints = [_as_said(constraint, rest) for constraint in parsed.constraints]
    parsed.constraints += [*amounts.constraints, *denials.constraints, *_stays(parsed.denied, draft_text)]
    parsed.unparsed += [*denials.unparsed, *parsed.denying]
    sure = sure or bool(amounts.units or denials.constraints or denials.unparsed)
    return EnglishReading(parsed, rest, sure)


def _same_wish(told: Constraint, denied: Constraint) -> bool:
    """Whether what the network was told is what a rule read beside a negation."""
    if told.kind != denied.kind:
        return False
    return told.value == denied.value or denied.value.casefold() in told.value.casefold()


def _stays(denied: Sequence[Constraint], draft: str) -> list[Constraint]:
    """What a denied removal would have taken away, as far as the draft has it."""
    removed = (constraint.value for constraint in denied if constraint.kind == "must_not_include")
    return [constraint for phrase in removed for constraint in held(phrase, draft, omitted=False)]


def _add_likened(parsed: Parsed, fallback: Fallback, told: Sequence[Constraint] | None, draft_text: str) -> None:
    """Add what pieces that no rule understood mean by their likeness to known ones."""
    alike, left = fallback.read(parsed.unparsed, draft_text)
    if told is not None:
        alike = beside(alike, told)
    understood = set(parsed.unparsed) - set(left)
    sure = {c.kind for c in parsed.constraints} - {"must_include", "must_not_include", "format"}
    parsed.constraints += [c for c in alike if c not in parsed.constraints and c.kind not in sure]
    parsed.topics = [t for t in parsed.topics if t not in understood]
    parsed.unparsed = left


def _names_any(piece: str, told: Sequence[Constraint]) -> bool:
    """Whether the piece holds words that were understood as something asked."""
    return any(len(c.value) > 1 and re.search(re.escape(c.value), piece, re.I) is not None for c in told)


_PARTS = {
    "placeholders": re.compile(r"placeholder|bracket|blank|field|gap", re.I),
    "highlights": re.compile(r"highlight|asterisk|bold|italic|emphasi|star|stand out|mark", re.I),
    "sections": re.compile(r"section|part|chapter|piece|heading", re.I),
}


def _miscounts(constraint: Constraint, comment: str) -> bool:
    """Whether a count of parts that the comment does not name is the number of a length misheard."""
    if constraint.kind == "must_include" and (constraint.min or constraint.max) is not None:
        return True
    names = _PARTS.get(constraint.value.partition(":")[0]) if constraint.kind == "format" else None
    return names is not None and names.search(comment) is None


_PLAIN_ORDER = re.compile(
    r"^\W*(?:the |a )?[^,.;!?\n]{1,40} (?:should|must|needs? to|has to|ought to) (?:also |really "
    r"|still )?be (?:mentioned"
    r"|included|added|named|stated|given|in there)[\s.!?]*$|^\W*(?:(?:please|so|and|also|you should"
    r"|you must)\s+)*(?:(?:do\s?n['’]?t|do not|never)\s+(?:ever\s+)?)?(?:mention|include|write|use"
    r"|add|say|state|name"
    r"|list|avoid|omit|leave out|drop|remove|delete|skip)\s+[^,.;!?\n]{1,60}[\s.!?]*$",
    re.I,
)


def _said_plainly(comment: str, parsed: Parsed) -> bool:
    """Whether the comment is one order to say or not to say something, and the grammar read all of it."""
    words = all(constraint.kind in ("must_include", "must_not_include") for constraint in parsed.constraints)
    return bool(parsed.constraints) and words and not parsed.unparsed and _PLAIN_ORDER.match(comment) is not None


_LENGTH_WORDS = re.compile(
    r"\b(?:words?|sentences?|lines?|characters?|letters?|paragraphs?|length|short\w*|long\w*|brief\w*|concise\w*"
    r"|details?"
    r"|detailed|elaborate|expand|extend|cut|trim|condense|summar\w+|more|less|less)\b",
    re.I,
)
_WORD_OF = re.compile(r"^(?:the\s+)?(?:words?|phrase|sentence|term)\s+(?=\S)", re.I)
_TOLD = re.compile(
    r"\b(?:mention|say|add|note|state|write|include|explain|tell (?:them|me|him|her"
    r"|people))\s+(?:\w+\s+)?that\b[^.;!?\n]*",
    re.I,
)
_UNSAID = re.compile(
    r"\b(?:(?:do\s?n['’]?t|do not|never|avoid|"
    r"(?<!incomplete )(?<!complete )without|stop)\s+(?:(?:mention|use|say|includ|writ|mention|us"
    r"|say)(?:e|ing)?\s+)?"
    r"(?:the (?:words?|phrases?|terms?) |any |the |a )?)(?P<first>[^,.;!?\n]*)",
    re.I,
)


def _as_said(constraint: Constraint, comment: str) -> Constraint:
    """The constraint with its polarity as the words around its phrase have it: what is to be said that is not so is
    there, and what stands behind "don't mention" is not. A phrase begins behind "the word"."""
    if constraint.kind in ("start", "end"):
        return replace(constraint, value=_WORD_OF.sub("", constraint.value))
    value = constraint.value.casefold()
    if constraint.kind == "must_not_include" and any(value in told[0].casefold() for told in _TOLD.finditer(comment)):
        return replace(constraint, kind="must_include", max=None)
    if constraint.kind == "must_include" and constraint.min is None:
        for refused in _UNSAID.finditer(comment):
            first = refused["first"].casefold().strip(" \"'“”‘’")
            if first.startswith(value) or f"'{value}'" in first or f'"{value}"' in first:
                return replace(constraint, kind="must_not_include")
    return constraint
