"""What a second process brings: videos an hour of ``orate batch`` with one process and with two, in one run.

    python benchmarks/batch.py                  # 8 videos of 4 s of examples/portrait.jpg
    python benchmarks/batch.py --rows 4 --seconds 2

Needs two cores that nothing else uses: the load of the machine is printed beside. One process and two are measured by
turns. Each has one thread for its networks, so both make the same files, which is checked. The time includes the start
of the processes and the loading of the model, once a process; `steady` is without: from when all processes have their
first video to when the last begins to idle.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import soundfile

from orate.animator.batch.outcome import Event, Outcome
from orate.animator.batch.pool import Pool
from orate.animator.batch.rows import Row, rows_of
from orate.animator.batch.run import run_batch

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def timed(rows: list[Row], folder: Path, workers: int) -> tuple[float, float, float]:
    """Seconds that the rows take, seconds a row once all processes are at work, and seconds of the cores' work."""
    before = _work()
    begun, ends = time.monotonic(), list[float]()

    def show(event: Event) -> None:
        if isinstance(event, Outcome):
            if event.error:
                raise SystemExit(event.error)
            ends.append(time.monotonic() - begun)

    run_batch(rows, folder, Pool(workers), show=show)
    total = time.monotonic() - begun
    steady = (ends[-workers] - ends[workers - 1]) / (len(ends) - 2 * workers + 1)
    return total, steady, _work() - before


def _work() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # processes that have ended
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")  # else the files tell when they were made
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        sound, rate = soundfile.read(EXAMPLES / "speech.wav")
        soundfile.write(here / "speech.wav", sound[: int(given.seconds * rate)], rate)
        cells = [
            {"photo": str(EXAMPLES / "portrait.jpg"), "audio": str(here / "speech.wav"), "seed": seed}
            for seed in range(given.rows)
        ]
        print(f"{given.rows} videos of {given.seconds:g} s on {len(os.sched_getaffinity(0))} cores")
        for turn in range(given.rounds):
            made: dict[int, list[bytes]] = {}
            times: dict[int, tuple[float, float, float]] = {}
            for workers in (1, 2) if turn % 2 == 0 else (2, 1):
                load = os.getloadavg()[0]
                folder = here / f"{turn}-{workers}"
                times[workers] = timed(rows_of(cells, folder, here), folder, workers)
                made[workers] = [path.read_bytes() for path in sorted(folder.glob("*.mp4"))]
                total, steady, work = times[workers]
                print(
                    f"{workers} processes: {total:6.1f} s, {steady:5.2f} s a video when steady, "
                    f"{work / total:.2f} cores at work; load before {load:.1f}"
                )
            same = "the same" if made[1] == made[2] else "OTHER"
            whole, at_work = (times[1][which] / times[2][which] for which in (0, 1))
            print(f"throughput of two to one: {whole:.2f}, steady {at_work:.2f}; {same} files")


if __name__ == "__main__":
    main()
