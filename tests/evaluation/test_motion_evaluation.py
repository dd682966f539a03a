"""`orate evaluate --motion` on tracks whose movement is known."""

import numpy as np
import pytest
from motion_folder import write_tracks

from orate.corpora.motion_tracks import lip_gap, read_tracks
from orate.errors import OrateError
from orate.evaluation.motion import compare_movement, evaluate_motion


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tracks(tmp_path_factory.mktemp("tracks") / "motion")


def test_tracks_are_read_as_they_were_written(folder):
    tracks = read_tracks(folder)
    assert [(track.person, track.validation) for track in tracks] == [("p00", True)] * 2 + [("p01", False)] * 2
    gap = lip_gap(tracks[0].shape)
    assert np.ptp(gap) == pytest.approx(0.8, rel=0.1)  # cm
    assert np.degrees(tracks[0].rotation).std(axis=0).max() == pytest.approx(np.degrees(0.1 / 2**0.5), rel=0.1)


def test_held_out_people_are_measured(folder):
    (person,) = evaluate_motion("default", folder)
    assert (person.person, person.clips) == ("p00", 2)
    figures = person.figures
    assert figures["mouth_correlation_in_sync"] >= figures["mouth_correlation"]
    assert abs(figures["mouth_correlation"]) < 0.5  # the speech is noise
    assert abs(figures["sound_offset"]) <= 3


def test_movement_is_set_beside_the_real_one(folder):
    seconds, rows = compare_movement("default", folder)
    assert seconds == pytest.approx(2 * 90 / 25)
    real, made = rows["real"].as_figures(), rows["generated"].as_figures()
    assert set(real) == set(made)
    assert sum(real[f"rotation_deg_{axis}"] for axis in ("pitch", "yaw", "roll")) == pytest.approx(4.05, rel=0.2)
    assert real["blinks_per_second"] == pytest.approx(1 / 3.6)
    assert real["brow_cm"] == pytest.approx(0.14, rel=0.15)
    assert made["rotation_deg_yaw"] > 0.5


def test_short_stretches_say_nothing_of_heads(tmp_path):
    with pytest.raises(OrateError, match="no stretch of three seconds"):
        compare_movement("default", write_tracks(tmp_path / "short", frames=40))
