"""Stretches in which the mouth rests: sound that nobody speaks in, alone and around a clip's speech."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.models.speech_encoder import FRAME_SAMPLES
from orate.training.motion_data import MotionItem
from orate.training.sound_variety import unspoken

Floats = NDArray[np.float32]
ALONE_FRAMES = 75
AROUND_FRAMES = (5, 30)
UNDER_SPEECH = 0.3
"""Level of the sound around speech; under it, it goes on as loud."""
FADE_FRAMES = 8
"""Over which the lips part and close where speech begins and ends amid silence."""


@dataclass(frozen=True)
class RestStretch:
    """Encodings of a sound in which nothing is said, or something from `first` on.

    Attributes:
        key: of the clip whose speech is in it; empty for none.
        first: the frame at which the clip begins.
        speech: encodings (T, 2, 384) fp16.
    """

    key: str
    first: int
    speech: tuple[NDArray[np.float16], ...]


def make_rest(speech: Floats | None, random: np.random.Generator) -> tuple[Floats, int]:
    """Sound (n,) at 16 kHz, whole frames of it, and the frame at which speech begins in it.

    Args:
        speech: (n,) to put amid silence, noise or music; None for none.
        random: what is drawn comes from it.
    """
    if speech is None:
        return unspoken(ALONE_FRAMES * FRAME_SAMPLES, random), 0
    before, after = (int(n) for n in random.integers(*AROUND_FRAMES, size=2))
    frames = len(speech) // FRAME_SAMPLES
    sound = UNDER_SPEECH * unspoken((before + frames + after) * FRAME_SAMPLES, random)
    begin = before * FRAME_SAMPLES
    sound[begin : begin + frames * FRAME_SAMPLES] += speech[: frames * FRAME_SAMPLES]
    return sound.astype(np.float32), before


def rest_items(
    stretches: list[RestStretch], spoken: dict[str, MotionItem], identities: list[Floats], values: int
) -> list[MotionItem]:
    """Stretches to learn from: at rest all through, or moving as the clip does where it speaks.

    Args:
        stretches: from `orate.training.motion_cache.cached_rest`.
        spoken: the items of the clips, by key; stretches of others are left out.
        identities: coefficients of faces, taken by turns for stretches in which nobody speaks.
        values: numbers of a frame.
    """
    items = []
    for number, stretch in enumerate(stretches):
        length = len(stretch.speech[0])
        target = np.zeros((length, values), np.float32)
        if not stretch.key:
            items.append(MotionItem("rest", "nobody", target, stretch.speech, identities[number % len(identities)]))
            continue
        clip = spoken.get(stretch.key)
        if clip is None:
            continue
        moved = clip.values[: length - stretch.first]
        target[stretch.first : stretch.first + len(moved)] = moved
        edge = np.linspace(1, 0, FADE_FRAMES + 1)[1:, None]
        head = target[max(0, stretch.first - FADE_FRAMES) : stretch.first]
        head[:] = moved[0] * edge[: len(head)][::-1]
        tail = target[stretch.first + len(moved) :][:FADE_FRAMES]
        tail[:] = moved[-1] * edge[: len(tail)]
        items.append(MotionItem("rest", clip.person, target, stretch.speech, clip.identity))
    return items
