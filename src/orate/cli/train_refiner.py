"""`orate train default-refiner`: clips in, the refinement of the `default` model out."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

REFINER_RECIPE = "default-refiner"


def is_refiner_recipe(config: str) -> bool:
    """Whether a recipe is one of a refinement: by its bundled name, or ``kind: refiner`` in the file."""
    from orate.training.refine_config import is_refiner_file

    return config == REFINER_RECIPE or is_refiner_file(Path(config))


def train_refiner_model(
    config: str, data: list[Path], output: Path, settings: list[str], device: str, quiet: bool
) -> int | None:
    """Make the pairs of mouths, train, and show how far it is.

    Args:
        config: ``default-refiner``, or a YAML file with ``kind: refiner``.
        data: folders of `orate prepare`, or of GRID's own videos, which are sharper.
        output: the run's folder; a run found there goes on.
        settings: ``section.field=value`` assignments, such as ``run.steps=1000``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        quiet: whether to show no progress.

    Returns:
        The signal that stopped the run, or None when it is complete.

    Raises:
        OrateError: no such recipe, no clips, a folder of another recipe, no such device.
    """
    from orate.training.refine_config import load_refine_config
    from orate.training.refine_run import run_refiner

    recipe = load_refine_config(None if config == REFINER_RECIPE else Path(config), settings)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet,
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int, figures: dict[str, float]) -> None:
            task = tasks.get(what)
            if task is None:
                task = tasks[what] = bar.add_task(what, total=total, figures="")
            shown = "  ".join(f"{name} {value:.3f}" for name, value in figures.items() if "/" not in name)
            bar.update(task, completed=done, total=total, figures=shown)

        stopped = run_refiner(recipe, data, output, show, device)
    if stopped is None:
        typer.echo(output / "model")
    return stopped
