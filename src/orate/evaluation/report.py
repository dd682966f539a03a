"""A model's figures on prepared clips, by group: speakers of the corpus, and people never seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from math import isfinite

from orate.corpora.dataset import ClipDataset
from orate.evaluation.clip import FIGURES, ClipMeter
from orate.models.generator import Generator
from orate.models.runtime import Runtime
from orate.models.windows import cut_windows
from orate.training.validation import mean_known, pictures

UNSEEN = "unseen"


@dataclass(frozen=True)
class ClipFigures:
    """One clip's figures; `group` is the speaker, or ``unseen`` for people that training never saw."""

    key: str
    group: str
    figures: dict[str, float]


def evaluate_clips(
    generator: Generator, clips: ClipDataset, indices: Iterable[int], device: str = "cpu"
) -> Iterator[ClipFigures]:
    """Generate clips from their first frame and their sound, and measure them against the real ones.

    Args:
        generator: the model.
        clips: prepared clips, whole, with the sound at the model's rate.
        indices: which of them.
        device: where to compute.

    Raises:
        OrateError: no such device; said at once, before the first clip is asked for.
    """
    return _evaluated(Runtime(generator, device=device), clips, indices)


def _evaluated(runtime: Runtime, clips: ClipDataset, indices: Iterable[int]) -> Iterator[ClipFigures]:
    meter = ClipMeter()
    for index in indices:
        clip = clips[index]
        real = pictures(clip["video"])
        windows = cut_windows(clip["audio"], runtime.config, 0, len(real)).numpy()
        generated = runtime.session(real[0], seed=index).frames(windows)
        group = UNSEEN if clips.sample(index).unseen_speaker else clip["speaker"]
        yield ClipFigures(clip["key"], group, meter(real, generated))


def summarise(clips: list[ClipFigures]) -> dict[str, dict[str, float]]:
    """Mean figures by group, in sorted order, each with its number of clips."""
    groups = sorted({clip.group for clip in clips})
    return {group: _mean([clip.figures for clip in clips if clip.group == group]) for group in groups}


def _mean(figures: list[dict[str, float]]) -> dict[str, float]:
    means = {name: mean_known([figure[name] for figure in figures]) for name in FIGURES}
    return {"clips": float(len(figures)), **means}


def as_json(clips: list[ClipFigures]) -> dict[str, object]:
    """Everything measured, ready for JSON, which knows neither NaN nor infinity: they become null."""
    groups = {group: _finite(means) for group, means in summarise(clips).items()}
    return {
        "groups": groups,
        "figures": FIGURES,
        "clips": [{**asdict(clip), "figures": _finite(clip.figures)} for clip in clips],
    }


def _finite(figures: dict[str, float]) -> dict[str, float | None]:
    return {name: value if isfinite(value) else None for name, value in figures.items()}
