"""Finding the watermark: after what is done to videos, and never in what was not marked."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from orate.errors import OrateError
from orate.media.image import read_image
from orate.media.video import VideoWriter
from orate.provenance.code import encode
from orate.provenance.pattern import CELLS, tile
from orate.provenance.residual import correlations, fold, residual
from orate.provenance.watermark import Watermark
from orate.provenance.watermark_detector import (
    FALSE_ALARM_MAX_LOG10,
    SEGMENT_FRAMES,
    false_alarm_log10,
    find_in_frames,
    find_watermark,
    geometries,
)

ID = bytes.fromhex("0123456789abcdef")
PORTRAIT = Path(__file__).parents[2] / "examples" / "portrait.jpg"
Edit = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return read_image(PORTRAIT)


@pytest.fixture(scope="module")
def frames(portrait: np.ndarray) -> list[np.ndarray]:
    """Something moves in the middle of a picture that stays."""
    clip = []
    for k in range(4):
        frame = portrait.copy()
        frame[100:250, 150:350] = portrait[100:250, 150 - 4 * k : 350 - 4 * k]
        clip.append(frame)
    return clip


@pytest.fixture(scope="module")
def marked(portrait: np.ndarray, frames: list[np.ndarray]) -> list[np.ndarray]:
    mark = Watermark(ID, portrait)
    return [mark(frame) for frame in frames]


def resized(factor: float) -> Edit:
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return lambda frame: np.asarray(cv2.resize(frame, None, fx=factor, fy=factor, interpolation=way), np.uint8)


EDITS: dict[str, Edit] = {
    "nothing": lambda frame: frame,
    "half size": resized(0.5),
    "double size": resized(2.0),
    "odd size": resized(0.83),
    "cropped": lambda frame: frame[31:-17, 40:-60],
    "cropped and smaller": lambda frame: resized(0.7)(frame[31:-17, 40:-60]),
    "mirrored": lambda frame: frame[:, ::-1],
    "brighter": lambda frame: np.clip(frame * 1.2 + 10, 0, 255).astype(np.uint8),
    "gamma": lambda frame: (255 * (frame / 255) ** 0.8).astype(np.uint8),
    "grey": lambda frame: np.repeat(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
    "in a wider picture": lambda frame: np.pad(frame, ((0, 0), (200, 150), (0, 0))),
    "stretched a little": lambda frame: np.asarray(cv2.resize(frame, (516, 510)), np.uint8),
}


@pytest.mark.parametrize("edit", EDITS)
def test_the_id_is_read_after(edit: str, marked: list[np.ndarray]) -> None:
    reading = find_in_frames(np.ascontiguousarray(EDITS[edit](frame)) for frame in marked[::2])
    assert reading.found
    assert reading.content_id == ID
    assert reading.false_alarm_log10 < FALSE_ALARM_MAX_LOG10
    assert reading.mirrored == (edit == "mirrored")


@pytest.mark.parametrize("crf", [18, 28])
def test_the_id_is_read_from_a_file(crf: int, marked: list[np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "marked.mp4"
    with VideoWriter(path, 512, 512, crf=crf) as video:
        for k in range(12):
            video.write(marked[k % len(marked)])
    reading = find_watermark(path)
    assert reading.content_id == ID
    assert reading.cells == pytest.approx(CELLS, abs=1)


@pytest.mark.parametrize("size", [(128, 96), (131, 97), (200, 300), (1080, 1080)])
def test_frames_of_other_sizes_carry_it(size: tuple[int, int], portrait: np.ndarray) -> None:
    photo = np.asarray(cv2.resize(portrait, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    assert find_in_frames([Watermark(ID, photo)(photo)]).content_id == ID


@pytest.mark.parametrize("number", range(4))
def test_any_id_is_read(number: int, portrait: np.ndarray) -> None:
    content_id = np.random.default_rng(number).bytes(8) if number else bytes(8)
    photo = np.ascontiguousarray(portrait[:300, 100:400])
    assert find_in_frames([Watermark(content_id, photo)(photo)]).content_id == content_id


def test_a_mark_that_begins_later_is_found(portrait: np.ndarray) -> None:
    plain = portrait[:256, 100:400].copy()
    mark = Watermark(ID, plain)
    clip = [plain] * SEGMENT_FRAMES + [mark(plain)] * 3
    assert find_in_frames(clip).content_id == ID


def test_two_marks_are_one_id_or_none_and_no_third(portrait: np.ndarray) -> None:
    other = bytes.fromhex("fedcba9876543210")
    twice = Watermark(other, portrait)(Watermark(ID, portrait)(portrait))
    reading = find_in_frames([twice])
    assert reading.found
    assert reading.content_id in {ID, other, None}


def unmarked(kind: str, portrait: np.ndarray) -> list[np.ndarray]:
    """Frames without a mark; periodic ones have what a repeated tile has."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :320]
    grey = {
        "noise": lambda: rng.integers(0, 256, (256, 320)),
        "one colour": lambda: np.full((256, 320), 77),
        "checks": lambda: (x // 4 + y // 4) % 2 * 80 + 80,
        "repeated noise": lambda: np.tile(rng.integers(100, 156, (128, 128)), (2, 3))[:, :320],
    }
    if kind in grey:
        return [np.repeat(grey[kind]().astype(np.uint8)[..., None], 3, axis=2)]
    return [portrait] if kind == "portrait" else [np.ascontiguousarray(portrait[:, ::-1])]


@pytest.mark.parametrize("kind", ["portrait", "its mirror image", "noise", "one colour", "checks", "repeated noise"])
def test_nothing_is_found_in_what_was_not_marked(kind: str, portrait: np.ndarray) -> None:
    reading = find_in_frames(unmarked(kind, portrait))
    assert not reading.found
    assert reading.content_id is None
    assert reading.false_alarm_log10 > FALSE_ALARM_MAX_LOG10


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (900, 4)])
def test_odd_pictures_do_no_harm(size: tuple[int, int]) -> None:
    assert not find_in_frames([np.zeros((*size, 3), np.uint8)]).found


def test_no_frames_hold_no_mark() -> None:
    assert not find_in_frames([]).found


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("no video")
    with pytest.raises(OrateError, match=r"text\.mp4"):
        find_watermark(path)


def test_the_bound_counts_all_that_may_be_tried() -> None:
    """Hoeffding's bound, times 2^64 ids and all geometries; twelve and a half is the score that passes."""
    assert 1e8 < geometries() < 1e9
    assert false_alarm_log10(12.5) > FALSE_ALARM_MAX_LOG10 > false_alarm_log10(12.55)
    assert false_alarm_log10(0) == 0


def test_long_videos_have_no_more_false_alarms() -> None:
    shares = [10 ** (false_alarm_log10(16.0, 1) - false_alarm_log10(16.0, n)) for n in range(1, 2000)]
    assert sum(shares) < 2.0  # in units of the first segment's, which is a half


@pytest.mark.parametrize("kind", ["portrait", "noise", "checks", "repeated noise"])
def test_scores_of_words_that_nobody_wrote_keep_to_the_bound(kind: str, portrait: np.ndarray) -> None:
    """A million scores of random words and places: P(z > t) stays below exp(-t^2 / 2), whatever the picture."""
    seen = fold(residual(unmarked(kind, portrait)[0], 300), (3.0, 3.0))
    rng = np.random.default_rng(1)
    words = [encode(rng.bytes(8)) for _ in range(64)]
    spectra = [np.fft.rfft2(tile(word)).astype(np.complex64) for word in words]
    scores = np.concatenate([correlations(seen, spectrum[None]).ravel() for spectrum in spectra])
    assert len(scores) > 1_000_000
    for level in (1.5, 2.0, 3.0, 4.0):
        assert (scores > level).mean() < np.exp(-(level**2) / 2)
