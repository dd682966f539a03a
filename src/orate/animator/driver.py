"""What the animator asks of whatever runs a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from orate.animator.controls import Controls
from orate.animator.resampling import Samples
from orate.animator.source import Pixels, Source


class Driver(Protocol):
    """What runs one kind of model."""

    @property
    def config(self) -> Any:
        """The model's dimensions, with `audio_rate` and `fps`."""

    @property
    def audio_rate(self) -> int:
        """Samples a second that the model hears."""

    @property
    def look_ahead_s(self) -> float:
        """Seconds of sound after a frame's time that it needs in a stream."""

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the canonical crop."""

    @property
    def mean_points(self) -> NDArray[np.float64] | None:
        """Where alignment puts the stable points in the crop; None for the mean face."""

    def frame_count(self, samples: int, fps: float | None) -> int:
        """Frames that so many samples at `audio_rate` make."""

    def check(self, controls: Controls) -> None:
        """Raise `OrateError` for controls that the model does not have."""

    def prepare(self, source: Source) -> object:
        """Make what all videos of the photo share, and keep it for as long as `source` lives."""

    def moving(self, source: Source, controls: Controls) -> NDArray[np.bool_] | None:
        """(height, width), where frames may differ from the photo; None where the model does not know."""

    def frames(
        self,
        source: Source,
        sound: Iterable[Samples],
        *,
        seed: int,
        crop: bool,
        fps: float | None,
        controls: Controls,
        total: int | None = None,
    ) -> Iterator[Pixels]:
        """Frames from sound at `audio_rate`, however it is cut.

        Where `total`, the number of frames, is given, the sound is that of a file: the model may wait for more of it.
        """
