"""Time the loader: frames a second from prepared shards, clips at random, cached, or as a stream, by loader processes.

Every measurement is a process of its own, so that its memory is its own; they take turns for several rounds, so that
whatever else the machine does falls on all alike. Frames per CPU second are what one core delivers, also on a machine
that is busy; of frames a second only ratios within one run mean something.

    python benchmarks/loader.py                         # makes 32 clips of three seconds itself
    python benchmarks/loader.py --data shards --data more-shards --workers 0 1 2 4 8
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import soxr
from loader_reading import reading
from made_clips import FRAMES, RATE, make_shards
from torch.utils.data import DataLoader, get_worker_info

from orate.corpora.clip_reader import decode_planes
from orate.corpora.codec import decode_array, decode_audio
from orate.corpora.dataset import ClipDataset, ClipItem
from orate.corpora.shards import read_member
from orate.corpora.stream import ClipStream
from orate.training.sampler import BatchOrder

MODES = {
    "random": "clips at random, decoded anew",
    "filling": "clips at random, the first time with a cache",
    "cached": "clips at random, from the cache",
    "stream": "stream",
}
FIRST = "random"


def main() -> None:
    """Measure all modes in turns and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="folder from `orate prepare`; made if not given")
    cores = os.cpu_count() or 1
    parser.add_argument("--workers", type=int, nargs="+", default=sorted({0, 1, 2, min(4, cores), cores} - {3}))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--clips", type=int, default=160, help="clips in one measurement")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--clip-frames", type=int, default=FRAMES)
    parser.add_argument("--audio-rate", type=int, default=RATE)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options, options.one[0], int(options.one[1]))))
        return
    with tempfile.TemporaryDirectory(prefix="orate-loader-") as place:
        options.data = options.data or [make_shards(Path(place) / f"made-{number}", number) for number in range(2)]
        options.cache = Path(place) / "cache"
        report = compare(options)
        clips = dataset(options)
        epoch = chosen_clips(clips, len(clips) // options.batch, options.batch)
        report["costs"], report["reading"] = costs(clips, options), reading(clips, epoch)
    options.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(table(report))


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Run every measurement once a round, in turns."""
    rows = [(mode, workers) for mode in options.modes for workers in options.workers]
    measured: dict[tuple[str, int], list[dict[str, float]]] = {row: [] for row in rows}
    for row in rows * options.rounds:
        measured[row].append(ask(options, *row))
    first = measured.get((FIRST, options.workers[0])) or next(iter(measured.values()))
    results = []
    for (mode, workers), rounds in measured.items():
        middle = {key: statistics.median(entry[key] for entry in rounds) for key in rounds[0]}
        ratios = [entry["fps"] / one["fps"] for entry, one in zip(rounds, first, strict=True)]
        results.append({"mode": mode, "workers": workers, **middle, "faster": statistics.median(ratios)})
    return {
        "clips": options.clips,
        "rounds": options.rounds,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end",
        "results": results,
    }


def ask(options: argparse.Namespace, mode: str, workers: int) -> dict[str, float]:
    """One measurement in a process of its own."""
    given = [word for folder in options.data for word in ("--data", str(folder))]
    given += ["--cache", str(options.cache), "--clips", str(options.clips), "--batch", str(options.batch)]
    given += ["--clip-frames", str(options.clip_frames), "--audio-rate", str(options.audio_rate)]
    command = [sys.executable, __file__, "--one", mode, str(workers), *given]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)  # noqa: S603 - this very script
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


class Bounded(ClipStream):
    """So many batches of a stream: of an endless one, processes would prepare some that nobody waits for."""

    def __init__(self, clips: ClipDataset, batch_size: int, batches: int) -> None:
        super().__init__(clips, batch_size)
        self._batches, self._size = batches, batch_size

    def __iter__(self) -> Iterator[ClipItem]:
        worker = get_worker_info()
        mine = range(worker.id if worker else 0, self._batches, worker.num_workers if worker else 1)
        return itertools.islice(super().__iter__(), len(mine) * self._size)


def measure(options: argparse.Namespace, mode: str, workers: int) -> dict[str, float]:
    """Load batches, and count frames, seconds, CPU seconds of all processes and memory."""
    clips = dataset(options, cache=mode in ("filling", "cached"), anew=mode == "filling")
    count = (min(options.clips, len(clips)) if mode == "filling" else options.clips) // options.batch
    chosen = chosen_clips(clips, count, options.batch)
    loader = DataLoader(clips, batch_sampler=chosen, num_workers=workers)
    if mode == "stream":
        stream = Bounded(clips, options.batch, count)
        loader = DataLoader(stream, options.batch, num_workers=workers)
        chosen = [[stream.order.at(position).clip for position in range(count * options.batch)]]
    used = {index for batch in chosen for index in batch}
    if mode == "cached":
        for index in used:
            clips[index]
    for path in {clips.folders[clips.folder(index)] / clips.sample(index).shard for index in used}:
        path.read_bytes()  # into the page cache: reading is measured by itself
    wall, cpu, main = time.perf_counter(), cpu_seconds(), time.process_time()
    frames = 0
    for batch in loader:
        frames += batch["video"].shape[0] * batch["video"].shape[1]
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "frames": frames,
        "fps": frames / wall,
        "fps_core": frames / cpu,
        "main_ms": (time.process_time() - main) / count * 1e3,
        "main_mb": peaks[0],
        "worker_mb": peaks[1] if workers else 0.0,
    }


def dataset(options: argparse.Namespace, cache: bool = False, anew: bool = False) -> ClipDataset:
    """The clips; `anew` empties the cache first."""
    for file in options.cache.glob("*") if anew else ():
        file.unlink()
    folder = options.cache if cache else None
    form = options.audio_rate, options.clip_frames
    return ClipDataset(options.data, "train", *form, mirror=True, cache=cache, cache_folder=folder)


def chosen_clips(clips: ClipDataset, count: int, batch: int) -> list[list[int]]:
    """Batches as the training takes them at random."""
    order = BatchOrder(len(clips), batch, seed=0)
    epochs = (order.batches(epoch) for epoch in itertools.count())
    return list(itertools.islice(itertools.chain.from_iterable(epochs), count))


def cpu_seconds() -> float:
    """Of this process and of those it has waited for: the loader waits for its processes when it is through."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def costs(clips: ClipDataset, options: argparse.Namespace) -> dict[str, float]:
    """CPU milliseconds that each part of preparing a clip takes, by itself, and the whole."""
    chosen = range(min(32, len(clips)))
    samples = [(clips.folders[clips.folder(i)], clips.sample(i)) for i in chosen]
    parts = [{suffix: read_member(*sample, suffix) for suffix in ("mp4", "flac", "npz")} for sample in samples]
    sounds = [decode_audio(part["flac"]) for part in parts]
    shapes = [(min(sample.frames, options.clip_frames), 3, clips.height, clips.width) for _, sample in samples]
    jobs: dict[str, Callable[[int], object]] = {
        "reading and CRC": lambda i: [read_member(*samples[i], suffix) for suffix in ("mp4", "flac", "npz")],
        "H.264": lambda i: decode_planes(parts[i]["mp4"], shapes[i]),
        "FLAC": lambda i: decode_audio(parts[i]["flac"]),
        f"resampling to {options.audio_rate} Hz": lambda i: (
            sounds[i][1] == options.audio_rate or soxr.resample(sounds[i][0], sounds[i][1], options.audio_rate)
        ),
        "landmarks": lambda i: decode_array(parts[i]["npz"], "landmarks"),
    }
    spent = {name: cpu_ms(job, chosen) for name, job in jobs.items()}
    whole = cpu_ms(lambda i: clips[i], chosen)
    return {
        **spent,
        "the rest: index, mirroring, copies": whole - sum(spent.values()),
        "a clip": whole,
        "stored KB": statistics.mean(sum(map(len, part.values())) for part in parts) / 1e3,
    }


def cpu_ms(job: Callable[[int], object], chosen: range) -> float:
    """CPU milliseconds of a job, the best of three times over all clips."""
    times = []
    for _ in range(3):
        begun = time.process_time()
        for index in chosen:
            job(index)
        times.append(time.process_time() - begun)
    return min(times) / len(chosen) * 1e3


def table(report: dict[str, Any]) -> str:
    """The report as Markdown tables."""
    lines = [*head(report), *body(report)]
    costs_ms = report["costs"]
    whole = costs_ms["a clip"]
    lines += [
        "",
        f"One clip, {costs_ms['stored KB']:.0f} KB as stored:",
        "",
        "| part | CPU ms | share |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {value:.2f} | {value / whole:.0%} |" for name, value in costs_ms.items() if name != "stored KB"
    ]
    if report["reading"]:
        lines += ["", "| one epoch from disk | MB read |", "|---|---|"]
        lines += [f"| {name} | {value:.0f} |" for name, value in report["reading"].items()]
    return "\n".join(lines)


def head(report: dict[str, Any]) -> Iterator[str]:
    """What was measured."""
    yield f"{report['clips']} clips a measurement, medians of {report['rounds']} rounds; {report['machine']}"
    yield ""
    yield (
        "| clips | loader processes | frames/s | faster | frames per CPU second | training process, CPU ms a batch "
        "| MB | MB a loader process |"
    )
    yield "|---|---|---|---|---|---|---|---|"


def body(report: dict[str, Any]) -> Iterator[str]:
    """A row for each measurement."""
    for row in report["results"]:
        yield (
            f"| {MODES[row['mode']]} | {row['workers']} | {row['fps']:.0f} | {row['faster']:.2f}x | "
            f"{row['fps_core']:.0f} | {row['main_ms']:.1f} | {row['main_mb']:.0f} | {row['worker_mb']:.0f} |"
        )


if __name__ == "__main__":
    main()
