"""One step of adversarial training: generator, discriminators, their optimisers and the moving average."""

from __future__ import annotations

from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from orate.errors import OrateError
from orate.models.generator import Generator
from orate.models.sync_discriminator import SYNC_FRAMES
from orate.models.windows import cut_windows
from orate.training.augment import augment_audio, augment_video
from orate.training.config import TrainConfig
from orate.training.critics import Views, build_critics, discriminator_loss, generator_loss, look
from orate.training.ema import MovingAverage
from orate.training.losses import LipsHead, ReconstructionLoss
from orate.training.state import seeded


class LearningGenerator(nn.Module):
    """The generator and the auxiliary lips head behind one forward, as data-parallel training wants it."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.generator = Generator(config.model)
        self.lips = LipsHead(config.model.content_code) if config.losses.lips else None

    def forward(
        self,
        windows: Tensor,
        landmarks: Tensor,
        source: Tensor | None = None,
        noise: Tensor | None = None,
        drawn: slice | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Listen, and draw if there is a source image.

        Args:
            windows: (batch, time, window_samples), the sound of whole clips.
            landmarks: (batch, time, 478, 2), pixels.
            source: (batch, 3, height, width) in [-1, 1], or ``None`` not to draw.
            noise: (batch, time, noise_code), for a generator with noise.
            drawn: the frames to draw.

        Returns:
            The lips' loss (0 without their head), and the drawn frames (batch, drawn time, 3, height, width).
        """
        content, _ = self.generator.audio_encoder(windows)
        lips = content.new_zeros(()) if self.lips is None else self.lips(content.float(), landmarks)
        if source is None or drawn is None:
            return lips, None
        return lips, self.generator.draw(source, content, noise, drawn)


class Gan:
    """The networks of a run and how they learn from one batch.

    The generator draws once in a step; the discriminators learn from what it drew, then the generator from what they
    say of it. All draws of a step come from its number, so that a resumed run repeats them.
    """

    def __init__(self, config: TrainConfig, fabric: Fabric, steps_per_epoch: int) -> None:
        self.config, self.fabric, self._steps_per_epoch = config, fabric, steps_per_epoch
        rates = config.optimiser
        betas = rates.beta1, rates.beta2
        learner = LearningGenerator(config)
        self.average = MovingAverage(learner.generator.to(fabric.device), rates.ema)
        listening = [
            *learner.generator.audio_encoder.parameters(),
            *(learner.lips.parameters() if learner.lips else ()),
        ]
        known = {id(parameter) for parameter in listening}
        drawing = [parameter for parameter in learner.parameters() if id(parameter) not in known]
        # The rates are set before every step.
        groups = [{"params": listening}, {"params": drawing}]
        self._rates = (rates.generator_lr, rates.picture_lr or rates.generator_lr)
        self.learner, self.optimiser = fabric.setup(learner, torch.optim.Adam(groups, rates.generator_lr, betas))
        self.critics: dict[str, Any] = {}
        self.critic_optimisers: dict[str, Any] = {}
        for name, critic in build_critics(config).items():
            adam = torch.optim.Adam(critic.parameters(), getattr(rates, f"{name}_lr"), betas)
            self.critics[name], self.critic_optimisers[name] = fabric.setup(critic, adam)
        self._reconstruction = ReconstructionLoss(config.losses)
        drawn = config.data.draw_frames or config.data.clip_frames
        self.drawn_frames = max(SYNC_FRAMES, min(drawn, config.data.clip_frames))
        self.frames_per_step = self.drawn_frames * config.data.batch_size

    def step(self, number: int, clip: tuple[Tensor, Tensor, Tensor]) -> dict[str, float]:
        """Learn from one batch.

        Args:
            number: the step's number, from 0.
            clip: video uint8 (batch, time, 3, height, width), sound (batch, samples) in [-1, 1], landmarks
                (batch, time, 478, 2) in pixels.

        Returns:
            The losses by name.
        """
        random = seeded(self.config.run.seed, number, self.fabric.global_rank)
        self._set_rates(number)
        if number < self.config.losses.pixels_from:
            return self._listen(number, clip, random)
        views, drawn, windows, lips_truth, landmarks = self._prepare(clip, random)
        noise = self.average.generator.draw_noise(
            len(windows),
            windows.shape[1],
            std=self.config.optimiser.noise_std,
            generator=random,
            device=self.fabric.device,
        )
        self.learner.train()
        lips, generated = self.learner(windows, lips_truth, views.source, noise, drawn)
        generated = generated.float()
        adversarial = bool(self.critics) and number >= self.config.losses.adversarial_from
        figures = self._teach_critics(views, generated.detach()) if adversarial else {}
        weights = self.config.losses
        figures["l1"] = self._reconstruction(generated, views.real, landmarks)
        loss = weights.l1 * figures["l1"]
        if weights.lips:
            figures["lips"] = lips
            loss = loss + weights.lips * lips
        if adversarial:
            for name, critic in self.critics.items():
                figures[f"generator/{name}"] = self._judge(name, critic, views, generated)
                loss = loss + getattr(weights, name) * figures[f"generator/{name}"]
        self._descend(self.learner, self.optimiser, loss)
        self.average.update(self.learner.module.generator, number)
        return {name: float(value.detach()) for name, value in figures.items()}

    def start_from(self, generator: Generator) -> None:
        """Take over the weights of a trained generator; the discriminators begin anew.

        Raises:
            OrateError: it has other dimensions than the config's model.
        """
        if generator.config != self.config.model:
            theirs, ours = generator.config.model_dump(), self.config.model.model_dump()
            other = next(name for name in ours if ours[name] != theirs[name])
            raise OrateError(
                f"The model to start from has {other} {theirs[other]}, the config {ours[other]}: make them equal."
            )
        self.learner.module.generator.load_state_dict(generator.state_dict())
        self.average.generator.load_state_dict(generator.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        return {
            "learner": self.learner.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.generator.state_dict(),
            "critics": {name: critic.module.state_dict() for name, critic in self.critics.items()},
            "critic_optimisers": {name: adam.state_dict() for name, adam in self.critic_optimisers.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.learner.module.load_state_dict(state["learner"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.generator.load_state_dict(state["average"])
        for name in self.critics:
            self.critics[name].module.load_state_dict(state["critics"][name])
            self.critic_optimisers[name].load_state_dict(state["critic_optimisers"][name])

    def _listen(self, number: int, clip: tuple[Tensor, Tensor, Tensor], random: torch.Generator) -> dict[str, float]:
        """A step before pictures are drawn: sound to the lips' landmarks."""
        video, audio, landmarks = clip
        audio = augment_audio(audio, self.config.model.audio_rate, self.config.augment, random)
        self.learner.train()
        lips, _ = self.learner(cut_windows(audio, self.config.model, 0, video.shape[1]), landmarks)
        self._descend(self.learner, self.optimiser, self.config.losses.lips * lips)
        self.average.update(self.learner.module.generator, number)
        return {"lips": float(lips.detach())}

    def _prepare(
        self, clip: tuple[Tensor, Tensor, Tensor], random: torch.Generator
    ) -> tuple[Views, slice, Tensor, Tensor, Tensor]:
        """Choose source images and the drawn part, augment, cut the sound."""
        video, audio, landmarks = clip
        config = self.config
        batch, time = video.shape[:2]
        start = int(torch.randint(0, time - self.drawn_frames + 1, (), generator=random))
        drawn = slice(start, start + self.drawn_frames)
        # The source image is some frame of the clip (paper, section 3.3).
        still = torch.randint(0, time, (batch,), generator=random)
        rows = torch.arange(batch)
        pictures = torch.cat([video[rows, still][:, None], video[:, drawn]], dim=1).float() / 127.5 - 1
        points = torch.cat([landmarks[rows, still][:, None], landmarks[:, drawn]], dim=1)
        pictures, points = augment_video(pictures, points, config.augment, random)
        audio = augment_audio(audio, config.model.audio_rate, config.augment, random)
        windows = cut_windows(audio, config.model, 0, time)
        views = look(pictures[:, 0], pictures[:, 1:], windows, drawn, random)
        return views, drawn, windows, landmarks, points[:, 1:]

    def _teach_critics(self, views: Views, generated: Tensor) -> dict[str, Tensor]:
        figures = {}
        for name, critic in self.critics.items():
            critic.train()
            loss = discriminator_loss(name, critic, views, generated)
            self._descend(critic, self.critic_optimisers[name], loss)
            figures[f"critic/{name}"] = loss
        return figures

    def _judge(self, name: str, critic: Any, views: Views, generated: Tensor) -> Tensor:
        """What a discriminator says of the generated clips; its own weights gather no gradient."""
        critic.module.requires_grad_(False)
        with self.fabric.autocast():
            loss = generator_loss(name, critic.module, views, generated)
        critic.module.requires_grad_(True)
        return loss.float()

    def _descend(self, module: Any, optimiser: Any, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.fabric.clip_gradients(module, optimiser, max_norm=self.config.optimiser.clip_norm)
        optimiser.step()

    def _set_rates(self, number: int) -> None:
        rates = self.config.optimiser
        epoch = number / self._steps_per_epoch
        factor = rates.decay_per_epoch ** max(0.0, epoch - rates.decay_from_epoch)
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        for name, adam in self.critic_optimisers.items():
            for group in adam.param_groups:
                group["lr"] = getattr(rates, f"{name}_lr") * factor
