"""The encodings of a clip's sound that motion is trained on: as inference makes them, plain and varied."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.models.engines.speech_engine import SpeechEngine
from orate.models.speech_encoder import FRAME_ROWS, WIDTH
from orate.models.speech_stream import Mode, SpeechStream
from orate.training.sound_variety import VOICE_RATES, at_another_rate, varied

Floats = NDArray[np.float32]


class SpeechEncodings:
    """Encodes sound by the windows of both modes, so that what is learned holds for files and for streams.

    Args:
        engine: runs the speech encoder.
        seed: of the variations.
        varieties: varied encodings of each sound beside the plain ones; every second one also at another rate.
    """

    def __init__(self, engine: SpeechEngine, seed: int = 0, varieties: int = 3) -> None:
        self._engine, self._seed, self._varieties = engine, seed, varieties

    def plain(self, sound: Floats, frames: int) -> tuple[Floats, ...]:
        """Two encodings (frames, 2, 384), centred: of the whole sound, and as a stream hears it."""
        return self._encoded(sound, frames, "offline"), self._encoded(sound, frames, "streaming")

    def varied(self, sound: Floats, frames: int, number: int) -> tuple[Floats, ...]:
        """The plain encodings, then the varied ones, by turns in both modes.

        Args:
            sound: (n,) at 16 kHz.
            frames: of video.
            number: of the sound in its corpus: with the seed it decides what is drawn.
        """
        made = list(self.plain(sound, frames))
        for variety in range(self._varieties):
            random = np.random.default_rng([self._seed, number, variety])
            mode: Mode = "streaming" if variety % 3 == 2 else "offline"
            if variety % 2 == 1:
                rate = float(random.uniform(*VOICE_RATES))
                faster = varied(at_another_rate(sound, rate), random)
                rows = self._encoded(faster, int(np.ceil(frames / rate)) + 1, mode).reshape(-1, WIDTH)
                made.append(_at_rows(rows, np.arange(FRAME_ROWS * frames) / rate).reshape(frames, FRAME_ROWS, WIDTH))
            else:
                made.append(self._encoded(varied(sound, random), frames, mode))
        return tuple(made)

    def _encoded(self, sound: Floats, frames: int, mode: Mode) -> Floats:
        stream = SpeechStream(self._engine, mode)
        rows = np.concatenate([stream.push(sound), stream.finish()])
        if len(rows) < frames:  # the picture goes on after the sound
            rows = np.concatenate([rows, np.repeat(rows[-1:], frames - len(rows), axis=0)])
        return rows[:frames]


def _at_rows(rows: Floats, places: NDArray[np.floating]) -> Floats:
    """Rows between rows, linearly."""
    first = np.clip(np.floor(places).astype(int), 0, len(rows) - 2)
    part = np.clip(places - first, 0, 1)[:, None].astype(np.float32)
    made: Floats = rows[first] * (1 - part) + rows[first + 1] * part
    return made
