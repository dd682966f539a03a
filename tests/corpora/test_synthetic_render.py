from dataclasses import replace

import numpy as np
import pytest
from ict_stand_in import write_stand_in

from orate.corpora.synthetic.assets import LANDMARK_FILE, MESH_FILE, Assets
from orate.corpora.synthetic.hair import Hair
from orate.corpora.synthetic.light import Lamp, Light
from orate.corpora.synthetic.pose import Pose, rotation_from_angles
from orate.corpora.synthetic.renderer import HeadRenderer
from orate.corpora.synthetic.scene import Camera, Person, Setting
from orate.corpora.synthetic.sensor import Sensor
from orate.errors import OrateError

SIZE = (96, 80)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_stand_in(tmp_path_factory.mktemp("ict"))


@pytest.fixture(scope="module")
def assets(folder):
    return Assets.load(folder)


@pytest.fixture(scope="module")
def renderer(assets):
    try:
        return HeadRenderer(assets, SIZE)
    except OrateError as error:
        pytest.skip(str(error))


def person_and_setting(assets, seed):
    rng = np.random.default_rng(seed)
    return Person.random(rng, assets), Setting.random(rng)


def test_a_missing_head_is_said_in_one_sentence(tmp_path):
    with pytest.raises(OrateError, match=rf"{MESH_FILE} is missing; download ICT-FaceKit"):
        Assets.load(tmp_path)


def test_a_wrong_array_is_named(folder, tmp_path):
    (tmp_path / MESH_FILE).write_bytes((folder / MESH_FILE).read_bytes())
    np.save(tmp_path / LANDMARK_FILE, np.zeros((68, 3)))
    with pytest.raises(OrateError, match=r"landmarks_478.npy is 68 x 3, but 478 x 3 was expected"):
        Assets.load(tmp_path)


def test_a_file_that_is_no_archive_is_refused(folder, tmp_path):
    (tmp_path / MESH_FILE).write_bytes(b"no archive")
    (tmp_path / LANDMARK_FILE).write_bytes((folder / LANDMARK_FILE).read_bytes())
    with pytest.raises(OrateError, match="cannot be read"):
        Assets.load(tmp_path)


def test_same_seed_same_picture_and_another_seed_another(assets, renderer):
    still = np.zeros(57)
    first = renderer.render(*person_and_setting(assets, 1), still)
    again = renderer.render(*person_and_setting(assets, 1), still)
    other = renderer.render(*person_and_setting(assets, 2), still)
    assert first.shape == (*SIZE, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 5


def test_an_open_jaw_changes_the_mouth_and_not_the_brow(assets, renderer):
    person, setting = person_and_setting(assets, 3)
    weights = np.zeros(57)
    shut, rest = renderer.render(person, setting, weights), renderer.landmarks(person, setting, weights)
    weights[assets.axis("jawOpen")] = 0.8
    opened, moved = renderer.render(person, setting, weights), renderer.landmarks(person, setting, weights)
    low = rest[:468, 1].argmax()
    high = rest[:468, 1].argmin()
    assert moved[low, 1] > rest[low, 1] + 1
    np.testing.assert_allclose(moved[high], rest[high], atol=1e-3)
    assert np.abs(opened.astype(int) - shut).max() > 20


def test_landmarks_follow_the_heads_turn(assets, renderer):
    person, setting = person_and_setting(assets, 4)
    turned = Pose(rotation_from_angles(20, 0, 0), np.array([1.0, 0, 0]))
    rest, moved = (renderer.landmarks(person, setting, np.zeros(57), pose) for pose in (None, turned))
    assert rest.shape == (478, 3)
    front = rest[:468, 2].argmin()
    assert moved[front, 0] > rest[front, 0] + 2


def test_the_eyes_turn_with_the_gaze(assets, renderer):
    person, setting = person_and_setting(assets, 5)
    ahead, aside = (renderer.landmarks(person, setting, np.zeros(57), None, np.array(g)) for g in ((0, 0), (20, 0)))
    np.testing.assert_array_equal(ahead[:468], aside[:468])
    assert (aside[[468, 473], 0] > ahead[[468, 473], 0]).all()


def test_the_side_of_the_lamp_is_brighter(assets, renderer):
    person, _ = person_and_setting(assets, 6)
    person = replace(person, hair=Hair("bald", (0, 0, 0)))
    sides = []
    for way in (-1.0, 1.0):
        lamps = (Lamp((way, 0, 0), (1.5, 1.5, 1.5)), Lamp((0, 0, 1), (0, 0, 0)), Lamp((0, 0, 1), (0, 0, 0)))
        lit = Setting(Light(lamps, np.full((6, 3), 0.05, np.float32)), Camera(view_cm=34))
        picture = renderer.render(person, lit, np.zeros(57)).astype(float)
        middle = SIZE[1] // 2
        sides.append(picture[20:60, middle:].mean() - picture[20:60, :middle].mean())
    assert sides[1] > 5 > -5 > sides[0]


@pytest.mark.parametrize("style", ["bald", "crop", "long", "curls", "afro"])
def test_every_kind_of_hair_is_drawn_above_the_face(assets, renderer, style):
    person, _ = person_and_setting(assets, 7)
    red = replace(person.garment, colour=(0.4, 0.05, 0.05), second=(0.4, 0.05, 0.05))
    person = replace(person, garment=red)
    plain = Setting(Light.random(np.random.default_rng(1)), Camera(view_cm=40, target=(0, 0, 0)))
    green = Hair(style, (0.0, 0.6, 0.0), length=8.0, layer=1.0, seed=2)
    picture = renderer.render(replace(person, hair=green), plain, np.zeros(57)).astype(int)
    greenish = picture[..., 1] > picture[..., 0] + 25
    assert greenish[: SIZE[0] // 2].sum() > 100 or style == "bald"
    assert greenish.sum() < 20 or style != "bald"


def test_dark_and_light_skin_are_dark_and_light(assets, renderer):
    person, setting = person_and_setting(assets, 8)
    setting = replace(setting, camera=Camera(view_cm=14, target=(0, 1, 4)), sensor=Sensor())
    levels = []
    for melanin in (0.008, 0.06, 0.4):
        skin = replace(person.skin, melanin=melanin, blood=0.025)
        levels.append(renderer.render(replace(person, skin=skin), setting, np.zeros(57)).mean())
    assert levels[0] > levels[1] + 8 > levels[2] + 16


def test_projection_agrees_with_the_graphics_card():
    camera, size = Camera(distance=80, view_cm=28, yaw=12, pitch=-7, roll=4), (120, 90)
    points = np.array([[1.0, 2, 3], [-4, 5, 6], [0, -9, 2]])
    clip = np.concatenate([points, np.ones((3, 1))], axis=1) @ camera.matrix(size).T
    ndc = clip[:, :3] / clip[:, 3:]
    expected = np.stack([(ndc[:, 0] + 1) * size[1] / 2, (1 - ndc[:, 1]) * size[0] / 2], axis=1)
    pixels = camera.project(points, size, np.zeros(3))
    np.testing.assert_allclose(pixels[:, :2], expected, atol=1e-9)
    np.testing.assert_allclose(camera.project(np.zeros((1, 3)), size, np.zeros(3))[0, 2], 0, atol=1e-9)
