"""Time the full-size generator: the authors' form of the network in eager fp32 PyTorch against our engines.

Every contender is a process of its own, so that peak memory is its own; they take turns for several rounds, so that
whatever else the machine does falls on all alike. Only ratios within one run mean something.

    python benchmarks/generator.py                      # table, and benchmarks/generator.json
    python benchmarks/generator.py --rounds 7 --frames 75 --threads 2
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BASELINE = "authors"
CONTENDERS = (BASELINE, "torch-f32", "openvino-f32", "openvino-bf16")
CALL_FRAMES = 24  # windows for each call of a session


def main() -> None:
    """Run the contenders in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=75)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="CPU cores that each contender may use")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--worker", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.frames, options.threads)
        return
    report = compare(options)
    options.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(table(report))


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Start a worker for each contender, and let them take turns."""
    workers: dict[str, subprocess.Popen[str]] = {}
    loaded: dict[str, dict[str, float]] = {}
    for name in options.only:
        command = [sys.executable, __file__, "--worker", name]
        command += ["--frames", str(options.frames), "--threads", str(options.threads)]
        worker = subprocess.Popen(  # noqa: S603 - this very script
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        workers[name] = worker
        loaded[name] = ask(worker, "")
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
    for _ in range(options.rounds):
        for name, worker in workers.items():
            rounds[name].append(ask(worker, "run\n"))
    for worker in workers.values():
        worker.communicate("")
    results = {name: summary(loaded[name], rounds[name]) for name in workers}
    if BASELINE in results:
        for name, result in results.items():
            ratios = [a["wall_s"] / b["wall_s"] for a, b in zip(rounds[BASELINE], rounds[name], strict=True)]
            result["speedup"] = statistics.median(ratios)
            result["cpu_speedup"] = results[BASELINE]["cpu_s"] / result["cpu_s"]
    return {
        "frames": options.frames,
        "rounds": options.rounds,
        "threads": options.threads,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end",
        "results": results,
    }


def ask(worker: subprocess.Popen[str], line: str) -> dict[str, float]:
    """Send a line to a worker, and wait for what it has measured."""
    if worker.stdin is None or worker.stdout is None:
        raise RuntimeError("the worker has no pipes")
    worker.stdin.write(line)
    worker.stdin.flush()
    answer: dict[str, float] = json.loads(worker.stdout.readline())
    return answer


def summary(loaded: dict[str, float], rounds: list[dict[str, float]]) -> dict[str, float]:
    """Medians of the rounds."""
    return {
        "load_cpu_s": loaded["load_cpu_s"],
        "wall_s": statistics.median(entry["wall_s"] for entry in rounds),
        "wall_best_s": min(entry["wall_s"] for entry in rounds),
        "cpu_s": statistics.median(entry["cpu_s"] for entry in rounds),
        "cpu_best_s": min(entry["cpu_s"] for entry in rounds),
        "peak_mb": max(entry["peak_mb"] for entry in rounds),
    }


def table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    lines = [
        f"{report['frames']} frames, {report['threads']} threads, medians of {report['rounds']} rounds; "
        f"{report['machine']}",
        "",
        "| form | seconds | best | CPU seconds | faster | faster by CPU time | load CPU s | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, result in report["results"].items():
        ratios = (f"{result[key]:.1f}x" if key in result else "-" for key in ("speedup", "cpu_speedup"))
        lines.append(
            f"| {name} | {result['wall_s']:.2f} | {result['wall_best_s']:.2f} | {result['cpu_s']:.2f} | "
            f"{' | '.join(ratios)} | {result['load_cpu_s']:.1f} | {result['peak_mb']:.0f} |"
        )
    return "\n".join(lines)


def work(name: str, frames: int, threads: int) -> None:
    """Be a contender: load, warm up, then generate the clip for every line that comes in."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import torch

    torch.set_num_threads(threads)
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "models")]
    generate, load_cpu_s = contender(name, frames)
    generate()
    print(json.dumps({"load_cpu_s": load_cpu_s}), flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        generate()
        measured = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        measured["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(measured), flush=True)


def contender(name: str, frames: int) -> tuple[Any, float]:
    """The function that generates the clip in one contender's way, and the CPU seconds that making the runtime took."""
    import numpy as np
    import torch

    random = np.random.default_rng(0)
    source = random.integers(0, 256, (128, 96, 3), np.uint8)
    windows = random.normal(0, 0.2, (frames, 10_000)).astype(np.float32)
    if name == BASELINE:
        from sda_reference import authors_frames, random_checkpoint

        checkpoint = random_checkpoint()
        image = torch.from_numpy(source).permute(2, 0, 1) / 127.5 - 1
        noise = torch.randn(frames, 10) * 0.33

        def whole_clip() -> object:
            video = authors_frames(checkpoint, image, torch.from_numpy(windows), noise)
            return (video * 125 + 125).byte().numpy()

        return whole_clip, 0.0

    from orate.models.config import ModelConfig
    from orate.models.generator import Generator
    from orate.models.runtime import Runtime

    engine, precision = name.split("-")
    generator = Generator(ModelConfig()).eval()
    start = time.process_time()  # CPU seconds: other programs count less
    runtime = Runtime(generator, engine, precision="auto" if engine == "torch" else precision)  # type: ignore[arg-type]
    load_cpu_s = time.process_time() - start

    def in_parts() -> object:
        session = runtime.session(source, seed=0)
        return [session.frames(windows[first : first + CALL_FRAMES]) for first in range(0, frames, CALL_FRAMES)]

    return in_parts, load_cpu_s


if __name__ == "__main__":
    main()
