"""One synthetic person's clip: drawn frame by frame as a real clip moves, cut to the canonical crop, into its shard."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate.corpora.cleaning.figures import ClipFigures
from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.corpora.clip import Clip, PrepareSettings
from orate.corpora.crops import PreparedClip
from orate.corpora.shards import Index, Sample
from orate.corpora.smoothing import smooth_alignment
from orate.corpora.synthetic.actions import actions_as_scores, beside_rest, to_order
from orate.corpora.synthetic.assets import Assets
from orate.corpora.synthetic.camera import Camera
from orate.corpora.synthetic.identity import shaped
from orate.corpora.synthetic.motion import ActionMotion
from orate.corpora.synthetic.recipe import MOTION, PERSON, PLACE, SETTING, Recipe, number_of, source_of, usable_samples
from orate.corpora.synthetic.renderer import HeadRenderer
from orate.corpora.synthetic.scene import Person, Setting
from orate.corpora.synthetic.sealing import LipSeal, opening_gaps
from orate.corpora.synthetic.sources import Source, motion_index, read_source, speech_span
from orate.corpora.synthetic.stage import Stage, staged
from orate.corpora.synthetic.videos import write_video
from orate.corpora.worker import write_dropped, write_kept
from orate.face.alignment import CROP_SIZE, align, canonical_crop, invert, scale_of
from orate.face.landmarks import FaceLandmarker
from orate.face.regions import transform_points
from orate.render.pose import fit_pose

SOFTWARE_THREADS = "LP_NUM_THREADS"  # of llvmpipe, Mesa's renderer where there is no graphics card
FRAMINGS = 20  # cameras that are tried until the canonical crop lies in the picture
CHECKED_FRAMES = 4  # of a clip, in which the face must be found
MAX_OUTSIDE = 0.1  # of the landmarks of any frame
"""A clip is dropped when more of the face leaves the picture, or when no landmarker would find it."""


@dataclass(frozen=True)
class Pictures:
    """A clip of T frames before it is cut.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB.
        landmarks: (T, 478, 3) px of the picture, exact.
        blendshapes: (T, 52) in [0, 1]: the weights that the head was drawn with, under FaceLandmarker's names.
    """

    frames: NDArray[np.uint8]
    landmarks: NDArray[np.float64]
    blendshapes: NDArray[np.float32]


@dataclass(frozen=True)
class ClipMaker:
    """Makes the clips of a recipe; what a task of preparation calls (`orate.corpora.engine.Task`)."""

    recipe: Recipe

    def __post_init__(self) -> None:
        # plans of preparation name what prepared a folder, as functions are named
        object.__setattr__(self, "__qualname__", type(self).__qualname__)

    def __call__(self, clip: Clip, settings: PrepareSettings, work: Path) -> str:
        """Make one clip into `work`; returns its key. The head and its renderer are loaded once a process."""
        index, samples = _samples(self.recipe)
        number = number_of(clip.key)
        sample = source_of(self.recipe, samples, number)
        source = _source_part(self.recipe, index, sample, number)
        clip = replace(
            clip,
            video=Path(sample.key),
            sentence_id=str(source.meta.get("sentence_id", "")),
            transcript=" ".join(word.text for word in source.words) or str(source.meta.get("transcript", "")),
            words=source.words,
            start_s=source.start_s,
            end_s=source.start_s + len(source.motion) / index.fps,
        )
        try:
            pictures = draw(self.recipe, number, source.motion, settings.crop_size)
            check_visible(pictures)
        except Dropped as drop:
            write_dropped(clip, drop, work)
            return clip.key
        if self.recipe.videos is not None:
            arrays = pictures.landmarks, pictures.blendshapes
            write_video(self.recipe.videos, clip.key, pictures.frames, index.fps, source.audio, index.rate, *arrays)
        write_kept(clip, cut(pictures, source.audio, settings), settings, work)
        return clip.key


def check_renderer(recipe: Recipe) -> None:
    """Open the assets and OpenGL once, so that what is missing is said before any work begins. Raises OrateError."""
    _stage_hands(recipe.assets, recipe.side)


def draw(recipe: Recipe, number: int, motion: ActionMotion, crop_size: tuple[int, int] = CROP_SIZE) -> Pictures:
    """Person `number` of a recipe, moving; seen so that the canonical crop lies in the picture, if chance allows."""
    renderer, seal = _stage_hands(recipe.assets, recipe.side)
    person = Person.random(recipe.random(number, PERSON), renderer.assets)
    rng = recipe.random(number, SETTING)
    setting = Setting.random(rng)
    with renderer.context:  # there may be another renderer in this process, whose turn it was
        for _ in range(FRAMINGS):
            stage = staged(motion, recipe.turn_deg, setting.camera, recipe.random(number, MOTION))
            if crop_inside(renderer, person, setting, stage, crop_size):
                break
            setting = replace(setting, camera=Camera.random(rng))
        return perform(renderer, seal, person, setting, stage)


def crop_inside(
    renderer: HeadRenderer, person: Person, setting: Setting, stage: Stage, crop_size: tuple[int, int]
) -> bool:
    """Whether all of the canonical crop shows picture, in the first, the middle and the last frame."""
    corners = np.array([[0, 0], [crop_size[1], 0], [0, crop_size[0]], [crop_size[1], crop_size[0]]], np.float64)
    still = np.zeros(len(renderer.assets.expression_names), np.float32)
    for place in (0, len(stage.poses) // 2, len(stage.poses) - 1):
        points = renderer.landmarks(person, setting, still, stage.poses[place], stage.gaze[place])
        places = transform_points(invert(align(points, crop_size)), corners)
        if (places < 0).any() or (places > (renderer.size[1], renderer.size[0])).any():
            return False
    return True


def perform(renderer: HeadRenderer, seal: LipSeal, person: Person, setting: Setting, stage: Stage) -> Pictures:
    """Draw a person in a setting through all frames of a stage."""
    names, weights = renderer.assets.expression_names, stage.motion.weights
    expression = beside_rest(to_order(weights, names), person.rest, names)
    expression = seal(expression, opening_gaps(weights), shaped(renderer.assets, person.identity))
    frames, landmarks = [], []
    for frame, (moved, pose, gaze) in enumerate(zip(expression, stage.poses, stage.gaze, strict=True)):
        frames.append(renderer.render(person, setting, moved, pose, gaze, frame))
        landmarks.append(renderer.landmarks(person, setting, moved, pose, gaze))
    return Pictures(
        frames=np.stack(frames),
        landmarks=np.stack(landmarks).astype(np.float64),
        blendshapes=actions_as_scores(weights),
    )


def check_visible(pictures: Pictures) -> None:
    """Raise Dropped where the face leaves the picture, or where a landmarker does not find it."""
    height, width = pictures.frames.shape[1:3]
    points = pictures.landmarks[..., :2]
    outside = ((points < 0) | (points > (width, height))).any(-1).mean(-1)
    if outside.max() > MAX_OUTSIDE:
        raise Dropped(DropReason.OUTSIDE, f"{outside.max():.0%} of it")
    places = np.unique(np.linspace(0, len(pictures.frames) - 1, CHECKED_FRAMES).astype(int))
    for place in places:
        if not _landmarker().detect(pictures.frames[place]):
            raise Dropped(DropReason.NO_FACE, f"in frame {place}")


def cut(pictures: Pictures, audio: NDArray[np.float32], settings: PrepareSettings) -> PreparedClip:
    """The canonical crops, as those of real clips are cut, with the exact landmarks in them."""
    aligned = np.stack([align(points, settings.crop_size) for points in pictures.landmarks])
    matrices = smooth_alignment(aligned, settings.crop_size, settings.fps)
    crops = [
        canonical_crop(frame, matrix, settings.crop_size)
        for frame, matrix in zip(pictures.frames, matrices, strict=True)
    ]
    angles = np.median([fit_pose(points).yaw_pitch_roll for points in pictures.landmarks], axis=0)
    return PreparedClip(
        frames=np.stack(crops),
        audio=audio,
        landmarks=in_crop(pictures.landmarks, matrices),
        matrices=matrices.astype(np.float32),
        blendshapes=pictures.blendshapes,
        interpolated_frames=0,
        figures=ClipFigures(yaw_deg=float(angles[0]), pitch_deg=float(angles[1]), roll_deg=float(angles[2])),
    )


def in_crop(landmarks: NDArray[np.float64], matrices: NDArray[np.float64]) -> NDArray[np.float32]:
    """Landmarks (T, 478, 3) of the picture in px of the crops; depths keep the picture's scale."""
    scale = np.array([scale_of(matrix) for matrix in matrices])
    points = np.einsum("tij,tnj->tni", matrices[:, :, :2], landmarks[..., :2]) + matrices[:, None, :, 2]
    return np.concatenate([points, landmarks[..., 2:] * scale[:, None, None]], -1).astype(np.float32)


def _source_part(recipe: Recipe, index: Index, sample: Sample, number: int) -> Source:
    """The part of the source that the person's clip is as long as, at a place of chance, its middle in the speech."""
    frames = recipe.frames(index.fps) or sample.frames
    spoken = speech_span(recipe.motion, sample)
    places = np.arange(sample.frames - frames + 1)
    middles = (places + frames / 2) / index.fps
    inside = places[(middles >= spoken[0]) & (middles <= spoken[1])] if spoken else places
    first = int(recipe.random(number, PLACE).choice(inside if len(inside) else places))
    return read_source(recipe.motion, index, sample, first, frames)


@cache
def _stage_hands(folder: Path, side: int) -> tuple[HeadRenderer, LipSeal]:
    os.environ.setdefault(SOFTWARE_THREADS, "1")  # there is a process for each core already
    assets = Assets.load(folder)
    return HeadRenderer(assets, (side, side)), LipSeal(assets)


@cache
def _samples(recipe: Recipe) -> tuple[Index, list[Sample]]:
    index = motion_index(recipe.motion)
    return index, usable_samples(recipe, index)


@cache
def _landmarker() -> FaceLandmarker:
    return FaceLandmarker(threads=1)
