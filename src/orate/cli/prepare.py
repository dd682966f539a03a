"""``orate prepare``: a corpus to shards for training and evaluation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from orate.corpora.clip import PrepareSettings
from orate.corpora.grid import find_clips
from orate.corpora.prepare import prepare
from orate.corpora.report import Report
from orate.corpora.splits import (
    DEFAULT_VALIDATION_EVERY,
    GRID_VALIDATION_EVERY,
    GRID_VALIDATION_SPEAKERS,
    SplitRule,
)

prepare_app = typer.Typer(no_args_is_help=True, help="Turn a corpus into shards of aligned faces and sound.")


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f} clips/s" if task.speed else "- clips/s")


@prepare_app.callback()
def _group() -> None:
    """Keep ``grid`` a command of its own although it is the only one yet."""


@prepare_app.command()
def grid(
    source: Annotated[Path, typer.Argument(help="Folder with s1, s2, ... (videos) and align; or one with videos.")],
    out: Annotated[Path, typer.Argument(help="Folder for the shards; an interrupted preparation is continued.")],
    speakers: Annotated[str | None, typer.Option(help="Only these, separated by commas: s1,s4.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many clips of each speaker.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. Default: one for each core.")] = None,
    rate: Annotated[int, typer.Option(min=8000, max=192_000, help="Rate of the sound in Hz.")] = 50_000,
    fps: Annotated[float, typer.Option(min=1, max=120, help="Frames per second.")] = 25.0,
    validation_every: Annotated[
        int | None, typer.Option(min=0, help="Every n-th clip of each speaker is validation; 0: none. [20; of s4: 8]")
    ] = None,
    validation_speakers: Annotated[
        str | None, typer.Option(help="Speakers held out whole, separated by commas. [unseen]")
    ] = None,
) -> None:
    """Prepare the GRID corpus: SRC/s1/*.mpg or .mp4, SRC/align/*.align."""
    held_out = GRID_VALIDATION_SPEAKERS if validation_speakers is None else frozenset(_list(validation_speakers))
    rule = SplitRule(
        every=DEFAULT_VALIDATION_EVERY if validation_every is None else validation_every,
        every_of=GRID_VALIDATION_EVERY if validation_every is None else {},
        validation_speakers=held_out,
    )
    clips = find_clips(source, _list(speakers), rule, limit)
    console = Console()
    with _progress() as bar:
        task = bar.add_task("preparing", total=None)
        report = prepare(
            clips,
            out,
            PrepareSettings(fps=fps, rate=rate),
            workers=workers or os.cpu_count() or 1,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _print(console, report, out)


def _list(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _print(console: Console, report: Report, out: Path) -> None:
    console.print(report.table())
    console.print(f"{len(report.index.shards)} shards in {out}", soft_wrap=True)
