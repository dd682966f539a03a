"""The loop of the refinement's training: resumes to the same numbers, saves and stops at a signal."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from torch.utils.tensorboard import SummaryWriter

from orate.errors import OrateError
from orate.media.files import whole_file
from orate.models.refiner import REFINER_FILE, RefinerNet, save_refiner
from orate.training.refine_config import RefineTraining
from orate.training.refine_gan import RefineGan
from orate.training.signals import obey_signals
from orate.training.state import load_state, save_state

STATE_FILE, RECIPE_FILE, CURVES_FOLDER, MODEL_FOLDER = "state.safetensors", "config.yaml", "curves", "model"
MAY_CHANGE = {"log_every", "save_every", "validate_every", "precision"}
Progress = Callable[[int, int, dict[str, float]], None]


def train_refiner(
    gan: RefineGan,
    folder: Path,
    progress: Progress | None = None,
    validate: Callable[[RefinerNet], dict[str, float]] | None = None,
) -> int | None:
    """Train to the recipe's last step, or go on with a run.

    Args:
        gan: the networks, freshly made; a state found in the folder is loaded into them.
        folder: the run's: ``config.yaml``, ``state.safetensors``, ``curves/`` and ``model/refiner.safetensors``, the
            averaged network.
        progress: called after every step with steps done, steps in all, and the latest figures.
        validate: measures the averaged network, on the CPU, every so often; its figures go to the curves.

    Returns:
        The signal that stopped the run (everything is saved), or ``None`` when it is complete.

    Raises:
        OrateError: a folder of another recipe, a damaged state.
    """
    run, step = gan.recipe.run, 0
    write_recipe(gan.recipe, folder)
    if (folder / STATE_FILE).is_file():
        state = load_state(folder / STATE_FILE)
        gan.load_state_dict(state["gan"])
        step = int(state["step"])
    curves = SummaryWriter(str(folder / CURVES_FOLDER), purge_step=step + 1)
    stopped: list[int] = []
    with obey_signals(stopped.append):
        while step < run.steps and not stopped:
            figures = gan.step(step)
            step += 1
            if run.log_every and step % run.log_every == 0:
                _add(curves, "train", figures, step)
            if validate and run.validate_every and step % run.validate_every == 0:
                _add(curves, "validation", validate(deepcopy(gan.average).cpu()), step)
            if progress:
                progress(step, run.steps, figures)
            if run.save_every and step % run.save_every == 0:
                _save(gan, step, folder)
    _save(gan, step, folder)
    curves.close()
    return stopped[0] if stopped else None


def write_recipe(recipe: RefineTraining, folder: Path) -> None:
    """Write a run's recipe to its folder.

    Raises:
        OrateError: a run of another recipe is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, values = folder / RECIPE_FILE, recipe.model_dump(mode="json")
    if path.is_file() and _fixed(yaml.safe_load(path.read_text(encoding="utf-8"))) != _fixed(values):
        raise OrateError(f"{folder} holds a run of another recipe: give another folder, or that of {path}.")
    with whole_file(path) as partial:
        partial.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def _add(curves: SummaryWriter, group: str, figures: dict[str, float], step: int) -> None:
    for name, value in figures.items():
        curves.add_scalar(f"{group}/{name}", value, step)
    curves.flush()


def _save(gan: RefineGan, step: int, folder: Path) -> None:
    """Write the state and the averaged network, each whole or not at all."""
    save_state(folder / STATE_FILE, {"step": step, "gan": gan.state_dict()})
    (folder / MODEL_FOLDER).mkdir(exist_ok=True)
    save_refiner(gan.average, folder / MODEL_FOLDER / REFINER_FILE, {"steps": str(step)})


def _fixed(values: dict[str, Any]) -> dict[str, Any]:
    """What a run may not change on its way."""
    return {**values, "run": {name: value for name, value in values["run"].items() if name not in MAY_CHANGE}}
