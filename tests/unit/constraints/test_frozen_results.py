"""Checks, descriptions, rewrites and conflicts are what they were when they were frozen.

Run `python tests/unit/constraints/test_frozen_results.py` to freeze them anew; the difference then shows in the commit.
"""

import importlib.util
import json
from itertools import product
from pathlib import Path
from typing import Any

from services.common.constraints import check, contradictions, describe, in_order, progress, rewrite, verifiable
from services.common.text_measures import count_words, paragraphs, pieces, sentences

HERE = Path(__file__).parent
FROZEN = HERE / "frozen.json"
_spec = importlib.util.spec_from_file_location("frozen_inputs", HERE / "frozen_inputs.py")
assert _spec is not None
assert _spec.loader is not None
inputs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(inputs)


def results() -> dict[str, Any]:
    """What every part of every constraint says of every reply."""
    constraints, replies = inputs.CONSTRAINTS, inputs.REPLIES
    return {
        "checks": ["".join(str(int(check(one, reply))) for reply in replies) for one in constraints],
        "verifiable": "".join(str(int(verifiable(one))) for one in constraints),
        "descriptions": [describe(one) for one in constraints],
        "conflicts": [list(found) for found in contradictions(constraints)],
        "order": [constraints.index(one) for one in in_order(constraints)],
        "rewrites": [
            [rewrite(one, reply, "When are you open?\nThanks") if reply else None for reply in replies]
            for one in constraints
        ],
        "progress": [
            [round(progress(one, reply[:cut], left), 4) for reply, cut, left in product(replies, (9, 40, 400), (2, 60))]
            for one in constraints
        ],
        "pieces": [pieces(reply) for reply in replies],
        "measures": [[*count_words(reply), len(sentences(reply)), len(paragraphs(reply))] for reply in replies],
    }


def test_results_are_the_frozen_ones() -> None:
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    now = json.loads(json.dumps(results()))
    for part in frozen:
        assert now[part] == frozen[part], part
    assert set(now) == set(frozen)


if __name__ == "__main__":
    parts = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in results().items())
    FROZEN.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
