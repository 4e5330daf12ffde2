"""`replace`: a phrase that takes another one's place, written "old => new"."""

from __future__ import annotations

from services.common import text_measures as measure
from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import Kind, Wish, phrase_progress, value_missing

_ARROW = " => "


def replacement(constraint: Constraint) -> tuple[str, str]:
    """(old, new) of a `replace`; old is "" where only the new fact is known."""
    old, arrow, new = constraint.value.partition(_ARROW)
    return (old.strip(), new.strip()) if arrow else ("", constraint.value.strip())


def replacing(old: str, new: str, source: str) -> Constraint:
    """The `replace` that puts `new` where `old` stands."""
    return Constraint("replace", f"{old.strip()}{_ARROW}{new.strip()}", source=source)


def _wish(constraint: Constraint) -> Wish:
    old, new = replacement(constraint)
    return Wish(new, "" if old and measure.count_phrase(old, new) else old)


def _check(constraint: Constraint, text: str) -> bool:
    wish = _wish(constraint)
    present = measure.count_phrase(wish.wanted, text) > 0
    return present and not (wish.unwanted and measure.count_phrase(wish.unwanted, text))


def _description(constraint: Constraint) -> str:
    old, new = replacement(constraint)
    return f'Write "{new}" instead of "{old}".' if old else f'Say "{new}".'


def _problem(constraint: Constraint) -> tuple[str, str] | None:
    if problem := value_missing(constraint):
        return problem
    return None if replacement(constraint)[1] else ("value", "replace needs what to put in, as 'old => new'")


def _rewrite(constraint: Constraint, text: str, message: str) -> str | None:
    """The text with the new phrase wherever the old one stands."""
    wish = _wish(constraint)
    if _check(constraint, text) or not wish.unwanted:
        return text if _check(constraint, text) else None
    pattern, new, plain = measure.phrase_pattern(wish.unwanted), wish.wanted, measure.comparable(text)
    source = text if len(pattern.findall(text)) == len(pattern.findall(plain)) else plain
    changed = pattern.sub(lambda match: _cased(new, match[0], match.start() == 0), source)
    return changed if _check(constraint, changed) else None


def _cased(new: str, old: str, first: bool) -> str:
    """The new phrase, with a capital where it begins a text as the old one did."""
    return new[:1].upper() + new[1:] if first and old[:1].isupper() else new


REPLACE = Kind(
    "replace",
    _check,
    description=_description,
    problem=_problem,
    wish=_wish,
    rewrite=_rewrite,
    progress=lambda constraint, text, room: phrase_progress(_check, constraint, replacement(constraint)[1], text),
)
