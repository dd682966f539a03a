"""`orate train` for the generators that draw: a config and prepared clips in, a generator out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orate.corpora.dataset import ClipDataset
    from orate.training.config import TrainConfig
    from orate.training.ray_worker import Place
    from orate.training.trainer import Trainer


@dataclass(frozen=True)
class Pictures:
    """One training of a generator.

    Attributes:
        recipe: the config, overrides included.
        data: folders of prepared clips.
        output: the run's folder.
        start: name, folder or Hub id of the model whose weights a new run begins with; None for a new one.
    """

    recipe: TrainConfig
    data: list[Path]
    output: Path
    start: str | None = None

    def trainer(self, on_ray: bool = False) -> Trainer:
        """The run, at the step that it has reached.

        Args:
            on_ray: whether this is a worker of Ray Train, which has placed it already.

        Raises:
            OrateError: as `orate.corpora.dataset.ClipDataset` and `orate.training.trainer.Trainer`.
        """
        from orate.evaluation.clip import ClipMeter
        from orate.models.checkpoint import load_model
        from orate.training.trainer import Trainer

        clips, held_out = self._clips()
        generator = load_model(self.start) if self.start is not None else None
        fabric = None
        if on_ray:
            from orate.training.ray_worker import ray_fabric

            fabric = ray_fabric(self.recipe)
        return Trainer(self.recipe, clips, held_out, self.output, ClipMeter(), generator, fabric)

    def _clips(self) -> tuple[ClipDataset, ClipDataset]:
        from orate.corpora.dataset import ClipDataset

        recipe = self.recipe
        rate, frames = recipe.model.audio_rate, recipe.data.clip_frames
        clips = ClipDataset(
            self.data, "train", rate, frames, mirror=recipe.data.mirror, seed=recipe.run.seed, cache=recipe.data.cache
        )
        return clips, ClipDataset(self.data, "validation", rate)


def train_on_worker(pictures: Pictures, place: Place) -> int | None:
    """Train as one worker of Ray Train.

    Returns:
        The signal that stopped the run, or None when it is complete.

    Raises:
        RuntimeError: the workers do not go on from the same step; begun again, they will.
    """
    run = pictures.recipe.run.model_copy(update={"accelerator": place.device, "devices": place.workers})
    recipe = pictures.recipe.model_copy(update={"run": run})
    trainer = replace(pictures, recipe=recipe).trainer(on_ray=True)
    first = trainer.fabric.broadcast(trainer.step)
    if first != trainer.step:  # a network folder may show a machine an older state for a while
        raise RuntimeError(f"this worker would go on from step {trainer.step}, the first one from {first}")
    return trainer.fit(lambda done, total, figures: place.show("steps", done, total, figures))
