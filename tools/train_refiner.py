"""Train the refinement from pairs made by tools/make_mouth_pairs.py.

    python tools/train_refiner.py runs/refiner s1.npz s4.npz

Stopped by a signal, or killed, it goes on where it was when started again with the same arguments.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from orate.corpora.clip import TRAIN
from orate.corpora.mouth_pairs import MouthPairs, load_pairs
from orate.training.refine_config import DEFAULT_REFINER, read_recipe
from orate.training.refine_trainer import RefineTrainer


def main() -> int:
    """Read the arguments, train, say how it goes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pairs", type=Path, nargs="+")
    parser.add_argument("--recipe", type=Path, default=DEFAULT_REFINER)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    parts = [load_pairs(path) for path in arguments.pairs]
    pairs = MouthPairs.joined([part.chosen(part.split == TRAIN) for part in parts])
    trainer = RefineTrainer(read_recipe(arguments.recipe), pairs, arguments.folder)

    def progress(step: int, figures: dict[str, float]) -> None:
        if step % 10 == 0:
            print(step, " ".join(f"{name} {value:.4f}" for name, value in figures.items()), flush=True)

    return 128 + number if (number := trainer.fit(progress)) else 0


if __name__ == "__main__":
    sys.exit(main())
