import sys

import numpy as np
import pytest
from ict_stand_in import write_stand_in

from orate.corpora.synthetic import gl, parts
from orate.corpora.synthetic.assets import LANDMARK_FILE, Assets
from orate.corpora.synthetic.attachment import LOWER_LIP, UPPER_LIP
from orate.corpora.synthetic.hair import Hair
from orate.corpora.synthetic.identity import random_identity, shaped, teeth_shifts
from orate.corpora.synthetic.light import Light
from orate.corpora.synthetic.mesh import build_mesh
from orate.corpora.synthetic.occlusion import sky_directions
from orate.corpora.synthetic.scalp import hairline_distance, make_scalp
from orate.corpora.synthetic.sensor import Sensor
from orate.corpora.synthetic.skin_optics import skin_colour
from orate.corpora.synthetic.spectrum import decode_srgb, encode_srgb, lamp_rgb, linear_rgb
from orate.corpora.synthetic.strands import COUNTS, grow
from orate.errors import OrateError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_stand_in(tmp_path_factory.mktemp("ict"))


@pytest.fixture(scope="module")
def assets(folder):
    return Assets.load(folder)


@pytest.fixture(scope="module")
def mesh(assets):
    return build_mesh(assets, parts.SKIN)


def test_skin_gets_darker_with_melanin_and_redder_with_blood():
    melanin = np.geomspace(0.006, 0.45, 12)
    by_melanin, by_blood = (
        skin_colour(melanin, np.full(12, 0.02)),
        skin_colour(np.full(8, 0.02), np.geomspace(0.005, 0.1, 8)),
    )
    assert (np.diff(by_melanin, axis=0) < 0).all()
    assert (np.diff(by_blood[:, 0] / by_blood[:, 1]) > 0).all()
    # Fair skin reflects about half of red light, very dark skin about a tenth; both more red than blue.
    assert 0.35 < by_melanin[0, 0] < 0.65
    assert 0.05 < by_melanin[-1, 0] < 0.2
    assert (by_melanin[:, 0] > by_melanin[:, 2]).all()


def test_colours_of_paper_and_lamps():
    np.testing.assert_allclose(linear_rgb(np.full(31, 0.5)), 0.5, atol=1e-6)
    warm, cold = lamp_rgb(3000), lamp_rgb(9000)
    assert warm[0] > warm[1] > warm[2]
    assert cold[2] > cold[1] > cold[0]
    np.testing.assert_allclose(lamp_rgb(4000, 4000), 1, atol=0.02)
    values = np.linspace(0, 1, 11)
    np.testing.assert_allclose(decode_srgb(encode_srgb(values)), values, atol=1e-6)


def test_landmarks_lie_where_they_were_given(assets, folder):
    given = np.load(folder / LANDMARK_FILE)
    found = assets.landmarks.points(assets.neutral)
    lips = np.isin(np.arange(478), UPPER_LIP + LOWER_LIP)  # the stand-in has none where these points are
    np.testing.assert_allclose(found[~lips, :2], given[~lips, :2], atol=0.1)
    assert (found[:468, 2] > 2).all()  # on the front
    np.testing.assert_allclose(assets.landmarks.weights.sum(axis=1), 1, atol=1e-5)


def test_normals_point_outwards(assets, mesh):
    part = parts.FACE
    outwards = (mesh.normals(assets.neutral)[part] * (assets.neutral[part] - [0, 0, 2])).sum(axis=1)
    used = np.isin(np.arange(part.start, part.stop), mesh.used)
    assert (outwards[used] > 0).mean() > 0.99


def test_identity_moves_the_head_by_its_axes(assets):
    weights = np.zeros(100, np.float32)
    weights[0] = 2
    wider = shaped(assets, weights)
    np.testing.assert_allclose(wider[:, 0], 1.06 * assets.neutral[:, 0], atol=0.02)
    rng = np.random.default_rng(0)
    women, men = (np.mean([random_identity(rng, feminine=sex)[0] for _ in range(60)]) for sex in (True, False))
    assert women > men + 0.5


def test_upper_teeth_and_lower_teeth_are_shifted_apart(assets):
    upper, lower = teeth_shifts(assets)
    assert (upper[parts.UPPER_TEETH, 1] == -1).all()
    assert (lower[parts.LOWER_TEETH, 1] == -1).all()
    assert not upper[parts.FACE].any()
    assert not lower[parts.UPPER_TEETH].any()


def test_hair_grows_above_the_hairline_and_receding_hair_less():
    usual, bare = Hair("short", (0, 0, 0)), Hair("short", (0, 0, 0), recession=1.0)
    places = np.array([[0, 12, 5], [0, 6, 9], [5, 10.2, 5]], np.float32)  # crown, forehead, temple's corner
    above = hairline_distance(places, usual)
    assert above[0] > 1
    assert above[1] < -1
    assert hairline_distance(places, bare)[2] < above[2] - 1


@pytest.mark.parametrize("style", sorted(COUNTS))
def test_strands_start_on_the_head_and_are_as_long_as_the_cut(assets, mesh, style):
    hair = Hair(style, (0.1, 0.1, 0.1), length=6.0, seed=1)
    scalp = make_scalp(mesh, assets.neutral, assets.neutral, mesh.normals(assets.neutral), hair)
    ribbons = grow(scalp, hair)
    assert ribbons is not None
    assert np.isfinite(ribbons.points).all()
    roots = ribbons.points[ribbons.along[:, 0] == 0]
    assert (np.linalg.norm(roots[::40, None] - scalp.points[None], axis=2).min(axis=1) < 1.0).all()
    assert np.linalg.norm(ribbons.points - roots.mean(axis=0), axis=1).max() < 6 + 16  # the head's own size
    assert grow(scalp, Hair("bald", (0, 0, 0))) is None


def test_the_sky_is_even():
    directions = sky_directions(200)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(directions.mean(axis=0), 0, atol=0.01)


def test_random_light_is_light():
    for seed in range(20):
        light = Light.random(np.random.default_rng(seed))
        assert all(abs(np.linalg.norm(lamp.direction) - 1) < 1e-6 for lamp in light.lamps)
        assert light.room.min() > 0
        assert min(light.lamps[0].colour) > 0


def test_a_plain_sensor_changes_nothing_and_grain_differs_from_frame_to_frame():
    picture = np.random.default_rng(0).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    np.testing.assert_array_equal(Sensor().capture(picture), picture)
    grainy = Sensor(grain=4.0, seed=3)
    first, again, other = (grainy.capture(picture, frame) for frame in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert 1 < np.std(first.astype(float) - other) < 12


def test_without_moderngl_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(OrateError, match=r"pip install 'orate\[synthetic\]'"):
        gl.open_context()


def test_without_opengl_one_sentence_says_what_to_install(monkeypatch):
    moderngl = pytest.importorskip("moderngl")

    def refuse(**_):
        raise RuntimeError("no display")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(OrateError, match=r"no display.*apt-get install libegl1 libgl1-mesa-dri"):
        gl.open_context()
