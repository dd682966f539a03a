"""Time the layers of the `default` decoder a frame, and all of them together.

Layers take turns frame by frame, so that whatever else the machine does falls on all alike; the part of the whole is
what stays the same from machine to machine.

    python benchmarks/layers.py                     # examples/portrait.jpg as it is (512x512) and enlarged to 1080x1080
    python benchmarks/layers.py --frames 300 --threads 1 --photo other.jpg
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from orate.face.landmarks import FaceLandmarker
from orate.media.image import read_image
from orate.render import composition
from orate.render.composition import Composition
from orate.render.head import load_head
from orate.render.pose import fit_pose
from orate.render.rest import expression_from_blendshapes, face_at_rest
from orate.render.source import FaceMotion, FaceSource

PHOTO = Path(__file__).resolve().parent.parent / "examples" / "portrait.jpg"
SIZES = (512, 1080)
FRAMES_A_SECOND = 25
WHOLE, TARGET = "whole frame", "target landmarks"
Clock = dict[str, list[float]]


def main() -> None:
    """Time every size and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, default=PHOTO)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2, help="CPU cores that may be used")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    cv2.setNumThreads(options.threads)
    for size in SIZES:
        print(table(*measure(source_of(options.photo, size), options.frames)))


def source_of(path: Path, size: int) -> FaceSource:
    """The photo with its longer side brought to a size, and its first face."""
    photo = read_image(path)
    factor = size / max(photo.shape[:2])
    if factor != 1:
        photo = np.asarray(cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8)
    face = FaceLandmarker().detect(photo)[0]
    landmarks = np.asarray(face.landmarks, np.float64)
    blendshapes = np.asarray(face.blendshapes, np.float32)
    pose = fit_pose(landmarks)
    shape = pose.unproject(landmarks)
    rest = face_at_rest(shape, expression_from_blendshapes(blendshapes))
    return FaceSource(photo, landmarks, blendshapes, pose, shape, rest)


def movement(frames: int) -> list[FaceMotion]:
    """Speech-like motion in which every layer has to draw in every frame."""
    seconds = np.arange(frames) / FRAMES_A_SECOND
    jaw = load_head().actions["jawOpen"]
    sway = np.sin(2 * np.pi * seconds[:, None] * np.array([0.6, 0.4, 0.5]) + 1)
    return [
        FaceMotion(
            expression=((0.35 + 0.3 * np.sin(2 * np.pi * 3 * second)) * jaw).astype(np.float32),
            lids=np.full(2, 0.5 + 0.4 * np.sin(2 * np.pi * second), np.float32),
            gaze=np.array([4.0, 1.0], np.float32),
            rotation=(0.08 * sway[k]).astype(np.float32),
            translation=(0.5 * sway[k]).astype(np.float32),
        )
        for k, second in enumerate(seconds)
    ]


def measure(source: FaceSource, frames: int) -> tuple[FaceSource, float, Clock]:
    """The photo, seconds to prepare it, and milliseconds of each layer in each frame."""
    start = time.perf_counter()
    compose = Composition(source)
    prepared_s = time.perf_counter() - start
    clock: Clock = {}
    for name, layer in list(vars(compose).items()):
        module = type(layer).__module__
        if module.startswith("orate.render.") and callable(layer) and module != composition.__name__:
            setattr(compose, name, timed(layer, type(layer).__name__, clock))
    setattr(compose, "target", timed(compose.target, TARGET, clock))  # noqa: B010 - a method, on purpose
    motions = movement(frames + 10)
    whole = timed(compose, WHOLE, clock)
    for motion in motions:
        whole(motion)
    return source, prepared_s, {name: times[10:] for name, times in clock.items()}


def timed(draw: Callable[..., object], name: str, clock: Clock) -> Callable[..., object]:
    """A callable that also notes its milliseconds."""

    def noting(*arguments: object) -> object:
        start = time.perf_counter()
        result = draw(*arguments)
        clock.setdefault(name, []).append(1000 * (time.perf_counter() - start))
        return result

    return noting


def table(source: FaceSource, prepared_s: float, clock: Clock) -> str:
    """The times as a Markdown table."""
    height, width = source.photo.shape[:2]
    medians = {name: statistics.median(times) for name, times in clock.items()}
    lines = [
        f"{width}x{height}, face {np.ptp(source.landmarks[:, 0]):.0f} px wide, {len(clock[WHOLE])} frames, "
        f"{cv2.getNumThreads()} threads, prepared in {prepared_s:.2f} s; "
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "",
        "| layer | median ms | best ms | of the whole |",
        "|---|---|---|---|",
    ]
    for name, median in medians.items():
        lines.append(f"| {name} | {median:.2f} | {min(clock[name]):.2f} | {median / medians[WHOLE]:.0%} |")
    speed = 1000 / medians[WHOLE] / FRAMES_A_SECOND
    return "\n".join([*lines, "", f"{speed:.1f} times real time at {FRAMES_A_SECOND} frames/s", ""])


if __name__ == "__main__":
    main()
