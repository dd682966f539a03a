"""The shape of a person's head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.assets import Assets

SPREAD = 0.85  # standard deviations: the full spread of the model's axes has heads that look ill
LIMIT = 2.0


def random_identity(rng: np.random.Generator) -> NDArray[np.float32]:
    """(100,) weights of the identity axes, normal and cut at the tails."""
    return np.clip(SPREAD * rng.standard_normal(100), -LIMIT, LIMIT).astype(np.float32)


def shaped(assets: Assets, identity: NDArray[np.float32]) -> NDArray[np.float32]:
    """(26719, 3) cm: the head at rest with these weights."""
    count, vertices = len(identity), len(assets.neutral)
    axes = assets.identity.reshape(count, -1)
    return np.asarray(assets.neutral + (identity @ axes).reshape(vertices, 3), np.float32)


def expressed(assets: Assets, shape: NDArray[np.float32], weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """(26719, 3) cm: the head ``shape`` with the expression ``weights`` (57,)."""
    used = np.flatnonzero(weights)
    axes = assets.expression.reshape(len(assets.expression), -1)
    moved = np.asarray(weights, np.float32)[used] @ axes[used]
    return np.asarray(shape + moved.reshape(shape.shape), np.float32)
