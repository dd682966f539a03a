"""Drawing validation clips: the first frame is the source image, all the sound drives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from orate.corpora.dataset import ClipDataset
from orate.models.generator import Generator
from orate.models.windows import cut_windows
from orate.training.state import seeded

BLOCK_FRAMES = 25

# From real and generated frames, both (time, height, width, 3) uint8, to figures by name.
ClipMetrics = Callable[[NDArray[np.uint8], NDArray[np.uint8]], dict[str, float]]


@dataclass(frozen=True)
class DrawnClip:
    """A validation clip and what the generator made of it; videos are (time, height, width, 3) uint8."""

    key: str
    real: NDArray[np.uint8]
    generated: NDArray[np.uint8]
    audio: NDArray[np.float32]


@torch.inference_mode()
def draw_clips(
    generator: Generator, clips: ClipDataset, count: int, device: torch.device | str = "cpu"
) -> Iterator[DrawnClip]:
    """Draw up to `count` clips, spread evenly over the corpus; noise depends on the clip's index alone."""
    config = generator.config
    for index in spread(len(clips), count):
        clip = clips[index]
        video, audio = clip["video"], clip["audio"]
        time = len(video)
        source = (video[:1].float() / 127.5 - 1).to(device)
        windows = cut_windows(audio[None], config, 0, time).to(device)
        noise = generator.draw_noise(1, time, generator=seeded(index), device=device) if config.noise_code else None
        content, _ = generator.audio_encoder(windows)
        parts = [
            generator.draw(source, content, noise, slice(first, first + BLOCK_FRAMES))[0]
            for first in range(0, time, BLOCK_FRAMES)
        ]
        drawn = ((torch.cat(parts).float().cpu() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        yield DrawnClip(clip["key"], pictures(video), pictures(drawn), audio.numpy())


def validate(
    generator: Generator, clips: ClipDataset, count: int, metrics: ClipMetrics, device: torch.device | str = "cpu"
) -> dict[str, float]:
    """Mean figures over validation clips."""
    figures = [metrics(clip.real, clip.generated) for clip in draw_clips(generator, clips, count, device)]
    return {name: mean_known([figure[name] for figure in figures]) for name in figures[0]}


def mean_known(values: list[float]) -> float:
    """Mean of the values that are known, that is not NaN; NaN, without a warning, when none is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def spread(total: int, count: int) -> list[int]:
    """Up to `count` indices, evenly over `total`."""
    count = min(count, total)
    return [place * total // count for place in range(count)]


def pictures(video: torch.Tensor) -> NDArray[np.uint8]:
    """Frames (time, 3, height, width) uint8 of a clip as (time, height, width, 3)."""
    return video.permute(0, 2, 3, 1).contiguous().numpy()
