"""Media that every room's tests may need, synthesised on the spot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import torch

EncodeSound = Callable[..., Path]
# suffix: container, codec, sample format
ENCODERS = {
    ".mp3": ("mp3", "libmp3lame", "fltp"),
    ".opus": ("ogg", "libopus", "flt"),
    ".m4a": ("ipod", "aac", "fltp"),
    ".mka": ("matroska", "pcm_s16le", "s16"),
}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """One thread for small networks: several only wait for each other, and on a busy machine for long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of this session's own signing certificate, which is not the user's; nothing else of theirs is used."""
    folder = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORATE_CONFIG_DIR", str(folder))
        for name in ("ORATE_CERTIFICATE", "ORATE_PRIVATE_KEY", "ORATE_PRODUCER", "SOURCE_DATE_EPOCH"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture
def clicks() -> Callable[[int, float, list[float]], np.ndarray]:
    """(n,) float32: silence with a 5 ms burst of 2 kHz that begins at each of the given times in seconds."""

    def make(rate: int, duration_s: float, times_s: list[float]) -> np.ndarray:
        samples = np.zeros(round(duration_s * rate), np.float32)
        length = round(0.005 * rate)
        burst = 0.8 * np.sin(2 * np.pi * 2000 * np.arange(length) / rate) * np.hanning(length)
        for time in times_s:
            start = round(time * rate)
            samples[start : start + length] = burst[: len(samples) - start]
        return samples

    return make


@pytest.fixture
def encode_sound(tmp_path: Path) -> EncodeSound:
    """Writes (n,) samples, repeated on ``channels``, under a name whose suffix chooses the codec."""

    def encode(name: str, samples: np.ndarray, rate: int, channels: int = 1, start_s: float = 0.0) -> Path:
        path = tmp_path / name
        many = np.repeat(samples[None].astype(np.float32), channels, axis=0)
        if path.suffix not in ENCODERS:
            soundfile.write(path, many.T, rate)
            return path
        kind, codec, sample_format = ENCODERS[path.suffix]
        layout = "mono" if channels == 1 else "stereo"
        with av.open(str(path), "w", format=kind) as container:
            stream = container.add_stream(codec, rate=rate)
            stream.codec_context.layout, stream.codec_context.format = layout, sample_format
            stream.codec_context.bit_rate = 128_000
            frame = av.AudioFrame.from_ndarray(many, format="fltp", layout=layout)
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), round(start_s * rate)
            size = stream.codec_context.frame_size or 1024
            cut = av.AudioResampler(format=sample_format, layout=layout, rate=rate, frame_size=size)
            for piece in [*cut.resample(frame), *cut.resample(None), None]:
                container.mux(stream.encode(piece))
        return path

    return encode
