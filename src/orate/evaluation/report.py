"""A model's figures on prepared clips, by group, between a ceiling and a floor.

Three rows for each clip: the *model* from the clip's first frame and its sound; the *ceiling*, the real clip after
compression that people hardly see, so that what trackers and codecs do by themselves is known; and the *floor*, the
first frame standing still.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from orate.corpora.codec import decode_video, encode_video
from orate.corpora.dataset import ClipDataset
from orate.evaluation.clip import FIGURES, ClipMeter
from orate.evaluation.generators import ClipGenerator
from orate.evaluation.identity import FaceEmbedder
from orate.evaluation.silence import voice_activity
from orate.training.validation import mean_known, pictures

UNSEEN = "unseen"  # people that training never saw
SEEN = "seen"  # held-out sentences of all the others
CEILING_CRF = 18
ROWS = {
    "model": "from the first frame and the sound",
    "ceiling": f"the real clip, compressed (H.264, CRF {CEILING_CRF})",
    "floor": "the first frame, standing still",
}

Figures = dict[str, float]


@dataclass(frozen=True)
class ClipFigures:
    """One clip's figures.

    Attributes:
        key: the clip's name.
        group: the speaker, or ``unseen`` for people that training never saw.
        rows: `FIGURES` for each of `ROWS`.
    """

    key: str
    group: str
    rows: dict[str, Figures]


def evaluate_clips(
    generator: ClipGenerator, clips: ClipDataset, indices: Iterable[int], embedder: FaceEmbedder | None = None
) -> Iterator[ClipFigures]:
    """Generate clips from their first frame and their sound, and measure them against the real ones.

    Args:
        generator: the model.
        clips: prepared clips, whole, with the sound at the generator's rate.
        indices: which of them; they seed the noise.
        embedder: for the distances of face embeddings, which are not known without it.

    Raises:
        OrateError: the crops do not fit the model; a damaged shard.
    """
    meter = ClipMeter(embedder=embedder)
    for index in indices:
        clip = clips[index]
        real, audio = pictures(clip["video"]), clip["audio"].numpy()
        voice = voice_activity(audio, clips.audio_rate, len(real), clips.fps)
        truth = meter.track(real)
        videos = {
            "model": generator.generate(real[0], audio, len(real), index),
            "ceiling": compressed(real, clips.fps),
            "floor": np.repeat(real[:1], len(real), axis=0),
        }
        rows = {row: meter.measure(truth, meter.track(video), voice, clips.fps) for row, video in videos.items()}
        group = UNSEEN if clips.sample(index).unseen_speaker else clip["speaker"]
        yield ClipFigures(clip["key"], group, rows)


def compressed(video: NDArray[np.uint8], fps: float) -> NDArray[np.uint8]:
    """A video, (time, height, width, 3) uint8 with even sides, after H.264 at `CEILING_CRF`."""
    return decode_video(encode_video(video, fps, CEILING_CRF))


def summarise(clips: list[ClipFigures]) -> dict[str, dict[str, Figures]]:
    """Mean figures by group and row: the speakers in sorted order, all of them together, people never seen."""
    speakers = sorted({clip.group for clip in clips} - {UNSEEN})
    groups = {speaker: [clip for clip in clips if clip.group == speaker] for speaker in speakers}
    if len(speakers) > 1:
        groups[SEEN] = [clip for clip in clips if clip.group != UNSEEN]
    if unseen := [clip for clip in clips if clip.group == UNSEEN]:
        groups[UNSEEN] = unseen
    return {
        group: {row: mean_figures([clip.rows[row] for clip in members]) for row in ROWS}
        for group, members in groups.items()
    }


def mean_figures(figures: list[Figures]) -> Figures:
    """Mean of each figure over those in which it is known."""
    return {name: mean_known([figure[name] for figure in figures]) for name in figures[0]}


def count(clips: list[ClipFigures], group: str) -> int:
    """How many clips the group of a summary holds."""
    return sum(group == clip.group or (group == SEEN and clip.group != UNSEEN) for clip in clips)


def as_json(clips: list[ClipFigures]) -> dict[str, object]:
    """Everything measured, ready for JSON, which knows neither NaN nor infinity: they become null."""
    return {
        "groups": {
            group: {"clips": count(clips, group), **{row: finite(means) for row, means in rows.items()}}
            for group, rows in summarise(clips).items()
        },
        "figures": FIGURES,
        "rows": ROWS,
        "clips": [
            {**asdict(clip), "rows": {row: finite(figures) for row, figures in clip.rows.items()}} for clip in clips
        ],
    }


def finite(figures: Figures) -> dict[str, float | None]:
    """Figures with None for what is not known or infinite."""
    return {name: value if isfinite(value) else None for name, value in figures.items()}
