"""The training loop: one process on a CPU, several on GPUs, the same code (Lightning Fabric)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor

from orate.corpora.dataset import ClipDataset
from orate.errors import OrateError
from orate.models.checkpoint import save_model
from orate.models.generator import Generator
from orate.training.batches import Batch, Batches
from orate.training.config import RunConfig, TrainConfig
from orate.training.gan import Gan
from orate.training.precision import wants_bf16
from orate.training.record import Record
from orate.training.signals import obey_signals
from orate.training.state import load_state, save_state
from orate.training.validation import ClipMetrics, validate

STATE_FILE = "state.safetensors"
MODEL_FOLDER = "model"
Progress = Callable[[int, int, dict[str, float]], None]


class Trainer:
    """One run: its networks, its place in the data, its files.

    The run's folder holds ``config.yaml``, ``state.safetensors`` (to resume), ``model/`` (the averaged generator, ready
    for `orate animate --model`), TensorBoard curves and ``samples/``. Two calls of half the steps give the same
    weights as one call of all.

    Args:
        config: the recipe.
        train, validation: prepared clips.
        folder: the run's folder; a state found there is resumed.
        metrics: computed on validation clips, generated against real.
        start: a generator whose weights a new run begins with (fine-tuning); a run that goes on has its own.
        fabric: what places the run on devices; None to take those that the recipe names.

    Raises:
        OrateError: the folder holds a run of another recipe, the state is damaged, too few clips, or clips of another
            size or frame rate than the model's.
    """

    def __init__(
        self,
        config: TrainConfig,
        train: ClipDataset,
        validation: ClipDataset,
        folder: Path,
        metrics: ClipMetrics | None = None,
        start: Generator | None = None,
        fabric: Fabric | None = None,
    ) -> None:
        self.config, self.folder, self._metrics = config, folder, metrics
        self._validation = validation
        check_form(config, train)
        run = config.run
        self.fabric = fabric or Fabric(
            accelerator=run.accelerator,
            devices=run.devices,
            strategy=DDPStrategy(**parallel_settings(config)) if is_parallel(run) else "auto",
            precision="bf16-mixed" if wants_bf16(run.precision, run.accelerator) else "32-true",
        )
        self.fabric.launch()
        self.record = Record(config, folder, writes=self.fabric.is_global_zero)
        self.batches = Batches(
            config.data,
            train,
            run.seed,
            self.fabric.global_rank,
            self.fabric.world_size,
            pin_memory=self.fabric.device.type == "cuda",
        )
        torch.manual_seed(run.seed)
        self.gan = Gan(config, self.fabric, self.batches.steps_per_epoch)
        self.step = 0
        self._stop_signal: int | None = None
        if (folder / STATE_FILE).is_file():
            self._resume()
        elif start is not None:
            self.gan.start_from(start)

    def fit(self, progress: Progress | None = None) -> int | None:
        """Train up to the configured number of steps.

        Args:
            progress: called after every step with steps done, steps in all, and the latest figures.

        Returns:
            The signal that stopped the run (SIGTERM or SIGINT; everything is saved), or ``None`` when it is complete.
        """
        run = self.config.run
        started, frames = time.monotonic(), 0
        with obey_signals(self._stop):
            for batch in self._batches():
                figures = self.gan.step(self.step, self._to_clip(batch))
                self.step += 1
                frames += self.gan.frames_per_step if "l1" in figures else 0  # none while it only listens
                if run.log_every and self.step % run.log_every == 0:
                    figures["frames_per_second"] = frames / (time.monotonic() - started)
                    started, frames = time.monotonic(), 0
                    self.record.scalars("train", figures, self.step)
                if progress:
                    progress(self.step, run.steps, figures)
                self._every_so_often()
                if self._is_stopped():
                    break
        self.save()
        self.record.close()
        return self._stop_signal

    def save(self) -> None:
        """Write the state and the averaged generator, each whole or not at all."""
        if self.fabric.is_global_zero:
            save_state(self.folder / STATE_FILE, {"step": self.step, "gan": self.gan.state_dict()})
            save_model(self.gan.average.generator, self.folder / MODEL_FOLDER, metadata={"steps": str(self.step)})
        self.fabric.barrier()

    def _resume(self) -> None:
        state = load_state(self.folder / STATE_FILE)
        self.gan.load_state_dict(state["gan"])
        self.step = int(state["step"])

    def _batches(self) -> Iterator[Batch]:
        """The batches from the present step to the last one."""
        if self.step < self.config.run.steps:
            for batch in self.batches.from_step(self.step):
                yield batch
                if self.step >= self.config.run.steps:
                    return

    def _to_clip(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        video, audio, landmarks = (batch[name].to(self.fabric.device) for name in ("video", "audio", "landmarks"))
        return video, audio, landmarks[..., :2].float()

    def _every_so_often(self) -> None:
        run = self.config.run
        if run.validate_every and self.step % run.validate_every == 0 and self._metrics and len(self._validation):
            figures = validate(
                self.gan.average.generator, self._validation, run.validation_clips, self._metrics, self.fabric.device
            )
            self.record.scalars("validation", figures, self.step)
        if run.sample_every and self.step % run.sample_every == 0:
            self.record.samples(self.gan.average.generator, self._validation, self.step, self.fabric.device)
        if run.save_every and self.step % run.save_every == 0:
            self.save()

    def _is_stopped(self) -> bool:
        """Whether a signal ends the run; processes agree on it, or one would wait for ever for another's gradients."""
        if self.fabric.world_size > 1:
            number = torch.tensor(float(self._stop_signal or 0), device=self.fabric.device)
            self._stop_signal = int(cast(Tensor, self.fabric.all_reduce(number, reduce_op="max"))) or None
        return self._stop_signal is not None

    def _stop(self, number: int) -> None:
        self._stop_signal = number


def check_form(config: TrainConfig, clips: ClipDataset) -> None:
    """Compare prepared clips with the model that shall learn from them.

    Raises:
        OrateError: other crops or another frame rate.
    """
    model, size = config.model, (clips.height, clips.width)
    if size != model.image_size:
        raise OrateError(
            f"The prepared clips are crops of {size[0]} x {size[1]} (height x width), the config's model draws "
            f"{model.image_height} x {model.image_width}: prepare the corpus for it, or change the config's model."
        )
    if clips.fps != model.fps:
        raise OrateError(
            f"The prepared clips have {clips.fps:g} frames a second, the config's model {model.fps:g}: "
            "prepare the corpus for it, or change model.fps."
        )


def parallel_settings(config: TrainConfig) -> dict[str, Any]:
    """How several processes share gradients (arguments of DistributedDataParallel)."""
    # A critic judges several batches before it learns: its statistics must not be replaced in between.
    return {"broadcast_buffers": False, "find_unused_parameters": config.losses.pixels_from > 0}


def is_parallel(run: RunConfig) -> bool:
    """Whether several devices train in step; ``auto`` takes all GPUs, but one process on a CPU."""
    if run.devices == "auto":
        return run.accelerator in ("auto", "gpu", "cuda") and torch.cuda.device_count() > 1
    return run.devices > 1
