"""A model's figures on prepared clips, by group, between a ceiling and a floor.

Three rows for each clip: the *model* from the clip's first frame and its sound; the *ceiling*, the real clip after
compression that people hardly see, so that what trackers and codecs do by themselves is known; and the *floor*, the
first frame standing still.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from orate.corpora.codec import decode_video, encode_video
from orate.corpora.dataset import ClipDataset
from orate.evaluation.clip import FIGURES, ClipMeter, TrackedVideo
from orate.evaluation.clip_record import ClipFigures, VideoRecord, record
from orate.evaluation.generators import ClipGenerator
from orate.evaluation.head_movement import ANGLES, BROW, variety
from orate.evaluation.instruments import SYNC_FIGURES, Instruments
from orate.evaluation.seeds import seed_difference
from orate.evaluation.silence import voice_activity
from orate.training.validation import mean_known, pictures

UNSEEN = "unseen"  # people that training never saw
SEEN = "seen"  # held-out sentences of all the others
CEILING_CRF = 18
MODEL, CEILING, FLOOR = "model", "ceiling", "floor"
ROWS = {
    MODEL: "from the first frame and the sound",
    CEILING: f"the real clip, compressed (H.264, CRF {CEILING_CRF})",
    FLOOR: "the first frame, standing still",
}
CLIP_FIGURES = {
    **FIGURES,
    **SYNC_FIGURES,
    "seed_difference": "distance of the landmarks in two videos of different seeds, in eye distances",
}
POOLED_FIGURES = {
    "wer": "errors of the lip reader over the words of all sentences (GRID)",
    "head_variety_deg": "how far the head's rotation differs from clip to clip, in degrees",
    "brow_variety_cm": "how far the brows' height differs from clip to clip, in cm",
}
ALL_FIGURES = {**CLIP_FIGURES, **POOLED_FIGURES}
OTHER_SEED = 1_000_003  # added to a clip's own: no other clip has it
NAN = float("nan")

Figures = dict[str, float]


@dataclass(frozen=True)
class MeasuredClip:
    """A clip's figures, and the videos they are of: (time, height, width, 3) uint8, and the sound."""

    figures: ClipFigures
    real: NDArray[np.uint8]
    generated: NDArray[np.uint8]
    audio: NDArray[np.float32]


class ClipEvaluation:
    """Generates clips from their first frame and their sound, and measures them against the real ones.

    Args:
        generator: the model.
        clips: prepared clips, whole, with the sound at the generator's rate.
        instruments: networks to measure with; without them, figures are NaN.
    """

    def __init__(self, generator: ClipGenerator, clips: ClipDataset, instruments: Instruments | None = None) -> None:
        self._generator, self.clips = generator, clips
        self._instruments = instruments or Instruments()
        self._meter = ClipMeter(embedder=self._instruments.embedder)

    def __call__(self, index: int) -> MeasuredClip:
        """Measure a clip; its index seeds the noise.

        Raises:
            OrateError: the crops do not fit the model; a damaged shard.
        """
        clips, clip = self.clips, self.clips[index]
        real, audio = pictures(clip["video"]), clip["audio"].numpy()
        said = str(clips.meta(index).get("transcript") or "")
        made, other = (
            self._generator.generate(real[0], audio, len(real), seed) for seed in (index, index + OTHER_SEED)
        )
        truth, generated = self._meter.track(real), self._meter.track(made)
        videos = {
            MODEL: generated,
            CEILING: self._meter.track(compressed(real, clips.fps)),
            FLOOR: self._meter.track(np.repeat(real[:1], len(real), axis=0)),
        }
        voice = voice_activity(audio, clips.audio_rate, len(real), clips.fps)
        rows = {
            name: {
                **self._meter.measure(truth, video, voice, clips.fps),
                **self._instruments.sync_figures(video.frames, audio, clips.audio_rate, clips.fps),
                "seed_difference": NAN,
            }
            for name, video in videos.items()
        }
        same = np.array_equal(made, other)
        rows[MODEL]["seed_difference"] = seed_difference(
            generated.landmarks, generated.landmarks if same else self._meter.track(other).landmarks
        )
        records = {name: self._record(video, said) for name, video in videos.items()}
        group = UNSEEN if clips.sample(index).unseen_speaker else clip["speaker"]
        figures = ClipFigures(clip["key"], group, rows, said, clips.fps, records)
        return MeasuredClip(figures, real, made, audio)

    def _record(self, video: TrackedVideo, said: str) -> VideoRecord:
        fps = self.clips.fps
        return record(video.landmarks, fps, self._instruments.read(video.frames, said, fps))


def compressed(video: NDArray[np.uint8], fps: float) -> NDArray[np.uint8]:
    """A video, (time, height, width, 3) uint8 with even sides, after H.264 at `CEILING_CRF`."""
    return decode_video(encode_video(video, fps, CEILING_CRF))


def summarise(clips: list[ClipFigures]) -> dict[str, dict[str, Figures]]:
    """Figures by group and row: the speakers in sorted order, all of them together, people never seen.

    `CLIP_FIGURES` are means over clips, `POOLED_FIGURES` are computed over all of a group.
    """
    speakers = sorted({clip.group for clip in clips} - {UNSEEN})
    groups = {speaker: [clip for clip in clips if clip.group == speaker] for speaker in speakers}
    if len(speakers) > 1:
        groups[SEEN] = [clip for clip in clips if clip.group != UNSEEN]
    if unseen := [clip for clip in clips if clip.group == UNSEEN]:
        groups[UNSEEN] = unseen
    return {group: {row: summary(members, row) for row in ROWS} for group, members in groups.items()}


def summary(clips: list[ClipFigures], row: str) -> Figures:
    """`ALL_FIGURES` of one row over clips."""
    return {**mean_figures([clip.rows[row] for clip in clips]), **_pooled(clips, row)}


def _pooled(clips: list[ClipFigures], row: str) -> Figures:
    records = [(clip.said, clip.videos[row]) for clip in clips if row in clip.videos]
    read = [(said, video.read) for said, video in records if video.read is not None]
    wer = NAN
    if read:
        from orate.evaluation.wer import word_error_rate  # needs jiwer, which may be missing

        wer = word_error_rate([said for said, _ in read], [text for _, text in read])
    heads = [np.array(video.head, np.float64).reshape(-1, 4) for _, video in records]
    return {"wer": wer, "head_variety_deg": variety(heads, ANGLES), "brow_variety_cm": variety(heads, BROW)}


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
        "figures": ALL_FIGURES,
        "rows": ROWS,
        "clips": [_without_curves(clip) for clip in clips],
    }


def _without_curves(clip: ClipFigures) -> dict[str, object]:
    value = clip.as_json()
    return {
        **{name: one for name, one in value.items() if name != "videos"},
        "read": {row: video.read for row, video in clip.videos.items()},
    }


def finite(figures: Mapping[str, float]) -> dict[str, float | None]:
    """Figures with None for what is not known or infinite."""
    return {name: value if isfinite(value) else None for name, value in figures.items()}
