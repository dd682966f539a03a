"""Drawings of the report: curves of the mouth's opening, and the histogram of blinks; plain SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite

WIDTH, HEIGHT = 600, 130
LEFT, RIGHT, TOP, BOTTOM = 52, 6, 8, 24
LEAST_OPENING = 0.1  # of the scale, in eye distances: a still mouth's wavering is not to fill the picture
BLINK_BIN_S, BLINK_BINS = 0.08, 10


def curves(series: Sequence[tuple[str, Sequence[float]]], fps: float, title: str) -> str:
    """Curves over time, each of class ``NAME``; breaks where a value is NaN.

    Args:
        series: name and values of each.
        fps: values a second.
        title: for those who do not see it.
    """
    length = max((len(values) for _, values in series), default=0)
    top = max([LEAST_OPENING, *(value for _, values in series for value in values if isfinite(value))])
    step = (WIDTH - LEFT - RIGHT) / max(1, length - 1)
    high = HEIGHT - TOP - BOTTOM
    parts = [_axis_y(top, f"{top:.2f}")]
    for second in range(int(max(0, length - 1) / fps) + 1):
        x = LEFT + second * fps * step
        parts.append(f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 5}">{second} s</text>')
    for name, values in series:
        for first, run in _runs(values):
            points = " ".join(
                f"{LEFT + (first + place) * step:.1f},{TOP + high * (1 - value / top):.1f}"
                for place, value in enumerate(run)
            )
            parts.append(f'<polyline class="{escape(name)}" points="{points}"/>')
    return _svg(parts, title)


def blink_histogram(series: Sequence[tuple[str, Sequence[float]]], title: str) -> str:
    """How many blinks last how long, bars of several videos side by side; longer ones are in the last bin.

    Args:
        series: name, and lengths of blinks in s, of each; NaN where a blink is cut off, which is left out.
        title: for those who do not see it.
    """
    counts = {name: [0] * BLINK_BINS for name, _ in series}
    for name, lengths in series:
        for length in lengths:
            if isfinite(length):
                counts[name][min(BLINK_BINS - 1, int(length / BLINK_BIN_S))] += 1
    top = max([1, *(number for numbers in counts.values() for number in numbers)])
    high, slot = HEIGHT - TOP - BOTTOM, (WIDTH - LEFT - RIGHT) / BLINK_BINS
    bar = 0.8 * slot / max(1, len(series))
    parts = [_axis_y(top, str(top))]
    for place in range(BLINK_BINS):
        x = LEFT + place * slot
        if place % 2 == 0:
            parts.append(f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 5}">{place * BLINK_BIN_S:.2f} s</text>')
        for number, (name, numbers) in enumerate(counts.items()):
            tall = high * numbers[place] / top
            left = x + 0.1 * slot + number * bar
            parts.append(
                f'<rect class="{escape(name)}" x="{left:.1f}" y="{TOP + high - tall:.1f}" '
                f'width="{bar:.1f}" height="{tall:.1f}"/>'
            )
    return _svg(parts, title)


def _axis_y(top: float, label: str) -> str:
    base = HEIGHT - BOTTOM
    lines = "".join(f'<path class="axis" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>' for y in (TOP, base))
    return (
        f'{lines}<text class="tick end" x="{LEFT - 4}" y="{TOP + 8}">{label}</text>'
        f'<text class="tick end" x="{LEFT - 4}" y="{base}">0</text>'
    )


def _runs(values: Sequence[float]) -> list[tuple[int, list[float]]]:
    """Stretches of known values, with the place of their first."""
    runs: list[tuple[int, list[float]]] = []
    for place, value in enumerate(values):
        if not isfinite(value):
            continue
        if runs and runs[-1][0] + len(runs[-1][1]) == place:
            runs[-1][1].append(value)
        else:
            runs.append((place, [value]))
    return runs


def _svg(parts: list[str], title: str) -> str:
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg {box} role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
