"""Batches of pairs for the refinement, varied for faces, light and cameras that the corpus does not have."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orate.corpora.mouth_pairs import MouthPairs
from orate.render.mouth_patch import LUMA, measure_tone, network_planes
from orate.training.refine_config import RefineAugment

Bytes = NDArray[np.uint8]
GAINS = (0.5, 1.4)  # the least and the most; more burns out a picture of which the network should learn


@dataclass(frozen=True)
class RefineBatch:
    """What the network sees and should reach.

    Attributes:
        planes: (batch, PLANES, h, w).
        truth: (batch, 3, h, w) in the tone's space.
        chroma, stirred: (batch,).
        lips: (batch, 1, h, w) in [0, 1], lips and mouth of target and photo.
        sound: (batch, WINDOW) in [-1, 1].
    """

    planes: Tensor
    truth: Tensor
    chroma: Tensor
    stirred: Tensor
    lips: Tensor
    sound: Tensor

    def to(self, device: torch.device) -> RefineBatch:
        """The same on a device."""
        return RefineBatch(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


class PairOrder:
    """Draws pairs or runs so that every speaker comes up as often as any other, whatever the number of their pairs."""

    def __init__(self, pairs: MouthPairs, clip_frames: int) -> None:
        begins = np.flatnonzero(np.r_[True, np.diff(pairs.run) != 0])
        lengths = np.diff(np.r_[begins, len(pairs)])
        self._runs = [(begin, length) for begin, length in zip(begins, lengths, strict=True) if length >= clip_frames]
        speakers = np.array([pairs.speaker[begin] for begin, _ in self._runs])
        self._run_groups = [np.flatnonzero(speakers == speaker) for speaker in np.unique(speakers)]
        self._pair_groups = [np.flatnonzero(pairs.speaker == speaker) for speaker in np.unique(pairs.speaker)]

    def draw(self, count: int, random: np.random.Generator) -> NDArray[np.int64]:
        """(count,) indices of single pairs."""
        groups = random.integers(0, len(self._pair_groups), count)
        return np.array([random.choice(self._pair_groups[group]) for group in groups])

    def draw_runs(self, count: int, frames: int, random: np.random.Generator) -> NDArray[np.int64]:
        """(count * frames,) indices: that many neighbouring frames of each of `count` runs."""
        chosen = []
        for group in random.integers(0, len(self._run_groups), count):
            begin, length = self._runs[random.choice(self._run_groups[group])]
            chosen.append(begin + random.integers(0, length - frames + 1) + np.arange(frames))
        return np.concatenate(chosen)


def make_batch(
    pairs: MouthPairs, augment: RefineAugment | None, random: np.random.Generator, frames: int = 1
) -> RefineBatch:
    """Put pairs together as a batch, varied where `augment` says so; `frames` neighbours are always varied alike."""
    rows = []
    change: Variation | None = None
    for index in range(len(pairs)):
        pictures = [pairs.drawn[index], pairs.own[index], pairs.truth[index]]
        masks = pairs.masks[index]
        if augment is not None:
            if change is None or index % frames == 0:
                change = Variation(augment, masks.shape[1:], random)
            pictures, masks = [change.picture(picture) for picture in pictures], change.masks(masks)
        drawn, own, truth = pictures
        tone = measure_tone(own, masks[4], masks[3])
        lips = masks[:4].max(axis=0, keepdims=True).astype(np.float32) / 255
        rows.append((network_planes(tone, drawn, own, masks), tone.normalise(truth), tone.chroma, lips))
    planes, truths, chroma, lips = (np.stack(column).astype(np.float32) for column in zip(*rows, strict=True))
    last = (pairs.stirred.astype(np.float32), pairs.sound.astype(np.float32) / 32768)
    tensors = [torch.from_numpy(values) for values in (planes, truths, chroma, last[0], lips, last[1])]
    return RefineBatch(*tensors)


class Variation:
    """One draw of all the changes, made alike to pictures (h, w, 3) and masks (MASKS, h, w)."""

    def __init__(self, augment: RefineAugment, size: tuple[int, ...], random: np.random.Generator) -> None:
        height, width = size
        self._size = (width, height)
        turn, scale = random.uniform(-1, 1) * augment.turn_degrees, 1 + random.uniform(-1, 1) * augment.stretch
        matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), turn, scale), np.float64)
        matrix[:, 2] += random.uniform(-1, 1, 2) * augment.shift
        if augment.mirror and random.random() < 0.5:
            matrix[0] *= -1
            matrix[0, 2] += width - 1
        self._matrix = matrix
        self._table, self._mix = _colours(augment, random)
        self._sigma = random.uniform(0, augment.blur) if random.random() < 0.5 else 0.0

    def picture(self, picture: Bytes) -> Bytes:
        """A picture, changed."""
        moved = self._moved(picture)
        if self._sigma > 0.3:
            moved = cv2.GaussianBlur(moved, (0, 0), self._sigma).astype(np.uint8)
        return np.asarray(cv2.LUT(cv2.transform(moved, self._mix), self._table), np.uint8)

    def masks(self, masks: Bytes) -> Bytes:
        """Masks, moved as pictures are."""
        return np.stack([self._moved(mask) for mask in masks])

    def _moved(self, picture: Bytes) -> Bytes:
        return cv2.warpAffine(picture, self._matrix, self._size, borderMode=cv2.BORDER_REFLECT_101).astype(np.uint8)


def _colours(augment: RefineAugment, random: np.random.Generator) -> tuple[Bytes, NDArray[np.float64]]:
    """A table (1, 256, 3) of gain and gamma by channel, and a matrix (3, 3) of hue and saturation applied before it."""
    kind = random.random()
    grey, tinted = kind < augment.grey, augment.grey <= kind < augment.grey + augment.tint
    gain = np.exp(random.normal(0, augment.gain, 1 if grey else 3)) * np.ones(3)
    gamma = np.exp(random.normal(0, augment.gamma))
    levels = (np.arange(256)[:, None] / 255) ** gamma * np.clip(gain, GAINS[0], GAINS[1])
    table = np.rint(np.clip(levels, 0, 1) * 255).astype(np.uint8)[None]
    angle = np.radians(random.uniform(-1, 1) * augment.hue_degrees)
    saturation = 0.0 if grey or tinted else random.uniform(0.6, 1.2)
    # A turn about the grey axis (Rodrigues), then all colours drawn towards their brightness.
    axis = np.full(3, 3**-0.5)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    hue = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    mix = (saturation * np.eye(3) + (1 - saturation) * np.ones((3, 1)) * LUMA) @ hue
    return table, mix
