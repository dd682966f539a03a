"""The AAC track of a video: encoded block by block from any file with sound in it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import soxr
from av.audio.stream import AudioStream
from av.container import OutputContainer

from orate.media.sound import SoundDecoder

AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
AAC_FALLBACK_RATE = 48000
AAC_FRAME = 1024
AAC_BITS_PER_CHANNEL = 128_000
AAC_MAX_BITS_PER_SAMPLE = 6  # 6144 bits per channel and frame of 1024 samples (ISO 14496-3)
# Nearest to the waveform on speech at this bit rate: 42 dB where FFmpeg's default search reaches 36 (16 kHz, LJSpeech).
AAC_OPTIONS = {"aac_coder": "fast"}
MAX_CHANNELS = 2
CENTRE_GAIN = np.float32(np.sqrt(0.5))


def track_rate(sound: SoundDecoder) -> int:
    """The sound's own rate in Hz where AAC has it, else 48,000."""
    return sound.rate if sound.rate in AAC_RATES else AAC_FALLBACK_RATE


class SoundTrack:
    """Encodes the sound of a file in step with the frames, at most a decoded block ahead of them.

    The encoder's delay of one frame is taken back by the container's edit list: sample 0 is at time 0.
    """

    def __init__(self, container: OutputContainer, sound: SoundDecoder) -> None:
        self._container, self._source = container, sound
        self.rate = track_rate(sound)
        self.channels = min(sound.channels, MAX_CHANNELS)
        self._layout = "mono" if self.channels == 1 else "stereo"
        self._stream: AudioStream = container.add_stream("aac", rate=self.rate, options=AAC_OPTIONS)
        context = self._stream.codec_context
        context.layout, context.format = self._layout, "fltp"
        context.bit_rate = self.channels * min(AAC_BITS_PER_CHANNEL, AAC_MAX_BITS_PER_SAMPLE * self.rate)
        context.time_base = Fraction(1, self.rate)
        self._blocks = self._at_rate()
        self._waiting = np.zeros((self.channels, 0), np.float32)
        self._written = 0
        self._done = False

    def write_until(self, time: Fraction | None) -> None:
        """Encodes sound up to ``time`` in seconds at least; None: to its end.

        Raises:
            OrateError: the sound breaks off.
        """
        while not self._done and (time is None or self._written < time * self.rate):
            block = next(self._blocks, None)
            if block is None:
                self._encode(self._waiting)
                self._container.mux(self._stream.encode(None))
                self._done = True
                return
            samples = np.concatenate([self._waiting, block], axis=1)
            whole = samples.shape[1] - samples.shape[1] % AAC_FRAME
            for start in range(0, whole, AAC_FRAME):
                self._encode(samples[:, start : start + AAC_FRAME])
            self._waiting = samples[:, whole:]

    def _encode(self, samples: np.ndarray) -> None:
        if not samples.shape[1]:
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=self._layout)
        frame.sample_rate = self.rate
        frame.time_base = Fraction(1, self.rate)
        frame.pts = self._written
        self._written += samples.shape[1]
        self._container.mux(self._stream.encode(frame))

    def _at_rate(self) -> Iterator[np.ndarray]:
        """(channels, n) float32 in [-1, 1], at the rate of the track."""
        source = self._source
        same = source.rate == self.rate
        resampler = None if same else soxr.ResampleStream(source.rate, self.rate, self.channels, quality="VHQ")
        for samples, names in source.blocks():
            mixed = downmix(samples, names, self.channels)
            if resampler is not None:
                mixed = resampler.resample_chunk(np.ascontiguousarray(mixed.T)).T
            yield np.clip(mixed, -1, 1)
        if resampler is not None:
            yield np.clip(resampler.resample_chunk(np.zeros((0, self.channels), np.float32), last=True).T, -1, 1)


def downmix(samples: np.ndarray, names: tuple[str, ...], channels: int) -> np.ndarray:
    """(n_in, samples) to (``channels``, samples): centre and surround at -3 dB (ITU-R BS.775-3), without the LFE.

    The sum is scaled so that it cannot exceed full scale.
    """
    if len(samples) == channels:
        return samples
    if channels == 1 or len(samples) == 1:
        return np.repeat(samples.mean(axis=0, dtype=np.float32, keepdims=True), channels, axis=0)
    gains = np.zeros((2, len(samples)), np.float32)
    for index, name in enumerate(names):
        if name == "LFE":
            continue
        gain = 1 if name in ("FL", "FR") else CENTRE_GAIN
        gains[:, index] = (0 if name.endswith("R") else gain), (0 if name.endswith("L") else gain)
    mixed: np.ndarray = (gains / gains.sum(axis=1).max()) @ samples
    return mixed
