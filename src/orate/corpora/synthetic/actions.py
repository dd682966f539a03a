"""Measured landmarks as named facial actions: how much of each of ICT-FaceKit's expression axes a frame shows.

FaceLandmarker's scores are no amplitudes: on speech they are small where the lips are wide apart, and near zero for
rounded lips. So the weights are fitted to the landmarks, by non-negative least squares about the scores, with the gap
between the lips counted heavily: whether lips touch is what a listener sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from orate.errors import OrateError
from orate.face.blendshapes import BLENDSHAPE_NAMES
from orate.render.head import IRIS, load_head
from orate.render.lips import INNER_LOWER, INNER_UPPER, LOWER_RINGS, OUTER_CORNERS, UPPER_RINGS

Floats = NDArray[np.float64]

# Not fitted: lids and gaze come from the eyes' own landmarks, pupils are not seen, and a cheek's swelling is depth.
NOT_FITTED = ("PupilDilate", "eyeBlink", "eyeLook", "eyeWide", "cheekPuff", "jawForward")
MOUTH = ("jaw", "mouth")
SKIN_WEIGHT, MOUTH_WEIGHT, GAP_WEIGHT = 0.35, 1.0, 8.0
DEPTH_WEIGHT = 0.3  # depths are FaceLandmarker's guess
# How dear it is to leave the scores, in cm of the whole face's landmarks (root of the sum of squares) a unit of weight.
PRIOR_MOUTH, PRIOR_SKIN = 0.5, 1.2
MAX_WEIGHT = 1.2
SWEEPS = 60  # of coordinate descent; weights then change by less than 1e-4


def action_names() -> tuple[str, ...]:
    """The 57 axes' names in the order of weights here: ARKit's, with ``_L`` and ``_R`` for the person's sides."""
    return tuple(load_head().actions)


def to_order(weights: NDArray[np.floating], names: Sequence[str]) -> NDArray[np.float32]:
    """Weights (..., 57) in the order of `action_names` as weights (..., n) in another, by name.

    Axes that `names` lacks are left out; those that only it has stay 0.

    Raises:
        OrateError: the two have hardly a name in common, so that no face would move.
    """
    own = action_names()
    places = {name: place for place, name in enumerate(own)}
    if "jawOpen" not in names or sum(name in places for name in names) < len(own) // 4:
        raise OrateError(
            "The expression axes of the assets are not those of ICT-FaceKit (no 'jawOpen' among their names): "
            "give the folder with ict_facekit_light.npz."
        )
    ordered = np.zeros((*weights.shape[:-1], len(names)), np.float32)
    for column, name in enumerate(names):
        if name in places:
            ordered[..., column] = weights[..., places[name]]
    return ordered


def beside_rest(
    expression: NDArray[np.float32], rest: NDArray[np.floating], names: Sequence[str]
) -> NDArray[np.float32]:
    """Expressions (T, n) for a renderer that adds the person's `rest` (n,): lids that are shut are shut, not further.

    Whose lids hang has less way to go, and a squint gives way to a blink, which narrows the same opening.
    """
    moved = expression.copy()
    for side in ("_L", "_R"):
        blink, squint = f"eyeBlink{side}", f"eyeSquint{side}"
        if blink not in names:
            continue
        column = list(names).index(blink)
        shut = np.clip(expression[:, column], 0, 1)
        moved[:, column] = shut * (1 - rest[column])
        if squint in names:
            moved[:, list(names).index(squint)] -= shut * rest[list(names).index(squint)]
    return moved


def scores_as_actions(blendshapes: NDArray[np.floating]) -> Floats:
    """FaceLandmarker's scores (..., 52) under the axes' names, (..., 57); a name without sides goes to both."""
    columns = []
    for name in action_names():
        plain = name.replace("_L", "Left").replace("_R", "Right")
        plain = plain if plain in BLENDSHAPE_NAMES else name.removesuffix("_L").removesuffix("_R")
        known = plain in BLENDSHAPE_NAMES
        columns.append(blendshapes[..., BLENDSHAPE_NAMES.index(plain)] if known else np.zeros(blendshapes.shape[:-1]))
    return np.stack(columns, -1).astype(np.float64)


def actions_as_scores(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """Weights (..., 57) as FaceLandmarker's scores (..., 52), in [0, 1]; those without sides are means."""
    names = action_names()
    scores = np.zeros((*weights.shape[:-1], len(BLENDSHAPE_NAMES)), np.float32)
    for place, plain in enumerate(BLENDSHAPE_NAMES):
        sided = plain.replace("Left", "_L").replace("Right", "_R")
        wanted = [name for name in (sided, plain, f"{plain}_L", f"{plain}_R") if name in names]
        if wanted:
            scores[..., place] = np.mean([weights[..., names.index(name)] for name in dict.fromkeys(wanted)], axis=0)
    return np.clip(scores, 0, 1)


def fit_actions(displacement: NDArray[np.floating], gaps: NDArray[np.floating], prior: NDArray[np.floating]) -> Floats:
    """Weights (T, 57), at least 0, of the actions that move the face as it was seen to move.

    Args:
        displacement: (T, 478, 3) cm in head space, from the same face at rest.
        gaps: (T, 9) cm, how far each pair of inner lips' points is apart; 0 where they touch.
        prior: (T, 57), scores less those at rest, that weights are drawn to where landmarks do not tell.

    Axes of the eyes are 0: `orate.corpora.synthetic.motion` measures lids and gaze by themselves.
    """
    design, fitted, stiffness = _design()
    rows, opening = _row_weights()
    points = (np.asarray(displacement, np.float64)[:, : IRIS.start] * rows).reshape(len(displacement), -1)
    target = np.concatenate([points, opening * np.asarray(gaps, np.float64)], axis=1)
    wanted = np.maximum(prior[:, fitted], 0)
    gram = design.T @ design + np.diag(stiffness)
    solution = _non_negative(gram, target @ design + wanted * stiffness, wanted)
    weights = np.zeros((len(displacement), len(action_names())))
    weights[:, fitted] = solution
    return weights


def _non_negative(gram: Floats, moments: Floats, start: Floats) -> Floats:
    """Rows x in [0, MAX_WEIGHT] that minimise x G x' / 2 - m x', by coordinate descent over all rows at once."""
    solution = np.array(start)
    for _ in range(SWEEPS):
        for column in range(len(gram)):
            step = (moments[:, column] - solution @ gram[:, column]) / gram[column, column]
            solution[:, column] = np.clip(solution[:, column] + step, 0, MAX_WEIGHT)
    return solution


@cache
def _row_weights() -> tuple[Floats, Floats]:
    """(468, 3) and (9,): how much each coordinate of a point, and each gap, counts."""
    rows = np.full((IRIS.start, 3), SKIN_WEIGHT)
    lips = np.concatenate([UPPER_RINGS.ravel(), LOWER_RINGS.ravel(), OUTER_CORNERS])
    rows[lips] = MOUTH_WEIGHT
    rows[:, 2] *= DEPTH_WEIGHT
    return rows, np.full(len(INNER_UPPER), GAP_WEIGHT)


@cache
def _design() -> tuple[Floats, NDArray[np.int64], Floats]:
    """(1413, n) weighted motion of landmarks and gaps a unit of each fitted axis, which axes, and (n,) the prior's."""
    names = action_names()
    fitted = np.array([place for place, name in enumerate(names) if not name.startswith(NOT_FITTED)])
    axes = np.stack([load_head().actions[names[place]] for place in fitted]).astype(np.float64)
    rows, opening = _row_weights()
    apart = (axes[:, INNER_UPPER, 1] - axes[:, INNER_LOWER, 1]) * opening
    design = np.concatenate([(axes[:, : IRIS.start] * rows).reshape(len(axes), -1), apart], axis=1).T
    prior = [PRIOR_MOUTH if names[place].startswith(MOUTH) else PRIOR_SKIN for place in fitted]
    return design, fitted, np.square(prior)
