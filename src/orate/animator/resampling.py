"""The sound of a stream at the model's rate, the same samples however it was cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

from orate.errors import OrateError

RESAMPLED_BLOCK_S = 0.02
RESAMPLING_QUALITY = "HQ"  # exact to 20 bits; the next better one doubles the delay of a stream

Samples = NDArray[np.float32]


def resampled(chunks: Iterable[Samples], rate: int, wanted: int) -> Iterator[Samples]:
    """Sound at another rate, the same samples however it is cut.

    Args:
        chunks: mono sound, (samples,) each, float in [-1, 1]; more is clipped, what is no finite number is silence.
        rate: its samples a second.
        wanted: samples a second to give out.

    Raises:
        OrateError: a chunk is not one-dimensional, or not of floating point.
    """
    resampler = None if rate == wanted else soxr.ResampleStream(rate, wanted, 1, quality=RESAMPLING_QUALITY)
    size = max(1, round(RESAMPLED_BLOCK_S * rate))
    waiting = np.zeros(0, np.float32)
    for chunk in chunks:
        sound = np.asarray(chunk)
        if sound.ndim != 1 or not np.issubdtype(sound.dtype, np.floating):
            raise OrateError("Sound must come as one-dimensional arrays of floating point in [-1, 1], one channel.")
        if resampler is None:
            yield _cleaned(sound)
            continue
        waiting = np.concatenate([waiting, _cleaned(sound)])
        while len(waiting) >= size:
            yield resampler.resample_chunk(waiting[:size])
            waiting = waiting[size:]
    if resampler is not None:
        yield resampler.resample_chunk(waiting, last=True)


def _cleaned(sound: NDArray[np.floating]) -> Samples:
    finite = np.nan_to_num(sound, posinf=0.0, neginf=0.0)  # before float32, which has no room for all of float64
    clipped: Samples = np.clip(finite, -1.0, 1.0).astype(np.float32)
    return clipped
