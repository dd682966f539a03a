"""Prepared clips for benchmarks, made from the examples: about as hard to decode as those of a real corpus."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from orate.media.audio import read_audio
from orate.media.image import read_image

ROOT = Path(__file__).resolve().parent.parent
FPS, FRAMES, RATE = 25, 75, 50_000
HEIGHT, WIDTH = 128, 96
SOFTNESS, GRAIN = 0.5, 0.3  # deviations of blur, in crop pixels, and noise: a clip takes as many bytes as one of GRID


def make_shards(folder: Path, seed: int, clips: int = 16) -> Path:
    """A folder of prepared clips: the example portrait, swaying and with a camera's noise, and the example speech."""
    sys.path[:0] = [str(ROOT / "tests")]
    from synthetic_corpus import SyntheticClip, write_corpus

    photo = read_image(ROOT / "examples" / "portrait.jpg")
    sound = np.tile(read_audio(ROOT / "examples" / "speech.wav", RATE), 4)
    random = np.random.default_rng(seed)
    side = min(photo.shape[0] / HEIGHT, photo.shape[1] / WIDTH) * 0.9
    photo = cv2.GaussianBlur(photo, (0, 0), SOFTNESS * side)
    made = []
    for number in range(clips):
        phase = random.uniform(0, 6, 3)
        frames = []
        for frame in range(FRAMES):
            shift = 6 * np.sin(frame * np.array([0.11, 0.07, 0.05]) + phase)
            scale = side * (1 + 0.004 * shift[2])
            matrix = np.array([[scale, 0, 10 + shift[0]], [0, scale, 10 + shift[1]]])
            picture = cv2.warpAffine(photo, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
            frames.append(np.clip(picture + random.normal(0, GRAIN, picture.shape), 0, 255).astype(np.uint8))
        begin = int(random.integers(RATE))
        points = np.cumsum(random.normal(0, 0.2, (FRAMES, 478, 2)), 0) + random.uniform(10, 90, (1, 478, 2))
        points = np.round(points * 256) / 256
        audio = sound[begin : begin + FRAMES * RATE // FPS]
        made.append(SyntheticClip(f"made_{seed}_{number}", np.stack(frames), audio, points.astype(np.float32)))
    return write_corpus(folder, made, RATE)
