"""Does the mouth rest when nothing is said: its movement in silence over its movement in speech."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.evaluation.mouth_opening import STILL_DEVIATION
from orate.models.voice_gate import voice_levels

LOUD_QUANTILE = 0.95
BELOW_LOUD_DB = 25.0  # voiced sounds stay above this; noise of recordings is below it
MIN_LEVEL_DB = -60.0  # of full scale: what is softer is silence, however soft the rest
MARGIN_S = 0.16  # lips open before the voice is heard, and close after it
MIN_STEPS = 3


@dataclass(frozen=True)
class VoiceActivity:
    """In which frames somebody speaks: (time,) bool each. Frames near speech are neither.

    Attributes:
        speech: a voice is heard.
        silence: none is, nor within `MARGIN_S`.
    """

    speech: NDArray[np.bool_]
    silence: NDArray[np.bool_]


def voice_activity(audio: NDArray[np.float32], rate: int, frames: int, fps: float) -> VoiceActivity:
    """Find speech by the sound's energy in the band of voices, frame by frame.

    Args:
        audio: (samples,) in [-1, 1].
        rate: samples a second.
        frames: of the video; sound that is missing at the end is silence.
        fps: frames a second.
    """
    level = _levels(audio, rate, frames, fps)
    loud = float(np.quantile(level, LOUD_QUANTILE))
    speech = level > max(loud - BELOW_LOUD_DB, MIN_LEVEL_DB)
    margin = round(MARGIN_S * fps)
    near = np.convolve(speech, np.ones(2 * margin + 1))[margin : margin + frames] > 0
    return VoiceActivity(speech, ~near)


def silence_movement(opening: NDArray[np.float64], voice: VoiceActivity) -> float:
    """Mean absolute velocity of the mouth's opening in silence over that in speech.

    Args:
        opening: (time,), NaN where it is not known.
        voice: of the driving audio.

    Returns:
        0 for lips that rest in silence, about 1 for lips that do not listen; NaN when there is no silence or no
        speech to compare, or the mouth stands still in speech (`STILL_DEVIATION`).
    """
    steps = np.abs(np.diff(opening))
    in_silence, in_speech = (_within(steps, frames) for frames in (voice.silence, voice.speech))
    if min(len(in_silence), len(in_speech)) < MIN_STEPS:
        return float("nan")
    spoken = opening[voice.speech]
    if float(np.nanstd(spoken)) < STILL_DEVIATION or in_speech.mean() <= 0:
        return float("nan")
    return float(in_silence.mean() / in_speech.mean())


def _within(steps: NDArray[np.float64], frames: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Steps that are known and whose frames both belong."""
    return steps[frames[1:] & frames[:-1] & np.isfinite(steps)]


def _levels(audio: NDArray[np.float32], rate: int, frames: int, fps: float) -> NDArray[np.float64]:
    """Level of the voice's band in each frame's time: (frames,) dB of full scale."""
    size = max(2, round(rate / fps))
    starts = np.round(np.arange(frames) * rate / fps).astype(int)
    padded = np.pad(audio, (0, max(0, int(starts[-1]) + size - len(audio))))
    levels = np.empty(frames)
    for place, start in enumerate(starts):  # one by one: memory stays flat for long sound
        levels[place] = voice_levels(padded[None, start : start + size], rate)[0]
    return levels
