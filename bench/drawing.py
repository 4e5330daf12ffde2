"""Panels of time series as one SVG picture, three in a row."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Series = tuple[str, list[tuple[float, float]]]
COLOURS = ("#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0")
WIDTH, HEIGHT, GAP, TOP = 400, 220, 10, 44
LEFT, RIGHT, UPPER, LOWER = 52, 12, 30, 52  # margins of the plot within a panel


def draw(title: str, caption: str, panels: Sequence[tuple[str, str, list[Series]]], seconds: float) -> str:
    """The picture; ``panels`` are (title, Grafana unit, series), points are (seconds, value)."""
    rows = (len(panels) + 2) // 3
    width, height = 3 * WIDTH + 4 * GAP, TOP + rows * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="#111217"/>',
        f'<text x="{GAP}" y="20" fill="#ddd" font-size="15">{escape(title)}</text>',
        f'<text x="{GAP}" y="36" fill="#999" font-size="11">{escape(caption)}</text>',
    ]
    for number, (name, unit, series) in enumerate(panels):
        x, y = GAP + number % 3 * (WIDTH + GAP), TOP + number // 3 * (HEIGHT + GAP)
        parts += [f'<g transform="translate({x},{y})">', *_panel(name, unit, series, seconds), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(title: str, unit: str, series: list[Series], seconds: float) -> list[str]:
    parts = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#181b1f" stroke="#2c3235"/>',
        f'<text x="10" y="19" fill="#ddd" font-size="12">{escape(title)}</text>',
    ]
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - UPPER - LOWER
    highest = 1.0 if unit == "percentunit" else max([v for _, points in series for _, v in points] or [1]) * 1.1 or 1.0
    for share in (0.0, 0.5, 1.0):
        y = UPPER + plot_height * (1 - share)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#2c3235"/>')
        label = _value(highest * share, unit)
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" fill="#999" font-size="10" text-anchor="end">{label}</text>'
        )
    for share in (0.0, 0.5, 1.0):
        at = f'x="{LEFT + plot_width * share:.1f}" y="{UPPER + plot_height + 14}"'
        parts.append(f'<text {at} fill="#999" font-size="10" text-anchor="middle">{seconds * share:.0f} s</text>')
    across = LEFT
    for number, (name, points) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(
            f"{LEFT + plot_width * at / seconds:.1f},{UPPER + plot_height * (1 - min(value, highest) / highest):.1f}"
            for at, value in points
        )
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        label = f"{name} {_value(points[-1][1], unit)}" if points else name
        if across + 6 * len(label) < WIDTH:
            parts.append(f'<rect x="{across}" y="{HEIGHT - 20}" width="9" height="3" fill="{colour}"/>')
            parts.append(f'<text x="{across + 13}" y="{HEIGHT - 15}" fill="#ccc" font-size="10">{escape(label)}</text>')
        across += 24 + 6 * len(label)
    if not any(points for _, points in series):
        parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT / 2}" fill="#999" font-size="12">no data</text>')
    return parts


def _value(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{100 * value:.0f} %"
    if unit == "s":
        return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.1f} s"
    return f"{value:.3g}" + ("/s" if unit == "ops" else "")
