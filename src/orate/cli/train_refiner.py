"""`orate train default-refiner`: clips in, the refinement of the `default` model out."""

from __future__ import annotations

from pathlib import Path

import typer

from orate.cli.training_bar import Show, training_bar

REFINER_RECIPE = "default-refiner"


def is_refiner_recipe(config: str) -> bool:
    """Whether a recipe is one of a refinement: by its bundled name, or ``kind: refiner`` in the file."""
    from orate.training.refine_config import is_refiner_file

    return config == REFINER_RECIPE or is_refiner_file(Path(config))


def train_refiner_model(
    config: str,
    data: list[Path],
    output: Path,
    settings: list[str],
    device: str,
    quiet: bool,
    show: Show | None = None,
) -> int | None:
    """Make the pairs of mouths, train, and show how far it is.

    Args:
        config: ``default-refiner``, or a YAML file with ``kind: refiner``.
        data: folders of `orate prepare`, or of GRID's own videos, which are sharper.
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
    from orate.training.refine_config import load_refine_config
    from orate.training.refine_run import run_refiner

    recipe = load_refine_config(None if config == REFINER_RECIPE else Path(config), settings)
    with training_bar(quiet, show) as shown:
        stopped = run_refiner(recipe, data, output, shown, device)
    if stopped is None:
        typer.echo(output / "model")
    return stopped
