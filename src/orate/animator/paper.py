"""The paper's model at work: windows of sound to canonical crops, and those back into the photo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from orate.animator.controls import Controls
from orate.animator.resampling import Samples
from orate.animator.source import Pixels, Source
from orate.errors import OrateError
from orate.face.compositing import Compositor
from orate.models.generator import Generator
from orate.models.runtime import Runtime, Session
from orate.models.windows import frame_count, window_starts

REST_FRAMES = 8


class PaperDriver:
    """Runs a `Generator`; see `orate.animator.driver.Driver`."""

    def __init__(self, generator: Generator, *, device: str = "auto", engine: str = "auto") -> None:
        self.config = generator.config
        self._runtime = Runtime(generator, engine=engine, device=device)

    @property
    def audio_rate(self) -> int:
        """Samples a second that the model hears."""
        return self.config.audio_rate

    @property
    def look_ahead_s(self) -> float:
        """Seconds of sound after a frame's time that it needs."""
        return self.config.lookahead_s

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the canonical crop."""
        return self.config.image_size

    @property
    def mean_points(self) -> NDArray[np.float64] | None:
        """Where alignment puts the stable points in the crop; None for the mean face."""
        return None if self.config.mean_points is None else np.array(self.config.mean_points)

    def frame_count(self, samples: int, fps: float | None) -> int:
        """Frames that so many samples at `audio_rate` make."""
        return frame_count(samples, self.config, fps)

    def check(self, controls: Controls) -> None:
        """Refuse what this model cannot do.

        Raises:
            OrateError: a control is not at its default.
        """
        if changed := controls.changed():
            raise OrateError(
                f"The paper's model moves as it learned to and knows no {', '.join(changed)}: "
                "use the model 'default' for that."
            )

    def prepare(self, source: Source) -> None:
        """Nothing: the paste-back depends on the seed, and takes no longer than a few frames."""

    def moving(self, source: Source, controls: Controls) -> None:
        """Not known."""

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
        """Frames from sound at `audio_rate`, as in `orate.animator.driver.Driver`; `total` makes no difference."""
        session = self._runtime.session(source.crop, seed)
        compositor = None if crop else self._compositor(source, seed)
        for windows in self._windows(sound, fps):
            for frame in session.frames(windows):
                yield frame if compositor is None else compositor(frame)

    def _compositor(self, source: Source, seed: int) -> Compositor:
        """The paste-back, told how the generator draws this face in silence."""
        silence = np.zeros((REST_FRAMES, self.config.window_samples), np.float32)
        still: Session = self._runtime.session(source.crop, seed)
        rest = still.frames(silence)[-1]
        return Compositor(source.photo, source.matrix, self.config.image_size, source.face.landmarks, rest=rest)

    def _windows(self, blocks: Iterable[Samples], fps: float | None) -> Iterator[Samples]:
        """Windows of sound, (frames, window_samples), for all frames that each block completes."""
        config, size = self.config, self.config.window_samples
        done = received = 0
        lead = -window_starts(0, 1, config, fps)[0]
        buffer, offset = np.zeros(lead, np.float32), -lead
        for block in blocks:
            received += len(block)
            buffer = np.concatenate([buffer, block])
            complete = done
            while window_starts(complete, 1, config, fps)[0] + size <= received:
                complete += 1
            if complete > done:
                starts = window_starts(done, complete - done, config, fps)
                yield np.stack([buffer[start - offset : start - offset + size] for start in starts])
                done = complete
                keep = min(window_starts(done, 1, config, fps)[0], received)  # at few frames a second it begins later
                buffer, offset = buffer[keep - offset :], keep
        rest = frame_count(received, config, fps) - done if received else 0
        if rest > 0:
            buffer = np.pad(buffer, (0, size + lead + config.hop_samples))
            starts = window_starts(done, rest, config, fps)
            yield np.stack([buffer[start - offset : start - offset + size] for start in starts])
