"""The shape of a person's head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic import parts
from orate.corpora.synthetic.assets import Assets

SPREAD = 0.95  # standard deviations: the full spread of the model's axes has heads that look ill
LIMIT = 2.0


def random_identity(rng: np.random.Generator, *, feminine: bool) -> NDArray[np.float32]:
    """(100,) weights of the identity axes, normal and cut at the tails.

    The model's first axis goes from large heads with heavy jaws to small ones with fine chins; it is the only one that
    looks like sex, and which the weights are drawn around.
    """
    weights = SPREAD * rng.standard_normal(parts.IDENTITY_AXES)
    weights[0] = 0.75 * weights[0] + (0.9 if feminine else -0.5)
    return np.clip(weights, -LIMIT, LIMIT).astype(np.float32)


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


def teeth_shifts(assets: Assets) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(26719, 3) each: 1 cm down for what hangs from the skull in the mouth, and for what lies on the jaw.

    Gum or tongue belong to the jaw when ``jawOpen`` moves them by more than a third of the largest such motion.
    """
    soft = parts.GUMS_AND_TONGUE
    drop = np.linalg.norm(assets.expression[assets.axis("jawOpen"), soft], axis=1)
    on_jaw = drop > drop.max() / 3
    upper, lower = (np.zeros((len(assets.neutral), 3), np.float32) for _ in range(2))
    upper[parts.UPPER_TEETH, 1] = -1
    upper[soft, 1] = np.where(on_jaw, 0, -1)
    lower[parts.LOWER_TEETH, 1] = -1
    gums = slice(soft.start, parts.TONGUE_FROM)
    lower[gums, 1] = np.where(on_jaw[: parts.TONGUE_FROM - soft.start], -1, 0)
    return upper, lower
