"""`orate train`: a recipe and prepared shards in, a model out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orate.cli.training_bar import training_bar

SIGNAL_EXIT = 128


def train(
    config: Annotated[
        str, typer.Argument(help="YAML file, or a config of the package: paper, default-motion, lip-reader, ...")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder; a run found there goes on.")],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder from `orate prepare`; may be given several times.")
    ] = None,
    tracks: Annotated[
        list[Path] | None,
        typer.Option("--tracks", help="Folder of motion tracks, for default-motion; may be given several times."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Begin with the weights of this model: a name, a folder or a Hub id.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Train up to this step instead of the config's.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change one value: section.field=value, as YAML.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int | None, typer.Option(min=1, help="Number of devices that train in step.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a generator against its discriminators, or another network of the package.

    The same command again goes on where the last one stopped. SIGTERM and Ctrl-C save, then stop.
    """
    from orate.cli.train_measures import is_measure_recipe, train_measure
    from orate.cli.train_motion import is_motion_recipe, train_motion_model
    from orate.cli.train_refiner import is_refiner_recipe, train_refiner_model
    from orate.errors import OrateError

    motion, refiner, measure = (known(config) for known in (is_motion_recipe, is_refiner_recipe, is_measure_recipe))
    if tracks and not motion:
        raise OrateError(f"Motion tracks teach default-motion, not {config}: leave out --tracks.")
    if not (data or tracks):
        raise OrateError("There is nothing to train on: give a folder from `orate prepare` with --data.")
    if not (motion or refiner or measure):
        _train_pictures(config, data or [], output, start, steps, settings or [], device, devices, quiet)
        return
    if start is not None or devices is not None:
        raise OrateError(f"{config} is trained from nothing on one device: leave out --from and --devices.")
    chosen = [*(settings or []), *([f"{'' if motion else 'run.'}steps={steps}"] if steps else [])]
    if motion:
        stopped_by = train_motion_model(config, data or [], tracks or [], output, chosen, device, quiet)
    else:
        train_one = train_refiner_model if refiner else train_measure
        stopped_by = train_one(config, data or [], output, chosen, device, quiet)
    _end(stopped_by)


def _train_pictures(
    config: str,
    data: list[Path],
    output: Path,
    start: str | None,
    steps: int | None,
    settings: list[str],
    device: str,
    devices: int | None,
    quiet: bool,
) -> None:
    from orate.corpora.dataset import ClipDataset
    from orate.evaluation.clip import ClipMeter
    from orate.models.checkpoint import load_model
    from orate.training.config import load_config
    from orate.training.trainer import Trainer

    overrides = [*settings]
    overrides += [f"run.steps={steps}"] if steps else []
    overrides += [f"run.accelerator={device}"] if device != "auto" else []
    overrides += [f"run.devices={devices}"] if devices else []
    recipe = load_config(config, overrides)
    rate, frames = recipe.model.audio_rate, recipe.data.clip_frames
    clips = ClipDataset(
        data, "train", rate, frames, mirror=recipe.data.mirror, seed=recipe.run.seed, cache=recipe.data.cache
    )
    held_out = ClipDataset(data, "validation", rate)
    generator = load_model(start) if start is not None else None
    trainer = Trainer(recipe, clips, held_out, output, metrics=ClipMeter(), start=generator)
    with training_bar(quiet) as show:
        stopped_by = trainer.fit(lambda done, total, figures: show("steps", done, total, figures))
    _end(stopped_by, f" at step {trainer.step}")
    typer.echo(output / "model")


def _end(stopped_by: int | None, where: str = "") -> None:
    """Say that a signal ended the run, and leave with its exit status; otherwise nothing."""
    if stopped_by is not None:
        typer.echo(f"Stopped and saved{where}; the same command goes on from there.", err=True)
        raise typer.Exit(SIGNAL_EXIT + stopped_by)
