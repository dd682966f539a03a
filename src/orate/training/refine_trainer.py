"""The loop of the refinement's training: resumes to the same numbers, saves and stops at a signal."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from orate.models.refiner import REFINER_FILE, RefinerNet, save_refiner
from orate.training.refine_gan import RefineGan
from orate.training.run_folder import keep_recipe
from orate.training.signals import obey_signals
from orate.training.state import load_state, save_state

STATE_FILE, CURVES_FOLDER, MODEL_FOLDER = "state.safetensors", "curves", "model"
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
    keep_recipe(gan.recipe, folder, MAY_CHANGE)
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


def _add(curves: SummaryWriter, group: str, figures: dict[str, float], step: int) -> None:
    for name, value in figures.items():
        curves.add_scalar(f"{group}/{name}", value, step)
    curves.flush()


def _save(gan: RefineGan, step: int, folder: Path) -> None:
    """Write the state and the averaged network, each whole or not at all."""
    save_state(folder / STATE_FILE, {"step": step, "gan": gan.state_dict()})
    (folder / MODEL_FOLDER).mkdir(exist_ok=True)
    save_refiner(gan.average, folder / MODEL_FOLDER / REFINER_FILE, {"steps": str(step)})
