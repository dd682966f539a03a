"""Are synthetic people faces, and do they speak? Figures and a sheet of `orate prepare synthetic --videos VIDEOS`.

    python tools/measure_synthetic.py SYNTHETIC VIDEOS --motion SHARDS --sheet sheet.png

SYNTHETIC is the prepared folder, SHARDS the one that lent the motion. Figures: in how many frames FaceLandmarker finds
the face, tracking as preparation does; how far its landmarks lie from the exact ones, in parts of the distance between
the outer eye corners, after each frame's mean position was taken off (LMD), for the mouth and for the whole face; how
the opening of the lips of exact landmarks goes with FaceLandmarker's (correlation), and with the source clip's at the
same times. The sheet has for each person frames over time, with the mouth enlarged, above the source clip's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.corpora.codec import decode_array, decode_video
from orate.corpora.shards import Index, Sample, read_index, read_member
from orate.corpora.synthetic.videos import exact_faces, synthetic_videos
from orate.evaluation.lmd import FACE, MOUTH, lmd
from orate.evaluation.mouth_opening import correlation, opening
from orate.face.landmarks import Face, FaceLandmarker
from orate.media.video import read_video

Picture = NDArray[np.uint8]
Curve = NDArray[np.float64]
COLUMNS = 8
MOUTH_BOX = np.s_[70:118, 18:78]  # of a crop of 128 x 96
HEIGHT_PX = 192


def main() -> None:
    """Read the arguments, measure, print, write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synthetic", type=Path)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--motion", type=Path, required=True, help="prepared folder that lent the motion")
    parser.add_argument("--limit", type=int, default=1000, help="at most so many people, the first")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--people", type=int, default=6, help="in the sheet")
    given = parser.parse_args()
    index, source = read_index(given.synthetic), read_index(given.motion)
    samples = {sample.key: sample for sample in index.samples}
    videos = [path for path in synthetic_videos(given.videos) if path.stem in samples][: given.limit]
    landmarker, rows = FaceLandmarker(threads=1), []
    for path in videos:
        exact = np.stack([face.landmarks for face in exact_faces(path)])
        found = tracked(landmarker, [frame.image for frame in read_video(path)])
        sample = samples[path.stem]
        rows.append(
            figures(exact, found) | {"source": source_correlation(given.synthetic, sample, given.motion, source)}
        )
    print(f"{len(rows)} people, {sum(int(row['frames']) for row in rows)} frames")
    for name in ("found", "lmd", "lmd_mouth", "detected", "source"):
        values = np.array([row[name] for row in rows])
        print(f"{name:>10}: mean {np.nanmean(values):.4f}, worst {worst(name, values):.4f}")
    if given.sheet:
        write_sheet(given.sheet, given.synthetic, [samples[path.stem] for path in videos[: given.people]], given.motion)


def worst(name: str, values: Curve) -> float:
    """The largest distance, or the smallest share or correlation."""
    return float(np.nanmax(values) if name.startswith("lmd") else np.nanmin(values))


def tracked(landmarker: FaceLandmarker, frames: list[Picture]) -> NDArray[np.float64]:
    """(T, 478, 3) px, NaN where no face is found."""
    face: Face | None = None
    points = []
    for frame in frames:
        face = landmarker.track(frame, face)
        points.append(face.landmarks if face is not None else np.full((478, 3), np.nan))
    return np.stack(points).astype(np.float64)


def figures(exact: NDArray[np.float32], found: NDArray[np.float64]) -> dict[str, float]:
    """What the landmarker makes of one video."""
    return {
        "frames": len(exact),
        "found": float(np.isfinite(found[:, 0, 0]).mean()),
        "lmd": lmd(exact, found, FACE),
        "lmd_mouth": lmd(exact, found, MOUTH),
        "detected": correlation(opening(exact), opening(found)),
    }


def source_correlation(folder: Path, sample: Sample, motion: Path, index: Index) -> float:
    """Correlation of the lips' opening, exact landmarks against those of the clip that lent the motion."""
    original, first = source_place(folder, sample, index)
    theirs = opening(decode_array(read_member(motion, original, "npz"), "landmarks").astype(np.float64))
    ours = opening(decode_array(read_member(folder, sample, "npz"), "landmarks").astype(np.float64))
    return correlation(ours, theirs[first : first + len(ours)])


def source_place(folder: Path, sample: Sample, index: Index) -> tuple[Sample, int]:
    """The clip that a person moves like, and the frame of it that is the person's first."""
    meta = json.loads(read_member(folder, sample, "json"))
    original = next(other for other in index.samples if other.key == meta["source"])
    return original, round(meta["source_start_s"] * index.fps)


def write_sheet(path: Path, folder: Path, samples: list[Sample], motion: Path) -> None:
    """For each person a row of crops and one of mouths, and a row of the source's mouths at the same times."""
    index, rows = read_index(motion), []
    for sample in samples:
        crops = decode_video(read_member(folder, sample, "mp4"))
        original, first = source_place(folder, sample, index)
        theirs = decode_video(read_member(motion, original, "mp4"))[first : first + len(crops)]
        places = np.linspace(0, len(crops) - 1, COLUMNS).astype(int)
        for frames, box in ((crops, np.s_[:, :]), (crops, MOUTH_BOX), (theirs, MOUTH_BOX)):
            rows.append(np.concatenate([enlarged(frames[place][box]) for place in places], axis=1))
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])


def enlarged(picture: Picture) -> Picture:
    """As wide as a crop of HEIGHT_PX."""
    width = round(HEIGHT_PX * 96 / 128)
    height = round(picture.shape[0] * width / picture.shape[1])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


if __name__ == "__main__":
    main()
