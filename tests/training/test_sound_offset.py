"""Offsets between sound and picture are found, and taken away from training tracks only."""

import numpy as np
import pytest

from orate.corpora.motion_tracks import INNER_LIP_PAIRS, MotionTrack, lip_gap
from orate.render.head import load_head
from orate.training.sound_offset import without_offsets


def track(person: str, delay: float, seed: int, validation: bool = False) -> MotionTrack:
    """Lips that open with the first number of the speech, whose rows (two a frame) come `delay` frames early."""
    random = np.random.default_rng(seed)
    frames = 120
    loudness = np.convolve(random.normal(size=2 * frames + 40), np.hanning(8), "same")
    rows = 0.1 * random.normal(size=(2 * frames, 8))
    rows[:, 0] = loudness[20 + round(2 * delay) : 20 + round(2 * delay) + 2 * frames]
    shape = np.repeat(load_head().landmarks[None].astype(np.float32), frames, axis=0)
    opening = 0.1 * loudness[20 : 20 + 2 * frames : 2]
    for _, lower in INNER_LIP_PAIRS:
        shape[:, lower, 1] -= (opening - opening.min()).astype(np.float32)
    nothing = np.zeros((frames, 3), np.float32)
    speech = (rows.reshape(frames, 2, 8).astype(np.float32),)
    return MotionTrack(
        person, shape, np.zeros((frames, 52), np.float32), nothing, nothing, speech, validation, validation
    )


@pytest.fixture(scope="module")
def tracks() -> list[MotionTrack]:
    made = [track(f"grid/s{k}", 0.0, k) for k in range(4)]
    made += [track(f"plain{k}", 0.0, 40 + k) for k in range(3)]
    made += [track("early", 1.0, 10 + k) for k in range(3)]
    made += [track("late", -1.5, 20 + k) for k in range(3)]
    return [*made, track("held", 2.0, 30, validation=True)]


def test_constant_offsets_are_found_and_taken_away(tracks):
    made, report = without_offsets(tracks)
    assert report["early"] == pytest.approx(1.0, abs=0.5)
    assert report["late"] == pytest.approx(-1.5, abs=0.5)
    assert "held" not in report
    assert "grid/s0" not in report

    def agreement(one: MotionTrack) -> float:
        return float(np.corrcoef(one.speech[0][:, 0, 0], lip_gap(one.shape))[0, 1])

    for before, after in zip(tracks, made, strict=True):
        if before.person in ("early", "late"):
            assert agreement(after) > 0.9 > agreement(before)
        elif not before.person.startswith("plain"):
            assert after is before
    assert [report[f"plain{k}"] for k in range(3)] == pytest.approx([0, 0, 0], abs=0.5)
