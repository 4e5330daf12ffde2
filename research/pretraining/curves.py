"""Loss curves: one JSON line a record while training, and a picture of them as SVG."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, MARGIN = 640, 360, 48
COLOURS = ("#1b6ca8", "#c8553d", "#3c887e", "#8a5a9e")


def append_record(folder: Path, record: dict[str, Any]) -> None:
    """Add one record ({"step": ..., "loss": ...}) to the run's curve."""
    with (folder / "curve.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def read_records(folder: Path) -> list[dict[str, Any]]:
    """The run's records so far, in order; of steps trained twice (after a resume) the later ones."""
    path = folder / "curve.jsonl"
    if not path.exists():
        return []
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted({record["step"]: record for record in records}.values(), key=lambda record: record["step"])


def draw_curves(folder: Path, names: tuple[str, ...] = ("loss", "held_out")) -> None:
    """Draw the run's curves into curve.svg: step to the right, nats per token upwards."""
    records = read_records(folder)
    curves = {name: [(r["step"], r[name]) for r in records if name in r] for name in names}
    curves = {name: points for name, points in curves.items() if len(points) > 1}
    if not curves:
        return
    values = [value for points in curves.values() for _, value in points]
    low, high = min(values), max(values) + 1e-9
    last = max(step for points in curves.values() for step, _ in points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="4" y="{MARGIN}">{high:.2f}</text><text x="4" y="{HEIGHT - MARGIN}">{low:.2f}</text>',
        f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - MARGIN + 20}">{last} steps</text>',
    ]
    for number, (name, points) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(
            f"{MARGIN + step / last * (WIDTH - 2 * MARGIN):.1f},"
            f"{HEIGHT - MARGIN - (value - low) / (high - low) * (HEIGHT - 2 * MARGIN):.1f}"
            for step, value in points
        )
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{WIDTH - 160}" y="{24 + 16 * number}" fill="{colour}">{name} (nats/token)</text>')
    (folder / "curve.svg").write_text("".join(parts) + "</svg>\n", encoding="utf-8")
