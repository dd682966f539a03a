import numpy as np
import pytest

from orate.evaluation.motion_statistics import blink_lengths, motion_statistics


def test_figures_of_a_known_movement():
    time = np.arange(250) / 25
    rotation = np.zeros((250, 3))
    rotation[:, 1] = np.radians(3.0) * np.sin(2 * np.pi * 0.5 * time)
    lid = np.zeros(250)
    lid[50:57] = lid[150:157] = 0.9
    figures = motion_statistics([rotation], [0.2 * np.sin(2 * np.pi * time)], [lid])
    assert figures.rotation_deg[1] == pytest.approx(3 / np.sqrt(2), rel=0.01)
    assert figures.rotation_speed_deg[1] == pytest.approx(3 * np.pi / np.sqrt(2), rel=0.01)
    assert figures.rotation_deg[[0, 2]].max() == 0
    assert figures.brow_cm == pytest.approx(0.2 / np.sqrt(2), rel=0.01)
    assert figures.blinks_per_second == pytest.approx(0.2)
    assert figures.blink_s == pytest.approx(0.28)


def test_a_small_twitch_is_no_blink():
    lid = np.zeros(50)
    lid[20:25] = 0.2
    assert blink_lengths(lid) == []
