"""How well comments in other languages are read: `python -m research.eval.foreign_comments [--language zh] [--json]`.

The files hold comments with what they ask for in a short form (`research.comments.foreign`); those named `test` were
written beside the ones the grammars were made with and are looked at only for what is reported. A comment is right if
what is understood is one of its readings, and safe if it is right or nothing was understood and its words were
reported. The comments go through `read_feedback`, as served.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from research.comments.foreign import DRAFTS, read_foreign, short_form
from services.tracker.domain.feedback import Feedback, read_feedback


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, compare, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1] / "data/comments")
    parser.add_argument("--language", choices=DRAFTS, action="append", help="all where none is named")
    parser.add_argument("--half", choices=("development", "test"), default="test")
    parser.add_argument("--wrong", action="store_true", help="print what is read wrong")
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = parser.parse_args(arguments)
    figures: dict[str, float] = {}
    for language in options.language or DRAFTS:
        comments = list(read_foreign(options.data / f"{language}-{options.half}.tsv"))
        right = safe = 0
        for comment in comments:
            understood = read_feedback(Feedback(comment=comment.text), DRAFTS[language])
            asked = short_form(understood.constraints)
            is_right = asked in comment.readings
            is_safe = is_right or (not asked and bool(understood.unparsed))
            right += is_right
            safe += is_safe
            if options.wrong and not is_right:
                print(f"{'unread' if is_safe else 'WRONG'}: {comment.text}", sorted(asked), understood.unparsed)
        figures[f"{language}_right"] = round(100 * right / len(comments), 1)
        figures[f"{language}_safe"] = round(100 * safe / len(comments), 1)
        print(f"{language}: {len(comments)} comments, right {figures[f'{language}_right']}, "
              f"right or reported {figures[f'{language}_safe']}")  # fmt: skip
    if options.json:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
