"""The face at rest, and speech as a displacement from it: closed lips that are closed, open lips that never cross."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.face.blendshapes import BLENDSHAPE_NAMES
from orate.face.masks import smoothstep
from orate.render.head import LANDMARKS, load_head
from orate.render.lips import (
    CLOSED_GAP,
    INNER_CORNERS,
    INNER_LOWER,
    INNER_UPPER,
    LOWER_RINGS,
    OUTER_CORNERS,
    UPPER_RINGS,
)
from orate.render.source import FaceSource

Points = NDArray[np.float64]

# Lengths in cm of the head.
SEAL_GAP = 0.04  # speech that opens the lips by less leaves them sealed
# The next three were set so that open lips come to rest where the same people's closed lips are: against closed frames
# of 31 GRID clips and of 49 people's motion tracks, smiles among them.
UPPER_PART = 0.4  # of a gap is closed by the upper lip, the rest by the lower
LIPS_KEPT, JAW_KEPT = 0.15, 0.0  # how much of the photo's expression of the lips stays at rest, and of the jaw's
WIDENED = 0.2  # of a narrowing that the estimate names: it takes narrow mouths for pursed ones
FADE_ABOVE, FADE_BELOW = 1.0, 1.6  # over which the skin above and below the lips follows them
LIP_CORNERS = np.array([61, 76, 62, 78, 291, 306, 292, 308])
# Actions of mouth and jaw whose effect on the photo is undone in part; the rest of the face keeps its own.
UNDONE = ("mouthSmile", "mouthUpperUp", "mouthLowerDown", "mouthStretch", "mouthFunnel", "mouthPucker", "mouthDimple")


def expression_from_blendshapes(blendshapes: NDArray[np.floating]) -> NDArray[np.float32]:
    """(478, 3) cm: mouth and jaw's displacement from neutral, as FaceLandmarker's scores (52,) name it.

    A coarse estimate: scores are no amplitudes. It is good enough where lips are then closed exactly.
    """
    expression = np.zeros((LANDMARKS, 3), np.float32)
    for name, axis in load_head().actions.items():
        plain = name.replace("_L", "Left").replace("_R", "Right")
        if plain in BLENDSHAPE_NAMES and name.startswith(("jaw", *UNDONE)):
            expression += np.float32(blendshapes[BLENDSHAPE_NAMES.index(plain)]) * axis.astype(np.float32)
    return expression


def face_at_rest(shape: NDArray[np.floating], expression: NDArray[np.floating]) -> Points:
    """The photo's face with its lips closed and the rest of its expression kept as far as that allows.

    Args:
        shape: (478, 3) cm in head space, the photo's face.
        expression: (478, 3) cm, an estimate of the displacement of its expression from neutral.

    Returns:
        (478, 3) cm. Lips that are closed already stay bit for bit, for landmarks of closed lips leave small gaps.
        Otherwise each pair of inner lip points coincides.
    """
    points: Points = np.array(shape, np.float64)
    gaps = points[INNER_UPPER, 1] - points[INNER_LOWER, 1]
    if gaps.max() <= CLOSED_GAP:
        return points
    parted = float(smoothstep(np.array((gaps.max() - CLOSED_GAP) / CLOSED_GAP)))
    jaw = load_head().actions["jawOpen"].astype(np.float64)
    estimate = np.asarray(expression, np.float64) * mouth_region(points)[:, None]
    opening = float(np.clip((estimate * jaw).sum() / (jaw * jaw).sum(), 0, 1))
    jaw_part = opening * jaw * mouth_region(points)[:, None]
    lips = estimate - jaw_part
    if lips[OUTER_CORNERS[1], 0] < lips[OUTER_CORNERS[0], 0]:
        lips[:, 0] *= WIDENED
    rest = points - parted * ((1 - JAW_KEPT) * jaw_part + (1 - LIPS_KEPT) * lips)
    return join_lips(rest, np.zeros((len(INNER_UPPER), 3)))


def speaking_face(source: FaceSource, expression: NDArray[np.floating]) -> Points:
    """(478, 3) cm: the face at rest with an expression (478, 3) cm added, on the scale of its own mouth.

    Lips open by what the expression opens them, never less than at rest, and stay sealed while that is below
    SEAL_GAP; above it the opening grows continuously to the expression's own.
    """
    rest = source.rest
    moved = np.asarray(expression, np.float64)
    if not moved.any():
        return rest
    moved = moved * mouth_ratio(rest)
    opening = moved[INNER_UPPER] - moved[INNER_LOWER]
    height = opening[:, 1]
    over = np.maximum(height - SEAL_GAP, 0)
    wanted = over + SEAL_GAP * over**2 / (over**2 + 4 * SEAL_GAP**2)
    share = np.divide(wanted, height, out=np.zeros_like(height), where=over > 0)
    return join_lips(rest + moved, rest[INNER_UPPER] - rest[INNER_LOWER] + share[:, None] * opening)


def retarget(source: FaceSource, expression: NDArray[np.floating]) -> Points:
    """(478, 2) px: where the landmarks of `speaking_face` lie in the photo."""
    return source.pixels(speaking_face(source, expression))


def mouth_ratio(shape: NDArray[np.floating]) -> float:
    """The width of a face's mouth over the generic head's, within sane bounds."""
    left, right = OUTER_CORNERS
    neutral = load_head().landmarks
    ratio = np.linalg.norm(shape[right] - shape[left]) / np.linalg.norm(neutral[right] - neutral[left])
    return float(np.clip(ratio, 0.8, 1.2))


def join_lips(shape: NDArray[np.floating], difference: Points) -> Points:
    """Bring each pair of inner lip points to a given difference, upper minus lower (9, 3) cm.

    The lips follow whole, the skin around them less with the distance. Where the pairs have it already, nothing moves.
    """
    joined = np.asarray(shape, np.float64).copy()
    excess = joined[INNER_UPPER] - joined[INNER_LOWER] - difference
    upper, lower = -UPPER_PART * excess, (1 - UPPER_PART) * excess
    if not np.abs(excess).max() > 1e-12:
        return joined
    pairs = 0.5 * (joined[INNER_UPPER] + joined[INNER_LOWER])
    above, below = _followers(joined, pairs)
    _carry(joined, above, UPPER_RINGS, upper, FADE_ABOVE)
    _carry(joined, below, LOWER_RINGS, lower, FADE_BELOW)
    # Exactly, after rounding: the upper points take their place from the lower.
    joined[INNER_UPPER] = joined[INNER_LOWER] + difference
    return joined


def mouth_region(shape: NDArray[np.floating]) -> Points:
    """(478,) in [0, 1]: 1 at the mouth and chin, 0 from the eyes up."""
    eyes, mouth = shape[[33, 133, 362, 263], 1].mean(), shape[list(INNER_CORNERS), 1].mean()
    region: Points = smoothstep((eyes - shape[:, 1]) / max(eyes - mouth, 1e-6) * 1.25 - 0.25)
    return region


def _followers(shape: Points, pairs: Points) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Points of the skin above and below the lips' line; lips' own points and corners left out."""
    lips = np.concatenate([UPPER_RINGS.ravel(), LOWER_RINGS.ravel(), LIP_CORNERS])
    skin = np.setdiff1d(np.arange(LANDMARKS), lips)
    line = np.interp(shape[skin, 0], pairs[:, 0], pairs[:, 1])
    return skin[shape[skin, 1] > line], skin[shape[skin, 1] <= line]


def _carry(shape: Points, skin: NDArray[np.int64], rings: NDArray[np.int64], shift: Points, fade: float) -> None:
    """Move a lip's rings by the shift (9, 3) of its inner points, and skin by the nearby outer ring's, fading."""
    outer = shape[rings[-1]]
    distance = ((shape[skin, None, :2] - outer[None, :, :2]) ** 2).sum(axis=2)
    weights = 1 / (distance + 0.1) ** 2
    share = 1 - smoothstep(np.sqrt(distance.min(axis=1)) / fade)
    shape[skin] += share[:, None] * (weights @ shift) / weights.sum(axis=1, keepdims=True)
    for ring in rings:
        shape[ring] += shift
