"""Speech features of sound that comes in blocks: window by window, the same however the sound was cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from orate.models.engines.speech_engine import SpeechEngine
from orate.models.speech_encoder import FRAME_ROWS, FRAME_SAMPLES, WIDTH, speech_frames
from orate.models.speech_features import BANDS, FFT_SAMPLES, HOP_SAMPLES, RATE_HZ, SMALLEST_POWER, normalised, spectra
from orate.models.speech_means import position_means, streaming_means

Mode = Literal["streaming", "offline"]
SPECTRA = FRAME_SAMPLES // HOP_SAMPLES
"""Spectra of a video frame."""
EDGE_SAMPLES = FFT_SAMPLES // 2 + HOP_SAMPLES
"""Samples before a window's end that spectra hear which also hear what comes after it."""


@dataclass(frozen=True)
class Windows:
    """How sound is cut into windows; all lengths in video frames of 0.04 s.

    A window hears `past` frames, then the `hop` frames that it is for, `future` frames of what comes after them, and
    `silence` frames that stand for what it does not know yet. At the beginning of a sound, where there is less past,
    it begins with the sound and ends with more silence: rows keep the positions that they have in a whole clip.
    """

    past: int
    hop: int
    future: int
    silence: int

    @property
    def length(self) -> int:
        """Frames of a window."""
        return self.past + self.hop + self.future + self.silence

    @property
    def look_ahead_s(self) -> float:
        """Seconds of sound from the time of a frame on that have to be there before it is final, at most."""
        return (self.hop + self.future) * FRAME_SAMPLES / RATE_HZ


WINDOWS: dict[str, Windows] = {
    "streaming": Windows(past=75, hop=2, future=1, silence=5),
    "offline": Windows(past=75, hop=100, future=25, silence=0),
}


class SpeechStream:
    """The features of one sound, 16 kHz mono, at 25 frames a second.

    Memory is that of one window and one block. Frame k is at k / 25 s and covers 640 samples; sound of n samples has
    ceil(n / 640) frames, at least one.

    Args:
        engine: runs the encoder; may serve several streams.
        mode: ``streaming`` hears 0.12 s ahead, ``offline`` up to 5 s.
        centred: take away the mean row of each position in the window (see `orate.models.speech_means`): without that
            the two modes and whole clips are alike only in the first seconds.
    """

    def __init__(self, engine: SpeechEngine, mode: Mode, *, centred: bool = True) -> None:
        if mode not in WINDOWS:
            raise ValueError(f"mode {mode!r}: it must be one of {', '.join(WINDOWS)}")
        self._engine = engine
        self._windows = WINDOWS[mode]
        self._means: NDArray[np.float32] | None = None
        if centred:
            self._means = (streaming_means() if mode == "streaming" else position_means()).numpy()
        self._spectra = _Spectra()
        self._samples = 0
        self._next = 0  # first frame that is not final yet
        self._finished = False

    @property
    def look_ahead_s(self) -> float:
        """Seconds of sound from the time of a frame on that have to be there before it is final, at most."""
        return self._windows.look_ahead_s

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the next samples, (n,) of any length; get what became final by them, (frames, 2, 384)."""
        if self._finished:
            raise RuntimeError("the stream is finished: begin another one for another sound")
        if block.ndim != 1:
            raise ValueError(f"a block must be (n,), not {block.shape}")
        self._samples += len(block)
        self._spectra.add(block)
        made = []
        while self._samples >= self._end() * FRAME_SAMPLES:
            made.append(self._hop())
        return _joined(made)

    def finish(self) -> NDArray[np.float32]:
        """The frames that are left, (frames, 2, 384): behind the end of the sound they hear silence."""
        if self._finished:
            raise RuntimeError("the stream is finished already")
        self._finished = True
        first, total = self._next, speech_frames(self._samples)
        made = []
        while self._next < total:
            self._spectra.add(np.zeros(max(0, self._end() * FRAME_SAMPLES - self._samples), np.float32))
            self._samples = max(self._samples, self._end() * FRAME_SAMPLES)
            made.append(self._hop())
        return _joined(made)[: max(0, total - first)]

    def _end(self) -> int:
        """The frame before which the next window's sound ends."""
        return self._next + self._windows.hop + self._windows.future

    def _hop(self) -> NDArray[np.float32]:
        """The features of the next hop."""
        size = self._windows
        start = max(0, self._next - size.past)
        window = self._spectra.window(start, self._end(), size.length)
        rows = self._engine.encode(normalised(torch.from_numpy(window)))
        first = FRAME_ROWS * (self._next - start)
        wanted = slice(first, first + FRAME_ROWS * size.hop)
        features = rows[wanted] if self._means is None else rows[wanted] - self._means[wanted]
        self._next += size.hop
        return features.reshape(-1, FRAME_ROWS, WIDTH)


class _Spectra:
    """Spectra of a sound that comes in blocks, each made once; silence is before and after it.

    `log_mel` of each window would give the same but for the windows' first and last two spectra (which it makes of
    mirrored sound), and cost as much as the encoder where it shares the cores with other programs.
    """

    def __init__(self) -> None:
        # Spectrum m covers the samples from 160 m - 200 on, so half a spectrum of silence goes first.
        self._waiting = np.zeros(FFT_SAMPLES // 2, np.float32)
        self._made = np.zeros((BANDS, 0), np.float32)
        self._first = 0  # index of the first spectrum in `_made`

    def add(self, block: NDArray[np.float32]) -> None:
        self._waiting = np.concatenate([self._waiting, block.astype(np.float32, copy=False)])

    def window(self, start: int, end: int, length: int) -> NDArray[np.float32]:
        """(80, spectra) of `length` video frames: sound from the frame `start` to before `end`, then silence."""
        complete = SPECTRA * end - 1  # the next one would hear what comes after `end`
        fresh = complete - self._first - self._made.shape[1]
        heard = self._waiting[: HOP_SAMPLES * (fresh - 1) + FFT_SAMPLES]
        edge = np.zeros(FFT_SAMPLES + 2 * HOP_SAMPLES, np.float32)  # three spectra that hear the sound's last samples
        edge[:EDGE_SAMPLES] = self._waiting[HOP_SAMPLES * fresh :][:EDGE_SAMPLES]
        passed = SPECTRA * start - self._first
        self._made = np.concatenate([self._made[:, passed:], _spectra(heard)], axis=1)
        self._first, self._waiting = SPECTRA * start, self._waiting[HOP_SAMPLES * fresh :]
        window = np.full((BANDS, SPECTRA * length), np.log10(SMALLEST_POWER), np.float32)
        sounding = np.concatenate([self._made, _spectra(edge)], axis=1)[:, : window.shape[1]]
        window[:, : sounding.shape[1]] = sounding
        return window


def _spectra(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    made: NDArray[np.float32] = spectra(torch.from_numpy(samples)).numpy()
    return made


def _joined(made: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(made) if made else np.zeros((0, FRAME_ROWS, WIDTH), np.float32)
