"""A tiny GRID made in the session: the astronaut photograph moved like a video; the sound clicks when it flashes."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from skimage import data
from skimage.transform import resize

from orate.corpora.clip import PrepareSettings
from orate.corpora.grid import find_clips
from orate.corpora.prepare import prepare

FPS = 25
FRAMES = 20
FLASH_FRAME = 12
AUDIO_RATE = 44_100
HEIGHT, WIDTH = 200, 160
SHARD_BYTES = 600_000  # two or three clips
SETTINGS = PrepareSettings(voice=False)  # a click and a tone are none


def astronaut_frames(count=FRAMES, flash=FLASH_FRAME, way=0):
    """The astronaut's face panned and zoomed a little, (count, HEIGHT, WIDTH, 3) uint8; one frame is brighter.

    Each ``way`` is another film.
    """
    photo = np.ascontiguousarray(data.astronaut()[:, :: -1 if way % 2 else 1])
    left = 207 if way % 2 else 145
    frames = []
    for k in range(count):
        x, y, zoom = left + round(3 * np.sin(k / 5 + way)), 25 + round(2 * np.cos(k / 4)), 1 + 0.02 * np.sin(k / 7)
        part = photo[y : y + round(HEIGHT * zoom), x : x + round(WIDTH * zoom)]
        frame = resize(part, (HEIGHT, WIDTH), order=1, preserve_range=True, anti_aliasing=False)
        frames.append(np.clip(frame * (1.3 if k == flash else 0.9), 0, 255).astype(np.uint8))
    return np.stack(frames)


def clicking_sound(seconds=FRAMES / FPS, click_s=FLASH_FRAME / FPS, way=0):
    """A quiet tone over noise with a loud burst of 10 ms, (samples,) float32 at AUDIO_RATE."""
    t = np.arange(round(seconds * AUDIO_RATE)) / AUDIO_RATE
    sound = 0.02 * np.sin(2 * np.pi * 220 * (1 + way / 3) * t)
    loudness = np.interp(t, np.linspace(0, seconds, 12), np.random.default_rng(way).uniform(0, 0.05, 12))
    sound += loudness * np.random.default_rng(way).standard_normal(len(t))
    burst = (t >= click_s) & (t < click_s + 0.01)
    return np.where(burst, 0.9 * np.sin(2 * np.pi * 1500 * t), sound).astype(np.float32)


def write_clip(path: Path, frames, sound=None):
    """As GRID has it: MPEG-1 with MP2 in .mpg, H.264 with AAC in .mp4."""
    mpeg = path.suffix == ".mpg"
    with av.open(str(path), "w", format="mpeg" if mpeg else "mp4") as container:
        video = container.add_stream("mpeg1video" if mpeg else "libx264", rate=FPS)
        video.height, video.width, video.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        video.bit_rate = 4_000_000
        audio = None
        if sound is not None:
            audio = container.add_stream("mp2" if mpeg else "aac", rate=AUDIO_RATE, layout="mono")
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(video.encode(None))
        if audio is not None:
            layout_format = "s16" if mpeg else "fltp"
            samples = (sound * 32767).astype(np.int16) if mpeg else sound
            block = av.AudioFrame.from_ndarray(samples[None], format=layout_format, layout="mono")
            block.sample_rate, block.pts, block.time_base = AUDIO_RATE, 0, Fraction(1, AUDIO_RATE)
            container.mux(audio.encode(block))
            container.mux(audio.encode(None))


@pytest.fixture(scope="session")
def grid(tmp_path_factory):
    """SRC with s1 (five good clips, seven bad ones), align, and unseen (one clip)."""
    source = tmp_path_factory.mktemp("grid")
    for folder in ("s1", "align", "unseen"):
        (source / folder).mkdir()
    face, sound = astronaut_frames(), clicking_sound()
    for way, name in enumerate(("bbaf2n.mpg", "bbaf3s.mpg", "bgbu2a.mp4", "lbaq2s.mp4", "pgbq8s.mpg")):
        write_clip(source / "s1" / name, astronaut_frames(way=way), clicking_sound(way=way))
    write_clip(source / "unseen" / "sbwe5n.mpg", astronaut_frames(way=5), clicking_sound(way=5))
    plain = np.broadcast_to(np.linspace(0, 200, WIDTH).astype(np.uint8)[:, None], face.shape)
    small = np.full_like(face, 120)
    small[:, 50 : 50 + HEIGHT // 5, 50 : 50 + WIDTH // 5] = face[:, ::5, ::5]
    write_clip(source / "s1" / "lbic9n.mpg", np.ascontiguousarray(plain), sound)  # no face
    write_clip(source / "s1" / "lgar9n.mpg", face, None)  # no sound
    write_clip(source / "s1" / "lgbf6s.mp4", face, np.zeros_like(sound))  # silence
    write_clip(source / "s1" / "lrbr2s.mpg", face[:6], sound[: AUDIO_RATE * 6 // FPS])  # too short
    write_clip(source / "s1" / "lriq4s.mpg", face, sound[: len(sound) // 2])  # sound ends early
    write_clip(source / "s1" / "prai9p.mp4", np.concatenate([face, face], 2), sound)  # two alike
    write_clip(source / "s1" / "prap2s.mp4", face, sound)
    whole = (source / "s1" / "prap2s.mp4").read_bytes()
    (source / "s1" / "prap2s.mp4").write_bytes(whole[: len(whole) // 2])  # truncated
    write_clip(source / "s1" / "prbc8s.mpg", small, sound)  # too small
    text = "0 5000 sil\n5000 7500 bin\n7500 10000 blue\n10000 11000 at\n11000 12000 f\n12000 14000 two\n14000 16000 now"
    for video in (source / "s1").iterdir():
        (source / "align" / f"{video.stem}.align").write_text(text)
    return source


@pytest.fixture(scope="session")
def prepared(grid, tmp_path_factory):
    """The tiny GRID prepared in one process, in shards of a few clips; the folder and the report."""
    out = tmp_path_factory.mktemp("prepared") / "shards"
    report = prepare(find_clips(grid, ["s1", "unseen"]), out, SETTINGS, workers=1, shard_bytes=SHARD_BYTES)
    return out, report
