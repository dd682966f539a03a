"""The figures of one clip: what training's validation and `orate evaluate` compute, from one tracking of each video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.evaluation.blinks import blink_duration, blinks_per_second, eye_opening, find_blinks
from orate.evaluation.cpbd import cpbd
from orate.evaluation.fdbm import fdbm
from orate.evaluation.head_movement import ANGLES, BROW, amount, head_curves
from orate.evaluation.identity import Embedding, FaceEmbedder, content_distance, identity_distance
from orate.evaluation.jitter import jitter
from orate.evaluation.l1 import l1
from orate.evaluation.lmd import FACE, lmd
from orate.evaluation.mouth_opening import correlation, opening
from orate.evaluation.psnr import psnr
from orate.evaluation.sharpness import mouth_sharpness, source_sharpness
from orate.evaluation.silence import VoiceActivity, silence_movement
from orate.evaluation.ssim import ssim
from orate.evaluation.track import found, track_landmarks
from orate.face.landmarks import FaceLandmarker

# What training's validation computes: the rest costs as much again.
VALIDATION_FIGURES = {
    "l1": "mean absolute difference, pictures in [-1, 1]",
    "psnr": "dB",
    "ssim": "structural similarity",
    "mouth_correlation": "correlation of the mouth's opening with the real video's",
    "mouth_range": "deviation of the mouth's opening over that of the real video",
    "mouth_lmd": "distance of the mouth's landmarks to the real ones, in eye distances",
    "faces_found": "share of generated frames in which a face is found",
}
FIGURES = {
    **VALIDATION_FIGURES,
    "face_lmd": "the same of all the face's landmarks",
    "cpbd": "share of edges without visible blur",
    "fdbm": "share of strong frequencies, more for sharper pictures",
    "mouth_sharpness": "the mouth's sharpness over that of the source's face",
    "identity_distance": "of face embeddings, to the source image (dlib)",
    "content_distance": "of face embeddings, between frames (ACD, with dlib)",
    "silence_movement": "velocity of the mouth's opening in silence over that in speech",
    "blinks_per_s": "blinks a second",
    "blink_s": "mean length of a blink in s",
    "head_deg": "deviation of the head's rotation in degrees",
    "brow_cm": "deviation of the brows' height in cm",
    "jitter": "acceleration of the landmarks, in eye distances per frame squared",
    "jitter_ratio": "the same over that of the real video",
}
IDENTITY_FRAMES = 5  # of a clip; each costs 0.12 s
STEP = 3  # of sharpness and blur: they change little from frame to frame
MIN_SPREAD = 1e-9


@dataclass(frozen=True)
class TrackedVideo:
    """A video, (time, height, width, 3) uint8, and its face's landmarks, (time, 478, 3) px, NaN where there is none."""

    frames: NDArray[np.uint8]
    landmarks: NDArray[np.float32]


class ClipMeter:
    """Measures generated clips against real ones; one landmarker serves all.

    Args:
        landmarker: where there is one already.
        embedder: for the distances of face embeddings, which are NaN without it.
    """

    def __init__(self, landmarker: FaceLandmarker | None = None, embedder: FaceEmbedder | None = None) -> None:
        self._landmarker = landmarker or FaceLandmarker()
        self._embedder = embedder

    def __call__(self, real: NDArray[np.uint8], generated: NDArray[np.uint8]) -> dict[str, float]:
        """Compute `VALIDATION_FIGURES`.

        Args:
            real: (time, height, width, 3) uint8, canonical crops.
            generated: the same shape.
        """
        return self._against(self.track(real), self.track(generated))

    def track(self, video: NDArray[np.uint8]) -> TrackedVideo:
        """Find the face in every frame of a video, (time, height, width, 3) uint8."""
        return TrackedVideo(video, track_landmarks(self._landmarker, video))

    def measure(
        self, real: TrackedVideo, generated: TrackedVideo, voice: VoiceActivity, fps: float
    ) -> dict[str, float]:
        """Compute all of `FIGURES`.

        Args:
            real: the real clip; its first frame is the source image.
            generated: as many frames of the same size.
            voice: of the driving audio.
            fps: frames a second.
        """
        moved = jitter(generated.landmarks)
        blinks = find_blinks(eye_opening(generated.landmarks), fps)
        head = head_curves(generated.landmarks)
        return {
            **self._against(real, generated),
            "face_lmd": lmd(real.landmarks, generated.landmarks, FACE),
            "cpbd": cpbd(generated.frames[::STEP]),
            "fdbm": fdbm(generated.frames[::STEP]),
            "mouth_sharpness": _sharpness(real, generated),
            **self._identity(real, generated),
            "silence_movement": silence_movement(opening(generated.landmarks), voice),
            "blinks_per_s": blinks_per_second(blinks, len(generated.frames), fps) if blinks is not None else np.nan,
            "blink_s": blink_duration(blinks or []),
            "head_deg": amount(head, ANGLES),
            "brow_cm": amount(head, BROW),
            "jitter": moved,
            "jitter_ratio": moved / max(jitter(real.landmarks), MIN_SPREAD),
        }

    def _against(self, real: TrackedVideo, generated: TrackedVideo) -> dict[str, float]:
        truth, made = opening(real.landmarks), opening(generated.landmarks)
        spread = float(np.nanstd(truth)) if found(real.landmarks).any() else float("nan")
        seen = found(generated.landmarks)
        return {
            "l1": l1(real.frames, generated.frames),
            "psnr": psnr(real.frames, generated.frames),
            "ssim": ssim(real.frames, generated.frames),
            # No face in what was drawn is the worst result, not a missing one.
            "mouth_correlation": correlation(truth, made) if seen.sum() >= 3 else 0.0,
            "mouth_range": float(np.nanstd(made)) / max(spread, MIN_SPREAD) if seen.any() else 0.0,
            "mouth_lmd": lmd(real.landmarks, generated.landmarks),
            "faces_found": float(seen.mean()),
        }

    def _identity(self, real: TrackedVideo, generated: TrackedVideo) -> dict[str, float]:
        figures = {"identity_distance": np.nan, "content_distance": np.nan}
        places = np.unique(np.linspace(0, len(generated.frames) - 1, IDENTITY_FRAMES).round().astype(int))
        places = places[found(generated.landmarks)[places]]
        if self._embedder is None or not found(real.landmarks)[0] or not len(places):
            return figures
        source, before = self._embedder(real.frames[0], real.landmarks[0]), real.frames[0]
        embeddings: list[Embedding] = []
        for frame, landmarks in zip(generated.frames[places], generated.landmarks[places], strict=True):
            same = np.array_equal(frame, before)
            embeddings.append((embeddings or [source])[-1] if same else self._embedder(frame, landmarks))
            before = frame
        return {
            "identity_distance": identity_distance(source, embeddings),
            "content_distance": content_distance(embeddings),
        }


def _sharpness(real: TrackedVideo, generated: TrackedVideo) -> float:
    """Mean over every few frames."""
    if not found(real.landmarks)[0]:
        return float("nan")
    source = source_sharpness(real.frames[0], real.landmarks[0])
    figures = [
        mouth_sharpness(frame, landmarks, source)
        for frame, landmarks in zip(generated.frames[::STEP], generated.landmarks[::STEP], strict=True)
        if np.isfinite(landmarks[0, 0])
    ]
    known = [figure for figure in figures if np.isfinite(figure)]
    return float(np.mean(known)) if known else float("nan")
