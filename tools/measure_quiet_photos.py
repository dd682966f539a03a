"""How well picture models give back faces that they never saw, when nothing is said: for models to be compared.

    python tools/measure_quiet_photos.py MODEL... --photos PHOTO... --sheet sheet.png

Each photo's canonical crop is animated with a second of near silence, and a frame of it is compared with the crop: PSNR
and SSIM, mean over the photos. Lips that were open may close, so what counts is the difference between models. The
sheet has the crops in the first row and a row for each model.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.evaluation.generators import load_clip_generator
from orate.evaluation.psnr import psnr
from orate.evaluation.ssim import ssim
from orate.face.alignment import align, canonical_crop
from orate.face.landmarks import FaceLandmarker, choose_face
from orate.media.image import read_image

FRAMES, FRAME = 10, 5
HISS = 0.001


def main() -> None:
    """Read the arguments, animate, print, write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()
    crops = photo_crops(given.photos)
    rows = [crops]
    for model in given.models:
        generator = load_clip_generator(model, "cpu")
        hiss = HISS * np.random.default_rng(0).standard_normal(generator.audio_rate)
        made = np.stack([generator.generate(crop, hiss.astype(np.float32), FRAMES, 0)[FRAME] for crop in crops])
        pairs = [(crop[None], frame[None]) for crop, frame in zip(crops, made, strict=True)]
        figures = [np.mean([measure(*pair) for pair in pairs]) for measure in (psnr, ssim)]
        print(f"psnr {figures[0]:.2f}  ssim {figures[1]:.3f}  {model}")
        rows.append(made)
    if given.sheet:
        sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
        cv2.imwrite(str(given.sheet), sheet[..., ::-1])


def photo_crops(paths: list[Path]) -> NDArray[np.uint8]:
    """(n, 128, 96, 3) the canonical crop of each photo's largest face."""
    landmarker, crops = FaceLandmarker(), []
    for path in paths:
        photo = read_image(path)
        face = choose_face(landmarker.detect(photo), 1, path.name)
        crops.append(canonical_crop(photo, align(face.landmarks)))
    return np.stack(crops)


if __name__ == "__main__":
    main()
