"""What a refinement changes on pairs that it did not learn from, in figures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from orate.corpora.mouth_pairs import MouthPairs
from orate.models.refiner import RefinerNet
from orate.render.mouth_patch import feather, measure_tone, network_planes

Pictures = NDArray[np.uint8]
Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
INSIDE = np.s_[:, 8:-8, 16:-16]
STIRRED = 0.5  # pairs whose lips hardly move say nothing
SMALLEST = 1e-9


def refined_patch(network: Network, pairs: MouthPairs, index: int) -> Pictures:
    """(h, w, 3): a pair's drawn patch after the refinement, as `orate.models.engines.refiner_engine` makes it."""
    drawn, own, masks = pairs.drawn[index], pairs.own[index], pairs.masks[index]
    tone = measure_tone(own, masks[4], masks[3])
    residual = network(network_planes(tone, drawn, own, masks).astype(np.float32))
    levels = tone.levels(residual) * (pairs.stirred[index] * feather())[..., None]
    patch: Pictures = np.rint(np.clip(drawn + levels, 0, 255)).astype(np.uint8)
    return patch


def patch_figures(pairs: MouthPairs, made: Pictures) -> dict[str, float]:
    """Compare patches with the truth; of pairs whose lips moved, in the order that they have in their runs.

    Args:
        pairs: n pairs.
        made: (n, h, w, 3).

    Returns:
        ``l1`` and ``lips``: mean absolute difference in levels without the patch's margin, and on lips and mouth;
        ``sharpness``: mean slope of brightness on the lips over the truth's; ``flicker``: mean
        absolute error of the difference of neighbouring frames on the lips, in levels; ``movement``: that difference's
        mean size over the truth's.
    """
    lips = pairs.masks[:, 1].astype(np.float64)[..., None] / 255
    truth, mine = pairs.truth.astype(np.float64), made.astype(np.float64)
    difference = np.abs(truth - mine)
    sharp = [float((_slopes(frames) * lips[:, 1:, 1:, 0]).sum()) for frames in (mine, truth)]
    figures = {
        "l1": float(difference[INSIDE].mean()),
        "lips": _mean(difference, lips),
        "sharpness": sharp[0] / max(sharp[1], SMALLEST),
    }
    neighbours = np.flatnonzero(np.diff(pairs.run) == 0)
    if len(neighbours):
        steps = [frames[neighbours + 1] - frames[neighbours] for frames in (mine, truth)]
        here = lips[neighbours]
        figures["flicker"] = _mean(np.abs(steps[0] - steps[1]), here)
        figures["movement"] = _mean(np.abs(steps[0]), here) / max(_mean(np.abs(steps[1]), here), SMALLEST)
    return figures


class RefineValidation:
    """Measures a network on held-out pairs, per speaker; what is chosen by it is not chosen by people never seen.

    Args:
        pairs: held out from the training.
        most: of a speaker's pairs, evenly among the runs.
    """

    def __init__(self, pairs: MouthPairs, most: int = 96) -> None:
        pairs = pairs.chosen(pairs.stirred > STIRRED)
        self._parts = {}
        for speaker in np.unique(pairs.speaker):
            mine = pairs.chosen(pairs.speaker == speaker)
            runs = np.unique(mine.run)
            kept = runs[np.unique(np.linspace(0, len(runs) - 1, max(1, most * len(runs) // len(mine))).astype(int))]
            self._parts[str(speaker)] = mine.chosen(np.isin(mine.run, kept)) if len(mine) > most else mine

    def __call__(self, net: RefinerNet) -> dict[str, float]:
        """Figures of `patch_figures` by ``speaker/figure``; of a network on the CPU."""

        def network(planes: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                residual: NDArray[np.float32] = net(torch.from_numpy(planes)[None])[0].numpy()
            return residual

        figures: dict[str, float] = {}
        for speaker, pairs in self._parts.items():
            made = np.stack([refined_patch(network, pairs, index) for index in range(len(pairs))])
            figures |= {f"{speaker}/{name}": value for name, value in patch_figures(pairs, made).items()}
        return figures

    def layers(self) -> dict[str, float]:
        """The same figures of the layers alone."""
        return {
            f"{speaker}/{name}": value
            for speaker, pairs in self._parts.items()
            for name, value in patch_figures(pairs, pairs.drawn).items()
        }


def _mean(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    return float((values * weight).sum() / max(float(weight.sum()) * values.shape[-1], SMALLEST))


def _slopes(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    luma = frames.mean(axis=-1)
    slopes: NDArray[np.float64] = np.hypot(np.diff(luma, axis=1)[:, :, 1:], np.diff(luma, axis=2)[:, 1:])
    return slopes
