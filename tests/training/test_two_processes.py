"""Two processes on the CPU train in step (DDP over gloo), as several GPUs do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import torch.distributed
from synthetic_corpus import SHRINK

from orate.training.config import RunConfig
from orate.training.state import load_state
from orate.training.trainer import STATE_FILE, is_parallel

WAIT_S = 180
# A file, for the second process is started by its name. It writes down what each process holds in the end.
SCRIPT = """
import os, sys
import torch
torch.set_num_threads(1)
from orate.training import trainer
from orate.training.state import save_state
fit = trainer.Trainer.fit

def fit_and_tell(self, progress=None):
    stopped_by = fit(self, progress)
    file = self.folder.parent / f"rank-{self.fabric.global_rank}.safetensors"
    save_state(file, {"step": self.step, "world": self.fabric.world_size, "gan": self.gan.state_dict()})
    return stopped_by

trainer.Trainer.fit = fit_and_tell
from orate.cli.main import main
main()
"""

pytestmark = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()), reason="torch without gloo"
)


def start(folder: Path, corpus: Path, *options: str) -> subprocess.Popen[str]:
    script = folder / "train_and_tell.py"
    script.write_text(SCRIPT)
    settings = [*SHRINK, "losses.pixels_from=1", "losses.adversarial_from=2"]
    sets = [word for setting in settings for word in ("--set", setting)]
    command = ["train", "paper-small", "--data", str(corpus), "-o", str(folder / "run"), "--devices", "2", "-q"]
    source = str(Path(__file__).parents[2] / "src")
    paths = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable, str(script), *command, *sets, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )


def finish(run: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        _, errors = run.communicate(timeout=WAIT_S)
    except subprocess.TimeoutExpired:
        run.kill()  # the second process ends when it misses the first
        run.communicate()
        raise
    return run.returncode, errors


def ranks(folder: Path) -> list[dict]:
    """What the processes wrote down; the second one may end a moment after the first."""
    files = [folder / f"rank-{rank}.safetensors" for rank in range(2)]
    deadline = time.monotonic() + WAIT_S
    while not all(file.exists() for file in files) and time.monotonic() < deadline:
        time.sleep(0.05)
    return [load_state(file) for file in files]


def assert_in_step(first: dict, second: dict) -> None:
    """Equal weights; the statistics of the batch norms are each process' own."""
    assert first["world"] == second["world"] == 2
    assert first["step"] == second["step"]
    mine, theirs = (
        {"learner": gan["learner"], "average": gan["average"], **gan["critics"]}
        for gan in (first["gan"], second["gan"])
    )
    assert set(mine) == {"learner", "average", "frame", "sync", "sequence"}
    for network, weights in mine.items():
        for name, value in weights.items():
            if "running_" not in name:
                assert torch.equal(value, theirs[network][name]), f"{network}: {name}"


def test_two_processes_stay_in_step_and_stop_together(corpus, tmp_path):
    """Equal weights after some steps; a signal to one of them ends both, after the same step."""
    run = start(tmp_path, corpus, "--steps", "100000", "--set", "run.save_every=4")
    deadline = time.monotonic() + WAIT_S
    while not (tmp_path / "run" / STATE_FILE).exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    code, errors = finish(run)
    assert code == 143, errors
    first, second = ranks(tmp_path)
    assert first["step"] >= 4
    assert_in_step(first, second)
    saved, name = load_state(tmp_path / "run" / STATE_FILE), "generator.frame_decoder.to_rgb.weight"
    assert saved["step"] == first["step"]
    assert torch.equal(saved["gan"]["learner"][name], first["gan"]["learner"][name])


@pytest.mark.parametrize(
    ("gpus", "run", "parallel"),
    [
        (0, {}, False),
        (1, {}, False),
        (4, {}, True),
        (4, {"accelerator": "cpu"}, False),
        (4, {"devices": 1}, False),
        (0, {"devices": 2}, True),
    ],
)
def test_several_devices_are_in_step_however_they_are_named(monkeypatch, gpus, run, parallel):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert is_parallel(RunConfig(**run)) is parallel
