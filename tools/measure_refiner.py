"""What the refinement changes on pairs that it did not learn from: figures, and a sheet to look at.

    python tools/measure_refiner.py runs/refiner/refiner.safetensors s1.npz s4.npz unseen.npz --sheet sheet.png

Per speaker, of the validation pairs: mean absolute difference (levels), PSNR, SSIM in the patch without its margin, the
difference on lips and mouth alone, and sharpness there (mean slope of brightness) over the truth's.
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
from orate.render.mouth_patch import feather, measure_tone, network_planes

Pictures = NDArray[np.uint8]
INSIDE = np.s_[:, 8:-8, 16:-16]
STIRRED = 0.5  # pairs whose lips hardly move say nothing


def main() -> None:
    """Read the arguments, refine, print the table, write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("pairs", type=Path, nargs="+")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--rows", type=int, default=24)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = compile_refiner(load_refiner(arguments.weights))
    sheet = []
    print("speaker pairs   L1 (lips) PSNR SSIM sharpness: layers -> refined")
    for path in arguments.pairs:
        pairs = load_pairs(path)
        pairs = pairs.chosen((pairs.split == VALIDATION) & (pairs.stirred > STIRRED))
        if not len(pairs):
            continue
        made = np.stack([_refined(network, pairs, index) for index in range(len(pairs))])
        for speaker in np.unique(pairs.speaker):
            which = pairs.speaker == speaker
            before, after = (_figures(pairs.chosen(which), frames) for frames in (pairs.drawn[which], made[which]))
            columns = "  ".join(f"{a:.3f} -> {b:.3f}" for a, b in zip(before, after, strict=True))
            print(f"{speaker:>7} {which.sum():5d}   {columns}")
        opening = pairs.masks[:, 0].mean(axis=(1, 2))
        wide = np.argsort(-opening)[: max(1, 2 * len(pairs) // 3)]
        places = np.sort(wide)[np.linspace(0, len(wide) - 1, arguments.rows).astype(int)]
        sheet += [_row(pairs.own[i], pairs.drawn[i], made[i], pairs.truth[i]) for i in places]
    if arguments.sheet:
        half = (len(sheet) + 1) // 2
        columns = [np.concatenate(part) for part in (sheet[:half], sheet[half : 2 * half])]
        columns[1] = np.pad(columns[1], ((0, len(columns[0]) - len(columns[1])), (0, 0), (0, 0)))
        cv2.imwrite(str(arguments.sheet), np.concatenate(columns, axis=1)[..., ::-1])


def _refined(network, pairs: MouthPairs, index: int) -> Pictures:
    drawn, own, masks = pairs.drawn[index], pairs.own[index], pairs.masks[index]
    tone = measure_tone(own, masks[4], masks[3])
    residual = network(network_planes(tone, drawn, own, masks).astype(np.float32))
    levels = tone.levels(residual) * (pairs.stirred[index] * feather())[..., None]
    return np.rint(np.clip(drawn + levels, 0, 255)).astype(np.uint8)


def _figures(pairs: MouthPairs, made: Pictures) -> tuple[float, ...]:
    truth = pairs.truth
    lips = pairs.masks[:, 1].astype(np.float64)[..., None] / 255
    difference = np.abs(truth.astype(np.float64) - made)
    inside = float((difference * lips).sum() / (3 * lips.sum()))
    sharp = [float((_slopes(frames) * lips[:, 1:, 1:, 0]).sum()) for frames in (made, truth)]
    one, other = truth[INSIDE], made[INSIDE]
    return float(difference[INSIDE].mean()), inside, psnr(one, other), ssim(one, other), sharp[0] / sharp[1]


def _slopes(frames: Pictures) -> NDArray[np.float64]:
    luma = frames.astype(np.float64).mean(axis=-1)
    return np.hypot(np.diff(luma, axis=1)[:, :, 1:], np.diff(luma, axis=2)[:, 1:])


def _row(*pictures: Pictures) -> Pictures:
    enlarged = [cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC) for picture in pictures]
    return np.concatenate(enlarged, axis=1).astype(np.uint8)


if __name__ == "__main__":
    main()
