"""What the commands of ``orate prepare`` have in common: their options, the run itself, and what is printed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from orate.cli.engines import EngineName, refuse_address

if TYPE_CHECKING:
    from orate.corpora.engine import Engine
    from orate.corpora.layout import Found
    from orate.corpora.report import Report
    from orate.corpora.splits import Split

PAPER = "paper"
MEGABYTE = 10**6


Out = Annotated[Path, typer.Argument(help="Folder for the shards; an interrupted preparation is continued.")]
Speakers = Annotated[str | None, typer.Option(help="Only these speakers, separated by commas.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many clips of each speaker.")]
SplitName = Annotated[
    str, typer.Option("--split", help="paper: the paper's, by speakers; or a CSV file with the columns speaker, split.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes. Default: one for each core of this machine, or of the cluster.")
]
Rate = Annotated[int, typer.Option(min=8000, max=192_000, help="Rate of the sound in Hz.")]
Fps = Annotated[float, typer.Option(min=1, max=120, help="Frames per second.")]
Offset = Annotated[
    bool,
    typer.Option("--offset/--no-offset", help="Measure how late the sound is, correct it, drop clips where it drifts."),
]
Voice = Annotated[
    bool, typer.Option("--voice/--no-voice", help="Drop clips without a voice, or with one that is not this face's.")
]
ShardMb = Annotated[int, typer.Option("--shard-mb", min=1, help="Size of a shard in megabytes, about.")]


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f} clips/s" if task.speed else "- clips/s")


def run(
    context: typer.Context,
    found: Found,
    out: Path,
    *,
    workers: int | None,
    rate: int,
    fps: float,
    offset: bool,
    voice: bool,
    shard_mb: int,
    engine: EngineName,
    ray_address: str | None,
) -> None:
    """Prepare what a layout found, and tell what came of it.

    Raises:
        OrateError: as `orate.corpora.prepare.prepare`; options that do not go together.
    """
    from orate.corpora.clip import PrepareSettings
    from orate.corpora.prepare import prepare
    from orate.evaluation.clip_offset import load_meter

    chosen = engine_of(engine, workers, ray_address)
    print_found(found)
    with prepare_progress() as progress:
        report = prepare(
            found.clips,
            out,
            PrepareSettings(fps=fps, rate=rate, offset=offset, voice=voice),
            progress=progress,
            engine=chosen,
            meter=load_meter if offset else None,
            shard_bytes=shard_mb * MEGABYTE,
            command=typed_command(context),
        )
    print_report(report, out)


def typed_command(context: typer.Context) -> str:
    """The command that runs, with what a person gave: arguments and options that are not left at their defaults."""
    words = context.command_path.split()
    for parameter in context.command.params:
        name = parameter.name or ""
        source, value = context.get_parameter_source(name), context.params.get(name)
        if source is None or source.name != "COMMANDLINE":
            continue
        if parameter.param_type_name == "argument":
            words.append(str(value))
        elif isinstance(value, bool):
            words.append((parameter.opts if value else parameter.secondary_opts)[0])
        else:
            words += [parameter.opts[0], str(value)]
    return shlex.join(words)


def speaker_list(text: str | None) -> list[str]:
    """The names of an option, separated by commas."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def split_of(name: str, otherwise: Split | None = None) -> Split | None:
    """What ``--split`` says: None for the paper's, which the layout knows; else a file, and ``otherwise`` beside it."""
    from orate.corpora.splits import read_split

    return None if name == PAPER else read_split(Path(name), otherwise)


def print_found(found: Found) -> None:
    """Say on standard error which files are left out, one line for each kind."""
    console = Console(stderr=True)
    for paths, what in (
        (found.misnamed, "left out, for the corpus has no such names"),
        (found.unread, "beside videos cannot be read and are passed over"),
    ):
        if paths:
            files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
            console.print(f"{files} {what}, for one {paths[0]}", soft_wrap=True, markup=False, highlight=False)


def print_missing_parts(found: Found) -> None:
    """Say on standard error that nothing is for training, or for validation, where that is so."""
    from orate.corpora.clip import TRAIN, VALIDATION

    parts = {clip.split for clip in found.clips}
    for part in (TRAIN, VALIDATION):
        if part not in parts:
            advice = "name the split of some in a table, with --metadata or --split"
            Console(stderr=True).print(f"No speaker is in the part {part}: {advice}.", soft_wrap=True, highlight=False)


@contextmanager
def prepare_progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error; what comes out takes (clips finished, clips in all)."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("preparing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_report(report: Report, out: Path) -> None:
    """Print what was kept and dropped."""
    console = Console()
    console.print(report.table())
    console.print(f"{len(report.index.shards)} shards in {out}", soft_wrap=True)


def engine_of(name: EngineName, workers: int | None, address: str | None) -> Engine:
    """Where clips are prepared. Raises OrateError for an address without a cluster, and where Ray is not installed."""
    if name is EngineName.RAY:
        from orate.corpora.ray_engine import RayEngine

        return RayEngine(address, workers)
    refuse_address(address)
    from orate.corpora.engine import PoolEngine

    return PoolEngine(workers or os.cpu_count() or 1)
