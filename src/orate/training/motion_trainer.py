"""The loop of the motion model's training: resumes to the same numbers, saves and stops at a signal."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import torch

from orate.models.motion_generator import MotionGenerator, save_motion
from orate.training.loop import Progress, run_steps
from orate.training.motion_config import MotionTrainConfig
from orate.training.motion_data import MotionBatches, MotionItem
from orate.training.motion_gan import MotionGan
from orate.training.run_folder import keep_recipe
from orate.training.state import load_state, save_state

STATE_FILE = "state.safetensors"
MAY_CHANGE = ("log_every", "save_every", "validate_every")
MODEL_FOLDER = "model"
SWAY_FRAMES = 100
"""Of the stretches that head and brows are learned from: in shorter ones all movement is about its own mean."""


def train_motion(
    config: MotionTrainConfig,
    prepare: Callable[[MotionGenerator], list[MotionItem]],
    output: Path,
    progress: Progress | None = None,
    validate: Callable[[MotionGenerator], dict[str, float]] | None = None,
    device: str = "cpu",
) -> int | None:
    """Train a motion generator, or go on with a run.

    Args:
        config: the recipe.
        prepare: fills the buffers of the new generator (`orate.training.motion_corpus.prepare_motion`) and gives the
            stretches to learn from.
        output: the run's folder: ``config.yaml``, ``state.safetensors``, ``curves/`` and ``model/``.
        progress: called after every step with steps done, steps in all, and the latest figures.
        validate: measures the averaged generator every so often, on the CPU; its figures go to the curves and to
            ``progress``.
        device: where to compute; what is drawn is the same on all.

    Returns:
        The signal that stopped the run, or None when it is complete.

    Raises:
        OrateError: the folder holds a run of another recipe, or its state is damaged.
    """
    keep_recipe(config, output, MAY_CHANGE, "config")
    torch.manual_seed(config.seed)
    generator = MotionGenerator(config.model)
    items = prepare(generator)
    gan = MotionGan(config, generator, device)
    batches = MotionBatches(items, config.shares, config.batch_size, config.seed, config.model.look_ahead)
    talk = [item for item in items if item.group == "tracks" and len(item.values) >= SWAY_FRAMES]
    sways = None
    if talk:
        sways = MotionBatches(
            talk, {"tracks": 1.0}, config.sway_batch, config.seed, config.model.look_ahead, (SWAY_FRAMES,)
        )
    step = 0
    if (output / STATE_FILE).is_file():
        state = load_state(output / STATE_FILE)
        gan.load_state_dict(state["gan"])
        step = int(state["step"])
    return run_steps(
        config,
        step,
        output,
        lambda number: gan.step(number, batches.draw(number), sways.draw(number) if sways else None),
        lambda done: _save(gan, done, output),
        (lambda: validate(deepcopy(gan.average).cpu())) if validate else None,
        progress,
    )


def _save(gan: MotionGan, step: int, output: Path) -> None:
    save_state(output / STATE_FILE, {"step": step, "gan": gan.state_dict()})
    save_motion(gan.average, output / MODEL_FOLDER, {"steps": step})
