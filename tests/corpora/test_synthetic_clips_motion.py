"""Motion of clips for synthetic heads: what was put into landmarks comes out as weights, lids, gaze and head pose."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from orate.corpora.motion_tracks import NECK_PIVOT_CM
from orate.corpora.synthetic.actions import (
    action_names,
    actions_as_scores,
    beside_rest,
    scores_as_actions,
    to_order,
)
from orate.corpora.synthetic.motion import ActionMotion, lid_closure, measure_motion
from orate.errors import OrateError
from orate.face.blendshapes import BLENDSHAPE_NAMES
from orate.render.head import load_head
from orate.render.lips import INNER_LOWER, INNER_UPPER
from orate.render.pose import HeadPose, rotation_matrix

FRAMES = 50
NAMES = action_names()


def made_clip(
    weights: NDArray[np.float64], turns: NDArray[np.float64] | None = None, noise_px: float = 0.0
) -> NDArray[np.float64]:
    """(T, 478, 3) px: the generic head in a picture, moved by the actions and turned about the neck."""
    head = load_head()
    axes = np.stack(list(head.actions.values())).astype(np.float64)
    shape = head.landmarks + np.einsum("tk,knc->tnc", weights, axes)
    facing = np.diag([1.0, -1.0, -1.0])  # head axes to the image's
    frames = []
    for frame, points in enumerate(shape):
        turn = rotation_matrix(turns[frame]) if turns is not None else np.eye(3)
        pivoted = (points - NECK_PIVOT_CM) @ turn + NECK_PIVOT_CM
        frames.append(HeadPose(10.0, facing, np.array([180.0, 140.0, 0.0])).project(pivoted))
    clip = np.stack(frames)
    return clip + noise_px * np.random.default_rng(0).standard_normal(clip.shape)


def speech() -> NDArray[np.float64]:
    """(T, 57) a mouth that is at rest, then opens and closes, with rounding in between."""
    weights = np.zeros((FRAMES, len(NAMES)))
    time = np.arange(FRAMES)
    weights[:, NAMES.index("jawOpen")] = 0.25 * np.clip(np.sin(time / 3.0), 0, 1) * (time > 10)
    weights[20:26, NAMES.index("mouthPucker")] = 0.5
    return weights


def no_scores() -> NDArray[np.float32]:
    return np.zeros((FRAMES, len(BLENDSHAPE_NAMES)), np.float32)


def gap_of(motion: ActionMotion) -> NDArray[np.float64]:
    axes = np.stack(list(load_head().actions.values())).astype(np.float64)
    moved = np.einsum("tk,knc->tnc", motion.weights, axes)
    gap: NDArray[np.float64] = (moved[:, INNER_UPPER] - moved[:, INNER_LOWER])[:, 4, 1]
    return gap


def test_a_face_at_rest_gives_no_motion() -> None:
    motion = measure_motion(made_clip(np.zeros((FRAMES, len(NAMES)))), no_scores())
    assert np.abs(motion.weights).max() < 1e-6
    assert np.abs(motion.rotation).max() < 1e-6
    assert np.abs(motion.gaze).max() < 1e-6


def test_the_speakers_own_rest_face_is_the_rest_of_all() -> None:
    """Another person's shape, even a constant smile in the scores, is no motion."""
    identity = load_head().identity[0].astype(np.float64) * 1.5 + load_head().identity[3]
    clip = made_clip(np.zeros((FRAMES, len(NAMES)))) + 10.0 * identity * [1, -1, -1]
    scores = no_scores()
    scores[:, BLENDSHAPE_NAMES.index("mouthSmileLeft")] = 0.6
    assert measure_motion(clip, scores).weights.max() < 0.02


def test_lips_open_and_close_as_the_speakers_do() -> None:
    weights = speech()
    clip = made_clip(weights, noise_px=0.1)
    gap = gap_of(measure_motion(clip, no_scores()))
    truth = (clip[:, INNER_LOWER] - clip[:, INNER_UPPER])[:, 4, 1] / 10.0
    assert np.corrcoef(gap, truth)[0, 1] > 0.99
    closed = weights[:, NAMES.index("jawOpen")] == 0
    assert np.abs(gap[closed]).max() < 0.06
    assert np.abs(gap - truth)[truth > 0.5].mean() < 0.08


def test_rounded_lips_are_rounded() -> None:
    motion = measure_motion(made_clip(speech()), no_scores())
    pucker = motion.weights[:, NAMES.index("mouthPucker")]
    assert pucker[21:25].mean() > 0.25
    assert pucker[30:].mean() < 0.08


def test_lids_close_wholly_one_by_one() -> None:
    weights = np.zeros((FRAMES, len(NAMES)))
    # At 1 the landmarks of the generic head leave a gap that those of real closed eyes do not: 1.15 shuts them.
    weights[20:24, NAMES.index("eyeBlink_R")] = 1.15
    motion = measure_motion(made_clip(weights), no_scores())
    assert motion.weights[20:24, NAMES.index("eyeBlink_R")].min() > 0.95
    assert motion.weights[:, NAMES.index("eyeBlink_L")].max() < 0.05
    assert motion.weights[30:, NAMES.index("eyeBlink_R")].max() < 0.05


def test_closure_is_relative_to_the_eyes_usual_opening() -> None:
    shape = np.repeat(load_head().landmarks[None].astype(np.float64), FRAMES, axis=0)
    assert np.allclose(lid_closure(shape, 0), 0)
    assert np.allclose(lid_closure(shape * [1, 0.5, 1], 1), 0)


def test_the_heads_turns_come_through_and_do_not_move_the_mouth() -> None:
    turns = np.zeros((FRAMES, 3))
    turns[:, 1] = 0.1 * np.sin(np.arange(FRAMES) / 6.0)
    motion = measure_motion(made_clip(np.zeros((FRAMES, len(NAMES))), turns), no_scores())
    assert np.corrcoef(motion.rotation[:, 1], turns[:, 1])[0, 1] > 0.99
    assert np.ptp(motion.rotation[:, 1]) == pytest.approx(np.ptp(turns[:, 1]), rel=0.1)
    assert motion.weights[:, NAMES.index("jawOpen")].max() < 0.01


def test_gaze_is_seen_in_the_irises() -> None:
    clip = made_clip(np.zeros((FRAMES, len(NAMES))))
    clip[30:, 468:478, 0] += 10.0 * 1.2 * np.sin(np.radians(10.0))  # px: 10 degrees to the image's right
    motion = measure_motion(clip, no_scores())
    assert motion.gaze[40:, 0].mean() - motion.gaze[:20, 0].mean() == pytest.approx(10.0, abs=1.0)
    inwards, outwards = (motion.weights[40:, NAMES.index(name)].mean() for name in ("eyeLookIn_R", "eyeLookIn_L"))
    assert inwards > outwards


def test_mirroring_twice_is_nothing_and_once_exchanges_sides() -> None:
    weights = np.zeros((FRAMES, len(NAMES)))
    weights[20:24, NAMES.index("eyeBlink_R")] = 1.0
    motion = measure_motion(made_clip(weights), no_scores())
    mirrored = motion.mirrored()
    assert np.allclose(mirrored.weights[:, NAMES.index("eyeBlink_L")], motion.weights[:, NAMES.index("eyeBlink_R")])
    assert np.allclose(mirrored.mirrored().weights, motion.weights)
    assert np.allclose(mirrored.mirrored().rotation, motion.rotation)


def test_livelier_mouths_do_not_blink_further() -> None:
    weights = np.full((3, len(NAMES)), 0.4, np.float32)
    motion = ActionMotion(
        weights, np.ones((3, 3), np.float32), np.ones((3, 3), np.float32), np.ones((3, 2), np.float32)
    )
    scaled = motion.scaled(mouth=1.5, skin=0.5, head=2.0)
    assert scaled.weights[0, NAMES.index("jawOpen")] == pytest.approx(0.6)
    assert scaled.weights[0, NAMES.index("browInnerUp_L")] == pytest.approx(0.2)
    assert scaled.weights[0, NAMES.index("eyeBlink_L")] == pytest.approx(0.4)
    assert scaled.rotation[0, 0] == 2.0


def test_axes_are_matched_by_name() -> None:
    weights = np.arange(len(NAMES), dtype=np.float32)[None]
    names = [*reversed(NAMES), "somethingElse"]
    ordered = to_order(weights, names)
    assert np.array_equal(ordered[0, : len(NAMES)], weights[0, ::-1])
    assert ordered[0, -1] == 0


def test_foreign_axes_are_refused() -> None:
    with pytest.raises(OrateError, match="not those of ICT-FaceKit"):
        to_order(np.zeros((1, len(NAMES))), ["smile", "frown"])


def test_a_blink_shuts_hanging_lids_no_further_than_open_ones() -> None:
    rest = np.zeros(len(NAMES))
    blink, squint = NAMES.index("eyeBlink_L"), NAMES.index("eyeSquint_L")
    rest[blink], rest[squint] = 0.2, 0.4
    moved = np.zeros((2, len(NAMES)), np.float32)
    moved[1, blink] = 1.0
    total = rest + beside_rest(moved, rest, NAMES)
    np.testing.assert_allclose(total[:, blink], [0.2, 1.0], atol=1e-6)
    np.testing.assert_allclose(total[:, squint], [0.4, 0.0], atol=1e-6)


def test_scores_and_actions_have_their_sides() -> None:
    scores = np.zeros((1, len(BLENDSHAPE_NAMES)), np.float32)
    scores[0, BLENDSHAPE_NAMES.index("mouthSmileLeft")] = 0.5
    scores[0, BLENDSHAPE_NAMES.index("browInnerUp")] = 0.25
    actions = scores_as_actions(scores)[0]
    assert actions[NAMES.index("mouthSmile_L")] == 0.5
    assert actions[NAMES.index("mouthSmile_R")] == 0
    assert actions[NAMES.index("browInnerUp_L")] == actions[NAMES.index("browInnerUp_R")] == 0.25
    assert np.allclose(actions_as_scores(actions[None]), scores)
