"""What of a folder of cases is right: `python -m research.eval.cases --data FOLDER [--json] [--kinds 05 06]`.

FOLDER holds a folder for each case, named by the two digits of its kind (`05-…`), with inputs of the kind's forms.
Every case is run over the embedded stack, started in a temporary home with the engine `echo`, each file in a tenant of
its own. What must follow stands behind `=>` in dialogues and comments; elsewhere it follows from the input's own form.

With `--json` the last line is {"figures": {"right": …, "of": …, "05": …}}: a kind's figure is its share that is right.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from research.eval.cases.check import Check, Desk, desk
from research.eval.cases.comments import check_comments
from research.eval.cases.dialogues import check_dialogues
from research.eval.cases.documents import check_document
from research.eval.cases.facts import check_denials, check_names
from research.eval.cases.learning import check_file, check_last_words, check_whole_answers
from research.eval.cases.turns import check_interrupted, check_letters, check_stalling
from research.eval.service.stack import RunningStack, running_stack

SETTINGS = ("ANTIPHON_ENGINE=echo", "ANTIPHON_ECHO_STEP_MS=20", "ANTIPHON_ECHO_TOKENS=2000")
DOCUMENTS = ("*.docx", "*.html", "*.htm", "*.md", "*.csv", "*.txt")
By = Callable[[Desk, Path], list[Check]]


def _states(desk: Desk, file: Path) -> list[Check]:
    return check_dialogues(desk, file, times=False)


def _times(desk: Desk, file: Path) -> list[Check]:
    return check_dialogues(desk, file, times=True)


def _interrupted(desk: Desk, _file: Path) -> list[Check]:
    return check_interrupted(desk)


def _letters(_desk: Desk, file: Path) -> list[Check]:
    return check_letters(file)


# A kind's number, the files that hold its cases, and what checks one of them.
KINDS: dict[str, tuple[tuple[str, ...], By]] = {
    **dict.fromkeys(("01", "02", "03", "04", "20"), (DOCUMENTS, check_document)),
    **dict.fromkeys(("05", "06", "07"), (("*.txt",), _states)),
    "08": (("*.txt",), _times),
    **dict.fromkeys(("09", "10", "11"), (("*.txt",), check_comments)),
    "12": (("*.jsonl",), check_last_words),
    "13": (("*.jsonl",), check_whole_answers),
    "14": (("*.sh",), check_names),
    "15": (("*.tsv",), check_denials),
    "16": (("*.jsonl",), check_file),
    "17": (("*.txt",), check_stalling),
    "18": (("*.py", "EXPECTED.md"), _interrupted),
    "19": (("*.json",), _letters),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the cases and print what is right."""
    parser = argparse.ArgumentParser(prog="cases", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with a folder for each case")
    parser.add_argument("--kinds", nargs="*", metavar="NN", help="these kinds only")
    parser.add_argument("--json", action="store_true", help="end with a line of figures")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folders = [folder for folder in sorted(options.data.iterdir()) if folder.is_dir() and folder.name[:2] in KINDS]
    folders = [folder for folder in folders if not options.kinds or folder.name[:2] in options.kinds]
    tallies: dict[str, list[bool]] = defaultdict(list)
    with running_stack(SETTINGS) as stack:
        for folder in folders:
            checks = list(_run(stack, folder))
            tallies[folder.name[:2]] += [one.right for one in checks]
            print(f"{folder.name}: {sum(one.right for one in checks)} of {len(checks)}", flush=True)
            for one in checks:
                if not one.right:
                    print(f"  wrong: {one.name[:200]}  [{one.seen[:200]}]", flush=True)
    right, of = (sum(map(count, tallies.values())) for count in (sum, len))
    print(f"all: {right} of {of}")
    if options.json:
        shares = {kind: sum(tally) / len(tally) for kind, tally in sorted(tallies.items()) if tally}
        print(json.dumps({"figures": {"right": right, "of": of, **shares}}))
    return 0


def _run(stack: RunningStack, folder: Path) -> Iterator[Check]:
    """The checks of a case's files; a file that cannot be checked is one that is wrong."""
    patterns, check = KINDS[folder.name[:2]]
    files = sorted({file for pattern in patterns for file in folder.glob(pattern)})
    if folder.name[:2] == "18":  # what is tried is always the same
        files = files[:1]
    else:
        files = [file for file in files if file.name != "EXPECTED.md"]
    for file in files:
        with desk(stack) as place:
            try:
                yield from check(place, file)
            except Exception as error:  # whatever a case breaks is its figure, and the others are run
                yield Check(f"{file.name}: checked", right=False, seen=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    raise SystemExit(main())
