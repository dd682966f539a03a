"""Batches of pairs for the refinement, varied for faces, light and cameras that the corpus does not have."""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    planes: Tensor
    truth: Tensor
    chroma: Tensor
    stirred: Tensor
    lips: Tensor


class PairOrder:
    """Draws pairs so that every speaker comes up as often as any other, whatever the number of their pairs."""

    def __init__(self, pairs: MouthPairs) -> None:
        self._groups = [np.flatnonzero(pairs.speaker == speaker) for speaker in np.unique(pairs.speaker)]

    def draw(self, count: int, random: np.random.Generator) -> NDArray[np.int64]:
        """(count,) indices."""
        groups = random.integers(0, len(self._groups), count)
        return np.array([random.choice(self._groups[group]) for group in groups])


def make_batch(pairs: MouthPairs, augment: RefineAugment | None, random: np.random.Generator) -> RefineBatch:
    """Put pairs together as a batch, varied where `augment` says so."""
    rows = []
    for index in range(len(pairs)):
        pictures = [pairs.drawn[index], pairs.own[index], pairs.truth[index]]
        masks = pairs.masks[index]
        if augment is not None:
            pictures, masks = vary(pictures, masks, augment, random)
        drawn, own, truth = pictures
        tone = measure_tone(own, masks[4], masks[3])
        lips = masks[:4].max(axis=0, keepdims=True).astype(np.float32) / 255
        rows.append((network_planes(tone, drawn, own, masks), tone.normalise(truth), tone.chroma, lips))
    planes, truths, chroma, lips = (np.stack(column).astype(np.float32) for column in zip(*rows, strict=True))
    stirred = torch.from_numpy(pairs.stirred.astype(np.float32))
    tensors = [torch.from_numpy(values) for values in (planes, truths, chroma)]
    return RefineBatch(tensors[0], tensors[1], tensors[2], stirred, torch.from_numpy(lips))


def vary(
    pictures: list[Bytes], masks: Bytes, augment: RefineAugment, random: np.random.Generator
) -> tuple[list[Bytes], Bytes]:
    """One draw of all the changes, made alike to pictures (h, w, 3) and masks (MASKS, h, w)."""
    height, width = masks.shape[1:]
    turn, size = random.uniform(-1, 1) * augment.turn_degrees, 1 + random.uniform(-1, 1) * augment.stretch
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), turn, size), np.float64)
    matrix[:, 2] += random.uniform(-1, 1, 2) * augment.shift
    if augment.mirror and random.random() < 0.5:
        matrix[0] *= -1
        matrix[0, 2] += width - 1
    table, mix = _colours(augment, random)
    sigma = random.uniform(0, augment.blur) if random.random() < 0.5 else 0.0

    def change(picture: Bytes) -> Bytes:
        moved = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        if sigma > 0.3:
            moved = cv2.GaussianBlur(moved, (0, 0), sigma)
        return np.asarray(cv2.LUT(cv2.transform(moved, mix), table), np.uint8)

    moved = [cv2.warpAffine(mask, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101) for mask in masks]
    return [change(picture) for picture in pictures], np.stack(moved)


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
