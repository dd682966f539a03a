"""The watermark: what it costs, how it shows, what it survives, and that it is not found where it is not.

    python benchmarks/watermark.py                          # speed, visibility and survival, on what orate makes
    python benchmarks/watermark.py --real DIR               # false alarms on all videos under DIR instead
    python benchmarks/watermark.py --real DIR --every 10    # on every tenth of them

Every clip of the survival table is what `orate animate` would write: 4 s of examples/speech.wav, marked, H.264 at CRF
18. The change is made to the decoded frames, which are then encoded once more. In the table are the score, which needs
12.5, and whether the right id was read. Times are CPU time, which other programs on the machine change little. Real
videos are also mirrored, and encoded again at CRF 28.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.animator import Animator
from orate.media.audio import read_audio
from orate.media.image import read_image
from orate.media.video import VideoWriter, read_video, read_video_at
from orate.provenance.watermark import Watermark
from orate.provenance.watermark_detector import FRAMES_A_SECOND, Reading, find_in_frames, find_watermark

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SECONDS = 4
FPS = 25
ID = bytes.fromhex("0123456789abcdef")
VIDEOS = {".mp4", ".mpg", ".m4v", ".mov", ".avi", ".mkv", ".webm"}
# Photo, longer side in pixels (None: as it is), grey, model
CLIPS: dict[str, tuple[str, int | None, bool, str]] = {
    "portrait": ("portrait.jpg", None, False, "default"),
    "portrait large": ("portrait.jpg", 1080, False, "default"),
    "portrait small": ("portrait.jpg", 256, False, "default"),
    "Mona Lisa": ("portraits/mona_lisa.jpg", None, False, "default"),
    "pearl earring": ("portraits/girl_with_a_pearl_earring.jpg", None, False, "default"),
    "Lady Agnew, grey": ("portraits/lady_agnew.jpg", None, True, "default"),
    "paper's crop": ("portrait.jpg", None, False, "paper"),
}

Pixels = NDArray[np.uint8]
Frames = list[Pixels]


@dataclass(frozen=True)
class Change:
    """What is done to a finished video: to its frames, and how they are encoded then."""

    frames: Callable[[Frames], Frames]
    crf: int = 23
    fps: int = FPS


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", nargs="+", choices=list(CLIPS), default=list(CLIPS))
    parser.add_argument("--real", type=Path, help="count false alarms on the videos in this folder")
    parser.add_argument("--every", type=int, default=1, help="take every so manieth real video")
    parser.add_argument("--threads", type=int, default=1, help="of OpenCV")
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    if options.real:
        false_alarms(sorted(p for p in options.real.rglob("*") if p.suffix.lower() in VIDEOS)[:: options.every])
        return
    rows = []
    for name in options.clips:
        photo, frames, generation_ms = generate(*CLIPS[name])
        cost, row = examine(name, photo, frames, generation_ms)
        print(cost, flush=True)
        rows.append(row)
    print("\n| clip | " + " | ".join(CHANGES) + " |")
    print("|---|" + "---|" * len(CHANGES))
    print("\n".join(rows))


def generate(photo: str, size: int | None, grey: bool, model: str) -> tuple[Pixels, Frames, float]:
    """The photo, 4 s of frames of it, and milliseconds that drawing a frame took."""
    picture = read_image(EXAMPLES / photo)
    if size is not None:
        factor = size / max(picture.shape[:2])
        way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        picture = np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=way), np.uint8)
    if grey:
        picture = np.asarray(cv2.merge([cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)] * 3), np.uint8)
    animator = Animator.from_pretrained(model)
    source = animator.prepare(picture)
    rate = animator.config.audio_rate
    sound = read_audio(EXAMPLES / "speech.wav", rate, duration_s=SECONDS)
    crop = model == "paper"
    start = time.process_time()
    frames = list(animator.stream(source, [sound], rate=rate, crop=crop))
    return source.crop if crop else source.photo, frames, 1000 * (time.process_time() - start) / len(frames)


def examine(name: str, photo: Pixels, frames: Frames, generation_ms: float) -> tuple[str, str]:
    """A line on cost and visibility, and a row of the survival table."""
    start = time.process_time()
    mark = Watermark(ID, photo)
    prepared_ms = 1000 * (time.process_time() - start)
    marked = [frame.copy() for frame in frames]
    start = time.process_time()
    for frame in marked:
        mark(frame, out=frame)
    frame_ms = 1000 * (time.process_time() - start) / len(frames)
    psnr = min(decibels(frame, other) for frame, other in zip(frames, marked, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        plain, original = Path(folder) / "plain.mp4", Path(folder) / "marked.mp4"
        write(frames, plain, 18)
        write(marked, original, 18)
        growth = original.stat().st_size / plain.stat().st_size - 1
        decoded = [shown.image for shown in read_video(original)]
        start = time.process_time()
        readings = [find_watermark(original)]
        found_s = time.process_time() - start
        start = time.process_time()
        find_watermark(plain)
        absent_s = time.process_time() - start
        for label, change in list(CHANGES.items())[1:]:
            readings.append(after(change, original if label == "30 fps" else decoded, Path(folder)))
    height, width = photo.shape[:2]
    cost = (
        f"{name}, {width}x{height}: PSNR {psnr:.1f} dB at least; {frame_ms:.3f} ms a frame, "
        f"{frame_ms / generation_ms:.2%} of drawing it ({generation_ms:.1f} ms); {prepared_ms:.0f} ms once; "
        f"file {growth:+.0%}; found in {found_s:.1f} s, not found in the unmarked in {absent_s:.1f} s"
    )
    return cost, f"| {name}, {width}x{height} | " + " | ".join(verdict(one) for one in readings) + " |"


def after(change: Change, video: Path | Frames, folder: Path) -> Reading:
    """What is read after a change."""
    changed = folder / "changed.mp4"
    frames = list(read_video_at(video, change.fps)) if isinstance(video, Path) else video
    write(change.frames(frames), changed, change.crf, change.fps)
    return find_watermark(changed)


def verdict(reading: Reading) -> str:
    """A cell of the table."""
    if not reading.found:
        return f"no {reading.score:.0f}"
    right = "yes" if reading.content_id == ID else "without id" if reading.content_id is None else "WRONG"
    return f"{right} {reading.score:.0f}"


def decibels(frame: Pixels, other: Pixels) -> float:
    """PSNR of all three channels."""
    error = np.mean((frame.astype(np.float64) - other) ** 2)
    return float(10 * np.log10(255**2 / error))


def write(frames: Frames, path: Path, crf: int, fps: int = FPS) -> None:
    """An MP4 without sound; odd sides lose a pixel."""
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    with VideoWriter(path, width, height, Fraction(fps), crf=crf) as video:
        for frame in frames:
            video.write(np.ascontiguousarray(frame[:height, :width]))


def same(frames: Frames) -> Frames:
    """Nothing but the encoding."""
    return frames


def scaled(factor: float) -> Callable[[Frames], Frames]:
    """Another size."""
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return lambda frames: [
        np.asarray(cv2.resize(frame, None, fx=factor, fy=factor, interpolation=way), np.uint8) for frame in frames
    ]


def cropped(left: float, top: float, right: float, bottom: float) -> Callable[[Frames], Frames]:
    """Shares of the width and height taken away at each side."""

    def crop(frames: Frames) -> Frames:
        height, width = frames[0].shape[:2]
        rows = slice(round(top * height), height - round(bottom * height))
        columns = slice(round(left * width), width - round(right * width))
        return [frame[rows, columns] for frame in frames]

    return crop


def levels(gain: float, offset: float = 0.0, gamma: float = 1.0) -> Callable[[Frames], Frames]:
    """Brightness, contrast and gamma of every channel."""
    curve = np.clip(255 * (np.arange(256) / 255) ** gamma * gain + offset, 0, 255).round().astype(np.uint8)
    return lambda frames: [curve[frame] for frame in frames]


def screenshot(frames: Frames) -> Frames:
    """Recorded off a screen: scaled by an odd factor, cropped unevenly, other gamma, JPEG frame by frame, blurred."""
    frames = levels(0.97, 4, 0.9)(cropped(0.05, 0.02, 0.03, 0.06)(scaled(0.83)(frames)))
    quality = [cv2.IMWRITE_JPEG_QUALITY, 70]
    shots = [np.asarray(cv2.imdecode(cv2.imencode(".jpg", frame, quality)[1], 1)) for frame in frames]
    return [np.asarray(cv2.GaussianBlur(shot, (0, 0), 0.5), np.uint8) for shot in shots]


def framed(frames: Frames) -> Frames:
    """Black bars at the sides, as a portrait in a wide picture."""
    height, width = frames[0].shape[:2]
    side = max(0, round(height * 16 / 9) - width) // 2
    return [np.pad(frame, ((0, 0), (side, side), (0, 0))) for frame in frames]


CHANGES: dict[str, Change] = {
    "as written": Change(same, 18),
    "CRF 23": Change(same, 23),
    "CRF 28": Change(same, 28),
    "CRF 32": Change(same, 32),
    "half size": Change(scaled(0.5)),
    "double size": Change(scaled(2)),
    "crop 10%": Change(cropped(0.06, 0.03, 0.04, 0.07)),
    "30 fps": Change(same, fps=30),
    "brighter": Change(levels(1.2, 10)),
    "darker": Change(levels(0.7)),
    "screenshot": Change(screenshot),
    "cut of 2 s": Change(lambda frames: frames[30 : 30 + 2 * FPS]),
    "mirrored": Change(lambda frames: [frame[:, ::-1] for frame in frames]),
    "black bars": Change(framed),
    "half size, CRF 28": Change(scaled(0.5), 28),
}


def false_alarms(videos: list[Path]) -> None:
    """Count alarms on real videos, their mirror images and re-encodes, and show the highest scores."""
    scores: dict[str, list[float]] = {}
    alarms = 0
    with tempfile.TemporaryDirectory() as folder:
        for count, video in enumerate(videos, start=1):
            for kind, frames in variants(video, Path(folder) / "again.mp4"):
                reading = find_in_frames(frames)
                scores.setdefault(kind, []).append(reading.score)
                if reading.found:
                    alarms += 1
                    print(f"FALSE ALARM: {video} {kind} {reading}", flush=True)
            if count % 50 == 0:
                print(f"{count} of {len(videos)}", file=sys.stderr, flush=True)
    for kind, found in scores.items():
        print(f"{kind}: {len(found)} videos, score {np.mean(found):.1f} on average, {max(found):.1f} at most")
    print(f"{alarms} false alarms")


def variants(video: Path, again: Path) -> Iterator[tuple[str, Frames]]:
    """The video, its mirror image and its re-encode."""
    frames = list(read_video_at(video, FRAMES_A_SECOND))
    yield "as they are", frames
    yield "mirrored", [np.ascontiguousarray(frame[:, ::-1]) for frame in frames]
    write([shown.image for shown in read_video(video)], again, 28)
    yield "CRF 28", list(read_video_at(again, FRAMES_A_SECOND))


if __name__ == "__main__":
    main()
