import cv2
import numpy as np
import pytest

from orate.face.alignment import (
    MEAN_FACE,
    STABLE_68,
    STABLE_478,
    align,
    canonical_crop,
    invert,
    scale_of,
    scaled_mean_face,
    similarity,
)


def similar(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


@pytest.mark.parametrize("angle", [0.0, 0.4, -2.0, 3.1])
def test_a_similarity_is_recovered(angle: float) -> None:
    points = np.random.default_rng(0).normal(size=(5, 2)) * 30
    matrix = similar(angle, 0.37, (12.0, -40.0))
    np.testing.assert_allclose(similarity(points, moved(points, matrix)), matrix, atol=1e-9)


def test_the_fit_is_the_least_squares_one() -> None:
    generator = np.random.default_rng(1)
    source, target = generator.normal(size=(2, 5, 2))
    best = similarity(source, target)
    loss = ((moved(source, best) - target) ** 2).sum()
    for _ in range(50):
        a, b, x, y = generator.normal(size=4) * 0.05
        other = best + np.array([[a, -b, x], [b, a, y]])
        assert ((moved(source, other) - target) ** 2).sum() > loss


def test_the_astronaut_lies_on_the_mean_face(astronaut_face) -> None:
    matrix = align(astronaut_face.landmarks)
    points = moved(astronaut_face.landmarks[:, :2].astype(float), matrix)
    assert np.abs(points[list(STABLE_478)] - MEAN_FACE).max() < 2.5
    assert 62 < points[454, 0] - points[234, 0] < 84  # a face about 74 px wide
    assert 100 < points[152, 1] < 116  # a chin with room below it
    assert 40 < points[:, 0].mean() < 56


def test_a_face_turned_by_90_degrees_stands_upright_in_its_crop(astronaut_face) -> None:
    quarter = similar(np.pi / 2, 1, (512, 0))
    turned = moved(astronaut_face.landmarks[:, :2].astype(float), quarter)
    np.testing.assert_allclose(
        moved(turned, align(turned)),
        moved(astronaut_face.landmarks[:, :2].astype(float), align(astronaut_face.landmarks)),
        atol=1e-4,
    )


def test_other_mean_points_and_sizes(astronaut_face) -> None:
    full = np.random.default_rng(2).uniform(0, 90, (68, 2))
    full[list(STABLE_68)] = MEAN_FACE + 3
    expected = align(astronaut_face.landmarks)
    expected[:, 2] += 3
    np.testing.assert_allclose(align(astronaut_face.landmarks, mean_points=full), expected, atol=1e-9)
    np.testing.assert_allclose(align(astronaut_face.landmarks, mean_points=MEAN_FACE + 3), expected, atol=1e-9)
    np.testing.assert_allclose(align(astronaut_face.landmarks, (256, 192)), 2 * align(astronaut_face.landmarks))
    np.testing.assert_allclose(scaled_mean_face((128, 128)), MEAN_FACE + np.array([16, 0]))


def test_inverse_and_scale() -> None:
    matrix = similar(0.3, 0.25, (5, 6))
    points = np.random.default_rng(3).normal(size=(4, 2))
    np.testing.assert_allclose(moved(moved(points, matrix), invert(matrix)), points, atol=1e-12)
    assert scale_of(matrix) == pytest.approx(0.25)


def test_an_unmoved_crop_is_the_picture(astronaut: np.ndarray) -> None:
    crop = canonical_crop(astronaut, np.array([[1.0, 0, -100], [0, 1, -60]]), (128, 96))
    np.testing.assert_array_equal(crop, astronaut[60:188, 100:196])


@pytest.mark.parametrize("shrink", [2, 3, 4, 6])
def test_shrinking_is_an_area_mean(astronaut: np.ndarray, shrink: int) -> None:
    height, width = 64, 48
    part = astronaut[24 : 24 + height * shrink, 36 : 36 + width * shrink]
    crop = canonical_crop(astronaut, np.array([[1, 0, -36], [0, 1, -24]]) / shrink, (height, width))
    area = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    difference = np.abs(crop.astype(int) - area)[1:-1, 1:-1]
    assert difference.mean() < 3
    assert np.abs(crop.mean(axis=(0, 1)) - area.mean(axis=(0, 1))).max() < 0.5  # no shift, no change of light


@pytest.mark.parametrize("shrink", [1.7, 2.3, 5.0])
def test_fine_stripes_do_not_alias(shrink: float) -> None:
    stripes = np.zeros((900, 900, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = canonical_crop(stripes, similar(0.2, 1 / shrink, (10, 10)), (100, 100))
    assert crop[20:80, 20:80].std() < (40 if shrink < 2 else 18)  # of 127


def test_beyond_the_picture_its_border_repeats() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, :20], image[:, 20:] = 50, 200
    crop = canonical_crop(image, np.array([[1.0, 0, 30], [0, 1, 30]]), (128, 96))
    assert (crop[:, :48] == 50).all()
    assert (crop[:, 52:] == 200).all()
    far = canonical_crop(image, np.array([[1.0, 0, 500], [0, 1, 500]]), (128, 96))
    assert (far == 50).all()


def test_a_part_of_a_huge_photo_costs_what_the_part_costs(astronaut: np.ndarray) -> None:
    tall = np.zeros((12_000, 600, 3), np.uint8)
    tall[9000:9512, :512] = astronaut
    near = canonical_crop(astronaut, np.array([[0.5, 0, -60], [0, 0.5, -30]]))
    far = canonical_crop(tall, np.array([[0.5, 0, -60], [0, 0.5, -30 - 4500]]))
    np.testing.assert_array_equal(near, far)
