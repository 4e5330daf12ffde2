"""A training tells how much it has gathered before its first step, and not too often."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from services.common.store import Document, Store
from services.finetune import hold as hold_module
from services.finetune.correcting.served import ServedScope
from services.finetune.hold import Hold, Stopped
from services.finetune.settings import FinetuneSettings
from services.finetune.training.judging import greedy_replies
from services.models.scope.scope import ScopeIndex


class Told:
    """A store that keeps what is told of a run; `lost` runs are another worker's."""

    def __init__(self) -> None:
        self.lost = False
        self.fields: list[Document] = []
        self.trainings = self

    def progress(self, _tenant: str, _run: str, _holder: str, fields: Document, _lease: float) -> Document | None:
        self.fields.append(fields)
        return None if self.lost else fields


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def hold(told: Told) -> Hold:
    run = {"tenant": "t", "_id": "training_1", "holder": "holder_1"}
    return Hold(FinetuneSettings(), cast(Store, told), run)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold_module, "TELL_SECONDS", 0.0)


@pytest.mark.usefixtures("at_once")
def test_what_is_gathered_is_told_until_the_first_step(hold: Hold, told: Told) -> None:
    hold.gather(64)
    hold.gathered(32)
    hold.gather(36)
    hold.gathered(32)
    assert [(one["step"], one["total_steps"]) for one in told.fields] == [(0, 64), (32, 64), (32, 100), (64, 100)]
    hold.steps(0, 90)
    hold.gather(20)
    hold.gathered(20)
    assert [one["total_steps"] for one in told.fields] == [64, 64, 100, 100, 90], "then steps count, and nothing else"


def test_many_small_things_are_told_now_and_then(hold: Hold, told: Told) -> None:
    hold.gather(10_000)
    for _ in range(10_000):
        hold.gathered(1)
    assert len(told.fields) < 50


@pytest.mark.usefixtures("at_once")
def test_a_run_that_is_anothers_stops_while_it_gathers(hold: Hold, told: Told) -> None:
    hold.gather(2)
    told.lost = True
    with pytest.raises(Stopped):
        hold.gathered(1)


@pytest.mark.usefixtures("at_once")
def test_replies_count_by_the_batch_and_messages_one_by_one(hold: Hold, told: Told) -> None:
    model = SimpleNamespace(generate=lambda input_ids, **_: torch.cat([input_ids, input_ids[:, :1]], 1))
    greedy_replies(model, [(1, 2)] * 5, [0], tokens=1, batch_size=2, counts=hold)
    assert [one["step"] for one in told.fields] == [0, 2, 4, 5]
    index: Any = SimpleNamespace(held_against=lambda new: [None] * len(new), belongs=lambda held, rival: None)
    scope = ServedScope(cast(ScopeIndex, index), lambda message: None, hold)
    scope.nearest_of(["a", "b", "a"])
    scope.nearest_of(["b"])
    assert (told.fields[-1]["step"], told.fields[-1]["total_steps"]) == (7, 7)
