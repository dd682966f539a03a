"""The visible label: readable on any ground, in its corner, as long as asked."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from orate import OrateError
from orate.provenance.label import Corner, Label, LabelStyle

RANDOM = np.random.default_rng(0)
GROUNDS = {
    "white": np.full((270, 480, 3), 255, np.uint8),
    "black": np.zeros((270, 480, 3), np.uint8),
    "grey": np.full((270, 480, 3), 128, np.uint8),
    "orange": np.full((270, 480, 3), (255, 160, 0), np.uint8),
    "noise": RANDOM.integers(0, 256, (270, 480, 3), dtype=np.uint8),
}


def luminance(pixels: np.ndarray) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    values = pixels.reshape(-1, 3).mean(0) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("ground", GROUNDS)
def test_it_can_be_read_on_any_ground(ground: str) -> None:
    frame = GROUNDS[ground]
    label = Label(LabelStyle(), 270, 480, 25)
    shown = label(frame, 0)[label.box]
    letters = label(np.zeros_like(frame), 0)[label.box].min(2) > 250
    plate = label(np.full_like(frame, 255), 0)[label.box].max(2) < 120
    assert 0.04 < letters.mean() < 0.4
    assert plate.mean() > 0.5
    contrast = (luminance(shown[letters]) + 0.05) / (luminance(shown[plate]) + 0.05)
    assert contrast > 4.5  # WCAG 2.2, 1.4.3


@pytest.mark.parametrize("size", [(270, 480), (512, 512), (1080, 1920), (1280, 720)])
def test_letters_are_a_twentieth_of_the_shorter_side_high(size: tuple[int, int]) -> None:
    """As GB 45438-2025 asks."""
    label = Label(LabelStyle(text="AI"), *size, 25)
    shown = label(np.zeros((*size, 3), np.uint8), 0).max(2) > 128
    rows = shown.any(1).nonzero()[0]
    assert rows[-1] - rows[0] + 1 >= 0.05 * min(size) - 1
    assert rows[-1] - rows[0] + 1 <= 0.07 * min(size)


@pytest.mark.parametrize("size", [(24, 32), (64, 48), (96, 128), (128, 96), (40, 1000)])
def test_it_fits_into_small_frames(size: tuple[int, int]) -> None:
    for corner in Corner:
        label = Label(LabelStyle(corner=corner), *size, 25)
        shown = label(np.full((*size, 3), 255, np.uint8), 0)
        assert shown.shape == (*size, 3)
        assert (shown < 200).any()


@pytest.mark.parametrize("corner", Corner)
def test_corners(corner: Corner) -> None:
    frame = GROUNDS["white"]
    changed = (Label(LabelStyle(corner=corner), 270, 480, 25)(frame, 0) != frame).any(2)
    rows, columns = changed.any(1).nonzero()[0], changed.any(0).nonzero()[0]
    assert (rows[-1] < 135) == ("top" in corner)
    assert (columns[-1] < 240) == ("left" in corner)
    assert min(rows[0], 269 - rows[-1]) > 4
    assert min(columns[0], 479 - columns[-1]) > 4


def test_it_is_there_as_long_as_asked_and_then_fades() -> None:
    label = Label(LabelStyle(seconds=2), 270, 480, 25)
    strengths = [label.strength(number) for number in range(80)]
    assert strengths[:51] == [1.0] * 51
    assert strengths[63:] == [0.0] * 17
    assert all(one > other for one, other in pairwise(strengths[50:63]))
    frame = GROUNDS["noise"]
    assert label(frame, 70) is frame
    assert label(frame, 56)[label.box].std() < frame[label.box].std()
    assert Label(LabelStyle(), 270, 480, 25).strength(10**6) == 1


def test_nothing_else_changes_and_the_frame_given_stays() -> None:
    frame = GROUNDS["noise"].copy()
    label = Label(LabelStyle(), 270, 480, 25)
    shown = label(frame, 3)
    assert np.array_equal(frame, GROUNDS["noise"])
    outside = np.ones(frame.shape[:2], bool)
    outside[label.box] = False
    assert np.array_equal(shown[outside], frame[outside])
    assert np.array_equal(label(frame, 3), shown)
    with pytest.raises(ValueError, match="expected"):
        label(frame[:100], 0)


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    (tmp_path / "no.ttf").write_text("no font")
    wrong = {
        "1 to 40 letters": LabelStyle(text="  "),
        "one line": LabelStyle(text="a\nb"),
        "no character '生'": LabelStyle(text="AI生成"),
        "-1 s": LabelStyle(seconds=-1),
        "not a font": LabelStyle(font=tmp_path / "no.ttf"),
        "missing.ttf is not": LabelStyle(font=tmp_path / "missing.ttf"),
    }
    for told, style in wrong.items():
        with pytest.raises(OrateError, match=told):
            Label(style, 270, 480, 25)
