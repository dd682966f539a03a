"""The loop of the refinement's training: resumes to the same numbers, saves and stops at a signal."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

from orate.models.refiner import REFINER_FILE, RefinerNet, save_refiner
from orate.training.loop import Progress, run_steps
from orate.training.refine_gan import RefineGan
from orate.training.run_folder import keep_recipe
from orate.training.state import load_state, save_state

STATE_FILE, MODEL_FOLDER = "state.safetensors", "model"
MAY_CHANGE = {"log_every", "save_every", "validate_every", "precision"}


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
    return run_steps(
        run,
        step,
        folder,
        gan.step,
        lambda done: _save(gan, done, folder),
        (lambda: validate(deepcopy(gan.average).cpu())) if validate else None,
        progress,
    )


def _save(gan: RefineGan, step: int, folder: Path) -> None:
    """Write the state and the averaged network, each whole or not at all."""
    save_state(folder / STATE_FILE, {"step": step, "gan": gan.state_dict()})
    (folder / MODEL_FOLDER).mkdir(exist_ok=True)
    save_refiner(gan.average, folder / MODEL_FOLDER / REFINER_FILE, {"steps": str(step)})
