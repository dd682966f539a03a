"""One step of the motion model's training: generator, its two critics, their optimisers, the moving average."""

from __future__ import annotations

from copy import deepcopy
from math import cos, pi
from typing import Any

import numpy as np
import torch
from torch import Tensor

from orate.models.motion_decoder import SWAY, UPPER_COMPONENTS
from orate.models.motion_discriminators import (
    SYNC_FRAMES,
    MotionSequenceDiscriminator,
    MotionSyncDiscriminator,
    adversarial,
)
from orate.models.motion_generator import MotionGenerator, sway_indices
from orate.models.sway import SwayProcess
from orate.training.motion_config import MotionTrainConfig
from orate.training.motion_loss import MouthLoss, moment_loss
from orate.training.motion_sway import smoothed_tracks
from orate.training.state import seeded

SMALLEST_SHIFT_FRAMES = 3
WARM_UP_STEPS = 100
INSTANCE_NOISE = 0.05
POOL_FRAMES = 30_000
SPEAKING = 0.85
"""Mean activity of the lips in speech, as `orate.models.motion_session` follows it."""
Batch = tuple[Tensor, Tensor, Tensor]
WARM_WEIGHT = 0.3
CLIP_NORM = 5.0


class SwayPool:
    """Windows of a long run of the generator's random process of head and brows."""

    def __init__(self, generator: MotionGenerator, seed: int) -> None:
        process = SwayProcess(generator.sway.cpu().numpy(), generator.sway_innovation.cpu().numpy(), seed)
        self._run = torch.from_numpy(process.push(np.full(POOL_FRAMES, SPEAKING)).astype(np.float32))

    def draw(self, batch: int, frames: int, random: torch.Generator) -> Tensor:
        """(batch, frames, 13) in the process' own units."""
        first = torch.randint(0, POOL_FRAMES - frames, (batch, 1), generator=random)
        return self._run[first + torch.arange(frames)]


class MotionGan:
    """The networks of a run and how they learn from one batch; all draws of a step come from its number."""

    def __init__(self, config: MotionTrainConfig, generator: MotionGenerator, device: str = "cpu") -> None:
        self.config, self.generator, self._device = config, generator.to(device), device
        self.average = deepcopy(generator).eval().requires_grad_(False)
        self._lower = config.model.components - UPPER_COMPONENTS
        rows = config.model.speech_rows * config.model.speech_width
        self.sequence = MotionSequenceDiscriminator(self._lower).to(device)
        self.sync = MotionSyncDiscriminator(rows, self._lower).to(device)
        self.sway = MotionSequenceDiscriminator(SWAY, speech=rows).to(device)
        critics = [*self.sequence.parameters(), *self.sync.parameters(), *self.sway.parameters()]
        self.optimiser = torch.optim.AdamW(
            generator.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.critic_optimiser = torch.optim.Adam(critics, config.critic_rate, betas=(0.5, 0.99))
        self._mouth = MouthLoss(generator, config.correlation)
        self._slow = SwayPool(generator, config.seed)

    def step(self, number: int, batch: Batch, long: Batch | None = None) -> dict[str, float]:
        """Learn from one batch.

        Args:
            number: the step's number, from 0.
            batch: speech, identity and targets, from `orate.training.motion_data.MotionBatches.draw`.
            long: the same of stretches in which heads move as they do in talk; without, head and brows are not taught.

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
        adversarial_now = part >= self.config.adversarial_from
        with torch.random.fork_rng([]):
            torch.manual_seed(int(torch.randint(0, 2**31, (), generator=random)))  # for dropout
            made, _ = self.generator(speech, identity)
            weight = torch.ones(real.shape[:2], device=self._device)
            weight[:, : self.config.warm_frames] = WARM_WEIGHT
            loss, figures = self._mouth(made, real, weight)
            critic = loss.new_zeros(())
            if adversarial_now:
                verdict, lesson = self._judge_mouth(speech, made[..., : self._lower], real, random, figures)
                loss, critic = loss + verdict, critic + lesson
            if adversarial_now and long is not None:
                verdict, lesson = self._judge_sway(long, random, figures)
                loss, critic = loss + verdict, critic + lesson
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.generator.parameters(), CLIP_NORM)
        self.optimiser.step()
        if adversarial_now:
            self.critic_optimiser.zero_grad(set_to_none=True)
            critic.backward()  # type: ignore[no-untyped-call]
            self.critic_optimiser.step()
            figures["critics"] = float(critic.detach())
        self._follow(number)
        return figures

    def _heard(self, speech: Tensor) -> Tensor:
        encoder = self.generator.motion_encoder
        heard: Tensor = (speech.flatten(2) - encoder.mean) / encoder.deviation
        return heard

    def _judge_mouth(
        self, speech: Tensor, made: Tensor, real: Tensor, random: torch.Generator, figures: dict[str, float]
    ) -> tuple[Tensor, Tensor]:
        """The critics' verdict on generated lips, and what they are to learn from."""
        heard, real = self._heard(speech), real[..., : self._lower]
        batch, time = real.shape[:2]
        start = torch.randint(0, time - SYNC_FRAMES + 1, (batch,), generator=random)
        span = time - SYNC_FRAMES + 1
        away = torch.randint(SMALLEST_SHIFT_FRAMES, span - SMALLEST_SHIFT_FRAMES + 1, (batch,), generator=random)
        here, there = (_windows(first).to(self._device) for first in (start, (start + away) % span))
        rows = torch.arange(batch, device=self._device)[:, None]
        lips, window, still = real[rows, here], heard[rows, here], made.detach()
        blur = INSTANCE_NOISE * torch.randn(2, *real.shape, generator=random).to(self._device)
        critic = adversarial(self.sequence(real + blur[0]), True) + adversarial(self.sequence(still + blur[1]), False)
        critic = critic / 2
        critic = critic + adversarial(self.sync(window, lips), True) / 2
        critic = critic + adversarial(self.sync(window, still[rows, here]), False) / 4
        critic = critic + adversarial(self.sync(heard[rows, there], lips), False) / 4
        whole = adversarial(self.sequence(made + blur[1]), True)
        together = adversarial(self.sync(window, made[rows, here]), True)
        figures |= {"generator/sequence": float(whole.detach()), "generator/sync": float(together.detach())}
        return self.config.sequence * whole + self.config.sync * together, critic

    def _judge_sway(self, long: Batch, random: torch.Generator, figures: dict[str, float]) -> tuple[Tensor, Tensor]:
        """The same of generated movement of head and brows.

        Real tracks waver with the landmarks' noise: they are smoothed as for the fit of the process, and both sides
        get the same noise, so that wavering is no sign of the real.
        """
        speech, identity, values = (part.to(self._device) for part in long)
        real = smoothed_tracks(values[..., sway_indices(self.config.model.components)])
        noise = torch.randn(*speech.shape[:2], self.config.model.noise_code, generator=random).to(self._device)
        slow = self._slow.draw(len(speech), speech.shape[1], random).to(self._device)
        made = self.generator.move(speech, identity, noise, slow)
        heard = self._heard(speech)
        blur = INSTANCE_NOISE * torch.randn(2, *real.shape, generator=random).to(self._device)
        shown = made + blur[1]
        critic = adversarial(self.sway(real + blur[0], heard), True) + adversarial(
            self.sway(shown.detach(), heard), False
        )
        natural = adversarial(self.sway(shown, heard), True)
        moments = moment_loss(made, real)
        figures |= {"generator/sway": float(natural.detach()), "moments": float(moments.detach())}
        return self.config.sway * natural + self.config.moments * moments, critic / 2

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
            "sway": self.sway,
            "optimiser": self.optimiser,
            "critic_optimiser": self.critic_optimiser,
        }


def _windows(start: Tensor) -> Tensor:
    return start[:, None] + torch.arange(SYNC_FRAMES)
