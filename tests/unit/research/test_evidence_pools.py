"""Companies that the evidence reader learns from: which units answer a question, and which only look as if."""

import json
import random
from pathlib import Path

from research.evidence.shops import Pool, drawn, held_back, read_pools
from services.models.sentence_encoder import SentenceEncoder

DOCUMENT = """# Halden Boats

## Hire

| Boat | Seats | Price per hour |
|---|---|---|
| Rowing boat | 4 | £12.00 |
| Pedal boat | 5 | £18.50 |

A deposit of £30 is taken for every boat. It is given back when the boat comes back undamaged.
"""
QUESTIONS = [
    {"q": "What does a pedal boat cost?", "a": "£18.50", "e": "Pedal boat 5 £18.50"},
    {"q": "do i have to leave a deposit", "a": "£30", "e": "A deposit of £30 is taken for every boat."},
    {"q": "How fast does the pedal boat go?", "near": True},
]


def write_shop(folder: Path, name: str) -> None:
    (folder / f"{name}.md").write_text(DOCUMENT)
    (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(line) for line in QUESTIONS))


def test_each_question_comes_with_the_units_that_answer_it(tmp_path: Path) -> None:
    write_shop(tmp_path, "boats")
    pools, held = read_pools(tmp_path, SentenceEncoder.load())
    assert held == []
    price, deposit, speed = pools
    assert len(price.right) == 1
    assert "£18.50" in price.right[0]
    assert any("£12.00" in text for text in price.wrong)
    assert all("£30" in text for text in deposit.right)
    assert speed.near
    assert speed.right == ()
    assert any("Pedal boat" in text for text in speed.wrong)


def test_a_company_is_held_back_or_not_whoever_else_comes(tmp_path: Path) -> None:
    for number in range(24):
        write_shop(tmp_path, f"boats{number}")
    back = held_back(tmp_path)
    assert 0 < len(back) < 12
    for document in back[1:]:
        document.unlink()
    assert held_back(tmp_path) == back[:1]


def test_what_is_drawn_keeps_every_unit_with_its_answer() -> None:
    pool = Pool("Price?", ("Shop > Prices: £3",), ("Shop > Prices: £4", "We are glad to help."), near=False)
    rng = random.Random(1)
    for _, example in zip(range(200), drawn([pool], 3, rng), strict=False):
        assert len(example.units) == 3
        assert [unit.endswith("£3") for unit in example.units] == list(example.answers)
