import cv2
import numpy as np
import pytest
from painted_face import dot_place, frontal_pose, painted_source, with_dot

from orate.render.head import load_head
from orate.render.head_flow import HeadFlow
from orate.render.head_surface import PIVOT_CM
from orate.render.pose import rotation_matrix
from orate.render.source import FaceSource

STILL = np.zeros(3)
NOSE, FOREHEAD, CHIN = 4, 10, 152


def degrees(x: float, y: float, z: float) -> np.ndarray:
    return np.radians([x, y, z])


def track(source: FaceSource, place: np.ndarray, rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """(2,) px by which a dot painted at a place moves."""
    canvas = with_dot(source.photo, place)
    return dot_place(HeadFlow(source)(canvas, rotation, translation)) - dot_place(canvas)


@pytest.fixture(scope="module")
def source() -> FaceSource:
    return painted_source()


@pytest.fixture(scope="module")
def flow(source: FaceSource) -> HeadFlow:
    return HeadFlow(source)


def test_without_motion_the_canvas_comes_back_bit_for_bit(source: FaceSource, flow: HeadFlow) -> None:
    frame = flow(source.photo, STILL, STILL)
    assert np.array_equal(frame, source.photo)
    assert not np.shares_memory(frame, source.photo)


def test_the_canvas_is_not_changed_and_the_frame_is_its_own(source: FaceSource, flow: HeadFlow) -> None:
    canvas = source.photo.copy()
    frame = flow(canvas, degrees(5, 5, 5), STILL)
    assert np.array_equal(canvas, source.photo)
    assert not np.shares_memory(frame, canvas)
    assert not np.array_equal(frame, canvas)


def test_a_tiny_motion_is_a_tiny_change(source: FaceSource, flow: HeadFlow) -> None:
    moved = flow(source.photo, degrees(0.05, 0.05, 0.05), STILL)
    change = np.abs(moved.astype(int) - source.photo)
    assert 0 < change.mean() < 1


@pytest.mark.parametrize(
    ("rotation", "landmark", "axis", "sign"),
    [
        (degrees(0, 8, 0), NOSE, 0, 1),  # yaw to the image's right
        (degrees(0, -8, 0), NOSE, 0, -1),
        (degrees(8, 0, 0), NOSE, 1, 1),  # pitch down
        (degrees(-8, 0, 0), NOSE, 1, -1),
        (degrees(0, 0, 8), FOREHEAD, 0, -1),  # counter-clockwise, as the viewer sees it
        (degrees(0, 0, -8), FOREHEAD, 0, 1),
    ],
)
def test_rotations_turn_the_face_the_right_way(
    source: FaceSource, rotation: np.ndarray, landmark: int, axis: int, sign: int
) -> None:
    moved = track(source, source.landmarks[landmark, :2], rotation, STILL)
    assert sign * moved[axis] > 5
    assert abs(moved[1 - axis]) < abs(moved[axis]) / 3


@pytest.mark.parametrize("landmark", [NOSE, FOREHEAD, 33, 263, 61, 291])
@pytest.mark.parametrize("rotation", [degrees(0, 10, 0), degrees(6, -6, 8)])
def test_points_of_the_face_move_as_the_rigid_head_does(
    source: FaceSource, landmark: int, rotation: np.ndarray
) -> None:
    point = source.pose.unproject(source.landmarks[landmark])
    turned = (point - PIVOT_CM) @ rotation_matrix(rotation) + PIVOT_CM
    expected = (source.pose.project(turned) - source.landmarks[landmark])[:2]
    moved = track(source, source.landmarks[landmark, :2], rotation, STILL)
    # Depth is smoothed over a centimetre (5 px), and what comes nearer grows a little.
    assert np.abs(moved - expected).max() < 0.15 * np.linalg.norm(expected) + 0.5


def test_the_nose_moves_more_than_the_ears(source: FaceSource) -> None:
    nose, ear = (track(source, source.landmarks[k, :2], degrees(0, 8, 0), STILL)[0] for k in (NOSE, 234))
    assert nose > 2 * ear


@pytest.mark.parametrize(
    ("shift", "expected"), [((1, 0, 0), (5, 0)), ((0, 1, 0), (0, -5)), ((-0.5, -0.5, 0), (-2.5, 2.5))]
)
def test_translation_moves_the_face_by_its_centimetres(
    source: FaceSource, shift: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    moved = track(source, source.landmarks[NOSE, :2], STILL, np.array(shift, float))
    assert np.abs(moved - expected).max() < 0.3


def test_coming_nearer_makes_the_face_larger(source: FaceSource) -> None:
    places = source.landmarks[[33, 263], :2]
    left, right = (track(source, place, STILL, np.array([0, 0, 4.0])) for place in places)
    assert left[0] < -0.3
    assert right[0] > 0.3


def test_a_turned_head_turns_about_its_own_axes() -> None:
    turn = rotation_matrix(degrees(0, -35, 0)) @ rotation_matrix(degrees(0, 0, -12))
    source = painted_source(pose=frontal_pose(5.0, 128, 120, turn))
    rotation = degrees(0, 8, 0)
    point = source.pose.unproject(source.landmarks[FOREHEAD])
    expected = source.pose.project((point - PIVOT_CM) @ rotation_matrix(rotation) + PIVOT_CM)[:2]
    moved = track(source, source.landmarks[FOREHEAD, :2], rotation, STILL)
    assert np.abs(moved - (expected - source.landmarks[FOREHEAD, :2])).max() < 2


def test_nothing_moves_far_from_the_head_and_below_the_collar() -> None:
    source = painted_source(400, 500, frontal_pose(4.0, 250, 120))
    frame = HeadFlow(source)(source.photo, degrees(8, 12, 10), np.array([0.8, 0.5, 0]))
    change = np.abs(frame.astype(int) - source.photo).max(axis=2)
    assert change[:, :120].max() == 0
    assert change[:, 380:].max() == 0
    assert change[230:].max() == 0
    assert change[60:160, 200:300].mean() > 5


def test_movement_fades_to_nothing_without_a_step() -> None:
    ramp = np.tile(np.linspace(0, 255, 500), (400, 1)).astype(np.uint8)
    photo = cv2.merge([ramp, ramp, ramp])
    source = painted_source(400, 500, frontal_pose(4.0, 250, 160), photo=photo)
    frame = HeadFlow(source)(photo, degrees(0, 12, 10), np.array([0.8, 0.0, 0]))
    change = frame[..., 0].astype(int) - photo[..., 0]
    assert np.abs(change).max() > 3
    # A seam would be a jump; the photo's own ramp is half a level a pixel.
    assert np.abs(np.diff(change, axis=0)).max() <= 2
    assert np.abs(np.diff(change, axis=1)).max() <= 2


@pytest.mark.parametrize("place", [(10.0, 120.0), (246.0, 120.0), (128.0, 10.0), (128.0, 230.0)])
def test_a_head_that_the_border_cuts_shows_nothing_beyond_it(place: tuple[float, float]) -> None:
    """The border's own pixels are a frame of another colour: it may leave the picture, but not widen."""
    source = painted_source(pose=frontal_pose(5.0, *place))
    source.photo[:] = (90, 120, 150)
    source.photo[[0, -1]] = 255
    source.photo[:, [0, -1]] = 255
    flow = HeadFlow(source)
    for move in ((1.0, 1.0, 0), (-1.0, -1.0, 0), (1.0, -1.0, 0)):
        frame = flow(source.photo, degrees(4, 6, 6), np.array(move))
        assert frame[4:-4, 4:-4].max() <= 160


@pytest.mark.parametrize("size", [(97, 131), (240, 101), (64, 64), (333, 207)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    source = painted_source(*size, pose=frontal_pose(min(size) / 50, size[1] / 2, size[0] / 2))
    frame = HeadFlow(source)(source.photo, degrees(5, 8, 4), np.array([0.3, 0.3, 0]))
    assert frame.shape == source.photo.shape
    assert frame.dtype == np.uint8


def test_grey_stays_grey() -> None:
    grey = painted_source().photo[..., :1].repeat(3, axis=2)
    source = painted_source(photo=np.ascontiguousarray(grey))
    frame = HeadFlow(source)(source.photo, degrees(5, 8, 4), STILL)
    assert np.array_equal(frame[..., 0], frame[..., 1])
    assert np.array_equal(frame[..., 0], frame[..., 2])


def test_the_same_photo_gives_the_same_frames_whatever_was_drawn_before(source: FaceSource, flow: HeadFlow) -> None:
    first = flow(source.photo, degrees(3, 4, 5), STILL)
    cv2.setRNGSeed(77)
    other = HeadFlow(painted_source())
    other(source.photo, degrees(-8, 0, 0), STILL)
    assert np.array_equal(other(source.photo, degrees(3, 4, 5), STILL), first)


def test_shoulders_follow_only_when_asked() -> None:
    source = painted_source(400, 400, frontal_pose(5.0, 200, 120))
    chest = source.pose.project(np.array([0.0, -30.0, 5.0]))[:2]
    canvas = with_dot(source.photo, chest)
    move = np.array([1.0, 0, 0])
    assert np.array_equal(HeadFlow(source)(canvas, STILL, move), canvas)
    swayed = dot_place(HeadFlow(source, "follow")(canvas, STILL, move)) - dot_place(canvas)
    assert 0.5 < swayed[0] < 3
    with pytest.raises(ValueError, match="follow"):
        HeadFlow(source, "dance")  # type: ignore[arg-type]


def test_hair_moves_with_the_head() -> None:
    """A dark cap of hair, four centimetres beyond the skull, before a bright background: it moves whole."""
    pose = frontal_pose(5.0, 160, 160)
    photo = np.full((320, 320, 3), 225, np.uint8)
    head = pose.project(load_head().proxy)[:, :2]
    outline = cv2.convexHull(head[load_head().proxy[:, 1] > -6].astype(np.float32))
    cap = np.zeros(photo.shape[:2], np.uint8)
    cv2.fillConvexPoly(cap, outline.astype(np.int32), 255)
    cap = cv2.dilate(cap, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (41, 41)))
    cap[150:] = 0
    photo[cap > 0] = (60, 40, 30)
    cv2.fillConvexPoly(
        photo, cv2.convexHull(pose.project(load_head().landmarks)[:, :2].astype(np.int32)), (200, 150, 130)
    )
    source = painted_source(photo=photo, pose=pose)
    crown = np.array([160.0, np.flatnonzero(cap.any(axis=1))[0] + 5.0])
    moved = track(source, crown, STILL, np.array([0.8, 0, 0]))
    assert moved[0] > 0.85 * 4


@pytest.mark.parametrize(("colour", "follows"), [((60, 40, 30), True), ((150, 60, 160), False)])
def test_beside_the_jaw_hair_follows_and_a_collar_stays(colour: tuple[int, int, int], follows: bool) -> None:
    """Something at the height of the mouth, in the colour of the hair above, or in another."""
    pose = frontal_pose(5.0, 160, 130)
    photo = np.full((320, 320, 3), 225, np.uint8)
    head = pose.project(load_head().proxy)[:, :2]
    outline = cv2.convexHull(head[load_head().proxy[:, 1] > -6].astype(np.float32))
    hair = np.zeros(photo.shape[:2], np.uint8)
    cv2.fillConvexPoly(hair, outline.astype(np.int32), 255)
    hair = cv2.dilate(hair, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (31, 31)))
    photo[hair > 0] = (60, 40, 30)
    level = round(float(pose.project(np.array([0.0, -4.0, 0.0]))[1]))
    beside = hair.copy()
    beside[:level] = 0
    beside[level:, 60:260] = 255
    beside[level + 20 :] = 0
    photo[beside > 0] = colour
    face = pose.project(load_head().landmarks)[:, :2].astype(np.int32)
    cv2.fillConvexPoly(photo, cv2.convexHull(face), (200, 150, 130))
    source = painted_source(photo=photo, pose=pose)
    place = np.array([pose.project(np.array([-9.5, 0.0, 0.0]))[0], level + 12.0])
    moved = track(source, place, STILL, np.array([0.8, 0, 0]))
    if follows:
        assert moved[0] > 0.6 * 4
    else:
        assert abs(moved[0]) < 0.25 * 4
