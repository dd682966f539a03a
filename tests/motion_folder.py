"""A folder of motion tracks without people: heads that sway and lips that part, in the layout of `read_tracks`."""

from pathlib import Path

import numpy as np

from orate.corpora.motion_tracks import INNER_LIP_PAIRS
from orate.render.head import load_head

COMPONENTS = 64
LIPS, BROWS = 0, 1


def write_tracks(folder: Path, people: int = 2, tracks: int = 2, frames: int = 90) -> Path:
    """Write tracks of people; those of every sixth, so of the first, are held out."""
    head = load_head()
    mean = (head.landmarks - 2 * head.canonical_shift) @ head.canonical_rotation.T / head.canonical_scale
    axes = np.zeros((COMPONENTS, 478, 3))
    down = np.array([0, -1.0, 0]) @ head.canonical_rotation.T / head.canonical_scale
    for _, lower in INNER_LIP_PAIRS:
        axes[LIPS, lower] = down
    for brow in (105, 334, 66, 296):
        axes[BROWS, brow] = -down
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "basis.npz", mean=mean.astype(np.float32), components=axes.astype(np.float32))
    np.save(folder / "speech_scale.npy", np.full(384, 0.02, np.float32))
    time = np.arange(frames) / 25
    for person in range(people):
        (folder / f"p{person:02}").mkdir()
        for number in range(tracks):
            random = np.random.default_rng([person, number])
            motion = np.zeros((frames, COMPONENTS))
            motion[:, LIPS] = 0.4 + 0.4 * np.sin(2 * np.pi * 3 * time + number)
            motion[:, BROWS] = 0.2 * np.sin(2 * np.pi * 0.5 * time)
            scores = np.zeros((frames, 52))
            scores[40:45, [9, 10]] = 0.8
            sway = np.zeros((frames, 3))
            sway[:, 1] = 0.1 * np.sin(2 * np.pi * 0.4 * time)
            np.savez(
                folder / f"p{person:02}" / f"{number:05}.npz",
                motion=motion.astype(np.float16),
                rotation=sway.astype(np.float16),
                scale=np.full(frames, 0.01, np.float32),
                translation=np.full((frames, 3), 200, np.float32),
                blendshapes=scores.astype(np.float16),
                speech=random.integers(-127, 128, (2 * frames, 384)).astype(np.int8),
                language="en",
            )
    return folder
