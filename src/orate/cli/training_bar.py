"""How far a training is: one bar for each thing that it does, with the latest figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

Show = Callable[[str, int, int, dict[str, float]], None]
"""Told what is done, how much, of how much, and the latest figures by name; names with a slash are not shown."""


@contextmanager
def training_bar(quiet: bool, instead: Show | None = None) -> Iterator[Show]:
    """Bars on standard error, none when quiet; ``instead`` is told in their place."""
    if instead is not None:
        yield instead
        return
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
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total, figures="")
            shown = "  ".join(f"{name} {value:.3f}" for name, value in figures.items() if "/" not in name)
            bar.update(tasks[what], completed=done, total=total, figures=shown)

        yield show
