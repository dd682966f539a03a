"""Stretches in which the mouth rests: sound that nobody speaks in, alone and between the sentences of clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.models.speech_encoder import FRAME_SAMPLES
from orate.training.motion_data import MotionItem
from orate.training.sound_variety import VOICE_RATES, at_another_rate, unspoken, varied

Floats = NDArray[np.float32]
ALONE_FRAMES = (75, 200)
PAUSE_FRAMES = (8, 90)
UNDER_SPEECH = (0.02, 0.3)
"""Level of the sound in the pauses, which goes on under the speech."""
FADE_FRAMES = 8
"""Over which the lips part and close where speech begins and ends amid silence."""


@dataclass(frozen=True)
class Said:
    """A clip's speech in a stretch.

    Attributes:
        key: of the clip.
        first: the frame at which it begins.
        frames: how many it takes.
        rate: how many times as fast as in the clip.
    """

    key: str
    first: int
    frames: int
    rate: float


@dataclass(frozen=True)
class RestStretch:
    """Encodings of a sound in which nothing is said, or some sentences with pauses.

    Attributes:
        said: the sentences in it.
        speech: encodings (T, 2, 384) fp16.
    """

    said: tuple[Said, ...]
    speech: tuple[NDArray[np.float16], ...]


def make_rest(clips: list[tuple[str, Floats]], random: np.random.Generator) -> tuple[Floats, tuple[Said, ...]]:
    """Sound (n,) at 16 kHz, whole frames of it, and what is said in it.

    Args:
        clips: keys and sounds of the sentences, (n,) each; none for a stretch in which nobody speaks.
        random: pauses, voices, and what is heard between and under the sentences come from it.
    """
    if not clips:
        return unspoken(int(random.integers(*ALONE_FRAMES)) * FRAME_SAMPLES, random), ()
    said: list[Said] = []
    sounds: list[Floats] = []
    at = int(random.integers(0, PAUSE_FRAMES[1]))
    for key, sound in clips:
        rate = float(random.uniform(*VOICE_RATES)) if random.random() < 0.5 else 1.0
        spoken = sound if rate == 1.0 else at_another_rate(sound, rate)
        if random.random() < 0.7:
            spoken = varied(spoken, random)
        frames = len(spoken) // FRAME_SAMPLES
        said.append(Said(key, at, frames, rate))
        sounds.append(spoken[: frames * FRAME_SAMPLES])
        at += frames + int(random.integers(*PAUSE_FRAMES))
    made = random.uniform(*UNDER_SPEECH) * unspoken(at * FRAME_SAMPLES, random)
    for place, spoken in zip(said, sounds, strict=True):
        begin = place.first * FRAME_SAMPLES
        made[begin : begin + len(spoken)] += spoken
    return made.astype(np.float32), tuple(said)


def rest_items(
    stretches: list[RestStretch], spoken: dict[str, MotionItem], identities: list[Floats], values: int
) -> list[MotionItem]:
    """Stretches to learn from: at rest, but moving as the clips do where they speak.

    Args:
        stretches: from `orate.training.motion_cache.cached_rest`.
        spoken: the items of the clips, by key; stretches with others are left out.
        identities: coefficients of faces, taken by turns for stretches in which nobody speaks.
        values: numbers of a frame.
    """
    items = []
    for number, stretch in enumerate(stretches):
        target = np.zeros((len(stretch.speech[0]), values), np.float32)
        if not stretch.said:
            items.append(MotionItem("rest", "nobody", target, stretch.speech, identities[number % len(identities)]))
        elif all(part.key in spoken for part in stretch.said):
            for part in stretch.said:
                _move(target, part, spoken[part.key].values)
            clip = spoken[stretch.said[0].key]
            items.append(MotionItem("rest", clip.person, target, stretch.speech, clip.identity))
    return items


def _move(target: Floats, part: Said, values: Floats) -> None:
    """Put a clip's movement into a stretch, and let it grow out of rest and come to rest."""
    places = np.arange(part.frames) * part.rate
    columns = [np.interp(places, np.arange(len(values)), column) for column in values.T]
    end = part.first + part.frames
    target[part.first : end] = np.stack(columns, axis=1)
    edge = np.linspace(1, 0, FADE_FRAMES + 1)[1:, None]
    head = target[max(0, part.first - FADE_FRAMES) : part.first]
    head += target[part.first] * edge[: len(head)][::-1]
    tail = target[end : end + FADE_FRAMES]
    tail += target[end - 1] * edge[: len(tail)]
