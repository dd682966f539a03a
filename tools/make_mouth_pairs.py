"""Make the pairs that the refinement learns from, out of GRID's videos.

    python tools/make_mouth_pairs.py /data/grid s4.npz --speakers s4 --frames 12 --sources 2
    python tools/make_mouth_pairs.py /data/grid s1.npz --speakers s1 --clips 80 --frames 11

About 0.1 s a pair on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from orate.corpora.grid import find_clips
from orate.corpora.mouth_pairs import MouthPairs, clip_pairs
from orate.face.landmarks import FaceLandmarker


def main() -> None:
    """Read the arguments, draw the pairs, write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="GRID's folder")
    parser.add_argument("output", type=Path, help="the .npz to write")
    parser.add_argument("--speakers", nargs="+")
    parser.add_argument("--clips", type=int, help="how many clips of each split, spread evenly (all)")
    parser.add_argument("--frames", type=int, default=15, help="frames looked at in a clip")
    parser.add_argument("--sources", type=int, default=1, help="of them drawn from")
    arguments = parser.parse_args()

    landmarker = FaceLandmarker(threads=1)
    clips = find_clips(arguments.source, arguments.speakers)
    if arguments.clips:
        clips = [clip for split in ("train", "validation") for clip in _spread(clips, split, arguments.clips)]
    parts = []
    for number, clip in enumerate(clips, start=1):
        pairs = clip_pairs(clip, landmarker, arguments.frames, arguments.sources)
        if pairs is not None:
            parts.append(pairs)
        print(f"\r{number}/{len(clips)}", end="", flush=True)
    MouthPairs.joined(parts).save(arguments.output)
    print(f"\n{sum(map(len, parts))} pairs in {arguments.output}")


def _spread(clips: list, split: str, count: int) -> list:
    chosen = [clip for clip in clips if clip.split == split]
    places = np.unique(np.linspace(0, len(chosen) - 1, min(count, len(chosen))).astype(int)) if chosen else []
    return [chosen[place] for place in places]


if __name__ == "__main__":
    main()
