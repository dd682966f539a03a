"""Make the animated picture of the README: portraits side by side that say the same sentence.

python tools/showcase.py SPEECH PHOTO... -o docs/images/speaking.webp
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from orate import Animator
from orate.animator import Source
from orate.face.alignment import canonical_crop
from orate.media.audio import read_audio

HEAD_BOX = (-30, 152, -36, 132)  # top, bottom, left, right around a 128 x 96 canonical crop
STEP = 2  # every other frame: 12.5 a second


def head(frame: NDArray[np.uint8], source: Source, side: int) -> NDArray[np.uint8]:
    """The head of a whole frame, upright or as the photo has it, `side` pixels wide."""
    top, bottom, left, right = HEAD_BOX
    scale = side / (right - left)
    matrix = source.matrix.copy() * scale
    matrix[:, 2] -= np.array([left, top]) * scale
    return canonical_crop(frame, matrix, (round((bottom - top) * scale), side))


def main() -> None:
    """Read the arguments, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--side", type=int, default=200, help="pixels of width for each head")
    parser.add_argument("--quality", type=int, default=72)
    given = parser.parse_args()
    animator = Animator.from_pretrained()
    rate = animator.config.audio_rate
    sound = read_audio(given.speech, rate, duration_s=given.seconds)
    columns = []
    for number, photo in enumerate(given.photos):
        source = animator.prepare(photo)
        frames = islice(animator.whole(source, sound, seed=number), 0, None, STEP)
        columns.append([head(frame, source, given.side) for frame in frames])
    pictures = [Image.fromarray(np.concatenate(row, axis=1)) for row in zip(*columns, strict=True)]
    duration_ms = round(1000 * STEP / animator.config.fps)
    first, *rest = pictures
    first.save(
        given.output, save_all=True, append_images=rest, duration=duration_ms, loop=0, quality=given.quality, method=6
    )
    print(f"{given.output}: {len(pictures)} frames, {given.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
