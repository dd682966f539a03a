"""``orate batch``: a table of photos and sounds in, a folder of videos and a report out."""

from __future__ import annotations

import inspect
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orate.cli.animate import animate
from orate.cli.engines import EngineName, EngineOption, RayAddress, refuse_address
from orate.errors import OrateError

if TYPE_CHECKING:
    from orate.animator.batch.columns import Value
    from orate.animator.batch.outcome import Event, Outcome
    from orate.animator.batch.pool import Engine
    from orate.animator.batch.rows import Row

OF_ONE_VIDEO = {"photo", "audio", "output", "quiet"}  # what `orate animate` has and a row says, or the batch itself
SHARD = re.compile(r"([1-9]\d*)/([1-9]\d*)")
INTERRUPTED = 130
SHOWN_ERRORS = 20


def batch(
    manifest: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST", show_default=False, help="CSV or JSON Lines: photo, audio, and options of each row."
        ),
    ],
    folder: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DIR", show_default=False, help="Folder for the videos and report.csv."),
    ],
    workers: Annotated[
        int | None,
        typer.Option(min=1, show_default=False, help="Processes. Default: one for each core, of the cluster with Ray."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, show_default=False, help="Only so many rows.")] = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="One of N parts of the rows, for several machines: 1/N to N/N.")
    ] = "1/1",
    engine: EngineOption = EngineName.POOL,
    ray_address: RayAddress = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar; print nothing but errors.")] = False,
    **options: Any,
) -> None:
    """Make a video for each row of MANIFEST.

    Columns are photo, audio, output (a name in DIR) and every option below; options given here hold for rows that do
    not say otherwise. Paths in MANIFEST are relative to it. Run the same command again to go on where it stopped:
    finished rows are not made again.

    Exit status: 0 all videos are there, 1 some rows failed (see report.csv).
    """
    from orate.animator.batch.manifest import read_manifest
    from orate.animator.batch.outcome import State
    from orate.animator.batch.rows import part_of, rows_of
    from orate.animator.batch.run import run_batch

    part = _shard(shard)
    rows = part_of(rows_of(read_manifest(manifest), folder, manifest.parent, _defaults(options)), part, limit)
    if not rows:
        raise OrateError(f"Part {shard} of {manifest} has no rows: it is divided among too many machines.")
    known: dict[int, Outcome] = {}
    try:
        with _engine(engine, workers, ray_address) as chosen, _bar(rows, known, quiet=quiet) as show:
            outcomes = run_batch(rows, folder, chosen, shard=part, show=show)
    except (KeyboardInterrupt, SystemExit) as stop:
        done = sum(outcome.state is State.DONE for outcome in known.values())
        typer.echo(f"Stopped with {done} of {len(rows)} videos made. To go on: {_command()}", err=True)
        raise SystemExit(INTERRUPTED if isinstance(stop, KeyboardInterrupt) else stop.code) from None
    failed = sum(outcome.state is not State.DONE for outcome in outcomes.values())
    if not quiet:
        _summary(rows, outcomes, folder, part)
    if not quiet and (left_out := _left_out(rows)):
        typer.echo(f"Note: some were made without {', '.join(left_out)}, for research.", err=True)
    if failed:
        raise SystemExit(1)


def _with_options_of_animate(command: Callable[..., None]) -> None:
    """Give the command the options of `orate animate` in the place of ``**options``."""
    own = [item for item in inspect.signature(command, eval_str=True).parameters.values() if item.name != "options"]
    more = [
        item.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for item in inspect.signature(animate, eval_str=True).parameters.values()
        if item.name not in OF_ONE_VIDEO
    ]
    command.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
    command.__annotations__ = {item.name: item.annotation for item in (*own, *more)} | {"return": None}


_with_options_of_animate(batch)


def _defaults(options: Mapping[str, Any]) -> dict[str, Value]:
    """Options of the command line for the rows; files by absolute paths, for a row's own are relative to elsewhere."""
    from orate.animator.batch.columns import FILES

    plain = {name: value.value if isinstance(value, Enum) else value for name, value in options.items()}
    for name in FILES:
        if plain[name] is not None:
            plain[name] = str(Path(plain[name]).absolute())
    if Path(plain["model"]).is_dir():
        plain["model"] = str(Path(plain["model"]).absolute())
    return plain


def _shard(text: str) -> tuple[int, int]:
    match = SHARD.fullmatch(text)
    if match is None or int(match[1]) > int(match[2]):
        raise OrateError(f"--shard is {text!r}: give the part and how many there are, such as 1/4.")
    return int(match[1]), int(match[2])


@contextmanager
def _engine(name: EngineName, workers: int | None, address: str | None) -> Iterator[Engine]:
    if name is EngineName.RAY:
        from orate.animator.batch.ray_pool import RayPool
        from orate.corpora.ray_cluster import connected

        with connected(address) as ray:
            yield RayPool(ray, workers)
        return
    refuse_address(address)
    from orate.animator.batch.pool import Pool
    from orate.models.engines.cores import available_cores

    yield Pool(workers or available_cores())


@contextmanager
def _bar(rows: Sequence[Row], known: dict[int, Outcome], *, quiet: bool) -> Iterator[Callable[[Event], None]]:
    """Yield what shows events on standard error, and keeps outcomes in `known`."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from orate.animator.batch.outcome import Outcome

    shares: dict[int, float] = {}
    shown = not quiet and sys.stderr.isatty()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[ready]}/{task.total:.0f} rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not shown, speed_estimate_period=600) as bar:
        task = bar.add_task("Making", total=len(rows), ready=0)

        def show(event: Event) -> None:
            if isinstance(event, Outcome):
                known[event.number] = event
                shares[event.number] = 1.0
                if event.error:
                    bar.console.print(
                        f"Row {event.number}: {event.error}", markup=False, highlight=False, soft_wrap=True
                    ) if shown else typer.echo(f"Row {event.number}: {event.error}", err=True)
            else:
                shares[event.number] = event.share
            bar.update(task, completed=sum(shares.values()), ready=len(known))

        yield show


def _summary(rows: Sequence[Row], outcomes: Mapping[int, Outcome], folder: Path, shard: tuple[int, int]) -> None:
    from orate.animator.batch.outcome import State
    from orate.animator.batch.report import report_name

    done = sum(outcome.state is State.DONE for outcome in outcomes.values())
    failed = len(rows) - done
    told = f", {failed} failed" if failed else ""
    typer.echo(f"{done} of {len(rows)} videos are in {folder}{told}; see {folder / report_name(shard)}")


def _left_out(rows: Sequence[Row]) -> list[str]:
    marks = ("metadata", "credentials", "watermark")
    return [mark for mark in marks if any(row.job and row.job.options.get(f"no_{mark}") for row in rows)]


def _command() -> str:
    return shlex.join(["orate", *sys.argv[1:]])
