"""Batches of motion for training: drawn from the step's number alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]
LENGTHS = (30, 30, 75)
GAIN_DEVIATION = 0.05


@dataclass(frozen=True)
class MotionItem:
    """A stretch to learn from: targets in units of the scales, encodings of its sound, the person's coefficients.

    Attributes:
        group: of which kind: batches take from kinds by their shares.
        values: (T, components + 8).
        speech: encodings (T, 2, 384) fp16.
        identity: (identity_axes,).
    """

    group: str
    person: str
    values: Floats
    speech: tuple[NDArray[np.float16], ...]
    identity: Floats


class MotionBatches:
    """Draws batches; person by person, so that who speaks most does not count most.

    Speech is drawn `look_ahead` frames later than motion (`orate.models.motion_config.MotionConfig.look_ahead`).
    """

    def __init__(
        self,
        items: list[MotionItem],
        shares: dict[str, float],
        batch: int,
        seed: int,
        look_ahead: int = 0,
        lengths: tuple[int, ...] = LENGTHS,
    ) -> None:
        self._batch, self._seed, self._ahead = batch, seed, look_ahead
        self._pools: dict[int, dict[str, list[list[MotionItem]]]] = {}
        self._lengths = lengths
        for length in set(lengths):
            pools: dict[str, dict[str, list[MotionItem]]] = {}
            for item in items:
                if len(item.values) >= length:
                    pools.setdefault(item.group, {}).setdefault(item.person, []).append(item)
            self._pools[length] = {group: list(people.values()) for group, people in sorted(pools.items())}
        self._shares = shares

    def draw(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Speech (batch, time, 2, 384), identity (batch, axes), targets (batch, time, values) of a step."""
        random = np.random.default_rng([self._seed, step])
        length = int(random.choice(self._lengths))
        pools = self._pools[length]
        names = list(pools)
        chance = np.array([self._shares[name] for name in names])
        rows = [
            self._row(pools[str(random.choice(names, p=chance / chance.sum()))], length, random)
            for _ in range(self._batch)
        ]
        speech, identity, values = (np.stack(column) for column in zip(*rows, strict=True))
        return torch.from_numpy(speech), torch.from_numpy(identity), torch.from_numpy(values)

    def _row(
        self, people: list[list[MotionItem]], length: int, random: np.random.Generator
    ) -> tuple[Floats, Floats, Floats]:
        # between people evenly and between stretches evenly: the square root of how much there is of each
        sizes = np.sqrt([len(person) for person in people])
        person = people[int(random.choice(len(people), p=sizes / sizes.sum()))]
        item = person[int(random.integers(len(person)))]
        first = int(random.integers(len(item.values) - length + 1))
        encoded = item.speech[int(random.integers(len(item.speech)))]
        heard = np.minimum(np.arange(first, first + length) + self._ahead, len(encoded) - 1)
        speech = encoded[heard].astype(np.float32)
        speech = speech * np.float32(1 + GAIN_DEVIATION * random.standard_normal())
        return speech, item.identity.astype(np.float32), item.values[first : first + length].astype(np.float32)
