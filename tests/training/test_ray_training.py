"""The same training under Ray Train: two nodes on this machine, a worker on each; one is killed midway."""

import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml
from ray_cluster import two_nodes
from ray_victim import KILL_AT, SIGNAL_AT, fail, train_and_suffer
from safetensors.torch import load_file
from synthetic_corpus import SHRINK
from typer.testing import CliRunner

from orate.cli.main import app
from orate.cli.train_ray import Cluster, EngineName, cluster_of
from orate.corpora.ray_cluster import connected
from orate.errors import OrateError
from orate.training.ray_patience import MOST_FAILURES, patience
from orate.training.ray_run import cores_of_each, count_workers, train_on_ray
from orate.training.signals import obey_signals, request_stop
from orate.training.state import load_state
from orate.training.trainer import STATE_FILE

STEPS, SAVE_EVERY = 12, 2
WAIT_S = 180
COMMAND = ["train", "paper-small", "--steps", str(STEPS), "-q"]
SETTINGS = [*SHRINK, f"run.save_every={SAVE_EVERY}", "losses.pixels_from=1", "losses.adversarial_from=2"]

pytestmark = [
    pytest.mark.skipif(
        not (torch.distributed.is_available() and torch.distributed.is_gloo_available()), reason="torch without gloo"
    ),
    pytest.mark.filterwarnings(r"ignore::DeprecationWarning:ray\..*"),  # it warns of its own defaults
]


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.5")
        with two_nodes() as nodes, connected(nodes.address):
            yield nodes


def arguments(corpus: Path, run: Path, *more: str) -> list[str]:
    sets = [word for setting in SETTINGS for word in ("--set", setting)]
    return [*COMMAND, "--data", str(corpus), "-o", str(run), *sets, *more]


def train_without_ray(corpus: Path, run: Path) -> subprocess.Popen[str]:
    """Two processes of Fabric's own; a file, for the second one is started by its name."""
    script = run.with_suffix(".py")
    script.write_text("from orate.cli.main import main\nmain()\n")
    source = str(Path(__file__).parents[2] / "src")
    paths = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable, str(script), *arguments(corpus, run, "--devices", "2")],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )


def assert_same(first: object, second: object, name: str = "") -> None:
    """Bit for bit."""
    if isinstance(first, dict):
        assert first.keys() == second.keys(), name
        for key, value in first.items():
            assert_same(value, second[key], f"{name}/{key}")
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second), name
    else:
        assert first == second, name


def test_a_signal_and_a_killed_worker_change_no_number(cluster, corpus, tmp_path, monkeypatch):
    """SIGTERM saves and stops; the same command goes on, loses a worker, and ends as two processes without Ray do."""
    reference = train_without_ray(corpus, tmp_path / "reference")
    (tmp_path / "driver").write_text(str(os.getpid()))
    monkeypatch.setattr("orate.cli.train_pictures.train_on_worker", train_and_suffer)
    command = arguments(corpus, tmp_path / "run", "--engine", "ray", "--ray-workers", "2")

    stopped = CliRunner().invoke(app, command)
    assert stopped.exit_code == 128 + signal.SIGTERM, stopped.output
    assert "Stopped and saved" in stopped.output
    assert load_state(tmp_path / "run" / STATE_FILE)["step"] == SIGNAL_AT + 1

    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "run" / "model") in done.stdout.splitlines()
    saved_at = KILL_AT - KILL_AT % SAVE_EVERY  # the second worker was killed in the step after that
    assert (tmp_path / "lives").read_text().split() == ["0", str(SIGNAL_AT + 1), str(saved_at)]

    _, errors = reference.communicate(timeout=WAIT_S)
    assert reference.returncode == 0, errors
    mine, theirs = (load_state(tmp_path / name / STATE_FILE) for name in ("run", "reference"))
    assert mine["step"] == STEPS
    assert_same(theirs, mine)
    files = [sorted(path.name for path in (tmp_path / name).rglob("*")) for name in ("run", "reference")]
    assert not any(name.startswith(".") for name in files[0])
    recipes = [yaml.safe_load((tmp_path / name / "config.yaml").read_text()) for name in ("run", "reference")]
    assert recipes[0] == recipes[1]
    assert_same(*(load_file(tmp_path / name / "model" / "model.safetensors") for name in ("run", "reference")))


def test_what_a_person_must_mend_ends_the_run_at_once(cluster, tmp_path):
    """It is no failure to try again; and what a worker tells arrives."""
    news = []
    with pytest.raises(OrateError, match=r"^mend this$"):
        train_on_ray(partial(fail, tmp_path), tmp_path / "run", workers=1, show=lambda *told: news.append(told))
    assert (tmp_path / "attempts").read_text() == "."
    assert news == [("steps", 1, 1, {"l1": 0.5})]
    assert not list((tmp_path / "run").glob(".seen*"))


def test_workers_are_as_many_as_the_cluster_has_places_for():
    big, small, head = {"CPU": 16.0, "GPU": 4.0}, {"CPU": 8.0, "GPU": 2.0}, {"CPU": 0.0}
    machines = [big, small, head]
    assert count_workers(machines, use_gpu=True) == 6
    assert count_workers(machines, use_gpu=False) == 2
    assert cores_of_each(machines, 6, use_gpu=True) == 4
    assert cores_of_each(machines, 2, use_gpu=False) == 8
    assert cores_of_each(machines, 1, use_gpu=False) == 16
    assert cores_of_each(machines, 3, use_gpu=False) == 8
    assert cores_of_each(machines, 7, use_gpu=True) == 0
    with pytest.raises(OrateError, match="leave out --use-gpu"):
        count_workers([head, {"CPU": 2.0}], use_gpu=True)


def test_failures_without_a_step_forward_are_counted(tmp_path):
    pytest.importorskip("ray")
    state = tmp_path / STATE_FILE
    callback, error = patience(state), {1: RuntimeError("lost\nthe peer")}
    for number in range(2 * MOST_FAILURES):
        state.write_text("saved")
        os.utime(state, ns=(number, number + 1))
        callback.after_exception(None, error)  # the first one since that state
    for _ in range(MOST_FAILURES - 2):
        callback.after_exception(None, error)
    with pytest.raises(OrateError, match=r"no state saved between \(the peer\)"):
        callback.after_exception(None, error)
    with pytest.raises(OrateError, match="mend this"):
        callback.after_exception(None, {0: RuntimeError("lost"), 1: OrateError("mend this")})


def test_a_run_outside_the_main_thread_stops_when_asked():
    asked, begun = [], threading.Event()

    def run() -> None:
        with obey_signals(asked.append):
            begun.set()
            while not asked:
                pass

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    request_stop(signal.SIGTERM)
    thread.join(WAIT_S)
    assert asked == [signal.SIGTERM]


def test_options_of_one_engine_with_the_other(monkeypatch):
    assert cluster_of(EngineName.LOCAL, None, None, False, "cuda", 2) is None
    assert cluster_of(EngineName.RAY, "auto", 3, True, "auto", None) == Cluster("auto", 3, True)
    with pytest.raises(OrateError, match="give --engine ray too"):
        cluster_of(EngineName.LOCAL, None, 2, False, "auto", None)
    with pytest.raises(OrateError, match="leave out --device and --devices"):
        cluster_of(EngineName.RAY, None, None, False, "auto", 2)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OrateError, match=r"pip install 'orate\[ray\]'"):
        cluster_of(EngineName.RAY, None, None, False, "auto", None)
    with pytest.raises(OrateError, match=r"pip install 'orate\[ray\]'"):
        train_on_ray(lambda place: None, Path("run"), show=lambda *news: None)
