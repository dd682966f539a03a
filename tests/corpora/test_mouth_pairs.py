"""Pairs for the refinement: what the head does is undone, what the lips do stays, sound and frames belong together."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from orate.corpora.mouth_pairs import FPS, RATE_HZ, WINDOW, MouthPairs, SeenClip, clip_pairs, sound_about
from orate.face.landmarks import Face
from orate.render.head import load_head
from orate.render.lips import LOWER_RINGS
from orate.render.pose import HeadPose

SIDE, SCALE, FRAMES = 300, 10.0, 10
LAST = 3  # frames at the end whose lower lip is let down


def moving_face() -> tuple[list[np.ndarray], list[Face]]:
    """A painted face that turns in the picture's plane, slowly; in the last frames its lower lip is let down."""
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    photo = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), np.empty(0), 60, 220, cv2.NORM_MINMAX)
    pose = HeadPose(SCALE, np.diag([1.0, -1.0, -1.0]), np.array([SIDE / 2, SIDE / 2, 0.0]))
    landmarks = pose.project(load_head().landmarks)
    images, faces = [], []
    for number in range(FRAMES):
        turn, size, shift = 0.8 * number, 1 + 0.01 * number, 1.5 * number
        matrix = cv2.getRotationMatrix2D((SIDE / 2 - 0.5, SIDE / 2 - 0.5), turn, size)
        matrix[:, 2] += shift
        images.append(cv2.warpAffine(photo, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))
        points = landmarks.copy()
        if number >= FRAMES - LAST:
            points[LOWER_RINGS.ravel(), 1] += 8
        points[:, :2] = (points[:, :2] - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
        points[:, 2] *= size
        faces.append(Face(np.zeros(4), 1.0, points.astype(np.float32), np.zeros(52, np.float32)))
    return images, faces


def make_pairs(spread: int, sources: int, length: int) -> MouthPairs:
    images, faces = moving_face()
    sound = np.arange(round(FRAMES * RATE_HZ / FPS), dtype=np.float32) / 32767
    clip = SeenClip("s9", "train", images, faces.__getitem__, sound)
    made = clip_pairs(clip, spread, sources, length, np.random.default_rng(0))
    assert made is not None
    return made


@pytest.fixture(scope="module")
def pairs() -> MouthPairs:
    made = make_pairs(3, 1, FRAMES)
    return made.chosen(made.run == made.run.max())


def test_runs_are_neighbours_from_one_frame() -> None:
    pairs = make_pairs(4, 2, 7)
    single = [0, 1, 2]
    assert list(pairs.run) == [*single, *[3] * 7, 4, 5, 6, *[7] * 7]
    assert set(pairs.speaker) == {"s9"}
    assert set(pairs.split) == {"train"}
    for run in (3, 7):
        part = pairs.chosen(pairs.run == run)
        assert (part.own == part.own[0]).all()
        centres = part.sound[:, WINDOW // 2].astype(int)
        np.testing.assert_array_equal(np.diff(centres), round(RATE_HZ / FPS))


def test_joined_runs_stay_apart() -> None:
    part = make_pairs(3, 1, 7)
    joined = MouthPairs.joined([part, part])
    assert list(joined.run) == [0, 1, *[2] * 7, 3, 4, *[5] * 7]


def test_every_source_is_drawn_as_every_other_frame() -> None:
    pairs = make_pairs(5, 2, 0)
    assert len(pairs) == 2 * 4
    opened = pairs.masks[:, 2].mean(axis=(1, 2))  # the photo's own lips: first the closest together, then the widest
    assert (opened[4:] > opened[:4].max()).all()


def test_a_short_clip_gives_nothing() -> None:
    images, faces = moving_face()
    clip = SeenClip("s9", "train", images, faces.__getitem__, np.zeros(9, np.float32))
    assert clip_pairs(clip, 3, 1, FRAMES + 1, np.random.default_rng(0)) is None


def test_the_head_s_movement_is_undone(pairs: MouthPairs) -> None:
    still = pairs.chosen(pairs.stirred < 0.5)
    assert len(still) >= FRAMES - LAST - 1  # the alignment looks one frame ahead
    for name in ("drawn", "truth"):
        difference = getattr(still, name).astype(float) - still.own
        assert np.abs(difference).mean() < 4
    assert np.abs(still.own[:, :, 5:].astype(float) - still.own[:, :, :-5]).mean() > 6  # so an error of 5 px would show


def test_open_lips_are_drawn_open(pairs: MouthPairs) -> None:
    opened = pairs.chosen(pairs.stirred == 1)
    assert len(opened) == LAST
    assert opened.masks[0, 0].mean() > opened.masks[0, 2].mean() + 3
    inside = opened.masks[0, 0] > 200
    assert np.abs(opened.drawn[0].astype(float) - opened.own[0])[inside].mean() > 10


def test_sound_lies_about_the_frame_and_is_silent_beyond_its_ends() -> None:
    sound = np.full(RATE_HZ, 0.5, np.float32)
    first, middle, last = (sound_about(sound, frame) for frame in (0, 12, 24))
    assert (middle == middle[0]).all()
    assert middle[0] == round(0.5 * 32767)
    assert not first[: WINDOW // 2 - 320].any()
    assert first[WINDOW // 2 - 320 :].all()
    assert not last[WINDOW // 2 + 320 :].any()
    assert not sound_about(sound, 99).any()
