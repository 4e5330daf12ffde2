"""Drawing a token: what each row asks for is kept, whoever it is drawn beside."""

from __future__ import annotations

from collections import Counter
from typing import cast

import torch

from services.generator.engine import DecodeSettings, DraftRequest
from services.generator.engine.backends.sampling import choose
from services.generator.engine.detokenizer import Detokenizer
from services.generator.engine.sequence import Sequence
from tests.unit.generator.conftest import Heard

WORDS = 1000


def row(**settings: object) -> Sequence:
    decode = DecodeSettings(**settings)  # type: ignore[arg-type]
    return Sequence(DraftRequest("k", "t", "s", "v", (), (1, 2), decode), Heard(), cast("Detokenizer", None))


def draw(logits: torch.Tensor, rows: list[Sequence]) -> list[int]:
    return choose(logits.clone(), rows, lambda _: (), frozenset({0}))


def test_a_row_draws_the_same_alone_and_beside_rows_of_other_settings() -> None:
    torch.manual_seed(0)
    logits = torch.randn(6, WORDS)
    rows = [
        row(temperature=1.0, seed=1),
        row(temperature=0.7, top_p=0.9, seed=2),
        row(),
        row(temperature=1.3, top_k=5, seed=3),
        row(temperature=2.0, top_k=600, top_p=0.999, seed=4),
        row(temperature=1.0, top_k=1, seed=5),
    ]
    together = draw(logits, rows)
    assert together == [draw(logits[i : i + 1], [rows[i]])[0] for i in range(6)]
    assert together[2] == int(logits[2].argmax())
    assert together[5] == int(logits[5].argmax())


def test_draws_stay_within_top_k_and_nucleus_and_follow_the_probabilities() -> None:
    logits = torch.full((1, WORDS), -20.0)
    logits[0, 10:14] = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()

    def drawn(**settings: object) -> Counter[int]:
        rows = [row(temperature=1.0, seed=seed, **settings) for seed in range(2000)]
        return Counter(draw(logits.expand(2000, -1), rows))

    free = drawn()
    assert all(abs(free[10 + i] / 2000 - share) < 0.04 for i, share in enumerate((0.4, 0.3, 0.2, 0.1)))
    assert set(drawn(top_k=2)) == {10, 11}
    assert set(drawn(top_p=0.65)) == {10, 11}
    assert set(drawn(top_k=3, top_p=0.9)) == {10, 11, 12}


def test_a_nucleus_wider_than_the_first_candidates_is_looked_at_whole() -> None:
    logits = torch.zeros(1, WORDS)
    seen = {draw(logits, [row(temperature=1.0, seed=seed)])[0] for seed in range(1500)}
    assert len(seen) > 600
