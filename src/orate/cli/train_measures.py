"""`orate train sync-network` and `orate train lip-reader`: prepared clips in, a measuring network out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from orate.cli.training_bar import Show, training_bar

if TYPE_CHECKING:
    from pydantic import BaseModel

    from orate.evaluation.mouth_clips import MouthClips
    from orate.training.supervised_config import SupervisedRun
    from orate.training.supervised_trainer import SupervisedTask

MEASURES = ("sync-network", "lip-reader")
CLIPS_FOLDER = "clips"


def is_measure_recipe(config: str) -> bool:
    """Whether a recipe is one of a measuring network: by its bundled name, or by the ``kind`` that the file names."""
    return _kind(config) is not None


def train_measure(
    config: str,
    data: list[Path],
    output: Path,
    settings: list[str],
    device: str,
    quiet: bool,
    show: Show | None = None,
) -> int | None:
    """Train a measuring network, and show how far it is.

    Args:
        config: ``sync-network``, ``lip-reader``, or a YAML file with that ``kind``.
        data: folders of prepared clips; the training split is learned from, the rest measured.
        output: the run's folder; a run found there goes on.
        settings: ``section.field=value`` assignments, such as ``run.steps=1000``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        quiet: whether to show no progress.
        show: told of progress instead of the terminal.

    Returns:
        The signal that stopped the run, or None when it is complete.

    Raises:
        OrateError: no such recipe, no clips, a folder of another recipe, no such device.
    """
    from orate.corpora.dataset import ClipDataset
    from orate.errors import OrateError
    from orate.evaluation.mouth_clips import RATE_HZ, MouthClips
    from orate.models.runtime import choose_device
    from orate.training.supervised_trainer import SupervisedTrainer

    train, held_out = (ClipDataset(data, split, RATE_HZ) for split in ("train", "validation"))
    if not len(train):
        raise OrateError("The prepared folders hold no clips to learn from: prepare more.")
    chosen_device = choose_device(device)
    clips, others = (MouthClips(part, output / CLIPS_FOLDER) for part in (train, held_out))
    recipe, run, task = _task(config, settings, clips, others)
    trainer = SupervisedTrainer(task, recipe, run, output, chosen_device)
    with training_bar(quiet, show) as shown:
        stopped = trainer.fit(lambda done, total, figures: shown("steps", done, total, figures))
    if stopped is None:
        typer.echo(output / "model")
    return stopped


def _kind(config: str) -> str | None:
    if config in MEASURES:
        return config
    path = Path(config)
    if not path.is_file():
        return None
    from orate.training.supervised_config import recipe_kind

    kind = recipe_kind(path)
    return kind if kind in MEASURES else None


def _task(
    config: str, settings: list[str], clips: MouthClips, held_out: MouthClips
) -> tuple[BaseModel, SupervisedRun, SupervisedTask]:
    from orate.evaluation.lip_training import LIP_RECIPE, LipRecipe, LipTask
    from orate.evaluation.sync_training import SYNC_RECIPE, SyncRecipe, SyncTask
    from orate.training.supervised_config import read_recipe

    path = None if config in MEASURES else Path(config)
    if _kind(config) == "lip-reader":
        lips = read_recipe(LipRecipe, path or LIP_RECIPE, settings)
        return lips, lips.run, LipTask(lips, clips, held_out)
    sync = read_recipe(SyncRecipe, path or SYNC_RECIPE, settings)
    return sync, sync.run, SyncTask(sync, clips, held_out)
