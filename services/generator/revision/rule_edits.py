"""The draft before, changed by rule no more than the constraints ask: a candidate that nobody has to write.

Much of what readers say of a reply leaves its content alone: capitals, no commas, fewer words, a phrase at its end. A
small model that writes the whole reply again loses what was good about it; a rule does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from services.common.constraints import Constraint, check, in_order, rewrite, unwanted_phrase
from services.common.text_measures import characters, count_sentences, count_words, pieces, sentence_ended, words

_CLAUSE = re.compile(
    r"(\s*[,;，；]\s*(?:(?:and|but|so|which|or|und|aber|et|mais|y|pero)\s+)?|\s+(?:and|but|und"
    r"|aber|et|mais|y|pero)\s+|\s+[–—]\s+)"
)
_ITEM = re.compile(r"\s*(?:[-*•·]|\d{1,3}[.)、])\s*(?=\S)")
_CELL = re.compile(r";\s+")
_ROW = 2
"""Cells up to which what stands between semicolons is no row."""
_STOPS = ".!?。！？；;"
_LEAST_CLAUSE = 3
"""Words of a clause that can stand alone."""
_KEPT = 0.5
"""Share of its sentences that a draft must keep where words are to go."""


def amended(draft: str, constraints: Sequence[Constraint], message: str, fits: Callable[[str], bool]) -> list[str]:
    """The draft so changed that it meets all `constraints`, cut sentence by sentence until it `fits`; one text for
    each of several answers to choose from, none where no rule does that. `message` is what the draft answers; it is
    the title where one is asked for."""
    choices = [
        constraint
        for constraint in constraints
        if constraint.kind == "format" and constraint.value.startswith("one_of:")
    ]
    others = [constraint for constraint in constraints if constraint not in choices]
    parts = said(draft, constraints)
    answers = [option.strip() for constraint in choices[:1] for option in constraint.value.partition(":")[2].split("|")]
    texts = [_changed([f"{answer} ", *parts], others, message, fits) for answer in answers if answer and parts]
    if not choices:
        texts = [_changed(parts, others, message, fits)]
    return [text for text in texts if text is not None and all(check(constraint, text) for constraint in constraints)]


def shortened(draft: str, constraints: Sequence[Constraint], message: str, fits: Callable[[str], bool]) -> list[str]:
    """The amended draft without one of its pieces, or with its first ones alone, as long as half of them are kept:
    for where the whole reads badly."""
    parts = said(draft, constraints)
    if any(constraint.value.startswith("one_of:") for constraint in constraints):
        return []
    least = max(1, round(_KEPT * len(parts)))
    shorter = [parts[:at] + parts[at + 1 :] for at in range(len(parts))] + [
        parts[:at] for at in range(least, len(parts))
    ]
    texts = [_changed(fewer_parts, constraints, message, fits) for fewer_parts in shorter if len(fewer_parts) >= least]
    return [text for text in dict.fromkeys(texts) if text is not None]


def said(draft: str, constraints: Sequence[Constraint]) -> list[str]:
    """The whole pieces of a draft without what is unwanted; none where too few are left.

    Of a piece with unwanted words the clauses without them stay; one without any such clause goes.
    """
    parts = pieces(draft)
    if len(parts) > 1 and not sentence_ended(parts[-1]) and not _ITEM.match(parts[-1]):
        parts.pop()  # cut off at its length
    kept = _clean(parts, constraints)
    return kept if len(kept) >= _KEPT * len(parts) else []


def without_unwanted(text: str, constraints: Sequence[Constraint]) -> str:
    """The text without the sentences and clauses that say something unwanted; "" where nothing is left."""
    return "".join(_clean(pieces(text), constraints)).strip()


def _clean(parts: Sequence[str], constraints: Sequence[Constraint]) -> list[str]:
    unwanted = [
        constraint for constraint in constraints if constraint.kind != "replace" and unwanted_phrase(constraint)
    ]
    return [clean for part in parts if (clean := _without(part, unwanted))]


def _without(part: str, unwanted: Sequence[Constraint]) -> str:
    """The piece without its clauses that say something unwanted; "" where no main clause is left."""
    if all(check(constraint, part) for constraint in unwanted):
        return part
    body = part.rstrip()
    space, stop = part[len(body) :], body[-1:] if body[-1:] in ".!?。！？" else ""
    if len(cells := _CELL.split(body.removesuffix(stop) if stop else body)) > _ROW:
        return _without_cells(cells, unwanted, stop + space)
    clauses = _CLAUSE.split(body.removesuffix(stop) if stop else body)
    kept = [clause for clause in clauses[::2] if all(check(constraint, clause) for constraint in unwanted)]
    if not kept or kept[0] != clauses[0] or len(words(kept[0])) < _LEAST_CLAUSE:
        return ""
    joint = "，" if "，" in body else ", "
    text = joint.join(clause.strip() for clause in kept) + stop + space
    return text if all(check(constraint, text) for constraint in unwanted) else ""


def _without_cells(cells: Sequence[str], unwanted: Sequence[Constraint], ending: str) -> str:
    """A table's row as a sentence, without the cells that say something unwanted; its name stays."""
    name, dash, first = cells[0].partition(" – ")
    kept = [
        cell
        for cell in (first if dash else name, *cells[1:])
        if all(check(constraint, cell) for constraint in unwanted)
    ]
    text = (f"{name}{dash}" if dash else "") + "; ".join(kept) + ending
    return text if kept and all(check(constraint, text) for constraint in unwanted) else ""


def _changed(
    parts: Sequence[str], constraints: Sequence[Constraint], message: str, fits: Callable[[str], bool]
) -> str | None:
    """The pieces as all constraints want them, the last ones left out until they fit."""
    while parts:
        text = shaped(parts, constraints, message)
        if text is None or not all(check(constraint, text) for constraint in constraints):
            return None
        if fits(text):
            return text
        parts = parts[:-1]
    return None


def shaped(parts: Sequence[str], constraints: Sequence[Constraint], message: str) -> str | None:
    """What the constraints but the unwanted words make of the pieces; None: there is no rule for one of them."""
    edges = [constraint for constraint in constraints if constraint.kind in ("start", "end")]
    for constraint in constraints:
        if constraint.kind == "length" and constraint.max is not None:
            if constraint.unit not in _SIZES:
                return None
            size = _SIZES[constraint.unit]
            reserved = sum(size(edge.value) for edge in edges if constraint.unit != "sentences" or edge.kind == "end")
            alone = sum(other.kind == "length" for other in constraints) == 1
            if constraint.unit == "sentences" and alone and count_words("".join(parts))[1] <= _MERGED_WORDS:
                parts = _merged(parts, max(1, constraint.max - reserved))
            parts = _within(parts, constraint.max - reserved, size)
    text: str | None = "".join(parts).strip()
    for constraint in in_order(constraints):
        text = rewrite(constraint, text, message) if text else None
    return text or None


_SIZES: dict[str, Callable[[str], int]] = {
    "words": lambda text: count_words(text)[1],
    "sentences": lambda text: count_sentences(text)[1],
    "characters": lambda text: characters(text)[1] + 1,
}
"""How much of a length a piece takes, by the length's unit; a character for the space after it."""


def _merged(parts: Sequence[str], most: int) -> list[str]:
    """As many sentences as may stand, of which the last one holds what the others said."""
    if len(parts) <= most or len(parts) > most + _MERGED:
        return list(parts)
    rest = [_ITEM.sub("", part).strip() for part in parts[most - 1 :]]
    stop = next((part[-1] for part in reversed(rest) if part[-1:] in _STOPS), ".")
    joint = "；" if "。" in stop or "！" in stop else "; "
    first, *others = (part.rstrip(_STOPS + " ") for part in rest)
    lowered = [other[:1].lower() + other[1:] if other.split(" ")[0].lower() in _SMALL else other for other in others]
    return [*parts[: most - 1], joint.join((first, *lowered)) + (stop if stop not in ";；" else ".")]


_MERGED = 4
"""Sentences more than wanted that are joined to one; of more than these the first ones are kept."""
_MERGED_WORDS = 30
"""Words up to which sentences are joined."""
_SMALL = frozenset(
    "the a an it they we you he she this that these those there at in on by for from to with no not all both each "
    "if when your our its their only also der die das ein eine es wir sie am im um le la les un une il elle nous el "
    "vous please los las una en por con".split()
)
"""Words that stand with a capital at a sentence's beginning alone."""


def _within(parts: Sequence[str], most: int, size: Callable[[str], int]) -> list[str]:
    """The first pieces that are not larger than `most` together."""
    kept: list[str] = []
    for part in parts:
        most -= size(part)
        if most < 0:
            break
        kept.append(part)
    return kept
