"""Audio-visual offset, LSE-C (confidence) and LSE-D (distance) by the sync network.

Over a clip, the mean Euclidean distance of the mouths' embeddings to those of the sound is taken at every offset of up
to 15 frames; the offset with the least distance is the clip's, that distance is LSE-D, and the median over the offsets
less the least is the confidence, LSE-C (Chung and Zisserman, 2016; named so by Prajwal et al., A Lip Sync Expert Is All
You Need for Speech to Lip Generation In the Wild, 2020, section 4.1). Offsets are compared on the frames that they
share, where SyncNet's published code fills up with zeros.

Embeddings have length 1 here, so LSE-D lies between 0 and 2, and neither figure compares with one from another network.
LSE-C and LSE-D move with the codec alone, and correlate with people's preference at -0.16 and -0.27: report them beside
those of real clips, and never rank by them alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from orate.errors import OrateError
from orate.evaluation.mouth_crops import mouth_region, network_input
from orate.evaluation.sync_network import WINDOW_FRAMES, SyncNet, load_sync_network, sync_spectra

OFFSET_FRAMES = 15
SHARED_LEAST = 5  # windows that the farthest offset must leave to compare
SHORTEST = OFFSET_FRAMES + SHARED_LEAST + WINDOW_FRAMES - 1  # frames
FPS = 25.0
RATE_HZ = 16_000


@dataclass(frozen=True)
class SyncFigures:
    """How well a clip's mouth and sound agree.

    Attributes:
        offset: frames by which the sound comes after the picture.
        confidence: LSE-C; higher is better, near 0 means that no offset stands out.
        distance: LSE-D; lower is better.
    """

    offset: int
    confidence: float
    distance: float


class SyncMeter:
    """Measures clips.

    Args:
        net: the network; by default the one that comes with the package.

    Raises:
        OrateError: its files are missing or damaged.
    """

    def __init__(self, net: SyncNet | None = None) -> None:
        self._net = (net or load_sync_network()).eval()

    @torch.inference_mode()
    def __call__(self, frames: NDArray[np.uint8], audio: NDArray[np.float32], fps: float = FPS) -> SyncFigures:
        """Measure one clip.

        Args:
            frames: (time, 128, 96, 3) uint8 RGB, canonical crops, at least 24.
            audio: (samples,) in [-1, 1] at 16 kHz, from the time of the first frame on.
            fps: frames a second, which must be 25.

        Raises:
            OrateError: crops of another size, too few of them, another frame rate.
        """
        if fps != FPS:
            raise OrateError(f"The sync network sees {FPS:g} frames a second, not {fps:g}: prepare the clips at that.")
        if len(frames) < SHORTEST:
            raise OrateError(f"A clip of {len(frames)} frames is too short to find its offset: give {SHORTEST}.")
        device = next(self._net.parameters()).device
        mouths = network_input(torch.from_numpy(mouth_region(frames))[None]).to(device)
        spectra = sync_spectra(torch.from_numpy(np.array(audio, np.float32))[None], len(frames)).to(device)
        pictures, sounds = self._net.embed_pictures(mouths)[0], self._net.embed_sounds(spectra)[0]
        return figures_of(torch.cdist(pictures, sounds).cpu().numpy())


def figures_of(distances: NDArray[np.floating]) -> SyncFigures:
    """Figures of a clip from the distances of every mouth (rows) to every sound (columns), (windows, windows)."""
    means = offset_distances(distances)
    best = int(means.argmin())
    return SyncFigures(best - OFFSET_FRAMES, float(np.median(means) - means[best]), float(means[best]))


def offset_distances(distances: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean distance at the offsets -15 to 15 (31,): at offset n, mouth k is compared with sound k + n."""
    offsets = range(-OFFSET_FRAMES, OFFSET_FRAMES + 1)
    return np.array([np.diagonal(distances, offset).astype(np.float64).mean() for offset in offsets])
