"""The pipeline as a network of queues: turns a second for given workers, and workers for a given load.

Closed network (callers who wait for their reply before they go on): exact mean value analysis with load-dependent
stations, Reiser and Lavenberg, "Mean-value analysis of closed multichain queuing networks", J. ACM 27 (1980), as in
Lazowska et al., "Quantitative System Performance" (1984), chapter 20. Open arrivals: Erlang's C formula.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Station:
    """``servers`` that each serve one turn at a time in ``seconds``."""

    name: str
    seconds: float
    servers: int


def closed_throughput(stations: Sequence[Station], callers: int, think: float = 0.0) -> float:
    """Turns a second of so many callers who wait for each reply; ``think`` seconds are spent at no station."""
    # probabilities[i][j]: station i holds j turns, with one caller less than in the present step
    probabilities = [[1.0] + [0.0] * callers for _ in stations]
    throughput = 0.0
    for n in range(1, callers + 1):
        times = []
        for station, held in zip(stations, probabilities, strict=True):
            rates = (j / min(j, station.servers) * held[j - 1] for j in range(1, n + 1))
            times.append(station.seconds * sum(rates))
        throughput = n / (think + sum(times))
        for station, held in zip(stations, probabilities, strict=True):
            for j in range(n, 0, -1):
                held[j] = throughput * station.seconds / min(j, station.servers) * held[j - 1]
            held[0] = max(0.0, 1.0 - sum(held[1 : n + 1]))
            total = sum(held)
            held[:] = [share / total for share in held]
    return throughput


def waits(arrivals: float, station: Station) -> float:
    """Probability that a turn finds every server busy (Erlang C); 1 where the station cannot keep up."""
    load = arrivals * station.seconds
    if load >= station.servers:
        return 1.0
    blocked = 1.0
    for servers in range(1, station.servers + 1):  # Erlang B, by its recursion
        blocked = load * blocked / (servers + load * blocked)
    return blocked / (1 - load / station.servers * (1 - blocked))


def waits_longer(arrivals: float, station: Station, seconds: float) -> float:
    """Probability that a turn waits longer than this for a server."""
    spare = station.servers / station.seconds - arrivals
    return waits(arrivals, station) * math.exp(-spare * seconds) if spare > 0 else 1.0


def workers_for(arrivals: float, seconds: float, rows: int, wait: float, share: float = 0.05) -> int:
    """The fewest workers of so many rows with which at most ``share`` of the turns waits longer than ``wait``."""
    workers = max(1, math.ceil(arrivals * seconds / rows))
    while waits_longer(arrivals, Station("rows", seconds, workers * rows), wait) > share:
        workers += 1
    return workers


def replicas_for(arrivals: float, cpu_seconds: float, cores: float = 1.0, use: float = 0.6) -> int:
    """Replicas of so many cores that a step needs at this use of them."""
    return max(1, math.ceil(arrivals * cpu_seconds / (cores * use)))
