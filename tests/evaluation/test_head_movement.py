import numpy as np
import pytest

from orate.evaluation.head_movement import ANGLES, BROW, BROWS, amount, head_curves, variety
from orate.render.pose import HeadPose, fit_pose, rotation_matrix

TIME = np.linspace(0, 2 * np.pi, 60, endpoint=False)


@pytest.fixture(scope="module")
def turned(landmarks):
    """The landmarks of the portrait, turned about an axis by angles in radians: (axis, angles) -> (time, 478, 3)."""
    pose = fit_pose(landmarks)
    still = pose.unproject(landmarks)

    def turn(axis, angles):
        rotations = [rotation_matrix(np.eye(3)[axis] * angle) @ pose.rotation for angle in angles]
        return np.stack([HeadPose(pose.scale, rotation, pose.shift).project(still) for rotation in rotations])

    return turn


def test_a_still_head_does_not_move(landmarks):
    curves = head_curves(np.repeat(landmarks[None], 5, 0))
    assert amount(curves, ANGLES) == pytest.approx(0, abs=1e-9)
    assert amount(curves, BROW) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_turning_head_moves_as_far_as_it_turns(turned, axis):
    curves = head_curves(turned(axis, np.radians(6) * np.sin(TIME)))
    assert amount(curves, ANGLES) == pytest.approx(6 / np.sqrt(2), rel=0.05)
    assert amount(curves, BROW) == pytest.approx(0, abs=1e-3)  # turning raises no brows


def test_more_movement_is_more(turned):
    amounts = [amount(head_curves(turned(1, np.radians(angle) * np.sin(TIME))), ANGLES) for angle in (1, 2, 4, 8)]
    np.testing.assert_allclose(np.array(amounts) / amounts[0], [1, 2, 4, 8], rtol=0.05)


def test_brows_are_measured_in_centimetres(landmarks):
    pose = fit_pose(landmarks)
    raised = pose.unproject(np.repeat(landmarks[None], 60, 0))
    raised[:, list(BROWS), 1] += 0.4 * np.sin(TIME)[:, None]
    curves = head_curves(pose.project(raised))
    assert amount(curves, BROW) == pytest.approx(0.4 / np.sqrt(2), rel=0.02)
    assert amount(curves, ANGLES) == pytest.approx(0, abs=0.05)  # brows turn no head


def test_frames_without_a_face_do_not_count(turned):
    landmarks = turned(1, np.radians(6) * np.sin(TIME))
    whole = amount(head_curves(landmarks), ANGLES)
    landmarks[::2] = np.nan
    assert amount(head_curves(landmarks), ANGLES) == pytest.approx(whole, rel=0.01)
    assert np.isnan(amount(head_curves(landmarks[::2]), ANGLES))


def moving(*phases):
    """Videos that nod by 3 degrees, each in its phase."""
    return [np.stack([0 * TIME, 3 * np.sin(TIME + phase), 0 * TIME, 0 * TIME], 1) for phase in phases]


def test_variety_of_known_movements():
    assert variety(moving(0, 0, 0), ANGLES) == 0
    amounts = amount(moving(0)[0], ANGLES)
    assert variety(moving(0, np.pi / 2), ANGLES) == pytest.approx(amounts)  # unrelated
    assert variety(moving(0, np.pi), ANGLES) == pytest.approx(np.sqrt(2) * amounts)
    assert variety(moving(0, np.pi / 2), BROW) == 0
    mixed = variety(moving(0, 0, np.pi / 2), ANGLES)
    assert 0 < mixed < amounts


def test_variety_is_not_where_a_head_rests_but_how_it_moves():
    first, second = moving(0, 0)
    assert variety([first, second + 5], ANGLES) == pytest.approx(0, abs=1e-9)
    assert variety([first, second[:40]], ANGLES) == pytest.approx(0, abs=1e-9)  # over the shorter one's time
    assert np.isnan(variety([first], ANGLES))
    assert np.isnan(variety([first, np.full_like(second, np.nan)], ANGLES))
