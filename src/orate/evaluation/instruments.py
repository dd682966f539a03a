"""Networks that measure and may be missing: the face embeddings, the sync network, the lip reader.

Where one is missing, the figures that need it are not measured, and a sentence says why; the others are worth having.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeVar

import numpy as np
import soxr
from numpy.typing import NDArray

from orate.errors import OrateError
from orate.evaluation.grid_grammar import is_sentence
from orate.evaluation.identity import FaceEmbedder
from orate.evaluation.lip_reader import LIP_READER, LipReader
from orate.evaluation.mouth_crops import CROP_SIZE
from orate.evaluation.network_files import bundled_network
from orate.evaluation.sync_metric import FPS, RATE_HZ, SHORTEST, SyncMeter
from orate.evaluation.sync_network import SYNC_NETWORK
from orate.models.checkpoint import WEIGHTS_FILE, file_sha256

SYNC_FIGURES = {
    "av_offset": "frames by which the sound comes after the picture (sync network)",
    "av_in_sync": "share of clips with an offset of at most one frame; means nothing where confidence is low",
    "av_confidence": "LSE-C of that network: how far the best offset stands out",
    "av_distance": "LSE-D of that network: distance of mouth and sound at that offset",
}
IN_SYNC_FRAMES = 1

Instrument = TypeVar("Instrument")


@dataclass(frozen=True)
class Instruments:
    """What is there to measure with.

    Attributes:
        embedder: network of face embeddings.
        sync: the sync network.
        lips: the lip reader.
        missing: sentences on what is not there.
    """

    embedder: FaceEmbedder | None = None
    sync: SyncMeter | None = None
    lips: LipReader | None = None
    missing: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Those that are there, the bundled ones with the beginning of their weights' digest."""
        named = [(SYNC_NETWORK, self.sync), (LIP_READER, self.lips)]
        bundled = [f"{name} {_digest(name)}" for name, instrument in named if instrument]
        return [*(["dlib"] if self.embedder else []), *bundled]

    def sync_figures(
        self, frames: NDArray[np.uint8], audio: NDArray[np.float32], rate: int, fps: float
    ) -> dict[str, float]:
        """`SYNC_FIGURES` of a clip; NaN where the network is missing or the clip is none that it can judge.

        Args:
            frames: (time, height, width, 3) uint8.
            audio: (samples,) in [-1, 1].
            rate: samples a second of it.
            fps: frames a second.
        """
        if self.sync is None or not _readable(frames, fps) or len(frames) < SHORTEST:
            return dict.fromkeys(SYNC_FIGURES, float("nan"))
        sound = audio if rate == RATE_HZ else np.asarray(soxr.resample(audio, rate, RATE_HZ), np.float32)
        found = self.sync(frames, sound, fps)
        return {
            "av_offset": float(found.offset),
            "av_in_sync": float(abs(found.offset) <= IN_SYNC_FRAMES),
            "av_confidence": found.confidence,
            "av_distance": found.distance,
        }

    def read(self, frames: NDArray[np.uint8], said: str, fps: float) -> str | None:
        """What the lip reader reads in a clip; None where it is missing, or what was said is no sentence of GRID."""
        if self.lips is None or not _readable(frames, fps) or not is_sentence(said):
            return None
        return self.lips(frames)


def load_instruments(embedder: bool = True) -> Instruments:
    """Load whatever is there.

    Args:
        embedder: whether the face embeddings, which take most of the time, are wanted.
    """
    missing: list[str] = []

    def loaded(load: Callable[[], Instrument]) -> Instrument | None:
        try:
            return load()
        except OrateError as error:
            missing.append(str(error))
            return None

    faces = loaded(FaceEmbedder) if embedder else None
    sync, lips = loaded(_sync), loaded(_lips)
    return Instruments(faces, sync, lips, tuple(missing))


def _sync() -> SyncMeter:
    _check_weights(SYNC_NETWORK, "The audio-visual offset")
    return SyncMeter()


def _lips() -> LipReader:
    _check_weights(LIP_READER, "The word error rate")
    if find_spec("jiwer") is None:
        raise OrateError("The word error rate needs jiwer: install it with pip install jiwer.")
    return LipReader()


def _check_weights(name: str, what: str) -> None:
    if not (bundled_network(name) / WEIGHTS_FILE).is_file():
        raise OrateError(f"{what} needs the weights of the {name}, which this installation does not have.")


def _digest(name: str) -> str:
    return file_sha256(bundled_network(name) / WEIGHTS_FILE)[:12]


def _readable(frames: NDArray[np.uint8], fps: float) -> bool:
    """Whether the bundled networks, which see canonical crops at 25 frames a second, can judge a clip."""
    return fps == FPS and frames.shape[1:3] == CROP_SIZE
