"""What can be evaluated on clips: one call, whatever the kind of model behind it."""

from __future__ import annotations

from itertools import islice
from math import ceil
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from orate.animator import Animator
from orate.models.checkpoint import find_model, load_model
from orate.models.generator import Generator
from orate.models.layered import is_layered, load_layered
from orate.models.runtime import Runtime
from orate.models.windows import cut_windows


class ClipGenerator(Protocol):
    """Makes the canonical crop of a face say a sound."""

    @property
    def audio_rate(self) -> int:
        """Samples a second of the sound that it takes."""

    def generate(
        self, source: NDArray[np.uint8], audio: NDArray[np.float32], frames: int, seed: int
    ) -> NDArray[np.uint8]:
        """Generate a clip.

        Args:
            source: (height, width, 3) uint8 RGB, the canonical crop of the source image.
            audio: (samples,) in [-1, 1] at `audio_rate`, from the time of the first frame on.
            frames: how many to generate.
            seed: chooses what the sound does not determine.

        Returns:
            (frames, height, width, 3) uint8 RGB.
        """


class PaperClipGenerator:
    """The paper's model as a `ClipGenerator`.

    Args:
        generator: in evaluation mode.
        device: where to compute.

    Raises:
        OrateError: no such device.
    """

    def __init__(self, generator: Generator, device: str = "cpu") -> None:
        self._runtime = Runtime(generator, device=device)

    @property
    def audio_rate(self) -> int:
        """Samples a second of the sound that it takes."""
        return self._runtime.config.audio_rate

    def generate(
        self, source: NDArray[np.uint8], audio: NDArray[np.float32], frames: int, seed: int
    ) -> NDArray[np.uint8]:
        """Generate a clip, as `ClipGenerator` says.

        Raises:
            OrateError: the crop is not of the model's size.
        """
        windows = cut_windows(torch.from_numpy(audio), self._runtime.config, 0, frames).numpy()
        return self._runtime.session(source, seed=seed).frames(windows)


class LayeredClipGenerator:
    """The `default` model as a `ClipGenerator`: the crop is its photo.

    Canonical crops hold the head still, so its head is held still too.
    """

    def __init__(self, animator: Animator) -> None:
        self._animator = animator

    @property
    def audio_rate(self) -> int:
        """Samples a second of the sound that it takes."""
        rate: int = self._animator.config.audio_rate
        return rate

    def generate(
        self, source: NDArray[np.uint8], audio: NDArray[np.float32], frames: int, seed: int
    ) -> NDArray[np.uint8]:
        """Generate a clip, as `ClipGenerator` says.

        Raises:
            OrateError: no face is found in the crop.
        """
        samples = ceil(frames * self.audio_rate / self._animator.config.fps)
        sound = np.zeros(samples, np.float32)
        sound[: min(len(audio), samples)] = audio[:samples]
        video = self._animator.whole(source, sound, seed=seed, head_motion=0.0)
        return np.stack(list(islice(video, frames)))


def load_clip_generator(model: str, device: str = "cpu") -> ClipGenerator:
    """Load a model of any kind for evaluation.

    Args:
        model: a bundled model's name, a folder, or a Hub id.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        OrateError: no such model, damaged weights, no such device.
    """
    folder = find_model(model)
    if is_layered(folder):
        return LayeredClipGenerator(Animator(load_layered(folder), device=device))
    return PaperClipGenerator(load_model(folder), device)
