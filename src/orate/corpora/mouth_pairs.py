"""Pairs for the refinement: frames of a clip as the layers draw them from another frame, and as they are.

Both lie in the mouth's patch of the frame that is drawn from (`orate.render.mouth_patch`). The true frame is brought to
that frame's pose by a similarity over the points that speech hardly moves, and so are its landmarks, which the layers
are given: what is left for the refinement to learn is what the layers cannot draw, not where the lips should be.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.corpora.clip import Clip
from orate.errors import OrateError
from orate.face.landmarks import Face, FaceLandmarker
from orate.media.files import whole_file
from orate.media.video import read_video
from orate.render.expression_flow import ExpressionFlow
from orate.render.head import load_head
from orate.render.lips import INNER_LOWER, INNER_UPPER
from orate.render.mouth import Mouth
from orate.render.mouth_patch import MouthPatch
from orate.render.pose import fit_pose
from orate.render.rest import expression_from_blendshapes, face_at_rest
from orate.render.source import FaceSource

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class MouthPairs:
    """Pairs in memory; n pairs of patches of h x w.

    Attributes:
        drawn, truth, own: (n, h, w, 3) uint8 RGB: the layers' patch, the true frame's, the photo's.
        masks: (n, MASKS, h, w) uint8, as `MouthPatch.masks` gives them.
        stirred: (n,) in [0, 1], as `MouthPatch.stirred` gives it.
        speaker, split: (n,) str.
    """

    drawn: Bytes
    truth: Bytes
    own: Bytes
    masks: Bytes
    stirred: NDArray[np.float32]
    speaker: NDArray[np.str_]
    split: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.drawn)

    def chosen(self, which: NDArray[np.generic]) -> MouthPairs:
        """The pairs that an index or a mask of booleans (n,) chooses."""
        return MouthPairs(**{name: values[which] for name, values in vars(self).items()})

    def save(self, path: Path) -> None:
        """Write them to an .npz, whole or not at all."""
        with whole_file(path) as partial, partial.open("wb") as file:
            np.savez(file, **vars(self))

    @staticmethod
    def joined(parts: list[MouthPairs]) -> MouthPairs:
        """All pairs of one or more parts."""
        names = vars(parts[0])
        return MouthPairs(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def load_pairs(path: Path) -> MouthPairs:
    """Read what `MouthPairs.save` wrote.

    Raises:
        OrateError: there is no such file, or it is no file of pairs.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return MouthPairs(**{name: file[name] for name in MouthPairs.__dataclass_fields__})
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise OrateError(
            f"{path} holds no pairs of mouths ({error}): make it with tools/make_mouth_pairs.py."
        ) from error


def clip_pairs(clip: Clip, landmarker: FaceLandmarker, frames: int, sources: int) -> MouthPairs | None:
    """Pairs of one clip, or None where it shows a face in fewer than three of the frames looked at.

    Args:
        clip: the clip.
        landmarker: finds the faces.
        frames: how many frames are looked at, spread evenly.
        sources: how many of them are drawn from: the one whose lips are closest together, then the one whose lips are
            furthest apart, then others evenly between.
    """
    found = _faces(clip.video, landmarker, frames)
    if len(found) < 3:
        return None
    apart = [float((face.landmarks[INNER_LOWER, 1] - face.landmarks[INNER_UPPER, 1]).max()) for _, face in found]
    order = np.argsort(apart)
    ranks = [0, len(order) - 1, *np.linspace(0, len(order) - 1, sources)[1:-1].astype(int)][:sources]
    parts = []
    for rank in ranks:
        chosen = int(order[rank])
        image, face = found[chosen]
        drawing = _Drawing(face_source(image, face))
        parts += [drawing.pair(*other, clip) for index, other in enumerate(found) if index != chosen]
    return MouthPairs.joined(parts)


def face_source(image: Bytes, face: Face) -> FaceSource:
    """A frame (H, W, 3) and the face found in it, as the layers take it."""
    landmarks = face.landmarks.astype(np.float64)
    pose = fit_pose(landmarks)
    shape = pose.unproject(landmarks)
    scores = face.blendshapes.astype(np.float32)
    rest = face_at_rest(shape, expression_from_blendshapes(scores))
    return FaceSource(image, landmarks, scores, pose, shape, rest)


class _Drawing:
    """The layers of one photo, up to the refinement."""

    def __init__(self, source: FaceSource) -> None:
        self._source = source
        self._patch, self._expression, self._mouth = MouthPatch(source), ExpressionFlow(source), Mouth(source)

    def pair(self, image: Bytes, face: Face, clip: Clip) -> MouthPairs:
        """Another frame of the clip drawn from this one, beside itself."""
        source = self._source
        matrix = _alignment(face.landmarks[:, :2], source.landmarks[:, :2])
        target = face.landmarks[:, :2].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
        canvas = source.photo.copy()
        self._expression(canvas, target)
        self._mouth(canvas, target)
        shifted = matrix.copy()
        shifted[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5  # OpenCV's pixel centres are at integers
        height, width = source.photo.shape[:2]
        flags, border = cv2.INTER_CUBIC, cv2.BORDER_REPLICATE
        truth = cv2.warpAffine(image, shifted, (width, height), flags=flags, borderMode=border)
        return MouthPairs(
            self._patch.cut(canvas)[None],
            self._patch.cut(truth.astype(np.uint8))[None],
            self._patch.own[None],
            self._patch.masks(target)[None],
            np.array([self._patch.stirred(target)], np.float32),
            np.array([clip.speaker]),
            np.array([clip.split]),
        )


def _faces(path: Path, landmarker: FaceLandmarker, frames: int) -> list[tuple[Bytes, Face]]:
    images = [frame.image for frame in read_video(path)]
    places = np.unique(np.linspace(0, len(images) - 1, frames).astype(int)) if images else np.array([], int)
    found: list[tuple[Bytes, Face]] = []
    for place in places:
        face = landmarker.track(images[place], found[-1][1] if found else None)
        if face is not None:
            found.append((images[place], face))
    return found


def _alignment(points: NDArray[np.floating], onto: NDArray[np.floating]) -> NDArray[np.float64]:
    """(2, 3): the similarity, by least squares over the stable points, from landmarks (478, 2) px onto others."""
    stable = load_head().stable_points
    a, b = (p[stable].astype(np.float64) @ [1, 1j] for p in (points, onto))
    start, end = a - a.mean(), b - b.mean()
    turn = (start.conj() @ end) / (start.conj() @ start).real
    shift = b.mean() - turn * a.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
