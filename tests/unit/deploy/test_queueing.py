"""The capacity model's arithmetic, against what is known in closed form."""

import pytest

from bench.queueing import Station, closed_throughput, replicas_for, waits, waits_longer, workers_for


def test_one_caller_gets_a_turn_per_round_trip() -> None:
    stations = [Station("rows", 0.4, 4), Station("cores", 0.01, 2)]
    assert closed_throughput(stations, 1, think=0.09) == pytest.approx(2.0)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_many_callers_get_what_the_narrowest_station_gives(workers: int) -> None:
    stations = [Station("rows", 0.4, 4 * workers), Station("cores", 0.01, 2)]
    assert closed_throughput(stations, 60) == pytest.approx(10 * workers, rel=0.01)


def test_a_single_servers_throughput_is_that_of_mean_value_analysis() -> None:
    stations = [Station("a", 1.0, 1), Station("b", 1.0, 1)]  # balanced: n / (n + 1) of a station's rate
    for callers in (1, 2, 5):
        assert closed_throughput(stations, callers) == pytest.approx(callers / (callers + 1))


def test_erlang_c() -> None:
    assert waits(0.5, Station("x", 1.0, 1)) == pytest.approx(0.5)
    assert waits(1.0, Station("x", 1.0, 2)) == pytest.approx(1 / 3)
    assert waits(3.0, Station("x", 1.0, 2)) == 1.0
    assert waits_longer(1.0, Station("x", 1.0, 2), 0) == pytest.approx(1 / 3)


def test_workers_grow_with_the_load_and_with_impatience() -> None:
    assert workers_for(1, 0.4, 4, 0.5) == 1
    assert workers_for(50, 0.4, 4, 0.5) >= 50 * 0.4 / 4
    assert workers_for(50, 0.4, 4, 0.01) >= workers_for(50, 0.4, 4, 0.5)
    assert replicas_for(100, 0.012) == 2
