"""The audio-visual offset of clips in preparation, measured by the sync network (`orate.corpora.cleaning.offset`).

As in `sync_metric`, the mean distance of mouths to sounds is taken at every offset, here in steps of a quarter of a
frame: the sounds are embedded four times, 10 ms apart. An offset is believed by how far its distance lies below that of
every offset that is not its neighbour (the *gap*), and where the windows of the clip agree. The farther it is from 0
and the shorter the clip, the larger the gap must be: in the sound of another sentence some far offset fits by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from orate.corpora.cleaning.offset import Constancy, OffsetReading
from orate.evaluation.mouth_crops import CROP_SIZE, mouth_region, network_input
from orate.evaluation.sync_metric import FPS, OFFSET_FRAMES, RATE_HZ
from orate.evaluation.sync_network import SPECTRA_PER_FRAME, WINDOW_FRAMES, SyncNet, load_sync_network, sync_spectra

PHASES = 4  # steps of the offset in a frame
OFFSETS = np.arange(-OFFSET_FRAMES * PHASES, OFFSET_FRAMES * PHASES + 1)  # quarters of a frame
LEAST_ROWS = 8  # of mouths that an offset must leave to compare
NEIGHBOURS = 3 * PHASES  # offsets as near as this belong to the same valley
STRETCH_FRAMES = 200  # of a long clip, embedded at a time
MOST_STRETCHES = 16  # of a longer one so many are looked at, evenly spread
WINDOW_ROWS, WINDOW_HOP = 34, 9  # 1.5 s, and about a third of a second

# Of GRID's clips; see the figures in docs/data-format.md.
WHOLE_ROWS, FEWEST_ROWS = 71, 20  # of a clip of 3 s; of one that is told anything, 0.96 s
LEAST_GAP, GAP_A_FRAME = 0.12, 0.008
WINDOW_GAP = 0.1  # of a window that has a say in whether the clip agrees
AGREEMENT_FRAMES, AGREEING = 1.5, 0.8
CHANGE_GAP, CHANGE_FRAMES = 0.15, 2.5  # of two windows that show a change

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Valley:
    """Where the distance is least: the offset in frames, and how far it lies below the offsets that are not near."""

    offset: float
    gap: float


class SyncOffsetMeter:
    """An `OffsetMeter`.

    Args:
        net: the network; by default the one that comes with the package.

    Raises:
        OrateError: its files are missing or damaged.
    """

    def __init__(self, net: SyncNet | None = None) -> None:
        self._net = (net or load_sync_network()).eval()

    def __call__(
        self,
        frames: NDArray[np.uint8],
        landmarks: NDArray[np.floating],
        audio: NDArray[np.float32],
        rate: int,
        fps: float,
    ) -> OffsetReading:
        """Measure one clip; arguments as in `OffsetMeter`. The landmarks are not needed: crops hold the mouth still."""
        del landmarks
        sound = audio if rate == RATE_HZ else soxr.resample(audio, rate, RATE_HZ)
        return reading_of(self.distances(_at_25(frames, fps), np.asarray(sound, np.float32)))

    @torch.inference_mode()
    def distances(self, frames: NDArray[np.uint8], sound: NDArray[np.float32]) -> Floats:
        """Distance of every mouth to the sound at every offset.

        Args:
            frames: (time, 128, 96, 3) uint8 RGB at 25 frames a second.
            sound: (samples,) in [-1, 1] at 16 kHz.

        Returns:
            (mouths, 121), at the offsets -15 to 15 in quarters of a frame; NaN where the clip has no such sound.
        """
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # one process a core, and the same result in all of them
        try:
            return np.concatenate(
                [np.zeros((0, len(OFFSETS)))]
                + [self._stretch(frames, sound, first) for first in _stretches(len(frames))]
            )
        finally:
            torch.set_num_threads(threads)

    def _stretch(self, frames: NDArray[np.uint8], sound: NDArray[np.float32], first: int) -> Floats:
        part = frames[first : first + STRETCH_FRAMES]
        before = min(first, OFFSET_FRAMES)
        heard = min(len(frames), first + len(part) + OFFSET_FRAMES) - first + before
        per_frame = round(RATE_HZ / FPS)
        samples = sound[(first - before) * per_frame : (first - before + heard + 1) * per_frame]
        spectra = sync_spectra(torch.from_numpy(np.array(samples))[None], heard + 1)
        mouths = self._net.embed_pictures(network_input(torch.from_numpy(mouth_region(part))[None]))[0].numpy()
        length = heard * SPECTRA_PER_FRAME
        phases = [self._net.embed_sounds(spectra[..., phase : phase + length])[0].numpy() for phase in range(PHASES)]
        sounds = np.stack(phases, 1).reshape(-1, mouths.shape[1])
        return _profile(mouths, sounds, before)


def load_meter() -> SyncOffsetMeter:
    """The meter that `orate prepare` uses: for `orate.corpora.prepare.prepare`, in each of its processes."""
    return SyncOffsetMeter()


def reading_of(distances: Floats) -> OffsetReading:
    """What the distances (mouths, 121) of a clip say, as `SyncOffsetMeter.distances` gives them."""
    whole = _valley(distances)
    if whole is None:
        return OffsetReading(0.0, 0.0, Constancy.UNSURE)
    windows = [
        (first, valley)
        for first in range(0, max(1, len(distances) - WINDOW_ROWS + 1), WINDOW_HOP)
        if (valley := _valley(distances[first : first + WINDOW_ROWS])) is not None
    ]
    change = _change(windows)
    if change is not None:
        return OffsetReading(whole.offset / FPS, whole.gap, Constancy.CHANGING, change)
    speaking = [valley for _, valley in windows if valley.gap >= WINDOW_GAP]
    agreeing = sum(abs(valley.offset - whole.offset) <= AGREEMENT_FRAMES for valley in speaking)
    needed = (LEAST_GAP + GAP_A_FRAME * abs(whole.offset)) * max(1.0, np.sqrt(WHOLE_ROWS / len(distances)))
    sure = len(distances) >= FEWEST_ROWS and whole.gap >= needed and agreeing >= max(1, AGREEING * len(speaking))
    return OffsetReading(whole.offset / FPS, whole.gap, Constancy.SURE if sure else Constancy.UNSURE)


def _valley(distances: Floats) -> Valley | None:
    """None where too few mouths have a sound, or the least distance lies at the end of what was looked at."""
    known = ~np.isnan(distances)
    enough = known.sum(0) >= LEAST_ROWS
    if not enough.any():
        return None
    means = np.full(len(OFFSETS), np.inf)
    means[enough] = np.nanmean(distances[:, enough], 0)
    best = int(means.argmin())
    far = enough & (np.abs(OFFSETS - OFFSETS[best]) > NEIGHBOURS)
    if not far.any() or best in (0, len(OFFSETS) - 1) or not np.isfinite(means[[best - 1, best + 1]]).all():
        return None
    before, at, after = means[best - 1 : best + 2]
    bend = before - 2 * at + after
    part = 0.5 * (before - after) / bend if bend > 1e-9 else 0.0
    return Valley(float(OFFSETS[best] + part) / PHASES, float(means[far].min() - at))


def _change(windows: list[tuple[int, Valley]]) -> str | None:
    """A sentence where two windows that share no frame are sure of different offsets."""
    sure = [(first, valley.offset) for first, valley in windows if valley.gap >= CHANGE_GAP]
    for first, offset in sure:
        for later, other in sure:
            if later >= first + WINDOW_ROWS and abs(other - offset) > CHANGE_FRAMES:
                return f"{offset / FPS:+.2f} s at {first / FPS:.1f} s, {other / FPS:+.2f} s at {later / FPS:.1f} s"
    return None


def _profile(mouths: NDArray[np.float32], sounds: NDArray[np.float32], before: int) -> Floats:
    """Distances (mouths, 121); ``sounds`` are a quarter of a frame apart, ``before`` frames of them come first."""
    at = PHASES * (np.arange(len(mouths))[:, None] + before) + OFFSETS
    known = (at >= 0) & (at < len(sounds))
    alike = (mouths[:, None] * sounds[np.clip(at, 0, len(sounds) - 1)]).sum(-1, dtype=np.float64)
    return np.where(known, np.sqrt(np.maximum(2 - 2 * alike, 0)), np.nan)


def _stretches(frames: int) -> list[int]:
    """The first frames of the stretches that are looked at."""
    if frames < WINDOW_FRAMES + LEAST_ROWS:
        return []
    count = -(-frames // STRETCH_FRAMES)
    if count <= MOST_STRETCHES:
        firsts = [number * STRETCH_FRAMES for number in range(count)]
    else:
        firsts = np.linspace(0, frames - STRETCH_FRAMES, MOST_STRETCHES).round().astype(int).tolist()
    return [first for first in firsts if frames - first >= WINDOW_FRAMES]


def _at_25(frames: NDArray[np.uint8], fps: float) -> NDArray[np.uint8]:
    """Canonical crops as the network knows them: 25 a second, 128 x 96."""
    if fps != FPS:
        count = max(1, round(len(frames) * FPS / fps))
        frames = frames[np.minimum(np.round(np.arange(count) * fps / FPS).astype(int), len(frames) - 1)]
    if frames.shape[1:3] == CROP_SIZE:
        return frames
    size = (CROP_SIZE[1], CROP_SIZE[0])
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]).astype(np.uint8)
