"""Tracks of facial motion: measured landmarks without pictures, and the features of the speech that goes with them.

Layout of a folder: ``basis.npz``, ``speech_scale.npy`` and ``PERSON/NUMBER.npz``; see `read_tracks`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate.corpora.mirror import MIRROR_478
from orate.errors import OrateError
from orate.render.head import load_head
from orate.render.pose import HeadPose, rotation_matrix

FPS = 25.0
VALIDATION_EVERY = 6
INNER_LIP_PAIRS = ((13, 14), (82, 87), (312, 317))
BLINK_SCORES = (10, 9)  # of the blendshapes: right eye, left eye
NECK_PIVOT_CM = np.array([0.0, -7.0, -4.0])
"""The point of the head, in head space, whose way the translation is: the head turns about it."""
CLOSED_SHARE = 0.15

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class MotionTrack:
    """One stretch of T frames.

    Attributes:
        person: who, unique over all corpora.
        shape: (T, 478, 3) cm, the landmarks in head space.
        blendshapes: (T, 52) in [0, 1].
        rotation: (T, 3) rad, rotation vectors of the head away from the stretch's mean pose, in head axes.
        translation: (T, 3) cm, of `NECK_PIVOT_CM` away from its mean, in head axes; depth is not measured and 0.
        speech: one or more (T, 2, 384) encodings of the sound: plain ones and augmented ones.
        validation: held out.
        unseen: the person is held out whole.
    """

    person: str
    shape: Floats
    blendshapes: Floats
    rotation: Floats
    translation: Floats
    speech: tuple[Floats, ...]
    validation: bool
    unseen: bool

    @property
    def lids(self) -> Floats:
        """(T, 2) blink scores of the person's right and left eye."""
        return self.blendshapes[:, list(BLINK_SCORES)]

    def mirrored(self) -> MotionTrack:
        """Left and right exchanged; the blendshapes, named by side, are left out but for the blinks."""
        scores = self.blendshapes.copy()
        scores[:, list(BLINK_SCORES)] = scores[:, list(BLINK_SCORES[::-1])]
        return replace(
            self,
            shape=self.shape[:, MIRROR_478] * np.array([-1, 1, 1], np.float32),
            blendshapes=scores,
            rotation=self.rotation * np.array([1, -1, -1], np.float32),
            translation=self.translation * np.array([-1, 1, 1], np.float32),
        )


def lip_gap(shape: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean distance of the inner lips' edges, (..., 478, 3) to (...), in the unit of `shape`."""
    gaps = [np.linalg.norm(shape[..., upper, :] - shape[..., lower, :], axis=-1) for upper, lower in INNER_LIP_PAIRS]
    mean: NDArray[np.floating] = np.mean(gaps, axis=0)
    return mean


def person_neutrals(tracks: list[MotionTrack]) -> dict[str, Floats]:
    """Each person's face with closed lips: the median over the 15% of frames with the smallest gap, (478, 3) cm."""
    neutrals = {}
    for person in sorted({track.person for track in tracks}):
        shapes = np.concatenate([track.shape for track in tracks if track.person == person])
        gaps = lip_gap(shapes)
        closed = shapes[gaps <= np.quantile(gaps, CLOSED_SHARE)]
        neutrals[person] = np.median(closed, axis=0).astype(np.float32)
    return neutrals


def read_tracks(folder: Path) -> list[MotionTrack]:
    """Read a folder of tracks; every sixth person in sorted order is validation.

    ``PERSON/NUMBER.npz`` holds for T frames ``motion`` (T, 64), coefficients of ``basis.npz: components`` about its
    ``mean`` (478, 3); ``rotation`` (T, 3), rotation vectors from canonical to image axes; ``scale`` (T,), canonical
    units a pixel; ``translation`` (T, 3) px of the stable points' centroid; ``blendshapes`` (T, 52); ``speech``
    (2T, 384) int8, to be multiplied by ``speech_scale.npy``.

    Raises:
        OrateError: the folder holds no tracks.
    """
    try:
        with np.load(folder / "basis.npz") as file:
            mean, components = file["mean"].astype(np.float32), file["components"].astype(np.float32)
        speech_scale = np.load(folder / "speech_scale.npy").astype(np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise OrateError(f"{folder} holds no motion tracks (basis.npz, speech_scale.npy: {error}).") from error
    tracks = []
    people = sorted(path for path in folder.iterdir() if path.is_dir())
    for number, person in enumerate(people):
        held_out = number % VALIDATION_EVERY == 0
        for path in sorted(person.glob("*.npz")):
            with np.load(path) as file:
                values = {name: file[name] for name in file.files}
            tracks.append(_track(person.name, values, mean, components, speech_scale, held_out))
    if not tracks:
        raise OrateError(f"{folder} holds no motion tracks: give the folder with basis.npz and one folder a person.")
    return tracks


def relative_poses(poses: list[HeadPose]) -> tuple[Floats, Floats]:
    """Rotation (T, 3) rad and translation (T, 3) cm away from the mean pose, in head axes."""
    turns = np.stack([pose.rotation for pose in poses])
    left, _, right = np.linalg.svd(turns.mean(axis=0))
    mean = left @ np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right
    scale = float(np.median([pose.scale for pose in poses]))
    places = np.stack([pose.project(NECK_PIVOT_CM) for pose in poses])
    places[:, 2] = 0.0
    shift = (places - places.mean(axis=0)) / scale @ mean.T
    shift[:, 2] = 0.0
    return rotation_vectors(turns @ mean.T).astype(np.float32), shift.astype(np.float32)


def rotation_vectors(matrices: NDArray[np.floating]) -> NDArray[np.float64]:
    """(T, 3, 3) matrices for row vectors to (T, 3) vectors; the inverse of `orate.render.pose.rotation_matrix`.

    For turns well under 180 degrees.
    """
    m = np.asarray(matrices, np.float64)
    axis = np.stack([m[:, 1, 2] - m[:, 2, 1], m[:, 2, 0] - m[:, 0, 2], m[:, 0, 1] - m[:, 1, 0]], axis=1)
    sine = np.linalg.norm(axis, axis=1) / 2
    angle = np.arctan2(sine, (np.trace(m, axis1=1, axis2=2) - 1) / 2)
    factor = np.where(sine < 1e-9, 0.5, angle / np.maximum(2 * sine, 1e-12))
    return axis * factor[:, None]


def _track(
    person: str,
    values: dict[str, NDArray[np.generic]],
    mean: Floats,
    components: Floats,
    speech_scale: Floats,
    held_out: bool,
) -> MotionTrack:
    head = load_head()
    motion = values["motion"].astype(np.float32)
    canonical = mean + np.tensordot(motion, components, 1)
    poses = []
    for vector, scale, place in zip(values["rotation"], values["scale"], values["translation"], strict=True):
        turn = head.canonical_rotation.T @ _matrix(np.asarray(vector, np.float64))
        size = 1.0 / float(scale) / head.canonical_scale
        poses.append(HeadPose(size, turn, np.asarray(place, np.float64) - size * head.canonical_shift @ turn))
    rotation, translation = relative_poses(poses)
    speech = (values["speech"].astype(np.float32) * speech_scale).reshape(len(motion), 2, -1)
    return MotionTrack(
        person=person,
        shape=(head.from_canonical(canonical) + head.canonical_shift).astype(np.float32),
        blendshapes=values["blendshapes"].astype(np.float32),
        rotation=rotation,
        translation=translation,
        speech=(speech,),
        validation=held_out,
        unseen=held_out,
    )


def _matrix(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """SciPy's ``Rotation.from_rotvec(vector).as_matrix()``, which the tracks multiply row vectors with."""
    return rotation_matrix(vector).T
