from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from orate.errors import OrateError
from orate.media.video import VideoWriter, read_video, read_video_at, video_info

QUADRANTS = np.kron(np.array([[0, 80], [160, 240]], np.uint8), np.ones((32, 48), np.uint8))  # 64 x 96
# turn of the shown picture, clockwise in quarters, and mirrored left-right before it -> a, b, c, d of the track header
MATRICES = {
    (0, False): (1, 0, 0, 1),
    (1, False): (0, 1, -1, 0),
    (2, False): (-1, 0, 0, -1),
    (3, False): (0, -1, 1, 0),
    (0, True): (-1, 0, 0, 1),
    (1, True): (0, -1, -1, 0),
}


def levels(times: list[Fraction], path: Path, kind: str = "mp4", codec: str = "libx264") -> Path:
    """A video whose frame k, grey level 10 k, is shown at times[k]."""
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        if codec == "libx264":
            stream.codec_context.time_base = Fraction(1, 1000)
        for k, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 10 * k, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def levels_of(images: list[np.ndarray]) -> list[int]:
    return [round(float(image.mean()) / 10) for image in images]


def steady(path: Path, count: int = 12, fps: float = 25, audio: Path | None = None) -> Path:
    with VideoWriter(path, 64, 64, fps, audio=audio) as writer:
        for k in range(count):
            writer.write(np.full((64, 64, 3), 10 * k, np.uint8))
    return path


def test_the_same_rate_gives_every_frame_once(tmp_path: Path) -> None:
    path = steady(tmp_path / "a.mp4")
    assert levels_of(list(read_video_at(path, 25))) == list(range(12))
    frames = list(read_video(path))
    assert [frame.time_s for frame in frames] == pytest.approx([k / 25 for k in range(12)])
    assert levels_of([frame.image for frame in frames]) == list(range(12))


@pytest.mark.parametrize(("fps", "wanted"), [(50, 24), (12.5, 6), (30, 14), (10, 5), (Fraction(30_000, 1001), 14)])
def test_other_rates_take_the_nearest_frame(fps: float | Fraction, wanted: int, tmp_path: Path) -> None:
    got = levels_of(list(read_video_at(steady(tmp_path / "a.mp4"), fps)))
    assert len(got) == wanted
    for k, level in enumerate(got):
        assert abs(level - min(11, k * 25 / float(fps))) <= 0.51


def test_ntsc_at_25_keeps_its_length(tmp_path: Path) -> None:
    assert len(list(read_video_at(steady(tmp_path / "a.mp4", 24, 30_000 / 1001), 25))) == 20


def test_variable_rate(tmp_path: Path) -> None:
    times = [Fraction(ms, 1000) for ms in (0, 40, 80, 280, 290, 400)]
    path = levels(times, tmp_path / "a.mkv", "matroska")
    assert [round(frame.time_s, 3) for frame in read_video(path)] == [float(time) for time in times]
    assert levels_of(list(read_video_at(path)))[:11] == [0, 1, 2, 2, 2, 3, 3, 3, 4, 5, 5]


def test_a_late_start_shows_the_first_frame(tmp_path: Path) -> None:
    path = levels([Fraction(k, 25) for k in range(5, 10)], tmp_path / "a.mkv", "matroska")
    assert next(read_video(path)).time_s == pytest.approx(0.2)
    assert levels_of(list(read_video_at(path))) == [0, 0, 0, 0, 0, 0, 1, 2, 3, 4]


def test_the_clock_of_an_mpeg_stream_starts_anywhere(tmp_path: Path) -> None:
    path = levels([Fraction(k, 25) + 7 for k in range(5)], tmp_path / "a.ts", "mpegts")
    assert [frame.time_s for frame in read_video(path)] == pytest.approx([k / 25 for k in range(5)], abs=1e-4)
    assert levels_of(list(read_video_at(path))) == list(range(5))


@pytest.mark.parametrize(("turns", "mirrored"), MATRICES)
def test_phone_videos_are_upright(turns: int, mirrored: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, 96, 64) as writer:
        writer.write(np.repeat(QUADRANTS[..., None], 3, axis=2))
    a, b, c, d = (value << 16 for value in MATRICES[turns, mirrored])
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)

    wanted = np.rot90(QUADRANTS[:, ::-1] if mirrored else QUADRANTS, -turns)
    got = next(read_video(path)).image
    assert got.shape == (*wanted.shape, 3)
    assert np.abs(got.mean(axis=2) - wanted).mean() < 3
    info = video_info(path)
    assert (info.height, info.width) == wanted.shape


def test_info(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(8000), 16_000)
    info = video_info(steady(tmp_path / "a.mp4", 10, audio=tmp_path / "a.wav"))
    assert (info.width, info.height, info.fps, info.frames, info.has_audio) == (64, 64, 25.0, 10, True)
    assert info.duration_s == pytest.approx(0.4)
    assert not video_info(steady(tmp_path / "b.mp4")).has_audio


def test_a_damaged_stream_is_read_through(tmp_path: Path) -> None:
    path = levels([Fraction(k, 25) for k in range(25)], tmp_path / "a.mpg", "mpeg", "mpeg1video")
    data = bytearray(path.read_bytes())
    hole = slice(len(data) // 3, len(data) // 3 + 400)
    data[hole] = np.random.default_rng(0).bytes(400)
    path.write_bytes(data)
    reader = read_video_at(path)
    images = list(reader)
    assert 15 < len(images) <= 26
    assert images[-1].mean() > 200


def test_what_cannot_be_decoded_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, 64, 64) as writer:
        for frame in np.random.default_rng(0).integers(0, 256, (25, 64, 64, 3), dtype=np.uint8):
            writer.write(frame)
    data = path.read_bytes()
    path.write_bytes(data[: data.find(b"mdat") + (len(data) - data.find(b"mdat")) // 2])
    reader = read_video(path)
    assert 0 < len(list(reader)) < 25
    assert reader.skipped > 0
    assert read_video_at(steady(tmp_path / "b.mp4")).skipped == 0


def test_errors_are_sentences(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "sound.wav", np.zeros(8000), 16_000)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.txt").write_text("These are words.\n" * 100)
    Image.new("RGB", (64, 64)).save(tmp_path / "picture.png")
    for name, sentence in {
        "missing.mp4": "There is no file",
        ".": "is a folder",
        "empty.mp4": "is empty",
        "sound.wav": "holds no video",
        "text.txt": "it holds text",
        "picture.png": "it holds a single picture",
    }.items():
        for read in (read_video, read_video_at, video_info):
            with pytest.raises(OrateError, match=sentence):
                read(tmp_path / name)


def test_not_one_frame(tmp_path: Path) -> None:
    path = steady(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    start = data.find(b"mdat") + 4
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)
    with pytest.raises(OrateError, match="no frame that can be decoded"):
        list(read_video(path))
