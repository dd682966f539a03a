"""Pairs for the refinement: frames of a clip as the layers draw them from another frame, and as they are.

Both lie in the mouth's patch of the frame that is drawn from (`orate.render.mouth_patch`). The true frames are brought
to that frame's pose by a similarity over the points that speech hardly moves, and so are their landmarks, which the
layers are given: what is left for the refinement to learn is what the layers cannot draw, not where the lips should be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.corpora.clip import Clip
from orate.corpora.codec import decode_array, decode_video
from orate.corpora.grid_tracks import read_speech
from orate.corpora.shards import Sample, read_member
from orate.errors import OrateError
from orate.face.landmarks import Face, FaceLandmarker
from orate.media.audio import read_audio
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
RATE_HZ = 16_000
FPS = 25.0
WINDOW = RATE_HZ // 5  # samples of sound that belong to a frame, about its middle
EDGE = 8  # the first and the last part of a clip, one in so many, is silence as a rule
SMOOTHING = np.array([0.25, 0.5, 0.25])  # of the alignment over neighbouring frames: landmarks tremble


@dataclass(frozen=True)
class MouthPairs:
    """Pairs in memory; n pairs of patches of h x w.

    Attributes:
        drawn, truth, own: (n, h, w, 3) uint8 RGB: the layers' patch, the true frame's, the photo's.
        masks: (n, MASKS, h, w) uint8, as `MouthPatch.masks` gives them.
        stirred: (n,) in [0, 1], as `MouthPatch.stirred` gives it.
        sound: (n, WINDOW) int16 at `RATE_HZ`, about the middle of the frame.
        run: (n,); pairs of one number are neighbouring frames of a clip, in order, drawn from the same frame.
        speaker, split: (n,) str.
    """

    drawn: Bytes
    truth: Bytes
    own: Bytes
    masks: Bytes
    stirred: NDArray[np.float32]
    sound: NDArray[np.int16]
    run: NDArray[np.int32]
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
    def joined(parts: Sequence[MouthPairs]) -> MouthPairs:
        """All pairs of one or more parts; runs are numbered anew, so that those of different parts stay apart."""
        values = {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
        begins = np.concatenate([np.r_[True, np.diff(part.run) != 0] for part in parts if len(part)])
        values["run"] = (np.cumsum(begins) - 1).astype(np.int32)
        return MouthPairs(**values)


def load_pairs(path: Path) -> MouthPairs:
    """Read what `MouthPairs.save` wrote.

    Raises:
        OrateError: there is no such file, or it is no file of pairs.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return MouthPairs(**{name: file[name] for name in MouthPairs.__dataclass_fields__})
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise OrateError(f"{path} holds no pairs of mouths ({error}): delete it, and it is made again.") from error


@dataclass(frozen=True)
class SeenClip:
    """A clip's pictures, the faces in them, and its sound.

    Attributes:
        speaker, split: of the clip.
        images: T pictures (H, W, 3) uint8 RGB, 25 a second.
        face: gives the face of a frame by its number, None where there is none.
        sound: (n,) float32 at `RATE_HZ`.
    """

    speaker: str
    split: str
    images: Sequence[Bytes]
    face: Callable[[int], Face | None]
    sound: NDArray[np.float32]


def video_clip(clip: Clip, landmarker: FaceLandmarker) -> SeenClip:
    """A clip of a corpus; faces are looked for when they are asked for.

    Raises:
        OrateError: its video or its sound cannot be read.
    """
    images = [frame.image for frame in read_video(clip.video)]
    last: list[Face] = []

    def face(index: int) -> Face | None:
        found = landmarker.track(images[index], last[-1] if last else None)
        last[:] = [found] if found is not None else []
        return found

    sound = read_audio(clip.audio or clip.video, RATE_HZ).astype(np.float32)
    return SeenClip(clip.speaker, clip.split, images, face, sound)


def prepared_clip(folder: Path, sample: Sample) -> SeenClip:
    """A clip of a folder of shards, whose faces are known; its crops have two thirds of GRID's own resolution.

    Raises:
        OrateError: the shard is damaged.
    """
    data = read_member(folder, sample, "npz")
    landmarks = decode_array(data, "landmarks").astype(np.float32)
    scores = decode_array(data, "blendshapes").astype(np.float32)
    faces = [Face(np.zeros(4), 1.0, *values) for values in zip(landmarks, scores, strict=True)]
    images = list(decode_video(read_member(folder, sample, "mp4")))
    return SeenClip(sample.speaker, sample.split, images, faces.__getitem__, read_speech(folder, sample))


def clip_pairs(
    clip: SeenClip, spread: int, sources: int, length: int, random: np.random.Generator
) -> MouthPairs | None:
    """Pairs of one clip, or None where it is too short or hardly shows a face.

    Args:
        clip: the clip.
        spread: frames that are looked at, spread evenly; each source is drawn as all the others.
        sources: how many of them are drawn from: the one whose lips are closest together, then the one whose lips are
            furthest apart, then others evenly between. Without open lips among them nothing is learned for photos
            that show some.
        length: of a stretch of neighbouring frames that each source is drawn as too, in frames, or 0 for none; its
            place is drawn, away from the silence at the clip's ends.
        random: source of the draws.
    """
    count = len(clip.images)
    places = np.unique(np.linspace(0, max(count - 1, 0), spread).astype(int))[: max(count, 0)]
    seen = [(int(place), face) for place in places if (face := clip.face(int(place))) is not None]
    if len(seen) < 3 or count < length:
        return None
    apart = [float((face.landmarks[INNER_LOWER, 1] - face.landmarks[INNER_UPPER, 1]).max()) for _, face in seen]
    order = np.argsort(apart)
    ranks = [0, len(order) - 1, *np.linspace(0, len(order) - 1, max(sources, 2))[1:-1].astype(int)][:sources]
    earliest = min(count // EDGE, count - length)
    latest = max(count - length - count // EDGE, earliest)
    parts = []
    for rank in ranks:
        chosen = int(order[rank])
        place, face = seen[chosen]
        drawing = _Drawing(face_source(clip.images[place], face))
        stretches = [[other] for index, other in enumerate(seen) if index != chosen]
        first = int(random.integers(earliest, latest + 1))
        near = [(index, found) for index in range(first, first + length) if (found := clip.face(index)) is not None]
        stretches += [near] if length and len(near) == length else []
        parts += [drawing.run(stretch, clip, number) for number, stretch in enumerate(stretches)]
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

    def run(self, frames: Sequence[tuple[int, Face]], clip: SeenClip, number: int) -> MouthPairs:
        """Neighbouring frames of the clip drawn from this one, beside themselves."""
        onto = self._source.landmarks[:, :2]
        single = np.stack([alignment(face.landmarks[:, :2], onto) for _, face in frames])
        padded = np.concatenate([single[:1], single, single[-1:]])
        matrices = np.einsum("k,ktij->tij", SMOOTHING, np.stack([padded[:-2], padded[1:-1], padded[2:]]))
        parts = []
        for (place, face), matrix in zip(frames, matrices, strict=True):
            target = face.landmarks[:, :2].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
            parts.append((*self._pair(clip.images[place], target, matrix), sound_about(clip.sound, place)))
        drawn, truth, masks, stirred, sound = (np.stack(column) for column in zip(*parts, strict=True))
        count = len(parts)
        own = np.repeat(self._patch.own[None], count, axis=0)
        names = [np.full(count, clip.speaker), np.full(count, clip.split)]
        return MouthPairs(drawn, truth, own, masks, stirred, sound, np.full(count, number, np.int32), *names)

    def _pair(
        self, image: Bytes, target: NDArray[np.float64], matrix: NDArray[np.float64]
    ) -> tuple[Bytes, Bytes, Bytes, np.float32]:
        source = self._source
        canvas = source.photo.copy()
        self._expression(canvas, target)
        self._mouth(canvas, target)
        shifted = matrix.copy()
        shifted[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5  # OpenCV's pixel centres are at integers
        height, width = source.photo.shape[:2]
        flags, border = cv2.INTER_CUBIC, cv2.BORDER_REPLICATE
        truth = cv2.warpAffine(image, shifted, (width, height), flags=flags, borderMode=border).astype(np.uint8)
        stirred = np.float32(self._patch.stirred(target))
        return self._patch.cut(canvas), self._patch.cut(truth), self._patch.masks(target), stirred


def sound_about(sound: NDArray[np.float32], frame: int) -> NDArray[np.int16]:
    """(WINDOW,) int16: the sound about the middle of a frame's time, silence beyond its ends."""
    begin = round((frame + 0.5) * RATE_HZ / FPS) - WINDOW // 2
    window = np.zeros(WINDOW, np.float32)
    part = sound[max(begin, 0) : max(begin + WINDOW, 0)]
    window[max(-begin, 0) :][: len(part)] = part
    return np.rint(np.clip(window, -1, 1) * 32767).astype(np.int16)


def alignment(points: NDArray[np.floating], onto: NDArray[np.floating]) -> NDArray[np.float64]:
    """(2, 3): the similarity, by least squares over the stable points, from landmarks (478, 2) px onto others."""
    stable = load_head().stable_points
    a, b = (p[stable].astype(np.float64) @ [1, 1j] for p in (points, onto))
    start, end = a - a.mean(), b - b.mean()
    turn = (start.conj() @ end) / (start.conj() @ start).real
    shift = b.mean() - turn * a.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
