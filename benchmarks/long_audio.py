"""Animate short and long speech: speed against real time, and peak memory, which must not grow with length.

    python benchmarks/long_audio.py                     # 30 s and 600 s of a 512 x 512 photo
    python benchmarks/long_audio.py --seconds 30 300 --model paper-small

Every length is a process of its own, so that peak memory is its own. The table's memory ratio is against the first
length; the real-time factor (seconds of work for a second of video) counts everything but loading the model.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PHOTO, SPEECH = ROOT / "examples" / "portrait.jpg", ROOT / "examples" / "speech.wav"


def main() -> None:
    """Start a process for each length and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[30.0, 600.0])
    parser.add_argument("--model", default="default")
    parser.add_argument("--worker", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(options.worker, options.model)))
        return
    print("| speech, s | load, s | work, s | real-time factor | frames | drift, s | peak MB | memory |")
    print("|---|---|---|---|---|---|---|---|")
    first = None
    for seconds in options.seconds:
        command = [sys.executable, __file__, "--worker", str(seconds), "--model", options.model]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this very script
        row = json.loads(done.stdout.splitlines()[-1])
        first = first or row["peak_mb"]
        print(
            f"| {seconds:g} | {row['load_s']:.1f} | {row['work_s']:.1f} | {row['work_s'] / seconds:.2f} "
            f"| {row['frames']} | {row['drift_s']:.3f} | {row['peak_mb']:.0f} | {row['peak_mb'] / first:.2f}x |"
        )


def work(seconds: float, model: str) -> dict[str, float]:
    """Animate `seconds` of speech (the example's, repeated), and measure."""
    import soundfile

    from orate import Animator
    from orate.media.audio import audio_duration
    from orate.media.video import video_info

    speech, rate = soundfile.read(SPEECH, dtype="float32")
    wanted = round(seconds * rate)
    started = time.perf_counter()
    animator = Animator.from_pretrained(model, device="cpu")
    load_s = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        sound, video = Path(folder) / "speech.wav", Path(folder) / "talking.mp4"
        with soundfile.SoundFile(sound, "w", rate, 1) as file:
            for start in range(0, wanted, len(speech)):
                file.write(np.asarray(speech[: wanted - start]))
        del speech
        started = time.perf_counter()
        animator.animate(PHOTO, sound, video)
        work_s = time.perf_counter() - started
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        frames = video_info(video).frames or 0
        drift_s = frames / 25 - audio_duration(video)
    return {"load_s": load_s, "work_s": work_s, "peak_mb": peak_mb, "frames": frames, "drift_s": drift_s}


if __name__ == "__main__":
    main()
