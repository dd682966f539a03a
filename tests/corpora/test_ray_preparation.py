"""The same preparation on a Ray cluster: two nodes on this machine; processes and a node are lost midway."""

import os
import pickle
import signal
import sys
from pathlib import Path

import pytest
from fake_clips import SHARD_BYTES as FAKE_SHARD_BYTES
from fake_clips import fake_clips, prepare_fake
from fatal_clip import FATAL, prepare_or_die
from ray_cluster import descendants, two_nodes

from orate import __version__
from orate.corpora.attempts import MOST_ATTEMPTS
from orate.corpora.clip import PrepareSettings
from orate.corpora.engine import Task
from orate.corpora.grid import find_clips
from orate.corpora.prepare import prepare
from orate.corpora.ray_cluster import connected
from orate.corpora.ray_engine import ClipWorker, RayEngine
from orate.corpora.worker import Record, record_path
from orate.errors import OrateError

SETTINGS, SHARD_BYTES = PrepareSettings(voice=False), 600_000  # as in conftest
PIPELINE = "MapWorker"  # what Ray calls the processes of a pipeline


pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:ray\..*")  # it warns of its own defaults


@pytest.fixture(scope="module")
def cluster():
    with two_nodes() as nodes, connected(nodes.address):
        yield nodes


def folder_bytes(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file()}


def kill_pipeline():
    """Kill every process of the pipeline; how many there were."""
    found = [number for number, command in descendants(os.getpid()).items() if PIPELINE in command]
    for number in found:
        os.kill(number, signal.SIGKILL)
    return len(found)


def test_killed_processes_and_an_interruption_change_nothing(cluster, grid, prepared, tmp_path):
    """Ctrl-C after the first clip, then again, every process killed after the next: the bytes of an undisturbed run."""
    clips, killed, redone = find_clips(grid, ["s1", "unseen"]), [], []

    def run(progress):
        engine = RayEngine(workers=2)
        return prepare(clips, tmp_path / "out", SETTINGS, engine=engine, shard_bytes=SHARD_BYTES, progress=progress)

    def interrupt(done, total):
        if done:
            raise KeyboardInterrupt

    def kill_once(done, total):
        redone.append(done)
        if len(redone) == 2:
            killed.append(kill_pipeline())

    with pytest.raises(KeyboardInterrupt):
        run(interrupt)
    assert not (tmp_path / "out" / "index.json").exists()
    report = run(kill_once)
    assert redone == list(range(redone[0], len(clips) + 1))
    assert redone[0] >= 1  # what was finished is not prepared again
    assert killed[0] >= 1
    assert report.summary() == prepared[1].summary()
    assert folder_bytes(tmp_path / "out") == folder_bytes(prepared[0])


def test_lost_node_and_a_fatal_clip(cluster, tmp_path, monkeypatch):
    """A node goes midway, and one clip kills whoever takes it: all others come, each once, and that one is dropped."""
    monkeypatch.chdir(tmp_path)
    clips, seen = fake_clips(Path("source"), 40), []

    def lose(done, total):
        seen.append(done)
        if len(seen) == 3:
            cluster.lose_second()

    try:
        report = prepare(
            clips,
            Path("out"),
            engine=RayEngine(),
            prepare_clip=prepare_or_die,
            shard_bytes=FAKE_SHARD_BYTES,
            progress=lose,
        )
    finally:
        cluster.get_second()
    assert seen == list(range(len(clips) + 1))
    reasons = {clip.key: clip.reason for clip in report.dropped}
    assert reasons.pop(FATAL) == "crashed the process"
    assert set(reasons.values()) == {"no face"}
    kept = [sample.key for sample in report.index.samples]
    assert sorted([*kept, *reasons, FATAL]) == [clip.key for clip in clips]
    assert 3 <= (tmp_path / "out" / ".prepare" / "begun").stat().st_size <= MOST_ATTEMPTS


@pytest.fixture
def worker_of(tmp_path):
    """An actor without Ray: (name, version) -> it, in a folder that has the mark of the run "here"."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".seen-here").touch()
    return lambda name="here", version=__version__: ClipWorker(
        Task(PrepareSettings(), tmp_path / "work", prepare_fake), name, version, Path.cwd()
    )


def test_machines_that_cannot_work_say_so(worker_of, tmp_path):
    (clip,) = fake_clips(tmp_path / "source", 1)
    row = {"clip": pickle.dumps(clip)}
    assert worker_of()(row) == {"key": clip.key, "crashed": False, "error": ""}
    assert Record.model_validate_json(record_path(tmp_path / "work", clip.key).read_bytes()).sample
    assert "does not see" in worker_of("elsewhere")(row)["error"]
    assert "install the same release" in worker_of(version="0.0")(row)["error"]
    clip.video.unlink()
    assert f"does not see {clip.video}" in worker_of()(row)["error"]


def test_without_ray_or_a_cluster_one_sentence(monkeypatch, tmp_path):
    clips, task = fake_clips(tmp_path, 1), Task(PrepareSettings(), tmp_path)
    with (
        pytest.raises(OrateError, match=r"No Ray cluster answers at 127\.0\.0\.1:1 "),
        RayEngine("127.0.0.1:1").run(clips, task),
    ):
        pass
    with (
        pytest.raises(OrateError, match="on a machine of the cluster"),
        RayEngine("ray://there:10001").run(clips, task),
    ):
        pass
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OrateError, match=r"pip install 'orate\[ray\]'"), RayEngine().run(clips, task):
        pass
