"""Time the training of a recipe on this machine, count its operations, and say what the paper's training would take.

A step is that of `orate train`, on random pictures and sound, so no data is needed and no loader waits. Every
measurement is a process of its own. Operations are counted by torch.utils.flop_counter, forward and backward, over
generator and discriminators; a multiplication with its addition is two of them. What is computed from stated figures of
a device, not measured, stands in tables of its own.

    python benchmarks/training.py                                  # paper and paper-small, on what there is
    python benchmarks/training.py paper --peak-tflops 989 --utilisation 0.2 0.4 --gpus 1 8 64 --dollars-per-hour 3
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.utils.flop_counter import FlopCounterMode

from orate.training.config import TrainConfig, load_config
from orate.training.gan import Gan
from orate.training.precision import wants_bf16

SAMPLES = 164_109  # the paper's training part: GRID, TCD-TIMIT, CREMA-D, LRW
EPOCHS = 10  # of the bundled recipe: 100,000 steps of 16 clips
COUNTED_BATCH = 1  # operations grow with the batch in proportion
MEMORY_SHARE = 0.6  # of what is free; a larger batch is not tried on a CPU
LOADER_FILE = Path(__file__).with_name("loader.json")


def main() -> None:
    """Measure each recipe and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=["paper", "paper-small"], help="as for `orate train`")
    parser.add_argument("--set", action="append", default=[], dest="settings", help="section.field=value")
    parser.add_argument("--steps", type=int, default=3, help="steps in a measurement, after one to warm up")
    parser.add_argument(
        "--batch", type=int, nargs="+", help="clips of a batch; otherwise the recipe's, on a CPU 1 and 2 as well"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="clips of the corpus")
    parser.add_argument("--epochs", type=float, default=EPOCHS)
    parser.add_argument("--peak-tflops", type=float, default=989.0, help="of one GPU; an H100 in bf16 has 989")
    parser.add_argument(
        "--utilisation", type=float, nargs="+", default=[0.1, 0.2, 0.4], help="part of it that is reached"
    )
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--scaling", type=float, default=0.9, help="part of the speed that several GPUs keep")
    parser.add_argument("--dollars-per-hour", type=float, default=3.0, help="of one GPU")
    parser.add_argument(
        "--loader-fps", type=float, help="frames/s that a CPU core loads; else from benchmarks/loader.json"
    )
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(recipe(options, options.one[0]), int(options.one[1]), options.steps)))
        return
    report = {"machine": machine(), "recipes": {name: measured(options, name) for name in options.recipes}}
    options.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(tables(report, options))


def recipe(options: argparse.Namespace, name: str) -> TrainConfig:
    """The recipe as it is to be run."""
    return load_config(name, [*options.settings, f"run.accelerator={options.device}", "run.devices=1"])


def machine() -> str:
    """What is measured on."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    load = f"load {os.getloadavg()[0]:.1f} before"
    return f"{platform.machine()}, {os.cpu_count()} cores, {load}; {name}; torch {torch.__version__}"


def measured(options: argparse.Namespace, name: str) -> list[dict[str, Any]]:
    """Measurements of a recipe, a batch size each; batches that find no memory are left out, and told."""
    config = recipe(options, name)
    on_gpu = torch.cuda.is_available() and options.device in ("auto", "cuda", "gpu")
    batches = options.batch or sorted({config.data.batch_size, *(() if on_gpu else (1, 2))})
    found: list[dict[str, Any]] = []
    for batch in batches:
        needed = 0.0 if on_gpu else expected_gb(found, batch)
        if needed > MEMORY_SHARE * free_gb():
            told = f"about {needed:.0f} GB, {free_gb():.0f} GB are free"
            print(f"{name}: a batch of {batch} clips is left out, for it needs {told}.", file=sys.stderr)
            continue
        given = [word for setting in options.settings for word in ("--set", setting)]
        given += ["--steps", str(options.steps), "--device", options.device]
        command = [sys.executable, __file__, "--one", name, str(batch), *given]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603 - this very script
        if done.returncode:
            print(f"{name}: a batch of {batch} clips failed, most likely for lack of memory.", file=sys.stderr)
            continue
        found.append(json.loads(done.stdout))
    return found


def expected_gb(found: list[dict[str, Any]], batch: int) -> float:
    """Memory that a batch will need, along the line through the last two measurements; 0 where there are fewer."""
    if len(found) < 2:
        return 0.0
    one, other = found[-2:]
    slope = (other["peak_gb"] - one["peak_gb"]) / (other["batch"] - one["batch"])
    return float(other["peak_gb"] + slope * (batch - other["batch"]))


def free_gb() -> float:
    """Memory that could be had, where the system tells; otherwise there is no limit."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable"):
                return int(line.split()[1]) / 1e6
    return float("inf")


def measure(config: TrainConfig, batch: int, steps: int) -> dict[str, Any]:
    """Seconds of a step in each phase of a recipe, its memory and its operations."""
    config = config.model_copy(update={"data": config.data.model_copy(update={"batch_size": batch})})
    bf16 = wants_bf16(config.run.precision, config.run.accelerator)
    fabric = Fabric(accelerator=config.run.accelerator, devices=1, precision="bf16-mixed" if bf16 else "32-true")
    gan = Gan(config, fabric, steps_per_epoch=1000)
    batch_of = clip(config, batch, fabric.device)
    found: dict[str, Any] = {"batch": batch, "device": str(fabric.device), "precision": "bf16" if bf16 else "fp32"}
    found["clip_frames"], found["drawn_frames"] = config.data.clip_frames, gan.drawn_frames
    phases = {}
    for phase, (first, share) in phases_of(config).items():
        gan.step(first, batch_of)
        walls, cpus = [], []
        for _ in range(steps):
            wall, cpu = time.perf_counter(), time.process_time()
            gan.step(first, batch_of)  # gives numbers, so it waits for the device
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        phases[phase] = {
            "share": share,
            "seconds": statistics.median(walls),
            "best_seconds": min(walls),
            "cpu_seconds": statistics.median(cpus),
        }
    on_gpu = fabric.device.type == "cuda"
    peak = torch.cuda.max_memory_allocated() if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found["peak_gb"] = peak / 1e9
    for phase, operations in count(config).items():
        phases[phase]["tflop"] = operations * batch / 1e12
    return {**found, "phases": phases}


def phases_of(config: TrainConfig) -> dict[str, tuple[int, float]]:
    """Phases of a recipe by name: a step in it, and its share of the run."""
    steps, draws, judged = config.run.steps, config.losses.pixels_from, config.losses.adversarial_from
    begins = {"listening": 0, "drawing": draws, "with critics": max(draws, judged)}
    names = list(begins)
    ends = [*(begins[name] for name in names[1:]), steps]
    return {
        name: (begins[name], (end - begins[name]) / steps)
        for name, end in zip(names, ends, strict=True)
        if begins[name] < min(end, steps)
    }


def clip(config: TrainConfig, batch: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A batch of noise: video, sound, landmarks."""
    frames, (height, width) = config.data.clip_frames, config.model.image_size
    video = torch.randint(0, 256, (batch, frames, 3, height, width), dtype=torch.uint8, device=device)
    audio = torch.rand(batch, round(frames * config.model.audio_rate / config.model.fps), device=device) - 0.5
    return video, audio, torch.rand(batch, frames, 478, 2, device=device) * width


def count(config: TrainConfig) -> dict[str, float]:
    """Operations of a step for each clip, by phase; on the CPU, where recurrent nets are counted as well."""
    gan = Gan(config, Fabric(accelerator="cpu", devices=1, precision="32-true"), steps_per_epoch=1000)
    batch_of = clip(config, COUNTED_BATCH, torch.device("cpu"))
    found = {}
    for phase, (first, _) in phases_of(config).items():
        with FlopCounterMode(display=False) as counter:
            gan.step(first, batch_of)
        found[phase] = counter.get_total_flops() / COUNTED_BATCH
    return found


def tables(report: dict[str, Any], options: argparse.Namespace) -> str:
    """The report as Markdown."""
    lines = [f"Measured; {report['machine']}", ""]
    lines += [
        "| recipe | phase | part of the run | device | clips a batch | s a step | best | CPU s a step | frames/s "
        "| TFLOP a step | TFLOPS reached | memory GB |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, batches in report["recipes"].items():
        for entry in batches:
            for phase, one in entry["phases"].items():
                device = f"{entry['device']}, {entry['precision']}"
                lines.append(
                    f"| {name} | {phase} | {one['share']:.0%} | {device} | {entry['batch']} "
                    f"| {one['seconds']:.2f} | {one['best_seconds']:.2f} | {one['cpu_seconds']:.2f} "
                    f"| {entry['batch'] * entry['clip_frames'] / one['seconds']:.1f} | {one['tflop']:.3f} "
                    f"| {one['tflop'] / one['seconds']:.3f} | {entry['peak_gb']:.1f} |"
                )
    for name, batches in report["recipes"].items():
        if batches:
            lines += ["", *estimate(name, batches[-1], options)]
    return "\n".join(lines)


def estimate(name: str, entry: dict[str, Any], options: argparse.Namespace) -> list[str]:
    """What the corpus takes on stated devices."""
    phases = entry["phases"].values()
    tflop = sum(one["share"] * one["tflop"] for one in phases) / entry["batch"]
    clips = options.samples * options.epochs
    loader = options.loader_fps or loader_fps()
    loaded = f", {options.cores} CPU cores of {loader:.0f} frames/s each" if loader else ""
    lines = [
        f"Computed, not measured: `{name}` on {options.samples:,} clips of {entry['clip_frames']} frames, "
        f"{options.epochs:g} epochs, {tflop:.3g} TFLOP a clip; GPUs of {options.peak_tflops:g} TFLOPS at "
        f"{options.dollars_per_hour:g} dollars an hour{loaded}; several keep {options.scaling:.0%} of their speed",
        "",
        "| GPUs | utilisation | hours | dollars | frames/s | limited by | CPU cores a GPU that would keep up |",
        "|---|---|---|---|---|---|---|",
    ]
    for gpus in options.gpus:
        for part in options.utilisation:
            one = options.peak_tflops * part * (options.scaling if gpus > 1 else 1) / tflop * entry["clip_frames"]
            fed = options.cores * loader if loader else math.inf
            hours = clips * entry["clip_frames"] / (gpus * min(one, fed)) / 3600
            lines.append(
                f"| {gpus} | {part:.0%}, stated | {hours:,.2f} | {hours * gpus * options.dollars_per_hour:,.0f} "
                f"| {gpus * min(one, fed):,.0f} | {'the GPU' if one < fed else 'loading'} "
                f"| {f'{one / loader:.1f}' if loader else '-'} |"
            )
    ways = {f"this machine ({entry['device']})": "seconds"}
    ways |= {"one CPU core, by its CPU seconds": "cpu_seconds"} if entry["device"] == "cpu" else {}
    for who, key in ways.items():
        speed = entry["batch"] / sum(one["share"] * one[key] for one in phases)
        hours = clips / speed / 3600
        lines.append(f"| {who} | as measured | {hours:,.0f} | - | {speed * entry['clip_frames']:,.1f} | - | - |")
    return lines


def loader_fps() -> float | None:
    """Frames a CPU second of the stream, as benchmarks/loader.py measured it; None where it has not run."""
    if not LOADER_FILE.is_file():
        return None
    rows = json.loads(LOADER_FILE.read_text(encoding="utf-8"))["results"]
    found = [entry["fps_core"] for entry in rows if entry["mode"] == "stream"]
    return statistics.median(found) if found else None


if __name__ == "__main__":
    main()
