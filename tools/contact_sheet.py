"""Contact sheets, to look at what a model makes: frames over time, source, output and truth, mouths enlarged.

python tools/contact_sheet.py clips MODEL SHARDS -o sheet.png     held-out clips: real above generated
python tools/contact_sheet.py photos MODEL SPEECH PHOTO... -o sheet.png     photos: frames, mouths and eyes enlarged
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate import Animator
from orate.animator import Source
from orate.corpora.dataset import ClipDataset
from orate.evaluation.generators import load_clip_generator
from orate.face.alignment import canonical_crop
from orate.media.audio import stream_audio
from orate.media.image import write_image
from orate.training.validation import pictures, spread

Picture = NDArray[np.uint8]
MOUTH_BOX = (70, 112, 20, 76)  # top, bottom, left, right in a 128 x 96 crop
EYES_BOX = (32, 60, 12, 84)
HEAD_BOX = (-24, 152, -24, 120)


def clip_rows(model: str, shards: list[Path], count: int, columns: int) -> list[Picture]:
    """Two rows a clip, real and generated frames at the same times, and two with their mouths enlarged."""
    generator = load_clip_generator(model)
    rows = []
    for folder in shards:
        clips = ClipDataset(folder, "validation", generator.audio_rate)
        for index in spread(len(clips), count):
            clip = clips[index]
            real = pictures(clip["video"])
            made = generator.generate(real[0], clip["audio"].numpy(), len(real), index)
            shown = np.linspace(0, len(real) - 1, columns).round().astype(int)
            for video in (real, made):
                rows.append(np.concatenate([enlarge(video[k], 2) for k in shown], axis=1))
            for video in (real, made):
                rows.append(np.concatenate([mouth(video[k]) for k in shown], axis=1))
    return rows


def photo_rows(model: str, speech: Path, photos: list[Path], columns: int, start_s: float, step: int) -> list[Picture]:
    """Three rows a photo: the head, mouth and eyes enlarged; the first column is the photo itself."""
    animator = Animator.from_pretrained(model)
    rows = []
    for path in photos:
        source = animator.prepare(path)
        sound = stream_audio(speech, animator.config.audio_rate)
        frames = animator.stream(source, sound, rate=animator.config.audio_rate)
        first = round(start_s * animator.config.fps)
        shown = [source.photo, *islice(frames, first, first + step * (columns - 1), step)]
        for box in (HEAD_BOX, MOUTH_BOX, EYES_BOX):
            rows.append(np.concatenate([part(frame, source, box) for frame in shown], axis=1))
    return rows


def part(frame: Picture, source: Source, box: tuple[int, int, int, int], side: int = 224) -> Picture:
    """A box of the canonical crop, cut from a whole photo, upright, `side` pixels wide."""
    top, bottom, left, right = box
    scale = side / (right - left)
    matrix = source.matrix.copy() * scale
    matrix[:, 2] -= np.array([left, top]) * scale
    return canonical_crop(frame, matrix, (round((bottom - top) * scale), side))


def mouth(crop: Picture, width: int = 192) -> Picture:
    """The mouth of a canonical crop, enlarged to a width in pixels."""
    top, bottom, left, right = MOUTH_BOX
    return enlarge(crop[top:bottom, left:right], width / (right - left))


def enlarge(picture: Picture, scale: float) -> Picture:
    """A picture `scale` times as large."""
    height, width = picture.shape[:2]
    return canonical_crop(
        picture, np.array([[scale, 0, 0], [0, scale, 0]], float), (round(height * scale), round(width * scale))
    )


def stack(rows: list[Picture]) -> Picture:
    """Rows of any width below each other, on grey."""
    width = max(row.shape[1] for row in rows)
    return np.concatenate(
        [np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0)), constant_values=128) for row in rows]
    )


def main() -> None:
    """Read the arguments, write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("clips", "photos"))
    parser.add_argument("model")
    parser.add_argument("inputs", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--columns", type=int, default=9)
    parser.add_argument("--count", type=int, default=2, help="clips of each folder")
    parser.add_argument("--start", type=float, default=0.4, help="seconds at which a photo's frames begin")
    parser.add_argument("--step", type=int, default=3, help="every which frame of a photo is shown")
    given = parser.parse_args()
    if given.kind == "clips":
        rows = clip_rows(given.model, given.inputs, given.count, given.columns)
    else:
        speech, *photos = given.inputs
        rows = photo_rows(given.model, speech, photos, given.columns, given.start, given.step)
    write_image(given.output, stack(rows))


if __name__ == "__main__":
    main()
