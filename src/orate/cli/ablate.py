"""`orate ablate`: the rows of the paper's ablation, trained and measured on a small budget."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orate.cli.counting_bar import counting_bar

SIGNAL_EXIT = 128
MIN_WIDTH = 200  # of the table, where the output is no terminal


def ablate(
    data: Annotated[
        list[Path], typer.Option("--data", help="Folder from `orate prepare`; may be given several times.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make, or to go on with.")],
    steps: Annotated[int, typer.Option(min=5, help="Steps of each row; a fifth of them only listens.")] = 2500,
    rows: Annotated[
        list[str] | None, typer.Option("--row", help="Only this row; may be given several times. All by default.")
    ] = None,
    clips: Annotated[int, typer.Option(min=1, help="Validation clips to measure, spread over the corpus.")] = 10,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change one value in all rows: section.field=value, as YAML.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train and measure a small model once with everything, and once without each part of its training.

    Writes ablation.md and ablation.json beside the paper's figures, and a report of each row. The same command again
    goes on where the last one stopped. SIGTERM and Ctrl-C save, then stop.
    """
    from orate.errors import OrateError
    from orate.evaluation.ablation import ROWS, AblationPlan, train_row
    from orate.evaluation.ablation_report import (
        FIGURES_FILE,
        TABLE_FILE,
        ablation_json,
        ablation_table,
        measure_row,
    )
    from orate.evaluation.instruments import load_instruments
    from orate.evaluation.resumable import write_json
    from orate.media.files import whole_file

    chosen = rows or list(ROWS)
    if unknown := [row for row in chosen if row not in ROWS]:
        raise OrateError(f"There is no row '{unknown[0]}': choose from {', '.join(ROWS)}.")
    plan = AblationPlan(tuple(data), steps, tuple(settings or []), clips, device)
    plan.begin(output)
    with counting_bar(quiet) as bar:
        task = bar.add_task("", total=None)

        def show(stage: str, done: int, total: int, figures: dict[str, float] | None = None) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        for row in chosen:
            stopped = train_row(plan, output, row, show)
            if stopped is not None:
                typer.echo("Stopped and saved; the same command goes on from there.", err=True)
                raise typer.Exit(SIGNAL_EXIT + stopped)
        instruments = load_instruments()
        measured = {row: measure_row(plan, output, row, instruments, partial(show, row)) for row in chosen}
    table = ablation_table(measured, steps)
    write_json(output / FIGURES_FILE, ablation_json(plan, measured))
    with whole_file(output / TABLE_FILE) as file:
        file.write_text(table.markdown(), encoding="utf-8")
    printed = Table(title=table.title)
    for column in table.columns:
        printed.add_column(column, no_wrap=not column)  # the rows' names stay whole
    for line in table.rows:
        printed.add_row(*line)
    Console(width=max(MIN_WIDTH, Console().width)).print(printed)
    for sentence in (*table.notes, *(f"Not measured: {missing}" for missing in instruments.missing)):
        typer.echo(sentence)
