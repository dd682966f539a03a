"""Emotions as displacements of the face: named facial actions of ICT-FaceKit, put together as FACS describes them."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from orate.render.head import IRIS, load_head

Emotion = Literal["neutral", "happy", "sad", "angry", "fear", "disgust", "surprise"]
EMOTIONS: tuple[Emotion, ...] = get_args(Emotion)

# Action units of the emotions (Ekman and Friesen, EMFACS) as ARKit's actions, `*` for both sides. What opens the mouth
# is left out: that is speech's. Strengths stay below those of posed faces, whose flow would show.
RECIPES: dict[str, dict[str, float]] = {
    "neutral": {},
    "happy": {"mouthSmile_*": 0.55, "cheekSquint_*": 0.5, "cheekRaiser_*": 0.35, "mouthDimple_*": 0.1},
    "sad": {"browInnerUp_*": 1.0, "mouthFrown_*": 1.1, "browDown_*": 0.15, "mouthShrugLower": 0.3},
    "angry": {"browDown_*": 1.3, "noseSneer_*": 0.3, "mouthPress_*": 0.4, "mouthFrown_*": 0.7},
    "fear": {"browInnerUp_*": 1.0, "browOuterUp_*": 0.3, "browDown_*": 0.25, "mouthStretch_*": 0.7},
    "disgust": {"noseSneer_*": 0.55, "browDown_*": 0.6, "mouthFrown_*": 0.5, "cheekRaiser_*": 0.3},
    "surprise": {"browInnerUp_*": 1.0, "browOuterUp_*": 1.0},
}
# Lids: the same emotions' narrowing (positive) or widening (negative) of the eyes, as closure at full strength.
LIDS: dict[str, float] = {"happy": 0.12, "angry": 0.15, "disgust": 0.18, "sad": 0.15}
EYELIDS = [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246]
EYELIDS += [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466]


def emotion_expression(emotion: Emotion, strength: float = 1.0) -> NDArray[np.float32]:
    """The displacement of an emotion: (478, 3) cm in head space; eyelids and irises stay.

    Args:
        emotion: one of `EMOTIONS`.
        strength: 0 to 1.
    """
    actions = load_head().actions
    total = np.zeros((478, 3), np.float32)
    for name, weight in RECIPES[emotion].items():
        sides = (name.replace("*", "L"), name.replace("*", "R")) if "*" in name else (name,)
        for side in sides:
            total += weight * strength * actions[side]
    total[EYELIDS] = 0
    total[IRIS] = 0
    return total


def emotion_lids(emotion: Emotion, strength: float = 1.0) -> float:
    """Closure of the lids that belongs to an emotion, 0 to 1."""
    return LIDS.get(emotion, 0.0) * strength
