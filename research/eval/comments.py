"""How well free comments are understood: `python -m research.eval.comments --data FILE [--json]`.

FILE holds comments with what they want (`services.tracker.comments.wants`); the committed test file was written apart
from the training file and looked at by nobody before it was reported. A comment is read right if the constraints that
are understood of it are the wanted ones and no others (of those that a want can be: tone is left out, and where a
comment asks to be shorter any length will do). Readers: nothing (the floor), the grammar, with likeness to examples
(what there was before the trained reader), the trained reader alone, and all together, as served.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from research.eval.revision_loop import wilson
from services.common.constraints import Constraint
from services.models.sentence_encoder import SentenceEncoder
from services.tracker.comments import parser
from services.tracker.comments.wants import Comment, constraints, read_comments
from services.tracker.domain.feedback import Fallback, Feedback, read_feedback

DRAFT = "Cats are small animals. They sleep a lot, and they hunt at night. Many people keep them."
Reader = Callable[[str], Sequence[Constraint]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, compare, report."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=Path(__file__).parents[1] / "data/comments/test.jsonl")
    made.add_argument("--weights", type=Path, default=parser.DEFAULT)
    made.add_argument("--wrong", action="store_true", help="print what is read wrong when all read together")
    made.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = made.parse_args(arguments)
    torch.set_num_threads(1)
    comments = list(read_comments(options.data))
    found = {
        name: [right(reader(one.text), one) for one in comments] for name, reader in readers(options.weights).items()
    }
    kinds = [(one.wants[0].unit or one.wants[0].kind) if one.wants else "nothing" for one in comments]
    figures = {}
    for name, some in found.items():
        low, high = wilson(sum(some), len(some))
        figures[name] = 100 * sum(some) / len(some)
        by_kind = {
            kind: [ok for ok, other in zip(some, kinds, strict=True) if other == kind] for kind in dict.fromkeys(kinds)
        }
        shown = " ".join(f"{kind} {100 * sum(ok) / len(ok):.0f}" for kind, ok in sorted(by_kind.items()))
        print(f"{name:10s} {figures[name]:5.1f} [{low:.1f}, {high:.1f}]  {shown}")
    if options.wrong:
        for one, ok in zip(comments, found["together"], strict=True):
            if not ok:
                print(one.text, [want.kind for want in one.wants])
    if options.json:
        print(json.dumps({"figures": {name: round(value, 2) for name, value in figures.items()}}))


def readers(weights: Path) -> dict[str, Reader]:
    """Everything that reads comments, by name."""
    encode, read = SentenceEncoder.load().encode, parser.CommentParser.load(weights).parse

    def by(fallback: Fallback | None) -> Reader:
        return lambda comment: read_feedback(Feedback(comment=comment), DRAFT, fallback=fallback).constraints

    return {
        "nothing": lambda comment: [],
        "grammar": by(None),
        "likeness": by(Fallback(encode)),
        "reader": lambda comment: read(comment, DRAFT) or [],
        "together": by(Fallback(encode, read)),
    }


def right(understood: Sequence[Constraint], comment: Comment) -> bool:
    """Whether what was understood is what the comment wants."""
    return _plain(understood) == _plain(constraints(comment.wants, DRAFT))


def _plain(some: Sequence[Constraint]) -> set[tuple[object, ...]]:
    """Constraints without the accidents: capitals, marks at the ends, which kind of list, by how much shorter."""
    found: set[tuple[object, ...]] = set()
    for one in some:
        value = one.value.casefold().strip(" .,!?\"'")
        if one.kind == "tone":
            continue
        if one.kind == "length" and value in ("shorter", "longer"):
            found.add((value,))
            continue
        if value in ("numbered", "list"):
            value = "bullets"
        if value.startswith(("sections:", "title")):
            value = value[:5]
        found.add((one.kind, value, one.unit, one.min, one.max))
    return found


if __name__ == "__main__":
    main()
