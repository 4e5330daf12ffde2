"""Wishes for manners in a comment: an apology, how the reader is addressed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.common.constraints import Constraint
from services.tracker.domain.feedback.grammar import SOURCE

_APOLOGY = re.compile(
    r"\b(?:apologi[sz]e|"
    r"say (?:that )?(?:we(?:['’]re| are) )?sorry|(?:add|begin with|start with|open with|include) an apology|"
    r"entschuldig\w* (?:dich|sie sich)|excusez-vous|disc[uú]lp\w+)\b",
    re.I,
)
_DENIED = re.compile(r"(?:n['’]?t|\bnot|\bnever|\bno|\bstop|\bwithout|\bavoid|\binstead of)\b[^.;!?\n,]{0,30}$", re.I)
_WINDOW = 40
_BARE = re.compile(
    r"\W*(?:(?:please|first|and|you should|you could|you must|i want you to)\W+)*"
    r"apologi[sz]e\W*(?:(?:first|please|to the \w+|at the start)\W*)*",
    re.I,
)
_ADDRESS = re.compile(
    r"\b(?:address|greet|salute)\s+(?:(?:the|our|your)\s+)?\w+\s+(?:with|as"
    r"|by)\s+[\"'“‘„«]?(?P<phrase>[^\"'”’“»\n.,;]{2,60})",
    re.I,
)


def read_manners(
    comment: str, constraints: Sequence[Constraint], unparsed: Sequence[str]
) -> tuple[list[Constraint], list[str]]:
    """The constraints with those for manners, and the pieces that are still not understood."""
    wishes = list(constraints)
    asked = any(
        not _DENIED.search(comment[max(0, match.start() - _WINDOW) : match.start()])
        for match in _APOLOGY.finditer(comment)
    )
    if asked and not any(one.kind == "tone" and one.value == "apologetic" for one in wishes):
        wishes.append(Constraint("tone", "apologetic", source=SOURCE))
    address = _ADDRESS.search(comment)
    if address is not None:
        phrase = address["phrase"].strip()
        wishes = [one for one in wishes if not (one.kind == "must_include" and one.value == phrase)]
        if not any(one.kind == "start" for one in wishes):
            wishes.append(Constraint("start", phrase, source=SOURCE))
    return wishes, [piece for piece in unparsed if not _BARE.fullmatch(piece)]
