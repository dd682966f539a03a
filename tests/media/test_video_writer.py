from __future__ import annotations

import errno
import resource
import signal
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile

from orate.errors import OrateError
from orate.media.audio import read_audio
from orate.media.image import read_image
from orate.media.soundtrack import downmix
from orate.media.video import VideoWriter, read_video, video_info

COLOURS = [
    (0, 0, 0),
    (255, 255, 255),
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (200, 150, 120),
    (90, 60, 40),
    (17, 99, 203),
]


def noise(count: int, height: int = 64, width: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def write(path: Path, frames: np.ndarray, **options: object) -> Path:
    with VideoWriter(path, frames.shape[2], frames.shape[1], **options) as writer:  # type: ignore[arg-type]
        for frame in frames:
            writer.write(frame)
    return path


def test_colours_come_back(tmp_path: Path) -> None:
    frames = np.stack([np.full((64, 96, 3), colour, np.uint8) for colour in COLOURS])
    for got, colour in zip(read_video(write(tmp_path / "a.mp4", frames)), COLOURS, strict=True):
        assert np.abs(got.image.astype(int) - colour).max() <= 2


def test_tags_say_what_the_pixels_are(tmp_path: Path) -> None:
    with av.open(str(write(tmp_path / "a.mp4", noise(3)))) as container:
        context = container.streams.video[0].codec_context
        frame = next(container.decode(video=0))
        assert (context.name, context.pix_fmt, context.profile) == ("h264", "yuv420p", "High")
        assert (frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries) == (1, 1, 1, 1)


def test_players_can_start_before_they_have_the_whole(tmp_path: Path) -> None:
    data = write(tmp_path / "a.mp4", noise(3)).read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


@pytest.mark.parametrize("fps", [25, 29.97, Fraction(30_000, 1001), Fraction(1, 2), 240])
def test_frame_k_is_at_k_over_fps(fps: float | Fraction, tmp_path: Path) -> None:
    exact = fps if isinstance(fps, Fraction) else Fraction(str(fps))
    with av.open(str(write(tmp_path / "a.mp4", noise(7), fps=fps))) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert times == [k / exact for k in range(7)]
    assert video_info(tmp_path / "a.mp4").fps == pytest.approx(float(exact))


@pytest.mark.parametrize(("height", "width"), [(65, 97), (64, 97), (65, 96), (1, 1)])
def test_odd_sizes_repeat_their_edge(height: int, width: int, tmp_path: Path) -> None:
    frame = np.full((1, height, width, 3), 120, np.uint8)
    frame[:, -1], frame[:, :, -1] = 220, 220
    got = next(read_video(write(tmp_path / "a.mp4", frame))).image
    assert got.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(got[:height, :width].astype(int) - frame[0]).mean() < 3
    assert np.abs(got[-1].astype(int) - 220).max() < 12


def test_the_same_frames_give_the_same_bytes(tmp_path: Path, encode_sound: Callable, clicks: Callable) -> None:
    sound = encode_sound("a.mp3", clicks(44_100, 1.0, [0.5]), 44_100, 2)
    one, two = (write(tmp_path / name, noise(60), audio=sound, metadata={"seed": "1"}) for name in ("1.mp4", "2.mp4"))
    assert one.read_bytes() == two.read_bytes()


def test_the_same_frames_give_the_same_bytes_where_x264_looks_ahead(tmp_path: Path) -> None:
    """With macroblock trees, x264 gave two different files at this size in about one of three encodes."""
    photo = Path(__file__).parents[2] / "examples" / "portrait.jpg"
    picture = cv2.resize(read_image(photo), (360, 288))
    frames = np.stack([np.roll(picture, k, axis=1) for k in range(40)])
    files = [write(tmp_path / f"{k}.mp4", frames) for k in range(10)]
    assert len({file.read_bytes() for file in files}) == 1


def test_metadata_are_read_back(tmp_path: Path) -> None:
    tags = {"comment": "made by a test", "title": "Grüße", "orate_seed": "17"}
    assert tags.items() <= video_info(write(tmp_path / "a.mp4", noise(2), metadata=tags)).metadata.items()


@pytest.mark.parametrize(
    ("rate", "channels", "kept_rate", "kept_channels"),
    [
        (16_000, 1, 16_000, 1),
        (44_100, 2, 44_100, 2),
        (50_000, 1, 48_000, 1),
        (192_000, 2, 48_000, 2),
        (48_000, 6, 48_000, 2),
    ],
)
def test_sound_keeps_what_aac_can_keep(
    rate: int, channels: int, kept_rate: int, kept_channels: int, tmp_path: Path, encode_sound: Callable
) -> None:
    wave = 0.4 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    out = write(tmp_path / "a.mp4", noise(30), audio=encode_sound("a.wav", wave, rate, channels))
    with av.open(str(out)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.channels) == ("aac", kept_rate, kept_channels)
    got = read_audio(out, 16_000)
    assert len(got) == 16_000
    wanted = 0.4 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert np.corrcoef(got[500:-500], wanted[500:-500])[0, 1] > 0.9999


def test_stereo_stays_stereo(tmp_path: Path) -> None:
    left = 0.5 * np.sin(np.arange(24_000) / 20)
    soundfile.write(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], axis=1), 24_000)
    with av.open(str(write(tmp_path / "a.mp4", noise(2), audio=tmp_path / "a.wav"))) as container:
        got = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert got[0].std() > 0.3
    assert got[1].std() < 0.01


def test_downmix_never_exceeds_full_scale() -> None:
    names = ("FL", "FR", "FC", "LFE", "BL", "BR")
    mixed = downmix(np.ones((6, 4), np.float32), names, 2)
    assert mixed.shape == (2, 4)
    np.testing.assert_allclose(mixed, 1, atol=1e-6)
    centre = downmix(np.eye(6, dtype=np.float32)[:, 2:3], names, 2)
    assert centre[0, 0] == centre[1, 0] > 0.2
    assert not downmix(np.eye(6, dtype=np.float32)[:, 3:4], names, 2).any()


@pytest.mark.parametrize("failure", [RuntimeError("stop"), KeyboardInterrupt()])
def test_an_exception_leaves_nothing(failure: BaseException, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"the old one")

    def interrupted() -> None:
        with VideoWriter(tmp_path / "a.mp4", 64, 64) as writer:
            writer.write(noise(1)[0])
            raise failure

    with pytest.raises(type(failure)):
        interrupted()
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"the old one"


def test_nothing_is_there_before_the_end_and_the_old_one_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "a.mp4"
    with VideoWriter(out, 64, 64) as writer:
        writer.write(noise(1)[0])
        assert not out.exists()
        assert all(file.name.startswith(".") for file in tmp_path.iterdir())
    first = out.read_bytes()
    write(out, noise(4))
    assert out.read_bytes() != first
    assert len(list(tmp_path.iterdir())) == 1


def test_errors_are_sentences_and_leave_nothing(tmp_path: Path) -> None:
    for path, audio, sentence in [
        (tmp_path / "no" / "a.mp4", None, "there is no folder"),
        (tmp_path / "a.gif", None, r"name it \.mp4"),
        (tmp_path / "a.mp4", tmp_path / "none.wav", "There is no file"),
        (tmp_path / "a.mp4", None, "there was no frame"),
    ]:
        with pytest.raises(OrateError, match=sentence):
            write(path, noise(1)[:0], audio=audio)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OrateError, match="is a folder"):
        write(tmp_path / "folder.mp4", noise(1))
    assert [file.name for file in tmp_path.iterdir()] == ["folder.mp4"]


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OrateError, match=f"the folder {tmp_path} is not writable"):
        write(tmp_path / "a.mp4", noise(1))


def test_sound_that_breaks_off_leaves_nothing(tmp_path: Path, encode_sound: Callable) -> None:
    sound = encode_sound("a.wav", np.zeros(32_000), 16_000)
    sound.write_bytes(sound.read_bytes()[:20_000])
    with pytest.raises(OrateError, match="breaks off"):
        write(tmp_path / "a.mp4", noise(30), audio=sound)
    assert [file.name for file in tmp_path.iterdir()] == ["a.wav"]


def test_frames_of_another_shape_are_refused(tmp_path: Path) -> None:
    for frame in (np.zeros((64, 65, 3), np.uint8), np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.float32)):
        with pytest.raises(ValueError, match="expected uint8"), VideoWriter(tmp_path / "a.mp4", 64, 64) as writer:
            writer.write(frame)


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[int], None]]:
    """A real limit of the operating system on the size of files: every write beyond it fails."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, old)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95, 0.99, 1.0])
def test_no_room_at_any_point(share: float, tmp_path: Path, file_size_limit: Callable, encode_sound: Callable) -> None:
    sound = encode_sound("a.wav", np.random.default_rng(0).uniform(-1, 1, 16_000), 16_000)
    size = write(tmp_path / "whole.mp4", noise(40), audio=sound).stat().st_size
    file_size_limit(max(1000, int(size * share) - 1))  # 1.0: one byte short
    with pytest.raises(OrateError, match="it would be larger than a file may be here"):
        write(tmp_path / "a.mp4", noise(40), audio=sound)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.wav", "whole.mp4"]
    file_size_limit(size)
    assert write(tmp_path / "a.mp4", noise(40), audio=sound).stat().st_size == size


@pytest.mark.parametrize("call", ["write", "finish"])
def test_disk_full(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(VideoWriter, "_picture" if call == "write" else "_finish", full)
    with pytest.raises(OrateError, match="the disk is full"):
        write(tmp_path / "a.mp4", noise(3))
    assert not list(tmp_path.iterdir())


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_memory_is_flat_in_the_length_of_the_sound(tmp_path: Path) -> None:
    minutes = 6
    soundfile.write(tmp_path / "a.wav", np.zeros((minutes * 60 * 24_000, 2), np.int16), 24_000)  # 69 MB decoded
    frame = noise(1)[0]
    sizes = []
    with VideoWriter(tmp_path / "a.mp4", 64, 64, 2, audio=tmp_path / "a.wav") as writer:
        for _ in range(minutes * 60 * 2):
            writer.write(frame)
            sizes.append(resident_bytes())
    assert max(sizes) - sizes[120] < 8 * 2**20  # after a minute all buffers are full


def test_large_pictures_are_not_held_back(tmp_path: Path) -> None:
    frame = np.full((1, 2400, 4100, 3), 90, np.uint8)
    data = write(tmp_path / "a.mp4", frame).read_bytes()
    assert b"bframes=0" in data
    assert next(read_video(tmp_path / "a.mp4")).image.shape == (2400, 4100, 3)


def test_what_is_done_with_the_finished_file(tmp_path: Path) -> None:
    seen = []

    def add(path: Path) -> None:
        seen.append(len(list(read_video(path))))
        with path.open("ab") as file:
            file.write(b"\0\0\0\x08free")

    with VideoWriter(tmp_path / "a.mp4", 64, 64, finish=add) as video:
        for frame in noise(3):
            video.write(frame)
        assert not (tmp_path / "a.mp4").exists()
    assert seen == [3]
    assert (tmp_path / "a.mp4").read_bytes().endswith(b"free")

    def fail(_: Path) -> None:
        raise OrateError("no")

    with pytest.raises(OrateError, match="no"), VideoWriter(tmp_path / "b.mp4", 64, 64, finish=fail) as video:
        video.write(noise(1)[0])
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
