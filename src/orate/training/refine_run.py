"""A training of the refinement from folders on: `orate train default-refiner`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from orate.corpora.clip import TRAIN
from orate.errors import OrateError
from orate.models.runtime import choose_device
from orate.training.precision import wants_bf16
from orate.training.refine_config import RefineTraining
from orate.training.refine_gan import RefineGan
from orate.training.refine_pairs import cached_pairs
from orate.training.refine_trainer import MAY_CHANGE, train_refiner
from orate.training.refine_validation import RefineValidation
from orate.training.run_folder import keep_recipe
from orate.training.signals import obey_signals

CACHE_FOLDER = "cache"
Progress = Callable[[str, int, int, dict[str, float]], None]


def run_refiner(
    recipe: RefineTraining, folders: list[Path], output: Path, progress: Progress | None = None, device: str = "auto"
) -> int | None:
    """Make the pairs, and train a refinement on them, or go on with a run.

    Args:
        recipe: the recipe.
        folders: folders of `orate prepare`, or of GRID's own videos.
        output: the run's folder; ``cache/`` in it keeps the pairs, and may be deleted when the run is complete.
        progress: called with what is done, how much, of how much, and the latest figures.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The signal that stopped the run, or None when it is complete.

    Raises:
        OrateError: there is nothing to train on, no such device, a folder is damaged, or the run is of another recipe.
    """
    show = progress or (lambda what, done, total, figures: None)
    if not folders:
        raise OrateError("There is nothing to train on: give prepared clips or GRID's folder.")
    chosen_device = choose_device(device)
    keep_recipe(recipe, output, MAY_CHANGE)
    stopped: list[int] = []
    with obey_signals(stopped.append):
        pairs = cached_pairs(
            folders,
            output / CACHE_FOLDER,
            recipe.pairs,
            lambda what, done, total: show(what, done, total, {}),
            lambda: bool(stopped),
        )
    if pairs is None:
        return stopped[0]
    learned = (pairs.split == TRAIN) & ~np.isin(pairs.speaker, recipe.pairs.hold_out)
    if not learned.any():
        raise OrateError("None of these clips may be trained on: all are held out.")
    precision = recipe.run.precision
    gan = RefineGan(recipe, pairs.chosen(learned), chosen_device, wants_bf16(precision, chosen_device))
    held_out = pairs.chosen(~learned)
    return train_refiner(
        gan,
        output,
        lambda step, steps, figures: show("steps", step, steps, figures),
        RefineValidation(held_out) if len(held_out) else None,
    )
