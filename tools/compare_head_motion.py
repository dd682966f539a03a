"""Head, brows and lids of held-out people: real, by the random process alone, and as the model moves them.

    python tools/compare_head_motion.py MODEL_FOLDER TRACKS

Three columns: real; the fitted random process alone that the generator starts from; and what its decoder, taught by the
sequence discriminator that also hears, makes of that process, of speech and of the noise code.
"""

from __future__ import annotations

import argparse
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch

from orate.corpora.motion_tracks import person_neutrals, read_tracks
from orate.evaluation.motion import BROWS, LONG_FRAMES
from orate.evaluation.motion_statistics import MotionStatistics, motion_statistics
from orate.models.motion_generator import MotionGenerator, load_motion
from orate.models.motion_session import MotionSession
from orate.models.speech_encoder import whole_means


def compare(generator: MotionGenerator, folder: Path, held_out: bool) -> dict[str, MotionStatistics]:
    """Statistics by what they are of, over stretches of three seconds and more."""
    tracks = [t for t in read_tracks(folder) if t.validation == held_out and len(t.shape) >= LONG_FRAMES]
    neutrals = person_neutrals(tracks)
    made: dict[str, tuple[list[np.ndarray], ...]] = {name: ([], [], []) for name in ("real", "process", "generated")}
    still = deepcopy(generator)
    torch.nn.init.zeros_(still.motion_decoder.sway_out.weight)
    torch.nn.init.zeros_(still.motion_decoder.sway_out.bias)  # type: ignore[arg-type]
    for number, track in enumerate(tracks):
        neutral, rows = neutrals[track.person], track.speech[0]
        rows = rows - whole_means(2 * len(rows)).numpy().reshape(rows.shape)
        _add(made["real"], track.rotation, track.shape[:, BROWS, 1].mean(axis=1), track.lids.mean(axis=1))
        for name, one in (("process", still), ("generated", generator)):
            session = MotionSession(one, neutral, number)
            motion = session.push(rows)
            brows = session.expression(motion.coefficients)[:, BROWS, 1].mean(axis=1)
            _add(made[name], motion.rotation, brows, motion.lids.mean(axis=1))
    return {name: motion_statistics(*parts) for name, parts in made.items()}


def _add(parts: tuple[list[np.ndarray], ...], *values: np.ndarray) -> None:
    for part, value in zip(parts, values, strict=True):
        part.append(value)


def main() -> None:
    """Read the arguments, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("tracks", type=Path)
    parser.add_argument("--training-people", action="store_true", help="Compare on those that were trained on.")
    given = parser.parse_args()
    rows = {
        name: statistics.as_figures()
        for name, statistics in compare(load_motion(given.model), given.tracks, not given.training_people).items()
    }
    print(f"{'':26}" + "".join(f"{name:>12}" for name in rows))
    for figure in rows["real"]:
        print(f"{figure:26}" + "".join(f"{row[figure]:12.3g}" for row in rows.values()))


if __name__ == "__main__":
    main()
