"""Whether personal data is found, and nothing else: ``python -m research.eval.privacy [--set dev|test] [--json]``.

Texts of customer service, written with their gold before the patterns were run: those to develop on (``dev``, its last
ones looked at first and mended then) and those not developed on (``test``). A piece of gold is found when every letter
and digit of it is masked, whatever the kind; a mask is right when at least half of its letters and digits are gold.
Names are gold where the text introduces them.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path

from services.common.privacy import findings

FOLDER = Path(__file__).with_name("privacy_sets")
LANGUAGES = ("en", "zh")
_GOLD = re.compile(r"\{([A-Z]+)\|([^}]*)\}")
Span = tuple[int, int, str]


def read(name: str) -> list[tuple[str, list[Span]]]:
    """The texts of a set with their gold: start, end and kind."""
    texts = []
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        text, gold, last = "", [], 0
        line = line.replace("\\n", "\n")
        for match in _GOLD.finditer(line):
            text += line[last : match.start()]
            gold.append((len(text), len(text) + len(match.group(2)), match.group(1)))
            text += match.group(2)
            last = match.end()
        texts.append((text + line[last:], gold))
    return texts


def measure(name: str, shown: bool = False) -> dict[str, float]:
    """Recall, precision, the share of kinds that are right and recall by kind, of a set."""
    count: Counter[str] = Counter()
    for text, gold in read(name):
        found = findings(text)
        masks = {at: one.kind for one in found for at in range(one.start, one.end)}
        golden = {at: kind for start, end, kind in gold for at in range(start, end)}
        for start, end, kind in gold:
            told = [masks.get(at) for at in range(start, end) if text[at].isalnum()]
            hit = all(told)
            count["gold"] += 1
            count[f"gold {kind}"] += 1
            count["hit"] += hit
            count[f"hit {kind}"] += hit
            count["kind"] += hit and set(told) == {kind}
            if shown and not hit:
                print(f"missed {kind} {text[start:end]!r} in {text!r}")
        for one in found:
            letters = [at for at in range(one.start, one.end) if text[at].isalnum()]
            right = 2 * sum(at in golden for at in letters) >= len(letters)
            count["masks"] += 1
            count["right"] += right
            if shown and not right:
                print(f"wrong  {one.kind} {text[one.start : one.end]!r} in {text!r}")
    figures = {
        f"{name}_texts": float(len(read(name))),
        f"{name}_recall": round(count["hit"] / count["gold"], 4),
        f"{name}_precision": round(count["right"] / count["masks"], 4),
        f"{name}_kind_right": round(count["kind"] / count["hit"], 4),
    }
    for key in sorted(key for key in count if key.startswith("gold ")):
        kind = key.removeprefix("gold ")
        figures[f"{name}_recall_{kind.lower()}"] = round(count[f"hit {kind}"] / count[key], 4)
    return figures


def main() -> None:
    """Print a table, and the figures as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=("dev", "test"), default="test")
    parser.add_argument("--show", action="store_true", help="show what was missed and wrongly masked; for dev")
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    chosen = parser.parse_args()
    figures: dict[str, float] = {}
    for language in LANGUAGES:
        figures |= measure(f"{language}_{chosen.set}", chosen.show)
    for name, figure in figures.items():
        print(f"{name:28s} {figure:8.4g}")
    if chosen.json:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
