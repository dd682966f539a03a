"""How well a motion generator's lips follow those of held-out tracks, while it trains."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from orate.corpora.motion_tracks import INNER_LIP_PAIRS, MotionTrack, person_neutrals
from orate.models.motion_generator import MotionGenerator
from orate.training.motion_data import MotionItem

OFFLINE, STREAMING = 0, 1


class MotionValidation:
    """Correlation of the lips' gap with the measured one, mean over people; by corpus, and for streams apart.

    Args:
        tracks: given to `orate.training.motion_corpus.prepare_motion`; only those held out are kept.
        items: made by it.
    """

    def __init__(self, tracks: list[MotionTrack], items: list[MotionItem]) -> None:
        kept = [(track, item) for track, item in zip(tracks, items, strict=True) if track.validation]
        self._items = [item for _, item in kept]
        self._unseen = {track.person: track.unseen for track, _ in kept}
        self._neutrals = person_neutrals(tracks)

    @torch.no_grad()
    def __call__(self, generator: MotionGenerator) -> dict[str, float]:
        """Figures by name: ``grid``, ``grid_unseen``, ``tracks``; those of streams end in ``_stream``."""
        generator.eval()
        curves: dict[tuple[str, str], list[tuple[NDArray[np.float32], NDArray[np.float32]]]] = {}
        for item in self._items:
            group = item.group
            if "/" in item.person:
                group = "grid_unseen" if self._unseen[item.person] else "grid"
            for way, ending in ((OFFLINE, ""), (STREAMING, "_stream")):
                if way < len(item.speech):
                    curves.setdefault((group + ending, item.person), []).append(self._gaps(generator, item, way))
        people: dict[str, list[float]] = {}
        for (group, _), parts in curves.items():
            # clips of GRID one by one, as `orate evaluate` counts them; stretches of a track's person joined
            joined = (
                [tuple(np.concatenate(side) for side in zip(*parts, strict=True))] if "grid" not in group else parts
            )
            people.setdefault(group, []).extend(_correlation(made, true) for made, true in joined)
        return {group: float(np.mean(values)) for group, values in sorted(people.items())}

    def _gaps(
        self, generator: MotionGenerator, item: MotionItem, way: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        ahead, config = generator.config.look_ahead, generator.config
        heard = np.minimum(np.arange(len(item.values)) + ahead, len(item.speech[way]) - 1)
        speech = torch.from_numpy(item.speech[way][heard].astype(np.float32))[None]
        made, _ = generator(speech, torch.from_numpy(item.identity)[None])
        above, below = (list(side) for side in zip(*INNER_LIP_PAIRS, strict=True))
        axes = (generator.basis * generator.scale[: config.components, None, None]).numpy()
        rest = self._neutrals[item.person]
        both = []
        for values in (made[0].numpy(), item.values):
            apart = np.tensordot(values[:, : config.components], axes[:, above] - axes[:, below], 1)
            both.append(np.linalg.norm(apart + rest[above] - rest[below], axis=-1).mean(axis=-1))
        return both[0], both[1]


def _correlation(made: NDArray[np.float32], true: NDArray[np.float32]) -> float:
    if made.std() < 1e-6 or true.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(made, true)[0, 1])
