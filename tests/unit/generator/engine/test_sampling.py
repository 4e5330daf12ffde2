"""Drawing a token: what each row asks for is kept, whoever it is drawn beside."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest
import torch

from services.generator.engine import DecodeSettings, DraftRequest
from services.generator.engine.backends.token_choice import choose
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
    logits = torch.randn(8, WORDS)
    rows = [
        row(temperature=1.0, seed=1),
        row(temperature=0.7, top_p=0.9, seed=2),
        row(),
        row(temperature=1.3, top_k=5, seed=3),
        row(temperature=2.0, top_k=600, top_p=0.999, seed=4),
        row(temperature=1.0, top_k=1, seed=5),
        row(temperature=1.0, min_p=0.2, seed=6),
        row(temperature=1.5, min_p=0.01, top_k=400, top_p=0.95, seed=7),
    ]
    together = draw(logits, rows)
    assert together == [draw(logits[i : i + 1], [rows[i]])[0] for i in range(8)]
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
    assert set(drawn(min_p=0.6)) == {10, 11}
    assert set(drawn(min_p=0.4)) == {10, 11, 12}
    assert set(drawn(min_p=0.2, top_k=2)) == {10, 11}
    assert set(drawn(min_p=0.4, top_p=0.5)) == {10, 11}, "the nucleus is of what is likely enough: 4 of 9, then 3 of 9"
    assert set(drawn(min_p=0.9)) == {10}
    likely = drawn(min_p=0.6)
    assert abs(likely[10] / 2000 - 4 / 7) < 0.04


def test_min_p_goes_by_the_probabilities_that_the_temperature_makes() -> None:
    logits = torch.full((1, WORDS), -50.0)
    logits[0, 10:13] = torch.tensor([0.0, -2.0, -4.0])

    def drawn(temperature: float) -> set[int]:
        rows = [row(temperature=temperature, min_p=0.1, seed=seed) for seed in range(800)]
        return set(draw(logits.expand(800, -1), rows))

    assert drawn(0.5) == {10}
    assert drawn(1.0) == {10, 11}
    assert drawn(2.0) == {10, 11, 12}


def test_min_p_reaches_past_the_first_candidates_where_so_many_are_likely() -> None:
    logits = torch.zeros(1, WORDS)
    logits[0, 900:] = -3.0
    seen = {draw(logits, [row(temperature=1.0, min_p=0.5, seed=seed)])[0] for seed in range(1500)}
    assert len(seen) > 600
    assert max(seen) < 900


def test_a_draw_with_min_p_is_the_same_again_and_another_with_another_seed() -> None:
    torch.manual_seed(1)
    logits = torch.randn(1, WORDS)
    draws = [draw(logits, [row(temperature=1.5, min_p=0.05, seed=seed)])[0] for seed in (*range(20), *range(20))]
    assert draws[:20] == draws[20:]
    assert len(set(draws[:20])) > 5


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5])
def test_a_share_without_meaning_is_refused_by_its_name(share: float) -> None:
    with pytest.raises(ValueError, match="min_p"):
        DecodeSettings(min_p=share)


def test_a_nucleus_wider_than_the_first_candidates_is_looked_at_whole() -> None:
    logits = torch.zeros(1, WORDS)
    seen = {draw(logits, [row(temperature=1.0, seed=seed)])[0] for seed in range(1500)}
    assert len(seen) > 600
