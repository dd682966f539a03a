import tracemalloc

import numpy as np
import pytest
from painted_face import painted_source

from orate.render import composition
from orate.render.composition import Composition, Layers
from orate.render.head import load_head
from orate.render.head_flow import Body
from orate.render.source import FaceMotion, FaceSource

LAYERS = ("ExpressionFlow", "Eyes", "Mouth", "HeadFlow")


def motion(
    expression: np.ndarray | None = None,
    lids: tuple[float, float] = (0, 0),
    gaze: tuple[float, float] = (0, 0),
    rotation: tuple[float, ...] = (0, 0, 0),
    translation: tuple[float, ...] = (0, 0, 0),
) -> FaceMotion:
    expression = np.zeros((478, 3)) if expression is None else expression
    parts = (expression, lids, gaze, rotation, translation)
    return FaceMotion(*(np.asarray(part, np.float32) for part in parts))


def speaking(strength: float = 0.6) -> np.ndarray:
    return strength * load_head().actions["jawOpen"]


@pytest.fixture(scope="module")
def source() -> FaceSource:
    return painted_source()


@pytest.fixture(scope="module")
def compose(source: FaceSource) -> Composition:
    return Composition(source)


def test_the_photos_own_motion_gives_the_photo_bit_for_bit(source: FaceSource, compose: Composition) -> None:
    own = motion(source.shape - source.rest)
    assert np.array_equal(compose(own), source.photo)
    assert not np.array_equal(compose(motion(speaking(), rotation=(0.05, 0.1, 0))), source.photo)
    assert np.array_equal(compose(own), source.photo)


def test_an_open_mouths_own_expression_gives_the_photo_too() -> None:
    still = painted_source()
    rest = still.shape - speaking(0.3)
    source = FaceSource(still.photo, still.landmarks, still.blendshapes, still.pose, still.shape, rest)
    compose = Composition(source)
    assert np.array_equal(compose(motion(source.shape - source.rest)), source.photo)
    assert not np.array_equal(compose(motion()), source.photo)


@pytest.mark.parametrize(
    "part",
    [
        motion(speaking()),
        motion(lids=(1, 0)),
        motion(gaze=(10, 0)),
        motion(rotation=(0, 0.1, 0)),
        motion(translation=(0.5, 0, 0)),
    ],
)
def test_every_part_of_the_motion_shows(source: FaceSource, compose: Composition, part: FaceMotion) -> None:
    assert not np.array_equal(compose(part), source.photo)


def test_a_frame_does_not_depend_on_the_frames_before(source: FaceSource, compose: Composition) -> None:
    last = motion(speaking(0.2), lids=(0.5, 0.5), rotation=(0, 0.05, 0))
    fresh = Composition(source)(last)
    for k in range(4):
        compose(motion(speaking(1 - 0.2 * k), lids=(1, 0), gaze=(5, 5), rotation=(0.1, -0.1 * k, 0.1)))
    assert np.array_equal(compose(last), fresh)


def test_two_compositions_work_side_by_side(source: FaceSource) -> None:
    other = painted_source(seed=5)
    talk = motion(speaking(), rotation=(0.1, 0, 0))
    alone = [Composition(each)(talk) for each in (source, other)]
    first, second = Composition(source), Composition(other)
    for _ in range(2):
        together = [first(talk), second(talk)]
        assert np.array_equal(together[0], alone[0])
        assert np.array_equal(together[1], alone[1])


@pytest.mark.parametrize("rotation", [(0, 0, 0), (0, 0.1, 0)])
def test_frames_are_the_callers_own(source: FaceSource, compose: Composition, rotation: tuple[float, ...]) -> None:
    photo = source.photo.copy()
    frame = compose(motion(rotation=rotation))
    kept = frame.copy()
    again = compose(motion(speaking()))
    assert np.array_equal(frame, kept)
    frame[:] = 0
    again[:] = 0
    assert np.array_equal(compose(motion(rotation=rotation)), kept)
    assert np.array_equal(source.photo, photo)


def test_compositions_share_layers_and_no_canvas(source: FaceSource) -> None:
    talk, look = motion(speaking(), rotation=(0.1, 0, 0)), motion(lids=(0.5, 1), gaze=(5, 2), rotation=(0, -0.1, 0))
    layers = Layers(source)
    expected = [Composition(source)(talk), Composition(source, "follow")(look)]
    first, second = Composition(layers), Composition(layers, "follow")
    assert layers.head("follow") is layers.head("follow")
    for _ in range(2):
        together = [first(talk), second(look)]
        assert np.array_equal(together[0], expected[0])
        assert np.array_equal(together[1], expected[1])


@pytest.mark.parametrize("size", [(150, 151), (480, 720)])
@pytest.mark.parametrize("body", ["rest", "follow"])
def test_nothing_changes_where_the_layers_say_so(size: tuple[int, int], body: Body) -> None:
    source = painted_source(*size)
    layers = Layers(source)
    moving, changed = layers.moving(body), np.zeros(size, bool)
    assert moving.shape == size
    compose = Composition(layers, body)
    for sign in (-1, 1):
        for turn in np.eye(3):
            part = motion(speaking(), (1, 1), (15 * sign, 8), tuple(0.4 * sign * turn), tuple(4 * sign * turn[::-1]))
            changed |= (compose(part) != source.photo).any(axis=2)
    assert not changed[~moving].any()
    assert changed[moving].mean() > 0.5


def test_layers_draw_in_their_order(source: FaceSource, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def listen(name: str) -> None:
        layer = getattr(composition, name)
        draw = layer.__call__

        def noting(self: object, *arguments: object) -> object:
            calls.append(name)
            return draw(self, *arguments)

        monkeypatch.setattr(layer, "__call__", noting)

    for name in LAYERS:
        listen(name)

    def refine(canvas: np.ndarray, target: np.ndarray, part: FaceMotion) -> list[tuple[int, int, int, int]]:
        calls.append("refine")
        return []

    Composition(source, refine=refine)(motion(speaking(), lids=(1, 1), rotation=(0, 0.1, 0)))
    assert calls == [*LAYERS[:-1], "refine", LAYERS[-1]]


def test_what_refinement_draws_is_taken_back_in_the_next_frame(source: FaceSource) -> None:
    boxes = [[(10, 20, 30, 40)], []]

    def refine(canvas: np.ndarray, target: np.ndarray, part: FaceMotion) -> list[tuple[int, int, int, int]]:
        assert target.shape == (478, 2)
        drawn = boxes.pop(0)
        for x0, y0, x1, y1 in drawn:
            canvas[y0:y1, x0:x1] = 7
        return drawn

    compose = Composition(source, refine=refine)
    assert (compose(motion())[20:40, 10:30] == 7).all()
    assert np.array_equal(compose(motion()), source.photo)


def test_memory_does_not_grow_with_the_frames() -> None:
    source = painted_source(120, 120)
    compose = Composition(source)

    def draw(frames: int) -> int:
        for k in range(frames):
            compose(motion(speaking(0.5 + 0.4 * np.sin(k)), lids=(k % 2, 0), rotation=(0, 0.1 * np.sin(k), 0)))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        warm = draw(20)
        assert draw(150) - warm < 100_000
    finally:
        tracemalloc.stop()
