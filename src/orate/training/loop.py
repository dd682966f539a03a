"""The steps of a training with discriminators of its own, its curves, and its end at a signal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from torch.utils.tensorboard import SummaryWriter

from orate.training.signals import obey_signals

CURVES_FOLDER = "curves"
Progress = Callable[[int, int, dict[str, float]], None]


class Steps(Protocol):
    """The part of a recipe that says how many steps there are, and how often what is done; 0 for never."""

    @property
    def steps(self) -> int:
        """The last step's number."""

    @property
    def log_every(self) -> int:
        """Steps between two points of the curves."""

    @property
    def validate_every(self) -> int:
        """Steps between two measurements."""

    @property
    def save_every(self) -> int:
        """Steps between two states."""


def run_steps(
    run: Steps,
    step: int,
    folder: Path,
    learn: Callable[[int], dict[str, float]],
    save: Callable[[int], None],
    validate: Callable[[], dict[str, float]] | None = None,
    progress: Progress | None = None,
) -> int | None:
    """Learn to the last step, or to a signal; then save.

    Args:
        run: how many steps, and how often what is done.
        step: how many are done.
        folder: the run's; the curves go to ``curves/`` in it.
        learn: does the step of that number, from 0, and gives its losses by name.
        save: keeps the state after so many steps.
        validate: measures what was learned; its figures go to the curves and to `progress`.
        progress: called after every step with steps done, steps in all, and the latest figures.

    Returns:
        The signal that stopped the run (everything is saved), or None when it is complete.
    """
    curves = SummaryWriter(str(folder / CURVES_FOLDER), purge_step=step + 1)

    def note(group: str, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            curves.add_scalar(f"{group}/{name}", value, step)
        curves.flush()

    stopped: list[int] = []
    with obey_signals(stopped.append):
        while step < run.steps and not stopped:
            figures = learn(step)
            step += 1
            if run.log_every and step % run.log_every == 0:
                note("train", figures)
            if validate and run.validate_every and step % run.validate_every == 0:
                measured = validate()
                note("validation", measured)
                figures |= measured
            if progress:
                progress(step, run.steps, figures)
            if run.save_every and step % run.save_every == 0:
                save(step)
    save(step)
    curves.close()
    return stopped[0] if stopped else None
