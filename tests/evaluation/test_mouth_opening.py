import numpy as np
import pytest

from orate.evaluation.clip import FIGURES, VALIDATION_FIGURES, ClipMeter
from orate.evaluation.mouth_opening import INNER_LIP_PAIRS, correlation, opening
from orate.evaluation.silence import VoiceActivity
from orate.evaluation.track import track_landmarks, tracked
from orate.face.regions import OUTER_EYE_CORNERS


def opening_curve(landmarker, video):
    return opening(track_landmarks(landmarker, video))


def face(gap, eyes=60.0):
    points = np.zeros((478, 3), np.float32)
    points[OUTER_EYE_CORNERS[0], :2], points[OUTER_EYE_CORNERS[1], :2] = (20, 50), (20 + eyes, 50)
    for number, (upper, lower) in enumerate(INNER_LIP_PAIRS):
        points[upper, :2], points[lower, :2] = (40 + number, 90), (40 + number, 90 + gap)
    return points


def test_opening_of_known_landmarks():
    assert opening(face(0)) == 0
    assert opening(face(15)) == pytest.approx(15 / 60)
    assert opening(2.5 * face(15) + 7) == pytest.approx(15 / 60)  # neither size nor place matters
    assert opening(face(15)[:, :2]) == pytest.approx(15 / 60)
    deep = face(15)
    deep[:, 2] = np.arange(478)
    assert opening(deep) == pytest.approx(15 / 60)  # nor depth
    turned = face(15)[:, [1, 0, 2]]
    assert opening(turned) == pytest.approx(15 / 60)
    assert opening(np.zeros((478, 3), np.float32)) == 0
    assert opening(np.stack([face(0), face(15), np.full((478, 3), np.nan)])) == pytest.approx(
        [0, 0.25, np.nan], nan_ok=True
    )


def test_correlation_of_known_curves():
    curve = np.sin(np.arange(30.0))
    assert correlation(curve, 3 * curve + 1) == pytest.approx(1)
    assert correlation(curve, 1 - curve) == pytest.approx(-1)
    assert correlation(curve, np.cos(np.arange(30.0))) == pytest.approx(np.corrcoef(curve, np.cos(np.arange(30)))[0, 1])


def test_a_still_mouth_follows_nothing():
    curve, still = np.sin(np.arange(30.0)), np.full(30, 0.1)
    assert correlation(curve, still) == 0
    assert correlation(still, curve) == 0
    assert correlation(still, still) == 0
    assert correlation(curve, still + 0.001 * curve) == 0  # what landmarks waver by themselves
    assert correlation(curve, still + 0.01 * curve) == pytest.approx(1)


def test_correlation_leaves_out_what_is_not_known():
    first, second = np.sin(np.arange(30.0)), np.sin(np.arange(30.0))
    first[[3, 4]], second[[4, 9]] = np.nan, np.nan
    second[3], first[9] = 1e6, -1e6
    assert correlation(first, second) == pytest.approx(1)
    first[2:], second[:2] = np.nan, 0.5
    assert np.isnan(correlation(first, second))
    assert np.isnan(correlation(np.full(30, np.nan), second))


def test_opening_follows_a_mouth_that_opens(open_mouth, landmarker):
    gaps = np.array([0, 2, 4, 6, 8, 10, 8, 5, 2, 0])
    curve = opening_curve(landmarker, np.stack([open_mouth(gap) for gap in gaps]))
    assert np.isfinite(curve).all()
    assert correlation(curve, gaps.astype(float)) > 0.95
    assert curve.max() - curve.min() > 0.07
    assert curve[0] < 0.2 * curve.max() + curve.min()


def test_frames_without_a_face_are_not_known(open_mouth, landmarker):
    video = np.stack([open_mouth(0), np.zeros_like(open_mouth(0)), open_mouth(6)])
    curve = opening_curve(landmarker, video)
    assert np.isfinite(curve).tolist() == [True, False, True]
    assert curve[2] > curve[0]
    assert np.isnan(opening_curve(landmarker, np.zeros((2, 128, 96, 3), np.uint8))).all()


@pytest.fixture(scope="module")
def talking(open_mouth):
    return np.stack([open_mouth(gap) for gap in (0, 3, 6, 8, 5, 2)])


@pytest.fixture(scope="module")
def meter(landmarker):
    return ClipMeter(landmarker)


def test_a_clip_against_itself(meter, talking):
    figures = meter(talking, talking)
    assert set(figures) == set(VALIDATION_FIGURES) < set(FIGURES)
    assert (figures["l1"], figures["psnr"]) == (0, np.inf)
    for name in ("ssim", "mouth_correlation", "mouth_range", "faces_found"):
        assert figures[name] == pytest.approx(1)
    assert figures["mouth_lmd"] == 0


def test_a_mouth_that_opens_at_the_wrong_time_or_too_little(meter, talking, open_mouth):
    against = meter(talking, talking[::-1])
    assert against["mouth_correlation"] < 0.9
    little = meter(talking, np.stack([open_mouth(gap) for gap in (0, 1.5, 3, 4, 2.5, 1)]))
    assert little["mouth_correlation"] > 0.85
    assert little["mouth_range"] < 0.8
    still = meter(talking, talking[:1].repeat(len(talking), 0))
    assert still["mouth_lmd"] > 1.5 * little["mouth_lmd"] > 0
    assert still["mouth_correlation"] == 0
    assert still["mouth_range"] < 0.1


def test_no_face_drawn_is_the_worst_result(meter, talking):
    figures = meter(talking, np.zeros_like(talking))
    assert (figures["faces_found"], figures["mouth_correlation"], figures["mouth_range"]) == (0, 0, 0)
    assert np.isnan(figures.pop("mouth_lmd"))  # nothing to measure a distance to
    assert all(np.isfinite(value) for value in figures.values())


def test_no_face_in_the_real_clip_is_not_known(meter, talking):
    figures = meter(np.zeros_like(talking), talking)
    assert np.isnan(figures["mouth_correlation"])
    assert np.isnan(figures["mouth_range"])
    assert figures["faces_found"] == 1


def test_a_frame_like_the_one_before_is_not_looked_at_again(open_mouth):
    looks = []

    class Counting:
        def track(self, frame, previous):
            looks.append(previous)
            return len(looks)

    canvas = np.zeros((128, 96, 3), np.uint8)  # drawn over again and again

    def frames():
        for gap in (0, 0, 4, 4, 4, 0):
            canvas[:] = open_mouth(gap)
            yield canvas

    assert list(tracked(Counting(), frames())) == [1, 1, 2, 2, 2, 3]
    assert looks == [None, 1, 2]


def test_all_figures_of_a_clip_from_one_tracking(meter, talking):
    real = meter.track(talking)
    half = VoiceActivity(np.arange(6) < 3, np.arange(6) >= 3)
    figures = meter.measure(real, real, half, 25.0)
    assert set(figures) == set(FIGURES)
    assert figures["jitter_ratio"] == pytest.approx(1)
    assert (figures["face_lmd"], figures["blinks_per_s"]) == (0, 0)
    assert 0 < figures["cpbd"] < 1
    assert 0.7 < figures["mouth_sharpness"] < 1.4
    assert np.isnan(figures["identity_distance"])  # no network was given
    still = meter.measure(real, meter.track(talking[:1].repeat(6, 0)), half, 25.0)
    assert still["jitter"] == still["jitter_ratio"] == 0
    nothing = meter.measure(real, meter.track(np.zeros_like(talking)), half, 25.0)
    assert set(nothing) == set(FIGURES)
    for name in ("jitter", "mouth_sharpness", "silence_movement", "blinks_per_s", "blink_s", "face_lmd"):
        assert np.isnan(nothing[name]), name


def test_the_network_sees_only_frames_that_differ(landmarker, talking):
    seen = []

    def embedder(frame, landmarks):
        seen.append(frame)
        return np.full(128, len(seen) - 1.0)

    meter = ClipMeter(landmarker, embedder)
    half = VoiceActivity(np.arange(6) < 3, np.arange(6) >= 3)
    real = meter.track(talking)
    still = meter.measure(real, meter.track(talking[:1].repeat(6, 0)), half, 25.0)
    assert len(seen) == 1
    assert (still["identity_distance"], still["content_distance"]) == (0, 0)
    seen.clear()
    moving = meter.measure(real, real, half, 25.0)
    assert 3 < len(seen) < 6
    assert moving["identity_distance"] > 0
