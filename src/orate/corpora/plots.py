"""Plots of the dataset card, as PNG: the same bytes for the same clips and the same Matplotlib."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from orate.corpora.report import Report
from orate.corpora.shards import Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN, HEIGHT_IN, DPI = 6.4, 3.0, 110
ROW_IN = 0.26  # of a bar chart
MOST_BARS = 40  # speakers beyond which a histogram says more than bars
COLOUR, OTHERS = "#2f6690", ("#2f6690", "#d98e04", "#7a9e7e")  # of splits: train, validation, test
INK, GRID = "#333333", "#dddddd"
BINS = 30
SPLITS = ("train", "validation", "test")


def available() -> bool:
    """Whether Matplotlib is installed; it comes with ``orate[train]``."""
    return find_spec("matplotlib") is not None


def plots(report: Report) -> Iterator[tuple[str, str, bytes]]:
    """File name, what it shows, and PNG of every plot that the clips have something for."""
    samples, fps = report.index.samples, report.index.fps
    charts: list[tuple[str, str, Callable[[], Figure | None]]] = [
        ("durations.png", "Length of the kept clips", lambda: _durations(samples, fps)),
        ("speakers.png", "Clips of each speaker", lambda: _speakers(samples)),
        ("head-angles.png", "Head angles, median of each clip", lambda: _angles(samples)),
        ("magnification.png", "Crop pixels a pixel of the picture", lambda: _magnification(samples)),
        ("voiced.png", "Share of the time in which a voice is heard", lambda: _voiced(samples)),
        ("offsets.png", "Audio-visual offset before correction", lambda: _offsets(samples, fps)),
        ("dropped.png", "Clips left out, by reason", lambda: _dropped(report)),
    ]
    import matplotlib.style

    for name, caption, draw in charts:
        with matplotlib.style.context("default", after_reset=True):  # whatever the user has set up
            figure = draw()
            drawn = _png(figure) if figure is not None else b""
        if drawn:
            yield name, caption, drawn


def _durations(samples: list[Sample], fps: float) -> Figure | None:
    if not samples:
        return None
    figure, (axes,) = _figure()
    seconds = {split: [sample.frames / fps for sample in samples if sample.split == split] for split in SPLITS}
    _stacked(axes, seconds, "seconds")
    return figure


def _speakers(samples: list[Sample]) -> Figure | None:
    speakers = sorted({sample.speaker for sample in samples}, key=_by_number)
    if len(speakers) < 2:
        return None
    counts = Counter((sample.speaker, sample.split) for sample in samples)
    if len(speakers) > MOST_BARS:
        figure, (axes,) = _figure()
        totals = Counter(sample.speaker for sample in samples)
        _histogram(axes, np.array(list(totals.values()), float), "clips of a speaker", "speakers")
        return figure
    figure, (axes,) = _figure(height=1.1 + ROW_IN * len(speakers))
    left = np.zeros(len(speakers))
    for split, colour in zip(SPLITS, OTHERS, strict=True):
        values = np.array([counts[speaker, split] for speaker in speakers], float)
        if values.any():
            axes.barh(speakers, values, left=left, color=colour, label=split, height=0.7)
        left += values
    axes.set_ylim(len(speakers) - 0.5, -0.5)
    _count_clips(axes)
    figure.legend(loc="outside upper right", ncols=len(SPLITS), frameon=False, fontsize=8)
    return figure


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    """Names in an order that people expect: s2 before s10."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name)]


def _angles(samples: list[Sample]) -> Figure | None:
    names = ("yaw", "pitch", "roll")
    values = [[getattr(sample, f"{name}_deg") for sample in samples] for name in names]
    if not samples or any(value is None for column in values for value in column):
        return None
    figure, panels = _figure(columns=3)
    reach = max(10.0, float(np.ceil(np.abs(np.array(values, float)).max() / 5) * 5))
    for axes, name, column in zip(panels, names, values, strict=True):
        axes.hist(column, bins=BINS, range=(-reach, reach), color=COLOUR)
        axes.set_xlabel(f"{name}, degrees")
    panels[0].set_ylabel("clips")
    return figure


def _magnification(samples: list[Sample]) -> Figure | None:
    return _share_of([sample.magnification for sample in samples], "crop pixels a pixel of the picture", None)


def _voiced(samples: list[Sample]) -> Figure | None:
    return _share_of([sample.voiced if sample.voiced >= 0 else None for sample in samples], "voiced share", (0, 1))


def _offsets(samples: list[Sample], fps: float) -> Figure | None:
    sure = [sample.offset_s * 1000 for sample in samples if sample.offset and sample.offset != "unsure"]
    if not sure:
        return None
    figure, (axes,) = _figure()
    frame = 1000 / fps
    reach = max(2 * frame, float(np.abs(sure).max()) + frame / 2)
    edges = np.arange(-np.ceil(reach / frame * 2) / 2 - 0.25, np.ceil(reach / frame * 2) / 2 + 0.5, 0.5) * frame
    axes.hist(sure, bins=list(edges), color=COLOUR)
    axes.set_xlabel("sound after picture, ms, before correction; 0: in time")
    axes.set_ylabel("clips")
    return figure


def _dropped(report: Report) -> Figure | None:
    counts = Counter(clip.reason for clip in report.dropped).most_common()
    if not counts:
        return None
    counts.sort(key=lambda pair: (-pair[1], pair[0]))
    figure, (axes,) = _figure(height=0.8 + ROW_IN * len(counts))
    bars = axes.barh([reason for reason, _ in counts], [count for _, count in counts], color=COLOUR, height=0.7)
    axes.bar_label(bars, padding=3, color=INK, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    _count_clips(axes)
    return figure


def _count_clips(axes: Axes) -> None:
    """Clips to the right, of which there are no halves."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("clips")
    axes.grid(axis="y", visible=False)


def _share_of(
    values: list[float | None], label: str, limits: tuple[float, float] | None, count: str = "clips"
) -> Figure | None:
    known = np.array([value for value in values if value is not None], float)
    if not known.size:
        return None
    figure, (axes,) = _figure()
    _histogram(axes, known, label, count, limits)
    return figure


def _histogram(
    axes: Axes, values: NDArray[np.float64], label: str, count: str, limits: tuple[float, float] | None = None
) -> None:
    axes.hist(values, bins=BINS, range=limits or _limits(values), color=COLOUR)
    axes.set_xlabel(label)
    axes.set_ylabel(count)


def _stacked(axes: Axes, values: dict[str, list[float]], label: str) -> None:
    """Histograms of the splits on top of each other."""
    there = {split: column for split, column in values.items() if column}
    everything = np.concatenate([np.array(column, float) for column in there.values()])
    colours = [colour for split, colour in zip(SPLITS, OTHERS, strict=True) if split in there]
    columns = list(there.values())
    axes.hist(columns, bins=BINS, range=_limits(everything), stacked=True, color=colours, label=list(there))
    axes.set_xlabel(label)
    axes.set_ylabel("clips")
    axes.figure.legend(loc="outside upper right", ncols=len(SPLITS), frameon=False, fontsize=8)


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    """All values, and a stretch about them where all are the same."""
    low, high = float(values.min()), float(values.max())
    return (low, high) if high - low > 1e-6 else (low - 0.5, high + 0.5)


def _figure(columns: int = 1, height: float = HEIGHT_IN) -> tuple[Figure, list[Axes]]:
    """An empty figure without Matplotlib's global state, which a caller may have set up otherwise."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, height), dpi=DPI, layout="constrained", facecolor="white")
    panels = figure.subplots(1, columns, sharey=True, squeeze=False)[0]
    for axes in panels:
        axes.grid(color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK, labelsize=8)
    return figure, list(panels)


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
