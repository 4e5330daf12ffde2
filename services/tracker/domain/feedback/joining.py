"""What the grammar and the trained reader make of one comment, as one list of constraints.

The reader is believed in what it was trained to tell: what must be in a reply and what not, how it begins and ends, how
much of what it holds, its language and some forms. It knows people's words better than rules do
(`research/eval/RESULTS.md`). The grammar is believed in the rest, and where it says more of the same thing: a range, a
heading's name, by how much shorter, the kind of a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.common.constraints import Constraint

_LISTS = ("bullets", "numbered", "list")
_FORMATS = (*_LISTS, "highlights", "placeholders", "sections", "title", "quotation", "json", "postscript", "separator")


def join(by_rule: Sequence[Constraint], by_reader: Sequence[Constraint]) -> list[Constraint]:
    """The reader's constraints and those of the grammar that it does not tell, or of which the grammar says more."""
    kept = [one for one in by_rule if not _told(one) or _says_more(one, by_reader)]
    named = [_named(one, by_rule) for one in by_reader]
    return list(dict.fromkeys([*kept, *(one for one in named if not _said(one, kept))]))


def beside(alike: Sequence[Constraint], by_reader: Sequence[Constraint]) -> list[Constraint]:
    """Of what pieces of the comment were likened to, what the reader does not tell; lists where it heard nothing."""
    return [one for one in alike if not _told(one) or (one.value in _LISTS and not by_reader)]


def _told(one: Constraint) -> bool:
    """Whether the reader tells this from a comment that has it."""
    return (
        one.kind in ("must_include", "must_not_include", "start", "end", "language", "length")
        or (one.kind == "case" and one.value in ("lower", "upper"))
        or (one.kind == "punctuation" and one.value == ",")
        or (one.kind == "format" and one.value.partition(":")[0] in _FORMATS)
    )


def _says_more(one: Constraint, by_reader: Sequence[Constraint]) -> bool:
    """Whether the grammar's constraint holds what the reader has no word for, and the reader does not disagree."""
    if one.kind == "length":
        if one.value in ("shorter", "longer"):
            return not any(other.kind == "length" and not other.value for other in by_reader)
        between = one.min is not None and one.max is not None and one.min != one.max
        return bool(one.value) or one.unit == "characters" or between
    if one.kind == "start" and one.unit == "paragraphs":
        return True
    return (
        one.value in _LISTS
        and one.min is None
        and one.max is None
        and not any(other.value in _LISTS for other in by_reader)
    )


def _named(one: Constraint, by_rule: Sequence[Constraint]) -> Constraint:
    """The reader's constraint with the grammar's name of the sections, or kind of list."""
    if one.kind != "format":
        return one
    name = one.value.partition(":")[0]
    for other in by_rule:
        same = other.kind == "format" and other.value.partition(":")[0] == name
        if (same and name in ("sections", "title")) or (other.value == "numbered" and name == "bullets"):
            return replace(one, value=other.value)
    return one


def _said(one: Constraint, kept: Sequence[Constraint]) -> bool:
    """Whether what was kept of the grammar's says this already, and more."""
    value = one.value.casefold()
    for other in kept:
        if one.kind == "length" == other.kind and (other.unit == one.unit or bool(one.value)):
            return True
        if one.kind == "start" == other.kind and value in other.value.casefold():
            return True
        quoted = other.kind in ("replace", "keep") or other.value.startswith("one_of:")
        if one.kind in ("must_include", "must_not_include") and quoted and value in other.value.casefold():
            return True
    return False
