"""The loop for a network with one loss: resumes to the same numbers, saves and stops at a signal."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Protocol

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from orate.training.precision import wants_bf16
from orate.training.run_folder import keep_recipe
from orate.training.signals import obey_signals
from orate.training.state import load_state, save_state, seeded
from orate.training.supervised_config import SupervisedRun

STATE_FILE, CURVES_FILE, MODEL_FOLDER = "state.safetensors", "curves.jsonl", "model"
MAY_CHANGE = {"steps", "batch_size", "log_every", "save_every", "validate_every", "precision"}
BETAS = (0.9, 0.98)
Progress = Callable[[int, int, dict[str, float]], None]


class SupervisedTask(Protocol):
    """What there is to learn.

    Attributes:
        net: the network, freshly made; the trainer moves it to the device.
    """

    net: nn.Module

    def losses(self, step: int, random: torch.Generator, device: torch.device) -> dict[str, Tensor]:
        """Losses of one batch, ``loss`` the one that is minimised; draws come from `random` and the step alone."""

    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """Figures of a network, in eval mode, on held-out clips."""

    def write(self, net: nn.Module, folder: Path, metadata: dict[str, object]) -> None:
        """Write the network to a folder."""


class SupervisedTrainer:
    """One run, whose folder holds its recipe, state, curves (JSON lines) and the averaged network.

    Args:
        task: what to learn.
        recipe: the whole recipe, written to the folder.
        run: its section ``run``.
        folder: the run's folder; a state found there is resumed.
        device: where to compute.

    Raises:
        OrateError: a folder of another recipe, a damaged state.
    """

    def __init__(
        self, task: SupervisedTask, recipe: BaseModel, run: SupervisedRun, folder: Path, device: str = "cpu"
    ) -> None:
        self.folder, self.step = folder, 0
        self._task, self._run, self._device = task, run, torch.device(device)
        self._bf16 = wants_bf16(run.precision, self._device.type)
        self.net = task.net.to(self._device)
        self.average = deepcopy(self.net).eval().requires_grad_(False)
        self._adam = torch.optim.AdamW(self.net.parameters(), run.learning_rate, BETAS, weight_decay=run.weight_decay)
        self._signal: int | None = None
        keep_recipe(recipe, folder, MAY_CHANGE)
        if (folder / STATE_FILE).is_file():
            self._load(load_state(folder / STATE_FILE))

    def fit(self, progress: Progress | None = None) -> int | None:
        """Train to the last step.

        Args:
            progress: called after every step with steps done, steps in all, and the latest figures.

        Returns:
            The signal that stopped the run (everything is saved), or ``None`` when it is complete.
        """
        run = self._run
        with obey_signals(self._stop):
            while self.step < run.steps and self._signal is None:
                figures = self._learn()
                self.step += 1
                if self._is_time(run.log_every):
                    self._note(figures)
                if self._is_time(run.validate_every) or (run.validate_every and self.step == run.steps):
                    figures |= self._task.validate(self.average, self._device)
                    self._note(figures)
                if self._is_time(run.save_every):
                    self.save()
                if progress:
                    progress(self.step, run.steps, figures)
        self.save()
        return self._signal

    def save(self) -> None:
        """Write the state and the averaged network, each whole or not at all."""
        state = {name: getattr(self, name).state_dict() for name in ("net", "average", "_adam")}
        save_state(self.folder / STATE_FILE, {"step": self.step, **state})
        self._task.write(self.average, self.folder / MODEL_FOLDER, {"steps": self.step})

    def _learn(self) -> dict[str, float]:
        """One step; all its draws come from its number, dropout's too."""
        run = self._run
        torch.manual_seed(seeded(run.seed, self.step, 1).initial_seed())
        for group in self._adam.param_groups:
            group["lr"] = run.learning_rate * rate_at(self.step, run)
        self.net.train()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            losses = self._task.losses(self.step, seeded(run.seed, self.step), self._device)
        self._adam.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), run.clip_norm)
        self._adam.step()
        self._follow()
        return {name: float(value.detach()) for name, value in losses.items()}

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self._run.ema, (1 + self.step) / (10 + self.step))
        theirs = self.net.state_dict()
        for name, mine in self.average.state_dict().items():  # buffers too: batch norm's statistics
            if mine.is_floating_point():
                mine.lerp_(theirs[name], 1 - decay)
            else:
                mine.copy_(theirs[name])

    def _is_time(self, every: int) -> bool:
        return every > 0 and self.step % every == 0

    def _load(self, state: dict[str, object]) -> None:
        self.step = int(str(state.pop("step")))
        for name, values in state.items():
            getattr(self, name).load_state_dict(values)

    def _note(self, figures: dict[str, float]) -> None:
        with (self.folder / CURVES_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": self.step, **figures}) + "\n")

    def _stop(self, number: int) -> None:
        self._signal = number


def rate_at(step: int, run: SupervisedRun) -> float:
    """Part of the highest learning rate at a step."""
    if step < run.warm_up:
        return (step + 1) / run.warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - run.warm_up) / max(run.steps - run.warm_up, 1)))
