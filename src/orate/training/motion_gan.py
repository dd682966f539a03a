"""One step of the motion model's training: generator, its two critics, their optimisers, the moving average."""

from __future__ import annotations

from copy import deepcopy
from math import cos, pi
from typing import Any

import torch
from torch import Tensor

from orate.models.motion_discriminators import (
    SYNC_FRAMES,
    MotionSequenceDiscriminator,
    MotionSyncDiscriminator,
    adversarial,
)
from orate.models.motion_generator import UPPER_COMPONENTS, MotionGenerator
from orate.training.motion_config import MotionTrainConfig
from orate.training.motion_loss import MouthLoss, moment_loss
from orate.training.state import seeded

SMALLEST_SHIFT_FRAMES = 3
WARM_UP_STEPS = 100
WARM_WEIGHT = 0.3
CLIP_NORM = 5.0


class MotionGan:
    """The networks of a run and how they learn from one batch; all draws of a step come from its number."""

    def __init__(self, config: MotionTrainConfig, generator: MotionGenerator, device: str = "cpu") -> None:
        self.config, self.generator, self._device = config, generator.to(device), device
        self.average = deepcopy(generator).eval().requires_grad_(False)
        self._lower = config.model.components - UPPER_COMPONENTS
        rows = config.model.speech_rows * config.model.speech_width
        self.sequence = MotionSequenceDiscriminator(len(generator.scale)).to(device)
        self.sync = MotionSyncDiscriminator(rows, self._lower).to(device)
        critics = [*self.sequence.parameters(), *self.sync.parameters()]
        self.optimiser = torch.optim.AdamW(
            generator.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.critic_optimiser = torch.optim.Adam(critics, config.critic_rate, betas=(0.5, 0.99))
        self._mouth = MouthLoss(generator, config.correlation)

    def step(self, number: int, batch: tuple[Tensor, Tensor, Tensor]) -> dict[str, float]:
        """Learn from one batch.

        Args:
            number: the step's number, from 0.
            batch: speech, identity and targets, from `orate.training.motion_data.MotionBatches.draw`.

        Returns:
            The losses by name.
        """
        speech, identity, real = (part.to(self._device) for part in batch)
        random = seeded(self.config.seed, number)
        part = number / self.config.steps
        rate = self.config.learning_rate * min(1.0, number / WARM_UP_STEPS + 0.05) * (0.51 + 0.49 * cos(pi * part))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.generator.train()
        noise = torch.randn(*speech.shape[:2], self.config.model.noise_code, generator=random).to(self._device)
        with torch.random.fork_rng([]):
            torch.manual_seed(int(torch.randint(0, 2**31, (), generator=random)))  # for dropout
            made, _ = self.generator(speech, identity, noise)
            weight = torch.ones(real.shape[:2], device=self._device)
            weight[:, : self.config.warm_frames] = WARM_WEIGHT
            loss, figures = self._mouth(made, real, weight)
            if part >= self.config.adversarial_from:
                loss = loss + self._adversarial(speech, made, real, random, figures)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.generator.parameters(), CLIP_NORM)
        self.optimiser.step()
        self._follow(number)
        return figures

    def _adversarial(
        self, speech: Tensor, made: Tensor, real: Tensor, random: torch.Generator, figures: dict[str, float]
    ) -> Tensor:
        """Teach the critics, then ask them."""
        encoder = self.generator.motion_encoder
        heard = (speech.flatten(2) - encoder.mean) / encoder.deviation
        batch, time = real.shape[:2]
        start = torch.randint(0, time - SYNC_FRAMES + 1, (batch,), generator=random)
        span = time - SYNC_FRAMES + 1
        away = torch.randint(SMALLEST_SHIFT_FRAMES, span - SMALLEST_SHIFT_FRAMES + 1, (batch,), generator=random)
        here, there = (_windows(first).to(self._device) for first in (start, (start + away) % span))
        rows = torch.arange(batch, device=self._device)[:, None]
        lips, window = real[rows, here][..., : self._lower], heard[rows, here]
        still = made.detach()
        critic = (adversarial(self.sequence(real), True) + adversarial(self.sequence(still), False)) / 2
        critic = critic + adversarial(self.sync(window, lips), True) / 2
        critic = critic + adversarial(self.sync(window, still[rows, here][..., : self._lower]), False) / 4
        critic = critic + adversarial(self.sync(heard[rows, there], lips), False) / 4
        self.critic_optimiser.zero_grad(set_to_none=True)
        critic.backward()  # type: ignore[no-untyped-call]
        self.critic_optimiser.step()
        whole = adversarial(self.sequence(made), True)
        together = adversarial(self.sync(window, made[rows, here][..., : self._lower]), True)
        moments = moment_loss(made[..., self._lower :], real[..., self._lower :])
        figures |= {
            "critics": float(critic.detach()),
            "generator/sequence": float(whole.detach()),
            "generator/sync": float(together.detach()),
            "moments": float(moments.detach()),
        }
        config = self.config
        return config.sequence * whole + config.sync * together + config.moments * moments

    @torch.no_grad()
    def _follow(self, number: int) -> None:
        decay = min(self.config.ema, (1 + number) / (10 + number))
        for mine, theirs in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        return {
            "generator": self.generator,
            "average": self.average,
            "sequence": self.sequence,
            "sync": self.sync,
            "optimiser": self.optimiser,
            "critic_optimiser": self.critic_optimiser,
        }


def _windows(start: Tensor) -> Tensor:
    return start[:, None] + torch.arange(SYNC_FRAMES)
