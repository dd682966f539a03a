"""One step of the refinement's training: the network, its discriminators, their optimisers, the moving average.

The layers are fixed; the refinement is what learns. First from single pairs, by differences alone; then jointly on
short clips against the frame, the sequence and the sync discriminator, the differences kept.
"""

from __future__ import annotations

from copy import deepcopy
from math import cos, pi
from typing import Any

import numpy as np
import torch
from torch import Tensor

from orate.corpora.mouth_pairs import MouthPairs
from orate.models.refiner import RefinerNet, outside, refined
from orate.render.mouth_patch import feather
from orate.training.critics import Views, discriminator_loss, generator_loss, look
from orate.training.refine_config import RefineTraining
from orate.training.refine_critics import Disturbance, build_refine_critics, halved, seen_by, slope_penalty
from orate.training.refine_data import PairOrder, RefineBatch, make_batch
from orate.training.refine_loss import picture_loss
from orate.training.refine_perceptual import PerceptualLoss, read_weights
from orate.training.state import seeded

CLIP_NORM = 1.0
BETAS = (0.5, 0.99)


class RefineGan:
    """The networks of a run and how they learn; all draws of a step come from its number.

    Args:
        recipe: the recipe.
        pairs: what to learn from.
        device: where to compute; what is drawn is the same on all.
        bf16: whether to compute in bfloat16.
        perceptual: the perceptual loss; by default that of `read_weights`, where it has a weight.

    Raises:
        OrateError: the weights of the perceptual loss are not installed.
    """

    def __init__(
        self,
        recipe: RefineTraining,
        pairs: MouthPairs,
        device: str = "cpu",
        bf16: bool = False,
        perceptual: PerceptualLoss | None = None,
    ) -> None:
        self.recipe, self._pairs, self._device, self._bf16 = recipe, pairs, torch.device(device), bf16
        self._order = PairOrder(pairs, recipe.run.clip_frames)
        torch.manual_seed(recipe.run.seed)
        self.net = RefinerNet(recipe.model).to(self._device)
        self.average = deepcopy(self.net).eval().requires_grad_(False)
        self.critics = build_refine_critics(recipe.losses, recipe.critics).to(self._device)
        self._adam = torch.optim.Adam(self.net.parameters(), recipe.run.rate, BETAS)
        self._critic_adams = {
            name: torch.optim.Adam(critic.parameters(), recipe.critics.rate, BETAS)
            for name, critic in self.critics.items()
        }
        if recipe.losses.perceptual and perceptual is None:
            perceptual = PerceptualLoss(read_weights())
        self._perceptual = perceptual.to(self._device) if perceptual is not None else None

    def step(self, number: int) -> dict[str, float]:
        """Learn from one batch.

        Args:
            number: the step's number, from 0.

        Returns:
            The losses by name.
        """
        run, losses = self.recipe.run, self.recipe.losses
        random = np.random.default_rng([run.seed, number])
        joint = bool(self.critics) and number >= run.adversarial_from
        batch = self._draw(joint, random)
        for group in self._adam.param_groups:
            group["lr"] = run.rate * (0.55 + 0.45 * cos(pi * number / max(run.steps, 1)))
        with self._autocast():
            made = refined(self.net, batch.planes, batch.chroma, batch.stirred).float()
        # What the network may not change is neither its error nor a discriminator's clue.
        counted = outside(batch.planes, self.recipe.model.inside)
        made = batch.truth + counted * (made - batch.truth)
        figures = {"picture": picture_loss(made, batch.truth, batch.lips, counted, losses)}
        loss = figures["picture"]
        if self._perceptual is not None and losses.perceptual:
            with self._autocast():
                figures["perceptual"] = self._perceptual(made, batch.truth, batch.lips, losses.lips)
            loss = loss + losses.perceptual * figures["perceptual"]
        if joint:
            loss = loss + self._adversarial(number, batch, made, figures)
        self._adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP_NORM)
        self._adam.step()
        self._follow(number)
        return {name: float(value.detach()) for name, value in figures.items()}

    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        adams = {f"critic_adam/{name}": adam for name, adam in self._critic_adams.items()}
        return {"net": self.net, "average": self.average, "critics": self.critics, "adam": self._adam, **adams}

    def _draw(self, joint: bool, random: np.random.Generator) -> RefineBatch:
        run = self.recipe.run
        if not joint:
            chosen = self._pairs.chosen(self._order.draw(run.batch_size, random))
            return make_batch(chosen, self.recipe.augment, random).to(self._device)
        chosen = self._pairs.chosen(self._order.draw_runs(run.clips, run.clip_frames, random))
        return make_batch(chosen, self.recipe.augment, random, run.clip_frames).to(self._device)

    def _adversarial(self, number: int, batch: RefineBatch, made: Tensor, figures: dict[str, Tensor]) -> Tensor:
        """Teach the discriminators, then ask them."""
        frames, sizes = self.recipe.run.clip_frames, self.recipe.critics
        random = seeded(self.recipe.run.seed, number)
        edge = torch.from_numpy(feather()).to(made)
        drawn = halved(batch.truth + edge * (made - batch.truth), frames)
        own = halved(batch.planes[:, 3:6], frames)[:, :1]
        windows = batch.sound.reshape(-1, frames, batch.sound.shape[-1])
        change = Disturbance(len(own), sizes, random, self._device)
        truth = halved(batch.truth, frames)
        views = look(change(own)[:, 0], change(truth), windows, slice(0, frames), random)
        generated = change(drawn)
        loss = made.new_zeros(())
        for name, critic in self.critics.items():
            seen, fake = seen_by(name, views, generated)
            figures[f"critic/{name}"] = self._teach(number, name, critic, seen, fake.detach())
            critic.requires_grad_(False)
            with self._autocast():
                figures[f"generator/{name}"] = generator_loss(name, critic, seen, fake).float()
            critic.requires_grad_(True)
            loss = loss + getattr(self.recipe.losses, name) * figures[f"generator/{name}"]
        return loss

    def _teach(self, number: int, name: str, critic: torch.nn.Module, views: Views, generated: Tensor) -> Tensor:
        sizes, adam = self.recipe.critics, self._critic_adams[name]
        with self._autocast():
            told = discriminator_loss(name, critic, views, generated).float()
        loss = told
        if sizes.r1 and number % sizes.r1_every == 0:
            loss = loss + sizes.r1 * sizes.r1_every * slope_penalty(name, critic, views)
        adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(critic.parameters(), CLIP_NORM)
        adam.step()
        return told

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16)

    @torch.no_grad()
    def _follow(self, number: int) -> None:
        decay = min(self.recipe.run.ema, (1 + number) / (10 + number))
        for mine, theirs in zip(self.average.parameters(), self.net.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)
