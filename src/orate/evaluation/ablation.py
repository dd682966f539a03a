"""The rows of the paper's ablation (section 5): one small training each, alike but for what its row leaves out.

The first part of the recipe, in which the audio encoder alone learns from the lips' landmarks, is the same in every
row; it is trained once, and every row begins with its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orate.corpora.dataset import ClipDataset
from orate.evaluation.resumable import begin, data_identity
from orate.models.checkpoint import load_model
from orate.training.config import TrainConfig, load_config
from orate.training.trainer import MODEL_FOLDER, Trainer

CRITICS = ("frame", "sync", "sequence")
NAMES = {
    "no-adversarial": "without adversarial losses",
    "no-l1": "without L1",
    "no-frame": "without frame discriminator",
    "no-sync": "without sync discriminator",
    "no-sequence": "without sequence discriminator",
    "full": "full model",
}
# By row: the config in the package, and what is set in it.
ROWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "no-adversarial": ("ablation/full", tuple(f"losses.{name}=0" for name in CRITICS)),
    "no-l1": ("ablation/no-l1", ()),
    "no-frame": ("ablation/no-frame", ()),
    "no-sync": ("ablation/no-sync", ()),
    "no-sequence": ("ablation/no-sequence", ()),
    "full": ("ablation/full", ()),
}
LISTENING = "listening"
PLAN_FILE = "begun.json"
DONE_FILE = ".trained"
QUIET = ("run.validate_every=0", "run.sample_every=0")

# The stage (a row, or `LISTENING`), steps done, steps in all, the latest losses.
Progress = Callable[[str, int, int, dict[str, float]], None]


@dataclass(frozen=True)
class AblationPlan:
    """What all rows share.

    Attributes:
        data: prepared folders; the training part is learned from, the validation part measured.
        steps: of each row, listening included; the config's share of them (a fifth) only listens.
        settings: ``section.field=value`` assignments for every row.
        clips: how many validation clips are measured.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """

    data: tuple[Path, ...]
    steps: int
    settings: tuple[str, ...] = ()
    clips: int = 10
    device: str = "auto"

    def begin(self, folder: Path) -> None:
        """Make the folder, or find it begun with the same plan.

        Raises:
            OrateError: as `orate.evaluation.resumable.begin`; a setting that the configs do not have.
        """
        self.config("full")
        told: dict[str, Any] = {
            "data": data_identity(self.data),
            "number of steps": self.steps,
            "setting": list(self.settings),
            "number of clips": self.clips,
        }
        begin(folder, PLAN_FILE, told)

    @property
    def listening_steps(self) -> int:
        """Steps in which only the audio encoder learns."""
        given = load_config("ablation/full")
        return round(self.steps * given.losses.pixels_from / given.run.steps)

    def config(self, row: str) -> TrainConfig:
        """The recipe of a row, or of `LISTENING`.

        Raises:
            OrateError: a setting that the configs do not have.
        """
        listening = self.listening_steps
        steps, silent = (listening, listening) if row == LISTENING else (self.steps - listening, 0)
        name, changes = ROWS.get(row, ROWS["full"])
        stage = [f"run.steps={steps}", f"losses.pixels_from={silent}", f"losses.adversarial_from={silent}"]
        where = [f"run.accelerator={self.device}"] if self.device != "auto" else []
        return load_config(name, [*QUIET, *self.settings, *stage, *where, *changes])

    def model(self, folder: Path, row: str) -> Path:
        """Where the trained model of a row lies."""
        return folder / row / MODEL_FOLDER


def train_row(plan: AblationPlan, folder: Path, row: str, progress: Progress | None = None) -> int | None:
    """Train a row, going on where it stopped; the listening first, if that is not done.

    Args:
        plan: the ablation.
        folder: its folder.
        row: one of `ROWS`.
        progress: called after each step.

    Returns:
        The signal that stopped it, everything saved; None when the row is trained.

    Raises:
        OrateError: as `orate.training.trainer.Trainer`.
    """
    stages = (*((LISTENING,) if plan.listening_steps else ()), row)
    for stage in stages:
        stopped = _train(plan, folder, stage, progress)
        if stopped is not None:
            return stopped
    return None


def _train(plan: AblationPlan, folder: Path, stage: str, progress: Progress | None) -> int | None:
    config = plan.config(stage)
    done = folder / stage / DONE_FILE
    if done.is_file():
        return None
    data, rate = config.data, config.model.audio_rate
    clips = ClipDataset(
        plan.data, "train", rate, data.clip_frames, mirror=data.mirror, seed=config.run.seed, cache=data.cache
    )
    start = None
    if stage != LISTENING and plan.listening_steps:
        start = load_model(plan.model(folder, LISTENING))
    trainer = Trainer(config, clips, ClipDataset(plan.data, "validation", rate), folder / stage, start=start)

    def show(steps: int, total: int, figures: dict[str, float]) -> None:
        if progress:
            progress(stage, steps, total, figures)

    stopped = trainer.fit(show)
    if stopped is None:
        done.touch()
    return stopped
