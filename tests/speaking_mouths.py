"""Clips whose mouth opens as the sound gets loud, as prepared shards; and what they say, where they say something."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from synthetic_corpus import SyntheticClip, write_corpus

from orate.corpora.dataset import ClipDataset

RATE = 16_000
SAMPLES_PER_FRAME = RATE // 25


def mouth_clip(key: str, seed: int, count: int = 50, **kind) -> SyntheticClip:
    """A grey face of a canonical crop with a dark mouth; a harmonic sound whose loudness opens it."""
    random = np.random.default_rng(seed)
    loudness = np.convolve(random.uniform(-0.7, 1.3, count + 2).clip(0, 1), [0.2, 0.6, 0.2], "valid")
    y, x = np.mgrid[:128, :96] + 0.5
    frames = np.empty((count, 128, 96, 3), np.uint8)
    for frame, level in zip(frames, loudness, strict=True):
        inside = ((x - 48) / 14) ** 2 + ((y - 92) / (1 + 9 * level)) ** 2 < 1
        frame[:] = np.where(inside, 40, 150)[..., None] + random.integers(0, 5, (128, 96, 1))
    time_s = np.arange(count * SAMPLES_PER_FRAME) / RATE
    level = np.interp(time_s * 25, np.arange(count) + 0.5, loudness)
    voice = sum(np.sin(2 * np.pi * 150 * k * time_s) / k for k in range(1, 20))
    audio = (0.2 * level * voice + 1e-3 * random.standard_normal(len(time_s))).astype(np.float32)
    return SyntheticClip(key, frames, audio, np.zeros((count, 478, 2), np.float32), loudness=loudness, **kind)


class SayingClips(ClipDataset):
    """Prepared clips of which one knows the sentence, and that its six words take equal time."""

    def meta(self, index):
        sentences = ["bin blue at f two now", "set red with b nine soon", "lay green by k zero again"]
        text = sentences[int(self.sample(index).key[-1]) % len(sentences)]
        length = self.sample(index).frames / self.fps / 6
        words = [
            {"start_s": place * length, "end_s": (place + 1) * length, "text": word}
            for place, word in enumerate(text.split())
        ]
        return {"transcript": text, "words": words if self.sample(index).speaker == "s1" else []}


def mouth_corpus(folder: Path, count: int = 6) -> Path:
    """Prepared clips of s1 to learn from, and one each of s1 and of someone never seen held out."""
    clips = [mouth_clip(f"s1_{number}", number) for number in range(count)]
    clips.append(mouth_clip("s1_held6", 100, split="validation"))
    clips.append(mouth_clip("s9_held7", 101, split="validation", speaker="s9", unseen=True))
    return write_corpus(folder / "shards", clips, RATE)
