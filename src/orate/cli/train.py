"""`orate train`: a recipe and prepared shards in, a model out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from orate.cli.train_ray import Cluster, EngineName, TrainOne, cluster_of, train_one_on_worker
from orate.cli.training_bar import training_bar
from orate.errors import OrateError

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
    engine: Annotated[
        EngineName, typer.Option(help="local: this machine; ray: a Ray cluster, with the extra ray.")
    ] = EngineName.LOCAL,
    ray_address: Annotated[
        str | None, typer.Option(help="The cluster: auto, or HOST:PORT of its head. Default: this machine's.")
    ] = None,
    ray_workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that train in step. Default: one for each GPU, or for each machine."),
    ] = None,
    use_gpu: Annotated[bool, typer.Option("--use-gpu", help="Give each worker of the cluster a GPU.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a generator against its discriminators, or another network of the package.

    The same command again goes on where the last one stopped. SIGTERM and Ctrl-C save, then stop.
    """
    from orate.cli.train_measures import is_measure_recipe, train_measure
    from orate.cli.train_motion import is_motion_recipe, train_motion_model
    from orate.cli.train_refiner import is_refiner_recipe, train_refiner_model

    motion, refiner, measure = (known(config) for known in (is_motion_recipe, is_refiner_recipe, is_measure_recipe))
    if tracks and not motion:
        raise OrateError(f"Motion tracks teach default-motion, not {config}: leave out --tracks.")
    if not (data or tracks):
        raise OrateError("There is nothing to train on: give a folder from `orate prepare` with --data.")
    cluster = cluster_of(engine, ray_address, ray_workers, use_gpu, device, devices)
    folders, measured = list(data or []), list(tracks or [])
    if cluster:  # workers are in other folders
        folders, measured = [path.absolute() for path in folders], [path.absolute() for path in measured]
        config = str(Path(config).absolute()) if Path(config).is_file() else config
        start = str(Path(start).absolute()) if start and Path(start).is_dir() else start
        output = output.absolute()
    if not (motion or refiner or measure):
        wanted = _overrides(settings, steps, device, devices)
        _train_pictures(config, folders, output, start, wanted, cluster, quiet)
        return
    if start is not None or devices is not None or (ray_workers or 1) > 1:
        raise OrateError(
            f"{config} is trained from nothing on one device: leave out --from, --devices and --ray-workers."
        )
    chosen = [*(settings or []), *([f"{'' if motion else 'run.'}steps={steps}"] if steps else [])]
    arguments: dict[str, Any] = {"config": config, "data": folders, "output": output, "settings": chosen}
    if motion:
        train_one: TrainOne = partial(train_motion_model, tracks=measured, **arguments)
    else:
        train_one = partial(train_refiner_model if refiner else train_measure, **arguments)
    if cluster is None:
        _end(train_one(device=device, quiet=quiet))
        return
    with training_bar(quiet) as show:
        stopped_by = cluster.train(partial(train_one_on_worker, train_one), output, show, alone=True)
    _end(stopped_by)
    typer.echo(output / "model")


def _overrides(settings: list[str] | None, steps: int | None, device: str, devices: int | None) -> list[str]:
    overrides = [*(settings or [])]
    overrides += [f"run.steps={steps}"] if steps else []
    overrides += [f"run.accelerator={device}"] if device != "auto" else []
    overrides += [f"run.devices={devices}"] if devices else []
    return overrides


def _train_pictures(
    config: str,
    data: list[Path],
    output: Path,
    start: str | None,
    overrides: list[str],
    cluster: Cluster | None,
    quiet: bool,
) -> None:
    from orate.cli.train_pictures import Pictures, train_on_worker
    from orate.training.config import load_config

    recipe = load_config(config, overrides)
    if cluster:
        with training_bar(quiet) as show:
            stopped_by = cluster.train(partial(train_on_worker, Pictures(recipe, data, output, start)), output, show)
        _end(stopped_by)
    else:
        trainer = Pictures(recipe, data, output, start).trainer()
        with training_bar(quiet) as show:
            stopped_by = trainer.fit(lambda done, total, figures: show("steps", done, total, figures))
        _end(stopped_by, f" at step {trainer.step}")
    typer.echo(output / "model")


def _end(stopped_by: int | None, where: str = "") -> None:
    """Say that a signal ended the run, and leave with its exit status; otherwise nothing."""
    if stopped_by is not None:
        typer.echo(f"Stopped and saved{where}; the same command goes on from there.", err=True)
        raise typer.Exit(SIGNAL_EXIT + stopped_by)
