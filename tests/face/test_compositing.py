import cv2
import numpy as np
import pytest

from orate.face.alignment import align, canonical_crop, invert
from orate.face.compositing import Compositor
from orate.face.landmarks import Face
from orate.face.masks import face_mask, mouth_mask, skin_mask

SIZE = (128, 96)


def points_in_crop(face: Face) -> np.ndarray:
    matrix = align(face.landmarks)
    return face.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]


def prepared(photo: np.ndarray, landmarks: np.ndarray) -> tuple[Compositor, np.ndarray, np.ndarray]:
    matrix = align(landmarks)
    return Compositor(photo, matrix, SIZE, landmarks), canonical_crop(photo, matrix, SIZE), matrix


def with_open_mouth(crop: np.ndarray, face: Face) -> np.ndarray:
    """The mouth replaced by a dark hole."""
    x, y = points_in_crop(face)[13]
    opened = crop.copy()
    cv2.ellipse(opened, (round(float(x)), round(float(y)) + 4), (12, 9), 0, 0, 360, (40, 10, 10), -1, cv2.LINE_AA)
    return opened


def changed(result: np.ndarray, photo: np.ndarray) -> np.ndarray:
    return np.abs(result.astype(int) - photo).max(axis=2)


def noise_like(crop: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, crop.shape).astype(np.uint8)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_the_photos_own_crop_gives_the_photo(astronaut, astronaut_face, scale) -> None:
    photo = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    compositor, crop, _ = prepared(photo, astronaut_face.landmarks * (photo.shape[0] / 512))
    before = photo.copy()
    result = compositor(crop)
    np.testing.assert_array_equal(result, photo)
    assert result is not photo
    compositor(noise_like(crop))
    np.testing.assert_array_equal(photo, before)
    np.testing.assert_array_equal(compositor(crop), photo)


def test_outside_the_face_nothing_changes(astronaut, astronaut_face) -> None:
    compositor, crop, matrix = prepared(astronaut, astronaut_face.landmarks)
    difference = changed(compositor(noise_like(crop)), astronaut)
    inside = np.full((SIZE[0] - 2, SIZE[1] - 2), 255, np.uint8)
    rectangle = cv2.warpAffine(np.pad(inside, 1), invert(matrix), (512, 512))
    assert difference.max() > 100
    assert difference[rectangle == 0].max() == 0
    x0, y0, x1, _ = astronaut_face.box.astype(int)
    assert difference[: y0 - 1].max() == 0
    assert difference[:, : x0 - 6].max() == 0
    assert difference[:, x1 + 6 :].max() == 0


def test_the_opened_mouth_shows_without_ghosts(astronaut, astronaut_face) -> None:
    photo = cv2.resize(astronaut, (1024, 1024), interpolation=cv2.INTER_CUBIC)
    landmarks = astronaut_face.landmarks * 2
    compositor, crop, _ = prepared(photo, landmarks)
    result = compositor(with_open_mouth(crop, astronaut_face))
    x, y = landmarks[13, :2].astype(int)
    hole = result[y + 6 : y + 16, x - 14 : x + 14].astype(int)
    assert np.abs(hole - np.array([40, 10, 10])).max() < 25  # teeth were there
    assert np.abs(hole - np.array([40, 10, 10])).mean() < 8
    forehead = landmarks[151, :2].astype(int)
    assert changed(result, photo)[forehead[1] - 20 : forehead[1] + 20].max() == 0


def test_no_edge_at_the_masks_border(astronaut, astronaut_face) -> None:
    flat = np.full_like(astronaut, 120)
    compositor, crop, _ = prepared(flat, astronaut_face.landmarks)
    crop[64:] = 220  # a change that crosses the mask's border
    added = compositor(crop).astype(float)[..., 0] - 120
    assert added.max() > 60
    lower = added[125:]  # below the step in the crop itself
    assert np.abs(np.diff(lower, axis=0)).max() < 30
    assert np.abs(np.diff(lower, axis=1)).max() < 30
    beyond = cv2.dilate((lower > 0.5).astype(np.uint8), np.ones((3, 3))) - (lower > 0.5)
    rim = cv2.dilate(beyond, np.ones((3, 3))) * lower
    assert rim.max() < 8  # it begins near nothing


@pytest.mark.parametrize("offset", [(12, 12, 12), (15, -6, -12), (-20, -20, -20)])
def test_a_constant_offset_of_colour_is_removed(astronaut, astronaut_face, offset) -> None:
    photo = cv2.convertScaleAbs(astronaut, alpha=0.7, beta=35)  # no clipping at black or white
    compositor, crop, _ = prepared(photo, astronaut_face.landmarks)
    tinted = np.clip(crop.astype(int) + offset, 0, 255).astype(np.uint8)
    assert changed(compositor(tinted), photo).max() <= 1
    opened = with_open_mouth(crop, astronaut_face)
    tinted = np.clip(opened.astype(int) + offset, 0, 255).astype(np.uint8)
    assert np.abs(compositor(tinted).astype(int) - compositor(opened)).mean() < 0.3


def test_a_slow_gradient_of_colour_is_removed(astronaut, astronaut_face) -> None:
    photo = cv2.convertScaleAbs(astronaut, alpha=0.7, beta=35)
    compositor, crop, _ = prepared(photo, astronaut_face.landmarks)
    slope = np.linspace(-8, 8, SIZE[1])[None, :, None]
    difference = changed(compositor(np.clip(crop + slope, 0, 255).astype(np.uint8)), photo)
    assert np.percentile(difference[difference > 0], 90) <= 4 if difference.any() else True


def test_a_softer_generator_leaves_the_photos_detail(astronaut, astronaut_face) -> None:
    compositor, crop, _ = prepared(astronaut, astronaut_face.landmarks)
    difference = changed(compositor(cv2.GaussianBlur(crop, (0, 0), 1.2)), astronaut)
    x0, y0, x1, y1 = astronaut_face.box.astype(int)
    assert difference[y0:y1, x0:x1].mean() < 0.5


@pytest.mark.parametrize("angle_deg", [35, 90, 180])
def test_turned_faces(astronaut, astronaut_face, angle_deg) -> None:
    turn = cv2.getRotationMatrix2D((225, 130), angle_deg, 1.0)
    photo = cv2.warpAffine(astronaut, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    landmarks = astronaut_face.landmarks[:, :2] @ turn[:, :2].T + turn[:, 2]
    compositor, crop, _ = prepared(photo, landmarks)
    np.testing.assert_array_equal(compositor(crop), photo)
    difference = changed(compositor(with_open_mouth(crop, astronaut_face)), photo)
    rows, columns = np.nonzero(difference > 40)
    mouth = landmarks[14]
    assert np.hypot(columns.mean() - mouth[0], rows.mean() - mouth[1]) < 12


def test_a_face_partly_outside_the_picture(astronaut, astronaut_face) -> None:
    cut = np.array([215, 60])
    photo = np.ascontiguousarray(astronaut[cut[1] :, cut[0] :])
    landmarks = astronaut_face.landmarks[:, :2] - cut
    compositor, crop, _ = prepared(photo, landmarks)
    np.testing.assert_array_equal(compositor(crop), photo)
    assert changed(compositor(with_open_mouth(crop, astronaut_face)), photo).max() > 40
    wholly = Compositor(photo, align(landmarks - 2000), SIZE, landmarks - 2000)
    np.testing.assert_array_equal(wholly(noise_like(crop)), photo)


def test_what_the_generator_always_gets_wrong_does_not_show(astronaut, astronaut_face) -> None:
    matrix = align(astronaut_face.landmarks)
    crop = canonical_crop(astronaut, matrix, SIZE)
    wrong = crop.copy()
    wrong[45:58, 20:76] = cv2.GaussianBlur(crop, (0, 0), 4)[45:58, 20:76] // 2 + 60  # it cannot draw her eyes
    compositor = Compositor(astronaut, matrix, SIZE, astronaut_face.landmarks, rest=wrong)
    assert changed(compositor(wrong), astronaut).max() <= 1
    blink = wrong.copy()
    blink[45:58, 20:76] = 150
    plain = Compositor(astronaut, matrix, SIZE, astronaut_face.landmarks)
    eye = astronaut_face.landmarks[159, :2].astype(int)
    window = np.s_[eye[1] - 2 : eye[1] + 3, eye[0] - 3 : eye[0] + 4]
    assert changed(plain(wrong), astronaut)[window].mean() > 20
    assert changed(compositor(blink), plain(blink))[window].mean() < 12


def test_the_mouths_surroundings_keep_the_photos_tone(astronaut, astronaut_face) -> None:
    matrix = align(astronaut_face.landmarks)
    crop = canonical_crop(astronaut, matrix, SIZE)
    shade = cv2.GaussianBlur((np.mgrid[:128, :96][0] > 72).astype(np.float32), (0, 0), 3)[..., None]
    stubble = np.clip(crop - 30 * shade, 0, 255).astype(np.uint8)  # a generator trained on bearded men
    opened = np.clip(with_open_mouth(crop, astronaut_face) - 30 * shade, 0, 255).astype(np.uint8)
    compositor = Compositor(astronaut, matrix, SIZE, astronaut_face.landmarks, rest=stubble)
    x, y = astronaut_face.landmarks[13, :2].astype(int)
    chin = np.s_[y + 21 : y + 26, x - 10 : x + 10]  # below the hole
    added = compositor(opened)[chin].astype(int) - astronaut[chin]
    assert np.abs(added.mean(axis=(0, 1))).max() < 8
    plain = Compositor(astronaut, matrix, SIZE, astronaut_face.landmarks)
    assert np.abs((plain(opened)[chin].astype(int) - astronaut[chin]).mean()) > 12


def test_a_crop_of_another_size_is_refused(astronaut, astronaut_face) -> None:
    compositor, _, _ = prepared(astronaut, astronaut_face.landmarks)
    with pytest.raises(ValueError, match="expected"):
        compositor(np.zeros((96, 128, 3), np.uint8))


def test_masks_cover_what_they_should(astronaut_face) -> None:
    points = points_in_crop(astronaut_face)
    face, skin, mouth = face_mask(points, SIZE), skin_mask(points, SIZE), mouth_mask(points, SIZE)
    for mask in (face, skin, mouth):
        assert mask.shape == SIZE
        assert mask.dtype == np.float32
        assert 0 <= mask.min() < 0.01 < 0.99 < mask.max() <= 1
    border = np.ones(SIZE, bool)
    border[1:-1, 1:-1] = False
    assert face[border].max() == 0
    x, y = points[152].astype(int)
    assert face[min(y + 7, 118), x] > 0.5  # the chin may drop
    x, y = points[13].astype(int)
    assert (face[y, x], skin[y, x], mouth[y, x]) == (1, 0, 1)
    x, y = points[50].astype(int)  # a cheek
    assert (skin[y, x], mouth[y, x]) == (1, 0)
    large = face_mask(points * 2, (256, 192))
    assert np.abs(cv2.resize(large, (96, 128), interpolation=cv2.INTER_AREA) - face).mean() < 0.01
