"""`orate train default-motion`: prepared clips and motion tracks in, the motion part of the `default` model out."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

MOTION_RECIPE = "default-motion"


def is_motion_recipe(config: str) -> bool:
    """Whether a recipe is one of motion: by its bundled name, or ``kind: motion`` in the file."""
    from orate.training.motion_config import is_motion_file

    return config == MOTION_RECIPE or is_motion_file(Path(config))


def train_motion_model(
    config: str, data: list[Path], tracks: list[Path], output: Path, settings: list[str], device: str, quiet: bool
) -> int | None:
    """Train, and show how far it is; the signal that stopped the run, or None."""
    from orate.training.motion_config import load_motion_config
    from orate.training.motion_run import run_motion

    recipe = load_motion_config(None if config == MOTION_RECIPE else Path(config), settings)
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

        stopped = run_motion(recipe, data, tracks, output, show, device)
    if stopped is None:
        typer.echo(output / "model")
    return stopped
