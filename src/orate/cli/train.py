"""`orate train`: a recipe and prepared shards in, a model out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SIGNAL_EXIT = 128


def train(
    config: Annotated[str, typer.Argument(help="YAML file, or a config of the package: paper, paper-small, ...")],
    data: Annotated[
        list[Path], typer.Option("--data", help="Folder from `orate prepare`; may be given several times.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder; a run found there goes on.")],
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
    """Train a generator against its discriminators.

    The same command again goes on where the last one stopped. SIGTERM and Ctrl-C save, then stop.
    """
    from orate.corpora.dataset import ClipDataset
    from orate.evaluation.clip import ClipMeter
    from orate.models.checkpoint import load_model
    from orate.training.config import load_config
    from orate.training.trainer import Trainer

    overrides = [*(settings or [])]
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
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet,
    ) as bar:
        task = bar.add_task("steps", total=recipe.run.steps, completed=trainer.step, figures="")

        def show(done: int, total: int, figures: dict[str, float]) -> None:
            shown = "  ".join(f"{name} {value:.3f}" for name, value in figures.items() if "/" not in name)
            bar.update(task, completed=done, total=total, figures=shown)

        stopped_by = trainer.fit(show)
    if stopped_by is not None:
        typer.echo(f"Stopped and saved at step {trainer.step}; the same command goes on from there.", err=True)
        raise typer.Exit(SIGNAL_EXIT + stopped_by)
    typer.echo(output / "model")
