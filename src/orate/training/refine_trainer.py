"""The training of the refinement: one process, resumable to the same numbers, stopped cleanly by a signal."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor

from orate.corpora.mouth_pairs import MouthPairs
from orate.errors import OrateError
from orate.media.files import whole_file
from orate.models.config import ModelConfig
from orate.models.frame_discriminator import FrameDiscriminator
from orate.models.refiner import REFINER_FILE, RefinerNet, outside, refined, save_refiner
from orate.render.mouth_patch import HEIGHT, WIDTH
from orate.training.losses import adversarial_loss
from orate.training.refine_config import RefineTraining
from orate.training.refine_data import PairOrder, RefineBatch, make_batch
from orate.training.refine_loss import picture_loss
from orate.training.signals import obey_signals
from orate.training.state import load_state, save_state

STATE_FILE, RECIPE_FILE, CURVES_FILE = "state.safetensors", "config.yaml", "curves.jsonl"
CLIP_NORM = 1.0
BETAS = (0.5, 0.99)


class RefineTrainer:
    """One run, whose folder holds its recipe, its state, its curves and the averaged network.

    Args:
        recipe: the recipe.
        pairs: what to learn from, of the training split only.
        folder: the run's folder; a state found there is resumed.

    Raises:
        OrateError: no pairs, a folder of another recipe, a damaged state.
    """

    def __init__(self, recipe: RefineTraining, pairs: MouthPairs, folder: Path) -> None:
        if not len(pairs):
            raise OrateError("There are no pairs to learn from: make them with tools/make_mouth_pairs.py.")
        self.recipe, self.folder, self.step = recipe, folder, 0
        self._pairs, self._order = pairs, PairOrder(pairs)
        run = recipe.run
        torch.manual_seed(run.seed)
        self.net = RefinerNet(recipe.model)
        self.average = deepcopy(self.net).eval().requires_grad_(False)
        size = ModelConfig(image_height=HEIGHT, image_width=WIDTH)
        self.critic = FrameDiscriminator(size, run.critic_channels)
        self._adam = torch.optim.Adam(self.net.parameters(), run.rate, BETAS)
        self._critic_adam = torch.optim.Adam(self.critic.parameters(), run.critic_rate, BETAS)
        self._signal: int | None = None
        self._write_recipe()
        if (folder / STATE_FILE).is_file():
            self._load(load_state(folder / STATE_FILE))

    def fit(self, progress: Callable[[int, dict[str, float]], None] | None = None) -> int | None:
        """Train to the recipe's last step.

        Args:
            progress: called after every step with its number and figures.

        Returns:
            The signal that stopped the run (everything is saved), or ``None`` when it is complete.
        """
        with obey_signals(self._stop):
            while self.step < self.recipe.run.steps and self._signal is None:
                figures = self._learn()
                self.step += 1
                if progress:
                    progress(self.step, figures)
                if self.step % self.recipe.run.save_every == 0:
                    self.save()
                    self._note(figures)
        self.save()
        return self._signal

    def save(self) -> None:
        """Write the state and the averaged network, each whole or not at all."""
        names = ("net", "average", "critic", "_adam", "_critic_adam")
        state = {name: getattr(self, name).state_dict() for name in names}
        save_state(self.folder / STATE_FILE, {"step": self.step, **state})
        save_refiner(self.average, self.folder / REFINER_FILE, {"steps": str(self.step)})

    def _learn(self) -> dict[str, float]:
        """One step; all its draws come from its number."""
        run, losses = self.recipe.run, self.recipe.losses
        random = np.random.default_rng([run.seed, self.step])
        chosen = self._order.draw(run.batch_size, random)
        batch = make_batch(self._pairs.chosen(chosen), self.recipe.augment, random)
        for group in self._adam.param_groups:
            group["lr"] = run.rate * (0.55 + 0.45 * math.cos(math.pi * self.step / max(run.steps, 1)))
        with torch.autocast("cpu", torch.bfloat16, enabled=run.bf16):
            made = refined(self.net, batch.planes, batch.chroma, batch.stirred)
        # What the network may not change is neither its error nor the discriminator's clue.
        counted = outside(batch.planes, self.recipe.model.inside)
        made = batch.truth + counted * (made.float() - batch.truth)
        figures = {"picture": picture_loss(made, batch.truth, batch.lips, counted, losses)}
        loss = figures["picture"]
        if losses.frame and self.step >= losses.adversarial_from:
            figures["critic"] = self._teach_critic(batch, made.detach())
            figures["frame"] = self._judge(batch, made)
            loss = loss + losses.frame * figures["frame"]
        self._adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP_NORM)
        self._adam.step()
        self._follow()
        return {name: float(value.detach()) for name, value in figures.items()}

    def _teach_critic(self, batch: RefineBatch, made: Tensor) -> Tensor:
        own = batch.planes[:, 3:6]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.run.bf16):
            real, fake = self.critic(batch.truth[:, None], own), self.critic(made[:, None], own)
        loss = (adversarial_loss(real.float(), True) + adversarial_loss(fake.float(), False)) / 2
        self._critic_adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._critic_adam.step()
        return loss

    def _judge(self, batch: RefineBatch, made: Tensor) -> Tensor:
        self.critic.requires_grad_(False)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.run.bf16):
            logits = self.critic(made[:, None], batch.planes[:, 3:6])
        self.critic.requires_grad_(True)
        return adversarial_loss(logits.float(), True)

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.recipe.run.ema, (1 + self.step) / (10 + self.step))
        for mine, theirs in zip(self.average.parameters(), self.net.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)

    def _load(self, state: dict[str, object]) -> None:
        self.step = int(str(state.pop("step")))
        for name, values in state.items():
            getattr(self, name).load_state_dict(values)

    def _write_recipe(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path, values = self.folder / RECIPE_FILE, self.recipe.model_dump(mode="json")
        if path.is_file() and yaml.safe_load(path.read_text(encoding="utf-8")) != values:
            raise OrateError(f"{self.folder} holds a run of another recipe: give another folder, or that of {path}.")
        with whole_file(path) as partial:
            partial.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")

    def _note(self, figures: dict[str, float]) -> None:
        with (self.folder / CURVES_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": self.step, **figures}) + "\n")

    def _stop(self, number: int) -> None:
        self._signal = number
