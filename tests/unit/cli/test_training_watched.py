"""A training is watched to its end although the gateway goes away meanwhile."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from antiphon.client import Unavailable
from antiphon.v1 import model_pb2

from services.cli.train import follow


def client_of(*streams: list[int]) -> Any:
    """A client whose streams tell these steps and break, but for the last one, which ends."""
    left = list(streams)

    def watch(request: model_pb2.WatchTrainingRequest) -> Iterator[model_pb2.WatchTrainingResponse]:
        assert request.training_id == "training_1"
        for step in left.pop(0):
            yield model_pb2.WatchTrainingResponse(training=model_pb2.Training(id="training_1", step=step))
        if left:
            raise Unavailable(grpc.StatusCode.UNAVAILABLE, "gone")

    return SimpleNamespace(models=SimpleNamespace(WatchTraining=watch))


def test_a_gateway_that_comes_back_is_asked_again() -> None:
    steps = [training.step for training in follow(client_of([1, 2], [], [2, 3]), "training_1")]
    assert steps == [1, 2, 2, 3]


def test_one_that_stays_away_is_not_waited_for_for_ever() -> None:
    with pytest.raises(Unavailable):
        list(follow(client_of([], [], [1]), "training_1", patience_s=0.0))
