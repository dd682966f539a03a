"""What refinements change on pairs that they did not learn from: figures, and sheets to look at.

    python tools/measure_refiner.py RUN/model/refiner.safetensors --cache RUN/cache --sheet sheet.png

Pairs are those that `orate train default-refiner` makes; of people never seen, `--make FOLDER --cache NEW` makes them
first. A row for the layers alone and one for each file: mean absolute difference in levels in the patch and on lips and
mouth, PSNR, SSIM, sharpness of the lips over the truth's, error of the difference of neighbouring frames (flicker), and
that difference's size over the truth's (movement). `--sheet` writes mouths over time: layers, each file's, the truth.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from orate.corpora.clip import VALIDATION
from orate.corpora.mouth_pairs import MouthPairs, load_pairs
from orate.evaluation.psnr import psnr
from orate.evaluation.ssim import ssim
from orate.models.engines.refiner_engine import compile_refiner
from orate.models.refiner import load_refiner
from orate.training.refine_config import RefinePairs
from orate.training.refine_pairs import cached_pairs
from orate.training.refine_validation import INSIDE, STIRRED, patch_figures, refined_patch

Pictures = NDArray[np.uint8]
MOUTH = np.s_[16:80, 24:104]  # of the patch, in a sheet
COLUMNS = ("l1", "lips", "psnr", "ssim", "sharpness", "flicker", "movement")


def main() -> None:
    """Read the arguments, refine, print the table, write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path, required=True, help="folder of pairs, a file for each clip")
    parser.add_argument("--make", type=Path, help="clips to make the pairs of first, from two sources each")
    parser.add_argument("--one", action="store_true", help="all speakers together")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--runs", type=int, default=6, help="in the sheet")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.make:
        cached_pairs([arguments.make], arguments.cache, RefinePairs(sources=2, frames=12))
    parts = [load_pairs(path) for path in sorted(arguments.cache.glob("*.npz")) if path.stat().st_size]
    parts = [part.chosen(part.split == VALIDATION) for part in parts]
    pairs = MouthPairs.joined([part for part in parts if len(part)])
    made = {"layers": pairs.drawn}
    for path in arguments.weights:
        network = compile_refiner(load_refiner(path))
        made[str(path)] = np.stack([refined_patch(network, pairs, index) for index in range(len(pairs))])
    speakers = np.full(len(pairs), "all") if arguments.one else pairs.speaker
    print(f"{'speaker':>8} {'pairs':>5} " + " ".join(f"{name:>9}" for name in COLUMNS))
    for speaker in np.unique(speakers):
        which = (speakers == speaker) & (pairs.stirred > STIRRED)
        for name, frames in made.items():
            chosen = pairs.chosen(which)
            figures = patch_figures(chosen, frames[which])
            seen = chosen.truth[INSIDE], frames[which][INSIDE]
            figures |= {"psnr": psnr(*seen), "ssim": ssim(*seen)}
            columns = " ".join(f"{figures[column]:9.3f}" for column in COLUMNS)
            print(f"{speaker:>8} {which.sum():5d} {columns}  {name}")
    if arguments.sheet:
        _write_sheet(arguments.sheet, pairs, made, arguments.runs)


def _write_sheet(path: Path, pairs: MouthPairs, made: dict[str, Pictures], count: int) -> None:
    """For each of some runs a row of the layers', of each file's, and of the true mouths, every second frame."""
    runs, counts = np.unique(pairs.run, return_counts=True)
    runs = runs[counts > 1]
    rows = []
    for run in runs[np.linspace(0, len(runs) - 1, min(count, len(runs))).astype(int)]:
        places = np.flatnonzero(pairs.run == run)[::2]
        for frames in (*made.values(), pairs.truth):
            rows.append(np.concatenate([frames[place][MOUTH] for place in places], axis=1))
        rows.append(np.zeros((4, *rows[-1].shape[1:]), np.uint8))
    sheet = cv2.resize(np.concatenate(rows), None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), sheet[..., ::-1])


if __name__ == "__main__":
    main()
