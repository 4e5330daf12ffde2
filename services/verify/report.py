"""What a campaign found: figures for machines, Markdown for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from services.verify.history import KINDS, Finding, History


@dataclass
class Seed:
    """One seed's run."""

    number: int
    faults: list[str]
    turns: int
    seconds: float
    findings: list[Finding]
    recoveries: list[tuple[str, float]]
    timeline: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, number: int, history: History, findings: list[Finding], seconds: float) -> Seed:
        faults = [f"{fault.kind} {fault.target}" for fault in history.faults]
        turns = len({asked.turn for asked in history.asked if asked.turn})
        return cls(number, faults, turns, seconds, findings, history.recoveries(), _timeline(history))


def figures(seeds: list[Seed]) -> dict[str, Any]:
    """Counts of findings by kind, and recovery in seconds by kind of fault."""
    kinds = Counter(finding.kind for seed in seeds for finding in seed.findings)
    waits: dict[str, list[float]] = {}
    for seed in seeds:
        for kind, wait in seed.recoveries:
            waits.setdefault(kind, []).append(wait)
    return {
        "seeds": len(seeds),
        "turns": sum(seed.turns for seed in seeds),
        "faults": sum(len(seed.faults) for seed in seeds),
        **{kind: kinds[kind] for kind in KINDS},
        "recovery": {
            kind: {"count": len(found), "p50": _quantile(found, 0.5), "p99": _quantile(found, 0.99)}
            for kind, found in sorted(waits.items())
        },
    }


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)


def markdown(seeds: list[Seed]) -> str:
    """Tables of seeds and recoveries, every finding, and what happened around it."""
    lines = ["# Kill test", "", "| seed | faults | turns | seconds | findings |", "|---|---|---|---|---|"]
    for seed in seeds:
        found = "; ".join(f"{kind} {count}" for kind, count in Counter(one.kind for one in seed.findings).items())
        lines.append(
            f"| {seed.number} | {', '.join(seed.faults)} | {seed.turns} | {seed.seconds:.0f} | {found or 'none'} |"
        )
    lines += ["", "| fault | count | recovery p50, s | p99, s |", "|---|---|---|---|"]
    for kind, row in figures(seeds)["recovery"].items():
        lines.append(f"| {kind} | {row['count']} | {row['p50']} | {row['p99']} |")
    for seed in seeds:
        if seed.findings:
            lines += ["", f"## Seed {seed.number}", ""]
            lines += [f"- **{finding.kind}** {finding.text}" for finding in seed.findings]
            lines += ["", "```", *seed.timeline, "```"]
    return "\n".join(lines) + "\n"


def _timeline(history: History) -> list[str]:
    """A row for each fault (#) and each turn (-), from its beginning to its end (E), a column a quarter second."""
    moments = [fault.began for fault in history.faults] + [asked.sent for asked in history.asked]
    if not moments:
        return []
    begin = min(moments)
    rows = [
        (fault.began, _row(begin, fault.began, fault.healed, "#", f"{fault.kind} {fault.target}"))
        for fault in history.faults
    ]
    for asked in history.asked:
        last = asked.heard[-1] if asked.heard else asked.sent
        marks = _row(begin, asked.sent, last, "-", str(asked), ends="E" if asked.end else "?")
        rows.append((asked.sent, marks))
    return [row for _, row in sorted(rows)]


def _row(begin: float, first: float, last: float, mark: str, name: str, ends: str = "#") -> str:
    start, stop = round((first - begin) * 4), round((last - begin) * 4)
    return f"{' ' * start}{mark * max(0, stop - start)}{ends} {name}"
