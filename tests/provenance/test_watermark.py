"""Writing the watermark: what it changes and what it leaves."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from orate.media.image import read_image
from orate.provenance.pattern import CELLS, cell_size, chips
from orate.provenance.watermark import Watermark

ID = bytes.fromhex("0123456789abcdef")
PORTRAIT = Path(__file__).parents[2] / "examples" / "portrait.jpg"


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return read_image(PORTRAIT)


def decibels(frame: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((frame.astype(float) - other) ** 2)))


def picture(kind: str, height: int, width: int) -> np.ndarray:
    """(height, width, 3) of what is hard to hide something in, or leaves no room."""
    rng = np.random.default_rng(0)
    grey = {
        "black": np.zeros((height, width)),
        "white": np.full((height, width), 255),
        "grey": np.full((height, width), 128),
        "gradient": np.linspace(60, 200, width)[None].repeat(height, axis=0),
        "noise": rng.integers(0, 256, (height, width)),
    }[kind]
    return np.repeat(grey.round().astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("size", [(128, 96), (131, 97), (360, 640), (64, 40)])
@pytest.mark.parametrize("kind", ["black", "white", "grey", "gradient", "noise"])
def test_marked_frames_are_close_to_the_unmarked(kind: str, size: tuple[int, int]) -> None:
    frame = picture(kind, *size)
    marked = Watermark(ID, frame)(frame)
    assert marked.shape == frame.shape
    assert not np.array_equal(marked, frame)
    assert decibels(marked, frame) >= 42.3
    assert np.ptp(marked, axis=2).max() == 0  # grey stays grey


def test_a_portrait_keeps_42_decibels(portrait: np.ndarray) -> None:
    assert 42.3 <= decibels(Watermark(ID, portrait)(portrait), portrait) < 45


def test_flat_parts_change_by_less_than_a_level_on_average() -> None:
    levels = Watermark(ID, picture("grey", 512, 512)).levels
    assert 0.5 < levels.std() < 0.9
    assert np.abs(levels).max() <= 3


def test_texture_carries_more_than_flat_parts() -> None:
    frame = picture("grey", 256, 512)
    frame[:, 256:] = picture("noise", 256, 256) // 8 + 112
    levels = Watermark(ID, frame).levels
    assert levels[:, 300:].std() > 1.5 * levels[:, :220].std()
    even = Watermark(ID, frame, even=True).levels
    assert even[:, 300:].std() == pytest.approx(even[:, :220].std(), rel=0.1)


def test_nothing_flickers(portrait: np.ndarray) -> None:
    """Between two frames the marked ones differ as much as the unmarked, where no channel is at its end."""
    first = np.clip(portrait, 20, 235)
    second = np.clip(np.roll(first, 3, axis=1) // 2 + 60, 20, 235)
    mark = Watermark(ID, portrait)
    before = second.astype(int) - first
    after = mark(second).astype(int) - mark(first)
    assert np.array_equal(before, after)


def test_a_mark_is_the_same_whatever_came_before(portrait: np.ndarray) -> None:
    other = np.ascontiguousarray(portrait[::-1])
    first, second = Watermark(ID, portrait), Watermark(ID, portrait)
    expected = first(portrait)
    second(other)
    assert np.array_equal(second(portrait), expected)


def test_a_frame_can_be_marked_in_place(portrait: np.ndarray) -> None:
    mark, frame = Watermark(ID, portrait), portrait.copy()
    expected = mark(frame)
    assert np.array_equal(frame, portrait)
    result = mark(frame, out=frame)
    assert result is frame
    assert np.array_equal(frame, expected)


def test_ids_make_different_marks(portrait: np.ndarray) -> None:
    first, other = Watermark(ID, portrait).levels, Watermark(bytes(8), portrait).levels
    assert np.corrcoef(first.ravel(), other.ravel())[0, 1] < 0.5


def test_cells_follow_the_size_of_the_frame() -> None:
    assert cell_size(96, 128) == 2
    assert 512 / cell_size(512, 512) == pytest.approx(CELLS)
    assert 2160 / cell_size(2160, 3840) == pytest.approx(CELLS)
    assert 256 / cell_size(256, 256) < CELLS


def test_chips_never_change() -> None:
    """Marks that were written once must stay readable."""
    assert chips().mean() == pytest.approx(0, abs=0.01)
    bits = np.packbits(chips() > 0).tobytes()
    assert sha256(bits).hexdigest().startswith("585373c0380e9fe4")


def test_other_frames_and_ids_are_refused(portrait: np.ndarray) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        Watermark(b"short", portrait)
    with pytest.raises(ValueError, match="uint8"):
        Watermark(ID, portrait[..., 0])
    with pytest.raises(ValueError, match="uint8"):
        Watermark(ID, portrait)(portrait[:100])
