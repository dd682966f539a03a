"""Motion of a real clip for a synthetic head: weights of facial actions, lids, gaze and head pose, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from orate.corpora.motion_tracks import CLOSED_SHARE, lip_gap, relative_poses
from orate.corpora.synthetic.actions import MOUTH, action_names, fit_actions, scores_as_actions
from orate.render.lips import CLOSED_GAP, INNER_LOWER, INNER_UPPER
from orate.render.pose import HeadPose, fit_pose
from orate.render.rest import SEAL_GAP, expression_from_blendshapes, face_at_rest, mouth_ratio

Floats = NDArray[np.float32]

# Lids' edges above one another, and corners, of the person's right and left eye.
LIDS = (((160, 144), (159, 145), (158, 153)), ((387, 373), (386, 374), (385, 380)))
CORNERS = ((33, 133), (362, 263))
IRIS_CENTRES = (468, 473)
SIDES = ("_R", "_L")
OPEN_QUANTILE = 0.8  # lids are lowered in a fifth of the frames at most
# Closure of the lids that is noise, and that shuts the eye: of GRID's blinks landmarks leave hardly a gap.
LIDS_STILL, LIDS_SHUT = 0.08, 0.94
WIDE_GAIN = 1.5  # weight of eyeWide a part of the opening by which lids are further apart than usual
EYEBALL_CM = 1.2
GAZE_LIMIT_DEG = (18.0, 12.0)
GAZE_UNSEEN = 0.4  # closure beyond which the iris is not seen
SKIN_SMOOTHING_FRAMES = 1.2  # of brows, cheeks and gaze, which are slow; lips are left as they are
HEAD_SMOOTHING_FRAMES = 1.0  # the head is heavy; landmarks tremble


@dataclass(frozen=True)
class ActionMotion:
    """T frames of motion, of no particular face.

    Attributes:
        weights: (T, 57) in the order of `action_names`, 0 for the face at rest.
        rotation: (T, 3) rad, rotation vectors away from the clip's mean pose, in head axes.
        translation: (T, 3) cm, of the neck's pivot away from its mean, in head axes.
        gaze: (T, 2) degrees to the image's right and down, within the head, about the clip's usual gaze.
    """

    weights: Floats
    rotation: Floats
    translation: Floats
    gaze: Floats

    def __len__(self) -> int:
        return len(self.weights)

    def part(self, first: int, count: int) -> ActionMotion:
        """Frames from `first` on."""
        return ActionMotion(**{name: values[first : first + count] for name, values in vars(self).items()})

    def scaled(self, mouth: float, skin: float, head: float) -> ActionMotion:
        """Livelier or calmer: factors of the mouth's actions, of brows' and cheeks', and of the head's movement.

        Lids close as far as they did.
        """
        factors = [
            mouth if name.startswith(MOUTH) else 1.0 if name.startswith("eyeBlink") else skin for name in action_names()
        ]
        weights = np.clip(self.weights * np.array(factors, np.float32), 0, 1)
        moved = {"rotation": self.rotation * np.float32(head), "translation": self.translation * np.float32(head)}
        return replace(self, weights=weights, **moved)

    def mirrored(self) -> ActionMotion:
        """Left and right exchanged."""
        names = action_names()
        swapped = [_other_side(name) for name in names]
        return ActionMotion(
            weights=self.weights[:, [names.index(name) for name in swapped]],
            rotation=self.rotation * np.array([1, -1, -1], np.float32),
            translation=self.translation * np.array([-1, 1, 1], np.float32),
            gaze=self.gaze * np.array([-1, 1], np.float32),
        )


def measure_motion(landmarks: NDArray[np.floating], blendshapes: NDArray[np.floating]) -> ActionMotion:
    """The motion of a clip.

    Args:
        landmarks: (T, 478, 3) px of the picture, one pixel as wide as high.
        blendshapes: (T, 52) scores.
    """
    poses = [fit_pose(points) for points in landmarks]
    shape = np.stack([pose.unproject(points) for pose, points in zip(poses, landmarks, strict=True)])
    rest, resting = rest_face(shape, blendshapes)
    ratio = mouth_ratio(rest)
    closed = np.median((shape[resting][:, INNER_UPPER] - shape[resting][:, INNER_LOWER])[..., 1], axis=0)
    apart = (shape[:, INNER_UPPER] - shape[:, INNER_LOWER])[..., 1] - np.clip(closed, 0, CLOSED_GAP)
    prior = scores_as_actions(blendshapes)
    prior = prior - np.median(prior[resting], axis=0)
    weights = fit_actions((shape - rest) / ratio, sealed(apart) / ratio, prior)
    slow = np.array([not name.startswith(MOUTH) for name in action_names()])
    weights[:, slow] = smoothed(weights[:, slow], SKIN_SMOOTHING_FRAMES)
    closure = np.stack([lid_closure(shape, side) for side in (0, 1)], 1)
    _set_lids(weights, closure)
    gaze = measured_gaze(shape, closure)
    _set_looks(weights, gaze)
    rotation, translation = _head_movement(poses)
    return ActionMotion(weights.astype(np.float32), rotation, translation, gaze.astype(np.float32))


def rest_face(
    shape: NDArray[np.floating], blendshapes: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The speaker's face at rest (478, 3) cm, and which of the frames (T,) it was made of: those with closest lips.

    Where lips never close in the clip, they are closed.
    """
    gap = lip_gap(shape)
    resting = gap <= np.quantile(gap, CLOSED_SHARE)
    mean = np.median(shape[resting], axis=0)
    scores = np.median(np.asarray(blendshapes, np.float32)[resting], axis=0)
    return face_at_rest(mean, expression_from_blendshapes(scores)), resting


def sealed(gap: NDArray[np.floating]) -> NDArray[np.float64]:
    """Gaps of lips (cm) without the landmarks' noise: 0 below SEAL_GAP, their own well above it."""
    over = np.maximum(np.asarray(gap, np.float64) - SEAL_GAP, 0)
    result: NDArray[np.float64] = over + SEAL_GAP * over**2 / (over**2 + 4 * SEAL_GAP**2)
    return result


def lid_closure(shape: NDArray[np.floating], side: int) -> NDArray[np.float64]:
    """(T,): by how much of its usual opening an eye (0 the person's right) is closed; below 0 where it is wider."""
    gap = np.mean([shape[:, upper, 1] - shape[:, lower, 1] for upper, lower in LIDS[side]], axis=0)
    closure: NDArray[np.float64] = 1 - gap / max(float(np.quantile(gap, OPEN_QUANTILE)), 1e-3)
    return closure


def measured_gaze(shape: NDArray[np.floating], closure: NDArray[np.floating]) -> NDArray[np.float64]:
    """(T, 2) degrees right and down, mean of both eyes, about the clip's median; held where lids hide the iris."""
    seen = np.median(closure, axis=1) < GAZE_UNSEEN
    if not seen.any():
        return np.zeros((len(shape), 2))
    offsets = []
    for iris, corners in zip(IRIS_CENTRES, CORNERS, strict=True):
        offsets.append(shape[:, iris, :2] - shape[:, list(corners), :2].mean(axis=1))
    offset = np.mean(offsets, axis=0) * [1, -1]
    offset = offset - np.median(offset[seen], axis=0)
    frames = np.arange(len(shape))
    held = np.stack([np.interp(frames, frames[seen], offset[seen, axis]) for axis in (0, 1)], 1)
    limits = np.array(GAZE_LIMIT_DEG)
    angle = np.degrees(np.arcsin(np.clip(smoothed(held, SKIN_SMOOTHING_FRAMES) / EYEBALL_CM, -0.9, 0.9)))
    return np.clip(angle, -limits, limits)


def smoothed(values: NDArray[np.floating], sigma: float) -> NDArray[np.float64]:
    """Columns of (T, n) low-passed by a Gaussian of so many frames, the ends mirrored."""
    radius = max(1, round(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(np.asarray(values, np.float64), ((radius, radius), (0, 0)), mode="symmetric")
    return np.column_stack([np.convolve(column, kernel, mode="valid") for column in padded.T])


def _set_lids(weights: NDArray[np.float64], closure: NDArray[np.float64]) -> None:
    names = action_names()
    for side, letter in enumerate(SIDES):
        shut = np.clip((closure[:, side] - LIDS_STILL) / (LIDS_SHUT - LIDS_STILL), 0, 1)
        weights[:, names.index(f"eyeBlink{letter}")] = shut
        weights[:, names.index(f"eyeWide{letter}")] = np.clip(WIDE_GAIN * (-closure[:, side] - LIDS_STILL), 0, 1)
        # A squint and a blink narrow the same opening: together they would push the lids through each other.
        weights[:, names.index(f"eyeSquint{letter}")] *= 1 - shut


def _set_looks(weights: NDArray[np.float64], gaze: NDArray[np.float64]) -> None:
    """The lids' part in looking about: axes of ARKit's names, full at 30 degrees."""
    names = action_names()
    right, down = gaze[:, 0] / 30, gaze[:, 1] / 30
    for letter, inwards in (("_R", right), ("_L", -right)):
        # Eyes that look to the image's right: the person's right eye, at the image's left, looks in.
        for name, amount in (("In", inwards), ("Out", -inwards), ("Down", down), ("Up", -down)):
            weights[:, names.index(f"eyeLook{name}{letter}")] = np.clip(amount, 0, 1)


def _head_movement(poses: list[HeadPose]) -> tuple[Floats, Floats]:
    """Rotation vectors (T, 3) and the neck's way (T, 3) cm about their means, smoothed, in head axes."""
    rotation, translation = relative_poses(poses)
    return (
        smoothed(rotation, HEAD_SMOOTHING_FRAMES).astype(np.float32),
        smoothed(translation, HEAD_SMOOTHING_FRAMES).astype(np.float32),
    )


def _other_side(name: str) -> str:
    for one, other in (("_L", "_R"), ("_R", "_L"), ("Left", "Right"), ("Right", "Left")):
        if name.endswith(one):
            return name.removesuffix(one) + other
    return name
