"""What of the motion model is computed, not descended to: basis, scales, the regression of the face encoder."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from orate.corpora.motion_tracks import MotionTrack
from orate.face.blendshapes import BLENDSHAPE_NAMES
from orate.models.face_encoder import SCORES, FaceEncoder
from orate.models.motion_decoder import UPPER_COMPONENTS
from orate.models.motion_generator import MotionGenerator
from orate.render.head import IRIS, load_head

Floats = NDArray[np.float32]
# fmt: off
EYELIDS = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
    263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
)
LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
)
# fmt: on
LIP_WEIGHT = 3.0
FRAMES_FOR_BASIS = 12_000
RIDGE = 3.0
assert len(BLENDSHAPE_NAMES) == SCORES  # noqa: S101 - the regression's columns


def upper_mask() -> Floats:
    """(478,) 1 for brows and forehead, 0 from the eyes down, smooth between; 0 for eyelids and irises."""
    points = load_head().landmarks
    eyes = float(points[[33, 263], 1].mean())
    t = np.clip((points[:, 1] - eyes + 0.2) / 1.0, 0, 1)
    mask: Floats = (t * t * (3 - 2 * t) * moving_mask()).astype(np.float32)
    return mask


def moving_mask() -> Floats:
    """(478,) 0 for the points that motion leaves alone: eyelids and irises."""
    mask = np.ones(len(load_head().landmarks), np.float32)
    mask[list(EYELIDS)] = 0
    mask[IRIS] = 0
    return mask


def fit_basis(displacements: Floats, components: int) -> tuple[Floats, Floats]:
    """Principal components of the lower face, then of the upper.

    Args:
        displacements: (frames, 478, 3) cm from each person's own neutral, of training people.
        components: of both together; the last `UPPER_COMPONENTS` are the upper face's.

    Returns:
        The basis (components, 478, 3) cm, and the projection (components, 478, 3): coefficients are
        ``tensordot(displacement, projection)``.
    """
    upper = upper_mask()
    lower = moving_mask() - upper
    weights = np.ones(len(upper), np.float32)
    weights[list(LIPS)] = LIP_WEIGHT
    bases, projections = [], []
    for mask, count in ((lower, components - UPPER_COMPONENTS), (upper, UPPER_COMPONENTS)):
        spread = (displacements * (mask * weights)[:, None]).reshape(len(displacements), -1)
        _, axes = np.linalg.eigh(spread.T.astype(np.float64) @ spread)
        axes = axes[:, ::-1][:, :count].T.reshape(count, -1, 3).astype(np.float32)
        bases.append(axes / weights[:, None] * (mask > 0)[:, None])
        projections.append(axes * (mask * weights)[:, None])
    return np.concatenate(bases), np.concatenate(projections)


def sample_displacements(tracks: list[MotionTrack], neutrals: dict[str, Floats], seed: int = 0) -> Floats:
    """Displacements of a sample of frames, as many of each person as the person has up to an even share."""
    random = np.random.default_rng(seed)
    people = sorted({track.person for track in tracks})
    share = FRAMES_FOR_BASIS // len(people)
    parts = []
    for person in people:
        shapes = np.concatenate([track.shape for track in tracks if track.person == person])
        chosen = random.permutation(len(shapes))[:share]
        parts.append(shapes[chosen] - neutrals[person])
    return np.concatenate(parts).astype(np.float32)


def targets(track: MotionTrack, neutral: Floats, projection: Floats) -> Floats:
    """(T, components + 8): coefficients, lids, rotation, translation, in plain units."""
    coefficients = np.tensordot(track.shape - neutral, projection, ([1, 2], [1, 2]))
    return np.concatenate([coefficients, track.lids, track.rotation, track.translation], axis=1).astype(np.float32)


def fit_face_encoder(
    encoder: FaceEncoder, tracks: list[MotionTrack], neutrals: dict[str, Floats], projection: Floats, seed: int = 0
) -> None:
    """Fill in the buffers of the face encoder from training people.

    The ridge regression is fitted on as many frames of each person as of any other: what it has to bridge is the
    difference between people.
    """
    random = np.random.default_rng(seed)
    people = sorted({track.person for track in tracks})
    shapes, scores, wanted = [], [], []
    for person in people:
        mine = [track for track in tracks if track.person == person]
        shape = np.concatenate([track.shape for track in mine])
        score = np.concatenate([track.blendshapes for track in mine])
        chosen = random.permutation(len(shape))[:300]
        shapes.append(shape[chosen])
        scores.append(score[chosen])
        wanted.append(np.tensordot(shape[chosen] - neutrals[person], projection, ([1, 2], [1, 2])))
    weights = np.concatenate([np.full(len(shape), 1.0 / len(shape)) for shape in shapes])
    stacked, score = np.concatenate(shapes), np.concatenate(scores)
    mean = np.mean([neutrals[person] for person in people], axis=0)
    away = (stacked - mean).reshape(len(stacked), -1) * np.repeat(moving_mask(), 3)
    values, axes = np.linalg.eigh((away * weights[:, None]).T.astype(np.float64) @ away / len(people))
    count = len(encoder.shape_axes)
    shape_axes = axes[:, ::-1][:, :count].T / np.sqrt(np.maximum(values[::-1][:count], 1e-8))[:, None]
    own = np.stack([neutrals[person] for person in people]).reshape(len(people), -1) - mean.ravel()
    _, sizes, directions = np.linalg.svd(own * np.repeat(moving_mask(), 3), full_matrices=False)
    kept = len(encoder.identity_axes)
    filled = np.zeros((kept, directions.shape[1]))
    rank = min(kept, len(sizes))
    filled[:rank] = directions[:rank] / np.maximum(sizes[:rank, None] / np.sqrt(len(people)), 1e-3)
    encoder.mean_shape.copy_(torch.from_numpy(mean.astype(np.float32)))
    encoder.shape_axes.copy_(torch.from_numpy(shape_axes.astype(np.float32)))
    encoder.identity_axes.copy_(torch.from_numpy(filled.astype(np.float32)))
    with torch.no_grad():
        seen = encoder.features(torch.from_numpy(stacked), torch.from_numpy(score.astype(np.float32))).double().numpy()
    target = np.concatenate(wanted).astype(np.float64)
    centre, deviation = np.average(seen, axis=0, weights=weights), seen.std(axis=0) + 1e-4
    seen = (seen - centre) / deviation
    middle = np.average(target, axis=0, weights=weights)
    gram = (seen * weights[:, None]).T @ seen
    solved = np.linalg.solve(gram + RIDGE * np.eye(len(gram)), (seen * weights[:, None]).T @ (target - middle))
    ridge = solved / deviation[:, None]
    encoder.ridge.copy_(torch.from_numpy(ridge.astype(np.float32)))
    encoder.ridge_bias.copy_(torch.from_numpy((middle - centre @ ridge).astype(np.float32)))


def set_scales(generator: MotionGenerator, basis: Floats, values: Floats) -> None:
    """The basis, and the deviation of every output in real tracks."""
    scale = np.maximum(values.std(axis=0), 1e-3)
    generator.basis.copy_(torch.from_numpy(basis))
    generator.face_encoder.basis.copy_(torch.from_numpy(basis))
    generator.scale.copy_(torch.from_numpy(scale.astype(np.float32)))
