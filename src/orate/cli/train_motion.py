"""`orate train default-motion`: prepared clips and motion tracks in, the motion part of the `default` model out."""

from __future__ import annotations

from pathlib import Path

import typer

from orate.cli.training_bar import Show, training_bar

MOTION_RECIPE = "default-motion"


def is_motion_recipe(config: str) -> bool:
    """Whether a recipe is one of motion: by its bundled name, or ``kind: motion`` in the file."""
    from orate.training.motion_config import is_motion_file

    return config == MOTION_RECIPE or is_motion_file(Path(config))


def train_motion_model(
    config: str,
    data: list[Path],
    tracks: list[Path],
    output: Path,
    settings: list[str],
    device: str,
    quiet: bool,
    show: Show | None = None,
) -> int | None:
    """Train, and show how far it is, or tell `show`; the signal that stopped the run, or None."""
    from orate.training.motion_config import load_motion_config
    from orate.training.motion_run import run_motion

    recipe = load_motion_config(None if config == MOTION_RECIPE else Path(config), settings)
    with training_bar(quiet, show) as shown:
        stopped = run_motion(recipe, data, tracks, output, shown, device)
    if stopped is None:
        typer.echo(output / "model")
    return stopped
