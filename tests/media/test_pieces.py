"""A piece of a long recording is what reading the whole gives there, and does not cost reading what lies before it."""

from fractions import Fraction

import av
import numpy as np
import pytest

from orate.errors import OrateError
from orate.media import video_reader
from orate.media.audio import read_audio
from orate.media.video import read_video_at

SECONDS, FPS, RATE = 40, 25, 44_100
# suffix: container, codecs of picture and sound, sample format; how exactly its clock tells where the sound is, s
KINDS = {
    ".mp4": ("mp4", "libx264", "aac", "fltp", 0),
    ".mkv": ("matroska", "libx264", "flac", "s16", 1e-3),
    ".mpg": ("mpeg", "mpeg1video", "mp2", "s16", 1e-4),
    ".avi": ("avi", "mpeg4", "pcm_s16le", "s16", 0),
    ".flv": ("flv", "flv1", "aac", "fltp", 1e-3),
}
STEEPEST = 2 * np.pi * 60 * 0.4  # of the sound, a second


def frame_picture(k):
    """Frame number k as ten black or white fields."""
    bits = np.array([k >> bit & 1 for bit in range(10)], np.uint8).reshape(2, 5) * 200 + 20
    return np.repeat(np.kron(bits, np.ones((16, 16), np.uint8))[..., None], 3, -1)


def frame_number(picture):
    bits = picture[8::16, 8::16, 1].ravel() > 128
    return int((bits << np.arange(10)).sum())


def recording(path):
    """SECONDS of numbered frames; a tone whose loudness changes all the time."""
    kind, picture_codec, sound_codec, sample_format, _ = KINDS[path.suffix]
    time = np.arange(SECONDS * RATE) / RATE
    sound = 0.4 * np.sin(2 * np.pi * (20 + 0.5 * time) * time) * (0.6 + 0.4 * np.sin(0.9 * time))
    with av.open(str(path), "w", format=kind) as container:
        video = container.add_stream(picture_codec, rate=FPS)
        video.width, video.height, video.pix_fmt, video.bit_rate = 80, 32, "yuv420p", 400_000
        audio = container.add_stream(sound_codec, rate=RATE, layout="mono")
        audio.codec_context.format = sample_format
        block = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = RATE, 0, Fraction(1, RATE)
        size = audio.codec_context.frame_size or 1024
        cut = av.AudioResampler(format=sample_format, layout="mono", rate=RATE, frame_size=size)
        sounds = iter([*cut.resample(block), *cut.resample(None), None])
        for k in range(SECONDS * FPS):
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame_picture(k), format="rgb24")))
            for piece in (next(sounds, None) for _ in range(2 if k < SECONDS * FPS - 1 else 10_000)):
                if piece is not None:
                    container.mux(audio.encode(piece))
        container.mux(audio.encode(None))
        container.mux(video.encode(None))
    return path


@pytest.fixture(scope="module", params=KINDS)
def kind(request, tmp_path_factory):
    return recording(tmp_path_factory.mktemp("pieces") / f"long{request.param}")


def test_a_piece_is_a_slice_of_the_whole(kind):
    whole = [frame_number(frame) for frame in read_video_at(kind, FPS)]
    sound = read_audio(kind, 16_000)
    assert len(whole) == pytest.approx(SECONDS * FPS, abs=1)
    for start_s, end_s in ((0.4, 1.0), (3.04, 4.0), (17.28, 18.44), (31.0, 33.2), (38.6, 39.9)):
        frames = [frame_number(frame) for frame in read_video_at(kind, FPS, start_s=start_s, end_s=end_s)]
        first = round(start_s * FPS + 1e-6)
        assert frames == whole[first : first + round((end_s - start_s) * FPS)]
        piece = read_audio(kind, 16_000, start_s=start_s, duration_s=end_s - start_s)
        there = sound[round(start_s * 16_000) :][: len(piece)]
        assert len(piece) == round((end_s - start_s) * 16_000)
        assert np.abs(piece - there).max() < 3e-3 + STEEPEST * KINDS[kind.suffix][-1] / 2


def test_what_lies_before_is_not_decoded(kind, monkeypatch):
    decoded = []

    def count(self, frame):
        decoded.append(frame)
        return np.zeros((2, 2, 3), np.uint8)

    monkeypatch.setattr(video_reader._Decoder, "image", count)
    source = video_reader._Decoder._decoded
    seen = []

    def counted(self):
        for frame in source(self):
            seen.append(frame.pts)
            yield frame

    monkeypatch.setattr(video_reader._Decoder, "_decoded", counted)
    assert len(list(read_video_at(kind, FPS, start_s=35.0, end_s=36.0))) == FPS
    assert len(decoded) == FPS
    assert len(seen) < 16 * FPS  # a group of pictures, the margin and the piece, not 35 s


def test_a_piece_up_to_the_end_and_one_beyond_it(kind):
    assert len(list(read_video_at(kind, FPS, start_s=39.0))) == pytest.approx(FPS, abs=1)
    assert len(list(read_video_at(kind, FPS, start_s=39.0, end_s=45.0))) == pytest.approx(FPS, abs=1)
    with pytest.raises(OrateError, match="no picture from 50 s on"):
        next(read_video_at(kind, FPS, start_s=50.0))
    with pytest.raises(OrateError, match="from 50 s on"):
        read_audio(kind, 16_000, start_s=50.0, duration_s=1.0)
