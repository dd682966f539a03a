"""What a run leaves behind while it goes on: config, curves, sample videos, alarms."""

from __future__ import annotations

import logging
from math import log
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch.utils.tensorboard import SummaryWriter

from orate.corpora.dataset import ClipDataset
from orate.media.video import VideoWriter
from orate.models.generator import Generator
from orate.training.config import TrainConfig
from orate.training.run_folder import keep_recipe
from orate.training.validation import DrawnClip, draw_clips

LOGGER = logging.getLogger(__name__)
PLATEAU_LOSS = log(2)
PLATEAU_MARGIN = 0.01
PLATEAU_STEPS = 2000
# What a run may change on its way: its length, what it writes, and the machine that it goes on with.
MAY_CHANGE = (
    "steps",
    "log_every",
    "save_every",
    "validate_every",
    "sample_every",
    "validation_clips",
    "sample_clips",
    "accelerator",
    "devices",
    "precision",
)


class Record:
    """Writes a run's files; with ``writes=False`` (other processes of a parallel run) it does nothing.

    Raises:
        OrateError: the folder holds a run of another recipe; only what `MAY_CHANGE` names may differ.
    """

    def __init__(self, config: TrainConfig, folder: Path, writes: bool = True) -> None:
        self._config, self._folder, self._writes = config, folder, writes
        self._plateau_since: int | None = None
        if not writes:
            return
        keep_recipe(config, folder, MAY_CHANGE, "config")
        self._curves = SummaryWriter(str(folder / "curves"))

    def scalars(self, group: str, figures: dict[str, float], step: int) -> None:
        """Add figures to the curves, and raise the alarm when the sync discriminator does not learn."""
        if not self._writes:
            return
        for name, value in figures.items():
            self._curves.add_scalar(f"{group}/{name}", value, step)
        self._curves.flush()
        if "critic/sync" in figures:
            self._watch_plateau(figures["critic/sync"], step)

    def samples(self, generator: Generator, clips: ClipDataset, step: int, device: torch.device) -> None:
        """Write videos of the same validation clips each time: source, generated and real side by side, with sound."""
        if not self._writes or not len(clips):
            return
        folder = self._folder / "samples" / f"step-{step:07d}"
        folder.mkdir(parents=True, exist_ok=True)
        for clip in draw_clips(generator, clips, self._config.run.sample_clips, device):
            _write_sample(folder, clip, self._config.model.audio_rate, self._config.model.fps)

    def close(self) -> None:
        """Finish the curves' file."""
        if self._writes:
            self._curves.close()

    def _watch_plateau(self, loss: float, step: int) -> None:
        if abs(loss - PLATEAU_LOSS) > PLATEAU_MARGIN:
            self._plateau_since = None
        elif self._plateau_since is None:
            self._plateau_since = step
        elif step - self._plateau_since >= PLATEAU_STEPS:
            LOGGER.warning(
                "The sync discriminator has stood at ln 2 since step %d: it tells nothing apart. Check that sound and "
                "picture of the corpus are in step, then raise optimiser.sync_lr.",
                self._plateau_since,
            )
            self._plateau_since = None


def _write_sample(folder: Path, clip: DrawnClip, rate: int, fps: float) -> None:
    sound = folder / f".{clip.key}.wav"
    soundfile.write(sound, clip.audio, rate)
    source = np.broadcast_to(clip.real[:1], clip.real.shape)
    frames = np.concatenate([source, clip.generated, clip.real], axis=2)
    try:
        with VideoWriter(folder / f"{clip.key}.mp4", frames.shape[2], frames.shape[1], fps, audio=sound) as video:
            for frame in frames:
                video.write(frame)
    finally:
        sound.unlink(missing_ok=True)
