"""Speed, delay and memory of a model from photo and sound to file: everything that `Animator` promises.

    python benchmarks/long_audio.py                    # 512 and 1080 px, 30 s of speech; at 512 px also 10 minutes
    python benchmarks/long_audio.py --sizes 512 --seconds 30 300 --model paper -o paper.json

Every row is a process of its own, so that peak memory is its own. The sizes take the first length of speech, and the
first size all lengths. What is measured, in this order:

    load           `Animator.from_pretrained`; importing the package is left out
    prepare        `Animator.prepare`: the first one, which loads the face landmarker, and the next one
    first frame    of a stream on a prepared photo, from the call on, the sound that it needs lying ready: the first
                   stream of the process, and the slowest of five more
    draw           the frames of 10 s alone, without encoding: one thread's work, which a second core does not shorten
    animate        of a prepared photo to a file with sound: seconds of work for a second of video (real-time factor)
    peak           memory of the process after all that, and against the first row of the same size

Where other programs share the cores, waiting for them is in all of these. So CPU seconds (user and system, of all
threads) are beside them: `busy` is CPU seconds over seconds of work. `estimate` is the real-time factor that is left
when nothing else runs: CPU seconds for a second of video over the number of cores, or those of drawing, if more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PHOTO, SPEECH = ROOT / "examples" / "portrait.jpg", ROOT / "examples" / "speech.wav"
WARM_STREAMS = 5
DRAWN_S = 10
Row = dict[str, Any]
Result = TypeVar("Result")


def main() -> None:
    """Start a process for each row, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1080], help="px, the photo's longer side")
    parser.add_argument("--seconds", type=float, nargs="+", default=[30.0, 600.0], help="lengths of speech")
    parser.add_argument("--model", default="default")
    parser.add_argument("--photo", type=Path, default=PHOTO)
    parser.add_argument("--threads", type=int, default=2, help="CPU cores that may be used")
    parser.add_argument("-o", "--output", type=Path, help="also write everything to this JSON file")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(options)))
        return
    plan = [(size, seconds) for size in options.sizes for seconds in options.seconds]
    plan = [(size, seconds) for size, seconds in plan if size == options.sizes[0] or seconds == options.seconds[0]]
    rows: list[Row] = []
    for size, seconds in plan:
        command = [sys.executable, __file__, "--worker", "--sizes", str(size), "--seconds", str(seconds)]
        command += ["--model", options.model, "--photo", str(options.photo), "--threads", str(options.threads)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - this very script
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        first = next(row for row in rows if row["size"] == size)
        rows[-1]["memory_ratio"] = rows[-1]["peak_mb"] / first["peak_mb"]
    report = {
        "model": options.model,
        "threads": options.threads,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end",
        "rows": rows,
    }
    if options.output:
        options.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(tables(report))


def tables(report: Row) -> str:
    """The report as two Markdown tables."""
    lines = [
        f"{report['model']}, {report['threads']} cores; {report['machine']}; seconds, in brackets CPU seconds",
        "",
        "| photo | load | prepare, first | prepare, next | first frame, first stream | first frame, warm |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["rows"]:
        cells = (row[name] for name in ("load", "prepare", "prepare_next", "first_frame", "first_frame_warm"))
        times = " | ".join(f"{cell['wall_s']:.2f} ({cell['cpu_s']:.2f})" for cell in cells)
        lines.append(f"| {row['width']} x {row['height']} | {times} |")
    lines += [
        "",
        "| photo | speech | animate | real-time factor | busy | CPU s a second | of it drawing | estimate | frames "
        "| drift | peak MB | memory |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in report["rows"]:
        wall, cpu, seconds = row["animate"]["wall_s"], row["animate"]["cpu_s"], row["seconds"]
        drawing = row["draw"]["cpu_s"] / DRAWN_S
        lines.append(
            f"| {row['width']} x {row['height']} | {seconds:g} | {wall:.1f} ({cpu:.1f}) | {wall / seconds:.2f} "
            f"| {cpu / wall:.2f} | {cpu / seconds:.2f} | {drawing:.2f} "
            f"| {max(drawing, cpu / seconds / report['threads']):.2f} "
            f"| {row['frames']} | {row['drift_s']:.3f} | {row['peak_mb']:.0f} | {row['memory_ratio']:.2f}x |"
        )
    return "\n".join(lines)


def timed(call: Callable[[], Result]) -> tuple[Result, dict[str, float]]:
    """What a call gives, and how long it took by the clock and in CPU seconds of all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def work(options: argparse.Namespace) -> Row:
    """Be a row: animate the photo with speech of one length (the example's, repeated), and measure."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    import cv2
    import soundfile

    from orate.animator import Animator
    from orate.media.audio import audio_duration, read_audio
    from orate.media.image import read_image
    from orate.media.video import video_info

    (size,), (seconds,) = options.sizes, options.seconds
    photo = read_image(options.photo)
    factor = size / max(photo.shape[:2])
    if factor != 1:
        photo = np.asarray(cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8)
    height, width = photo.shape[:2]
    row: Row = {"size": size, "seconds": seconds, "width": width, "height": height}
    animator, row["load"] = timed(lambda: Animator.from_pretrained(options.model, device="cpu"))
    _, row["prepare"] = timed(lambda: animator.prepare(photo))
    source, row["prepare_next"] = timed(lambda: animator.prepare(photo))

    rate = animator.config.audio_rate
    sound = read_audio(SPEECH, rate)[: round(rate * (animator.look_ahead_s + 1 / animator.config.fps))]
    streams = [timed(lambda: next(animator.stream(source, [sound], rate=rate)))[1] for _ in range(1 + WARM_STREAMS)]
    row["first_frame"], row["first_frame_warm"] = streams[0], max(streams[1:], key=lambda times: times["wall_s"])

    speech = np.resize(read_audio(SPEECH, rate), round(DRAWN_S * rate))
    _, row["draw"] = timed(lambda: deque(animator.whole(source, speech), maxlen=0))

    with tempfile.TemporaryDirectory() as folder:
        path, video = Path(folder) / "speech.wav", Path(folder) / "talking.mp4"
        speech, file_rate = soundfile.read(SPEECH, dtype="float32")
        wanted = round(seconds * file_rate)
        with soundfile.SoundFile(path, "w", file_rate, 1) as file:
            for start in range(0, wanted, len(speech)):
                file.write(speech[: wanted - start])
        _, row["animate"] = timed(lambda: animator.animate(source, path, video))
        row["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        row["frames"] = video_info(video).frames or 0
        row["drift_s"] = row["frames"] / 25 - audio_duration(video)
    return row


if __name__ == "__main__":
    main()
